"""The history in a file of its own beside the store, for one controller. Opened by the server's wiring.

What is told goes into a journal, a row a batch, and is on the disk when `append` returns. When an hour is
over, a node's part of the journal is folded into blocks (see `folding`); queries read both. The newest value
of each series is in memory. Several processes may have the file open at once.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.sample_batch import Batch
from sentinel.core.series import Aggregate, Labels, Selector, Series
from sentinel.drivers.histories.folding import fold
from sentinel.drivers.histories.history_file import BUSY_SECONDS, HistoryFile
from sentinel.drivers.histories.known import Known, foldable
from sentinel.drivers.histories.levels import SPAN, Level, Retention, plan
from sentinel.drivers.histories.reading import answer, newest
from sentinel.drivers.histories.telling import New, Telling, Told, write
from sentinel.ports.history import MOST_VALUES, Appended

FOLDS_AN_APPEND, FOLDS_A_PURGE = 2, 64
MOST_PURGED = 5_000  # blocks, in one transaction


class EmbeddedHistory:
    """Implements ports.history.History. UsageError when the file cannot be one. `clock`: epoch seconds."""

    def __init__(
        self,
        path: str,
        *,
        retention: Retention | None = None,
        clock: Callable[[], float] = wall,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self._retention = retention or Retention()
        self._clock = clock
        self._file = HistoryFile(path, busy_seconds=busy_seconds)
        self._lock = threading.RLock()  # of what is in memory; taken within a transaction, never around one
        self._known = Known(round(clock() * 1000))
        self._telling = Telling(self._known, self._retention.hour)
        try:
            self._follow()
        except BaseException:
            self._file.close()
            raise

    def append(self, batches: Sequence[Batch]) -> Appended:
        now, refused = self._clock(), 0
        told: list[Told] = []
        with self._file.writing() as connection, self._lock:
            self._known.follow(connection)
            new: New = {}
            for batch in batches:
                rows, less = self._telling.rows(connection, batch, now, new)
                refused += less
                if rows:
                    told.append(Told(batch, rows))
            journal = 0
            for one in told:
                journal = write(connection, one) or journal
        with self._lock:
            self._remember(told, new, journal)
        kept = sum(not one.known for one in told)
        with contextlib.suppress(SentinelError):  # what was told is kept already; `purge` says it
            self._fold({one.batch.node for one in told}, now, FOLDS_AN_APPEND)
        return Appended(kept=kept, known=len(told) - kept, refused=refused)

    def query(
        self, selector: Selector, start: float, end: float, step: float, how: Aggregate
    ) -> Sequence[Series]:
        grid = plan(start, end, step, self._clock(), self._retention)
        with self._file.reading() as connection:
            meant = self._meant(connection, selector)
            if grid.count * sum(map(len, meant.values())) > MOST_VALUES:
                raise UsageError(
                    f"more than {MOST_VALUES} values: ask for fewer series, a shorter time or a longer step"
                )
            return answer(connection, selector.metric, meant, grid, how)

    def latest(self, selector: Selector, now: float, within: float) -> Sequence[tuple[Labels, float, float]]:
        start, end = round((now - within) * 1000), round(now * 1000) + 1
        with self._file.reading() as connection:
            meant = self._meant(connection, selector)
            with self._lock:
                found, others = self._known.newest_within(meant, start, end)
            found += newest(connection, selector.metric, others, start, end)
        return sorted((labels, time / 1000, value) for labels, time, value in found)

    def series(self, metric: str | None = None) -> Sequence[tuple[str, Labels]]:
        self._follow()
        with self._lock:
            return sorted(one for one in self._known.ids if metric is None or one[0] == metric)

    def purge(self, now: float) -> int:
        self._follow()
        with self._lock:
            nodes = set(self._known.oldest)
        self._fold(nodes, now, FOLDS_A_PURGE)
        gone = 0
        for level in Level:
            oldest = now - self._retention.of(level) - SPAN[level]
            with self._file.writing() as connection:
                gone += connection.execute(
                    "DELETE FROM block WHERE rowid IN"
                    " (SELECT rowid FROM block WHERE level = ? AND start < ? LIMIT ?)",
                    (level.value, oldest, MOST_PURGED),
                ).rowcount
        with self._file.writing() as connection:
            ended = round((now - self._retention.hour - SPAN[Level.HOUR]) * 1000)
            if connection.execute("DELETE FROM series WHERE seen < ?", (ended,)).rowcount:
                connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
        return gone

    def close(self) -> None:
        self._file.close()

    # ------------------------------------------------------------------ what is in memory

    def _follow(self) -> None:
        with self._file.reading() as connection, self._lock:
            self._known.follow(connection)

    def _meant(self, connection: sqlite3.Connection, selector: Selector) -> dict[str, dict[int, Labels]]:
        with self._lock:
            self._known.follow(connection)
            return self._known.meant(selector)

    def _remember(self, told: Sequence[Told], new: New, journal: int) -> None:
        """After the commit only: what is rolled back was never known."""
        for (metric, labels), (id, node) in new.items():
            if id not in self._known.metric_of:
                self._known.add_series(id, node, metric, labels)
        for one in told:
            if not one.known:
                for rows in one.rows:
                    self._known.note(rows)
                node, first = one.batch.node, one.rows[0].times[0]
                self._known.oldest[node] = min(first, self._known.oldest.get(node, first))
        self._known.appended(journal, max((id for id, _ in new.values()), default=0))

    # ------------------------------------------------------------------ folding

    def _fold(self, nodes: set[str], now: float, most: int) -> None:
        exact = round(now * 1000)
        for node in self._due(nodes, exact, most):
            with self._file.writing() as connection:
                whole = fold(connection, node, foldable(exact), exact, self._retention)
            # The view begins with the lock held: no batch that is in memory by now is missing in it.
            with self._file.reading() as connection, self._lock:
                self._known.folded(connection, node, exact, whole=whole)

    def _due(self, nodes: set[str], now: int, most: int) -> Iterator[str]:
        with self._lock:
            return islice(self._known.due(nodes, now), most)
