"""One look at one card through NVML: each value that it does not give is unknown, and nothing else is.

Called by `nvml` for each card of a read. An error means one of three things, told apart by its code:
this value is not to be had (None), the card is broken (`Gpu.error`), or the driver is gone (raised).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from sentinel.core.gpu import Gpu, GpuProcess, MigDevice, ProcessKind
from sentinel.drivers.gpus import nvml_api as api
from sentinel.drivers.gpus.listing import merged

if TYPE_CHECKING:
    from sentinel.drivers.gpus.nvml_direct import Direct
    from sentinel.drivers.gpus.nvml_processes import CardProcesses
    from sentinel.drivers.gpus.nvml_sensors import CardSensors

T = TypeVar("T")
_NO_INSTANCE = 0xFFFFFFFF
_NO_SIZE = 2**64 - 1


def words(value: str | bytes | None) -> str | None:
    """NVML's text; which of its calls give bytes differs between versions of nvidia-ml-py."""
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """What a full read of a card needs, and keeps from one to the next."""

    direct: "Direct"
    sensors: "CardSensors"
    processes: "CardProcesses"


class CardReader:
    """Reads the card behind `handle` once: in full with `everything` and the time since boot, `now`."""

    def __init__(
        self, nvml: api.Nvml, handle: api.Device, everything: Everything | None = None, now: float = 0.0
    ) -> None:
        self._nvml = nvml
        self._handle = handle
        self._everything = everything
        self._now = now
        self._trouble: str | None = None

    def read(self, identity: Gpu) -> Gpu:
        """`identity` with everything that changes. Raises NVMLError when the driver is gone."""
        nvml, handle, everything = self._nvml, self._handle, self._everything
        if everything:
            everything.direct.begin(self._now)
        memory = self._memory(handle)
        busy = self._ask(nvml.nvmlDeviceGetUtilizationRates, handle)
        mode = self._ask(nvml.nvmlDeviceGetMigMode, handle)
        mig = bool(mode[0]) if mode else None
        parts = self._mig_handles() if mig else []
        devices = tuple(self._mig_device(index, part) for index, part in parts)
        processes = everything.processes.read(self._now) if everything and not mig else None
        if processes is None:
            processes = self._processes([part for _, part in parts], devices)
        sensors = None
        if everything:
            sensors = everything.sensors.read(self._now, float(busy.memory) if busy else None)
        milliwatts = self._ask(nvml.nvmlDeviceGetPowerUsage, handle)
        limit = self._power_limit()
        return replace(
            identity,
            memory_total_bytes=memory.total if memory else None,
            memory_used_bytes=memory.used if memory else None,
            memory_free_bytes=memory.free if memory else None,
            utilization_percent=float(busy.gpu) if busy else None,
            temperature_celsius=_number(
                self._ask(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU)
            ),
            power_watts=None if milliwatts is None else milliwatts / 1000,
            power_limit_watts=None if limit is None else limit / 1000,
            # The fan alone is no sign of a broken card: see `smi_values.trouble`.
            fan_percent=_number(self._ask(nvml.nvmlDeviceGetFanSpeed, handle, vital=False)),
            processes=processes,
            mig_enabled=mig,
            mig_devices=devices,
            error=self._trouble,
            sensors=sensors,
        )

    def _memory(self, handle: api.Device) -> api.Memory | None:
        found = self._ask(self._nvml.nvmlDeviceGetMemoryInfo, handle, self._nvml.nvmlMemory_v2, vital=False)
        return found or self._ask(self._nvml.nvmlDeviceGetMemoryInfo, handle)

    def _power_limit(self) -> int | None:
        enforced = self._ask(self._nvml.nvmlDeviceGetEnforcedPowerLimit, self._handle)
        if enforced is not None:
            return enforced
        return self._ask(self._nvml.nvmlDeviceGetPowerManagementLimit, self._handle)

    def _mig_handles(self) -> list[tuple[int, api.Device]]:
        most = self._ask(self._nvml.nvmlDeviceGetMaxMigDeviceCount, self._handle) or 0
        found = (
            (index, self._ask(self._nvml.nvmlDeviceGetMigDeviceHandleByIndex, self._handle, index))
            for index in range(most)
        )
        return [(index, handle) for index, handle in found if handle is not None]

    def _mig_device(self, index: int, handle: api.Device) -> MigDevice:
        memory = self._memory(handle)
        return MigDevice(
            index=index,
            uuid=words(self._ask(self._nvml.nvmlDeviceGetUUID, handle)),
            name=words(self._ask(self._nvml.nvmlDeviceGetName, handle)),
            gpu_instance_id=self._ask(self._nvml.nvmlDeviceGetGpuInstanceId, handle),
            compute_instance_id=self._ask(self._nvml.nvmlDeviceGetComputeInstanceId, handle),
            memory_total_bytes=memory.total if memory else None,
            memory_used_bytes=memory.used if memory else None,
        )

    def _processes(
        self, parts: list[api.Device], devices: tuple[MigDevice, ...]
    ) -> tuple[GpuProcess, ...] | None:
        """Those that the card lists and those that its MIG devices list, which need not be the same.

        The list of compute processes decides whether the whole is known. The others add what they can:
        server cards have no graphics list, old drivers none for MPS.
        """
        listed = self._listed(self._handle, None)
        if listed is None and parts:
            listed = []  # only root sees a whole card in MIG mode, and all that computes is on its devices
        for part, device in zip(parts, devices, strict=True):
            more = self._listed(part, device)
            listed = None if listed is None or more is None else [*listed, *more]
        if listed is None:
            return None
        uuids = {(one.gpu_instance_id, one.compute_instance_id): one.uuid for one in devices}
        return tuple(
            replace(
                one,
                name=words(self._ask(self._nvml.nvmlSystemGetProcessName, one.pid, vital=False)),
                mig_uuid=uuids.get((one.gpu_instance_id, one.compute_instance_id)),
            )
            for one in merged(listed)
        )

    def _listed(self, handle: api.Device, device: MigDevice | None) -> list[GpuProcess] | None:
        nvml = self._nvml
        compute = self._list(nvml.nvmlDeviceGetComputeRunningProcesses_v3, handle)
        if compute is None:
            compute = self._list(nvml.nvmlDeviceGetComputeRunningProcesses_v2, handle)
        if compute is None:
            return None
        graphics = self._list(nvml.nvmlDeviceGetGraphicsRunningProcesses_v3, handle) or []
        mps = self._list(nvml.nvmlDeviceGetMPSComputeRunningProcesses_v3, handle) or []
        return [
            *_entries(compute, ProcessKind.COMPUTE, device),
            *_entries(graphics, ProcessKind.GRAPHICS, device),
            *_entries(mps, ProcessKind.MPS, device),
        ]

    def _list(self, call: Callable[[api.Device], T], handle: api.Device) -> T | None:
        # A process that starts between nvidia-ml-py's two calls can make the second one too small.
        for _ in range(2):
            try:
                return call(handle)
            except self._nvml.NVMLError as error:
                if api.code_of(error) != api.INSUFFICIENT_SIZE:
                    return self._noted(error, call)
        return None

    def _ask(self, call: Callable[..., T], *arguments: object, vital: bool = True) -> T | None:
        try:
            return call(*arguments)
        except self._nvml.NVMLError as error:
            return self._noted(error, call, vital=vital)
        except UnicodeDecodeError:
            return None  # a process may have any bytes for a name

    def _noted(self, error: Exception, call: Callable[..., object], *, vital: bool = True) -> None:
        code = api.code_of(error)
        if code in api.GONE:
            raise error
        if code in api.SICK and (vital or code != api.UNKNOWN) and self._trouble is None:
            what = getattr(call, "__name__", "") if code == api.UNKNOWN else ""
            self._trouble = f"{what}: {error}".removeprefix(": ")


def _number(value: int | None) -> float | None:
    return None if value is None else float(value)


def _entries(
    found: Iterable[api.ProcessInfo], kind: ProcessKind, device: MigDevice | None
) -> Iterable[GpuProcess]:
    for info in found:
        instance, part = _instance(info.gpuInstanceId), _instance(info.computeInstanceId)
        if device is not None and instance is None:
            instance, part = device.gpu_instance_id, device.compute_instance_id
        size = info.usedGpuMemory
        yield GpuProcess(
            pid=info.pid,
            kind=kind,
            memory_bytes=None if size == _NO_SIZE else size,
            gpu_instance_id=instance,
            compute_instance_id=part,
        )


def _instance(value: int) -> int | None:
    return None if value == _NO_INSTANCE else value
