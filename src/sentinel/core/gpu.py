"""A GPU as one reading saw it. `None` always means unknown: never zero, never idle, never none."""

from dataclasses import dataclass
from enum import StrEnum

from sentinel.core.gpu_sensors import GpuSensors

_UNNAMED = "unknown@"


class ProcessKind(StrEnum):
    """What a process uses the GPU for, in `nvidia-smi`'s terms (C, G, C+G, M+C)."""

    COMPUTE = "compute"
    GRAPHICS = "graphics"
    BOTH = "compute+graphics"
    MPS = "mps-client"
    UNKNOWN = "unknown"

    @property
    def computes(self) -> bool:
        """May hold a CUDA context. Unknown counts as computing: the careful guess."""
        return self is not ProcessKind.GRAPHICS


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcess:
    """A process that the driver lists on a GPU. `pid` is as the driver reports it (the host's)."""

    pid: int
    kind: ProcessKind
    memory_bytes: int | None = None
    name: str | None = None
    utilization_percent: float | None = None
    memory_utilization_percent: float | None = None  # of the time, it read or wrote the GPU's memory
    mig_uuid: str | None = None  # the MIG device it runs on, where the driver says so
    gpu_instance_id: int | None = None  # with compute_instance_id, names that MIG device within its GPU
    compute_instance_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MigDevice:
    """One MIG instance of a GPU. `index` is the MIG index within its GPU."""

    index: int
    uuid: str | None
    name: str | None = None
    gpu_instance_id: int | None = None
    compute_instance_id: int | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One physical GPU. `processes` is None when the list could not be read, () when it is empty.

    `error` is set when the card answered that it is broken (lost, requires reset, ERR!): the rest is
    then whatever could still be read. `uuid` is what the driver says, and of a card too sick to say it
    `unnamed(…)`: still a key, no more.
    """

    index: int
    uuid: str
    name: str | None = None
    pci_bus_id: str | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    memory_free_bytes: int | None = None  # what the driver calls free; used + free may be less than total
    utilization_percent: float | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    fan_percent: float | None = None
    processes: tuple[GpuProcess, ...] | None = None
    mig_enabled: bool | None = None
    mig_devices: tuple[MigDevice, ...] = ()
    error: str | None = None
    sensors: GpuSensors | None = None  # only where the source was opened for all that it knows

    @property
    def named(self) -> bool:
        """Whether `uuid` is the driver's."""
        return not self.uuid.startswith(_UNNAMED)


def unnamed(where: str | int) -> str:
    """Stands in for the UUID of a card that does not tell it; `where` is its PCI address or index."""
    return f"{_UNNAMED}{where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReading:
    """Every GPU of a node in one look. `source` names the driver that read it."""

    source: str
    gpus: tuple[Gpu, ...]
    driver_version: str | None = None
    cuda_version: str | None = None
