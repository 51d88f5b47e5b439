"""The life of a job: the one table of its moves. Pure. Called by everything that changes a job's state.

    move(job, what happened, now) -> the job as it is then, and the event that says so

What happened is one of the classes in `Input`. Those that come from a node carry the token of the attempt
that they are about; one about another attempt than the present is Fenced, and changes nothing. A move that
the table does not have is Illegal: a defect of the caller, not of the job, and changes nothing either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from sentinel.core.job import Cancel, IfLost, Job, JobState, Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocate:
    """The scheduler gives it these GPUs. The lease is taken in the same transaction."""

    placement: Placement
    node_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Its node did not begin it, and will not: the arbiter said no, the user has no account there, …

    `final`: no other attempt would end otherwise (its `cwd` does not exist), so it has failed.
    """

    token: str
    why: str
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """Its node has the GPUs and launches it."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Its processes run."""

    token: str
    started_at: float | None = None  # epoch, by its node's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """It has ended on its node. Both codes None: how it ended cannot be known, and `why` says why not.

    `stopped`: its node ended it, because it was told to (a cancel), or for `why` (the time limit, say).
    """

    token: str
    exit_code: int | None
    signal: int | None
    why: str = ""
    stopped: bool = False
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Its lease ran out: no beat of its node named it, so whether it runs there is not known."""

    token: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """It is proven to run no more and never to begin, and nobody saw it end: its node names what it has,
    and this is not among it; or it has fenced itself; or an admin says so."""

    token: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked:
    """Somebody who may wants it to end."""

    cancel: Cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """After a restore from a backup: its node has a later attempt than the store knows. The earlier one had
    ended, or there would be no later one."""

    placement: Placement
    node_name: str
    attempt: int


NodeSays = Refused | Starting | Running | Exited | Silence | Gone
Input = Allocate | CancelAsked | Found | NodeSays


class Illegal(Exception):
    """The table has no such move."""


class Fenced(Exception):
    """What was told is about an attempt that is no longer the present one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An event about to be written: `type` is "sentinel.job." and what happened."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What became of the job. `frees`: the token of the lease that it no longer holds."""

    job: Job
    facts: tuple[Fact, ...]
    frees: str | None = None


TABLE: frozenset[tuple[JobState, JobState]] = frozenset(
    {
        (JobState.QUEUED, JobState.ALLOCATED),
        (JobState.QUEUED, JobState.CANCELED),
        (JobState.QUEUED, JobState.LOST),  # found after a restore; what its node says next amends it
        (JobState.ALLOCATED, JobState.STARTING),
        (JobState.ALLOCATED, JobState.RUNNING),  # the word of STARTING was lost
        (JobState.ALLOCATED, JobState.QUEUED),
        (JobState.ALLOCATED, JobState.SUCCEEDED),  # likewise
        (JobState.ALLOCATED, JobState.FAILED),
        (JobState.ALLOCATED, JobState.CANCELED),
        (JobState.ALLOCATED, JobState.LOST),
        (JobState.STARTING, JobState.RUNNING),
        (JobState.STARTING, JobState.QUEUED),
        (JobState.STARTING, JobState.SUCCEEDED),
        (JobState.STARTING, JobState.FAILED),
        (JobState.STARTING, JobState.CANCELED),
        (JobState.STARTING, JobState.LOST),
        (JobState.RUNNING, JobState.SUCCEEDED),
        (JobState.RUNNING, JobState.FAILED),
        (JobState.RUNNING, JobState.CANCELED),
        (JobState.RUNNING, JobState.QUEUED),  # proven gone, or fenced
        (JobState.RUNNING, JobState.LOST),
        (JobState.LOST, JobState.QUEUED),
        (JobState.LOST, JobState.STARTING),
        (JobState.LOST, JobState.RUNNING),
        (JobState.LOST, JobState.SUCCEEDED),
        (JobState.LOST, JobState.FAILED),
        (JobState.LOST, JobState.CANCELED),
        (JobState.LOST, JobState.LOST),  # found after a restore, in a later attempt
    }
)
"""Every move there is. What the functions below do stays within it, and a test says so."""


def submitted(job: Job) -> Fact:
    """The first fact of a job's life."""
    return Fact(type="sentinel.job.submitted", data=_data(job))


def move(job: Job, what: Input, now: float) -> Move | None:
    """What `what` makes of `job`; None when it changes nothing (told twice). Raises Illegal, Fenced."""
    match what:
        case Allocate():
            return _allocate(job, what)
        case Found():
            return _found(job, what)
        case CancelAsked():
            return _cancel(job, what.cancel, now)
        case Refused() | Starting() | Running() | Exited() | Silence() | Gone():
            if job.placement is None or job.placement.token != what.token:
                raise Fenced(f"job {job.id} is {job.state} and not in that attempt")
            return _told(job, what, now)
        case _:
            assert_never(what)


def _told(job: Job, what: NodeSays, now: float) -> Move | None:
    match what:
        case Starting():
            return _starting(job)
        case Running():
            return _running(job, what, now)
        case Exited():
            return _exited(job, what, now)
        case Refused():
            return _refused(job, what, now)
        case Silence():
            return _silence(job, what.why)
        case Gone():
            return _gone(job, what.why, now)
        case _:
            assert_never(what)


