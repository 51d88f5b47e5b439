"""What the embedded history keeps in one row: many values of one node, packed. Pure.

Called by `embedded`, `folding` and `reading`. Two kinds of block:

    raw       zlib of: number of series, number of times (unsigned each);
              the series' ids, 4 bytes each; the times in milliseconds, 4 bytes each: the first from the
              block's start on, the others from the one before on; the values, a float each, series by series
    rollup    number of series, number of slots, the lengths of the five parts; the ids;
              five parts, each zlib of values series by series: the averages, the lowest, the highest, the
              last ones (a float each), and of how many values (2 bytes each). A chart needs two of them.

Bytes of values are shuffled (see core.sample_batch). Little endian. Unknown is NaN, and of no value.
"""

import math
import struct
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from operator import sub

from sentinel.core.sample_batch import shuffled, unshuffled

SOON, SMALL = 1, 6  # zlib's levels: for what is packed again within two hours, and for what stays
MOST_COUNT = 2**16 - 1

_HEAD = struct.Struct("<II")
_ROLLUP = struct.Struct("<7I")
_LENGTH = struct.Struct("<I")
_NAN = math.nan


def unknown(count: int) -> "array[float]":
    """That many values of which nothing is known."""
    return array("f", (_NAN,)) * count


@dataclass(slots=True)
class Raw:
    """Measurements as they were told: times in epoch milliseconds, ascending, each once; for each series (by
    its id) a value for every time."""

    times: list[int] = field(default_factory=list[int])
    columns: "dict[int, array[float]]" = field(default_factory=dict[int, "array[float]"])

    def add(self, other: "Raw") -> None:
        """Takes in what was told later. Where both know something of the same time, the later one holds."""
        if not other.times:
            return
        if self.times and other.times[0] <= self.times[-1]:
            self._weave(other)
            return
        before, after = len(self.times), len(self.times) + len(other.times)
        self.times += other.times
        for id, values in other.columns.items():
            mine = self.columns.get(id)
            if mine is None:
                mine = self.columns[id] = unknown(before)
            mine.extend(values)
        for mine in self.columns.values():
            if len(mine) < after:
                mine.extend(unknown(after - len(mine)))

    def _weave(self, other: "Raw") -> None:
        times = sorted({*self.times, *other.times})
        place = {time: nth for nth, time in enumerate(times)}
        mine, theirs = [place[time] for time in self.times], [place[time] for time in other.times]
        columns: dict[int, array[float]] = {}
        for id in {**self.columns, **other.columns}:
            woven = columns[id] = unknown(len(times))
            for nth, value in zip(mine, self.columns.get(id, ()), strict=False):
                woven[nth] = value
            for nth, value in zip(theirs, other.columns.get(id, ()), strict=False):
                if value == value:
                    woven[nth] = value
        self.times, self.columns = times, columns

    def between(self, start: int, end: int) -> "Raw":
        """What was measured in [start, end)."""
        left, right = bisect_left(self.times, start), bisect_left(self.times, end)
        if left == 0 and right == len(self.times):
            return self
        columns = {id: values[left:right] for id, values in self.columns.items()}
        return Raw(self.times[left:right], columns)

    def only(self, ids: Collection[int]) -> "Raw":
        """Of these series."""
        return Raw(list(self.times), {id: self.columns[id][:] for id in ids if id in self.columns})


@dataclass(frozen=True, slots=True)
class Rows:
    """The same as one array: the values of the first of `ids`, then those of the next. Nothing is done for
    each series: that is what makes telling cheap."""

    times: list[int]
    ids: "array[int]"
    values: "array[float]"

    def newest(self) -> "Iterator[tuple[int, int, float]]":
        """Id, time and value of the last known value of each series."""
        count = len(self.times)
        for nth, (id, value) in enumerate(zip(self.ids, self.values[count - 1 :: count], strict=True)):
            at = count - 1
            while value != value and at > 0:
                at -= 1
                value = self.values[nth * count + at]
            if value == value:
                yield id, self.times[at], value


def rows_of(raw: Raw) -> Rows:
    values = array("f")
    for column in raw.columns.values():
        values.extend(column)
    return Rows(raw.times, array("I", raw.columns), values)


def raw_from(times: Sequence[float], columns: Mapping[int, "array[float]"]) -> Raw:
    """Times in epoch seconds, in any order. Of two at the same millisecond, the later in the row holds."""
    exact = [round(time * 1000) for time in times]
    if all(one < next for one, next in pairwise(exact)):
        return Raw(exact, {id: array("f", values) for id, values in columns.items()})
    ordered = sorted(set(exact))
    place = {time: nth for nth, time in enumerate(ordered)}
    raw = Raw(ordered, {id: unknown(len(ordered)) for id in columns})
    for id, values in columns.items():
        for time, value in zip(exact, values, strict=True):
            if value == value:
                raw.columns[id][place[time]] = value
    return raw


@dataclass(frozen=True, slots=True)
class Slots:
    """One series over equal stretches of time: what its values were in each, and how many there were."""

    averages: "array[float]"
    lows: "array[float]"
    highs: "array[float]"
    lasts: "array[float]"
    counts: "array[int]"

    @classmethod
    def empty(cls, count: int) -> "Slots":
        counts = array("H", bytes(2 * count))
        return cls(unknown(count), unknown(count), unknown(count), unknown(count), counts)

    def put(self, at: int, other: "Slots", start: int, end: int) -> None:
        """Copies the slots [start, end) of another over those from `at` on."""
        stop = at + end - start
        self.averages[at:stop] = other.averages[start:end]
        self.lows[at:stop] = other.lows[start:end]
        self.highs[at:stop] = other.highs[start:end]
        self.lasts[at:stop] = other.lasts[start:end]
        self.counts[at:stop] = other.counts[start:end]

    def better(self, at: int, other: "Slots") -> None:
        """The same, of all slots, except those that are known here from more values: so whatever is told
        again, or of a time whose raw values are gone, counts once."""
        size = len(other.counts)
        if all(map(int.__ge__, other.counts, self.counts[at : at + size])):
            self.put(at, other, 0, size)
            return
        for nth, count in enumerate(other.counts):
            if count >= self.counts[at + nth]:
                self.put(at + nth, other, nth, nth + 1)


