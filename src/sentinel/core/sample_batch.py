"""What an agent sends of its node's past minute: the wire format of samples. Pure.

Called by the agent, which makes and encodes batches, by the API, which decodes them, and by the history.

    4 bytes   "SSB" and the version, 1
    the rest  zlib of:
      4 bytes   length of the header, unsigned, little endian
      header    JSON: {"node": TEXT, "sequence": N, "times": N, "labels": [[[NAME, VALUE]…]…],
                       "columns": [[METRIC, INDEX INTO labels]…]}
      times     epoch seconds, each a little-endian double
      values    a little-endian float each, column after column; first of all values the first byte, then of
                all the second, …: like stands with like, and zlib finds more

At most MAX_BYTES compressed and MAX_EXPANDED expanded. Unknown is NaN; so is, on arrival, what is infinite.
A float has 24 bits: a counter above 16 million is right to six digits or so.
"""

import json
import math
import re
import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sentinel.core.errors import ProtocolError
from sentinel.core.series import Labels

MAX_BYTES = 8 * 2**20
MAX_EXPANDED = 8 * 2**20
MAX_TIMES = 3600
MAX_COLUMNS = 20_000
MAX_LABELS = 32
MAX_TEXT = 1024
MAX_SEQUENCE = 2**63 - 1
LATEST_TIME = float(2**32)  # the year 2106
MAGIC = b"SSB\x01"

_LENGTH = struct.Struct("<I")
_FIELDS = {"node", "sequence", "times", "labels", "columns"}
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One series of a batch: a value for each of its times (array "f"), NaN where it is unknown."""

    metric: str
    labels: Labels
    values: "array[float]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One minute of one node, as a rule. `sequence` counts the node's batches. `times` are epoch seconds,
    in the order of the measuring: a clock may have jumped. Every column's label "node" is the node."""

    node: str
    sequence: int
    times: tuple[float, ...]
    columns: tuple[Column, ...]


def encode(batch: Batch) -> bytes:
    """The bytes to send."""
    places: dict[Labels, int] = {}
    columns = [[one.metric, places.setdefault(one.labels, len(places))] for one in batch.columns]
    header = json.dumps(
        {
            "node": batch.node,
            "sequence": batch.sequence,
            "times": len(batch.times),
            "labels": list(places),
            "columns": columns,
        },
        separators=(",", ":"),
    ).encode()
    values = array("f")
    for one in batch.columns:
        values.extend(one.values)
    body = b"".join(
        (_LENGTH.pack(len(header)), header, _little(array("d", batch.times)), shuffled(_little(values), 4))
    )
    return MAGIC + zlib.compress(body, 6)


def decode(raw: bytes) -> Batch:
    """The batch in what came. ProtocolError that names what is wrong with it."""
    body = _expanded(raw)
    if len(body) < _LENGTH.size:
        raise ProtocolError("a batch ends before its header")
    (length,) = _LENGTH.unpack_from(body)
    start = _LENGTH.size + length
    if start > len(body):
        raise ProtocolError("a batch ends within its header")
    header = _header(body[_LENGTH.size : start])
    node = _text(header["node"], "node")
    sequence = _number(header["sequence"], "sequence", MAX_SEQUENCE)
    count = _number(header["times"], "times", MAX_TIMES)
    named = _columns(header, node)
    end = start + 8 * count
    if len(body) != end + 4 * count * len(named):
        raise ProtocolError("a batch has not as many values as its header says")
    times = _from_little("d", body[start:end])
    # Not a number is in no order, so it is not within them either.
    if not all(0 <= time <= LATEST_TIME for time in times):
        raise ProtocolError("a time of a batch is not in epoch seconds")
    values = _from_little("f", unshuffled(body[end:], 4))
    columns = (
        Column(metric=metric, labels=labels, values=_finite(values[nth * count : (nth + 1) * count]))
        for nth, (metric, labels) in enumerate(named)
    )
    return Batch(node=node, sequence=sequence, times=tuple(times), columns=tuple(columns))


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


def _expanded(raw: bytes) -> bytes:
    if len(raw) > MAX_BYTES:
        raise ProtocolError(f"a batch is at most {MAX_BYTES} bytes: send fewer minutes at once")
    if raw[:3] != MAGIC[:3]:
        raise ProtocolError("this is no batch of samples")
    if raw[:4] != MAGIC:
        raise ProtocolError("a batch of samples of another version: update the agent, or the controller")
    expander = zlib.decompressobj()
    try:
        body = expander.decompress(raw[4:], MAX_EXPANDED)
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
    sets = [_labels(one, node) for one in _list(header["labels"], "labels")]
    named: dict[tuple[str, int], None] = {}
    for raw in _list(header["columns"], "columns"):
        metric, place = _pair(raw, "a column")
        if not isinstance(metric, str) or len(metric) > MAX_TEXT or not _METRIC.fullmatch(metric):
            raise ProtocolError("a column's metric is no name of one")
        if type(place) is not int or not 0 <= place < len(sets):
            raise ProtocolError("a column names labels that are not there")
        named[metric, place] = None
    if len(named) != len(header["columns"]) or len(set(sets)) != len(sets):
        raise ProtocolError("a batch has a series twice")
    return [(metric, sets[place]) for metric, place in named]


def _labels(raw: object, node: str) -> Labels:
    pairs = [_pair(one, "a label") for one in _list(raw, "labels", MAX_LABELS)]
    labels = tuple((_text(name, "a label's name"), _text(value, "a label's value")) for name, value in pairs)
    names = [name for name, _ in labels]
    if names != sorted(set(names)) or not all(map(_LABEL.fullmatch, names)):
        raise ProtocolError("labels are sorted by name, each once, of letters, digits and '_'")
    if ("node", node) not in labels:
        raise ProtocolError(f"a series of a batch is not labelled with its node, {node}")
    return labels


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


def _number(raw: object, what: str, most: int) -> int:
    if type(raw) is not int or not 0 <= raw <= most:
        raise ProtocolError(f"{what} is a whole number from 0 to {most}")
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
