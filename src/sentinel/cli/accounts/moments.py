"""Points in time as people type them. Pure but for this machine's time zone. Called by `sentinel
reservation add`."""

from datetime import datetime

from sentinel.core.errors import UsageError
from sentinel.core.timestamp import epoch
from sentinel.core.units import parse_duration

_LATEST = 253_402_300_799.0  # the year 9999: no other place can write more


def parse_moment(text: str, now: float) -> float:
    """Epoch seconds of "now", "in 2h" or "+2h", an RFC 3339 time, or "2026-12-01 08:00" in this machine's
    time. UsageError when it is none."""
    words = text.strip()
    if words == "now":
        return now
    if words.startswith(("+", "in ")):
        at: float | None = now + parse_duration(words.removeprefix("+").removeprefix("in "))
    else:
        at = epoch(words) or _local(words)
    if at is None or not 0 <= at <= _LATEST:
        raise UsageError(
            f'{text!r} is no time; write it like "2026-12-01 08:00", 2026-12-01T08:00:00Z or "in 2h"'
        )
    return at


def _local(text: str) -> float | None:
    """A time of day is needed: a bare date could be its beginning or its end."""
    if ":" not in text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.timestamp() if found.tzinfo is None else None
    except (ValueError, OverflowError):
        return None
