"""What we need of whatever keeps the past of all metrics. Drivers: embedded (SQLite), prometheus.

One suite, tests/contracts/test_history.py, runs against both. Every method may block for as long as the disk
or the server takes, and is called from any number of threads. All of it raises HistoryUnavailable when the
history cannot be reached, is full or was locked for too long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sentinel.core.errors import SentinelError
from sentinel.core.sample_batch import Batch
from sentinel.core.series import Aggregate, Labels, Selector, Series

MOST_POINTS = 50_000  # of one series
MOST_VALUES = 2_000_000  # of one query


class HistoryUnavailable(SentinelError):
    """The history cannot be reached, is full, or was locked for too long. What was to be kept is not."""

    retry = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of the batches: how many are kept now, were told before, and are not kept here at all.

    `refused` counts single samples: from too far in the future, or older than anything that is kept.
    """

    kept: int = 0
    known: int = 0
    elsewhere: int = 0
    refused: int = 0


class History(Protocol):
    """The past of all metrics. Times are epoch seconds, steps and ranges seconds."""

    def append(self, batches: Sequence[Batch]) -> Appended:
        """Keeps them; they are on the disk when it returns, all or none. Idempotent: a batch told twice is
        told once, by its node, sequence and first time; and so is a measurement, by its series and time.

        Told again with more times, a batch takes the place of what was told of it: so a minute may be told
        while it lasts. Told again with as many or fewer, it is known. UsageError when a batch is none: its
        columns have not as many values as it has times."""
        ...

    def query(
        self, selector: Selector, start: float, end: float, step: float, how: Aggregate
    ) -> Sequence[Series]:
        """Every series that knows anything of [start, end), ordered by labels, on one grid: at each multiple
        of `step`, from the one at or before `start`, `how` over what was measured from then up to the next.

        Where nothing was measured, the point's value is None. Where the samples come less often than the
        steps, a value lasts a little, so that a late sample is no gap. Where what is left of that time is
        coarser than `step`, so is the grid. UsageError when that were too many points, or `step` is not
        positive.
        """
        ...

    def latest(self, selector: Selector, now: float, within: float) -> Sequence[tuple[Labels, float, float]]:
        """Labels, time and value of the newest known value of each series, if `within` seconds before `now`
        at most. Ordered by labels."""
        ...

    def series(self, metric: str | None = None) -> Sequence[tuple[str, Labels]]:
        """Metric and labels of whatever there is, ordered."""
        ...

    def purge(self, now: float) -> int:
        """Rolls up what is due and removes what is too old; how many blocks went. To be called every few
        minutes; it does a bounded amount of work."""
        ...

    def close(self) -> None: ...
