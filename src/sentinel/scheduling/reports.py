"""What an agent reports of an attempt, read from its JSON. Called by the API; desk.told says what it means.

    {"token", "job", "attempt", "kind", …}     and by kind, as in docs/queue.md:
    starting    nothing                            running   started_at
    exited      exit_code, signal, why, stopped, started_at, ended_at
    refused     why, final                         gone      why
    leftover    gpu, pid, why                      waiting   why

Times are seconds since the epoch. Each may have `gpus`, the UUIDs that the attempt has: after a restore they
say what is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from sentinel.core.errors import ProtocolError
from sentinel.scheduling.lifecycle import Exited, Gone, Refused, Running, Starting

LONGEST_WORD = 200
LONGEST_WHY = 2000  # more is cut off
MOST_GPUS = 4096


class Kind(StrEnum):
    """What is reported."""

    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"
    REFUSED = "refused"
    GONE = "gone"
    LEFTOVER = "leftover"
    WAITING = "waiting"

    @property
    def over(self) -> bool:
        """Nothing of the attempt runs, or will."""
        return self in (Kind.EXITED, Kind.REFUSED, Kind.GONE)


class Verdict(StrEnum):
    """What became of a report."""

    APPLIED = "applied"
    KNOWN = "known"  # told before, or overtaken by what was told since
    FENCED = "fenced"  # that attempt is not wanted any more
    UNKNOWN = "unknown"  # no such job here


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A process of the job that is on a GPU still, after its end."""

    gpu: str
    pid: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The arbiter of its node has not granted the GPUs yet."""

    why: str


Told = Starting | Running | Exited | Refused | Gone | Leftover | Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`gpus` None: not said."""

    token: str
    job: str
    attempt: int
    kind: Kind
    what: Told
    gpus: tuple[str, ...] | None = None


_COMMON = frozenset(("token", "job", "attempt", "kind", "gpus"))
_FIELDS: Mapping[Kind, frozenset[str]] = {
    Kind.STARTING: frozenset(),
    Kind.RUNNING: frozenset(("started_at",)),
    Kind.EXITED: frozenset(("exit_code", "signal", "why", "stopped", "started_at", "ended_at")),
    Kind.REFUSED: frozenset(("why", "final")),
    Kind.GONE: frozenset(("why",)),
    Kind.LEFTOVER: frozenset(("gpu", "pid", "why")),
    Kind.WAITING: frozenset(("why",)),
}


def report_from(raw: object) -> Report:
    """The report in a JSON value. ProtocolError names what is wrong with it."""
    if not isinstance(raw, dict):
        raise ProtocolError("a report is an object")
    found = cast("dict[str, Any]", raw)
    named = found.get("kind")
    kind = next((kind for kind in Kind if kind.value == named), None)
    if kind is None:
        raise ProtocolError(f"kind is one of {', '.join(Kind)}; not {str(named)[:40]!r}")
    unknown = found.keys() - _COMMON - _FIELDS[kind]
    if unknown:
        raise ProtocolError(f"a report of kind {kind} has no field {min(map(str, unknown))[:40]!r}")
    token = _word(found, "token")
    return Report(
        token=token,
        job=_word(found, "job"),
        attempt=_whole(found, "attempt", 1, 1 << 31),
        kind=kind,
        what=_told(kind, token, found),
        gpus=_gpus(found),
    )


def _told(kind: Kind, token: str, found: Mapping[str, Any]) -> Told:
    match kind:
        case Kind.STARTING:
            return Starting(token=token)
        case Kind.RUNNING:
            return Running(token=token, started_at=_time(found, "started_at"))
        case Kind.EXITED:
            return Exited(
                token=token,
                exit_code=_maybe(found, "exit_code", 0, 255),
                signal=_maybe(found, "signal", 1, 255),
                why=_why(found),
                stopped=_yes_no(found, "stopped"),
                started_at=_time(found, "started_at"),
                ended_at=_time(found, "ended_at"),
            )
        case Kind.REFUSED:
            return Refused(
                token=token, why=_why(found) or "its node does not say why", final=_yes_no(found, "final")
            )
        case Kind.GONE:
            return Gone(token=token, why=_why(found) or "its node does not have it")
        case Kind.LEFTOVER:
            return Leftover(gpu=_word(found, "gpu"), pid=_whole(found, "pid", 1, 1 << 31), why=_why(found))
        case Kind.WAITING:
            return Waiting(why=_why(found))


# ------------------------------------------------------------------ fields


def _word(found: Mapping[str, Any], field: str) -> str:
    value = found.get(field)
    if not isinstance(value, str) or not value or len(value) > LONGEST_WORD or not value.isprintable():
        raise ProtocolError(f"{field} is a line of 1 to {LONGEST_WORD} characters")
    return value


def _why(found: Mapping[str, Any]) -> str:
    value = found.get("why")
    if value is not None and not isinstance(value, str):
        raise ProtocolError("why is text")
    return "".join(c if c.isprintable() else " " for c in (value or "")[:LONGEST_WHY]).strip()


def _whole(found: Mapping[str, Any], field: str, least: int, most: int) -> int:
    value = found.get(field)
    if type(value) is not int or not least <= value <= most:
        raise ProtocolError(f"{field} is a number from {least} to {most}")
    return value


def _maybe(found: Mapping[str, Any], field: str, least: int, most: int) -> int | None:
    return None if found.get(field) is None else _whole(found, field, least, most)


def _time(found: Mapping[str, Any], field: str) -> float | None:
    value = found.get(field)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= 1e11:  # the year 5138; above it is no time
        raise ProtocolError(f"{field} is seconds since the epoch, or null")
    return float(value)


def _yes_no(found: Mapping[str, Any], field: str) -> bool:
    value = found.get(field, False)
    if type(value) is not bool:
        raise ProtocolError(f"{field} is true or false")
    return value


def _gpus(found: Mapping[str, Any]) -> tuple[str, ...] | None:
    value = found.get("gpus")
    if value is None:
        return None
    gpus: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [None]
    if len(gpus) > MOST_GPUS or not all(isinstance(g, str) and 0 < len(g) <= LONGEST_WORD for g in gpus):
        raise ProtocolError("gpus is a list of UUIDs")
    return tuple(dict.fromkeys(gpus))
