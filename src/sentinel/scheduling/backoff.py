"""How long a job that its node refused, or that failed and is tried again, waits before it is placed again.
Used by the scheduler's loop.

Measured on the loop's own CLOCK_BOOTTIME from when it saw the job in the queue again, so a loop that was
started again has every such job wait anew.
"""

from collections.abc import Iterable
from heapq import heappop, heappush

from sentinel.core.job import Job, JobState

FIRST = 5.0
LONGEST = 300.0


def wait_after(times: int) -> float:
    """Seconds after so many refusals in a row, or failures: none, then 5, 10, 20, … up to five minutes."""
    return 0.0 if times <= 0 else min(LONGEST, FIRST * 2.0 ** min(times - 1, 16))


class Backoff:
    """Which jobs wait. `resting`: their ids, and until when."""

    def __init__(self) -> None:
        self.resting: dict[str, float] = {}
        self._counted: dict[str, int] = {}  # id → the attempt whose end it waits after, or has waited after
        self._failures: dict[str, int] = {}  # id → how often it had failed when it was seen last
        self._alarms: list[tuple[float, str]] = []

    def see(self, jobs: Iterable[Job], now: float) -> None:
        """Jobs as they have become. One that is told of again does not wait longer."""
        for job in jobs:
            failed = self._failures.get(job.id, 0)
            self._note_failures(job)
            if job.state is not JobState.QUEUED or not (job.refusals or job.failures):
                self.resting.pop(job.id, None)
                self._counted.pop(job.id, None)
            elif self._counted.get(job.id) != job.attempt:
                self._counted[job.id] = job.attempt
                wait = wait_after(max(job.refusals, job.failures if job.failures > failed else 0))
                if wait:
                    until = self.resting[job.id] = now + wait
                    heappush(self._alarms, (until, job.id))

    def _note_failures(self, job: Job) -> None:
        if job.state.ended or not job.failures:
            self._failures.pop(job.id, None)
        else:
            self._failures[job.id] = job.failures

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
