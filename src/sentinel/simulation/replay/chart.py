"""Replays as a picture: who waited, what was in use, how long it took to begin. Called by
`sentinel simulate trace`, which writes it to a file."""

from collections.abc import Iterator, Sequence

from sentinel.core.errors import UsageError
from sentinel.core.job import WHOLE
from sentinel.core.units import show_duration
from sentinel.simulation.replay.engine import Replayed, Series
from sentinel.simulation.replay.figures import waiting
from sentinel.simulation.replay.svg import COLOURS, Axis, Panel, counted, document, elapsed

MOST_RUNS = len(COLOURS)
_BUCKETS = 430  # of time: one every two pixels
_POINTS = 400  # of a distribution
_MARKS = (1.0, 10.0, 60.0, 600.0, 3600.0, 6 * 3600.0, 86400.0, 3 * 86400.0, 10 * 86400.0, 30 * 86400.0)


def chart(title: str, runs: Sequence[tuple[str, Replayed]]) -> str:
    """SVG. UsageError for more runs than can be told apart."""
    if len(runs) > MOST_RUNS:
        raise UsageError(f"a chart shows at most {MOST_RUNS} runs, not {len(runs)}")
    series = [replayed.series for _, replayed in runs]
    begin = min((one.at[0] for one in series if len(one.at)), default=0.0)
    across = elapsed(max(_interesting(replayed) for _, replayed in runs) - begin)
    queues = [list(_means(one, one.waiting, begin, across.high)) for one in series]
    in_use = [list(_means(one, one.used, begin, across.high, WHOLE)) for one in series]
    sizes = [replayed.cluster.gpus for _, replayed in runs]
    every = show_duration(across.high / _BUCKETS)
    panels = [
        Panel(
            title=f"Jobs that wait (mean of every {every})",
            across=across,
            up=counted(max((up for line in queues for _, up in line), default=0.0), "jobs"),
            lines=queues,
        ),
        Panel(
            title="GPUs in use; dashed: all there are",
            across=across,
            up=counted(float(max(sizes)), "GPUs"),
            lines=in_use,
            limits=[float(size) for size in sizes],
        ),
        _waits(runs),
    ]
    return document(title, [name for name, _ in runs], panels)


def _interesting(replayed: Replayed) -> float:
    """Until when something was submitted or somebody waited; after that what runs only runs out."""
    series = replayed.series
    waits = (series.at[n + 1] for n in range(len(series.at) - 2, -1, -1) if series.waiting[n])
    submitted = max((one.job.submit for one in replayed.ran), default=0.0)
    first_end = min((one.end for one in replayed.ran if one.end is not None), default=submitted)
    return max(next(waits, submitted), submitted, first_end)


def _means(
    series: Series, values: Sequence[int], begin: float, lasts: float, unit: int = 1
) -> Iterator[tuple[float, float]]:
    """The mean of each bucket of time, as steps."""
    width = lasts / _BUCKETS
    sums = [0.0] * _BUCKETS
    for n in range(len(series.at) - 1):
        start, end = series.at[n] - begin, min(series.at[n + 1] - begin, lasts)
        if start >= end:
            continue
        first, last = int(start / width), min(int(end / width), _BUCKETS - 1)
        for bucket in range(first, last + 1):
            part = min(end, (bucket + 1) * width) - max(start, bucket * width)
            sums[bucket] += max(0.0, part) * values[n]
    for bucket, total in enumerate(sums):
        yield bucket * width, total / width / unit
        yield (bucket + 1) * width, total / width / unit


def _waits(runs: Sequence[tuple[str, Replayed]]) -> Panel:
    waits = [sorted(waiting(one) for one in replayed.ran if one.first is not None) for _, replayed in runs]
    longest = max((some[-1] for some in waits if some), default=1.0)
    high = next((mark for mark in _MARKS[1:] if mark >= longest), max(longest, 10.0))
    ticks = [(mark, show_duration(mark)) for mark in _MARKS if mark <= high]
    return Panel(
        title="How long jobs waited: the part of them that had begun by then",
        across=Axis(low=_MARKS[0], high=high, ticks=ticks, says="waiting time, by powers", log=True),
        up=Axis(low=0.0, high=100.0, ticks=[(n, str(n)) for n in range(0, 101, 25)], says="% of the jobs"),
        lines=[list(_part_by(some, high)) for some in waits],
    )


def _part_by(ranked: Sequence[float], high: float) -> Iterator[tuple[float, float]]:
    """How many percent of `ranked` are at most so long, at some points."""
    if not ranked:
        return
    begun = 0
    for point in range(_POINTS + 1):
        at = high ** (point / _POINTS)
        while begun < len(ranked) and ranked[begun] <= at * (1 + 1e-12):
            begun += 1
        yield at, 100 * begun / len(ranked)
