"""Why a job waits, in words. Pure. Called by the API for what it shows; the scheduler itself needs no words.

    reasons(snapshot)          {id: sentence} of all waiting jobs, one look at the cluster for all
    reason_of(job, snapshot)   the sentence for one job, in whatever state
    why(job, snapshot)         the same with what blocks it, who holds the GPUs and how many are ahead

Who asks for many jobs one by one keeps a `Reasons` for as long as the snapshot's revision is the same.
What is said is true of the snapshot: a waiting job that nothing blocks is placed in a moment.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sentinel.core.job import Job, JobState
from sentinel.core.units import show_duration
from sentinel.scheduling.backoff import wait_after
from sentinel.scheduling.need import Need, need_of
from sentinel.scheduling.placement import place
from sentinel.scheduling.sites import Sites, Stance, many
from sentinel.scheduling.snapshot import Snapshot


class Blocking(StrEnum):
    """What is in the way, in a word."""

    NOTHING = "nothing"
    GPUS_BUSY = "gpus-busy"  # jobs have them
    AHEAD = "ahead"  # they are kept for a job that is ahead
    UNMANAGED = "unmanaged"  # a workload that nobody queued has them
    QUARANTINED = "quarantined"
    LEASED = "leased"  # sentinel-request has them
    UNKNOWN = "unknown"  # what is on the GPUs, or which there are, cannot be told
    DRAINED = "drained"
    SILENT = "silent"  # the node is not heard of, or was declared dead
    NO_NODE = "no-node"  # none has joined, or none of that name
    TOO_LARGE = "too-large"  # no node has that many such GPUs
    BACKOFF = "backoff"  # its node refused it a moment ago
    HOLD = "hold"  # nothing is placed yet after a restore


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """GPUs (UUIDs) that the job could use and cannot: a job has them, or `what`: a kind of block."""

    gpus: tuple[str, ...]
    why: str
    job: str | None = None
    what: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """`held_by` is about the node that suits it best. `ahead`: how many waiting jobs come before it."""

    id: str
    state: JobState
    blocking: Blocking
    reason: str
    held_by: tuple[Held, ...] = ()
    ahead: int = 0


def why_json(found: Why) -> dict[str, Any]:
    """`{"id", "state", "blocking", "reason", "held_by": [{"job" or "what", "gpus", "why"}…], "ahead"}`."""
    return {
        "id": found.id,
        "state": found.state.value,
        "blocking": found.blocking.value,
        "reason": found.reason,
        "held_by": [
            {
                **({"what": held.what} if held.job is None else {"job": held.job}),
                "gpus": list(held.gpus),
                "why": held.why,
            }
            for held in found.held_by
        ],
        "ahead": found.ahead,
    }


def reasons(snapshot: Snapshot) -> dict[str, str]:
    """The sentence for each waiting job."""
    known = Reasons(snapshot)
    return {job.id: known.of(job) for job in snapshot.queued()}


def reason_of(job: Job, snapshot: Snapshot) -> str:
    """The sentence for one job; empty where its state says it all."""
    return Reasons(snapshot).of(job) if job.state is JobState.QUEUED else standing(job)


def why(job: Job, snapshot: Snapshot) -> Why:
    """All there is to say."""
    return Reasons(snapshot).why(job)


def standing(job: Job) -> str:
    """The sentence for a job that does not wait."""
    if job.cancel is not None and job.state.placed and job.state is not JobState.LOST:
        return f"{job.cancel.by} asked for its end; {job.node} is about to end it"
    if job.state is JobState.ALLOCATED and not job.reason:
        return f"{job.node} is about to begin it"
    return job.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is to be said to all that need the same. `node`: the id of the one that it is about."""

    blocking: Blocking
    reason: str
    node: str | None = None


