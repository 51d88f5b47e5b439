"""How finely and for how long the embedded history keeps the past, and which of that answers a query. Pure.

Called by the embedded driver and by its folding.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum
from math import ceil, floor, isfinite

from sentinel.core.errors import UsageError
from sentinel.ports.history import MOST_POINTS

MINUTE = 60
HOUR = 3600
DAY = 86_400
WEEK = 7 * DAY


class Level(IntEnum):
    """A resolution. Its number is in the file."""

    RAW = 0
    MINUTE = 1
    HOUR = 2


WIDTH = {Level.MINUTE: MINUTE, Level.HOUR: HOUR}
"""Seconds that one value speaks of. That of the raw ones is the agent's affair."""

SPAN = {Level.RAW: HOUR, Level.MINUTE: HOUR, Level.HOUR: WEEK}
"""Seconds that one block covers, from a multiple of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how many seconds each level is kept. UsageError unless coarser ones stay longer."""

    raw: float = 2 * DAY
    minute: float = 30 * DAY
    hour: float = 730 * DAY

    def __post_init__(self) -> None:
        if not HOUR <= self.raw <= self.minute <= self.hour:
            raise UsageError("retention is at least 1h for raw samples, and no shorter for what is coarser")

    def of(self, level: Level) -> float:
        return {Level.RAW: self.raw, Level.MINUTE: self.minute, Level.HOUR: self.hour}[level]

    def keeps(self, level: Level, second: float, now: float) -> bool:
        """Whether what was measured then is still kept at this level."""
        return second >= now - self.of(level)


class Why(Enum):
    """Why a query is answered from a level."""

    COARSEST = "the coarsest that answers this step"
    AGED = "of a time so long ago nothing finer is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`count` points from `first` on, every `step` milliseconds, out of the values of `level`."""

    level: Level
    first: int
    step: int
    count: int
    why: Why

    @property
    def end(self) -> int:
        return self.first + self.step * self.count


def plan(start: float, end: float, step: float, now: float, retention: Retention) -> Plan:
    """UsageError when there is no such grid, or one of too many points."""
    if not (isfinite(start) and isfinite(end) and isfinite(step) and step >= 0.001):
        raise UsageError("a step is at least 0.001 seconds, and a range has a start and an end")
    wanted, why = max(1, round(step * 1000)), Why.COARSEST
    level = next(
        (one for one in (Level.HOUR, Level.MINUTE) if wanted % (WIDTH[one] * 1000) == 0),
        Level.RAW,
    )
    while level is not Level.HOUR and not retention.keeps(level, max(start, 0), now):
        # The newer part of a chart is shown as coarsely as its older part: a chart has one grid.
        level, why = Level(level + 1), Why.AGED
    if why is Why.AGED:
        width = WIDTH[level] * 1000
        wanted = ceil(wanted / width) * width
    first = floor(max(start, 0) * 1000 / wanted) * wanted
    count = max(0, ceil((end * 1000 - first) / wanted))
    if count > MOST_POINTS:
        raise UsageError(f"{count} points are too many ({MOST_POINTS} at most): ask for a longer step")
    if level is not Level.RAW and count * wanted > MOST_POINTS * WIDTH[level] * 1000:
        raise UsageError(f"at most {MOST_POINTS * WIDTH[level] // DAY} days at this step: ask for fewer")
    return Plan(level=level, first=first, step=wanted, count=count, why=why)
