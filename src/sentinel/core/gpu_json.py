"""A GPU as the JSON object that every command, API and file of ours shows it as.

    {"index": 0, "uuid": "GPU-…", "name": "…", "pci_bus_id": "00000000:01:00.0",
     "memory_total_bytes": …, "memory_used_bytes": …, "memory_free_bytes": …,
     "utilization_percent": …, "temperature_celsius": …, "power_watts": …, "power_limit_watts": …,
     "fan_percent": …, "error": null,
     "processes": [{"pid", "name", "kind", "memory_bytes", "utilization_percent",
                    "memory_utilization_percent", "mig_uuid", "gpu_instance_id", "compute_instance_id"}…],
     "mig_enabled": …, "mig_devices": [{"index", "uuid", "name", "gpu_instance_id",
                    "compute_instance_id", "memory_total_bytes", "memory_used_bytes", "processes"}…],
     "sensors": null or an object with the fields of `core.gpu_sensors.GpuSensors` by their names there}

`null` is unknown; `"processes": null` means that the list could not be read. A process on a MIG device
stands in the GPU's list and in the device's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import cast

from sentinel.core.gpu import Gpu, GpuProcess, MigDevice
from sentinel.core.gpu_sensors import GpuSensors, NvLink

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def gpu_json(gpu: Gpu) -> dict[str, Json]:
    """`gpu` as in this module's docstring."""
    return {
        "index": gpu.index,
        "uuid": gpu.uuid if gpu.named else None,
        "name": gpu.name,
        "pci_bus_id": gpu.pci_bus_id,
        "memory_total_bytes": gpu.memory_total_bytes,
        "memory_used_bytes": gpu.memory_used_bytes,
        "memory_free_bytes": gpu.memory_free_bytes,
        "utilization_percent": gpu.utilization_percent,
        "temperature_celsius": gpu.temperature_celsius,
        "power_watts": gpu.power_watts,
        "power_limit_watts": gpu.power_limit_watts,
        "fan_percent": gpu.fan_percent,
        "error": gpu.error,
        "processes": _processes(gpu.processes),
        "mig_enabled": gpu.mig_enabled,
        "mig_devices": [_mig_json(device, gpu.processes) for device in gpu.mig_devices],
        "sensors": None if gpu.sensors is None else sensors_json(gpu.sensors),
    }


def sensors_json(sensors: GpuSensors) -> dict[str, Json]:
    """`sensors` with every field; sets as sorted lists, NVLinks as objects."""
    return {field.name: _plain(getattr(sensors, field.name)) for field in fields(GpuSensors)}


def _plain(value: object) -> Json:
    match value:
        case NvLink():
            return {field.name: _plain(getattr(value, field.name)) for field in fields(NvLink)}
        case frozenset():
            return [str(one) for one in sorted(cast("frozenset[str]", value))]
        case tuple():
            return [_plain(one) for one in cast("tuple[object, ...]", value)]
        case Mapping():
            return {str(key): _plain(one) for key, one in cast("Mapping[object, object]", value).items()}
        case bool() | int() | float() | str() | None:
            return value
        case _:
            raise TypeError(type(value))


def runs_on(process: GpuProcess, device: MigDevice) -> bool:
    """Whether the driver said that `process` runs on `device` (of the same GPU)."""
    if process.mig_uuid is not None and device.uuid is not None:
        return process.mig_uuid == device.uuid
    ids = (process.gpu_instance_id, process.compute_instance_id)
    return None not in ids and ids == (device.gpu_instance_id, device.compute_instance_id)


def _processes(found: Iterable[GpuProcess] | None) -> Json:
    return None if found is None else [_process_json(process) for process in found]


def _process_json(process: GpuProcess) -> Json:
    return {
        "pid": process.pid,
        "name": process.name,
        "kind": process.kind.value,
        "memory_bytes": process.memory_bytes,
        "utilization_percent": process.utilization_percent,
        "memory_utilization_percent": process.memory_utilization_percent,
        "mig_uuid": process.mig_uuid,
        "gpu_instance_id": process.gpu_instance_id,
        "compute_instance_id": process.compute_instance_id,
    }


def _mig_json(device: MigDevice, processes: tuple[GpuProcess, ...] | None) -> Json:
    on_it = None if processes is None else [one for one in processes if runs_on(one, device)]
    return {
        "index": device.index,
        "uuid": device.uuid,
        "name": device.name,
        "gpu_instance_id": device.gpu_instance_id,
        "compute_instance_id": device.compute_instance_id,
        "memory_total_bytes": device.memory_total_bytes,
        "memory_used_bytes": device.memory_used_bytes,
        "processes": _processes(on_it),
    }
