"""Reading requests: each field's good and bad values; whatever comes is a Message or a ProtocolError."""

import contextlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentinel.arbiter.protocol import ADMIN, read_message
from sentinel.core.codec import decode
from sentinel.core.errors import ProtocolError
from sentinel.core.lease import Binding, Claim, Sharing

CMDS = ["acquire", "release", "status", "watch", *sorted(ADMIN)]


def v1(cmd: str, **fields: Any) -> dict[str, Any]:
    return {"v": 1, "cmd": cmd, **fields}


@pytest.mark.parametrize(
    ("fields", "claim"),
    [
        ({}, Claim()),
        ({"sharing": "shared"}, Claim()),
        ({"count": None, "gpu_ids": None, "memory_bytes": None}, Claim()),
        ({"sharing": "exclusive"}, Claim(sharing=Sharing.EXCLUSIVE)),
        ({"sharing": "exclusive", "count": 2}, Claim(sharing=Sharing.EXCLUSIVE, count=2)),
        ({"sharing": "exclusive", "gpu_ids": ["0", 1]}, Claim(sharing=Sharing.EXCLUSIVE, gpu_ids=("0", "1"))),
        (
            {"sharing": "exclusive", "count": 1, "memory_bytes": 5},
            Claim(sharing=Sharing.EXCLUSIVE, count=1, memory_bytes=5),
        ),
        ({"sharing": "slice", "memory_bytes": 2**34}, Claim(sharing=Sharing.SLICE, memory_bytes=2**34)),
    ],
)
def test_what_is_asked_for(fields: dict[str, Any], claim: Claim) -> None:
    assert read_message(v1("acquire", **fields)).claim == claim


def test_the_rest_of_an_acquire() -> None:
    message = read_message(
        v1("acquire", wait_seconds=0, parent="L1-a", binding="connection", holder="me", command="python x.py")
    )
    assert (message.wait_seconds, message.parent, message.binding) == (0.0, "L1-a", Binding.CONNECTION)
    assert (message.holder, message.command, message.plain) == ("me", "python x.py", False)
    assert read_message(v1("acquire")).wait_seconds is None


