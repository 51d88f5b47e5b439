"""Since when the oldest job in line waits: a metric, and what alerts go by. Called by both."""

from sentinel.core.job import JobState
from sentinel.ports.store import JobFilter, Page, Reader

_PAGE, _PAGES = 200, 50
"""Of waiting jobs that are looked at: those that wait for other jobs are not in line."""


def oldest_wait(reader: Reader, now: float, tenant: str | None = None) -> float | None:
    """Seconds since it was submitted; `now` is the epoch's. None: none is in line. `tenant` None: any."""
    wanted, after = JobFilter(tenant=tenant, states=(JobState.QUEUED,), oldest_first=True), None
    for _ in range(_PAGES):
        jobs, after = reader.find_jobs(wanted, Page(limit=_PAGE, after=after))
        for job in jobs:
            if not job.after:
                return max(0.0, now - job.submitted_at)
        if after is None:
            return None
    return None
