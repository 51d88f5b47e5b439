"""The NumPy form of `scheduling.fragmentation`: the same whole numbers for many rooms at once.

Used by the policies `fgd` and `sentinel`, and by result for what is fragmented in the end. That both forms
agree is tested, not believed.
"""

from dataclasses import dataclass

import numpy as np

from sentinel.scheduling.fragmentation import CPU_UNIT, SCALE, WHOLE, Ask, Mix
from sentinel.simulation.openb.fleet import Fleet, Ints, shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Ways to place an ask: for each, which of the `rows` asked for (not decreasing), its GPU if it shares
    one, and by how much each loss grows (`stranded` times the mix's total, `short` times SCALE)."""

    row: Ints
    gpu: Ints | None
    stranded: Ints
    short: Ints


class Tables:
    """`mix` for the models of `fleet`. Without `look_ahead`, what the CPU runs short of is left at 0."""

    def __init__(self, mix: Mix, fleet: Fleet, *, look_ahead: bool = True) -> None:
        self.total = mix.total
        self._fleet = fleet
        self._gpus: Ints = np.array([shape.gpus for shape in mix.shapes], dtype=np.int64)
        milli: Ints = np.array([shape.milli for shape in mix.shapes], dtype=np.int64)
        levels: Ints = np.arange(WHOLE + 1, dtype=np.int64)[:, None]
        self._enough: Ints = (levels >= milli).astype(np.int64)  # [milli free, shape]
        self._usable: Ints = levels * self._enough
        rows = [row for shape in mix.shapes for row in shape.rows]
        self._cpus: Ints = np.array(sorted({row[0] for row in rows}), dtype=np.int64)
        self._memories: Ints = np.array(sorted({row[1] for row in rows}), dtype=np.int64)
        self._weight = self._weights(mix)
        self._look_ahead = look_ahead
        if look_ahead:
            self._lost, self._lost_before = self._shortage(mix)

    # ------------------------------------------------------------------ what rooms lose

    def stranded(self) -> Ints:
        """Of every node, milli that the next ask cannot use, times `total`."""
        fleet = self._fleet
        usable, enough = self._sums(fleet.free)
        weight = self._weight_of(fleet.model, fleet.cpu, fleet.memory)
        return self.total * fleet.free.sum(axis=1) - self._used(weight, usable, enough)

    def ways(self, rows: Ints, ask: Ask) -> Ways:
        """Every way to place `ask` on `rows`, which it fits. Of GPUs with the same free, the first stands
        for all."""
        fleet = self._fleet
        model, cpu, memory = fleet.model[rows], fleet.cpu[rows], fleet.memory[rows]
        free = fleet.free[rows]
        left = free.sum(axis=1)
        usable, enough = self._sums(free)
        before = self.total * left - self._used(self._weight_of(model, cpu, memory), usable, enough)
        weight = self._weight_of(model, cpu - ask.cpu_milli, memory - ask.memory_mib)
        if shares(ask):
            row, gpu = np.nonzero(_firsts(free, ask.milli))
            level = free[row, gpu]
            usable = usable[row] - self._usable[level] + self._usable[level - ask.milli]
            enough = enough[row] - self._enough[level] + self._enough[level - ask.milli]
            weight = weight[row]
        else:
            row, gpu = np.arange(len(rows), dtype=np.int64), None
            usable = usable - ask.gpus * self._usable[WHOLE]
            enough = enough - ask.gpus * self._enough[WHOLE]
        after = self.total * (left[row] - ask.total) - self._used(weight, usable, enough)
        short: Ints = np.zeros(len(row), dtype=np.int64)
        if self._look_ahead:
            grown = self._short(model, cpu - ask.cpu_milli, left - ask.total) - self._short(model, cpu, left)
            short = grown[row]
        return Ways(row=row, gpu=gpu, stranded=after - before[row], short=short)

    def _sums(self, free: Ints) -> tuple[Ints, Ints]:
        """Of each room and shape: milli on the GPUs that have enough, and how many those are."""
        return self._usable[free].sum(axis=1), self._enough[free].sum(axis=1)

    def _used(self, weight: Ints, usable: Ints, enough: Ints) -> Ints:
        return (weight * (enough >= self._gpus) * usable).sum(axis=1)

    def _weight_of(self, model: Ints, cpu: Ints, memory: Ints) -> Ints:
        at_cpu = np.searchsorted(self._cpus, cpu, side="right")
        at_memory = np.searchsorted(self._memories, memory, side="right")
        return self._weight[model, at_cpu, at_memory]

    def _short(self, model: Ints, cpu: Ints, left: Ints) -> Ints:
        whole, part = np.divmod(left, WHOLE)
        units = cpu // CPU_UNIT
        return self._lost_before[model, whole, units] + part * self._lost[model, whole, units]

    # ------------------------------------------------------------------ tables

    def _weights(self, mix: Mix) -> Ints:
        """[model, CPU, memory, shape]: asks that want at most so much."""
        models = self._fleet.models
        size = (len(models), len(self._cpus) + 1, len(self._memories) + 1, len(mix.shapes))
        table: Ints = np.zeros(size, dtype=np.int64)
        for at, shape in enumerate(mix.shapes):
            suits = [shape.models is None or model in shape.models for model in models]
            for cpu, memory, count in shape.rows:
                at_cpu = int(np.searchsorted(self._cpus, cpu)) + 1
                at_memory = int(np.searchsorted(self._memories, memory)) + 1
                table[suits, at_cpu, at_memory, at] += count
        return table.cumsum(axis=1).cumsum(axis=2)

    def _shortage(self, mix: Mix) -> tuple[Ints, Ints]:
        """[model, whole GPUs, units of CPU]: how likely the next GPU is lost, and what all before it lose."""
        fleet = self._fleet
        units = int(fleet.cpu.max()) // CPU_UNIT + 1
        lost: Ints = np.zeros((len(fleet.models), fleet.width + 1, units), dtype=np.int64)
        for at, model in enumerate(fleet.models):
            gpus = int(fleet.gpus[fleet.model == at].max())
            for number, row in enumerate(mix.chances(model, gpus)[:gpus]):
                chance = np.array(row[:units], dtype=np.int64)
                lost[at, number, : len(chance)] = SCALE - chance
        before: Ints = np.zeros_like(lost)
        before[:, 1:] = WHOLE * lost.cumsum(axis=1)[:, :-1]
        return lost, before


def _firsts(free: Ints, milli: int) -> Ints:
    """Where a GPU has enough, and none before it on the node has the same."""
    wanted = free >= milli
    for gpu in range(1, free.shape[1]):
        wanted[:, gpu] &= ~(free[:, :gpu] == free[:, gpu : gpu + 1]).any(axis=1)
    return wanted.astype(np.int64)
