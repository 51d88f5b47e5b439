"""Reads `nvidia-smi -L`. Pure: text to UUIDs.

Called by the `smi` driver on machines with MIG devices: it is the only output that names them, and
a MIG device is asked for by its UUID.

    GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-…)
      MIG 3g.40gb     Device  0: (UUID: MIG-…)
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sentinel.core.gpu import Gpu, GpuProcess

_GPU = re.compile(r"GPU (\d{1,4}): .*\(UUID: ([^()\s]+)\)\s*$")
_MIG = re.compile(r"\s+(MIG \S+)\s+Device\s+(\d{1,4}):\s*\(UUID: ([^()\s]+)\)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class MigName:
    """What a MIG device is called."""

    uuid: str
    name: str


def parse_listing(said: str) -> Mapping[tuple[int, int], MigName]:
    """(GPU index, MIG index) → the device's UUID and profile."""
    found: dict[tuple[int, int], MigName] = {}
    gpu: int | None = None
    for line in said.split("\n"):
        if match := _GPU.match(line):
            gpu = int(match[1])
        elif gpu is not None and (match := _MIG.match(line)):
            found[gpu, int(match[2])] = MigName(name=match[1], uuid=match[3])
    return found


def with_names(gpus: Iterable[Gpu], names: Mapping[tuple[int, int], MigName]) -> tuple[Gpu, ...]:
    """`gpus` with their MIG devices named, and the processes on these pointing at them."""
    return tuple(_named(gpu, names) for gpu in gpus)


def _named(gpu: Gpu, names: Mapping[tuple[int, int], MigName]) -> Gpu:
    devices = tuple(
        replace(device, uuid=device.uuid or name.uuid, name=device.name or name.name)
        if (name := names.get((gpu.index, device.index)))
        else device
        for device in gpu.mig_devices
    )
    uuids = {(device.gpu_instance_id, device.compute_instance_id): device.uuid for device in devices}
    return replace(
        gpu,
        mig_devices=devices,
        processes=None if gpu.processes is None else tuple(_placed(one, uuids) for one in gpu.processes),
    )


def _placed(process: GpuProcess, uuids: Mapping[tuple[int | None, int | None], str | None]) -> GpuProcess:
    if process.mig_uuid or process.gpu_instance_id is None:
        return process
    return replace(process, mig_uuid=uuids.get((process.gpu_instance_id, process.compute_instance_id)))
