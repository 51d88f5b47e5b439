"""Folds a node's journal into blocks: raw, minutes, hours. Called by `embedded`, within a transaction.

What was told goes into the stored raw block first, and its minutes are made anew from all of it: so whatever
is told late, twice or out of order counts once. Where the raw block is gone, a minute known from more values
stays (see Slots.better). The journal's rows go with the same commit.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator

from sentinel.drivers.histories.blocks import (
    SMALL,
    Raw,
    Slots,
    pack_raw,
    pack_rollup,
    unpack_raw,
    unpack_rollup,
)
from sentinel.drivers.histories.levels import HOUR, MINUTE, SPAN, WEEK, Level, Retention
from sentinel.drivers.histories.rollup import coarser, slotted

MOST_ROWS, MOST_VALUES = 400, 2_000_000  # of the journal, in one go

_MINUTES, _HOURS = HOUR // MINUTE, WEEK // HOUR


def fold(
    connection: sqlite3.Connection,
    node: str,
    before: int,
    now: int,
    retention: Retention,
) -> bool:
    """All that begins before then, or the part of it that was told first; whether it was all."""
    rows = connection.execute(
        "SELECT id, first, body FROM journal WHERE node = ? AND first < ? ORDER BY id LIMIT ?",
        (node, before, MOST_ROWS),
    )
    told, done, values = Raw(), list[tuple[int]](), 0
    for id, first, body in rows:
        one = unpack_raw(body, first)
        told.add(one)
        done.append((id,))
        values += len(one.times) * len(one.columns)
        if values > MOST_VALUES:
            break
    whole = len(done) < MOST_ROWS and rows.fetchone() is None
    rows.close()
    by_metric = _by_metric(connection, told)
    for hour, part in _by_hour(told):
        for metric, ids in by_metric.items():
            # A series of which nothing is known of that hour takes no room in its blocks.
            if known := [id for id in ids if any(value == value for value in part.columns[id])]:
                _fold_hour(Blocks(connection, metric, node), hour, part.only(known), now / 1000, retention)
    if told.times:
        seen = ((told.times[-1], id) for id in told.columns)
        connection.executemany("UPDATE series SET seen = max(seen, ?) WHERE id = ?", seen)
    connection.executemany("DELETE FROM journal WHERE id = ?", done)
    return whole


def _by_metric(connection: sqlite3.Connection, told: Raw) -> dict[str, list[int]]:
    """The ids of the series that there are."""
    found: dict[str, list[int]] = defaultdict(list)
    for id in told.columns:
        for (metric,) in connection.execute("SELECT metric FROM series WHERE id = ?", (id,)):
            found[metric].append(id)
    return found


def _by_hour(told: Raw) -> Iterator[tuple[int, Raw]]:
    for hour in sorted({time // (HOUR * 1000) for time in told.times}):
        start = hour * HOUR
        yield start, told.between(start * 1000, (start + HOUR) * 1000)


def _fold_hour(blocks: "Blocks", hour: int, told: Raw, now: float, retention: Retention) -> None:
    """`hour` in epoch seconds."""
    last = hour + HOUR
    if retention.keeps(Level.RAW, last, now):
        raw = blocks.raw(hour)
        raw.add(told)
        blocks.put(Level.RAW, hour, pack_raw(raw, hour * 1000, SMALL))
        told = raw.only(told.columns)
    minutes = blocks.rollup(Level.MINUTE, hour) if retention.keeps(Level.MINUTE, last, now) else None
    made = slotted(told, hour * 1000, MINUTE * 1000, _MINUTES)
    if minutes is not None:
        for id, slots in made.items():
            minutes.setdefault(id, Slots.empty(_MINUTES)).better(0, slots)
        blocks.put(Level.MINUTE, hour, pack_rollup(minutes, _MINUTES))
        made = {id: minutes[id] for id in made}
    week = hour // WEEK * WEEK
    hours = blocks.rollup(Level.HOUR, week)
    for id, slots in made.items():
        hours.setdefault(id, Slots.empty(_HOURS)).better((hour - week) // HOUR, coarser(slots, _MINUTES))
    blocks.put(Level.HOUR, week, pack_rollup(hours, _HOURS))


class Blocks:
    """The blocks of one metric of a node. `start` in epoch seconds."""

    def __init__(self, connection: sqlite3.Connection, metric: str, node: str) -> None:
        self._connection, self._metric, self._node = connection, metric, node

    def raw(self, start: int) -> Raw:
        body = self._body(Level.RAW, start)
        return Raw() if body is None else unpack_raw(body, start * 1000)

    def rollup(self, level: Level, start: int) -> dict[int, Slots]:
        body = self._body(level, start)
        return {} if body is None else unpack_rollup(body)

    def put(self, level: Level, start: int, body: bytes) -> None:
        self._connection.execute(
            "INSERT INTO block (level, metric, node, start, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (level, metric, node, start) DO UPDATE SET body = excluded.body",
            (level.value, self._metric, self._node, start, body),
        )

    def within(self, level: Level, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Start and body of the blocks that have something of [start, end), in order."""
        return self._connection.execute(
            "SELECT start, body FROM block WHERE level = ? AND metric = ? AND node = ?"
            " AND start > ? AND start < ? ORDER BY start",
            (level.value, self._metric, self._node, start - SPAN[level], end),
        )

    def _body(self, level: Level, start: int) -> bytes | None:
        row = self._connection.execute(
            "SELECT body FROM block WHERE level = ? AND metric = ? AND node = ? AND start = ?",
            (level.value, self._metric, self._node, start),
        ).fetchone()
        return None if row is None else row[0]
