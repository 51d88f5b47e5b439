"""Events from lines of the log and as lines for people; which of them are asked for. Pure.

Called by `sentinel events`.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from datetime import time as time_of_day
from typing import Any, cast

from sentinel.cli.colour import Paint, painted
from sentinel.cli.local.workloads.cells import ranges
from sentinel.cli.text_width import cell, padded, squeezed, width_of
from sentinel.core.errors import UsageError
from sentinel.core.event import EVENTS, Event, event_from
from sentinel.core.units import parse_duration

SHORT = {name.rpartition(".")[2]: name for name in EVENTS}
_DAY = 86400.0
_SHORT_ID = 12
_WIDTHS = (12, 16, 10, 8)  # of kind, origin, user, GPUs: aligned without knowing what is still to come
_PAINTS = {
    "detected": Paint.GOOD,
    "exited": Paint.DIM,
    "became-idle": Paint.NOTICE,
    "reclassified": Paint.BAD,
    "opened": Paint.BAD,
    "closed": Paint.GOOD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`since` in seconds since the epoch. Empty `types`: any."""

    since: float | None = None
    types: frozenset[str] = frozenset()

    def takes(self, event: Event) -> bool:
        """Whether `event` is asked for."""
        return (self.since is None or event.time >= self.since) and (
            not self.types or event.type in self.types
        )


def parsed(line: bytes) -> Event | None:
    """The event in a line of the log; None when there is none."""
    try:
        return event_from(json.loads(line))
    except (ValueError, RecursionError, OverflowError):
        return None


def types_from(words: Iterable[str]) -> frozenset[str]:
    """Full type names. Raises UsageError that lists the known ones."""
    chosen = {SHORT.get(word.strip().lower(), word.strip().lower()) for word in words}
    for word in chosen - set(EVENTS):
        raise UsageError(f"no event is called {word!r}; choose of: {', '.join(SHORT)}")
    return frozenset(chosen)


def since_from(text: str, now: float) -> float:
    """The moment that `text` names, in seconds since the epoch; local time where it names no zone.

    "1h" is an hour ago; "14:00" today (yesterday where that is still to come); else a date or date and time.
    """
    try:
        return now - parse_duration(text)
    except UsageError:
        pass
    try:
        return _clock_time(text, now)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{text!r} is no time; write how long ago (30m, 1h, 2d) "
            "or when (14:00, 2026-01-31, 2026-01-31T14:00)"
        ) from None


def _clock_time(text: str, now: float) -> float:
    if ":" not in text:
        raise ValueError
    found = time_of_day.fromisoformat(text.strip())
    today = datetime.fromtimestamp(now)
    at = datetime.combine(today.date(), found).timestamp()
    return at if at <= now else at - _DAY


# ------------------------------------------------------------------ for people


def event_line(event: Event, *, width: int | None = None, colours: bool = False) -> str:
    """`event` in local time: when, what, type, user, GPUs, name (id). Cut at `width` where given.

    Of a finding: its component, severity, GPU and title instead.
    """
    finding = event.data.get("finding")
    if isinstance(finding, dict):
        return _line(event, _of_finding(cast("dict[str, Any]", finding)), width, colours=colours)
    return _line(event, _of_workload(event), width, colours=colours)


def _of_workload(event: Event) -> tuple[str, str, str, str]:
    data = _about(event.data)
    subject = cell(event.subject)
    shown = subject if ":" in subject else subject[:_SHORT_ID]
    name = f"{cell(str(data.get('name') or '?'))} ({shown}){_change(event)}"
    return (_text(data, "origin"), _text(data, "user"), _gpus(data), name)


def _of_finding(data: Mapping[str, Any]) -> tuple[str, str, str, str]:
    gpu: Any = data.get("gpu")
    index = cast("Mapping[str, Any]", gpu).get("index") if isinstance(gpu, dict) else None
    where = "node" if gpu is None else f"GPU {index if isinstance(index, int) else '?'}"
    title = f"{cell(_text(data, 'title'))} ({cell(_text(data, 'code'))})"
    return (_text(data, "component"), _text(data, "severity"), where, title)


def _line(event: Event, texts: tuple[str, str, str, str], width: int | None, *, colours: bool) -> str:
    *said, name = texts
    kind = event.type.rpartition(".")[2]
    words = (kind, *said)
    cells = [padded(cell(word), size) for word, size in zip(words, _WIDTHS, strict=True)]
    plain_kind = cells[0]
    cells[0] = painted(plain_kind, _PAINTS.get(kind, Paint.PLAIN), on=colours)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.time))
    start = "  ".join([stamp, *cells])
    used = width_of("  ".join([stamp, plain_kind, *cells[1:]])) + 2
    return f"{start}  {name if width is None else squeezed(name, max(12, width - used))}"


def _about(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where the event's facts about its workload are."""
    inner = data.get("workload")
    return cast("Mapping[str, Any]", inner) if isinstance(inner, dict) else data


def _text(data: Mapping[str, Any], key: str) -> str:
    found = data.get(key)
    return found if isinstance(found, str) and found else "?"


def _gpus(data: Mapping[str, Any]) -> str:
    found = data.get("gpu_indices", data.get("gpus"))
    if not isinstance(found, list):
        return "GPU ?"
    listed = cast("list[Any]", found)
    numbers = [one for one in listed if isinstance(one, int)]
    if not listed:
        return "-"
    return f"GPU {ranges(numbers)}" if len(numbers) == len(listed) else f"{len(listed)} GPUs"


def _change(event: Event) -> str:
    """What changed, where the event says so."""
    before, after = event.data.get("from"), event.data.get("to")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ""
    old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
    changed = [key for key in new if new[key] != old.get(key)]
    told = [f"{cell(str(key))} {_word(old.get(key))} -> {_word(new[key])}" for key in changed]
    return f": {', '.join(told)}" if told else ""


def _word(value: Any) -> str:
    return "?" if value is None else cell(str(value))
