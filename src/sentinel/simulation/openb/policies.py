"""The policies that a cluster can be filled by: Sentinel's own, and the six that the FGD authors published.

Used by engine through the table POLICIES. A policy scores nodes where a pod fits, greatest first, and picks
the GPUs on the node that won. The six follow what their authors' simulator does, to the roundings: those
decide ties.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

import numpy as np

from sentinel.scheduling.fragmentation import SCALE, WHOLE, Ask, Mix
from sentinel.simulation.openb.fleet import Fleet, Floats, Ints, shares
from sentinel.simulation.openb.tables import Tables

# What their simulator takes for the largest node, and how much of a workload its typical pods make up.
_LARGEST_CPU, _LARGEST_GPU = 128_000, 8_000
_TYPICAL_PERCENT = 95
_BEST = 100


class Scorer(Protocol):
    """A policy at work on one cluster. `at_random`: of nodes with the same score any; else the first."""

    at_random: bool

    def scores(self, rows: Ints, ask: Ask) -> Ints:
        """Of `rows`, on all of which `ask` fits: greater is better."""
        ...

    def gpus(self, row: int, ask: Ask) -> tuple[int, ...]:
        """The GPUs for `ask` on the node that was chosen."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`make` gets the cluster, the asks of the whole list and a source of randomness."""

    name: str
    help: str
    make: Callable[[Fleet, Sequence[Ask], Random], Scorer]


class _Packed:
    """What most have in common: shared GPUs are filled up, whole ones taken from the lowest index."""

    at_random = False

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def gpus(self, row: int, ask: Ask) -> tuple[int, ...]:
        free = self.fleet.free[row]
        if shares(ask):
            return (int(np.argmin(np.where(free >= ask.milli, free, WHOLE + 1))),)
        return tuple(int(gpu) for gpu in np.flatnonzero(free == WHOLE)[: ask.gpus])


class _AnyNode(_Packed):
    at_random = True

    def __init__(self, fleet: Fleet, random: Random) -> None:
        super().__init__(fleet)
        self._random = random

    def scores(self, rows: Ints, ask: Ask) -> Ints:  # noqa: ARG002 - all are alike
        return np.zeros(len(rows), dtype=np.int64)

    def gpus(self, row: int, ask: Ask) -> tuple[int, ...]:
        if shares(ask):
            return (int(self._random.choice(np.flatnonzero(self.fleet.free[row] >= ask.milli).tolist())),)
        return super().gpus(row, ask)


class _DotProduct(_Packed):
    def scores(self, rows: Ints, ask: Ask) -> Ints:
        cpu = self.fleet.cpu[rows] / _LARGEST_CPU * (ask.cpu_milli / _LARGEST_CPU)
        gpu = self.fleet.free[rows].sum(axis=1) / _LARGEST_GPU * (ask.total / _LARGEST_GPU)
        return (_BEST * (1 - (cpu + gpu) / 2)).astype(np.int64)


class _BestFit(_Packed):
    def scores(self, rows: Ints, ask: Ask) -> Ints:
        cpu = (self.fleet.cpu[rows] - ask.cpu_milli) / _LARGEST_CPU
        gpu = (self.fleet.free[rows].sum(axis=1) - ask.total) / _LARGEST_GPU
        return (_BEST * (1 - (cpu + gpu) / 2)).astype(np.int64)


