"""Answers queries from blocks and from what is not folded yet. Called by `embedded`, on one view."""

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from sentinel.core.series import Aggregate, Labels, Point, Series
from sentinel.drivers.histories.blocks import Raw, unknown, unpack_raw
from sentinel.drivers.histories.folding import Blocks
from sentinel.drivers.histories.levels import HOUR, MINUTE, SPAN, WIDTH, Level, Plan
from sentinel.drivers.histories.rollup import (
    LASTING,
    PART,
    Piece,
    answered,
    answered_piecewise,
    answered_within,
    carry,
    coarser,
    line_of,
    slotted,
)
from sentinel.drivers.histories.runs import runs, some_of, unpack_run

_HOUR = HOUR * 1000
_MINUTES = HOUR // MINUTE

Meant = Mapping[str, Mapping[int, Labels]]
"""By node: ids and labels of the series that a query means."""

Known = Mapping[int, tuple[int, list[float | None]]]
"""By series: a point's place on the grid, and the values from it on. At other places nothing is known."""


def answer(
    connection: sqlite3.Connection, metric: str, meant: Meant, plan: Plan, how: Aggregate
) -> list[Series]:
    """The series that know anything, ordered by labels."""
    times = [(plan.first + nth * plan.step) / 1000 for nth in range(plan.count)]
    gaps: list[Point] = [(time, None) for time in times]
    found: list[Series] = []
    for node, named in meant.items():
        view = _View(connection, metric, node, named)
        values = view.raw(plan, how) if plan.level is Level.RAW else view.rolled_up(plan, how)
        for id, (left, some) in values.items():
            if some.count(None) < len(some):
                right = left + len(some)
                points = (*gaps[:left], *zip(times[left:right], some, strict=True), *gaps[right:])
                found.append(Series(metric=metric, labels=named[id], points=points))
    return sorted(found, key=_labels)


_labels = attrgetter("labels")


def newest(
    connection: sqlite3.Connection, metric: str, meant: Meant, start: int, end: int
) -> Iterable[tuple[Labels, int, float]]:
    """Labels, time and value of what was measured last in [start, end)."""
    for node, named in meant.items():
        raw = _View(connection, metric, node, named).told(start, end).between(start, end)
        for id, values in raw.columns.items():
            at = next((nth for nth in range(len(values) - 1, -1, -1) if values[nth] == values[nth]), None)
            if at is not None:
                yield named[id], raw.times[at], values[at]


@dataclass(frozen=True, slots=True)
class _Line:
    """One part of a series' roll-ups, over the time that is asked about."""

    values: "array[float]"
    counts: "array[int]"

    @classmethod
    def of(cls, pieces: Iterable[Piece], count: int) -> "_Line":
        line = cls(unknown(count), array("H", bytes(2 * count)))
        for at, values, counts in pieces:
            line.put(at, values, counts)
        return line

    def put(self, at: int, values: "array[float]", counts: "array[int]") -> None:
        """All of it from slot `at` on, which may be before the first; what stands outside is left out."""
        start, end = max(0, -at), min(len(counts), len(self.counts) - at)
        if start < end:
            self.counts[at + start : at + end] = counts[start:end]
            if values:
                self.values[at + start : at + end] = values[start:end]

    def better(self, at: int, values: "array[float]", counts: "array[int]") -> None:
        """As Slots.better; what stands outside of the time is left out."""
        start, end = max(0, -at), min(len(counts), len(self.counts) - at)
        mine = self.counts[at + start : at + end]
        if start >= end or all(map(int.__ge__, counts[start:end], mine)):
            self.put(at, values, counts)
            return
        for nth in range(start, end):
            if counts[nth] >= self.counts[at + nth]:
                self.values[at + nth] = values[nth]
                self.counts[at + nth] = counts[nth]


class _View:
    """One metric of one node. Times in epoch milliseconds."""

    def __init__(
        self, connection: sqlite3.Connection, metric: str, node: str, named: Mapping[int, Labels]
    ) -> None:
        self._connection, self._node, self._ids = connection, node, frozenset(named)
        self._blocks = Blocks(connection, metric, node)

    def told(self, start: int, end: int) -> Raw:
        """Raw values of that time, and maybe some beside: stored ones, then the journal's."""
        raw = Raw()
        for block, body in self._blocks.within(Level.RAW, start // 1000, -(-end // 1000)):
            raw.add(unpack_raw(body, block * 1000, self._ids))
        for one in self._journal(start, end):
            raw.add(one)
        return raw

    def raw(self, plan: Plan, how: Aggregate) -> Known:
        told = self.told(plan.first - LASTING, plan.end)
        values = {
            id: answered(line_of(slots, how), slots.counts, 1, how)
            for id, slots in slotted(told, plan.first, plan.step, plan.count).items()
        }
        if how not in (Aggregate.SUM, Aggregate.COUNT):
            for id, column in told.columns.items():
                carry(values[id], told.times, column, plan.first, plan.step)
        return {id: (0, one) for id, one in values.items()}

    def rolled_up(self, plan: Plan, how: Aggregate) -> Known:
        width = WIDTH[plan.level]
        count = plan.count * plan.step // (width * 1000)
        size = plan.step // (width * 1000)
        pieces: dict[int, list[Piece]] = defaultdict(list)
        part = None if how is Aggregate.COUNT else PART[how]
        blocks = self._blocks.within(plan.level, plan.first // 1000, plan.end // 1000)
        for block, run in runs(blocks, SPAN[plan.level]):
            at = (block - plan.first // 1000) // width
            for id, known, values, counts in unpack_run(run, part, self._ids):
                pieces[id].append((at + known, values, counts))
        lines: dict[int, _Line] = {}
        for hour, told in self._unfolded(plan.first, plan.end):
            at = (hour - plan.first) // (width * 1000)
            for id, slots in slotted(told, hour, MINUTE * 1000, _MINUTES).items():
                slots = coarser(slots, _MINUTES) if plan.level is Level.HOUR else slots
                line = lines.get(id) or lines.setdefault(id, _Line.of(pieces.pop(id, ()), count))
                line.better(at, line_of(slots, how), slots.counts)
        found: dict[int, tuple[int, list[float | None]]] = {}
        for id, some in pieces.items():
            sparse = answered_piecewise(some, count, size, how)
            if sparse is None:
                lines[id] = _Line.of(some, count)
            else:
                found[id] = sparse
        for id, line in lines.items():
            found[id] = answered_within(line.values, line.counts, size, how)
        return found

    def _unfolded(self, start: int, end: int) -> Iterable[tuple[int, Raw]]:
        """The hours that the journal has something of, each with all that is known of it."""
        told = Raw()
        # From the hour's start on: an hour's value is of all that was measured in it.
        for one in self._journal(start // _HOUR * _HOUR, -(-end // _HOUR) * _HOUR):
            told.add(one)
        for hour in sorted({time // _HOUR * _HOUR for time in told.times}):
            if hour + _HOUR > start and hour < end:
                raw = self._blocks.raw(hour // 1000).only(self._ids)
                raw.add(told.between(hour, hour + _HOUR))
                yield hour, raw

    def _journal(self, start: int, end: int) -> Sequence[Raw]:
        """In the order of the telling."""
        rows = self._connection.execute(
            "SELECT first, body FROM journal WHERE node = ? AND first < ? AND last >= ? ORDER BY id",
            (self._node, end, start),
        ).fetchall()
        return [one for one in some_of(rows, self._ids) if one.columns]