@pytest.mark.parametrize("cmd", CMDS)
def test_every_command_is_known_in_version_1(cmd: str) -> None:
    message = read_message(v1(cmd))
    assert (message.cmd, message.plain) == (cmd, False)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({}, "cmd is one of"),
        ({"v": 1}, "cmd is one of"),
        (v1("nope"), "not 'nope'"),
        (v1("ACQUIRE"), "cmd is one of"),
        ({"v": 1, "cmd": None}, "cmd is one of"),
        ({"v": 1, "cmd": ["status"]}, "cmd is one of"),
        ({"v": 2, "cmd": "status"}, "version 2 is not spoken here"),
        ({"v": "1", "cmd": "status"}, "version '1'"),
        ({"v": [], "cmd": "status"}, "version"),
        (v1("status", lease="L1"), "status has no field 'lease'"),
        (v1("acquire", gpus=2), "acquire has no field 'gpus'"),
        (v1("acquire", sharing="mine"), "sharing is one of shared, exclusive, slice"),
        (v1("acquire", sharing="exclusive", count=0), "count is a whole number above 0"),
        (v1("acquire", sharing="exclusive", count=-1), "count is a whole number"),
        (v1("acquire", sharing="exclusive", count=1.0), "count is a whole number"),
        (v1("acquire", sharing="exclusive", count=True), "count is a whole number"),
        (v1("acquire", sharing="exclusive", count="2"), "count is a whole number"),
        (v1("acquire", sharing="exclusive", count=10**30), "count is a whole number"),
        (v1("acquire", count=1), 'go with "sharing": "exclusive"'),
        (v1("acquire", gpu_ids=["0"]), 'go with "sharing": "exclusive"'),
        (v1("acquire", sharing="slice"), "needs memory_bytes"),
        (v1("acquire", sharing="slice", memory_bytes=1, count=1), 'go with "sharing": "exclusive"'),
        (v1("acquire", memory_bytes=1), "memory_bytes goes with"),
        (v1("acquire", sharing="exclusive", gpu_ids="0"), "gpu_ids is a list"),
        (v1("acquire", sharing="exclusive", gpu_ids={"a": 1}), "gpu_ids is a list"),
        (v1("acquire", sharing="exclusive", gpu_ids={}), "gpu_ids is a list"),
        (v1("acquire", sharing="exclusive", gpu_ids=False), "gpu_ids is a list"),
        (v1("acquire", sharing="exclusive", gpu_ids=["0"] * 65), "at most 64"),
        (v1("acquire", sharing="exclusive", gpu_ids=[None]), "gpu_ids is a list"),
        (v1("acquire", sharing="exclusive", gpu_ids=[["0"]]), "gpu_ids is a list"),
        (v1("acquire", sharing="exclusive", gpu_ids=[1.5]), "gpu_ids is a list"),
        (v1("acquire", sharing="exclusive", count=3, gpu_ids=["0"]), "contradict"),
        (v1("acquire", wait_seconds=-1), "number of seconds"),
        (v1("acquire", wait_seconds="5"), "number of seconds"),
        (v1("acquire", wait_seconds=True), "number of seconds"),
        (v1("acquire", wait_seconds=float("inf")), "number of seconds"),
        (v1("acquire", wait_seconds=float("nan")), "number of seconds"),
        (v1("acquire", binding="thread"), "binding is one of tree, connection"),
        (v1("acquire", binding={}), "binding is one of"),
        (v1("acquire", holder=5), "holder is text"),
        (v1("acquire", command=["ls"]), "command is text"),
        (v1("release", lease=1), "lease is text"),
        (v1("evict", lease="L1", keep_running="no"), "keep_running is true or false"),
        (v1("evict", lease="L1", keep_running=1), "keep_running is true or false"),
        (v1("cordon", gpu=0), "gpu is text"),
        ({"cmd": "watch"}, 'watch needs "v": 1'),
        ({"cmd": "pause"}, 'pause needs "v": 1'),
    ],
)
def test_what_is_wrong_is_said(message: dict[str, Any], said: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_message(message)
    assert said in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("cmd", ["acquire", "release", "status"])
def test_the_plain_protocol_takes_what_old_clients_send_and_heeds_the_holder_alone(cmd: str) -> None:
    message = read_message(
        {"cmd": cmd, "holder": "old", "pid": 1, "priority": "high", "sharing": "exclusive", "count": 9}
    )
    assert (message.cmd, message.plain, message.holder, message.claim) == (cmd, True, "old", Claim())


def test_what_others_will_be_shown_has_no_escapes_and_an_end() -> None:
    message = read_message(v1("acquire", holder="a\x1b[31m\n\u202eb\ud800", command="x" * 60_000))
    assert message.holder == "a?[31m??b?"
    assert len(message.command) == 512


def nested(depth: int, front: bytes, back: bytes) -> dict[str, Any]:
    return decode(front + b"[" * depth + b"]" * depth + back)


@pytest.mark.parametrize("depth", [100, 300, 450, 600, 900])
@pytest.mark.parametrize(
    ("front", "back"),
    [
        (b'{"v":1,"cmd":', b"}"),
        (b'{"cmd":"status","v":', b"}"),
        (b'{"v":1,"cmd":"acquire","sharing":"exclusive","gpu_ids":[', b"]}"),
        (b'{"v":1,"cmd":"acquire","sharing":', b"}"),
        (b'{"v":1,"cmd":"acquire","holder":', b"}"),
        (b'{"cmd":"acquire","holder":', b"}"),
        (b'{"v":1,"cmd":"evict","keep_running":', b"}"),
    ],
)
def test_brackets_nested_deeply_are_a_protocol_error_and_never_a_crash(
    depth: int, front: bytes, back: bytes
) -> None:
    """What json may still parse, repr() may no longer show."""
    with contextlib.suppress(ProtocolError):
        read_message(nested(depth, front, back))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["shared", "exclusive", "slice", "tree", "connection", "L1", *CMDS]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
KEYS = [
    *("sharing", "count", "gpu_ids", "memory_bytes", "wait_seconds", "parent", "binding", "holder"),
    *("command", "lease", "reason", "keep_running", "gpu"),
]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "v": st.sampled_from([1, 1, 1, None]) | JSON,
            "cmd": st.sampled_from(CMDS) | JSON,
            **dict.fromkeys(KEYS, JSON),
        },
    )
)
@example({"v": 1, "cmd": "acquire", "sharing": "exclusive", "gpu_ids": [float("nan")]})
def test_anything_is_a_message_with_sound_fields_or_a_protocol_error(raw: dict[str, Any]) -> None:
    try:
        message = read_message(raw)
    except ProtocolError as error:
        assert error.message
        return
    claim = message.claim
    assert message.cmd in CMDS
    assert claim.count is None or claim.count > 0
    assert claim.memory_bytes is None or claim.memory_bytes > 0
    assert message.wait_seconds is None or 0 <= message.wait_seconds < 1e9
    assert all(
        text.isprintable() for text in (message.holder, message.command, message.reason, message.lease)
    )
    assert (claim.count is None and not claim.gpu_ids) or claim.sharing is Sharing.EXCLUSIVE
    assert claim.sharing is not Sharing.SLICE or claim.memory_bytes


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=4))
def test_any_object_at_all(raw: dict[str, Any]) -> None:
    with contextlib.suppress(ProtocolError):
        read_message(raw)