class _GpuPacking(_Packed):
    """GPUs in use first, then free ones of nodes in use, then nodes that are free."""

    def scores(self, rows: Ints, ask: Ask) -> Ints:
        if not ask.gpus:
            return np.zeros(len(rows), dtype=np.int64)
        free = self.fleet.free[rows]
        idle = (free == WHOLE).sum(axis=1)
        taken = np.sort(np.where(free >= ask.milli, free, WHOLE + 1), axis=1)[:, : ask.gpus]
        opened = (taken == WHOLE).sum(axis=1)
        in_use: Ints = np.maximum(_BEST - (taken * 100 // WHOLE).sum(axis=1) // 10, _BEST // 2)
        opening: Ints = np.maximum(_BEST // 2 - opened, _BEST // 3)
        fresh: Ints = np.maximum(_BEST // 3 - idle, idle)
        return np.where(idle == self.fleet.gpus[rows], fresh, np.where(opened > 0, opening, in_use))


class _GpuClustering(_Packed):
    """Pods of a kind together: those that share, those with one GPU, with two, …"""

    def scores(self, rows: Ints, ask: Ask) -> Ints:
        if not ask.gpus:
            return np.zeros(len(rows), dtype=np.int64)
        kinds = self.fleet.kinds[rows] > 0
        several = kinds.sum(axis=1)
        alike = kinds[:, 0 if shares(ask) else ask.gpus]
        quarter = _BEST // 4
        rank = np.where(alike, np.where(several == 1, 3, 2), np.where(several == 0, 1, 0))
        full = quarter * (_LARGEST_GPU - self.fleet.free[rows].sum(axis=1)) // _LARGEST_GPU
        return full + quarter * rank


class _ByWays(_Packed):
    """Judges every way to place an ask; a node is as good as its best GPU."""

    def __init__(self, fleet: Fleet, tables: Tables) -> None:
        super().__init__(fleet)
        self.tables = tables

    def judged(self, rows: Ints, ask: Ask) -> tuple[Ints, Ints | None, Ints]:
        """(index into rows, GPU if one is shared, score) of each way."""
        raise NotImplementedError

    def scores(self, rows: Ints, ask: Ask) -> Ints:
        row, gpu, score = self.judged(rows, ask)
        if gpu is None:
            return score
        begins = np.flatnonzero(np.diff(row, prepend=-1))
        return np.maximum.reduceat(score, begins)

    def gpus(self, row: int, ask: Ask) -> tuple[int, ...]:
        _, gpu, score = self.judged(np.array([row], dtype=np.int64), ask)
        return super().gpus(row, ask) if gpu is None else (int(gpu[np.argmax(score)]),)


class _Fgd(_ByWays):
    """Fragmentation gradient descent: the typical pods' expectation, squeezed to whole scores from 0 to
    100."""

    def judged(self, rows: Ints, ask: Ask) -> tuple[Ints, Ints | None, Ints]:
        ways = self.tables.ways(rows, ask)
        grown: Floats = ways.stranded / (self.tables.total * WHOLE)
        return ways.row, ways.gpu, (_BEST / (1 + np.exp(grown))).astype(np.int64)


class _Sentinel(_ByWays):
    """`scheduling.fragmentation.Cost` as one number."""

    def judged(self, rows: Ints, ask: Ask) -> tuple[Ints, Ints | None, Ints]:
        ways, total = self.tables.ways(rows, ask), self.tables.total
        stranded = (ways.stranded * SCALE + ways.short * total) // (total * SCALE)
        free = self.fleet.free[rows].sum(axis=1)[ways.row] - ask.total
        return ways.row, ways.gpu, -(stranded * (self.fleet.width * WHOLE + 1) + free)


def typical(asks: Sequence[Ask]) -> Mix:
    """The most frequent asks that together make up 95 % of the list; memory does not count."""
    plain = Counter(
        Ask(gpus=ask.gpus, milli=ask.milli, cpu_milli=ask.cpu_milli, models=ask.models) for ask in asks
    )

    def rank(ask: Ask) -> tuple[int, int, int, int, str]:
        return (
            plain[ask],
            ask.cpu_milli,
            ask.milli if ask.gpus else 0,
            ask.gpus,
            "|".join(sorted(ask.models or ())),
        )

    kept: list[tuple[Ask, int]] = []
    covered = 0
    for ask in sorted(plain, key=rank, reverse=True):
        if covered * 100 >= _TYPICAL_PERCENT * len(asks):
            break
        kept.append((ask, plain[ask]))
        covered += plain[ask]
    return Mix.of(kept)


def whole(asks: Sequence[Ask]) -> Mix:
    """All asks of the list."""
    return Mix.of(Counter(asks).items())


def _any_node(fleet: Fleet, _asks: Sequence[Ask], random: Random) -> Scorer:
    return _AnyNode(fleet, random)


def _dot_product(fleet: Fleet, _asks: Sequence[Ask], _random: Random) -> Scorer:
    return _DotProduct(fleet)


def _best_fit(fleet: Fleet, _asks: Sequence[Ask], _random: Random) -> Scorer:
    return _BestFit(fleet)


def _gpu_packing(fleet: Fleet, _asks: Sequence[Ask], _random: Random) -> Scorer:
    return _GpuPacking(fleet)


def _gpu_clustering(fleet: Fleet, _asks: Sequence[Ask], _random: Random) -> Scorer:
    return _GpuClustering(fleet)


def _fgd(fleet: Fleet, asks: Sequence[Ask], _random: Random) -> Scorer:
    return _Fgd(fleet, Tables(typical(asks), fleet, look_ahead=False))


def _sentinel(fleet: Fleet, asks: Sequence[Ask], _random: Random) -> Scorer:
    return _Sentinel(fleet, Tables(whole(asks), fleet))


POLICIES: Mapping[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy(name="sentinel", help="least stranded, by the whole mix and the CPU", make=_sentinel),
        Policy(name="fgd", help="fragmentation gradient descent", make=_fgd),
        Policy(name="bestfit", help="least CPU and GPU left", make=_best_fit),
        Policy(name="gpu-packing", help="GPUs in use first", make=_gpu_packing),
        Policy(name="gpu-clustering", help="pods of a kind together", make=_gpu_clustering),
        Policy(name="dotprod", help="smallest product of what is left and what is asked", make=_dot_product),
        Policy(name="random", help="any node where it fits", make=_any_node),
    )
}
