"""When a silence is in force, by the clock on the wall where it is kept. Pure. Called by `quiet` and by
whoever shows silences.

Weekly hours are intervals from one moment to another, worked out for each day. Where clocks are put back, an
hour comes twice: hours that begin in it begin the first time, hours that end in it end the second time. Where
clocks are put forward, an hour is left out: hours that begin or end in it do so at the jump, so that hours
which lie in it whole don't take place that day. Somebody who silences the night loses nothing of it and gains
nothing.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sentinel.core.alert import Silence, Weekly

_DAY = 24 * 60


def in_force_until(silence: Silence, at: float) -> float | None:
    """Until when (epoch) it is in force without a break, if it is at `at`; None when it is not.

    A zone that this machine does not know silences nobody: rather told than not.
    """
    if not silence.start <= at < silence.end:
        return None
    if silence.weekly is None:
        return silence.end
    try:
        found = _window(silence.weekly, at)
    except (ValueError, OSError, LookupError, OverflowError):
        return None
    return None if found is None else min(found, silence.end)


def _window(hours: Weekly, at: float) -> float | None:
    """The end of the hours that `at` is in. One day's hours may go on where the day before's end."""
    zone = ZoneInfo(hours.zone)
    until, day = None, datetime.fromtimestamp(at, zone).date() - timedelta(days=2)
    for _ in range(2 + 9):  # two days before, as offsets differ by up to a day; and a week without a break
        if day.weekday() in hours.days:
            begin, end = _hours(hours, day, zone)
            if begin <= (at if until is None else until) < end:
                until = end
        day += timedelta(days=1)
    return until


def _hours(hours: Weekly, day: date, zone: ZoneInfo) -> tuple[float, float]:
    length = hours.end - hours.begin
    end = hours.begin + (length if length > 0 else length + _DAY)
    return _moment(day, hours.begin, zone, second=False), _moment(day, end, zone, second=True)


def _moment(day: date, minutes: int, zone: ZoneInfo, *, second: bool) -> float:
    """Epoch of so many minutes after midnight, by the clock on the wall. `second`: of two, the later one."""
    day += timedelta(days=minutes // _DAY)
    wanted = datetime(day.year, day.month, day.day, minutes % _DAY // 60, minutes % 60, tzinfo=zone)
    first, later = wanted.replace(fold=0).timestamp(), wanted.replace(fold=1).timestamp()
    if later < first:  # it is left out: PEP 495 puts the jump between the two
        return _jump(later, first, zone)
    return later if second else first


def _jump(low: float, high: float, zone: ZoneInfo) -> float:
    """Where the offset changes, to the second."""
    before = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high


def _offset(at: float, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
