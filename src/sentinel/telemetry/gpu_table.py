"""Which metrics there are of a GPU: from a name to what it shows of a card. Pure.

Called by `gpu_metrics`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sentinel.core.gpu import Gpu
from sentinel.core.gpu_sensors import GpuSensors, ThrottleReason

Point = tuple[tuple[str, ...], float | None]
"""The values of a metric's own labels, and its value."""


@dataclass(frozen=True, slots=True)
class GpuMetric:
    """`points` are a card's series; those whose value is None are left out."""

    name: str
    help: str
    labels: tuple[str, ...]
    points: Callable[[Gpu, GpuSensors], Iterable[Point]]
    counter: bool = False


def _one(read: Callable[[Gpu, GpuSensors], float | None]) -> Callable[[Gpu, GpuSensors], Iterable[Point]]:
    return lambda gpu, sensors: (((), read(gpu, sensors)),)


def _each(
    **read: Callable[[GpuSensors], float | None],
) -> Callable[[Gpu, GpuSensors], Iterable[Point]]:
    return lambda _, sensors: (((name,), one(sensors)) for name, one in read.items())


def _ecc(_: Gpu, s: GpuSensors) -> Iterable[Point]:
    yield ("corrected", "volatile"), s.ecc_corrected_volatile
    yield ("uncorrected", "volatile"), s.ecc_uncorrected_volatile
    yield ("corrected", "aggregate"), s.ecc_corrected_aggregate
    yield ("uncorrected", "aggregate"), s.ecc_uncorrected_aggregate


def _throttled(_: Gpu, sensors: GpuSensors) -> Iterable[Point]:
    active = sensors.throttle_reasons
    return () if active is None else (((why.value,), float(why in active)) for why in ThrottleReason)


def _throttled_for(_: Gpu, sensors: GpuSensors) -> Iterable[Point]:
    return (((why.value,), seconds) for why, seconds in (sensors.throttle_seconds or {}).items())


def _fans(gpu: Gpu, sensors: GpuSensors) -> Iterable[Point]:
    fans = sensors.fans_percent or (gpu.fan_percent,)
    return (((str(index),), percent) for index, percent in enumerate(fans))


def _nvlink_errors(_: Gpu, sensors: GpuSensors) -> Iterable[Point]:
    for one in sensors.nvlinks or ():
        yield (str(one.link), "replay"), one.replay_errors
        yield (str(one.link), "recovery"), one.recovery_errors
        yield (str(one.link), "crc_flit"), one.crc_flit_errors
        yield (str(one.link), "crc_data"), one.crc_data_errors


def _nvlinks(_: Gpu, sensors: GpuSensors) -> Iterable[Point]:
    return (((str(one.link),), one.active) for one in sensors.nvlinks or ())


