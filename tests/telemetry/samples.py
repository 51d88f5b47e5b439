"""Samples as the tests of this folder need them."""

from collections.abc import Mapping

from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, ProcessKind
from sentinel.core.gpu_sensors import GpuSensors, NvLink, ThrottleReason
from sentinel.core.workload import Origin
from sentinel.telemetry.sample import Owner, Sample, Watch

GIB = 2**30
SENSORS = GpuSensors(
    performance_state=0,
    sm_clock_hertz=1980e6,
    memory_clock_hertz=2619e6,
    throttle_reasons=frozenset({ThrottleReason.SW_POWER_CAP}),
    memory_utilization_percent=11,
    encoder_utilization_percent=0,
    decoder_utilization_percent=0,
    memory_temperature_celsius=54,
    energy_joules=1234.5,
    ecc_corrected_volatile=1,
    ecc_uncorrected_volatile=2,
    ecc_corrected_aggregate=3,
    ecc_uncorrected_aggregate=4,
    remapped_rows_correctable=5,
    remapped_rows_uncorrectable=6,
    remapped_rows_pending=True,
    remapped_rows_failure=False,
    pcie_generation=4,
    pcie_generation_max=5,
    pcie_replay_count=7,
    nvlinks=(
        NvLink(link=0, active=True, replay_errors=1, crc_flit_errors=2),
        NvLink(link=1, active=True, replay_errors=3, crc_flit_errors=None),
    ),
    minor_number=3,
)


def process(pid: int, memory: int | None = GIB, **more: object) -> GpuProcess:
    settings = {"kind": ProcessKind.COMPUTE, "name": "python", "utilization_percent": 12.0} | more
    return GpuProcess(pid=pid, memory_bytes=memory, **settings)  # pyright: ignore[reportArgumentType]


def gpu(index: int = 0, *processes: GpuProcess, **more: object) -> Gpu:
    settings = {
        "name": "NVIDIA H100",
        "pci_bus_id": f"00000000:0{index + 1}:00.0",
        "memory_total_bytes": 80 * GIB,
        "memory_used_bytes": 10 * GIB,
        "memory_free_bytes": 69 * GIB,
        "utilization_percent": 50.0,
        "temperature_celsius": 40.0,
        "power_watts": 300.0,
        "power_limit_watts": 700.0,
        "processes": processes,
        "sensors": SENSORS,
    } | more
    return Gpu(index=index, uuid=f"GPU-{index}", **settings)  # pyright: ignore[reportArgumentType]


ADA = Owner(
    user="ada", container="train", pod="lab/train-0", job="17", workload_id="c1", origin=Origin.KUBERNETES
)


def sample(*gpus: Gpu, owners: Mapping[int, Owner] | None = None, boottime: float = 100.0) -> Sample:
    return Sample(
        node="node1",
        at=1e9,
        boottime=boottime,
        reading=GpuReading(source="nvml", gpus=gpus, driver_version="570.86.15", cuda_version="12.8"),
        owners=owners or {},
        duration=0.001,
    )


def watch(taken: Sample | None, **more: object) -> Watch:
    return Watch(node="node1", sample=taken, sources={"gpus": True}, **more)  # pyright: ignore[reportArgumentType]
