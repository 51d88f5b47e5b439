"""What was used of the GPUs, in numbers: how it fades, which day it counts for, how a lease is added. Pure.

Called by accounts, which decides by it, and account_desk, which writes it. Times are the epoch's, as several
machines' clocks told them: nothing here becomes negative or grows without bound, whatever they say.
"""

from dataclasses import replace
from datetime import UTC, datetime
from math import isfinite, log

from sentinel.core.account import HALF_LIFE, WINDOW_DAYS, Usage
from sentinel.core.job import WHOLE

DAY = 86400.0
MOST_SECONDS = WINDOW_DAYS * DAY
"""For as long one lease is charged at most. What is older counts for no limit, and for fair share a
twentieth; and a clock that jumped by years charges no more."""


def faded(seconds: float) -> float:
    """What a GPU held for `seconds` until now counts for fair share, in GPU-seconds: each by its age."""
    return HALF_LIFE / log(2) * -(2.0 ** (-seconds / HALF_LIFE) - 1.0)


def decayed_at(usage: Usage, now: float) -> float:
    """What of it still counts for fair share. A clock that went back makes it no more."""
    return usage.decayed * 2.0 ** (-max(0.0, now - usage.at) / HALF_LIFE)


def within_window(usage: Usage, now: float) -> float:
    """GPU-seconds of the days in the window: today, and those before."""
    first, today = _window(now)
    return sum(seconds for day, seconds in usage.days.items() if first <= day <= today)


def charged(usage: Usage, milli: int, seconds: float, now: float) -> Usage:
    """The same with a lease that ended now: `milli` thousandths of a GPU, held for `seconds`, MOST_SECONDS at
    most. Each day gets its part. Days that left the window are dropped, and those that are still to come: a
    clock was wrong when they were written."""
    held = sane_seconds(seconds)
    gpus = max(0, milli) / WHOLE
    first, today = _window(now)
    days = {day: used for day, used in usage.days.items() if first <= day <= today}
    end = now
    while held > 0:
        part = min(held, end % DAY or DAY)
        day = iso_day(end - part)
        if day >= first:
            days[day] = round(days.get(day, 0.0) + gpus * part, 3)
        end, held = end - part, held - part
    decayed = decayed_at(usage, now) + gpus * faded(sane_seconds(seconds))
    return replace(usage, decayed=decayed, at=now, days=dict(sorted(days.items())))


def sane_seconds(seconds: float) -> float:
    """How long a lease is said to have been held, within reason: nothing when it ended before it began."""
    return min(max(0.0, seconds), MOST_SECONDS) if isfinite(seconds) else 0.0


def iso_day(at: float) -> str:
    """The day of that moment, UTC: "2026-01-31"."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _window(now: float) -> tuple[str, str]:
    """Its first day and its last, which is today."""
    return iso_day(now - (WINDOW_DAYS - 1) * DAY), iso_day(now)
