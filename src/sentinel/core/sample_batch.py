"""What an agent sends of its node's past minute: the wire format of samples. Pure.

Called by the agent, which makes and encodes batches, by the API, which decodes them, and by the history.

    4 bytes   "SSB" and the version, 2
    16 bytes  sequence (8), number of times (4), length of what follows next (4); unsigned, little endian
    header    zlib of JSON: {"node": TEXT, "labels": [[[NAME, VALUE]…]…],
                             "columns": [[METRIC, INDEX INTO labels]…]}
    the rest  zlib of:
      times   epoch seconds, each a little-endian double
      values  a little-endian float each, column after column; first of all values the first byte, then of
              all the second, …: like stands with like, and zlib finds more

The header is the same from minute to minute while the series are, and it is nearly all of the work: so it is
packed and parsed once, and then known by its bytes. At most MAX_BYTES in all, each zlib stream at most
MAX_EXPANDED expanded. Unknown is NaN; so is, on arrival, what is infinite. A float has 24 bits: a counter
above 16 million is right to six digits or so.
"""

import json
import math
import re
import struct
import sys
import threading
import zlib
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast, overload

from sentinel.core.errors import ProtocolError
from sentinel.core.series import Labels

MAX_BYTES = 2**20  # as of any body that the API takes
MAX_EXPANDED = 8 * 2**20
MAX_TIMES = 3600
MAX_COLUMNS = 20_000
MAX_LABELS = 32
MAX_TEXT = 1024
MAX_SEQUENCE = 2**63 - 1
LATEST_TIME = float(2**32)  # the year 2106
MAGIC = b"SSB\x02"

_FIXED = struct.Struct("<QII")
_FIELDS = {"node", "labels", "columns"}
_REMEMBERED = 2_000_000
"""Columns of all headers that are known by their bytes: those of a thousand big nodes."""
_PACKED = 256
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One series of a batch: a value for each of its times (array "f"), NaN where it is unknown."""

    metric: str
    labels: Labels
    values: "array[float]"


Named = tuple[str, Labels]
"""A series: its metric and its labels."""


class Columns(Sequence[Column]):
    """The columns of a batch that came: all `values` in one array, column after column. While the series of a
    node stay the same, so does `series`: the very same object, so that whoever looks it up does so once."""

    __slots__ = ("_count", "series", "values")

    def __init__(self, series: tuple[Named, ...], values: "array[float]", count: int) -> None:
        """`count`: how many values each has."""
        self.series, self.values, self._count = series, values, count

    def __len__(self) -> int:
        return len(self.series)

    def __iter__(self) -> Iterator[Column]:
        return map(self._column, range(len(self.series)))

    @overload
    def __getitem__(self, index: int) -> Column: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Column]: ...
    def __getitem__(self, index: int | slice) -> Column | Sequence[Column]:
        nth = range(len(self.series))[index]
        return self._column(nth) if isinstance(nth, int) else [self._column(one) for one in nth]

    def _column(self, nth: int) -> Column:
        metric, labels = self.series[nth]
        values = self.values[nth * self._count : (nth + 1) * self._count]
        return Column(metric=metric, labels=labels, values=values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One minute of one node, as a rule. `sequence` counts the node's batches. `times` are epoch seconds,
    in the order of the measuring: a clock may have jumped. Every column's label "node" is the node.

    A minute that is not over may be told, and again when there is more of it: with the same sequence and
    first time, and all that was told before."""

    node: str
    sequence: int
    times: tuple[float, ...]
    columns: Sequence[Column]


def encode(batch: Batch) -> bytes:
    """The bytes to send."""
    header = _packed_header(batch.node, tuple((one.metric, one.labels) for one in batch.columns))
    values = array("f")
    for one in batch.columns:
        values.extend(one.values)
    body = _little(array("d", batch.times)) + shuffled(_little(values), 4)
    fixed = _FIXED.pack(batch.sequence, len(batch.times), len(header))
    return b"".join((MAGIC, fixed, header, zlib.compress(body, 6)))


