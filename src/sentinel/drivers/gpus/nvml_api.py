"""What we use of `pynvml` (the distribution is nvidia-ml-py), typed, and what its error codes mean to us.

Called by `nvml`. The one import of a third-party module in this family is in `load`, so that the rest
works where it is missing.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from sentinel.core.errors import GpuReadError

UNINITIALIZED, NO_PERMISSION, NOT_FOUND, INSUFFICIENT_SIZE, DRIVER_NOT_LOADED = 1, 4, 6, 7, 9
LIBRARY_NOT_FOUND, FUNCTION_NOT_FOUND, LOST, RESET_REQUIRED, MISMATCH, UNKNOWN = 12, 13, 15, 16, 18, 999

# The session with the driver is over: everything has to be opened anew.
GONE = frozenset((UNINITIALIZED, DRIVER_NOT_LOADED, MISMATCH))

# The card says that it is broken, whatever was asked. (8: a power cable is missing, 11: interrupts.)
SICK = frozenset((8, 11, LOST, RESET_REQUIRED, UNKNOWN))

_ADVICE = {
    NO_PERMISSION: "this user may not open the NVIDIA devices: see ls -l /dev/nvidia*",
    DRIVER_NOT_LOADED: "the NVIDIA kernel module is not loaded: modprobe nvidia; see dmesg | grep -i nvrm",
    LIBRARY_NOT_FOUND: "libnvidia-ml.so.1 is not on this machine; install the NVIDIA driver",
    LOST: "a GPU has fallen off the bus: see dmesg | grep -i xid; a reboot may get it back",
    MISMATCH: "the NVIDIA driver was upgraded but its old kernel module is still loaded: reboot, "
    "or stop everything on the GPUs and reload the nvidia modules",
    UNKNOWN: "in a container that has lost its devices, restart the container; "
    "elsewhere see dmesg | grep -i nvrm",
}


class Device(Protocol):
    """An opaque handle of a card or of a MIG device."""


class Memory(Protocol):
    """Bytes. In the older version of the call `used` includes what the driver keeps for itself."""

    total: int
    free: int
    used: int


class Utilization(Protocol):
    """Percent of time over the last sampling period."""

    gpu: int
    memory: int


class PciInfo(Protocol):
    """`busId` is like "00000000:01:00.0"."""

    busId: str | bytes


class ProcessInfo(Protocol):
    """An instance id of 0xFFFFFFFF means: not on a MIG device."""

    pid: int
    usedGpuMemory: int | None
    gpuInstanceId: int
    computeInstanceId: int


class Nvml(Protocol):
    """The module. Every call may raise NVMLError, whose `value` is the code."""

    NVMLError: type[Exception]
    NVML_TEMPERATURE_GPU: int
    nvmlMemory_v2: int

    def nvmlInit(self) -> None: ...
    def nvmlShutdown(self) -> None: ...
    def nvmlSystemGetDriverVersion(self) -> str: ...
    def nvmlSystemGetCudaDriverVersion(self) -> int: ...
    def nvmlSystemGetProcessName(self, pid: int) -> str | bytes: ...
    def nvmlDeviceGetCount(self) -> int: ...
    def nvmlDeviceGetHandleByIndex(self, index: int) -> Device: ...
    def nvmlDeviceGetUUID(self, handle: Device) -> str | bytes: ...
    def nvmlDeviceGetName(self, handle: Device) -> str | bytes: ...
    def nvmlDeviceGetPciInfo(self, handle: Device) -> PciInfo: ...
    def nvmlDeviceGetMemoryInfo(self, handle: Device, version: int | None = None) -> Memory: ...
    def nvmlDeviceGetUtilizationRates(self, handle: Device) -> Utilization: ...
    def nvmlDeviceGetTemperature(self, handle: Device, sensor: int) -> int: ...
    def nvmlDeviceGetPowerUsage(self, handle: Device) -> int: ...
    def nvmlDeviceGetEnforcedPowerLimit(self, handle: Device) -> int: ...
    def nvmlDeviceGetPowerManagementLimit(self, handle: Device) -> int: ...
    def nvmlDeviceGetFanSpeed(self, handle: Device) -> int: ...
    def nvmlDeviceGetMigMode(self, handle: Device) -> Sequence[int]: ...
    def nvmlDeviceGetMaxMigDeviceCount(self, handle: Device) -> int: ...
    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: Device, index: int) -> Device: ...
    def nvmlDeviceGetGpuInstanceId(self, handle: Device) -> int: ...
    def nvmlDeviceGetComputeInstanceId(self, handle: Device) -> int: ...
    def nvmlDeviceGetComputeRunningProcesses_v2(self, handle: Device) -> Sequence[ProcessInfo]: ...
    def nvmlDeviceGetComputeRunningProcesses_v3(self, handle: Device) -> Sequence[ProcessInfo]: ...
    def nvmlDeviceGetGraphicsRunningProcesses_v3(self, handle: Device) -> Sequence[ProcessInfo]: ...
    def nvmlDeviceGetMPSComputeRunningProcesses_v3(self, handle: Device) -> Sequence[ProcessInfo]: ...


def load() -> Nvml:
    """The module. Raises GpuReadError that names what to install."""
    try:
        return cast("Nvml", import_module("pynvml"))
    except ImportError as error:
        raise GpuReadError(
            "the nvml source needs nvidia-ml-py: pip install 'sentinel-gpu[agent]' (or use --source smi)"
        ) from error


def unload(nvml: Nvml) -> None:
    """Lets go of the loaded libnvidia-ml, so that the next nvmlInit takes what is on the disk by then.

    After a driver upgrade the file has been replaced, and as long as the old one stays mapped the linker
    returns it again. nvidia-ml-py never lets go by itself.
    """
    library = getattr(nvml, "nvmlLib", None)
    pointers = getattr(nvml, "_nvmlGetFunctionPointer_cache", None)
    if library is None or not isinstance(pointers, dict):
        return
    from _ctypes import dlclose

    pointers.clear()
    vars(nvml)["nvmlLib"] = None
    dlclose(library._handle)


def code_of(error: Exception) -> int:
    """The NVML code that `error` carries."""
    value = getattr(error, "value", UNKNOWN)
    return value if isinstance(value, int) else UNKNOWN


def explained(error: Exception) -> str:
    """One line for people: what NVML said and what to do about it."""
    hint = _ADVICE.get(code_of(error))
    return f"NVML: {error}; {hint}" if hint else f"NVML: {error} (code {code_of(error)})"
