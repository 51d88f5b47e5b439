"""An attempt of a job on this node, as far as its supervisor has told. Kept by the executor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sentinel.core.errors import ProtocolError


class Phase(StrEnum):
    """How far it is. TOLD: the supervisor was told to launch it and has said nothing yet."""

    TOLD = "told"
    WAITING = "waiting"  # for the arbiter
    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"
    REFUSED = "refused"

    @property
    def over(self) -> bool:
        """Nothing of it runs, or will."""
        return self in (Phase.EXITED, Phase.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Times are of the epoch, by this node's clock. None is unknown, or not yet."""

    token: str
    job: str
    attempt: int
    gpus: tuple[str, ...]
    phase: Phase
    why: str = ""
    pid: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    stopped: bool = False
    gone: bool = False  # its end was none of its own: with the machine, or as its lease ran out
    final: bool = False
    stop_told: bool = False  # the supervisor was told to end it
    unknown: bool = False  # the controller has no such job, as it was restored since: left alone
    milli: int | None = (
        None  # thousandths of its GPUs; None: what its spec says, or all, where that is not known
    )


_FIELDS = ("pid", "started_at", "ended_at", "exit_code", "signal")


def attempt_from(record: Mapping[str, Any]) -> Attempt:
    """One of the `jobs` of a `hello`. ProtocolError when it is none."""
    try:
        return Attempt(
            token=str(record["token"]),
            job=str(record["job"]),
            attempt=int(record["attempt"]),
            gpus=tuple(record["gpus"]),
            phase=Phase(record["phase"]),
            why=str(record.get("why") or ""),
            stopped=bool(record.get("stopped")),
            gone=bool(record.get("gone")),
            final=bool(record.get("final")),
            pid=record.get("pid"),
            started_at=record.get("started_at"),
            ended_at=record.get("ended_at"),
            exit_code=record.get("exit_code"),
            signal=record.get("signal"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"the supervisor's record of a job cannot be understood: {error!r}") from None


def after(attempt: Attempt, event: Mapping[str, Any]) -> Attempt:
    """`attempt` once `event` has been heard of it. ProtocolError for an event that is no attempt's."""
    try:
        phase = Phase(event["event"])
    except (KeyError, ValueError):
        raise ProtocolError(f"the supervisor said {event.get('event')!r}, which is not known here") from None
    changes: dict[str, Any] = {name: event[name] for name in _FIELDS if name in event}
    return replace(
        attempt,
        phase=phase,
        why=str(event.get("why") or ""),
        stopped=bool(event.get("stopped")),
        gone=bool(event.get("gone")),
        final=bool(event.get("final")),
        **changes,
    )