# ------------------------------------------------------------------ the moves


def _allocate(job: Job, what: Allocate) -> Move:
    if job.state is not JobState.QUEUED or job.cancel is not None:
        raise Illegal(f"job {job.id} is {job.state}, so it cannot be allocated")
    return _to(
        job,
        JobState.ALLOCATED,
        attempt=job.attempt + 1,
        placement=what.placement,
        node=what.node_name,
        gpus=what.placement.gpus,
        started_at=None,
        reason="",
    )


def _found(job: Job, what: Found) -> Move:
    if job.state.ended or what.attempt <= job.attempt:
        raise Fenced(f"job {job.id} is {job.state} in attempt {job.attempt}")
    return _to(
        job,
        JobState.LOST,
        attempt=what.attempt,
        placement=what.placement,
        node=what.node_name,
        gpus=what.placement.gpus,
        started_at=None,
        reason=f"found on {what.node_name} after a restore",
    )


def _starting(job: Job) -> Move | None:
    if job.state is JobState.STARTING or job.started_at is not None:
        return None  # told twice, or overtaken by the word that it runs
    return _to(job, JobState.STARTING, reason="")


def _running(job: Job, what: Running, now: float) -> Move | None:
    if job.state is JobState.RUNNING:
        return None
    began = now if what.started_at is None else what.started_at
    return _to(job, JobState.RUNNING, started_at=began, refusals=0, reason="")


def _exited(job: Job, what: Exited, now: float) -> Move:
    if what.stopped and job.cancel is not None:
        state, reason = JobState.CANCELED, job.cancel.why or f"canceled by {job.cancel.by}"
    elif what.exit_code == 0 and not what.stopped:
        state, reason = JobState.SUCCEEDED, what.why
    else:
        state, reason = JobState.FAILED, what.why or _how(what.exit_code, what.signal)
    return _to(
        job,
        state,
        started_at=what.started_at or job.started_at,
        ended_at=what.ended_at or now,
        exit_code=what.exit_code,
        signal=what.signal,
        refusals=0,
        reason=reason,
    )


def _how(exit_code: int | None, signal: int | None) -> str:
    if signal is not None:
        return f"ended by signal {signal}"
    return "how it ended is not known" if exit_code is None else f"exit code {exit_code}"


def _refused(job: Job, what: Refused, now: float) -> Move:
    if job.started_at is not None:
        raise Illegal(f"job {job.id} has begun, so its node cannot have refused it")
    if job.cancel is not None:
        return _canceled(job, now)
    if what.final:
        return _to(job, JobState.FAILED, ended_at=now, reason=what.why)
    return _to(job, JobState.QUEUED, refusals=job.refusals + 1, reason=what.why)


def _silence(job: Job, why: str) -> Move | None:
    if job.state is JobState.LOST:
        return None
    return _to(job, JobState.LOST, reason=why)


def _gone(job: Job, why: str, now: float) -> Move:
    if job.cancel is not None:
        return _canceled(job, now)
    if job.spec.if_lost is IfLost.KEEP:
        return _to(job, JobState.FAILED, ended_at=now, reason=f"how it ended is not known: {why}")
    return _to(job, JobState.QUEUED, reason=why)


def _cancel(job: Job, cancel: Cancel, now: float) -> Move | None:
    if job.state.ended:
        raise Illegal(f"job {job.id} has ended: {job.state}")
    if job.cancel is not None:
        return None
    asked = replace(job, cancel=cancel)
    if job.state is JobState.QUEUED:
        return _canceled(asked, now)
    return Move(job=asked, facts=(Fact(type="sentinel.job.cancel-requested", data=_data(asked)),))


def _canceled(job: Job, now: float) -> Move:
    assert job.cancel is not None
    return _to(job, JobState.CANCELED, ended_at=now, reason=job.cancel.why or f"canceled by {job.cancel.by}")


# ------------------------------------------------------------------ shapes


def _to(job: Job, state: JobState, **changes: Any) -> Move:
    """`job` in `state`, its lease let go of where that state holds none or another attempt has come."""
    if (job.state, state) not in TABLE:
        raise Illegal(f"job {job.id} cannot go from {job.state} to {state}")
    if not state.placed:
        changes["placement"] = None
    new = replace(job, state=state, **changes)
    frees = None
    if job.placement is not None and job.placement != new.placement:
        frees = job.placement.token
    verb = "requeued" if state is JobState.QUEUED else state.value.lower()
    return Move(
        job=new, facts=(Fact(type=f"sentinel.job.{verb}", data=_data(new, was=job.state)),), frees=frees
    )


def _data(job: Job, was: JobState | None = None) -> dict[str, Any]:
    """What an event tells of a job. No command, no folder, no environment: those are its owner's."""
    return {
        "state": job.state.value,
        "from": None if was is None else was.value,
        "attempt": job.attempt,
        "name": job.spec.name,
        "node": job.node,
        "gpus": list(job.gpus),
        "exit_code": job.exit_code,
        "signal": job.signal,
        "reason": job.reason,
    }
