"""When a round of alerting takes place, and how long the round before is past. Made by whoever runs rounds.

Durations are sums of `elapsed`, so nothing that decides is compared with a clock that may jump or begin anew.
"""

from dataclasses import dataclass

MOST_ELAPSED = 60.0
"""Seconds. Where rounds were further apart (the machine slept, the process hung), nobody looked: the rest
does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`wall` (epoch) is for silences and for showing. `elapsed`: seconds since the round before."""

    wall: float
    elapsed: float


def moment(before: float | None, now: float, wall: float) -> Moment:
    """`before` and `now` are CLOCK_BOOTTIME at the last round and at this one; None: this is the first."""
    gone = 0.0 if before is None else now - before
    return Moment(wall=wall, elapsed=min(max(0.0, gone), MOST_ELAPSED))
