"""An attempt at a job, as the supervisor knows it: its phases and the one table of their moves. Pure.

Called by the supervisor's loop, which does what these decide, and by `records`, which writes them down.

    Waiting ──▶ Starting ──▶ Running ──▶ Stopping ──▶ Exited
       └──▶ Refused ◀──┘        └─────────────────────────▲

Times named `*_at` that end in the future (`fence_at`, `kill_at`) and `began`, `by` are CLOCK_BOOTTIME;
`started_at` and `ended_at` are seconds since the epoch, for showing. Both codes None: how it ended is not
known, and `why` says why not.
"""

import signal
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from sentinel.core.units import show_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """For the arbiter's word. Nothing of it is on the disk: a successor has never heard of it."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """About to be launched: from here on it may have run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """`pid` leads its session and its group, and was made between `began` and `by`. `found`: only its mark
    says that it is the leader. `since`: when the first was made, where this one follows a container that
    another followed before."""

    pid: int
    began: float
    by: float
    started_at: float
    found: bool = False
    since: float | None = None


class Step(StrEnum):
    """How far the end of a job has got."""

    CHECKPOINT = "checkpoint"  # its checkpoint command is about to begin
    CHECKPOINTING = "checkpointing"  # that runs beside it, and it knows of nothing
    TOLD = "told"  # it has its signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """It is to end, for `why`; at `kill_at` it is made to."""

    running: Running
    why: str
    kill_at: float
    fenced: bool = False
    step: Step = Step.TOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """`stopped`: it was told to end, for `why`. `gone`: it was no end of its own, so another attempt may be
    made: the machine was restarted, or its lease ran out."""

    exit_code: int | None = None
    signal: int | None = None
    why: str = ""
    stopped: bool = False
    gone: bool = False
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It was not launched. `final`: no other attempt would end otherwise."""

    why: str
    final: bool = False


Phase = Waiting | Starting | Running | Stopping | Exited | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Its process is there. As Running."""

    pid: int
    began: float
    by: float
    started_at: float
    found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Somebody, or a limit, wants its end. `fenced`: its lease ran out. `checkpoint`: its checkpoint command
    comes first."""

    why: str
    kill_at: float
    fenced: bool = False
    checkpoint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """Its end has got that far."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """Another process follows its container now: the one before was killed. As Running."""

    pid: int
    began: float
    by: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Its leader has ended. `why`: why both codes are None, or what else there is to say of it. `gone`: with
    the whole machine."""

    exit_code: int | None = None
    signal: int | None = None
    why: str = ""
    gone: bool = False
    ended_at: float | None = None


Happening = Waiting | Starting | Runs | Stop | Next | Follows | Ends | Refused

TABLE: frozenset[tuple[type[Phase], type[Phase]]] = frozenset(
    {
        (Waiting, Waiting),
        (Waiting, Starting),
        (Waiting, Refused),
        (Starting, Running),
        (Starting, Exited),  # the supervisor was killed while it launched it
        (Starting, Refused),
        (Running, Running),  # another process follows its container
        (Running, Stopping),
        (Running, Exited),
        (Stopping, Stopping),  # to be killed sooner, or its end has got on
        (Stopping, Exited),
    }
)


class Illegal(Exception):
    """The table has no such move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What a job runs in: its name at that engine, "docker" or "podman"."""

    engine: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What ending it takes, where that is not what it takes for most. `checkpoint`: a command, run as user
    `uid` and group `gid` in `cwd`. `setup`: lines of shell come before its command."""

    stop_signal: int = signal.SIGTERM
    checkpoint: tuple[str, ...] = ()
    cwd: str = "/"
    umask: int = 0o022
    uid: int = -1
    gid: int = -1
    setup: bool = False


PLAIN = Manner()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`fence_at`: when it ends unless its lease is renewed; None: it goes on whatever happens."""

    job: str
    attempt: int
    token: str
    gpus: tuple[str, ...]
    grace: float
    time_limit: float | None
    fence_at: float | None
    phase: Phase
    scope: str = ""  # the systemd scope that it has to itself
    keeper: tuple[int, int] | None = None  # who keeps its terminal open: pid and start time in ticks
    manner: Manner = PLAIN
    container: Container | None = None

    @property
    def live(self) -> Running | None:
        """Its process, where it has one."""
        phase = self.phase
        if isinstance(phase, Running):
            return phase
        return phase.running if isinstance(phase, Stopping) else None

    @property
    def over(self) -> bool:
        return isinstance(self.phase, Exited | Refused)


