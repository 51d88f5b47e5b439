"""Times and steps as the calls about the past take them. Used by `routes.history` and `routes.reports`.

`since` and `until` are durations back from now ("90m", "30d") or times (RFC 3339); a step is a duration.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from sentinel.api.problems import Problem, invalid
from sentinel.core.errors import UsageError
from sentinel.core.timestamp import epoch
from sentinel.core.units import parse_duration

LONGEST = 10 * 366 * 86_400.0  # seconds; nothing is kept for so long
LEAST_STEP, MOST_STEP = 1.0, 366 * 86_400.0
MANY = 300  # points of a chart that nobody said the step of
STEPS = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 7 * 86_400)

_DURATION = r"\d{1,9}(\.\d{1,9})?(ms|s|m|h|d)?"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)"
When = Annotated[
    str | None,
    Query(
        pattern=f"^({_DURATION}|{_TIME})$",
        description="A duration back from now, like `90m` or `30d`, or a time: RFC 3339.",
    ),
]
Step = Annotated[str | None, Query(pattern=f"^{_DURATION}$", description="A duration, like `30s` or `5m`.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTime:
    """[start, end), epoch seconds."""

    start: float
    end: float


def asked_time(
    since: str | None,
    until: str | None,
    now: float,
    *,
    length: float,
    within: tuple[float, float] | None = None,
) -> AskedTime:
    """Where nothing is said: all of `within`, or else `length` seconds up to the end. Problem 422 when that
    is no time, or one to come."""
    start, end = within or (None, now)
    last = min(end if until is None else _moment("until", until, now), now)
    usual = last - length if start is None else start
    first = usual if since is None else _moment("since", since, now)
    if first >= now:
        raise invalid("since", "that is in the future", "the past ends now")
    if first >= last:
        raise invalid("until", "it has to be after `since`", "both may be left out: `until` is then now")
    if now - first > LONGEST:
        raise invalid("since", "that is too long ago", "ten years back at most, like 30d")
    return AskedTime(start=first, end=last)


def _moment(field: str, text: str, now: float) -> float:
    try:
        return now - parse_duration(text)
    except UsageError:
        found = epoch(text)
    if found is None:
        raise invalid(field, "there is no such time", "write it like 90m, 30d or 2026-12-01T08:00:00Z")
    return found


def asked_step(step: str | None, time: AskedTime) -> float:
    """Seconds. Where nothing is said, what makes about MANY points of the steps that are usual."""
    if step is None:
        wanted = (time.end - time.start) / MANY
        return float(min(STEPS, key=lambda one: max(one / wanted, wanted / one)))
    found = parse_duration(step)
    if not LEAST_STEP <= found <= MOST_STEP:
        raise invalid("step", "from 1s to 366d", "history keeps 10s, 1m and 1h")
    return found


def too_many(error: UsageError) -> Problem:
    """What the history refuses as too much of an answer."""
    return invalid("step", error.message, "ask for fewer series with node=, gpu= or user=, or a longer step")
