"""Which GPUs a job or a workload had, and when: what its history is read from. Pure but for the reading.

Called by `routes.history`. A job's earlier attempts are in its events; the parts of a gang are jobs of their
own. Events are kept for a while only: what a job's record says of its last attempt holds beyond that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from sentinel.api.finding import node_names
from sentinel.api.problems import Problem, not_found
from sentinel.core.identity import Identity
from sentinel.core.job import Job
from sentinel.core.timestamp import epoch
from sentinel.ports.store import JobFilter, NodeWorkload, Page, Reader, StoredEvent

BEGAN = "sentinel.job.allocated"
ENDED = tuple(f"sentinel.job.{what}" for what in ("requeued", "succeeded", "failed", "canceled"))
MOST_EVENTS, MOST_PARTS = 2000, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One time that GPUs were somebody's: [start, end), epoch seconds. `node` is its name; empty: unknown."""

    gpus: frozenset[str]  # UUIDs
    node: str
    start: float
    end: float


def of_job(reader: Reader, job: Job, now: float) -> list[Held]:
    """In the order of time. Problem 409 when it had none so far."""
    parts, _ = reader.find_jobs(JobFilter(tenant=job.tenant, part_of=job.id), Page(limit=MOST_PARTS))
    if job.part is None and job.spec.nodes > 1 and parts:
        found = [one for part in parts for one in _of_one(reader, part, now)]
    else:
        found = _of_one(reader, job, now)
    if not found:
        raise Problem(
            409,
            f"job {job.id} has had no GPU so far",
            kind="not-placed",
            hint=f"`sentinel why {job.id}` says what it waits for",
        )
    return sorted(found, key=lambda one: one.start)


def _of_one(reader: Reader, job: Job, now: float) -> list[Held]:
    events = reader.events(
        0, MOST_EVENTS, tenant=job.tenant, subject=job.id, types=(BEGAN, *ENDED), newest=True
    )
    return attempts(job, events, now)


def attempts(job: Job, events: Sequence[StoredEvent], now: float) -> list[Held]:
    """From being given GPUs to letting go of them; where the events are gone, from the job's own record."""
    found: list[Held] = []
    begun: Held | None = None
    for event in events:
        if event.type == BEGAN:
            gpus = cast("Iterable[str]", event.data.get("gpus") or ())
            node = str(event.data.get("node") or "")
            begun = Held(gpus=frozenset(map(str, gpus)), node=node, start=event.time, end=job.ended_at or now)
        elif begun is not None:
            found.append(replace(begun, end=event.time))
            begun = None
    if begun is not None:
        found.append(begun)
    last = job.started_at
    if last is not None and job.gpus and not any(one.start <= last <= one.end for one in found):
        end = job.ended_at or now
        found.append(Held(gpus=frozenset(job.gpus), node=job.node or "", start=last, end=end))
    return [one for one in found if one.gpus and one.start < one.end]


def of_workload(reader: Reader, identity: Identity, id: str, node: str | None, now: float) -> list[Held]:
    """Since it began, or since it was first seen. Problem 404, or 409 when what it holds is not known."""
    names = node_names(reader, identity)
    found = [
        one
        for one in reader.workloads(tenant=identity.tenant)
        if one.id == id and one.node in names and (node is None or names[one.node] == node)
    ]
    if not found:
        raise not_found("workload", id, "`GET /api/v1/workloads` lists those that nodes see now")
    if len(found) > 1:
        at = ", ".join(sorted(names[one.node] for one in found))
        raise Problem(409, f"there is a workload {id} on each of {at}", kind="ambiguous", hint="add node=")
    return [_held(found[0], names[found[0].node], now)]


def _held(workload: NodeWorkload, node: str, now: float) -> Held:
    data = workload.data
    gpus = cast("Sequence[str] | None", data.get("gpus"))
    start = _time(data, "started_at") or _time(data, "created_at") or _time(data, "first_seen_at")
    if not gpus or start is None or start >= now:
        what = "which GPUs it is on" if not gpus else "since when it runs"
        raise Problem(
            409,
            f"of the workload {workload.id} it is not known {what}",
            kind="gpus-unknown",
            hint="ask by node= and gpu= instead",
        )
    return Held(gpus=frozenset(gpus), node=node, start=start, end=now)


def _time(data: Mapping[str, object], key: str) -> float | None:
    text = data.get(key)
    return epoch(text) if isinstance(text, str) else None