def step(attempt: Attempt, what: Happening) -> Attempt:
    """`attempt` after `what`. Raises Illegal."""
    phase = attempt.phase
    match what:
        case Waiting() | Starting() | Refused():
            new: Phase = what
        case Runs():
            if not isinstance(phase, Starting):
                raise Illegal(f"attempt {attempt.token} is {type(phase).__name__}, and was begun before")
            new = Running(
                pid=what.pid, began=what.began, by=what.by, started_at=what.started_at, found=what.found
            )
        case Stop():
            new = _stopping(phase, what)
        case Next():
            new = _further(phase, what)
        case Follows():
            new = _followed(phase, what)
        case Ends():
            new = _exited(phase, what)
        case _:
            assert_never(what)
    if (type(phase), type(new)) not in TABLE:
        raise Illegal(
            f"attempt {attempt.token} cannot go from {type(phase).__name__} to {type(new).__name__}"
        )
    return replace(attempt, phase=new)


def _stopping(phase: Phase, what: Stop) -> Phase:
    if isinstance(phase, Stopping):  # the first reason stays, the sooner end counts
        step = phase.step if what.checkpoint else Step.TOLD
        return replace(phase, kill_at=min(phase.kill_at, what.kill_at), step=step)
    if not isinstance(phase, Running):
        raise Illegal(f"{type(phase).__name__}: there is nothing to stop")
    step = Step.CHECKPOINT if what.checkpoint else Step.TOLD
    return Stopping(running=phase, why=what.why, kill_at=what.kill_at, fenced=what.fenced, step=step)


def _further(phase: Phase, what: Next) -> Phase:
    if not isinstance(phase, Stopping) or phase.step is Step.TOLD:
        raise Illegal(f"{type(phase).__name__}: there is no checkpoint")
    return replace(phase, step=what.step)


def _followed(phase: Phase, what: Follows) -> Phase:
    if isinstance(phase, Stopping):
        return replace(phase, running=_by(phase.running, what))
    if not isinstance(phase, Running):
        raise Illegal(f"{type(phase).__name__}: there is nothing to follow")
    return _by(phase, what)


def _by(running: Running, what: Follows) -> Running:
    since = running.began if running.since is None else running.since
    return replace(running, pid=what.pid, began=what.began, by=what.by, since=since)


def _until(running: Running, limit: float) -> float:
    return (running.began if running.since is None else running.since) + limit


def _exited(phase: Phase, what: Ends) -> Exited:
    if isinstance(phase, Stopping):
        running, stopped, why = phase.running, True, phase.why
    else:
        running, stopped, why = phase if isinstance(phase, Running) else None, False, ""
    return Exited(
        exit_code=what.exit_code,
        signal=what.signal,
        why="; ".join(filter(None, (why, what.why))),
        stopped=stopped,
        gone=what.gone or (isinstance(phase, Stopping) and phase.fenced),
        started_at=running.started_at if running else None,
        ended_at=what.ended_at,
    )


# ------------------------------------------------------------------ deadlines


def deadline(attempt: Attempt) -> float | None:
    """When something is to be done about it next."""
    phase = attempt.phase
    if isinstance(phase, Stopping):
        return phase.kill_at
    limits = [attempt.fence_at] if attempt.fence_at is not None else []
    if isinstance(phase, Running) and attempt.time_limit is not None:
        limits.append(_until(phase, attempt.time_limit))
    return min(limits, default=None) if isinstance(phase, Running | Waiting) else None


def fenced(attempt: Attempt, now: float) -> bool:
    """Whether its lease has run out."""
    return attempt.fence_at is not None and now >= attempt.fence_at


def overdue(attempt: Attempt, now: float) -> str:
    """Why it is to end by now; empty when it is not."""
    phase = attempt.phase
    if fenced(attempt, now):
        return "its lease ran out: the controller was not heard of in time"
    limit = attempt.time_limit
    if isinstance(phase, Running) and limit is not None and now >= _until(phase, limit):
        return f"over its time limit of {show_duration(limit)}"
    return ""
