"""Who had the GPUs, how much of that lay idle, and what it took of energy: sums over the past. Pure.

Called by the API's reports, with what `usage_reading` found in the history. All of it is added up from
samples of `gpu_held`, `gpu_held_idle` and `gpu_held_power_watts` (see `holding`): a sample stands for the
time from one look at the node to the next. `idle` is of the time in which it was known whether a GPU
computes; the rest of what was held is `unknown`, never idle and never busy.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sentinel.core.series import Labels, label_of
from sentinel.telemetry.rhythm import EVERY

Known = Mapping[Labels, Mapping[float, float]]
"""By series: what is known, by the start of the slot."""

_NONE: Mapping[float, float] = {}

Gpu = tuple[str, str]
"""Node, and UUID, or index where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the asked time, [start, end), on a grid of slots of `width` seconds, which may begin before
    it and end after it. Of each slot: the sums of the samples, and of how many there are; None where each
    sample says whether the GPU was idle."""

    start: float
    end: float
    width: float
    held: Known
    held_counts: Known | None
    idle: Known
    idle_counts: Known | None
    power: Known
    present: Known  # how many samples there are of each GPU itself
    seconds: Mapping[Gpu, Mapping[float, float]]  # that each of those stands for


@dataclass(slots=True)
class Use:
    """Seconds of GPUs, and joules. None: nothing was ever known of it."""

    held: float = 0.0
    idle: float | None = None
    unknown: float = 0.0
    joules: float | None = None

    def add(self, other: "Use") -> None:
        self.held += other.held
        self.idle = _sum(self.idle, other.idle)
        self.unknown += other.unknown
        self.joules = _sum(self.joules, other.joules)


def _sum(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one + other


@dataclass(slots=True)
class Usage:
    """What `usage` found, in any grouping: uses by series and period (its start), and for how long each GPU
    was recorded in each period. `gpus`: the labels of each."""

    start: float
    end: float
    period: float
    uses: dict[Labels, dict[float, Use]] = field(default_factory=dict[Labels, dict[float, Use]])
    recorded: dict[Gpu, dict[float, float]] = field(default_factory=dict[Gpu, dict[float, float]])
    gpus: dict[Gpu, Labels] = field(default_factory=dict[Gpu, Labels])

    def asked(self, period: float) -> float:
        """Seconds of that period that were asked about."""
        return min(self.end, period + self.period) - max(self.start, period)

    @property
    def periods(self) -> list[float]:
        """The start of each, in order."""
        first = self.start // self.period * self.period
        return [first + nth * self.period for nth in range(-int(-(self.end - first) // self.period))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`coverage`: of the asked time, the part in which the GPUs were recorded; None where that is not known.
    Of a user, all GPUs: any of them may have been theirs when nobody looked."""

    key: str
    use: Use
    coverage: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`rows`: who had most is first. `days`: each period, by its start."""

    rows: tuple[Row, ...]
    total: Row
    days: tuple[tuple[float, Row], ...]


def usage(stretches: Iterable[Stretch], start: float, end: float, period: float) -> Usage:
    """What all of them come to."""
    found = Usage(start=start, end=end, period=period)
    for one in stretches:
        for labels, counts in one.present.items():
            gpu = gpu_of(labels)
            found.gpus[gpu] = labels
            recorded = found.recorded.setdefault(gpu, {})
            for at, weight in _weights(one, gpu, counts):
                part = at // period * period
                recorded[part] = recorded.get(part, 0.0) + counts[at] * weight
        for labels, sums in one.held.items():
            uses = found.uses.setdefault(labels, {})
            seen = _Seen.of(one, labels)
            for at, weight in _weights(one, gpu_of(labels), sums):
                part = at // period * period
                seen.add_to(uses.get(part) or uses.setdefault(part, Use()), at, sums[at], weight)
    return found


def _weights(one: Stretch, gpu: Gpu, slots: Iterable[float]) -> Iterator[tuple[float, float]]:
    """Each slot that has something of the asked time, and for how many of its seconds a sample stands."""
    seconds = one.seconds.get(gpu, _NONE)
    for at in slots:
        inside = min(one.end, at + one.width) - max(one.start, at)
        if inside > 0:
            yield at, seconds.get(at, EVERY) * inside / one.width


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of one series beside what was held."""

    idle: Mapping[float, float]
    power: Mapping[float, float]
    counts: tuple[Mapping[float, float], Mapping[float, float]] | None  # of what is held, and of what is idle

    @classmethod
    def of(cls, one: Stretch, labels: Labels) -> "_Seen":
        counts = None
        if one.held_counts is not None and one.idle_counts is not None:
            counts = one.held_counts.get(labels, _NONE), one.idle_counts.get(labels, _NONE)
        return cls(one.idle.get(labels, _NONE), one.power.get(labels, _NONE), counts)

    def add_to(self, use: Use, at: float, value: float, weight: float) -> None:
        held, idle, power = value * weight, self.idle.get(at), self.power.get(at)
        use.held += held
        if idle is not None:
            use.idle = (use.idle or 0.0) + idle * weight
        if power is not None:
            use.joules = (use.joules or 0.0) + power * weight
        if self.counts is not None:
            use.unknown += held * (1.0 - self._looked_at(at, *self.counts))

    @staticmethod
    def _looked_at(at: float, held: Mapping[float, float], idle: Mapping[float, float]) -> float:
        """Which part of the samples says whether the GPU was idle."""
        samples = held.get(at, 0.0)
        return min(1.0, idle.get(at, 0.0) / samples) if samples else 0.0


def gpu_of(labels: Labels) -> Gpu:
    return label_of(labels, "node"), label_of(labels, "uuid") or label_of(labels, "gpu")


# ------------------------------------------------------------------ in rows


def report(found: Usage, key: Callable[[Labels], str], *, of_gpus: bool) -> Report:
    """`key` groups series. `of_gpus`: it does so by what a GPU is, not by who has it; then GPUs that nobody
    had are there, too, and each row's coverage is that of its own."""
    uses: dict[str, Use] = {}
    days: dict[float, Use] = {period: Use() for period in found.periods}
    total = Use()
    gpus: dict[str, list[Gpu]] = defaultdict(list)
    if of_gpus:
        for gpu, labels in found.gpus.items():
            gpus[key(labels)].append(gpu)
            uses.setdefault(key(labels), Use())
    for labels, by_period in found.uses.items():
        mine = uses.setdefault(key(labels), Use())
        for period, use in by_period.items():
            mine.add(use)
            total.add(use)
            days.setdefault(period, Use()).add(use)
    every = list(found.gpus)
    rows = [
        Row(key=name, use=use, coverage=_coverage(found, gpus[name] if of_gpus else every))
        for name, use in uses.items()
    ]
    return Report(
        rows=tuple(sorted(rows, key=lambda row: (-row.use.held, row.key))),
        total=Row(key="", use=total, coverage=_coverage(found, every)),
        days=tuple(
            (period, Row(key="", use=use, coverage=_coverage(found, every, period)))
            for period, use in sorted(days.items())
        ),
    )


def _coverage(found: Usage, gpus: Sequence[Gpu], period: float | None = None) -> float | None:
    asked = found.end - found.start if period is None else found.asked(period)
    if not gpus or asked <= 0:
        return None
    recorded = sum(
        sum(found.recorded[gpu].values()) if period is None else found.recorded[gpu].get(period, 0.0)
        for gpu in gpus
    )
    return min(1.0, recorded / (asked * len(gpus)))
