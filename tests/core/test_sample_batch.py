"""The wire format of samples: all that is sent arrives, and nothing else gets in."""

import contextlib
import json
import math
import struct
import zlib
from array import array
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.api.protection import MOST_BODY
from sentinel.core.errors import ProtocolError
from sentinel.core.sample_batch import (
    MAGIC,
    MAX_BYTES,
    MAX_EXPANDED,
    MAX_TIMES,
    Batch,
    Column,
    Columns,
    _Headers,
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


def test_a_header_that_is_known_is_not_parsed_again() -> None:
    later = replace(small(), sequence=8, times=(30.0, 40.0))
    one, other = decode(encode(small())).columns, decode(encode(later)).columns
    assert isinstance(one, Columns) and isinstance(other, Columns)
    assert one.series is other.series
    assert [column.labels for column in other[:1]] == [other[-1].labels]


def test_only_so_many_headers_are_remembered() -> None:
    headers = _Headers(30)
    packed = [zlib.compress(json.dumps({**HEADER, "columns": [[f"m{n}", 0]]}).encode()) for n in range(40)]
    found = [headers.of(one) for one in packed]
    assert headers.of(packed[-1]) is found[-1]
    assert headers.of(packed[0]) is not found[0] and headers.of(packed[0]).series == found[0].series
    with pytest.raises(ProtocolError):
        headers.of(zlib.compress(b"{}"))


def test_a_refused_header_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(ProtocolError):
            decode(raw({**HEADER, "node": "b"}, BODY))


def test_a_batch_is_a_body_that_the_api_takes() -> None:
    assert MAX_BYTES <= MOST_BODY


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


def raw(
    header: object,
    rest: bytes = b"",
    *,
    sequence: int = 1,
    times: int = 1,
    length: int | None = None,
    packed: bytes | None = None,
    body: bytes | None = None,
) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    packed = zlib.compress(text) if packed is None else packed
    fixed = struct.pack("<QII", sequence, times, len(packed) if length is None else length)
    return MAGIC + fixed + packed + (zlib.compress(rest) if body is None else body)


HEADER: dict[str, Any] = {"node": "a", "labels": [[["node", "a"]]], "columns": [["m", 0]]}
BODY = struct.pack("<df", 10.0, 1.0)


def test_the_header_that_the_odd_ones_are_made_from_is_good() -> None:
    assert decode(raw(HEADER, BODY)).times == (10.0,)


ODD: list[dict[str, Any]] = [
    {"node": ""},
    {"node": 5},
    {"node": "b"},
    {"node": "\ud800"},
    {"node": "x" * 1025},
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
    {"times": 1},
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
        b"SSB\x01" + encode(small())[4:],
        encode(small())[:-3],
        encode(small()) + b"more",
        b"x" * (MAX_BYTES + 1),
        raw(HEADER, BODY, length=10_000),
        raw(HEADER, BODY, length=3),
        raw(HEADER, BODY, length=2**32 - 1),
        raw(HEADER, BODY, packed=b"", body=zlib.compress(json.dumps(HEADER).encode()) + zlib.compress(BODY)),
        raw(HEADER, BODY, packed=zlib.compress(json.dumps(HEADER).encode()) + b"more"),
        raw(bytes(MAX_EXPANDED + 1), BODY),
        raw(HEADER, bytes(MAX_EXPANDED + 1)),
        raw(HEADER, body=b"nonsense"),
        raw(HEADER, BODY, sequence=2**63),
        raw(HEADER, BODY, times=0),
        raw(HEADER, BODY, times=2),
        raw(HEADER, bytes(12 * (MAX_TIMES + 1)), times=MAX_TIMES + 1),
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
