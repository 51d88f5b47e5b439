"""Attempts as JSON: for the journal, for the agent, and back. Called by the loop and the journal.

A line of the journal holds what changed: `token` and the fields of the phase, the first one of an attempt
all of its fields. Read in order and laid over each other, they give the attempt. No environment, no command
but the checkpoint's: the journal is no place for secrets, and nobody launches from it.

    {"token", "job", "attempt", "gpus", "grace", "time_limit", "fence_at", "scope", "keeper"}; where it is not
     plain also "manner": {"stop_signal", "checkpoint", "cwd", "umask", "uid", "gid", "setup"}, and in a
     container "container": {"engine", "name"}
    {"phase": "starting"}
    {"phase": "running", "pid", "began", "by", "started_at", "found", "since"}; while it is stopped also
     "stopping": {"why", "kill_at", "fenced", "step"}
    {"phase": "exited", "exit_code", "signal", "why", "stopped", "gone", "started_at", "ended_at"}
    {"phase": "refused", "why", "final"}
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, assert_never

from sentinel.supervisor.attempts import (
    PLAIN,
    Attempt,
    Container,
    Exited,
    Manner,
    Phase,
    Refused,
    Running,
    Starting,
    Step,
    Stopping,
    Waiting,
)


def whole_line(attempt: Attempt) -> dict[str, Any]:
    """All there is to know of it."""
    fields = {
        "token": attempt.token,
        "job": attempt.job,
        "attempt": attempt.attempt,
        "gpus": attempt.gpus,
        "grace": attempt.grace,
        "time_limit": attempt.time_limit,
        "fence_at": attempt.fence_at,
        "scope": attempt.scope,
        "keeper": attempt.keeper,
        **_phase_fields(attempt.phase),
    }
    if attempt.manner is not PLAIN:
        fields["manner"] = asdict(attempt.manner)
    if attempt.container is not None:
        fields["container"] = asdict(attempt.container)
    return fields


def phase_line(attempt: Attempt) -> dict[str, Any]:
    """What a move changed."""
    return {"token": attempt.token, **_phase_fields(attempt.phase)}


def _phase_fields(phase: Phase) -> dict[str, Any]:
    match phase:
        case Running():
            return _running_fields(phase)
        case Stopping():
            stopping = {"why": phase.why, "kill_at": phase.kill_at, "fenced": phase.fenced}
            return {**_running_fields(phase.running), "stopping": {**stopping, "step": phase.step.value}}
        case _:
            return _shown(phase)


def _running_fields(phase: Running) -> dict[str, Any]:
    return {
        "phase": "running",
        "pid": phase.pid,
        "began": phase.began,
        "by": phase.by,
        "started_at": phase.started_at,
        "found": phase.found,
        "since": phase.since,
    }


def attempt_from(found: Mapping[str, Any]) -> Attempt:
    """The attempt whose lines were laid over each other. KeyError, TypeError or ValueError when it is
    none."""
    return Attempt(
        token=found["token"],
        job=found["job"],
        attempt=int(found["attempt"]),
        gpus=tuple(found["gpus"]),
        grace=float(found["grace"]),
        time_limit=found["time_limit"],
        fence_at=found["fence_at"],
        scope=found.get("scope", ""),
        keeper=_keeper_from(found.get("keeper")),
        phase=_phase_from(found),
        manner=_manner_from(found.get("manner")),
        container=None if found.get("container") is None else Container(**found["container"]),
    )


def _manner_from(found: Any) -> Manner:
    if found is None:
        return PLAIN
    fields: dict[str, Any] = {**found, "checkpoint": tuple(found["checkpoint"])}
    return Manner(**fields)


def _keeper_from(found: Any) -> tuple[int, int] | None:
    return None if found is None else (int(found[0]), int(found[1]))


def _phase_from(found: Mapping[str, Any]) -> Phase:
    name = found["phase"]
    if name == "starting":
        return Starting()
    if name == "running":
        running = Running(
            pid=int(found["pid"]),
            began=float(found["began"]),
            by=float(found["by"]),
            started_at=float(found["started_at"]),
            found=bool(found.get("found")),
            since=found.get("since"),
        )
        stopping = found.get("stopping")
        if stopping is None:
            return running
        return Stopping(
            running=running,
            why=str(stopping["why"]),
            kill_at=float(stopping["kill_at"]),
            fenced=bool(stopping.get("fenced")),
            step=Step(stopping.get("step", Step.TOLD)),
        )
    if name == "exited":
        return Exited(
            exit_code=found["exit_code"],
            signal=found["signal"],
            why=str(found["why"]),
            stopped=bool(found["stopped"]),
            gone=bool(found.get("gone")),
            started_at=found["started_at"],
            ended_at=found["ended_at"],
        )
    if name == "refused":
        return Refused(why=str(found["why"]), final=bool(found["final"]))
    raise ValueError(f"no phase of an attempt: {name!r}")


# ------------------------------------------------------------------ for the agent


def record_of(attempt: Attempt) -> dict[str, Any]:
    """A RECORD of `hello`."""
    return {
        "job": attempt.job,
        "attempt": attempt.attempt,
        "token": attempt.token,
        "gpus": attempt.gpus,
        **_shown(attempt.phase),
    }


def event_of(attempt: Attempt) -> dict[str, Any]:
    """The event that says where it has got to."""
    fields = _shown(attempt.phase)
    return {"event": fields.pop("phase"), "token": attempt.token, **fields}


def _shown(phase: Phase) -> dict[str, Any]:
    match phase:
        case Waiting():
            return {"phase": "waiting", "why": phase.why}
        case Starting():
            return {"phase": "starting"}
        case Running():
            return {"phase": "running", "pid": phase.pid, "started_at": phase.started_at}
        case Stopping():
            return _shown(phase.running)
        case Exited():
            return {
                "phase": "exited",
                "exit_code": phase.exit_code,
                "signal": phase.signal,
                "why": phase.why,
                "stopped": phase.stopped,
                "gone": phase.gone,
                "started_at": phase.started_at,
                "ended_at": phase.ended_at,
            }
        case Refused():
            return {"phase": "refused", "why": phase.why, "final": phase.final}
        case _:
            assert_never(phase)
