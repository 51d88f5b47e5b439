"""Rows that become one batch: the rows of a minute. Pure.

Kept by the recorder, sent by `sending`, put into files as encoded batches by `spool`.
"""

import math
from array import array
from dataclasses import dataclass, replace

from sentinel.agent.record.columns import MOST_SERIES, Row
from sentinel.core.sample_batch import Batch, Column, Named

ROWS = 6
LONGEST = 60.0
"""Seconds from a minute's first row to its last at the most: the machine may have slept meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """`sequence`: its number in the agent's count. `began`: when its first row was taken, since boot."""

    sequence: int
    began: float
    rows: tuple[Row, ...]

    @property
    def whole(self) -> bool:
        """There is no room for another row."""
        return len(self.rows) >= ROWS

    def takes(self, now: float) -> bool:
        """Whether a row that is taken now, seconds since boot, still belongs to it."""
        return not self.whole and now < self.began + LONGEST

    def with_row(self, row: Row) -> "Minute":
        return replace(self, rows=(*self.rows, row))


def batch_of(minute: Minute, node: str) -> Batch:
    """Ordered by series, so that minutes of the same series have the same header. What a row does not know of
    a series that another one knows is NaN."""
    named: dict[Named, None] = {}
    for row in minute.rows:
        for series in row.values:
            if len(named) < MOST_SERIES:
                named[series] = None
    columns = tuple(
        Column(
            metric=metric,
            labels=labels,
            values=array("f", [_float(row.values.get((metric, labels), math.nan)) for row in minute.rows]),
        )
        for metric, labels in sorted(named)
    )
    times = tuple(row.at for row in minute.rows)
    return Batch(node=node, sequence=minute.sequence, times=times, columns=columns)


_MOST = 3.4028234663852886e38


def _float(value: float) -> float:
    """What four bytes can hold; more than that is unknown."""
    return value if -_MOST <= value <= _MOST else math.nan
