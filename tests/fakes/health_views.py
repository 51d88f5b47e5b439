"""What a round of health sees, for tests: a machine in which all is well and every sensor tells."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sentinel.core.finding import Ok
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, ProcessKind
from sentinel.core.gpu_sensors import GpuSensors, NvLink, ThrottleReason
from sentinel.core.inventory import Inventory, SourceReport, SourceState
from sentinel.health.view import HealthView, Seen
from sentinel.ports.node_pressure import DiskSpace, NodePressure

NOW = 1_800_000_000.0
GIB = 2**30

SENSORS = GpuSensors(
    performance_state=0,
    sm_clock_hertz=1.9e9,
    sm_clock_max_hertz=1.98e9,
    throttle_reasons=frozenset({ThrottleReason.SW_POWER_CAP}),
    throttle_seconds={ThrottleReason.SW_THERMAL_SLOWDOWN: 0.0, ThrottleReason.HW_THERMAL_SLOWDOWN: 0.0},
    memory_temperature_celsius=60.0,
    slowdown_temperature_celsius=89.0,
    shutdown_temperature_celsius=92.0,
    fans_percent=(60.0, 60.0),
    power_limit_default_watts=700.0,
    ecc_enabled=True,
    ecc_corrected_volatile=0,
    ecc_uncorrected_volatile=0,
    ecc_corrected_aggregate=2,
    ecc_uncorrected_aggregate=1,
    retired_pages_single_bit=0,
    retired_pages_double_bit=0,
    retired_pages_pending=False,
    remapped_rows_correctable=0,
    remapped_rows_uncorrectable=0,
    remapped_rows_pending=False,
    remapped_rows_failure=False,
    pcie_generation=5,
    pcie_generation_max=5,
    pcie_width=16,
    pcie_width_max=16,
    pcie_replay_count=3,
    nvlinks=tuple(
        NvLink(
            link=link, active=True, replay_errors=0, recovery_errors=0, crc_flit_errors=0, crc_data_errors=0
        )
        for link in range(4)
    ),
    persistence_mode=True,
    minor_number=0,
    brand="NVIDIA",
)

PRESSURE = NodePressure(
    disks=(DiskSpace(folder="/", total_bytes=1000 * GIB, free_bytes=500 * GIB, inodes=100, inodes_free=90),),
    memory_total_bytes=512 * GIB,
    memory_available_bytes=400 * GIB,
    memory_full_percent=0.0,
    io_full_percent=0.0,
    stuck=(),
    sees_host_processes=True,
)


def card(index: int = 0, **changes: Any) -> Gpu:
    """A busy server card in good health, with `changes` to its fields or its sensors'."""
    own = {name: value for name, value in changes.items() if name in Gpu.__dataclass_fields__}
    of_sensors = {name: value for name, value in changes.items() if name not in own}
    gpu = Gpu(
        index=index,
        uuid=f"GPU-{index:08d}-aaaa-bbbb-cccc-000000000000",
        name="NVIDIA Stand-in",
        pci_bus_id=f"00000000:{index + 1:02X}:00.0",
        memory_total_bytes=80 * GIB,
        memory_used_bytes=40 * GIB,
        utilization_percent=95.0,
        temperature_celsius=65.0,
        power_watts=690.0,
        power_limit_watts=700.0,
        fan_percent=60.0,
        processes=(GpuProcess(pid=100 + index, kind=ProcessKind.COMPUTE, memory_bytes=39 * GIB),),
        mig_enabled=False,
        sensors=replace(SENSORS, minor_number=index, **of_sensors),
    )
    return replace(gpu, **own)


def idle_card(index: int = 0, **changes: Any) -> Gpu:
    """The same with nothing on it: slow clocks and a slow link, as idle cards have."""
    quiet: dict[str, Any] = {
        "utilization_percent": 0.0,
        "processes": (),
        "memory_used_bytes": GIB // 2,
        "performance_state": 8,
        "sm_clock_hertz": 2.1e8,
        "pcie_generation": 1,
        "throttle_reasons": frozenset({ThrottleReason.GPU_IDLE}),
    }
    return card(index, **(quiet | changes))


def history(
    cards: Sequence[Gpu], *, seconds: float = 300.0, apart: float = 10.0, at: float = NOW
) -> dict[str, tuple[Seen, ...]]:
    """As if `cards` had been just like this for so long before `at`."""
    count = int(seconds // apart)
    return {
        gpu.uuid: tuple(Seen(at=at - apart * step, gpu=gpu) for step in range(count, 0, -1)) for gpu in cards
    }


def reading(cards: Sequence[Gpu]) -> GpuReading:
    return GpuReading(source="nvml", gpus=tuple(cards), driver_version="570.86.15")


def inventory(**changes: Any) -> Inventory:
    found = Inventory(
        node="gpu01", scanned_at=NOW, boot_id="b", sources={"gpus": SourceReport(state=SourceState.OK)}
    )
    return replace(found, **changes)


def view(cards: Sequence[Gpu] | None = None, **changes: Any) -> HealthView:
    """Four equal cards in good health, all of the view told; or `cards`, with those four as their past."""
    healthy = [card(index) for index in range(4)]
    whole = HealthView(
        now=NOW,
        reading=reading(healthy if cards is None else cards),
        earlier=history(healthy),
        inventory=inventory(),
        pressure=PRESSURE,
        kernel_findings=Ok(),
    )
    return replace(whole, **changes)


def one_bad(change: Callable[[Gpu], Gpu]) -> list[Gpu]:
    """Four cards of which the second is `change`d."""
    return [change(card(index)) if index == 1 else card(index) for index in range(4)]
