"""What this node tells the controller of an attempt: an entry of `POST reports`. Pure; for the executor.

{"token", "job", "attempt", "kind", …}   the rest by kind, as docs/queue.md has it
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sentinel.agent.link.attempt import Attempt, Phase
from sentinel.agent.link.desired import Wanted
from sentinel.core.errors import ProtocolError


class Kind(StrEnum):
    """Kinds of reports."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"
    REFUSED = "refused"
    GONE = "gone"
    LEFTOVER = "leftover"

    @property
    def last(self) -> bool:
        """After it there is nothing more to say of the attempt."""
        return self in (Kind.EXITED, Kind.REFUSED, Kind.GONE)

    @property
    def moves(self) -> bool:
        """It is about where the job stands; the others are remarks."""
        return self not in (Kind.WAITING, Kind.LEFTOVER)


class Verdict(StrEnum):
    """What the controller says to a report."""

    APPLIED = "applied"
    KNOWN = "known"
    FENCED = "fenced"  # that attempt is no longer wanted
    UNKNOWN = "unknown"  # it has no such job


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`body` is the whole entry. `subject` tells apart remarks of one kind about one attempt."""

    token: str
    kind: Kind
    body: dict[str, Any] = field(repr=False)
    subject: str = ""

    @property
    def key(self) -> tuple[str, Kind, str]:
        """A newer report with the same key takes the place of one that waits."""
        return self.token, self.kind, self.subject


def reports_of(attempts: Iterable[Attempt]) -> list[Report]:
    """What to tell of each, as it stands. Of one that has said nothing yet: nothing."""
    return [report_of(one) for one in attempts if one.phase is not Phase.TOLD]


def report_of(attempt: Attempt) -> Report:
    """What to tell of an attempt that the supervisor has told of."""
    match attempt.phase:
        case Phase.TOLD:
            raise ProtocolError("there is nothing to report of what has not begun")
        case Phase.WAITING:
            return _report(attempt, Kind.WAITING, why=attempt.why)
        case Phase.STARTING:
            return _report(attempt, Kind.STARTING)
        case Phase.RUNNING:
            return _report(attempt, Kind.RUNNING, started_at=attempt.started_at)
        case Phase.REFUSED:
            return _report(attempt, Kind.REFUSED, why=attempt.why, final=attempt.final)
        case Phase.EXITED if attempt.gone:
            return _report(attempt, Kind.GONE, why=attempt.why)
        case Phase.EXITED:
            return _report(
                attempt,
                Kind.EXITED,
                exit_code=attempt.exit_code,
                signal=attempt.signal,
                why=attempt.why,
                stopped=attempt.stopped,
                started_at=attempt.started_at,
                ended_at=attempt.ended_at,
            )


def refused(wanted: Wanted, why: str, *, final: bool = False) -> Report:
    """An attempt that did not begin here, and will not. `final`: nor would another."""
    return _report(wanted, Kind.REFUSED, why=why, final=final)


def gone(wanted: Wanted, why: str) -> Report:
    """An attempt that had begun, and of which nothing is here."""
    return _report(wanted, Kind.GONE, why=why)


def leftover(attempt: Attempt, gpu: str, pid: int, why: str) -> Report:
    """A process on a GPU that outlived the attempt which started it."""
    return _report(attempt, Kind.LEFTOVER, f"{gpu}:{pid}", gpu=gpu, pid=pid, why=why)


def _report(of: Attempt | Wanted, kind: Kind, subject: str = "", **more: Any) -> Report:
    body = {"token": of.token, "job": of.job, "attempt": of.attempt, "kind": kind.value, **more}
    if kind.moves:
        body["gpus"] = list(of.gpus)  # a controller that was restored knows by it what is taken
    return Report(token=of.token, kind=kind, subject=subject, body=body)
