"""The queue's lease: GPUs of a node reserved for one attempt of a job, from ALLOCATED on.

Kept by the store, which takes no GPU twice: a constraint of the database, not only of the code. Its age is
not in it: whoever watches leases measures, on its own CLOCK_BOOTTIME, how long ago it saw `renewals` move.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLease:
    """`token` names it. `node` is an id, `gpus` UUIDs. `renewals` counts the beats that named it."""

    token: str
    job: str
    attempt: int
    node: str
    gpus: tuple[str, ...]
    owner: str
    tenant: str
    taken_at: float  # epoch, for showing
    renewals: int = 0
