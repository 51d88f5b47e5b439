"""The life of a job: the one table of its moves. Pure. Called by everything that changes a job's state.

    move(job, what happened, now) -> the job as it is then, and the event that says so

What happened is one of the classes in `inputs`. Those that come from a node carry the token of the attempt
that they are about; one about another attempt than the present is Fenced, and changes nothing. A move that
the table does not have is Illegal: a defect of the caller, not of the job, and changes nothing either.

A gang holds no lease, so a node tells nothing of it: what becomes of it is Gathered from its parts (see
gangs). A part is never queued again: what would have another job queued again ends it as FAILED, with
`again`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from sentinel.core.job import Cancel, IfLost, Job, JobState
from sentinel.scheduling.inputs import (
    Allocate,
    CancelAsked,
    Exited,
    Found,
    Gathered,
    Gone,
    Input,
    NodeSays,
    PreemptAsked,
    Refused,
    Running,
    Satisfied,
    Silence,
    Starting,
)

__all__ = [
    "TABLE",
    "Allocate",
    "CancelAsked",
    "Exited",
    "Fact",
    "Fenced",
    "Found",
    "Freed",
    "Gathered",
    "Gone",
    "Illegal",
    "Input",
    "Move",
    "NodeSays",
    "PreemptAsked",
    "Refused",
    "Running",
    "Satisfied",
    "Silence",
    "Starting",
    "allocated",
    "move",
    "submitted",
    "tries_again",
]


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
class Freed:
    """A lease that a job no longer holds. `since`: epoch; None when that is not known."""

    token: str
    gpus: int
    since: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What became of the job. `facts` is empty where only what is shown of it has changed."""

    job: Job
    facts: tuple[Fact, ...]
    frees: Freed | None = None


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


def allocated(part: Job) -> Fact:
    """The first fact of the life of a gang's part."""
    return Fact(type="sentinel.job.allocated", data=_data(part))


def tries_again(job: Job, exit_code: int | None) -> bool:
    """Whether it is queued again after it failed by itself."""
    codes = job.spec.retry_codes
    return job.cancel is None and job.failures < job.spec.retries and (not codes or exit_code in codes)


def move(job: Job, what: Input, now: float) -> Move | None:
    """What `what` makes of `job`; None when it changes nothing (told twice). Raises Illegal, Fenced."""
    match what:
        case Allocate():
            return _allocate(job, what, now)
        case Found():
            return _found(job, what, now)
        case CancelAsked():
            return _cancel(job, what.cancel, now)
        case PreemptAsked():
            return _preempt(job, what.cancel)
        case Satisfied():
            return _satisfied(job, what)
        case Gathered():
            return _gathered(job, what)
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


# ------------------------------------------------------------------ given GPUs


def _allocate(job: Job, what: Allocate, now: float) -> Move:
    if job.state is not JobState.QUEUED or job.cancel is not None or job.after:
        raise Illegal(f"job {job.id} is {job.state} and not in line, so it cannot be allocated")
    _check_placement(job, what)
    return _to(
        job,
        JobState.ALLOCATED,
        attempt=job.attempt + 1,
        placement=what.placement,
        allocated_at=now if what.placement else None,
        node=what.node_name,
        gpus=what.placement.gpus if what.placement else what.gpus,
        started_at=None,
        reason="",
    )


def _found(job: Job, what: Found, now: float) -> Move:
    if job.state.ended or what.attempt <= job.attempt:
        raise Fenced(f"job {job.id} is {job.state} in attempt {job.attempt}")
    _check_placement(job, what)
    return _to(
        job,
        JobState.LOST,
        attempt=what.attempt,
        placement=what.placement,
        allocated_at=now if what.placement else None,
        node=what.node_name,
        gpus=what.placement.gpus if what.placement else (),
        started_at=None,
        preempt=None,
        reason=f"found on {what.node_name} after a restore",
    )


def _check_placement(job: Job, what: Allocate | Found) -> None:
    if (what.placement is None) != (job.spec.nodes > 1):
        raise Illegal(f"job {job.id} is for {job.spec.nodes} nodes: a gang has no placement, another job one")


# ------------------------------------------------------------------ what its node says


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
    how = what.why or _how(what.exit_code, what.signal)
    by_itself = not what.stopped and (what.exit_code or what.signal is not None)
    failures = job.failures + bool(by_itself)
    began: dict[str, Any] = {"started_at": what.started_at or job.started_at, "refusals": 0}
    ended: dict[str, Any] = {"ended_at": what.ended_at or now, "exit_code": what.exit_code}
    ended["signal"] = what.signal
    if what.stopped and job.cancel is not None:
        return _to(job, JobState.CANCELED, **began, **ended, reason=_asked(job.cancel, "canceled"))
    if what.stopped and job.preempt is not None:
        return _again(job, ended, **began, **_made_room(job, job.preempt))
    if what.exit_code == 0 and not what.stopped:
        return _to(job, JobState.SUCCEEDED, **began, **ended, reason=what.why)
    if by_itself and job.part is None and tries_again(job, what.exit_code):
        reason = f"{how}; tried again ({failures} of {job.spec.retries})"
        return _again(job, ended, **began, failures=failures, reason=reason)
    if job.part is not None:
        began["failures"] = failures  # the gang may be tried again because of it
    return _to(job, JobState.FAILED, **began, **ended, reason=how)


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
    if job.preempt is not None:
        return _again(job, {"ended_at": now}, **_made_room(job, job.preempt))
    return _again(job, {"ended_at": now}, refusals=job.refusals + 1, reason=what.why)


