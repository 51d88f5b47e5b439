"""How simulated GPUs are wired: islands of so many cards, and four cards to a NUMA node.

SENTINEL_SIMULATED_ISLAND says how many (8, as on common servers; 0 or 1: no NVLink). Opened by `topology`.
"""

import os
from collections.abc import Mapping, Sequence

from sentinel.core.errors import UsageError
from sentinel.core.gpu import Gpu
from sentinel.ports.gpu_topology import GpuPlace

VARIABLE = "SENTINEL_SIMULATED_ISLAND"
_ISLAND, _NUMA = 8, 4


class SimulatedTopology:
    """Implements ports.gpu_topology.GpuTopologySource."""

    def __init__(self, island: int | None = None) -> None:
        """`island`: cards in each; None: what the environment says. UsageError when that is no number."""
        self._island = _from_environment() if island is None else island

    def places(self, gpus: Sequence[Gpu]) -> Mapping[str, GpuPlace]:
        size = max(self._island, 1)
        mates = [gpu.index // size for gpu in gpus]
        return {
            gpu.uuid: GpuPlace(
                island=at * size if mates.count(at) > 1 else None,
                numa=gpu.index // _NUMA,
            )
            for gpu, at in zip(gpus, mates, strict=True)
        }


def _from_environment() -> int:
    text = os.environ.get(VARIABLE, "")
    if not text:
        return _ISLAND
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise UsageError(f"{VARIABLE}={text!r}: the number of cards in an island, as in {VARIABLE}=4")
    return int(text)
