"""What a job that is submitted waits for: which jobs and arrays were meant. Used by routes.submitting.

Whether that can come true is the desk's to say.
"""

from collections.abc import Sequence

from sentinel.api.finding import find
from sentinel.api.job_request import AfterRequest
from sentinel.api.problems import invalid
from sentinel.core.identity import Identity
from sentinel.core.job import After, Job
from sentinel.ports.store import Reader


def waits(reader: Reader, identity: Identity, asked: Sequence[AfterRequest]) -> tuple[After, ...]:
    """Each once, by its whole id. Problem 404, 409, 422."""
    found: dict[After, None] = {}
    for one in asked:
        meant = find(reader, identity, one.job)
        if isinstance(meant, Job) and meant.part is not None:
            raise invalid("after", f"{meant.id} is a part of {meant.part.of}", f"wait for {meant.part.of}")
        found[one.as_after(meant.id)] = None
    return tuple(found)
