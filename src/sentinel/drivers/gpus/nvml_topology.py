"""How GPUs are wired, through NVML. Opened by `topology`.

Of two cards the driver is asked whether they reach each other by NVLink: it says yes for a bridge between
them, and where both have links to an NVSwitch. NVML's own NUMA node of a card is another thing (that of its
memory, where the kernel has such a node), so the node that it is plugged into comes from sysfs.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Protocol, cast

from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import Gpu
from sentinel.drivers.gpus import nvml_api as api
from sentinel.drivers.gpus.islands import SYSFS, islands, numa_node
from sentinel.ports.gpu_topology import GpuPlace

_BY_NVLINK, _REACHES = 2, 0  # NVML_P2P_CAPS_INDEX_NVLINK, NVML_P2P_STATUS_OK


class _Nvml(api.Nvml, Protocol):
    """What is used of pynvml here alone."""

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> api.Device: ...
    def nvmlDeviceGetP2PStatus(self, one: api.Device, other: api.Device, by: int) -> int: ...


class NvmlTopology:
    """Implements ports.gpu_topology.GpuTopologySource. Opens NVML for each question and closes it after."""

    def __init__(self, *, sysfs: Path = SYSFS) -> None:
        """Raises GpuReadError when nvidia-ml-py is missing."""
        self._nvml = cast("_Nvml", api.load())
        self._sysfs = sysfs

    def places(self, gpus: Sequence[Gpu]) -> Mapping[str, GpuPlace]:
        nvml = self._nvml
        try:
            nvml.nvmlInit()
            try:
                found = islands(self._pairs(gpus))
            finally:
                nvml.nvmlShutdown()
        except nvml.NVMLError as error:
            raise GpuReadError(api.explained(error)) from error
        return {
            gpu.uuid: GpuPlace(island=found.get(gpu.index), numa=numa_node(gpu.pci_bus_id, self._sysfs))
            for gpu in gpus
        }

    def _pairs(self, gpus: Sequence[Gpu]) -> list[tuple[int, int]]:
        handles = {gpu.index: handle for gpu in gpus if (handle := self._handle(gpu)) is not None}
        return [(a, b) for a, b in combinations(handles, 2) if self._linked(handles[a], handles[b])]

    def _handle(self, gpu: Gpu) -> api.Device | None:
        try:
            return self._nvml.nvmlDeviceGetHandleByUUID(gpu.uuid)
        except self._nvml.NVMLError as error:
            return self._unless_gone(error)

    def _linked(self, one: api.Device, other: api.Device) -> bool:
        try:
            return self._nvml.nvmlDeviceGetP2PStatus(one, other, _BY_NVLINK) == _REACHES
        except self._nvml.NVMLError as error:
            return self._unless_gone(error) is not None

    @staticmethod
    def _unless_gone(error: Exception) -> None:
        """One card that does not answer, or does not know the question, says nothing of the others."""
        if api.code_of(error) in api.GONE:
            raise error
