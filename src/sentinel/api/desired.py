"""What a node is to run, as its agent hears it. Pure. Called by the long poll's route.

    {"revision": REV, "start_within": 60, "jobs": [{"job", "attempt", "token", "want": "run" | "stop",
     "preempt": BOOL, "why", "owner", "gpus", "spec", "environment", "state"}…], "attach": […], "follow": […]}

`preempt`: it is to stop to make room, and may save its state first.

REV is opaque to agents. It is a Told: up to which revision of the store the answer is complete; which process
said so, because its successor may serve another store (a restored one); and a count of what is not in the
store (terminals, readers of logs). It grows while one process answers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sentinel.core.job import Job, JobState
from sentinel.core.job_json import spec_json

LOOSE_BITS = 8
PROCESS_BITS = 12  # 33 bits are left for revisions before JSON's numbers end at 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a node's agent was told last, or tells back."""

    revision: int
    process: int
    loose: int

    def number(self) -> int:
        """As agents see it."""
        low = self.process % (1 << PROCESS_BITS) << LOOSE_BITS | self.loose % (1 << LOOSE_BITS)
        return self.revision << PROCESS_BITS + LOOSE_BITS | low


def told_from(number: int) -> Told:
    """What `number` was made of."""
    return Told(
        revision=number >> PROCESS_BITS + LOOSE_BITS,
        process=number >> LOOSE_BITS & (1 << PROCESS_BITS) - 1,
        loose=number & (1 << LOOSE_BITS) - 1,
    )


def unbegun(jobs: Iterable[Job]) -> list[str]:
    """The ids of those whose environment has to be in the answer."""
    return [job.id for job in jobs if job.state is JobState.ALLOCATED and job.stop is None]


def desired_json(
    jobs: Iterable[Job],
    environments: Mapping[str, Mapping[str, str]],
    *,
    revision: int,
    start_within: float,
    attach: Sequence[Mapping[str, Any]],
    follow: Sequence[str],
) -> dict[str, Any]:
    """As in this module's docstring, of the node's jobs."""
    return {
        "revision": revision,
        "start_within": start_within,
        "jobs": [_job(job, environments.get(job.id, {})) for job in jobs],
        "attach": list(attach),
        "follow": list(follow),
    }


def _job(job: Job, environment: Mapping[str, str]) -> dict[str, Any]:
    placement, stop = job.placement, job.stop
    assert placement is not None
    return {
        "job": job.id,
        "attempt": job.attempt,
        "token": placement.token,
        "want": "run" if stop is None else "stop",
        "preempt": stop is not None and job.cancel is None,
        "why": "" if stop is None else stop.why or f"canceled by {stop.by}",
        "owner": job.owner,
        "gpus": list(placement.gpus),
        "spec": spec_json(job.spec),
        "environment": dict(environment),
        "state": job.state.value,
    }