@lru_cache(_PACKED)
def _packed_header(node: str, series: tuple[Named, ...]) -> bytes:
    places: dict[Labels, int] = {}
    columns = [[metric, places.setdefault(labels, len(places))] for metric, labels in series]
    header = {"node": node, "labels": list(places), "columns": columns}
    return zlib.compress(json.dumps(header, separators=(",", ":")).encode(), 6)


def decode(raw: bytes) -> Batch:
    """The batch in what came. ProtocolError that names what is wrong with it."""
    _check_beginning(raw)
    sequence, count, length = _FIXED.unpack_from(raw, len(MAGIC))
    if sequence > MAX_SEQUENCE or count > MAX_TIMES:
        raise ProtocolError(f"a batch has at most {MAX_TIMES} times, and a sequence up to {MAX_SEQUENCE}")
    start = len(MAGIC) + _FIXED.size
    if start + length > len(raw):
        raise ProtocolError("a batch ends within its header")
    known = _HEADERS.of(raw[start : start + length])
    body = _expanded(raw[start + length :])
    end = 8 * count
    if len(body) != end + 4 * count * len(known.series):
        raise ProtocolError("a batch has not as many values as its header says")
    times = _from_little("d", body[:end])
    # Not a number is in no order, so it is not within them either.
    if not all(0 <= time <= LATEST_TIME for time in times):
        raise ProtocolError("a time of a batch is not in epoch seconds")
    values = _finite(_from_little("f", unshuffled(body[end:], 4)))
    columns = Columns(known.series, values, count)
    return Batch(node=known.node, sequence=sequence, times=tuple(times), columns=columns)


def shuffled(data: bytes, width: int) -> bytes:
    """The first bytes of all values of this width, then the second ones, and so on."""
    return b"".join(data[nth::width] for nth in range(width))


def unshuffled(data: bytes, width: int) -> bytes:
    """What was shuffled."""
    size = len(data) // width
    whole = bytearray(len(data))
    for nth in range(width):
        whole[nth::width] = data[nth * size : (nth + 1) * size]
    return bytes(whole)


# ------------------------------------------------------------------ headers


@dataclass(frozen=True, slots=True)
class _Header:
    node: str
    series: tuple[Named, ...]


class _Headers:
    """Those that came last, by their bytes. Thread-safe."""

    def __init__(self, most: int) -> None:
        """`most` columns of all of them."""
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, _Header] = OrderedDict()
        self._columns = 0

    def of(self, packed: bytes) -> _Header:
        """ProtocolError when it is none."""
        with self._lock:
            found = self._known.get(packed)
            if found is not None:
                self._known.move_to_end(packed)
                return found
        found = _header_from(_expanded(packed))
        with self._lock:
            if self._known.setdefault(packed, found) is found:
                self._columns += _cost(packed, found)
            while self._columns > self._most:
                self._columns -= _cost(*self._known.popitem(last=False))
        return found


def _cost(packed: bytes, header: _Header) -> int:
    return 1 + len(header.series) + len(packed) // 64


_HEADERS = _Headers(_REMEMBERED)


def _header_from(raw: bytes) -> _Header:
    header = _header(raw)
    node = _text(header["node"], "node")
    return _Header(node, tuple(_columns(header, node)))


def _check_beginning(raw: bytes) -> None:
    if len(raw) > MAX_BYTES:
        raise ProtocolError(f"a batch is at most {MAX_BYTES} bytes: send fewer minutes at once")
    if raw[:3] != MAGIC[:3]:
        raise ProtocolError("this is no batch of samples")
    if raw[:4] != MAGIC:
        raise ProtocolError("a batch of samples of another version: update the agent, or the controller")
    if len(raw) < len(MAGIC) + _FIXED.size:
        raise ProtocolError("a batch ends before its header")


