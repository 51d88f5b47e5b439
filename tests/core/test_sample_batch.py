"""The wire format of samples: all that is sent arrives, and nothing else gets in."""

import contextlib
import json
import math
import struct
import zlib
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.errors import ProtocolError
from sentinel.core.sample_batch import (
    MAGIC,
    MAX_BYTES,
    MAX_EXPANDED,
    MAX_TIMES,
    Batch,
    Column,
    decode,
    encode,
    shuffled,
    unshuffled,
)
from sentinel.core.series import labels_from

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    node = draw(TEXTS)
    times = draw(st.lists(st.floats(0, 2**32), max_size=6))
    named = draw(st.lists(st.tuples(NAMES, st.dictionaries(NAMES, TEXTS, max_size=3)), max_size=5))
    series = dict.fromkeys((metric, labels_from({**labels, "node": node})) for metric, labels in named)
    values = st.lists(
        st.floats(width=32, allow_infinity=False), min_size=len(times), max_size=len(times)
    ).map(lambda some: array("f", some))
    columns = tuple(Column(metric=metric, labels=labels, values=draw(values)) for metric, labels in series)
    sequence = draw(st.integers(0, 2**63 - 1))
    return Batch(node=node, sequence=sequence, times=tuple(times), columns=columns)


def shown(batch: Batch) -> object:
    """With NaN as something that equals itself."""
    columns = [(one.metric, one.labels, [repr(value) for value in one.values]) for one in batch.columns]
    return batch.node, batch.sequence, batch.times, columns


@given(batches())
def test_what_is_sent_arrives(batch: Batch) -> None:
    assert shown(decode(encode(batch))) == shown(batch)


@given(st.binary(max_size=64).map(lambda data: data[: len(data) // 4 * 4]))
def test_shuffling_is_undone(data: bytes) -> None:
    assert unshuffled(shuffled(data, 4), 4) == data


def small() -> Batch:
    labels = labels_from({"node": "a", "gpu": "0"})
    return Batch(
        node="a",
        sequence=7,
        times=(10.0, 20.0),
        columns=(
            Column(metric="m", labels=labels, values=array("f", [1, math.nan])),
            Column(metric="n", labels=labels, values=array("f", [2, 3])),
        ),
    )


def test_series_of_a_card_share_their_labels() -> None:
    one, other = decode(encode(small())).columns
    assert one.labels is other.labels


def test_a_minute_of_a_node_is_small() -> None:
    columns = tuple(
        Column(
            metric=f"gpu_metric_number_{metric}",
            labels=labels_from({"node": "node-001", "gpu": str(gpu), "uuid": f"GPU-{gpu * 7919:032x}"}),
            values=array("f", [(gpu * 31 + metric * 17 + nth) % 100 for nth in range(6)]),
        )
        for metric in range(12)
        for gpu in range(8)
    )
    times = tuple(1.7e9 + 10 * nth for nth in range(6))
    assert len(encode(Batch(node="node-001", sequence=1, times=times, columns=columns))) < 2500


def test_infinite_is_unknown() -> None:
    column = Column(
        metric="m", labels=(("node", "a"),), values=array("f", [math.inf, 1, -math.inf, math.nan])
    )
    (found,) = decode(encode(Batch(node="a", sequence=0, times=(1, 2, 3, 4), columns=(column,)))).columns
    assert [value if value == value else None for value in found.values] == [None, 1, None, None]


def raw(header: object, rest: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    head = struct.pack("<I", len(text) if length is None else length)
    return MAGIC + zlib.compress(head + text + rest)


HEADER: dict[str, Any] = {
    "node": "a",
    "sequence": 1,
    "times": 1,
    "labels": [[["node", "a"]]],
    "columns": [["m", 0]],
}
BODY = struct.pack("<df", 10.0, 1.0)


def test_the_header_that_the_odd_ones_are_made_from_is_good() -> None:
    assert decode(raw(HEADER, BODY)).times == (10.0,)


ODD: list[dict[str, Any]] = [
    {"node": ""},
    {"node": 5},
    {"node": "b"},
    {"node": "\ud800"},
    {"node": "x" * 1025},
    {"sequence": -1},
    {"sequence": True},
    {"sequence": 1.0},
    {"sequence": 2**63},
    {"times": 2},
    {"times": -1},
    {"times": MAX_TIMES + 1},
    {"labels": None},
    {"labels": [{"node": "a"}]},
    {"labels": [[]]},
    {"labels": [[["node", "a", "b"]]]},
    {"labels": [[["node", "a"], ["gpu", "0"]]]},
    {"labels": [[["node", "a"], ["node", "a"]]]},
    {"labels": [[["node", "a"], ["x-y", "0"]]]},
    {"labels": [[["node", "a"], ["user", ""]]]},
    {"labels": [[["node", "a"], ["user", None]]]},
    {"labels": [[["node", "a"]], [["node", "a"]]]},
    {"columns": [["m", 1]]},
    {"columns": [["m", -1]]},
    {"columns": [["m", True]]},
    {"columns": [["m m", 0]]},
    {"columns": [["", 0]]},
    {"columns": [[5, 0]]},
    {"columns": [["m"]]},
    {"columns": []},
    {"columns": [["m", 0], ["m", 0]]},
    {"more": 1},
]


@pytest.mark.parametrize("change", ODD, ids=repr)
def test_odd_headers_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        decode(raw({**HEADER, **change}, BODY))


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"SSB",
        b"nonsense",
        MAGIC,
        MAGIC + b"nonsense",
        b"SSB\x02" + encode(small())[4:],
        encode(small())[:-3],
        encode(small()) + b"more",
        b"x" * (MAX_BYTES + 1),
        MAGIC + zlib.compress(bytes(MAX_EXPANDED + 1)),
        MAGIC + zlib.compress(b"\0"),
        raw(HEADER, BODY, length=10_000),
        raw(b"{", BODY),
        raw(b"[" * 100_000, BODY),
        raw(b"\xff\xfe", BODY),
        raw([], BODY),
        raw(HEADER, BODY + b"\0"),
        raw(HEADER, BODY[:-1]),
        raw(HEADER, struct.pack("<df", math.nan, 1.0)),
        raw(HEADER, struct.pack("<df", math.inf, 1.0)),
        raw(HEADER, struct.pack("<df", -1.0, 1.0)),
    ],
)
def test_odd_bytes_are_refused(odd: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(odd)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_damage_is_refused_or_harmless(noise: bytes, at: int) -> None:
    whole = encode(small())
    with contextlib.suppress(ProtocolError):
        decode(whole[:at] + noise + whole[at + len(noise) :])
