"""What a replay comes to, in figures. Pure; called by the command and the benchmarks.

completion    from submission to the end
waiting       from submission until it began first
slowdown      completion against how long it ran, of at least SHORTEST seconds: 1 is no waiting
utilisation   GPU-seconds held against those there were, from the first submission to the last end
idle          GPUs that were free while somebody waited; *fragmented* are those of them that would have
              been enough for the first in line, had they been where it needs them and kept for nobody
fairness      Jain's index over users of GPU-seconds held a second in which they had jobs, by weight
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, fsum
from typing import Any

from sentinel.core.job import WHOLE
from sentinel.simulation.replay.engine import Replayed, Series
from sentinel.simulation.replay.life import Ran

SHORTEST = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Of values: mean, and those that so many percent of them do not exceed."""

    mean: float
    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Times in seconds, parts of the cluster in percent. None: there was nothing to tell it by."""

    policy: str
    cluster: str
    gpus: int
    jobs: int  # that ended
    never_began: int
    too_large: int
    makespan: float
    completion: Spread | None
    waiting: Spread | None
    slowdown: Spread | None
    longest_queue: int
    utilisation: float | None
    busy_utilisation: float | None  # while somebody waited
    idle: float | None
    fragmented: float | None
    fairness: float | None
    worst_slowdown: float | None  # the mean one of the user who fares worst
    worst_user: str | None
    preemptions: int
    lost_gpu_hours: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def figures_of(replayed: Replayed, weights: Mapping[str, float] | None = None) -> Figures:
    """`weights` of users, where they are not 1."""
    done = [one for one in replayed.ran if one.end is not None]
    series, gpus = replayed.series, replayed.cluster.gpus
    makespan = series.at[-1] - series.at[0] if len(series.at) else 0.0
    held, busy_held, busy, fragmented = _integrals(series, gpus * WHOLE)
    slow = _slowdowns(done)
    worst = max(slow, key=lambda user: (slow[user], user), default=None)
    return Figures(
        policy=replayed.policy.name,
        cluster=str(replayed.cluster),
        gpus=gpus,
        jobs=len(done),
        never_began=len(replayed.ran) - len(done),
        too_large=len(replayed.too_large),
        makespan=makespan,
        completion=spread([completion(one) for one in done]),
        waiting=spread([waiting(one) for one in done]),
        slowdown=spread([slowdown(one) for one in done]),
        longest_queue=max(series.waiting, default=0),
        utilisation=_percent(held, gpus * makespan),
        busy_utilisation=_percent(busy_held, gpus * busy),
        idle=None if busy <= 0 else 100 - (_percent(busy_held, gpus * busy) or 0.0),
        fragmented=_percent(fragmented, gpus * busy),
        fairness=jain(_rates(replayed.ran, series, weights or {})),
        worst_slowdown=None if worst is None else slow[worst],
        worst_user=worst,
        preemptions=sum(one.preemptions for one in replayed.ran),
        lost_gpu_hours=fsum(one.lost for one in replayed.ran) / 3600,
    )


# ------------------------------------------------------------------ of one job


def completion(one: Ran) -> float:
    assert one.end is not None, "it has ended"
    return one.end - one.job.submit


def waiting(one: Ran) -> float:
    assert one.first is not None, "it began"
    return one.first - one.job.submit


def slowdown(one: Ran) -> float:
    return max(1.0, completion(one) / max(one.job.run, SHORTEST))


# ------------------------------------------------------------------ of all


def spread(values: Sequence[float]) -> Spread | None:
    """None: of nothing."""
    if not values:
        return None
    ranked = sorted(values)
    return Spread(
        mean=fsum(ranked) / len(ranked),
        p50=percentile(ranked, 50),
        p95=percentile(ranked, 95),
        p99=percentile(ranked, 99),
        max=ranked[-1],
    )


def percentile(ranked: Sequence[float], percent: float) -> float:
    """The value that `percent` of them do not exceed (nearest rank); `ranked` is sorted, and not empty."""
    return ranked[max(0, ceil(percent / 100 * len(ranked)) - 1)]


def jain(rates: Sequence[float]) -> float | None:
    """1: all alike; 1/n: one of n has everything. None: nobody has anything."""
    squares = fsum(rate * rate for rate in rates)
    return fsum(rates) ** 2 / (len(rates) * squares) if squares > 0 else None


def _integrals(series: Series, capacity: int) -> tuple[float, float, float, float]:
    """GPU-seconds held; those while somebody waited; seconds in which somebody did; GPU-seconds that were
    free although the first in line asks for no more."""
    held = busy_held = busy = fragmented = 0.0
    for n in range(len(series.at) - 1):
        lasts = series.at[n + 1] - series.at[n]
        used = series.used[n] / WHOLE * lasts
        held += used
        if series.waiting[n]:
            busy += lasts
            busy_held += used
            free = capacity - series.used[n]
            if free >= series.first_asks[n]:
                fragmented += free / WHOLE * lasts
    return held, busy_held, busy, fragmented


def _slowdowns(done: Sequence[Ran]) -> dict[str, float]:
    """User → the mean of their jobs'."""
    of: dict[str, list[float]] = {}
    for one in done:
        of.setdefault(one.job.owner, []).append(slowdown(one))
    return {user: fsum(values) / len(values) for user, values in of.items()}


def _rates(ran: Sequence[Ran], series: Series, weights: Mapping[str, float]) -> list[float]:
    """Of each user: GPUs held on the mean while they had jobs, by weight."""
    over = series.at[-1] if len(series.at) else 0.0
    spans: dict[str, list[tuple[float, float]]] = {}
    held: dict[str, float] = {}
    for one in ran:
        if one.job.milli_total:
            end = over if one.end is None else one.end
            spans.setdefault(one.job.owner, []).append((one.job.submit, end))
            held[one.job.owner] = held.get(one.job.owner, 0.0) + one.held
    return [
        held[user] / weights.get(user, 1.0) / lasts
        for user, some in sorted(spans.items())
        if (lasts := _covered(some)) > 0
    ]


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds in at least one of them."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        if end > until:
            total += end - max(start, until)
            until = end
    return total


def _percent(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole > 0 else None
