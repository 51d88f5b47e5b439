"""What we need of whatever knows how the GPUs of a machine are wired. Drivers: nvml, smi, simulated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sentinel.core.gpu import Gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuPlace:
    """Where a GPU is. Those with the same `island` reach each other by NVLink, directly or through others of
    it; `numa` is the NUMA node that it is plugged into. None: unknown, or alone."""

    island: int | None = None
    numa: int | None = None


class GpuTopologySource(Protocol):
    """Tells where GPUs are. That does not change while a machine is up, and is costly to ask for."""

    def places(self, gpus: Sequence[Gpu]) -> Mapping[str, GpuPlace]:
        """Of each of these cards by its UUID; one of which nothing can be said may be left out.

        Idempotent, changes nothing. May block for as long as a sick driver hangs. Raises GpuReadError when
        the driver as a whole does not answer.
        """
        ...
