"""The state file: what survives the arbiter, and what a bad disk or a foreign file does to it (little)."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.arbiter import machine
from sentinel.arbiter.statefile import Saved, StateFile, from_document, to_document
from sentinel.arbiter.states import (
    AdminHold,
    Cordon,
    Evicting,
    Failed,
    Paused,
    Phase,
    Restoring,
    Running,
    ServiceSettings,
    Settings,
    State,
    Stopped,
    Unsettled,
)
from sentinel.core.lease import Binding, Claim, Lease, Sharing
from sentinel.core.process import Peer, ProcessId
from sentinel.core.service import Rung

BOOT = "6d1f7c1e-boot"
NOW = 500.0


def lease(name: str = "L1-aa", **changes: Any) -> Lease:
    peer = Peer(process=ProcessId(321, 98765), uid=1000, gid=100, user="alice")
    whole = Lease(
        id=name, peer=peer, claim=Claim(), gpus=("GPU-a", "GPU-b"), since=12.5, command="python x.py"
    )
    return replace(whole, **changes)


def state(phase: Phase | None = None, **changes: Any) -> State:
    settings = Settings(services=(ServiceSettings(name="chat"),))
    begun = machine.begin(settings, 1.0)
    if phase is not None:
        begun = replace(begun, services={"chat": replace(begun.services["chat"], phase=phase)})
    return replace(begun, **changes)


def through_json(of: State, boot: str = BOOT) -> Saved:
    return from_document(json.loads(json.dumps(to_document(of, BOOT))), boot, NOW)


LEASES = st.builds(
    Lease,
    id=st.text(min_size=1, max_size=12),
    peer=st.builds(
        Peer,
        process=st.builds(ProcessId, st.integers(1, 2**22), st.integers(0, 2**40)),
        uid=st.integers(0, 2**32 - 1),
        gid=st.integers(0, 2**32 - 1),
        user=st.text(max_size=8),
    ),
    claim=st.builds(
        Claim,
        sharing=st.sampled_from(Sharing),
        count=st.none() | st.integers(1, 64),
        gpu_ids=st.lists(st.text(max_size=8), max_size=3).map(tuple),
        memory_bytes=st.none() | st.integers(1, 2**50),
    ),
    gpus=st.lists(st.text(max_size=8), max_size=3).map(tuple),
    since=st.floats(0, 1e9),
    holder=st.text(max_size=8),
    command=st.text(max_size=8),
)


@given(st.lists(LEASES, max_size=4, unique_by=lambda le: le.id), st.integers(0, 10**9))
def test_leases_go_through_unchanged(leases: list[Lease], granted: int) -> None:
    saved = through_json(state(leases={le.id: le for le in leases}, granted=granted))
    assert list(saved.leases) == leases
    assert saved.granted == granted


def test_a_lease_comes_back_bound_to_its_tree() -> None:
    """Its connection ended with the last arbiter."""
    saved = through_json(state(leases={"L1-aa": lease(binding=Binding.CONNECTION, ending_since=3.0)}))
    assert saved.leases == (lease(binding=Binding.TREE),)


def test_a_pause_and_cordons_outlive_a_reboot_and_leases_do_not() -> None:
    whole = state(
        leases={"L1-aa": lease()},
        hold=AdminHold(by="root", reason="upgrade", since=7.0),
        cordons={"GPU-a": Cordon(by="root", reason="ECC", since=8.0)},
        granted=9,
    )
    same, other = through_json(whole), through_json(whole, "another-boot")
    assert (same.hold, same.cordons) == (whole.hold, whole.cordons)
    assert other.leases == ()
    assert other.hold == AdminHold(by="root", reason="upgrade", since=NOW)
    assert other.cordons == {"GPU-a": Cordon(by="root", reason="ECC", since=NOW)}
    assert other.granted == 9


PAUSED = Paused(since=2, rung=Rung.STOP, took=1, freed_bytes=5)
EVICTING = Evicting(since=2, rung=Rung.SLEEP, rung_since=2)


@pytest.mark.parametrize(
    ("phase", "same_boot", "other_boot"),
    [
        (PAUSED, (True, Rung.STOP), (True, None)),
        (replace(PAUSED, rung=Rung.SLEEP), (True, Rung.SLEEP), (True, None)),
        (EVICTING, (True, Rung.SLEEP), (True, None)),
        (Restoring(since=2, rung=Rung.STOP), (True, Rung.STOP), (True, None)),
        (Failed(since=2, rung=Rung.STOP, why="x", retry_at=3), (True, Rung.STOP), (True, None)),
        (Running(since=2), (True, None), (False, None)),
        (Stopped(since=2, why="by someone"), (False, None), (False, None)),
        (Unsettled(since=2, wanted=True, rung=Rung.STOP), (True, Rung.STOP), (True, None)),
        (Unsettled(since=2, wanted=True), (True, None), (False, None)),
        (Unsettled(since=2, wanted=False), (False, None), (False, None)),
    ],
)
def test_which_services_the_next_arbiter_wants_up(
    phase: Phase, same_boot: tuple[bool, Rung | None], other_boot: tuple[bool, Rung | None]
) -> None:
    for boot, (wanted, rung) in ((BOOT, same_boot), ("another", other_boot)):
        found = through_json(state(phase), boot).services["chat"]
        assert (found.since, found.wanted, found.rung) == (NOW, wanted, rung), boot


# ------------------------------------------------------------------ files


def path_of(tmp_path: Path, text: str | bytes | None = None) -> Path:
    path = tmp_path / "state.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_no_file_is_an_arbiter_that_never_ran(tmp_path: Path) -> None:
    file = StateFile(path_of(tmp_path), BOOT)
    assert file.load(NOW) == Saved()
    assert file.error is None


DOCUMENT = to_document(
    state(
        PAUSED,
        leases={
            "L1-aa": lease(claim=Claim(sharing=Sharing.EXCLUSIVE, count=1, gpu_ids=("0",), memory_bytes=7))
        },
        hold=AdminHold(by="root", reason="", since=7.0),
        cordons={"GPU-a": Cordon(by="root", reason="ECC", since=8.0)},
    ),
    BOOT,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "null",
        "[]",
        "{}",
        b"\x00\xff\xfe",
        "[" * 100_000,
        '{"version": 1}',
        json.dumps(DOCUMENT)[:-20],
        json.dumps({**DOCUMENT, "version": 2}),
        json.dumps({**DOCUMENT, "version": None}),
        json.dumps({**DOCUMENT, "leases": [{"id": "L1"}]}),
        json.dumps({**DOCUMENT, "leases": {"L1": 1}}),
        json.dumps({**DOCUMENT, "leases": 5}),
        json.dumps({**DOCUMENT, "services": {"chat": {"wanted": True, "ours": True, "rung": "fly"}}}),
        json.dumps({**DOCUMENT, "services": []}),
        json.dumps({**DOCUMENT, "hold": 5}),
        json.dumps({**DOCUMENT, "granted": "many"}),
        json.dumps({**DOCUMENT, "granted": float("inf")}),
        json.dumps({**DOCUMENT, "cordons": {"GPU-a": None}}),
    ],
)
def test_an_unusable_file_is_said_kept_aside_and_started_without(tmp_path: Path, text: str | bytes) -> None:
    path = path_of(tmp_path, text)
    before = path.read_bytes()
    file = StateFile(path, BOOT)
    assert file.load(NOW) == Saved()
    assert file.error
    assert str(path) in file.error
    assert (tmp_path / "state.json.bad").read_bytes() == before
    assert file.save(state())
    assert file.error is None
    assert StateFile(path, BOOT).load(NOW).services


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    path_of(tmp_path).mkdir()
    file = StateFile(path_of(tmp_path), BOOT)
    assert file.load(NOW) == Saved()
    assert "cannot read" in (file.error or "")
    assert not file.save(state())
    assert "cannot write" in (file.error or "")


def replaced_everywhere(value: Any, by: Any) -> list[Any]:
    """Each document that has `by` in the place of one value somewhere inside."""
    found = [by]
    if isinstance(value, dict):
        found += [{**value, key: v} for key, inner in value.items() for v in replaced_everywhere(inner, by)]
        found += [{k: v for k, v in value.items() if k != key} for key in value]
    if isinstance(value, list):
        found += [
            [*value[:n], v, *value[n + 1 :]] for n, i in enumerate(value) for v in replaced_everywhere(i, by)
        ]
    return found


ODD = [None, True, 0, -1, 1.5, 10**30, float("inf"), float("nan"), "", "x", [], ["x"], [[]], {}, {"a": 1}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_any_one_value_gone_wrong_is_refused_or_taken_with_sound_types(odd: Any) -> None:
    """What is taken over is used for arithmetic, as keys, and to watch processes: once in, it must do."""
    for document in replaced_everywhere(DOCUMENT, odd):
        try:
            saved = from_document(document, BOOT, NOW)
        except ValueError:
            continue
        for le in saved.leases:
            assert le.claim.count is None or type(le.claim.count) is int, document
            assert le.claim.memory_bytes is None or type(le.claim.memory_bytes) is int, document
            assert all(isinstance(g, str) for g in (*le.gpus, *le.claim.gpu_ids)), document
            assert 0 < le.peer.process.pid < 2**31, document
        texts = [saved.hold.by, saved.hold.reason] if saved.hold else []
        texts += [t for g, c in saved.cordons.items() for t in (g, c.by, c.reason)]
        assert all(isinstance(text, str) for text in texts), document
        json.dumps(to_document(state(hold=saved.hold, leases={le.id: le for le in saved.leases}), BOOT))


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_any_json_is_a_value_error_at_worst(document: Any) -> None:
    with pytest.raises(ValueError, match=r"not an object|version|damaged"):
        from_document(document, BOOT, NOW)


# ------------------------------------------------------------------ writing


def test_it_is_for_its_owner_alone_and_written_whole(tmp_path: Path) -> None:
    file = StateFile(path_of(tmp_path), BOOT)
    assert file.save(state(leases={"L1-aa": lease()}))
    assert path_of(tmp_path).stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]
    assert StateFile(path_of(tmp_path), BOOT).load(NOW).leases == (lease(),)


def test_it_is_replaced_never_changed_in_place(tmp_path: Path) -> None:
    """Who has the old one open still reads the old one, whole."""
    file = StateFile(path_of(tmp_path), BOOT)
    file.save(state(granted=1))
    with path_of(tmp_path).open() as old:
        file.save(state(granted=2))
        assert json.load(old)["granted"] == 1
    assert json.loads(path_of(tmp_path).read_text())["granted"] == 2


def test_what_did_not_change_is_not_written(tmp_path: Path) -> None:
    file = StateFile(path_of(tmp_path), BOOT)
    file.save(state())
    first = path_of(tmp_path).stat()
    file.save(replace(state(), reading=True, attempted_at=5.0))
    assert path_of(tmp_path).stat().st_ino == first.st_ino


@pytest.mark.parametrize("call", ["open", "write", "replace", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_would_not_leaves_the_old_file_whole_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    file = StateFile(path_of(tmp_path), BOOT)
    file.save(state(granted=1))
    before = path_of(tmp_path).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(*_broken(call, number))
        paused = state(PAUSED, granted=2)
        assert not file.save(paused)
        assert not file.save(paused), "unchanged, but still not on the disk"
        assert os.strerror(number) in (file.error or "")
        assert path_of(tmp_path).read_bytes() == before
    assert file.save(paused)
    assert file.error is None
    assert json.loads(path_of(tmp_path).read_text())["granted"] == 2


def _broken(call: str, number: int) -> tuple[object, str, Callable[..., Any]]:
    real = getattr(os, call)

    def fail(*args: Any, **kwargs: Any) -> Any:
        if call == "write":
            real(args[0], bytes(args[1])[:10])  # a full disk takes the first bytes
        raise OSError(number, os.strerror(number))

    return (Path, "replace", fail) if call == "replace" else (os, call, fail)


def test_a_link_put_in_its_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / ".state.json.new").symlink_to(tmp_path / "precious")
    file = StateFile(path_of(tmp_path), BOOT)
    assert not file.save(state())
    assert (tmp_path / "precious").read_text() == "precious"
