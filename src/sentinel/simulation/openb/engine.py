"""Fills a cluster with pods, one after the other.

Called by `sentinel simulate openb` and the benchmark. Pods that ask for the same share one row of scores; a
node is scored again for them only when something was placed there since, so a run takes seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from sentinel.scheduling.fragmentation import WHOLE, Ask
from sentinel.simulation.openb.arrivals import arrive
from sentinel.simulation.openb.fleet import Bools, Fleet, Ints
from sentinel.simulation.openb.policies import POLICIES, Policy, Scorer
from sentinel.simulation.openb.reading import TraceNode, TracePod

Progress = Callable[[int, int], None]  # pods that have arrived, pods in all

_UNFIT = np.iinfo(np.int64).min
_REPORT_EVERY = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a pod went. `gpus`: indices on that node, none for a pod without a GPU."""

    pod: str
    node: str
    gpus: tuple[int, ...]
    milli: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The cluster in the end. `failed`: what fitted nowhere when it arrived."""

    policy: str
    seed: int
    fleet: Fleet
    arrived: tuple[TracePod, ...]
    placements: tuple[Placement, ...]
    failed: tuple[TracePod, ...]


def fill(
    nodes: Sequence[TraceNode],
    pods: Sequence[TracePod],
    *,
    seed: int,
    policy: Policy = POLICIES["sentinel"],
    progress: Progress | None = None,
) -> Filled:
    """One run. The same lists, seed and policy give the same placements; every policy sees the same
    arrivals."""
    random = Random(seed)  # noqa: S311 - a seed that anybody can repeat is the point
    arriving = arrive(pods, sum(node.gpus for node in nodes) * WHOLE, random)
    order = list(nodes)
    random.shuffle(order)
    fleet = Fleet(order)
    scorer = policy.make(fleet, [pod.ask for pod in pods], random)
    filling = _Filling(fleet, scorer, random)
    placements: list[Placement] = []
    failed: list[TracePod] = []
    for number, pod in enumerate(arriving):
        if progress is not None and number % _REPORT_EVERY == 0:
            progress(number, len(arriving))
        placed = filling.place(pod.ask)
        if placed is None:
            failed.append(pod)
            continue
        row, gpus = placed
        placements.append(
            Placement(pod=pod.name, node=order[row].name, gpus=gpus, milli=pod.ask.milli if gpus else 0)
        )
    return Filled(
        policy=policy.name,
        seed=seed,
        fleet=fleet,
        arrived=tuple(arriving),
        placements=tuple(placements),
        failed=tuple(failed),
    )


@dataclass(slots=True, kw_only=True)
class _Kind:
    """Pods that ask for the same. `seen`: how many placements the scores know of."""

    scores: Ints
    suits: Bools
    seen: int


class _Filling:
    def __init__(self, fleet: Fleet, scorer: Scorer, random: Random) -> None:
        self._fleet, self._scorer, self._random = fleet, scorer, random
        self._kinds: dict[Ask, _Kind] = {}
        self._touched: list[int] = []  # rows in the order in which something was placed there

    def place(self, ask: Ask) -> tuple[int, tuple[int, ...]] | None:
        """The row and the GPUs; None when it fits nowhere."""
        scores = self._scores(ask)
        row = int(np.argmax(scores))
        if scores[row] == _UNFIT:
            return None
        if self._scorer.at_random:
            row = self._random.choice(np.flatnonzero(scores == scores[row]).tolist())
        gpus = self._scorer.gpus(row, ask) if ask.gpus else ()
        self._fleet.take(row, ask, gpus)
        self._touched.append(row)
        return row, gpus

    def _scores(self, ask: Ask) -> Ints:
        kind = self._kinds.get(ask)
        if kind is None:
            size = len(self._fleet.nodes)
            scores: Ints = np.full(size, _UNFIT, dtype=np.int64)
            kind = self._kinds[ask] = _Kind(scores=scores, suits=self._fleet.suiting(ask), seen=0)
            rows: Ints = np.arange(size, dtype=np.int64)
        else:
            rows = np.array(sorted(set(self._touched[kind.seen :])), dtype=np.int64)
        kind.seen = len(self._touched)
        if len(rows):
            fits = kind.suits[rows] & self._fleet.fitting(rows, ask)
            kind.scores[rows[~fits]] = _UNFIT
            rows = rows[fits]
        if len(rows):
            kind.scores[rows] = self._scorer.scores(rows, ask)
        return kind.scores
