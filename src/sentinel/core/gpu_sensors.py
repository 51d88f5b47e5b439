"""What a GPU's sensors say, beyond what every reading has. Read at length only where somebody wants it.

The drivers in `drivers/gpus` make them (when opened with `full`); the metrics, the findings about health
and `sentinel gpus` read them. None: the card has no such sensor, or it could not be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ThrottleReason(StrEnum):
    """Why the clocks are not what they could be ("clock event reasons"); several may hold at once."""

    GPU_IDLE = "gpu_idle"
    APPLICATIONS_CLOCKS = "applications_clocks"
    SW_POWER_CAP = "sw_power_cap"
    HW_SLOWDOWN = "hw_slowdown"
    SYNC_BOOST = "sync_boost"
    SW_THERMAL_SLOWDOWN = "sw_thermal_slowdown"
    HW_THERMAL_SLOWDOWN = "hw_thermal_slowdown"
    HW_POWER_BRAKE = "hw_power_brake"
    DISPLAY_CLOCKS = "display_clocks"


THROTTLE_BITS: tuple[ThrottleReason, ...] = tuple(ThrottleReason)
"""Bit n of NVML's mask is the n-th reason."""


def throttle_reasons(mask: int) -> frozenset[ThrottleReason]:
    """The reasons in NVML's bit mask. Bits that are not known here are left out."""
    return frozenset(reason for bit, reason in enumerate(THROTTLE_BITS) if mask >> bit & 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NvLink:
    """One NVLink of a GPU. The counters are since the driver was loaded."""

    link: int
    active: bool | None = None
    version: int | None = None
    replay_errors: int | None = None
    recovery_errors: int | None = None
    crc_flit_errors: int | None = None
    crc_data_errors: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSensors:
    """One card's sensors. Counters only grow, "volatile" ones until the driver is loaded anew."""

    performance_state: int | None = None  # 0 (most) to 15
    sm_clock_hertz: float | None = None
    memory_clock_hertz: float | None = None
    graphics_clock_hertz: float | None = None
    video_clock_hertz: float | None = None
    sm_clock_max_hertz: float | None = None
    memory_clock_max_hertz: float | None = None
    graphics_clock_max_hertz: float | None = None
    video_clock_max_hertz: float | None = None
    throttle_reasons: frozenset[ThrottleReason] | None = None
    throttle_seconds: Mapping[ThrottleReason, float] | None = None  # how long so far; what is known of it
    memory_utilization_percent: float | None = None  # of the time, the memory was read or written
    encoder_utilization_percent: float | None = None
    decoder_utilization_percent: float | None = None
    memory_temperature_celsius: float | None = None
    slowdown_temperature_celsius: float | None = None
    shutdown_temperature_celsius: float | None = None
    temperature_margin_celsius: float | None = None  # to where it slows down ("T.limit")
    fans_percent: tuple[float | None, ...] | None = None
    power_instant_watts: float | None = None
    power_average_watts: float | None = None
    power_limit_set_watts: float | None = None
    power_limit_default_watts: float | None = None
    power_limit_min_watts: float | None = None
    power_limit_max_watts: float | None = None
    energy_joules: float | None = None  # since the driver was loaded
    ecc_enabled: bool | None = None
    ecc_corrected_volatile: int | None = None
    ecc_uncorrected_volatile: int | None = None
    ecc_corrected_aggregate: int | None = None
    ecc_uncorrected_aggregate: int | None = None
    retired_pages_single_bit: int | None = None
    retired_pages_double_bit: int | None = None
    retired_pages_pending: bool | None = None
    remapped_rows_correctable: int | None = None
    remapped_rows_uncorrectable: int | None = None
    remapped_rows_pending: bool | None = None
    remapped_rows_failure: bool | None = None
    pcie_generation: int | None = None
    pcie_generation_max: int | None = None
    pcie_width: int | None = None  # lanes
    pcie_width_max: int | None = None
    pcie_replay_count: int | None = None
    pcie_received_bytes_per_second: float | None = None  # only where it was asked for: see drivers/gpus/nvml
    pcie_sent_bytes_per_second: float | None = None
    nvlinks: tuple[NvLink, ...] | None = None  # (): it has none
    bar1_total_bytes: int | None = None
    bar1_used_bytes: int | None = None
    persistence_mode: bool | None = None
    compute_mode: str | None = None  # "default", "exclusive_process", "prohibited", "exclusive_thread"
    minor_number: int | None = None  # N of /dev/nvidiaN
    serial: str | None = None
    vbios_version: str | None = None
    brand: str | None = None
