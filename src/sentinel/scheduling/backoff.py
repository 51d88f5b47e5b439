"""How long a job that its node refused waits before it is placed again. Used by the scheduler's loop.

Measured on the loop's own CLOCK_BOOTTIME from when it saw the job in the queue again, so a loop that was
started again has every such job wait anew.
"""

from collections.abc import Iterable
from heapq import heappop, heappush

from sentinel.core.job import Job, JobState

FIRST = 5.0
LONGEST = 300.0


def wait_after(refusals: int) -> float:
    """Seconds: none without a refusal, then 5, 10, 20, … up to five minutes."""
    return 0.0 if refusals <= 0 else min(LONGEST, FIRST * 2.0 ** min(refusals - 1, 16))


class Backoff:
    """Which jobs wait. `resting`: their ids, and until when."""

    def __init__(self) -> None:
        self.resting: dict[str, float] = {}
        self._counted: dict[str, int] = {}  # id → the attempt whose refusal it waits for, or has waited for
        self._alarms: list[tuple[float, str]] = []

    def see(self, jobs: Iterable[Job], now: float) -> None:
        """Jobs as they have become. One that is told of again does not wait longer."""
        for job in jobs:
            if job.state is not JobState.QUEUED or job.refusals <= 0:
                self.resting.pop(job.id, None)
                self._counted.pop(job.id, None)
            elif self._counted.get(job.id) != job.attempt:
                self._counted[job.id] = job.attempt
                until = self.resting[job.id] = now + wait_after(job.refusals)
                heappush(self._alarms, (until, job.id))

    def wake(self, now: float) -> bool:
        """Lets go those whose time has come; whether there were any."""
        before = len(self.resting)
        while self._alarms and self._alarms[0][0] <= now:
            _, id = heappop(self._alarms)
            if self.resting.get(id, now + 1.0) <= now:
                del self.resting[id]
        return len(self.resting) < before

    def next(self) -> float | None:
        """When `wake` has something to do; None: never, as things are."""
        return self._alarms[0][0] if self._alarms else None
