"""Answers queries from blocks and from what is not folded yet. Called by `embedded`, on one view."""

import sqlite3
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sentinel.core.series import Aggregate, Labels, Series
from sentinel.drivers.histories.blocks import Raw, unknown, unpack_line, unpack_raw
from sentinel.drivers.histories.folding import Blocks
from sentinel.drivers.histories.levels import HOUR, MINUTE, SPAN, WIDTH, Level, Plan
from sentinel.drivers.histories.rollup import LASTING, PART, answered, carry, coarser, line_of, slotted

_HOUR = HOUR * 1000
_MINUTES = HOUR // MINUTE

Meant = Mapping[str, Mapping[int, Labels]]
"""By node: ids and labels of the series that a query means."""


def answer(
    connection: sqlite3.Connection, metric: str, meant: Meant, plan: Plan, how: Aggregate
) -> list[Series]:
    """The series that know anything, ordered by labels."""
    times = [(plan.first + nth * plan.step) / 1000 for nth in range(plan.count)]
    found: list[Series] = []
    for node, named in meant.items():
        view = _View(connection, metric, node, named)
        values = view.raw(plan, how) if plan.level is Level.RAW else view.rolled_up(plan, how)
        found += (
            Series(metric=metric, labels=named[id], points=tuple(zip(times, one, strict=True)))
            for id, one in values.items()
            if any(value is not None for value in one)
        )
    return sorted(found, key=lambda series: series.labels)


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
    def empty(cls, count: int) -> "_Line":
        return cls(unknown(count), array("H", bytes(2 * count)))

    def better(self, at: int, values: Sequence[float], counts: Sequence[int]) -> None:
        """As Slots.better; what stands outside of the time is left out."""
        for nth, count in enumerate(counts, at):
            if 0 <= nth < len(self.counts) and count >= self.counts[nth]:
                self.values[nth] = values[nth - at]
                self.counts[nth] = count


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

    def raw(self, plan: Plan, how: Aggregate) -> dict[int, list[float | None]]:
        told = self.told(plan.first - LASTING, plan.end)
        values = {
            id: answered(line_of(slots, how), slots.counts, 1, how)
            for id, slots in slotted(told, plan.first, plan.step, plan.count).items()
        }
        if how not in (Aggregate.SUM, Aggregate.COUNT):
            for id, column in told.columns.items():
                carry(values[id], told.times, column, plan.first, plan.step)
        return values

    def rolled_up(self, plan: Plan, how: Aggregate) -> dict[int, list[float | None]]:
        width, span = WIDTH[plan.level], SPAN[plan.level]
        count = plan.count * plan.step // (width * 1000)
        lines: dict[int, _Line] = {}
        for block, body in self._blocks.within(plan.level, plan.first // 1000, plan.end // 1000):
            at = (block - plan.first // 1000) // width
            start, end = max(0, -at), min(span // width, count - at)
            for id, values, counts in unpack_line(body, PART[how], self._ids):
                line = lines.get(id) or lines.setdefault(id, _Line.empty(count))
                line.values[at + start : at + end] = values[start:end]
                line.counts[at + start : at + end] = counts[start:end]
        for hour, told in self._unfolded(plan.first, plan.end):
            at = (hour - plan.first) // (width * 1000)
            for id, slots in slotted(told, hour, MINUTE * 1000, _MINUTES).items():
                slots = coarser(slots, _MINUTES) if plan.level is Level.HOUR else slots
                line = lines.get(id) or lines.setdefault(id, _Line.empty(count))
                line.better(at, line_of(slots, how), slots.counts)
        size = plan.step // (width * 1000)
        return {id: answered(line.values, line.counts, size, how) for id, line in lines.items()}

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
        return [unpack_raw(body, first, self._ids) for first, body in rows]
