"""Which GPUs of a node a job gets, and how well they suit. Pure. Called by placement, for each kind of node
once.

Whole GPUs are taken from one NVLink island where that can be, from the one that has the fewest left; else
from as few islands as possible; within an island likewise by NUMA node; then neighbours. A share goes onto
the GPU that has the least left and still enough, so that whole ones stay whole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sentinel.core.job import WHOLE
from sentinel.core.node import NodeGpu
from sentinel.scheduling.fragmentation import Ask, Mix, Room
from sentinel.scheduling.need import Need

_MIB = 1 << 20
Positions = tuple[int, ...]  # indices into the GPUs of a site
Fit = tuple[int, int, int, int, int, int, float]
"""How well GPUs suit; less is better: liking, islands crossed, NUMA nodes crossed, milli that are stranded
more than before, GPUs broken into, what of them suits and is left, memory taken."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a node: thousandths of each of its GPUs, CPUs, memory. None: unknown."""

    gpus: tuple[int, ...]
    cpus: int | None
    memory: int | None


@dataclass(frozen=True, slots=True)
class Score:
    """What a placement is scored by beside itself: the mix of what is asked for, and the ask of the need."""

    mix: Mix
    ask: Ask


def seat(
    need: Need, gpus: Sequence[NodeGpu], left: Left, score: Score | None = None
) -> tuple[Fit, Positions] | None:
    """The best GPUs for one part of `need`; None when they are too few, or too little else is left."""
    if need.cpus is not None and (left.cpus is None or left.cpus < need.cpus):
        return None
    if need.host_memory is not None and (left.memory is None or left.memory < need.host_memory):
        return None
    if need.gpus == 0:
        stranded = 0 if score is None else _stranded(gpus, left, (), score)
        return (0, 0, 0, stranded, 0, sum(left.gpus), 0.0), ()
    kinds: dict[tuple[int, float, str], list[int]] = {}
    total = 0
    for at, gpu in enumerate(gpus):
        if left.gpus[at] >= need.milli:
            liking = need.liking(gpu)
            if liking is not None:
                kinds.setdefault((liking, _memory(gpu), gpu.model or ""), []).append(at)
                total += 1
    if total < need.gpus:
        return None
    for kind in sorted(kinds):
        if len(kinds[kind]) >= need.gpus:
            return _alike(need, gpus, left, kinds[kind], total, score)
    chosen = [at for kind in sorted(kinds) for at in kinds[kind]][: need.gpus]
    return _fit(need, gpus, left, chosen, total, score), tuple(sorted(chosen))


def _alike(
    need: Need, gpus: Sequence[NodeGpu], left: Left, among: list[int], total: int, score: Score | None
) -> tuple[Fit, Positions]:
    if need.shared:
        # Of GPUs with as much left, the first; the fit says which amount is best.
        first = {left.gpus[at]: at for at in sorted(among, key=lambda at: -gpus[at].index)}
        return min((_fit(need, gpus, left, [at], total, score), (at,)) for at in first.values())
    chosen = _from_few(
        among,
        need.gpus,
        lambda at: gpus[at].island,
        lambda some, count: _from_few(
            some, count, lambda at: gpus[at].numa, lambda few, n: _neighbours(gpus, few, n)
        ),
    )
    return _fit(need, gpus, left, chosen, total, score), tuple(sorted(chosen))


def _from_few(
    among: list[int],
    count: int,
    group: Callable[[int], int | None],
    within: Callable[[list[int], int], list[int]],
) -> list[int]:
    """`count` of `among` from as few groups as possible: the smallest one that suffices, else the largest
    ones first."""
    groups: dict[int, list[int]] = {}
    for at in among:
        of = group(at)
        groups.setdefault(-1 if of is None else of, []).append(at)
    if len(groups) == 1:
        return within(among, count)
    chosen: list[int] = []
    # Among those of a size by name, not by where their free GPUs lie: nodes that look alike decide alike.
    by_size = [groups[of] for of in sorted(groups, key=lambda of: (len(groups[of]), of))]
    while count:
        enough = next((some for some in by_size if len(some) >= count), None)
        if enough is not None:
            return chosen + within(enough, count)
        largest = by_size.pop()
        chosen += largest
        count -= len(largest)
    return chosen


def _neighbours(gpus: Sequence[NodeGpu], among: list[int], count: int) -> list[int]:
    """Of all that follow each other, those that lie closest; the lowest of them."""
    if len(among) == count:
        return among
    ordered = sorted(among, key=lambda at: gpus[at].index)
    spans = (
        (gpus[ordered[at + count - 1]].index - gpus[ordered[at]].index, at)
        for at in range(len(ordered) - count + 1)
    )
    at = min(spans)[1]
    return ordered[at : at + count]


def _fit(
    need: Need,
    gpus: Sequence[NodeGpu],
    left: Left,
    chosen: Sequence[int],
    total: int,
    score: Score | None,
) -> Fit:
    taken = [gpus[at] for at in chosen]
    broken = sum(left.gpus[at] == WHOLE for at in chosen) if need.shared else 0
    rest = left.gpus[chosen[0]] - need.milli if need.shared else 0
    return (
        max(need.liking(gpu) or 0 for gpu in taken),
        len({gpu.island for gpu in taken}) - 1,
        len({gpu.numa for gpu in taken}) - 1,
        0 if score is None else _stranded(gpus, left, chosen, score),
        broken,
        rest if need.shared and not broken else total - len(chosen),
        sum(map(_memory, taken)),
    )


def _stranded(gpus: Sequence[NodeGpu], left: Left, chosen: Sequence[int], score: Score) -> int:
    """How much more is stranded on a node once these are taken. Nodes of several models are not scored."""
    models = {gpu.model for gpu in gpus}
    if len(models) > 1:
        return 0
    room = Room(
        model=next(iter(models), None),
        free=left.gpus,
        cpu=None if left.cpus is None else left.cpus * WHOLE,
        memory=None if left.memory is None else left.memory // _MIB,
    )
    return score.mix.cost(room, score.ask, chosen).stranded


def _memory(gpu: NodeGpu) -> float:
    """What is unknown counts as the most: it is left for last."""
    return float("inf") if gpu.memory_total_bytes is None else gpu.memory_total_bytes