class Reasons:
    """What can be said of the jobs of one snapshot, as long as that does not change."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        resting = {job.id for job in snapshot.queued() if job.refusals} if snapshot.rooms else ()
        self._pass = place(snapshot, resting)
        self._placed = {chosen.job for chosen in self._pass.chosen}
        self._sites = Sites(snapshot, self._pass)
        self._found: dict[Need, _Found] = {}

    def of(self, job: Job) -> str:
        """The sentence."""
        return self._say(job).reason if job.state is JobState.QUEUED else standing(job)

    def why(self, job: Job) -> Why:
        """All there is to say."""
        if job.state is not JobState.QUEUED:
            return Why(id=job.id, state=job.state, blocking=Blocking.NOTHING, reason=standing(job))
        found = self._say(job)
        return Why(
            id=job.id,
            state=job.state,
            blocking=found.blocking,
            reason=found.reason,
            held_by=() if found.node is None else self._held_by(need_of(job.spec), found),
            ahead=self._snapshot.lines.ahead_of(job),
        )

    def _say(self, job: Job) -> _Found:
        if job.id in self._placed:
            return _Found(blocking=Blocking.NOTHING, reason="is about to be placed")
        need = need_of(job.spec)
        found = self._found.get(need)
        if found is None:
            found = self._found[need] = self._look(need)
        if job.refusals and found.blocking in (Blocking.NOTHING, Blocking.AHEAD):
            after = show_duration(wait_after(job.refusals))
            times = "" if job.refusals == 1 else f" ({job.refusals} times in a row)"
            return _Found(
                blocking=Blocking.BACKOFF,
                reason=f"{job.node} did not begin it{times}: {job.reason}; tried again {after} after that",
            )
        return found

    # ------------------------------------------------------------------ by need

    def _look(self, need: Need) -> _Found:
        if self._snapshot.hold:
            return _Found(
                blocking=Blocking.HOLD,
                reason="nothing is placed yet: the queue was restored, and not every node has been heard of",
            )
        nodes = self._snapshot.nodes
        if not nodes:
            return _Found(blocking=Blocking.NO_NODE, reason="no node has joined yet")
        if need.node is not None and all(node.name != need.node for node in nodes.values()):
            return _Found(blocking=Blocking.NO_NODE, reason=f"no node is called {need.node}")
        best = self._sites.best(need)
        if best is None:
            return self._too_large(need)
        return self._in_the_way(need, best)

    def _too_large(self, need: Need) -> _Found:
        unknown = self._sites.unknown(need)
        if unknown:
            more = f" and {many(len(unknown) - 1, 'other node')}" if len(unknown) > 1 else ""
            reason = f"which GPUs {unknown[0]}{more} has is not known yet; no other node has {need}"
            if len(unknown) == len(self._snapshot.nodes):
                reason = f"which GPUs {unknown[0]}{more} has is not known yet"
            return _Found(blocking=Blocking.UNKNOWN, reason=reason)
        name, count = self._sites.largest(need)
        if need.node is not None:
            has = f"{name} has {count}"
        elif need.model is None and need.memory_bytes is None:
            has = f"the largest node, {name}, has {count}"
        else:
            has = f"{name} has the most such, {count}" if count else "no node has such a GPU"
        return _Found(blocking=Blocking.TOO_LARGE, reason=f"needs {need} on one node; {has}")

    def _in_the_way(self, need: Need, best: Stance) -> _Found:
        sites, id = self._sites, best.node.id
        match best.word:
            case "nothing":
                return _Found(blocking=Blocking.NOTHING, reason="is about to be placed")
            case "ahead":
                keeper = self._snapshot.jobs[self._pass.kept[id]]
                are = "is" if best.free == 1 else "are"
                reason = (
                    f"{many(best.free, 'free GPU')} of {best.node.name} {are} kept "
                    f"for job {keeper.id} ({keeper.owner}), which is ahead and needs {keeper.spec.gpus}"
                )
            case "gpus-busy":
                freest = "the freest node, " if best.several else ""
                comma = "," if best.several else ""
                has = f"{best.free} of the {many(need.gpus, 'GPU')} free; the others are with"
                if best.free == 0:
                    such = "such " if need.model is not None or need.memory_bytes is not None else ""
                    has = f"no {such}GPU free; they are with"
                reason = f"{freest}{best.node.name}{comma} has {has} {sites.jobs_on(need, id)}"
            case "drained":
                drained = best.node.drained
                said = f": {drained.why}" if drained is not None and drained.why else ""
                reason = f"{best.node.name} is drained by {'' if drained is None else drained.by}{said}"
            case "silent":
                reason = f"{best.node.name} is not heard of"
            case "dead":
                return _Found(blocking=Blocking.SILENT, reason=f"{best.node.name} was declared dead", node=id)
            case kind:
                reason = sites.blocks_on(need, id)
                return _Found(blocking=Blocking(kind), reason=reason, node=id)
        return _Found(blocking=Blocking(best.word), reason=reason, node=id)

    def _held_by(self, need: Need, found: _Found) -> tuple[Held, ...]:
        assert found.node is not None
        held: list[Held] = []
        for job_id, gpus in self._sites.holders(need, found.node).items():
            job = self._snapshot.jobs[job_id]
            state = "about to be placed" if job.state is JobState.QUEUED else job.state.value
            held.append(Held(job=job_id, gpus=tuple(gpus), why=f"{job.owner}'s job, {state}"))
        for gpu, block in self._sites.blocks(need, found.node):
            held.append(Held(what=block.kind.value, gpus=(gpu.uuid,), why=block.why))
        keeper = self._pass.kept.get(found.node)
        if found.blocking is Blocking.AHEAD and keeper is not None:
            free = tuple(gpu.uuid for gpu in self._sites.free(need, found.node))
            held.append(Held(job=keeper, gpus=free, why="is ahead, and the node is kept for it"))
        return tuple(held)
