"""From measurements to minutes, from minutes to hours, and onto the grid of a chart. Pure.

Called by `folding` and `reading`. Averages of averages are weighted with how many values they are of. A slot
without a value is unknown.
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import compress
from operator import mul

from sentinel.core.series import Aggregate
from sentinel.drivers.histories.blocks import MOST_COUNT, Raw, Slots

LASTING = 15_000
"""Milliseconds that a value holds on a grid finer than the samples come, so that a late one is no gap."""

Piece = tuple[int, "array[float]", "array[int]"]
"""The slot that it begins with, values and counts of part of a series' roll-ups."""

Window = tuple[int, int, int]
"""A slot, and where the times that fall into it begin and end."""


def slotted(raw: Raw, first: int, width: int, count: int) -> dict[int, Slots]:
    """Each series over `count` slots of `width` milliseconds from `first` on."""
    windows = _windows(raw.times, first, width, count)
    even = _even(windows)
    return {id: _slots(values, windows, count, even) for id, values in raw.columns.items()}


def _windows(times: Sequence[int], first: int, width: int, count: int) -> list[Window]:
    found: list[Window] = []
    at, stop = bisect_left(times, first), bisect_left(times, first + width * count)
    while at < stop:
        slot = (times[at] - first) // width
        after = bisect_left(times, first + (slot + 1) * width, at, stop)
        found.append((slot, at, after))
        at = after
    return found


def _even(windows: Sequence[Window]) -> int:
    """How many values each slot has, if each has as many and none of them is without; else 0."""
    if not windows:
        return 0
    size = windows[0][2] - windows[0][1]
    whole = windows[-1][0] - windows[0][0] + 1 == len(windows)
    return size if whole and all(end - start == size for _, start, end in windows) else 0


def _slots(values: "array[float]", windows: Sequence[Window], count: int, even: int) -> Slots:
    found = Slots.empty(count)
    if even:
        part = values[windows[0][1] : windows[-1][2]]
        total = sum(part)
        if total == total:
            found.put(windows[0][0], _evenly(part, even), 0, len(windows))
            return found
    for slot, start, end in windows:
        known = [value for value in values[start:end] if value == value]
        if known:
            size = len(known)
            found.averages[slot] = sum(known) / size
            found.lows[slot] = min(known)
            found.highs[slot] = max(known)
            found.lasts[slot] = known[-1]
            found.counts[slot] = min(size, MOST_COUNT)
    return found