def _expanded(packed: bytes) -> bytes:
    expander = zlib.decompressobj()
    try:
        body = expander.decompress(packed, MAX_EXPANDED)
    except zlib.error as error:
        raise ProtocolError(f"a batch is damaged: {error}") from None
    if expander.unconsumed_tail or not expander.eof or expander.unused_data:
        raise ProtocolError(f"a batch is cut off, longer than it says, or more than {MAX_EXPANDED} bytes")
    return body


def _header(raw: bytes) -> dict[str, Any]:
    try:
        found: Any = json.loads(raw)
    except (ValueError, RecursionError):
        raise ProtocolError("the header of a batch is not JSON") from None
    if not isinstance(found, dict) or cast("dict[str, Any]", found).keys() != _FIELDS:
        raise ProtocolError(f"the header of a batch has exactly {', '.join(sorted(_FIELDS))}")
    return cast("dict[str, Any]", found)


def _columns(header: dict[str, Any], node: str) -> list[tuple[str, Labels]]:
    """Metric and labels of each; those that share their labels share one tuple."""
    pairs: dict[tuple[str, str], tuple[str, str]] = {}  # most are those of many series
    sets = [_labels(one, node, pairs) for one in _list(header["labels"], "labels")]
    named: dict[tuple[str, int], None] = {}
    for raw in _list(header["columns"], "columns"):
        metric, place = _pair(raw, "a column")
        if not isinstance(metric, str) or len(metric) > MAX_TEXT or not _METRIC.fullmatch(metric):
            raise ProtocolError("a column's metric is no name of one")
        if type(place) is not int or not 0 <= place < len(sets):
            raise ProtocolError("a column names labels that are not there")
        named[sys.intern(metric), place] = None
    if len(named) != len(header["columns"]) or len(set(sets)) != len(sets):
        raise ProtocolError("a batch has a series twice")
    return [(metric, sets[place]) for metric, place in named]


def _labels(raw: object, node: str, pairs: dict[tuple[str, str], tuple[str, str]]) -> Labels:
    told = [_pair(one, "a label") for one in _list(raw, "labels", MAX_LABELS)]
    labels = tuple((_text(name, "a label's name"), _text(value, "a label's value")) for name, value in told)
    names = [name for name, _ in labels]
    if names != sorted(set(names)) or not all(map(_LABEL.fullmatch, names)):
        raise ProtocolError("labels are sorted by name, each once, of letters, digits and '_'")
    if ("node", node) not in labels:
        raise ProtocolError(f"a series of a batch is not labelled with its node, {node}")
    return tuple(pairs.setdefault(pair, pair) for pair in labels)


def _list(raw: object, what: str, most: int = MAX_COLUMNS) -> list[Any]:
    if not isinstance(raw, list) or len(cast("list[Any]", raw)) > most:
        raise ProtocolError(f"{what} of a batch is a list of at most {most}")
    return cast("list[Any]", raw)


def _pair(raw: object, what: str) -> tuple[Any, Any]:
    if not isinstance(raw, list) or len(cast("list[Any]", raw)) != 2:
        raise ProtocolError(f"{what} is a pair")
    first, second = cast("list[Any]", raw)
    return first, second


def _text(raw: object, what: str) -> str:
    if not isinstance(raw, str) or not 0 < len(raw) <= MAX_TEXT:
        raise ProtocolError(f"{what} is text of 1 to {MAX_TEXT} characters")
    try:
        raw.encode()  # no half of a surrogate pair: neither a file nor an answer can hold one
    except UnicodeEncodeError:
        raise ProtocolError(f"{what} is no text in Unicode") from None
    return raw


def _finite(values: "array[float]") -> "array[float]":
    total = sum(values)
    if total - total == 0 or not any(map(math.isinf, values)):
        return values
    return array("f", (math.nan if math.isinf(one) else one for one in values))


def _little(values: "array[float]") -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def _from_little(kind: str, data: Sequence[int] | bytes) -> "array[float]":
    values: array[float] = array(kind)  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownVariableType]
    values.frombytes(bytes(data))
    if sys.byteorder == "big":
        values.byteswap()
    return values
