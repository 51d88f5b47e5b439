"""The cluster as arrays: one row a node, in the order in which ties are broken.

Owned by engine, which alone takes from it; policies read it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentinel.scheduling.fragmentation import WHOLE, Ask, Room
from sentinel.simulation.openb.reading import TraceNode

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Fleet:
    """What is free. `free[row, gpu]`: milli; 0 past a node's last GPU. `model[row]`: index into `models`.
    `kinds[row, k]`: pods placed there that share a GPU (k = 0) or have k whole ones."""

    def __init__(self, nodes: Sequence[TraceNode]) -> None:
        self.nodes = tuple(nodes)
        self.models = tuple(sorted({node.model for node in nodes}, key=lambda name: name or ""))
        self.model: Ints = np.array([self.models.index(node.model) for node in nodes], dtype=np.int64)
        self.cpu: Ints = np.array([node.cpu_milli for node in nodes], dtype=np.int64)
        self.memory: Ints = np.array([node.memory_mib for node in nodes], dtype=np.int64)
        self.gpus: Ints = np.array([node.gpus for node in nodes], dtype=np.int64)
        self.width = int(self.gpus.max())
        self.free: Ints = np.where(np.arange(self.width) < self.gpus[:, None], WHOLE, 0).astype(np.int64)
        self.kinds: Ints = np.zeros((len(nodes), self.width + 1), dtype=np.int64)
        self.capacity = int(self.free.sum())

    def suiting(self, ask: Ask) -> Bools:
        """The nodes whose model will do."""
        suits = np.array([not ask.gpus or ask.suits(model) for model in self.models], dtype=np.bool_)
        return suits[self.model]

    def fitting(self, rows: Ints, ask: Ask) -> Bools:
        """Which of `rows` have enough free, whatever their model."""
        fits = (self.cpu[rows] >= ask.cpu_milli) & (self.memory[rows] >= ask.memory_mib)
        if ask.gpus:
            fits &= (self.free[rows] >= ask.milli).sum(axis=1) >= ask.gpus
        return fits

    def take(self, row: int, ask: Ask, gpus: Sequence[int]) -> None:
        """Places `ask` there."""
        for gpu in gpus:
            self.free[row, gpu] -= ask.milli
        self.cpu[row] -= ask.cpu_milli
        self.memory[row] -= ask.memory_mib
        if ask.gpus:
            self.kinds[row, 0 if shares(ask) else ask.gpus] += 1

    def room(self, row: int) -> Room:
        """The node as the scheduler's own code sees it."""
        return Room(
            model=self.models[int(self.model[row])],
            free=tuple(int(left) for left in self.free[row, : int(self.gpus[row])]),
            cpu=int(self.cpu[row]),
            memory=int(self.memory[row]),
        )


def shares(ask: Ask) -> bool:
    """Whether it wants a part of one GPU."""
    return ask.gpus == 1 and ask.milli < WHOLE
