"""What the jobs that wait and run ask for, as the mix by which fragmentation is scored. Pure; kept by the
Snapshot.

The mix is of weights that are powers of two, so that it stays the same while a queue goes on as it does: a
new mix has every score worked out anew. It depends on what there is now, and on nothing that was before.
"""

from collections.abc import Collection
from math import log2

from sentinel.core.job import WHOLE
from sentinel.scheduling.fragmentation import Ask, Mix
from sentinel.scheduling.need import Need

_PARTS = 64  # of the whole: what is rarer counts as one part
_MIB = 1 << 20


class Demand:
    """How many jobs there are of each need. `models`: what the nodes have."""

    def __init__(self) -> None:
        self._counts: dict[Need, int] = {}
        self._total = 0
        self._models: frozenset[str] = frozenset()
        self._weights: dict[Need, int] = {}
        self._mix: Mix | None = None
        self._stale = True

    def add(self, need: Need, count: int) -> None:
        """`count` jobs more, or less where it is negative."""
        left = self._counts.get(need, 0) + count
        if left:
            self._counts[need] = left
        else:
            del self._counts[need]
        self._total += count
        self._stale = True

    def know(self, models: Collection[str | None]) -> None:
        """The models of the nodes' GPUs as they are now."""
        known = frozenset(model for model in models if model is not None)
        if known != self._models:
            self._models, self._weights, self._stale = known, {}, True

    def mix(self) -> tuple[Mix | None, bool]:
        """The mix, and whether it is another than the last time."""
        if not self._stale:
            return self._mix, False
        self._stale = False
        weights = {need: _weight(count / self._total) for need, count in self._counts.items()}
        if weights == self._weights:
            return self._mix, False
        self._weights = weights
        asks = [(self.ask(need), weight * need.nodes) for need, weight in weights.items()]
        self._mix = Mix.of(asks) if asks else None
        return self._mix, True

    def ask(self, need: Need) -> Ask:
        """What one part of it is to the score."""
        models = None
        if need.models:
            models = frozenset(m for m in self._models if any(part in m.lower() for part in need.models))
        return Ask(
            gpus=need.gpus,
            milli=need.milli,
            cpu_milli=(need.cpus or 0) * WHOLE,
            memory_mib=-(-(need.host_memory or 0) // _MIB),
            models=models,
        )


def _weight(part: float) -> int:
    return 1 << max(0, round(log2(part * _PARTS)))
