"""How many seconds each sample of a GPU stands for. Pure. Called by `usage_reading`.

Nobody writes down how often a node looks: ten seconds as a rule, but a Prometheus scrapes as it likes, and it
may have been otherwise last month. It is worked out from how many samples there are of each stretch of time.
A minute between two that have samples was recorded throughout. An hour may have a gap in it: it is full when
one beside it has as many, for two gaps are not of the same length.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping

Counts = Mapping[float, float]
"""How many samples there are in each slot, by its start; nothing where there is none."""

EVERY = 10.0
"""Seconds between two looks, as a rule."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
_ALIKE = 0.015  # of a count: a look may be late


def of_hours(counts: Counts, otherwise: float = EVERY, *, width: float = HOUR) -> dict[float, float]:
    """Seconds for each slot. One with a gap is as the nearest full one that has no fewer samples; where there
    is none, as `otherwise`."""
    full = sorted(at for at, count in counts.items() if _full(counts, at, count, width))
    found = {at: width / counts[at] for at in full}
    for at, count in counts.items():
        if at not in found:
            near = _nearest(full, at, lambda other, count=count: counts[other] >= count * (1 - _ALIKE))
            found[at] = min(otherwise if near is None else width / counts[near], width / count)
    return found


def _full(counts: Counts, at: float, count: float, width: float) -> bool:
    beside = (counts.get(at - width, 0.0), counts.get(at + width, 0.0))
    return abs(count * EVERY - width) <= _ALIKE * width or any(
        abs(other - count) <= _ALIKE * count for other in beside
    )


def of_days(
    counts: Counts, hours: Counts, seconds: Mapping[float, float], width: float
) -> dict[float, float]:
    """Of slots of many hours: the mean of their samples, by what was worked out for the hours."""
    times: dict[float, float] = {}
    for at, count in hours.items():
        day = at // width * width
        times[day] = times.get(day, 0.0) + count * seconds[at]
    return {at: times.get(at, count * EVERY) / count for at, count in counts.items()}


def of_minutes(counts: Counts, hours: Mapping[float, float]) -> dict[float, float]:
    """Seconds for each minute. `hours`: what was worked out for those, for minutes beside a gap."""
    whole = sorted(at for at in counts if counts.get(at - MINUTE) and counts.get(at + MINUTE))
    found = {at: MINUTE / counts[at] for at in whole}
    for at, count in counts.items():
        if at not in found:
            near = _nearest(whole, at, lambda _: True)
            usual = hours.get(at // HOUR * HOUR, EVERY) if near is None else found[near]
            # Who looks less often than once a minute has one sample of it, for longer than that.
            found[at] = usual if usual > MINUTE else min(usual, MINUTE / count)
    return found


def _nearest(ordered: list[float], at: float, fits: Callable[[float], bool]) -> float | None:
    right = bisect_left(ordered, at)
    before = next((one for one in reversed(ordered[:right]) if fits(one)), None)
    after = next((one for one in ordered[right:] if fits(one)), None)
    if before is None or after is None:
        return after if before is None else before
    return before if at - before <= after - at else after