def _evenly(part: "array[float]", size: int) -> Slots:
    """The same where every slot has `size` values, all known: ten times as fast."""
    counts = array("H", (min(size, MOST_COUNT),)) * (len(part) // size)
    lasts = part[size - 1 :: size]
    if size == 1:
        return Slots(part, part, part, lasts, counts)
    columns = [part[nth::size] for nth in range(size)]
    share = 1 / size
    averages = array("f", [total * share for total in map(sum, zip(*columns, strict=True))])
    lows, highs = array("f", map(min, *columns)), array("f", map(max, *columns))
    return Slots(averages, lows, highs, lasts, counts)


def coarser(slots: Slots, size: int) -> Slots:
    """Each `size` slots as one; what is left over at the end is left out."""
    if size == 1:
        return slots
    count = len(slots.counts) // size
    found = Slots.empty(count)
    for slot in range(count):
        part = slice(slot * size, (slot + 1) * size)
        counts = slots.counts[part]
        total = sum(counts)
        if not total:
            continue
        averages, lows, highs, lasts = (
            slots.averages[part],
            slots.lows[part],
            slots.highs[part],
            slots.lasts[part],
        )
        if not all(counts):
            here = [nth for nth, one in enumerate(counts) if one]
            counts = [counts[nth] for nth in here]
            averages, lows, highs, lasts = (
                [column[nth] for nth in here] for column in (averages, lows, highs, lasts)
            )
        found.averages[slot] = sum(map(mul, averages, counts)) / total
        found.lows[slot] = min(lows)
        found.highs[slot] = max(highs)
        found.lasts[slot] = lasts[-1]
        found.counts[slot] = min(total, MOST_COUNT)
    return found


PART = {
    Aggregate.AVG: 0,
    Aggregate.SUM: 0,
    Aggregate.COUNT: 0,
    Aggregate.MIN: 1,
    Aggregate.MAX: 2,
    Aggregate.LAST: 3,
}
"""Which part of a roll-up an answer is made from, beside the counts."""


def line_of(slots: Slots, how: Aggregate) -> "array[float]":
    """That part of it."""
    return (slots.averages, slots.lows, slots.highs, slots.lasts)[PART[how]]


def answered(line: "array[float]", counts: "array[int]", size: int, how: Aggregate) -> list[float | None]:
    """Of each `size` slots one value; None where nothing is known. `line`: the part that PART names."""
    left, found = answered_within(line, counts, size, how)
    return [None] * left + found + [None] * (len(counts) // size - left - len(found))


def answered_within(
    line: "array[float]", counts: "array[int]", size: int, how: Aggregate
) -> tuple[int, list[float | None]]:
    """The same without the None at both ends; how many there are before it."""
    known = counts.tobytes()
    # Whoever held a GPU, held it for an hour of the month: only what lies within is looked at.
    left = (len(known) - len(known.lstrip(b"\0"))) // 2 // size
    right = -(-len(known.rstrip(b"\0")) // (2 * size))
    if left >= right:
        return 0, []
    # Where little is known, or the slots are few and long, each is looked at; else all at once.
    if right - left >= size and 4 * known.count(b"\0\0", 2 * left * size) < (right - left) * size:
        within = slice(left * size, right * size)
        return left, _answered(line[within], counts[within], size, how)
    nothing = bytes(2 * size)
    found: list[float | None] = []
    for at in range(left * size, right * size, size):
        if known[2 * at : 2 * (at + size)] == nothing:
            found.append(None)
        else:
            found.append(_one(line[at : at + size], counts[at : at + size], how))
    return left, found


def answered_piecewise(
    pieces: Sequence[Piece], count: int, size: int, how: Aggregate
) -> tuple[int, list[float | None]] | None:
    """As `answered_within`, of pieces in their order, none of which overlap: a tenth of the work where little
    is known. None where it is not so little, or one value would be of two pieces."""
    if size == 1 or 4 * sum(len(counts) for _, _, counts in pieces) > count:
        return None
    known: dict[int, float] = {}
    for at, values, counts in pieces:
        start, end = max(0, at), min(count, at + len(counts))
        for slot in range(start // size, -(-end // size)):
            within = slice(max(start, slot * size) - at, min(end, (slot + 1) * size) - at)
            part = counts[within]
            if any(part):
                if slot in known:
                    return None
                known[slot] = _one(values[within], part, how)
    if not known:
        return 0, []
    left = min(known)
    return left, [known.get(slot) for slot in range(left, max(known) + 1)]


def _one(line: "array[float]", counts: "array[int]", how: Aggregate) -> float:
    """All of these slots as one value; something is known of them."""
    if how is Aggregate.COUNT:
        return float(sum(counts))
    known = compress(line, counts)
    match how:
        case Aggregate.MIN:
            return min(known)
        case Aggregate.MAX:
            return max(known)
        case Aggregate.LAST:
            return list(known)[-1]
        case _:
            total = sum(map(mul, known, filter(None, counts)))
            return total / sum(counts) if how is Aggregate.AVG else total


def _answered(line: "array[float]", counts: "array[int]", size: int, how: Aggregate) -> list[float | None]:
    if size > 1 and how in (Aggregate.AVG, Aggregate.SUM) and _same(counts):
        # Most charts of most cards: each slot is of as many values. A third of the work.
        factor = 1 / size if how is Aggregate.AVG else counts[0]
        rows = zip(*(line[nth::size] for nth in range(size)), strict=True)
        return [total * factor for total in map(sum, rows)]
    many = [counts[nth::size] for nth in range(size)]
    totals: Sequence[int] = many[0] if size == 1 else list(map(sum, zip(*many, strict=True)))
    if how is Aggregate.COUNT:
        return [float(total) if total else None for total in totals]
    columns = [line[nth::size] for nth in range(size)]
    values: Sequence[float]
    match how:
        case Aggregate.AVG | Aggregate.SUM:
            values = _sums(line, counts, size)
            if how is Aggregate.AVG:
                values = [one / total if total else 0.0 for one, total in zip(values, totals, strict=True)]
        case Aggregate.MIN:
            values = columns[0] if size == 1 else list(map(min, *_without(columns, math.inf)))
        case Aggregate.MAX:
            values = columns[0] if size == 1 else list(map(max, *_without(columns, -math.inf)))
        case Aggregate.LAST:
            values = columns[-1]
            for column in columns[-2::-1]:
                values = [one if one == one else before for one, before in zip(values, column, strict=True)]
    if 0 in totals:
        return [one if total else None for one, total in zip(values, totals, strict=True)]
    return list(values)


def _same(counts: "array[int]") -> bool:
    """Whether all slots are of the same number of values, and of some."""
    return len(counts) > 0 and counts[0] > 0 and counts.tobytes() == counts[:1].tobytes() * len(counts)


def _sums(averages: Sequence[float], counts: Sequence[int], size: int) -> list[float]:
    if 0 in counts:
        sums = [one * count if count else 0.0 for one, count in zip(averages, counts, strict=True)]
    else:
        sums = list(map(mul, averages, counts))
    return sums if size == 1 else list(map(sum, zip(*(sums[nth::size] for nth in range(size)), strict=True)))


def _without(columns: Sequence[Sequence[float]], instead: float) -> list[list[float]]:
    """With something else for what is unknown."""
    return [[one if one == one else instead for one in column] for column in columns]


def carry(
    values: list[float | None], times: Sequence[int], column: "array[float]", first: int, width: int
) -> None:
    """Where a slot of `values` has nothing, the value before, if it lasts until the slot's end."""
    if width >= LASTING or None not in values:
        return
    known = [nth for nth, value in enumerate(column) if value == value]
    moments = [times[nth] for nth in known]
    for slot, value in enumerate(values):
        if value is None:
            end = first + (slot + 1) * width
            at = bisect_left(moments, end) - 1
            if at >= 0 and moments[at] >= end - LASTING:
                values[slot] = column[known[at]]