def pack_raw(raw: Raw, start: int, level: int) -> bytes:
    """`start`: the block's, in milliseconds."""
    return pack_rows(rows_of(raw), start, level)


def pack_rows(rows: Rows, start: int, level: int) -> bytes:
    """As `pack_raw`."""
    gaps = array("I", map(sub, rows.times, [start, *rows.times[:-1]]))
    head = _HEAD.pack(len(rows.ids), len(rows.times))
    return zlib.compress(
        b"".join((head, _bytes(rows.ids), _bytes(gaps), shuffled(_bytes(rows.values), 4))), level
    )


def unpack_rows(packed: bytes, start: int) -> Rows:
    """Of all series in it."""
    body = zlib.decompress(packed)
    ids, times, at = _ids_and_times(body, start)
    values = array("f", unshuffled(body[at:], 4))
    _to_native(values)
    return Rows(times, ids, values)


def unpack_raw(packed: bytes, start: int, wanted: Collection[int] | None = None) -> Raw:
    """Of all series in it, or of those `wanted`."""
    body = zlib.decompress(packed)
    ids, times, at = _ids_and_times(body, start)
    return Raw(times, dict(_floats(body, at, ids, len(times), wanted)))


def _ids_and_times(body: bytes, start: int) -> "tuple[array[int], list[int], int]":
    """And where the values begin."""
    series, count = _HEAD.unpack_from(body)
    at = _HEAD.size + 4 * series
    ids, gaps = _ints(body[_HEAD.size : at]), _ints(body[at : at + 4 * count])
    return ids, list(accumulate(gaps, initial=start))[1:], at + 4 * count


def pack_rollup(series: Mapping[int, Slots], slots: int) -> bytes:
    parts = [
        zlib.compress(shuffled(b"".join(_bytes(getattr(one, part)) for one in series.values()), width), SMALL)
        for part, width in zip(Slots.__dataclass_fields__, (4, 4, 4, 4, 2), strict=True)
    ]
    head = _ROLLUP.pack(len(series), slots, *map(len, parts))
    return b"".join((head, _bytes(array("I", series)), *parts))


def unpack_rollup(packed: bytes) -> dict[int, Slots]:
    """All of it."""
    ids, slots, parts = _rollup(packed)
    averages, lows, highs, lasts = (
        dict(_floats(zlib.decompress(part), 0, ids, slots, None)) for part in parts[:4]
    )
    return {
        id: Slots(averages[id], lows[id], highs[id], lasts[id], counts)
        for id, counts in _counts(parts[4], ids, slots)
    }


def alike(packed: bytes) -> bytes:
    """The same for roll-ups of the same series: how many there are, of how many slots, and their ids."""
    (series,) = _LENGTH.unpack_from(packed)
    return packed[: _HEAD.size] + packed[_ROLLUP.size : _ROLLUP.size + 4 * series]


def rollup_shape(packed: bytes) -> "tuple[array[int], int]":
    """The ids of a roll-up's series, and how many slots each has."""
    ids, slots, _ = _rollup(packed)
    return ids, slots


def rollup_part(packed: bytes, part: int) -> bytes:
    """One of its five parts, as it is kept: compressed and shuffled."""
    series, _, *lengths = _ROLLUP.unpack_from(packed)
    at = _ROLLUP.size + 4 * series + sum(lengths[:part])
    return packed[at : at + lengths[part]]


def _rollup(packed: bytes) -> "tuple[array[int], int, list[bytes]]":
    series, slots, *lengths = _ROLLUP.unpack_from(packed)
    at = _ROLLUP.size + 4 * series
    ends = list(accumulate(lengths, initial=at))
    parts = [packed[start:end] for start, end in pairwise(ends)]
    return _ints(packed[_ROLLUP.size : at]), slots, parts


def _counts(part: bytes, ids: Sequence[int], slots: int) -> "Iterator[tuple[int, array[int]]]":
    for id, data in _columns(zlib.decompress(part), 0, 2, ids, slots, None):
        counts = array("H", data)
        _to_native(counts)
        yield id, counts


def _floats(
    body: bytes, at: int, ids: Sequence[int], count: int, wanted: Collection[int] | None
) -> "Iterator[tuple[int, array[float]]]":
    for id, data in _columns(body, at, 4, ids, count, wanted):
        values = array("f", data)
        _to_native(values)
        yield id, values


def _columns(
    body: bytes, at: int, width: int, ids: Sequence[int], count: int, wanted: Collection[int] | None
) -> Iterator[tuple[int, bytes]]:
    """The wanted ones of the columns that stand shuffled from `at` on."""
    size = width * count
    whole = unshuffled(body[at : at + size * len(ids)], width)
    for nth, id in enumerate(ids):
        if wanted is None or id in wanted:
            yield id, whole[nth * size : (nth + 1) * size]


def _bytes(values: "array[float] | array[int]") -> bytes:
    copied = values[:]
    _to_native(copied)
    return copied.tobytes()


def _ints(data: bytes) -> "array[int]":
    values = array("I", data)
    _to_native(values)
    return values


def _to_native(values: "array[float] | array[int]") -> None:
    """From little endian, and to it."""
    if sys.byteorder == "big":
        values.byteswap()
