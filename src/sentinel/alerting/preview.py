"""What a rule would have done in the past, before it is saved. Pure, over series as history answers them.
Called by the API.

The same steps as in a round, from point to point: a condition that holds at two points is taken to have held
between them. So the answer is as fine as the points are, and a rule with `for` below their distance fires at
the point after.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sentinel.alerting.evaluate import COMPARE
from sentinel.alerting.lifecycle import Seen, step
from sentinel.alerting.moment import Moment
from sentinel.core.alert import Alert, AlertState, Rule
from sentinel.core.clock import rfc3339
from sentinel.core.series import Labels, Point, Series
from sentinel.core.units import show_duration

Points = Sequence[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """Once: from `began` to `ended` (epoch; None: it stands still). `peak` is the value furthest from the
    threshold meanwhile; None where there was none (NO_DATA)."""

    labels: Labels
    state: AlertState
    began: float
    ended: float | None
    peak: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`fired` oldest first. `brief`: how often the condition held, but not for long enough. `unknown`: of how
    many points nothing is known."""

    fired: tuple[Fired, ...]
    series: int
    brief: int
    points: int
    unknown: int

    def says(self) -> str:
        """A sentence for people."""
        if not self.points:
            return "history has nothing of this metric and scope, so nobody knows"
        times = {0: "not once", 1: "once"}.get(len(self.fired), f"{len(self.fired)} times")
        where = len({one.labels for one in self.fired})
        told = f"would have fired {times}, on {where} of {self.series} series"
        if self.brief:
            told += f"; {self.brief} more did not last long enough"
        if self.unknown:
            told += f"; {self.unknown} of {self.points} points are unknown"
        return told


def preview(rule: Rule, past: Iterable[Series], of: Iterable[Series] = ()) -> Preview:
    """`past` is what history has of `rule.metric`, `of` of `rule.of`, both by the same step."""
    wholes = {one.labels: dict(one.points) for one in of}
    fired: list[Fired] = []
    series = brief = points = unknown = 0
    for one in past:
        if not rule.watches(one.labels):
            continue
        series += 1
        found = one.points if rule.of is None else _percent(one.points, wholes.get(one.labels, {}))
        points += len(found)
        unknown += sum(value is None for _, value in found)
        happened, short = _run(rule, one.labels, found)
        fired += happened
        brief += short
    fired.sort(key=lambda one: one.began)
    return Preview(fired=tuple(fired), series=series, brief=brief, points=points, unknown=unknown)


def _percent(points: Points, whole: dict[float, float | None]) -> Points:
    return [
        (at, 100.0 * value / all_of_it if value is not None and (all_of_it := whole.get(at)) else None)
        for at, value in points
    ]


def _run(rule: Rule, labels: Labels, points: Points) -> tuple[list[Fired], int]:
    """What fired, and how often it nearly did."""
    compare = COMPARE[rule.op]
    fired: list[Fired] = []
    current: Fired | None = None
    alert: Alert | None = None
    last: float | None = None
    brief = 0
    for at, value in points:
        if last is None and value is None:
            continue  # before its first value a series is not missing: it was not there yet
        seen = Seen.MISSING if value is None else Seen.HOLDS if compare(value, rule.threshold) else Seen.CLEAR
        moment = Moment(wall=at, elapsed=0.0 if last is None else max(0.0, at - last))
        before, alert, last = alert, step(rule, alert, seen, value, labels, moment), at
        brief += alert is None and before is not None and before.held > 0
        state = alert.state if alert is not None and alert.state.stands else None
        if state is not (current and current.state):
            if current is not None:
                fired.append(replace(current, ended=at))
            current = None
            if state is not None:
                current = Fired(labels=labels, state=state, began=at, ended=None, peak=value)
        elif current is not None and seen is Seen.HOLDS:
            current = replace(current, peak=_further(rule, current.peak, value))
    return fired + ([] if current is None else [current]), brief


def _further(rule: Rule, peak: float | None, value: float | None) -> float | None:
    if peak is None or value is None:
        return value
    return max(peak, value, key=lambda one: abs(one - rule.threshold))


def describe(fired: Fired) -> str:
    """A line for people."""
    until = "still" if fired.ended is None else f"for {show_duration(fired.ended - fired.began)}"
    where = " ".join(f"{name}={value}" for name, value in fired.labels)
    return f"{rfc3339(fired.began)} {until} {fired.state.value} {where}"
