"""What the embedded history holds in memory: the ids of series, their newest values, what waits to be folded.

Used by `embedded`. Several processes may have the file open: each follows what the others added, by the
growing ids of the file's rows.
"""

import json
import sqlite3
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from sentinel.core.series import Labels, Selector
from sentinel.drivers.histories.blocks import Rows, unpack_rows

REMEMBERED = 900_000
"""Milliseconds before the opening of which the newest values are read at once."""

GRACE = 120_000
STAGGER = 1_800_000
"""An hour's journal is folded when the hour has been over for GRACE, and up to STAGGER more: nodes differ, so
that not all of a fleet are due at the same moment."""

REST = 600_000
"""From one folding of a node to the next at the least: one that comes back tells of many hours, a minute at a
time, and not each of those is to be folded alone."""

_HOUR = 3_600_000


class Known:
    """Not for several threads at once. Times are epoch milliseconds. `since`: of what is measured from then
    on the newest values are known."""

    def __init__(self, now: int) -> None:
        self.since = now - REMEMBERED
        self.ids: dict[tuple[str, Labels], int] = {}
        self.metrics: dict[str, dict[int, tuple[str, Labels]]] = {}
        self.metric_of: dict[int, str] = {}
        self.of_node: Counter[str] = Counter()
        self.newest: dict[int, tuple[int, float]] = {}
        self.oldest: dict[str, int] = {}
        self.generation = 0
        self._rests: dict[str, int] = {}  # until when
        self._series = self._journal = 0
        self._labels: dict[str, Labels] = {}

    def follow(self, connection: sqlite3.Connection) -> None:
        """Takes in what is new in the file."""
        generation, series, journal = connection.execute(
            "SELECT (SELECT value FROM meta WHERE key = 'generation'),"
            " (SELECT seq FROM sqlite_sequence WHERE name = 'series'),"
            " (SELECT seq FROM sqlite_sequence WHERE name = 'journal')"
        ).fetchone()
        if generation != self.generation:
            self._forget()
            self.generation = generation
        if (series or 0) > self._series:
            rows = connection.execute(
                "SELECT id, node, metric, labels FROM series WHERE id > ? ORDER BY id", (self._series,)
            )
            for id, node, metric, labels in rows:
                self.add_series(id, node, metric, self._labels_from(labels))
            self._series = series
        if (journal or 0) > self._journal:
            self._read(connection, self._journal)
            self._journal = journal

    def _read(self, connection: sqlite3.Connection, after: int) -> None:
        waiting = connection.execute(
            "SELECT node, min(first) FROM journal WHERE id > ? GROUP BY node", (after,)
        )
        for node, first in waiting:
            self.oldest[node] = min(first, self.oldest.get(node, first))
        rows = connection.execute(
            "SELECT first, body FROM journal WHERE id > ? AND last >= ? ORDER BY id", (after, self.since)
        )
        for first, body in rows:
            self.note(unpack_rows(body, first))

    def _forget(self) -> None:
        self.ids.clear()
        self.metrics.clear()
        self.metric_of.clear()
        self.of_node.clear()
        self._labels.clear()
        self._series = 0

    def _labels_from(self, text: str) -> Labels:
        found = self._labels.get(text)
        if found is None:
            found = self._labels[text] = tuple((name, value) for name, value in json.loads(text))
        return found

    def folded(self, connection: sqlite3.Connection, node: str, now: int, *, whole: bool) -> None:
        """What of the node's journal is left is to be looked up. `whole`: all that was due."""
        self.oldest.pop(node, None)
        if whole:
            self._rests[node] = now + REST
        (first,) = connection.execute("SELECT min(first) FROM journal WHERE node = ?", (node,)).fetchone()
        if first is not None:
            self.oldest[node] = first

    def add_series(self, id: int, node: str, metric: str, labels: Labels) -> None:
        self.ids[metric, labels] = id
        self.metrics.setdefault(metric, {})[id] = (node, labels)
        self.metric_of[id] = metric
        self.of_node[node] += 1

    def appended(self, journal: int, series: int) -> None:
        """This process wrote the file up to these rows, and has them in memory."""
        self._journal = max(self._journal, journal)
        self._series = max(self._series, series)

    def note(self, rows: Rows) -> None:
        """The newest values may be among these."""
        newest = self.newest
        for id, time, value in rows.newest():
            before = newest.get(id)
            if before is None or before[0] <= time:
                newest[id] = (time, value)

    def meant(self, selector: Selector) -> dict[str, dict[int, Labels]]:
        """By node: the series that a selector takes."""
        found: dict[str, dict[int, Labels]] = defaultdict(dict)
        every = not selector.matches
        for id, (node, labels) in self.metrics.get(selector.metric, {}).items():
            if every or selector.takes(labels):
                found[node][id] = labels
        return found

    def newest_within(
        self, meant: Mapping[str, Mapping[int, Labels]], start: int, end: int
    ) -> tuple[list[tuple[Labels, int, float]], dict[str, dict[int, Labels]]]:
        """Labels, time and value of the newest of each series, if in [start, end); and the series of which
        memory cannot say it: their newest is newer, or it began too late."""
        found: list[tuple[Labels, int, float]] = []
        others: dict[str, dict[int, Labels]] = {}
        for node, named in meant.items():
            for id, labels in named.items():
                time, value = self.newest.get(id, (0, 0.0))
                if start <= time < end:
                    found.append((labels, time, value))
                elif time >= end or start < self.since:
                    others.setdefault(node, {})[id] = labels
        return found, others

    def due(self, nodes: Iterable[str], now: int) -> list[str]:
        """Those of the nodes whose journal has an hour to fold."""
        return [node for node in nodes if node in self.oldest and self._due_at(node) <= now]

    def _due_at(self, node: str) -> int:
        hour_end = (self.oldest[node] // _HOUR + 1) * _HOUR
        due = hour_end + GRACE + zlib.crc32(node.encode()) % STAGGER
        return max(due, self._rests.get(node, due))


def foldable(now: int) -> int:
    """What is measured before this may be folded."""
    return (now - GRACE) // _HOUR * _HOUR
