"""Reads of the history what a report of usage is added up from. Called by the API's reports.

The edges are read by the minute, what is between them by the hour, and whole days (UTC) by the day where a
report is by the day: a report of an hour is right to the minute, and one of a month is quick. How often each
GPU was looked at is worked out from how many samples there are of it in each hour (see `rhythm`).
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from math import ceil, floor

from sentinel.core.series import Aggregate, Labels, Selector, Series
from sentinel.ports.history import History
from sentinel.telemetry.holding import HELD, HELD_IDLE, HELD_POWER
from sentinel.telemetry.rhythm import DAY, HOUR, MINUTE, of_days, of_hours, of_minutes
from sentinel.telemetry.usage_report import Gpu, Known, Stretch, gpu_of

PRESENT = "gpu_up"
"""A metric that each look at a node gives of each of its GPUs."""
UTILIZATION = "gpu_utilization_percent"

_NONE: Mapping[float, float] = {}
_BESIDE = 6 * HOUR  # what is looked at before the asked time: a report of an hour sees full ones
_HOURLY_AT_MOST = 62 * DAY  # beyond that the rhythm is worked out from days


def stretches(history: History, start: float, end: float, period: float) -> Iterator[Stretch]:
    """All of [start, end), without those of its parts that nothing was held in and no GPU recorded.
    `period` is HOUR or DAY."""
    rhythm = _Rhythm(history, start, end)
    for first, last, step in parts(start, end, period):
        if (found := _stretch(history, rhythm, first, last, step)) is not None:
            yield found


def parts(start: float, end: float, period: float) -> list[tuple[float, float, float]]:
    """Start, end and step of each part, in order; empty ones are left out."""
    edges = [(start, end)]
    found: list[tuple[float, float, float]] = []
    for step in (DAY, HOUR) if period >= DAY else (HOUR,):
        rest: list[tuple[float, float]] = []
        for first, last in edges:
            inner, outer = ceil(first / step) * step, floor(last / step) * step
            if inner < outer:
                found.append((inner, outer, step))
                rest += [(first, inner), (outer, last)]
            else:
                rest.append((first, last))
        edges = rest
    found += [(first, last, MINUTE) for first, last in edges]
    return sorted(one for one in found if one[0] < one[1])


class _Rhythm:
    """How many seconds a sample of each GPU stands for, at each time."""

    def __init__(self, history: History, start: float, end: float) -> None:
        self.width = HOUR if end - start <= _HOURLY_AT_MOST else DAY
        first = start // self.width * self.width - max(_BESIDE, self.width)
        self._known = _known(_ask(history, PRESENT, first, end, self.width, Aggregate.COUNT))
        self._counts = {gpu_of(labels): by_slot for labels, by_slot in self._known.items()}
        self._seconds: dict[Gpu, Mapping[float, float]] = {}
        before = _NONE, _NONE
        for gpu, one in self._counts.items():
            # The GPUs of a node are looked at together.
            before = before if before[0] == one else (one, of_hours(one, width=self.width))
            self._seconds[gpu] = before[1]

    def present(self, start: float, end: float, width: float) -> Known:
        """How many samples there are of each GPU, for slots of `self.width` or of several of it."""
        found: dict[Labels, dict[float, float]] = {}
        for labels, counts in self._known.items():
            mine: dict[float, float] = {}
            for at, count in counts.items():
                if start <= at < end:
                    slot = at // width * width
                    mine[slot] = mine.get(slot, 0.0) + count
            if mine:
                found[labels] = mine
        return found

    def seconds(self, present: Known, width: float) -> dict[Gpu, Mapping[float, float]]:
        """For slots of this width that have so many samples."""
        return {gpu_of(labels): self._of(gpu_of(labels), counts, width) for labels, counts in present.items()}

    def _of(self, gpu: Gpu, counts: Mapping[float, float], width: float) -> Mapping[float, float]:
        usual = self._seconds.get(gpu, _NONE)
        if width < HOUR:
            return of_minutes(counts, usual if self.width == HOUR else _NONE)
        if width > self.width:
            return of_days(counts, self._counts.get(gpu, _NONE), usual, width)
        if width == self.width:
            return usual
        days = {at: usual[day] for at in counts if (day := at // self.width * self.width) in usual}
        return {at: min(seconds, width / counts[at]) for at, seconds in days.items()}


def _stretch(history: History, rhythm: _Rhythm, start: float, end: float, step: float) -> Stretch | None:
    held = _ask(history, HELD, start, end, step, Aggregate.SUM)
    # A minute is known to be whole by those beside it.
    first, last = (start, end) if step >= rhythm.width else (start - step, end + step)
    if step < rhythm.width:
        looks = _ask(history, PRESENT, first, last, step, Aggregate.COUNT)
        width = _width(next(chain(held, looks), None), start, end, step)
        present = _known(looks)
    else:
        present, width = rhythm.present(start, end, step), step
    if not held and not present:
        return None
    counted = bool(held) and not _all_known(history, present, first, last, step)

    def known(metric: str, how: Aggregate, *, needed: bool) -> Known:
        return _known(_ask(history, metric, start, end, step, how)) if needed else {}

    return Stretch(
        start=start,
        end=end,
        width=width,
        held=_known(held),
        held_counts=known(HELD, Aggregate.COUNT, needed=True) if counted else None,
        idle=known(HELD_IDLE, Aggregate.SUM, needed=bool(held)),
        idle_counts=known(HELD_IDLE, Aggregate.COUNT, needed=True) if counted else None,
        power=known(HELD_POWER, Aggregate.SUM, needed=bool(held)),
        present=present,
        seconds=rhythm.seconds(present, width),
    )


def _ask(
    history: History, metric: str, start: float, end: float, step: float, how: Aggregate
) -> list[Series]:
    return list(history.query(Selector(metric=metric), start, end, step, how))


def _all_known(history: History, present: Known, start: float, end: float, step: float) -> bool:
    """Whether each sample of each GPU says how busy it was: then nothing held is unknown, as it mostly is,
    and nobody has to count."""
    said = _known(_ask(history, UTILIZATION, start, end, step, Aggregate.COUNT))
    return bool(present) and all(
        said.get(labels, {}).get(at) == count
        for labels, counts in present.items()
        for at, count in counts.items()
    )


def _width(one: Series | None, start: float, end: float, step: float) -> float:
    """Of what is kept no more in minutes the history answers in hours."""
    if one is None:
        return step
    first, *more = (at for at, _ in one.points)
    if more:
        return more[0] - first
    asked = ceil(end / step) - floor(start / step)
    return step if asked == 1 and first == floor(start / step) * step else HOUR


def _known(found: list[Series]) -> Known:
    return {one.labels: {at: value for at, value in one.points if value is not None} for one in found}
