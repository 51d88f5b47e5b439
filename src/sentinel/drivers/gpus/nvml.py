"""GPUs through NVML, by nvidia-ml-py: the driver to prefer. No process is started, a read is microseconds.

Called by the arbiter and the agent (through their wiring) and by `sentinel gpus`.

NVML is kept initialised between reads, because without persistence mode the driver powers a card down
when the last client leaves, and bringing it back takes seconds. While a card is sick it is let go after
every read, because a card that someone has open cannot be reset.

The arbiter reads little and often. With `full` every card's sensors and every process's share come along.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sentinel.core.clock import boottime, wall
from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import Gpu, GpuReading, unnamed
from sentinel.drivers.gpus import nvml_api as api
from sentinel.drivers.gpus.listing import pci_address
from sentinel.drivers.gpus.nvml_card import CardReader, Everything, words

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """A card as it was enumerated: what does not change about it, or why there is no handle."""

    identity: Gpu
    handle: api.Device | None
    error: str | None = None
    everything: Everything | None = None


class NvmlGpus:
    """A GpuSource over NVML; see the port for the contract of `read`.

    `pcie_throughput` has a full read measure PCIe traffic, for which the driver blocks some 40 ms a card.
    `now` is the time since boot, `today` the time of day, in seconds.
    """

    def __init__(
        self,
        *,
        full: bool = False,
        pcie_throughput: bool = False,
        now: Callable[[], float] = boottime,
        today: Callable[[], float] = wall,
    ) -> None:
        """Raises GpuReadError when nvidia-ml-py is missing. The driver is opened by the first read."""
        self._nvml = api.load()
        self._full, self._pcie_throughput = full, pcie_throughput
        self._now, self._today = now, today
        self._open = False
        self._slots: list[_Slot] = []
        self._versions: tuple[str | None, str | None] = (None, None)
        self._known: dict[int, Gpu] = {}

    def read(self) -> GpuReading:
        """One pass over all cards; opens the driver first where it is not open."""
        try:
            self._begin()
            now = self._now()
            gpus = tuple(self._read_slot(slot, now) for slot in self._slots)
        except self._nvml.NVMLError as error:
            self._end(unload=api.code_of(error) in api.GONE)
            raise GpuReadError(api.explained(error)) from error
        if any(gpu.error for gpu in gpus):
            self._end()
        driver, cuda = self._versions
        return GpuReading(source="nvml", gpus=gpus, driver_version=driver, cuda_version=cuda)

    def close(self) -> None:
        """Shuts NVML down."""
        self._end()

    def _begin(self) -> None:
        if not self._open:
            self._nvml.nvmlInit()
            self._open = True
            self._versions = (self._driver_version(), self._cuda_version())
        count = self._nvml.nvmlDeviceGetCount()
        if count == 0:
            self._end()
            raise GpuReadError(
                "NVML: the NVIDIA driver is loaded but finds no GPU: "
                "see lspci | grep -i nvidia and dmesg | grep -i nvrm"
            )
        if len(self._slots) != count:
            self._slots = [self._enumerate(index) for index in range(count)]

    def _end(self, *, unload: bool = False) -> None:
        self._slots = []
        if self._open:
            self._open = False
            self._ask(self._nvml.nvmlShutdown)
        if unload:
            api.unload(self._nvml)

    def _enumerate(self, index: int) -> _Slot:
        nvml = self._nvml
        known = self._known.get(index)
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
        except nvml.NVMLError as error:
            if api.code_of(error) in api.GONE:
                raise
            return _Slot(
                identity=known or Gpu(index=index, uuid=unnamed(index)), handle=None, error=str(error)
            )
        uuid = words(self._ask(nvml.nvmlDeviceGetUUID, handle))
        pci = self._ask(nvml.nvmlDeviceGetPciInfo, handle)
        address = pci_address(words(pci.busId) or "") if pci else None
        identity = Gpu(
            index=index,
            uuid=uuid or (known.uuid if known else unnamed(address or index)),
            name=words(self._ask(nvml.nvmlDeviceGetName, handle)),
            pci_bus_id=address,
        )
        if identity.named:
            self._known[index] = identity
        return _Slot(identity=identity, handle=handle, everything=self._everything(handle))

    def _everything(self, handle: api.Device) -> Everything | None:
        if not self._full:
            return None
        # Not for an arbiter, which must stay small.
        from sentinel.drivers.gpus.nvml_direct import Direct
        from sentinel.drivers.gpus.nvml_processes import CardProcesses
        from sentinel.drivers.gpus.nvml_sensors import CardSensors

        direct = Direct(self._nvml, handle)
        return Everything(
            direct=direct,
            sensors=CardSensors(direct, pcie_throughput=self._pcie_throughput),
            processes=CardProcesses(direct, self._process_name, self._today),
        )

    def _process_name(self, pid: int) -> str | None:
        return words(self._ask(self._nvml.nvmlSystemGetProcessName, pid))

    def _read_slot(self, slot: _Slot, now: float) -> Gpu:
        if slot.handle is None:
            known = slot.identity
            return Gpu(
                index=known.index,
                uuid=known.uuid,
                name=known.name,
                pci_bus_id=known.pci_bus_id,
                error=slot.error,
            )
        return CardReader(self._nvml, slot.handle, slot.everything, now).read(slot.identity)

    def _driver_version(self) -> str | None:
        return words(self._ask(self._nvml.nvmlSystemGetDriverVersion))

    def _cuda_version(self) -> str | None:
        number = self._ask(self._nvml.nvmlSystemGetCudaDriverVersion)
        return f"{number // 1000}.{number % 1000 // 10}" if number else None

    def _ask(self, call: Callable[..., T], *arguments: object) -> T | None:
        try:
            return call(*arguments)
        except (self._nvml.NVMLError, UnicodeDecodeError):
            return None
