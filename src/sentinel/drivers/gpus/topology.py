"""From the name of a source of GPUs to what tells how they are wired. Called by the agent's wiring.

The names are those of `opening`. Nothing is imported before it is asked for.
"""

from collections.abc import Callable, Mapping, Sequence

from sentinel.core.errors import GpuReadError, UsageError
from sentinel.core.gpu import Gpu
from sentinel.drivers.gpus.opening import SPECS
from sentinel.drivers.gpus.smi_command import find_executable
from sentinel.ports.gpu_topology import GpuPlace, GpuTopologySource


def open_topology(spec: str) -> GpuTopologySource:
    """What tells it for the source `spec`. UsageError for a spec that is none, GpuReadError when it cannot
    work here."""
    table: dict[str, Callable[[], GpuTopologySource]] = {
        "auto": _Either,
        "nvml": _nvml,
        "smi": _smi,
        "simulated": _simulated,
    }
    kind = spec.partition(":")[0]
    if kind not in table:
        raise UsageError(f"{spec!r} is no source of GPUs; choose one of: {', '.join(SPECS)}")
    return table[kind]()


class _Either:
    """NVML where it answers, else nvidia-smi."""

    def places(self, gpus: Sequence[Gpu]) -> Mapping[str, GpuPlace]:
        try:
            return _nvml().places(gpus)
        except GpuReadError:
            if find_executable() is None:
                raise
            return _smi().places(gpus)


def _nvml() -> GpuTopologySource:
    from sentinel.drivers.gpus.nvml_topology import NvmlTopology

    return NvmlTopology()


def _smi() -> GpuTopologySource:
    from sentinel.drivers.gpus.smi_topology import SmiTopology

    return SmiTopology()


def _simulated() -> GpuTopologySource:
    from sentinel.drivers.gpus.simulated_topology import SimulatedTopology

    return SimulatedTopology()