GPU_METRICS = (
    GpuMetric(
        "gpu_up",
        "1; 0 when the card says that it is broken.",
        (),
        _one(lambda gpu, _: float(gpu.error is None)),
    ),
    GpuMetric(
        "gpu_utilization_percent",
        "Of the time, at least one kernel ran.",
        (),
        _one(lambda gpu, _: gpu.utilization_percent),
    ),
    GpuMetric(
        "gpu_memory_utilization_percent",
        "Of the time, memory was read or written.",
        (),
        _one(lambda _, s: s.memory_utilization_percent),
    ),
    GpuMetric(
        "gpu_encoder_utilization_percent",
        "Of the time, the video encoder ran.",
        (),
        _one(lambda _, s: s.encoder_utilization_percent),
    ),
    GpuMetric(
        "gpu_decoder_utilization_percent",
        "Of the time, the video decoder ran.",
        (),
        _one(lambda _, s: s.decoder_utilization_percent),
    ),
    GpuMetric(
        "gpu_memory_total_bytes", "Memory of the card.", (), _one(lambda gpu, _: gpu.memory_total_bytes)
    ),
    GpuMetric("gpu_memory_used_bytes", "Memory in use.", (), _one(lambda gpu, _: gpu.memory_used_bytes)),
    GpuMetric(
        "gpu_memory_free_bytes",
        "Memory that may be had; used and free may be less than all.",
        (),
        _one(lambda gpu, _: gpu.memory_free_bytes),
    ),
    GpuMetric("gpu_bar1_used_bytes", "BAR1 memory in use.", (), _one(lambda _, s: s.bar1_used_bytes)),
    GpuMetric("gpu_bar1_size_bytes", "BAR1 memory of the card.", (), _one(lambda _, s: s.bar1_total_bytes)),
    GpuMetric(
        "gpu_temperature_celsius",
        "Temperature of the chip.",
        (),
        _one(lambda gpu, _: gpu.temperature_celsius),
    ),
    GpuMetric(
        "gpu_memory_temperature_celsius",
        "Temperature of the memory.",
        (),
        _one(lambda _, s: s.memory_temperature_celsius),
    ),
    GpuMetric(
        "gpu_temperature_threshold_celsius",
        "Where the card slows down, and shuts down.",
        ("kind",),
        _each(
            slowdown=lambda s: s.slowdown_temperature_celsius,
            shutdown=lambda s: s.shutdown_temperature_celsius,
        ),
    ),
    GpuMetric(
        "gpu_temperature_margin_celsius",
        "How much warmer it may get before it slows down.",
        (),
        _one(lambda _, s: s.temperature_margin_celsius),
    ),
    GpuMetric("gpu_fan_percent", "Speed of a fan, of the most that is meant for it.", ("fan",), _fans),
    GpuMetric("gpu_power_watts", "Power drawn.", (), _one(lambda gpu, _: gpu.power_watts)),
    GpuMetric(
        "gpu_power_instant_watts", "Power drawn at this moment.", (), _one(lambda _, s: s.power_instant_watts)
    ),
    GpuMetric("gpu_power_limit_watts", "The limit in force.", (), _one(lambda gpu, _: gpu.power_limit_watts)),
    GpuMetric(
        "gpu_power_limit_range_watts",
        "The limit that was set, the one it comes with, and the least and most that may be set.",
        ("kind",),
        _each(
            set=lambda s: s.power_limit_set_watts,
            default=lambda s: s.power_limit_default_watts,
            min=lambda s: s.power_limit_min_watts,
            max=lambda s: s.power_limit_max_watts,
        ),
    ),
    GpuMetric(
        "gpu_energy_joules",
        "Energy used since the driver was loaded.",
        (),
        _one(lambda _, s: s.energy_joules),
        counter=True,
    ),
    GpuMetric(
        "gpu_performance_state",
        "P-state: 0 is the fastest, 15 the slowest.",
        (),
        _one(lambda _, s: s.performance_state),
    ),
    GpuMetric(
        "gpu_clock_hertz",
        "Clock rate now.",
        ("clock",),
        _each(
            sm=lambda s: s.sm_clock_hertz,
            memory=lambda s: s.memory_clock_hertz,
            graphics=lambda s: s.graphics_clock_hertz,
            video=lambda s: s.video_clock_hertz,
        ),
    ),
    GpuMetric(
        "gpu_clock_max_hertz",
        "The highest clock rate.",
        ("clock",),
        _each(
            sm=lambda s: s.sm_clock_max_hertz,
            memory=lambda s: s.memory_clock_max_hertz,
            graphics=lambda s: s.graphics_clock_max_hertz,
            video=lambda s: s.video_clock_max_hertz,
        ),
    ),
    GpuMetric("gpu_throttle_active", "1 while this is why the clocks are lower.", ("reason",), _throttled),
    GpuMetric(
        "gpu_throttle_seconds", "For how long so far it was why.", ("reason",), _throttled_for, counter=True
    ),
    GpuMetric("gpu_ecc_enabled", "1 when ECC is on.", (), _one(lambda _, s: s.ecc_enabled)),
    GpuMetric(
        "gpu_ecc_errors",
        "ECC errors: volatile since the driver was loaded, aggregate over the card's life.",
        ("kind", "lifetime"),
        _ecc,
        counter=True,
    ),
    GpuMetric(
        "gpu_retired_pages",
        "Memory pages taken out of use, by cause.",
        ("cause",),
        _each(
            single_bit=lambda s: s.retired_pages_single_bit, double_bit=lambda s: s.retired_pages_double_bit
        ),
    ),
    GpuMetric(
        "gpu_retired_pages_pending",
        "1 when pages will be retired at the next reboot.",
        (),
        _one(lambda _, s: s.retired_pages_pending),
    ),
    GpuMetric(
        "gpu_remapped_rows",
        "Memory rows replaced by spare ones, by cause.",
        ("kind",),
        _each(
            correctable=lambda s: s.remapped_rows_correctable,
            uncorrectable=lambda s: s.remapped_rows_uncorrectable,
        ),
    ),
    GpuMetric(
        "gpu_remapped_rows_pending",
        "1 when rows will be remapped at the next reset.",
        (),
        _one(lambda _, s: s.remapped_rows_pending),
    ),
    GpuMetric(
        "gpu_remapped_rows_failure",
        "1 when a row could not be remapped.",
        (),
        _one(lambda _, s: s.remapped_rows_failure),
    ),
    GpuMetric(
        "gpu_pcie_generation",
        "PCIe generation of the link.",
        ("kind",),
        _each(current=lambda s: s.pcie_generation, max=lambda s: s.pcie_generation_max),
    ),
    GpuMetric(
        "gpu_pcie_width",
        "PCIe lanes of the link.",
        ("kind",),
        _each(current=lambda s: s.pcie_width, max=lambda s: s.pcie_width_max),
    ),
    GpuMetric(
        "gpu_pcie_replay",
        "PCIe packets sent again.",
        (),
        _one(lambda _, s: s.pcie_replay_count),
        counter=True,
    ),
    GpuMetric(
        "gpu_pcie_throughput_bytes_per_second",
        "PCIe traffic, where its measuring is switched on.",
        ("direction",),
        _each(
            received=lambda s: s.pcie_received_bytes_per_second, sent=lambda s: s.pcie_sent_bytes_per_second
        ),
    ),
    GpuMetric("gpu_nvlink_active", "1 when the link is up.", ("link",), _nvlinks),
    GpuMetric("gpu_nvlink_errors", "Errors of a link.", ("link", "kind"), _nvlink_errors, counter=True),
    GpuMetric("gpu_persistence_mode", "1 when it is on.", (), _one(lambda _, s: s.persistence_mode)),
)
"""In the order shown. A counter's name gets `_total`."""
