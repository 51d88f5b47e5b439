"""What is told becomes rows of the embedded history's journal. Called by `embedded`, within a transaction.

Nearly all batches are a node's next minute, in order, of the series that it had before: for those nothing is
done for each series. The others are put in order first.
"""

import json
import sqlite3
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sentinel.core.errors import UsageError
from sentinel.core.sample_batch import Batch, Columns, Named
from sentinel.core.series import Labels
from sentinel.drivers.histories.blocks import SOON, Raw, Rows, pack_rows, raw_from, rows_of
from sentinel.drivers.histories.known import Known
from sentinel.drivers.histories.levels import DAY, HOUR

AHEAD = HOUR
"""Seconds that a node's clock may be ahead of ours; what is told of later times is refused."""

MOST_OF_NODE = 50_000  # series
MOST_IDS = 8192
"""Of so many nodes it is remembered which ids their series have."""
LONGEST_GAP = DAY * 1000
"""Milliseconds between two times in one row of the journal. A clock may have jumped by more."""

New = dict[Named, tuple[int, str]]
"""Id and node of the series that this transaction adds."""


@dataclass(slots=True)
class Told:
    """A batch as it goes into the journal: a row, or more where its times are far apart."""

    batch: Batch
    rows: list[Rows]
    known: bool = False


class Telling:
    """For one thread at a time. `kept`: seconds for which anything is kept at all."""

    def __init__(self, known: Known, kept: float) -> None:
        self._known, self._kept = known, kept
        self._ids: OrderedDict[int, tuple[object, int, array[int]]] = OrderedDict()

    def rows(
        self,
        connection: sqlite3.Connection,
        batch: Batch,
        now: float,
        new: New,
    ) -> tuple[list[Rows], int]:
        """What of a batch is kept, and how many samples are not."""
        ids, values = self._ids_and_values(connection, batch, now, new)
        if len(values) != len(ids) * len(batch.times):
            raise UsageError(f"a batch of {batch.node} has not as many values as it has times")
        times = [round(time * 1000) for time in batch.times]
        oldest, newest = round((now - self._kept) * 1000), round((now + AHEAD) * 1000)
        if _usual(times, oldest, newest) and 0 not in ids:
            return [Rows(times, ids, values)] if ids else [], 0
        count = len(times)
        columns = {id: values[nth * count : (nth + 1) * count] for nth, id in enumerate(ids) if id}
        raw = raw_from(batch.times, columns)
        kept = raw.between(oldest, newest)
        refused = count * list(ids).count(0) + (len(raw.times) - len(kept.times)) * len(columns)
        return [rows_of(one) for one in _apart(kept) if columns], refused

    def _ids_and_values(
        self,
        connection: sqlite3.Connection,
        batch: Batch,
        now: float,
        new: New,
    ) -> "tuple[array[int], array[float]]":
        """The id of each column's series, 0 where there are too many; and all their values."""
        columns = batch.columns
        if not isinstance(columns, Columns):
            values = array("f")
            for column in columns:
                values.extend(column.values)
            series = [(column.metric, column.labels) for column in columns]
            return self._ids_of(connection, batch.node, series, now, new), values
        # The same object as long as the node's series are the same.
        known = self._ids.get(id(columns.series))
        if known is not None and known[:2] == (columns.series, self._known.generation):
            self._ids.move_to_end(id(columns.series))
            return known[2], columns.values
        before = len(new)
        ids = self._ids_of(connection, batch.node, columns.series, now, new)
        if len(new) == before and 0 not in ids and not any(one in new for one in columns.series):
            self._ids[id(columns.series)] = (columns.series, self._known.generation, ids)
            if len(self._ids) > MOST_IDS:
                self._ids.popitem(last=False)
        return ids, columns.values

    def _ids_of(
        self,
        connection: sqlite3.Connection,
        node: str,
        series: Sequence[tuple[str, Labels]],
        now: float,
        new: New,
    ) -> "array[int]":
        found: array[int] = array("I")
        room = MOST_OF_NODE - self._known.of_node[node]
        for one in series:
            id = self._known.ids.get(one) or new.get(one, (0, ""))[0]
            if not id and room > 0:
                room -= 1
                id = _insert_series(connection, node, one, round(now * 1000))
                new[one] = (id, node)
            found.append(id)
        return found


def _usual(times: Sequence[int], oldest: int, newest: int) -> bool:
    """In order, none too old or too far ahead, none far from the next."""
    if not times or times[0] < oldest or times[-1] >= newest:
        return False
    return all(0 < after - before <= LONGEST_GAP for before, after in pairwise(times))


def _apart(raw: Raw) -> Iterator[Raw]:
    """In parts where times are far apart."""
    starts = [after for before, after in pairwise(raw.times) if after - before > LONGEST_GAP]
    if raw.times:
        for start, end in pairwise([raw.times[0], *starts, raw.times[-1] + 1]):
            yield raw.between(start, end)


def write(connection: sqlite3.Connection, told: Told) -> int:
    """The last row's id. 0, and it is marked as known, when the journal has this batch, as long or longer."""
    batch, last = told.batch, 0
    for rows in told.rows:
        first, count = rows.times[0], len(rows.times)
        before = connection.execute(
            "SELECT times FROM journal WHERE node = ? AND first = ? AND sequence = ?",
            (batch.node, first, batch.sequence),
        ).fetchone()
        if before is None or before[0] < count:
            last = connection.execute(
                "INSERT OR REPLACE INTO journal (node, first, sequence, last, times, body)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (batch.node, first, batch.sequence, rows.times[-1], count, pack_rows(rows, first, SOON)),
            ).lastrowid
    told.known = not last
    return last or 0


def _insert_series(connection: sqlite3.Connection, node: str, series: tuple[str, Labels], seen: int) -> int:
    metric, labels = series
    text = json.dumps(labels, separators=(",", ":"), ensure_ascii=False)
    done = connection.execute(
        "INSERT INTO series (node, metric, labels, seen) VALUES (?, ?, ?, ?)", (node, metric, text, seen)
    )
    assert done.lastrowid is not None
    return done.lastrowid
