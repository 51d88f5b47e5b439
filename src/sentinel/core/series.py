"""What was measured over time: series, how they are named and how they are put together. Pure.

Called by the history's drivers, by the charts of the API and by alerts. Metrics and labels are named as in
the agent's /metrics. An empty label is the same as none, as in Prometheus, so there is none in `Labels`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Labels = tuple[tuple[str, str], ...]
"""Name and value of each, sorted; no value is empty."""

Point = tuple[float, float | None]
"""Epoch seconds, and what it was then. None is unknown: never zero, never the value before."""


class Aggregate(StrEnum):
    """How many values become one."""

    AVG = "avg"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    LAST = "last"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a chart. Each point speaks of the time from its own up to the next one's."""

    metric: str
    labels: Labels
    points: tuple[Point, ...]

    def label(self, name: str) -> str:
        """Empty where there is none."""
        return label_of(self.labels, name)


def _everything() -> Mapping[str, tuple[str, ...]]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which series: those of a metric whose labels each have one of these values ("" for: no such label)."""

    metric: str
    matches: Mapping[str, tuple[str, ...]] = field(default_factory=_everything)

    def takes(self, labels: Labels) -> bool:
        """Whether a series of the metric with these labels is meant."""
        return all(label_of(labels, name) in values for name, values in self.matches.items())


def labels_from(named: Mapping[str, str]) -> Labels:
    """Sorted, without empty ones."""
    return tuple(sorted((name, value) for name, value in named.items() if value))


def label_of(labels: Labels, name: str) -> str:
    """Empty where there is none."""
    return next((value for known, value in labels if known == name), "")


def reduced(values: Iterable[float | None], how: Aggregate) -> float | None:
    """One value of many. What is unknown is left out; None when nothing is known."""
    known = [value for value in values if value is not None]
    return _REDUCE[how](known) if known else None


_REDUCE: Mapping[Aggregate, Callable[[Sequence[float]], float]] = {
    Aggregate.AVG: lambda known: sum(known) / len(known),
    Aggregate.MIN: min,
    Aggregate.MAX: max,
    Aggregate.SUM: sum,
    Aggregate.LAST: lambda known: known[-1],
    Aggregate.COUNT: lambda known: float(len(known)),
}


def combined(series: Iterable[Series], by: Sequence[str], how: Aggregate) -> list[Series]:
    """The series that have the same values of the labels `by`, as one each: at every time `how` over those
    of them that are known then. With `by` empty, one for each metric. Ordered by labels."""
    groups: dict[tuple[str, Labels], list[Series]] = {}
    for one in series:
        labels = tuple(pair for pair in one.labels if pair[0] in by)
        groups.setdefault((one.metric, labels), []).append(one)
    return [
        Series(metric=metric, labels=labels, points=_together(members, how))
        for (metric, labels), members in sorted(groups.items(), key=lambda item: item[0])
    ]


def _together(members: Sequence[Series], how: Aggregate) -> tuple[Point, ...]:
    times = [time for time, _ in members[0].points]
    if all(_same_times(times, one.points) for one in members):
        columns = [[value for _, value in one.points] for one in members]
        return tuple(
            (time, reduced(row, how)) for time, row in zip(times, zip(*columns, strict=True), strict=True)
        )
    at: dict[float, list[float | None]] = {}
    for one in members:
        for time, value in one.points:
            at.setdefault(time, []).append(value)
    return tuple((time, reduced(at[time], how)) for time in sorted(at))


def _same_times(times: Sequence[float], points: Sequence[Point]) -> bool:
    """Series of one query stand on one grid; its ends and its length tell."""
    if len(times) != len(points):
        return False
    return not times or (times[0] == points[0][0] and times[-1] == points[-1][0])
