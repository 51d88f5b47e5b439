"""The queue's lease: GPUs of a node reserved for one attempt of a job, from ALLOCATED on.

Kept by the store, which takes no GPU twice: a constraint of the database, not only of the code. Its age is
not in it: whoever watches leases measures, on its own CLOCK_BOOTTIME, how long ago it saw `renewals` move.
"""

from dataclasses import dataclass

from sentinel.core.job import WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLease:
    """`token` names it. `node` is an id, `gpus` UUIDs. `renewals` counts the beats that named it.

    `milli` below WHOLE: a share of its one GPU; the shares of a GPU are at most the whole of it together."""

    token: str
    job: str
    attempt: int
    node: str
    gpus: tuple[str, ...]
    owner: str
    tenant: str
    taken_at: float  # epoch, for showing
    renewals: int = 0
    milli: int = WHOLE