def _silence(job: Job, why: str) -> Move | None:
    if job.state is JobState.LOST:
        return None
    return _to(job, JobState.LOST, reason=why)


def _gone(job: Job, why: str, now: float) -> Move:
    if job.cancel is not None:
        return _canceled(job, now)
    if job.spec.if_lost is IfLost.KEEP:
        return _to(job, JobState.FAILED, ended_at=now, reason=f"how it ended is not known: {why}")
    return _again(job, {"ended_at": now}, reason=why)


def _again(job: Job, ended: Mapping[str, Any], **changes: Any) -> Move:
    """Back to the queue; `ended` is how it ended this time. The end of a part says that of its gang."""
    if job.part is not None:
        return _to(job, JobState.FAILED, again=True, **ended, **changes)
    seen = {name: value for name, value in ended.items() if name != "ended_at"}
    return _to(job, JobState.QUEUED, told=seen, **changes)


# ------------------------------------------------------------------ what people and the scheduler ask


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
    return _to(job, JobState.CANCELED, ended_at=now, reason=_asked(job.cancel, "canceled"))


def _preempt(job: Job, preempt: Cancel) -> Move | None:
    if not job.state.placed:
        raise Illegal(f"job {job.id} is {job.state} and holds nothing that it could make room on")
    if job.stop is not None:
        return None
    asked = replace(job, preempt=preempt)
    return Move(job=asked, facts=(Fact(type="sentinel.job.preempt-requested", data=_data(asked)),))


def _made_room(job: Job, preempt: Cancel) -> dict[str, Any]:
    return {"preemptions": job.preemptions + 1, "reason": _asked(preempt, "preempted")}


def _asked(asked: Cancel, verb: str) -> str:
    return asked.why or f"{verb} by {asked.by}"


def _satisfied(job: Job, what: Satisfied) -> Move | None:
    if job.state is not JobState.QUEUED:
        raise Illegal(f"job {job.id} is {job.state} and waits for no other")
    if job.after == what.after:
        return None
    free = replace(job, after=what.after)
    facts = () if what.after else (Fact(type="sentinel.job.released", data=_data(free)),)
    return Move(job=free, facts=facts)


def _gathered(job: Job, what: Gathered) -> Move | None:
    if job.spec.nodes <= 1 or not job.state.placed:
        raise Illegal(f"job {job.id} is {job.state}, and no gang that was placed")
    shown: dict[str, Any] = {"node": what.node, "gpus": what.gpus, "reason": what.reason}
    if what.state is job.state:
        as_it_is = replace(job, **shown)
        return None if as_it_is == job else Move(job=as_it_is, facts=())
    return _to(
        job,
        what.state,
        **shown,
        started_at=what.started_at,
        ended_at=what.ended_at,
        exit_code=what.exit_code,
        signal=what.signal,
        failures=what.failures,
        refusals=what.refusals,
        preemptions=what.preemptions,
    )


# ------------------------------------------------------------------ shapes


def _to(job: Job, state: JobState, *, told: Mapping[str, Any] | None = None, **changes: Any) -> Move:
    """`job` in `state`, its lease let go of where that state holds none or another attempt has come.
    `told`: what the event says besides."""
    if (job.state, state) not in TABLE:
        raise Illegal(f"job {job.id} cannot go from {job.state} to {state}")
    if not state.placed:
        changes |= {"placement": None, "allocated_at": None}
    if state is JobState.QUEUED:
        changes["preempt"] = None
    new = replace(job, state=state, **changes)
    verb = "requeued" if state is JobState.QUEUED else state.value.lower()
    data = _data(new, was=job.state) | dict(told or {})
    return Move(job=new, facts=(Fact(type=f"sentinel.job.{verb}", data=data),), frees=_freed(job, new))


def _freed(old: Job, new: Job) -> Freed | None:
    held = old.placement
    if held is None or held == new.placement:
        return None
    return Freed(token=held.token, gpus=len(held.gpus), since=old.allocated_at)


def _data(job: Job, was: JobState | None = None) -> dict[str, Any]:
    """What an event tells of a job. No command, no folder, no environment: those are its owner's."""
    data: dict[str, Any] = {
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
    if job.part is not None:
        data["part_of"] = job.part.of
    return data
