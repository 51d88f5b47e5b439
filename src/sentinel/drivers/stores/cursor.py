"""Where a page of jobs ended: the last job's time and id. For the stores of this family alone.

A place in an order rather than a count of rows: jobs that come in between are neither shown twice nor
left out.
"""

from sentinel.core.errors import UsageError
from sentinel.core.job import Job


def cursor_of(job: Job) -> str:
    """The cursor of the page after the one that `job` ends."""
    return f"{job.submitted_at!r}~{job.id}"


def place_of(cursor: str) -> tuple[float, str]:
    """(submitted_at, id) that `cursor_of` wrote. UsageError when it is none."""
    at, _, id = cursor.partition("~")
    try:
        if id:
            return float(at), id
    except ValueError:
        pass
    raise UsageError(f"{cursor!r} is no place in a list of jobs: give `next` of the page before, unchanged")
