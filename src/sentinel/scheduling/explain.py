"""Why a job waits, in words. Pure. Called by the API for what it shows; the scheduler itself needs no words.

    reasons(snapshot, now)          {id: sentence} of all waiting jobs, one look at the cluster for all
    reason_of(job, snapshot, now)   the sentence for one job, in whatever state
    why(job, snapshot, now)         the same with what blocks it, who holds the GPUs and until when, how many
    are                                 ahead, when it is thought to start, and what would have it start now

Who asks for many jobs one by one keeps a `Reasons` for as long as the snapshot's revision is the same.
What is said is true of the snapshot: a waiting job that nothing blocks is placed in a moment.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any

from sentinel.core.clock import rfc3339
from sentinel.core.job import WHOLE, Job, JobState
from sentinel.core.reservation import ReservationKind
from sentinel.core.units import show_duration
from sentinel.scheduling.backoff import wait_after
from sentinel.scheduling.host import never, short
from sentinel.scheduling.need import Need, need_of
from sentinel.scheduling.order import kind_of
from sentinel.scheduling.outlook import Outlook, Patience, always, foresee
from sentinel.scheduling.placement import place
from sentinel.scheduling.sites import Sites, Stance, many
from sentinel.scheduling.snapshot import Snapshot, ends_at
from sentinel.scheduling.verdict import Verdict, Word
from sentinel.scheduling.whatif import Suggestion, suggest


class Blocking(StrEnum):
    """What is in the way, in a word."""

    NOTHING = "nothing"
    GPUS_BUSY = "gpus-busy"  # jobs have them
    HOST_BUSY = "host-busy"  # jobs have the CPUs or the memory of the node
    AHEAD = "ahead"  # they are kept for a job that is ahead
    QUOTA = "quota"  # a limit of its owner or group
    ARRAY_LIMIT = "array-limit"  # as many of its array run as may
    DEPENDENCY = "dependency"  # it waits for other jobs
    RESERVATION = "reservation"  # it could still run when a reservation or a maintenance begins
    UNMANAGED = "unmanaged"  # a workload that nobody queued has them
    QUARANTINED = "quarantined"
    LEASED = "leased"  # sentinel-request has them
    UNKNOWN = "unknown"  # what is on the GPUs, or which there are, cannot be told
    DRAINED = "drained"
    SILENT = "silent"  # the node is not heard of, or was declared dead
    NO_NODE = "no-node"  # none has joined, or none of that name
    TOO_LARGE = "too-large"  # no node has that many such GPUs
    BACKOFF = "backoff"  # its node refused it a moment ago, or it failed and is tried again
    HOLD = "hold"  # nothing is placed yet after a restore


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """GPUs (UUIDs) that the job could use and cannot: a job has them, or `what`: a kind of block. `until`:
    epoch; None: not known."""

    gpus: tuple[str, ...]
    why: str
    job: str | None = None
    what: str | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """`held_by` is about the node that suits it best. `ahead`: how many waiting jobs come before it by
    priority and age. `estimated_start`: epoch; None where that is not known. `basis`: what it comes from, or
    why it is not known."""

    id: str
    state: JobState
    blocking: Blocking
    reason: str
    held_by: tuple[Held, ...] = ()
    ahead: int = 0
    estimated_start: float | None = None
    basis: str = ""
    would_start_now_if: tuple[Suggestion, ...] = ()


def why_json(found: Why) -> dict[str, Any]:
    """`{"id", "state", "blocking", "reason", "held_by": [{"job" or "what", "gpus", "why", "until"}…],
    "ahead", "estimated_start": TIME or null, "basis", "would_start_now_if": [{"change": {FIELD: VALUE},
    "says"}…]}`."""
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
                "until": None if held.until is None else rfc3339(held.until),
            }
            for held in found.held_by
        ],
        "ahead": found.ahead,
        "estimated_start": None if found.estimated_start is None else rfc3339(found.estimated_start),
        "basis": found.basis,
        "would_start_now_if": [
            {"change": dict(one.change), "says": one.says} for one in found.would_start_now_if
        ],
    }


def reasons(snapshot: Snapshot, now: float) -> dict[str, str]:
    """The sentence for each waiting job."""
    known = Reasons(snapshot, now)
    return {job.id: known.of(job) for job in snapshot.queued()}


def reason_of(job: Job, snapshot: Snapshot, now: float) -> str:
    """The sentence for one job; empty where its state says it all."""
    return Reasons(snapshot, now).of(job) if job.state is JobState.QUEUED else standing(job)


def why(job: Job, snapshot: Snapshot, now: float) -> Why:
    """All there is to say."""
    return Reasons(snapshot, now).why(job)


def standing(job: Job) -> str:
    """The sentence for a job that does not wait."""
    if job.stop is not None and job.state.placed and job.state is not JobState.LOST:
        node = job.node or "its node"
        if job.cancel is None:
            return f"{job.stop.why}; {node} is about to end it, and it is queued again"
        return f"{job.cancel.by} asked for its end; {node} is about to end it"
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
    """What can be said of the jobs of one snapshot at `now` (epoch), as long as that does not change."""

    def __init__(self, snapshot: Snapshot, now: float, patience: Patience = always) -> None:
        self._snapshot, self._now, self._patience = snapshot, now, patience
        resting = {job.id for job in snapshot.queued() if job.refusals or job.failures}
        self._pass = place(snapshot, now, resting=resting)
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
        # First: the outlook may take all the time that there is.
        suggestions = self._suggestions(job, found.blocking)
        outlook = self._outlook(job, found.blocking)
        return Why(
            id=job.id,
            state=job.state,
            blocking=found.blocking,
            reason=found.reason,
            held_by=() if found.node is None else self._held_by(need_of(job.spec), found),
            ahead=self._ahead_of(job),
            estimated_start=outlook.at,
            basis=outlook.basis,
            would_start_now_if=suggestions,
        )

    def _ahead_of(self, job: Job) -> int:
        key = -job.spec.priority, job.submitted_at, job.id
        in_line = self._snapshot.lines
        return sum(
            other.id in in_line and (-other.spec.priority, other.submitted_at, other.id) < key
            for other in self._snapshot.queued()
        )

    def _outlook(self, job: Job, blocking: Blocking) -> Outlook:
        if blocking is Blocking.NOTHING:
            return Outlook(at=self._now, basis="nothing is in the way")
        if blocking in _UNFORESEEABLE:
            return Outlook(at=None, basis=_UNFORESEEABLE[blocking])
        return foresee(self._snapshot, job, self._pass, self._now, self._patience)

    def _suggestions(self, job: Job, blocking: Blocking) -> tuple[Suggestion, ...]:
        if blocking is Blocking.NOTHING or blocking in _NO_CHANGE_HELPS or job.id not in self._snapshot.lines:
            return ()
        return suggest(self._snapshot, job, self._pass, self._now, self._patience)

    def _say(self, job: Job) -> _Found:
        if job.id in self._placed:
            return _Found(blocking=Blocking.NOTHING, reason="is about to be placed")
        gate = self._gate(job)
        if gate is not None:
            return gate
        need = need_of(job.spec)
        found = self._found.get(need)
        if found is None:
            found = self._found[need] = self._look(need)
        found = self._amended(job, found)
        tries = job.refusals or job.failures
        if tries and found.blocking in (Blocking.NOTHING, Blocking.AHEAD):
            after = show_duration(wait_after(tries))
            if job.refusals:
                times = "" if tries == 1 else f" ({tries} times in a row)"
                reason = f"{job.node} did not begin it{times}: {job.reason}; tried again {after} after that"
            else:
                reason = f"{job.reason}, {after} after that"
            return _Found(blocking=Blocking.BACKOFF, reason=reason)
        return found

    def _gate(self, job: Job) -> _Found | None:
        """What keeps it out of the line, or its kind from being looked at."""
        if job.after:
            named = [f"job {after.job}{self._state_of(after.job)}" for after in job.after[:3]]
            more = f" and {many(len(job.after) - 3, 'more job')}" if len(job.after) > 3 else ""
            return _Found(blocking=Blocking.DEPENDENCY, reason=f"waits for {', '.join(named)}{more}")
        if job.spec.singleton and self._snapshot.waits_for_namesake(job):
            reason = f"waits until no earlier job of {job.owner} that is called {job.spec.name} is left"
            return _Found(blocking=Blocking.DEPENDENCY, reason=reason)
        verdict = self._verdict(job)
        if verdict is not None and verdict.word is Word.QUOTA:
            asks = f"{need_of(job.spec).total_milli / WHOLE:g}"
            return _Found(blocking=Blocking.QUOTA, reason=f"{verdict.why}; this job asks for {asks}")
        if verdict is not None and verdict.word is Word.ARRAY and job.array is not None:
            reason = f"{job.array.limit} of array {job.array.id} hold GPUs, as many as may at once"
            return _Found(blocking=Blocking.ARRAY_LIMIT, reason=reason)
        return None

    def _state_of(self, id: str) -> str:
        job = self._snapshot.jobs.get(id)
        return "" if job is None else f" ({job.state.value})"

    def _verdict(self, job: Job) -> Verdict | None:
        return self._pass.verdicts.get(kind_of(job)) if job.id in self._snapshot.lines else None

    def _amended(self, job: Job, found: _Found) -> _Found:
        """Where GPUs are free, and it is not placed all the same: for a reservation or a booking, or because
        GPUs are not all that it needs."""
        if found.blocking is not Blocking.NOTHING and not self._kept_for_its_kind(job, found):
            return found
        for reservation in self._snapshot.reservations.values():
            covers = job.spec.node is None or reservation.covers(job.spec.node)
            if reservation.end > self._now and covers and not reservation.admits(job.owner, job.account):
                limit = job.spec.time_limit
                soon = limit is None or self._now + limit > reservation.start
                if soon:
                    what = "maintenance" if reservation.kind is ReservationKind.MAINTENANCE else "reservation"
                    when = rfc3339(reservation.start)
                    could = "it has no time limit" if limit is None else "it could still run then"
                    if reservation.start <= self._now:
                        when, could = f"{when} until {rfc3339(reservation.end)}", "it is not for this job"
                    reason = f"{what} {reservation.name} keeps nodes from {when}, and {could}"
                    return _Found(blocking=Blocking.RESERVATION, reason=reason)
        verdict, need = self._verdict(job), need_of(job.spec)
        if verdict is None:
            return found
        if verdict.word is Word.TOO_LARGE and (reason := never(self._snapshot, need)):
            return _Found(blocking=Blocking.TOO_LARGE, reason=reason)
        if (lacks := short(self._snapshot, need)) is not None:
            return _Found(blocking=Blocking.HOST_BUSY, reason=lacks.reason, node=lacks.node)
        return _Found(blocking=Blocking.AHEAD, reason="what is free is kept for jobs that are ahead")

    def _kept_for_its_kind(self, job: Job, found: _Found) -> bool:
        """Whether what is ahead there is the job itself, or one like it: that is not what it waits for."""
        if found.blocking is not Blocking.AHEAD or found.node is None:
            return False
        keeper = self._snapshot.jobs[self._sites.kept[found.node]]
        return kind_of(keeper) == kind_of(job)

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
        if need.nodes > 1:
            return self._for_a_gang(need, best)
        return self._in_the_way(need, best)

    def _for_a_gang(self, need: Need, best: Stance) -> _Found:
        """All at once: one node in the way is what is said, and how many are ready."""
        if not self._snapshot.could_ever_run(need):
            could = sum(map(need.could_run_on, self._snapshot.nodes.values()))
            reason = f"needs {need}; {many(could, 'node')} could hold such a part"
            return _Found(blocking=Blocking.TOO_LARGE, reason=reason)
        ready = self._sites.ready(need)
        if ready >= need.nodes:
            return _Found(blocking=Blocking.NOTHING, reason="is about to be placed", node=best.node.id)
        reason = f"needs {need} at once; {ready} {'has' if ready == 1 else 'have'} that free now"
        return _Found(blocking=Blocking.GPUS_BUSY, reason=reason, node=best.node.id)

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
        elif not need.models and need.memory_bytes is None:
            has = f"the largest node, {name}, has {count}"
        else:
            has = f"{name} has the most such, {count}" if count else "no node has such a GPU"
        each = "" if need.nodes > 1 else " on one node"
        return _Found(blocking=Blocking.TOO_LARGE, reason=f"needs {need}{each}; {has}")

    def _in_the_way(self, need: Need, best: Stance) -> _Found:
        sites, id = self._sites, best.node.id
        match best.word:
            case "nothing":
                return _Found(blocking=Blocking.NOTHING, reason="is about to be placed", node=id)
            case "ahead":
                keeper = self._snapshot.jobs[self._sites.kept[id]]
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
                    such = "such " if need.models or need.memory_bytes is not None else ""
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
            until = ends_at(job) if job.state.placed else inf
            held.append(
                Held(
                    job=job_id,
                    gpus=tuple(gpus),
                    why=f"{job.owner}'s job, {state}",
                    until=None if until == inf else until,
                )
            )
        for gpu, block in self._sites.blocks(need, found.node):
            held.append(Held(what=block.kind.value, gpus=(gpu.uuid,), why=block.why))
        keeper = self._sites.kept.get(found.node)
        if found.blocking is Blocking.AHEAD and keeper is not None:
            free = tuple(gpu.uuid for gpu in self._sites.free(need, found.node))
            held.append(Held(job=keeper, gpus=free, why="is ahead, and the node is kept for it"))
        return tuple(held)


_UNFORESEEABLE = {
    Blocking.UNMANAGED: "nobody knows when a workload that was not queued ends",
    Blocking.QUARANTINED: "a quarantined GPU comes back once it was checked",
    Blocking.LEASED: "nobody knows when whoever uses sentinel-request is done",
    Blocking.UNKNOWN: "what is on the GPUs is not known",
    Blocking.DRAINED: "a drained node comes back when an operator resumes it",
    Blocking.SILENT: "the node is not heard of",
    Blocking.NO_NODE: "there is no such node",
    Blocking.TOO_LARGE: "the nodes there are can never run it",
    Blocking.HOLD: "the queue was just restored",
    Blocking.BACKOFF: "it is tried again in a moment",
    Blocking.DEPENDENCY: "it starts some time after the jobs that it waits for",
}
_NO_CHANGE_HELPS = frozenset({Blocking.HOLD, Blocking.BACKOFF, Blocking.DEPENDENCY, Blocking.ARRAY_LIMIT})
