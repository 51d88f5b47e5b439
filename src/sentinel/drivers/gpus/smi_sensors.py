"""Sensors as `nvidia-smi` prints them, in its XML and in its CSV. Pure.

Called by `smi_xml` and `smi_csv`. Each sensor has every name that it has had, newest first; what is not
there, or is one of the words for "none", is unknown. What neither output has stays unknown: energy, NVLinks
and each fan by itself.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sentinel.core.gpu_sensors import GpuSensors
from sentinel.drivers.gpus import smi_throttling as throttling
from sentinel.drivers.gpus import smi_values as values
from sentinel.drivers.gpus.smi_document import Node

_Parse = Callable[[str | None], object]
_Look = Callable[[str], str | None]


def _state(raw: str | None) -> int | None:
    word = (raw or "").strip()
    return values.whole(word[1:]) if word[:1] in ("P", "p") else None


def _megahertz(raw: str | None) -> float | None:
    found = values.number(raw, "MHz")
    return None if found is None else found * 1e6


def _percent(raw: str | None) -> float | None:
    return values.number(raw, "%")


def _watts(raw: str | None) -> float | None:
    return values.number(raw, "W")


def _celsius(raw: str | None) -> float | None:
    return values.number(raw, "C", negative=True)


def _count(raw: str | None) -> int | None:
    found = values.number(raw)
    return None if found is None else int(found)


def _lanes(raw: str | None) -> int | None:
    return values.whole((raw or "").strip().removesuffix("x"))


def _rate(raw: str | None) -> float | None:
    found = values.number(raw, "KB/s") if "/" not in (raw or "") else values.number(_head(raw), "KB")
    return None if found is None else found * 1000


def _head(raw: str | None) -> str:
    return (raw or "").partition("/")[0]


def _yes(raw: str | None) -> bool | None:
    word = (raw or "").strip().lower()
    return {"yes": True, "no": False, "1": True, "0": False}.get(word)


def _mode(raw: str | None) -> str | None:
    word = values.text(raw)
    return None if word is None else word.strip().lower().replace(" ", "_")


# Field of GpuSensors → how to read it, its columns in the CSV, its places in the XML.
_SENSORS: Mapping[str, tuple[_Parse, tuple[str, ...], tuple[str, ...]]] = {
    "performance_state": (_state, ("pstate",), ("performance_state",)),
    "sm_clock_hertz": (_megahertz, ("clocks.current.sm", "clocks.sm"), ("clocks/sm_clock",)),
    "memory_clock_hertz": (_megahertz, ("clocks.current.memory", "clocks.mem"), ("clocks/mem_clock",)),
    "graphics_clock_hertz": (
        _megahertz,
        ("clocks.current.graphics", "clocks.gr"),
        ("clocks/graphics_clock",),
    ),
    "video_clock_hertz": (_megahertz, ("clocks.current.video", "clocks.video"), ("clocks/video_clock",)),
    "sm_clock_max_hertz": (_megahertz, ("clocks.max.sm",), ("max_clocks/sm_clock",)),
    "memory_clock_max_hertz": (
        _megahertz,
        ("clocks.max.memory", "clocks.max.mem"),
        ("max_clocks/mem_clock",),
    ),
    "graphics_clock_max_hertz": (
        _megahertz,
        ("clocks.max.graphics", "clocks.max.gr"),
        ("max_clocks/graphics_clock",),
    ),
    "video_clock_max_hertz": (_megahertz, (), ("max_clocks/video_clock",)),
    "memory_utilization_percent": (_percent, ("utilization.memory",), ("utilization/memory_util",)),
    "encoder_utilization_percent": (_percent, ("utilization.encoder",), ("utilization/encoder_util",)),
    "decoder_utilization_percent": (_percent, ("utilization.decoder",), ("utilization/decoder_util",)),
    "memory_temperature_celsius": (_celsius, ("temperature.memory",), ("temperature/memory_temp",)),
    "slowdown_temperature_celsius": (_celsius, (), ("temperature/gpu_temp_slow_threshold",)),
    "shutdown_temperature_celsius": (_celsius, (), ("temperature/gpu_temp_max_threshold",)),
    "temperature_margin_celsius": (_celsius, ("temperature.gpu.tlimit",), ("temperature/gpu_temp_tlimit",)),
    "power_instant_watts": (_watts, ("power.draw.instant",), ("gpu_power_readings/instant_power_draw",)),
    "power_average_watts": (_watts, ("power.draw.average",), ("gpu_power_readings/average_power_draw",)),
    "power_limit_set_watts": (
        _watts,
        ("power.limit",),
        ("gpu_power_readings/requested_power_limit", "power_readings/power_limit"),
    ),
    "power_limit_default_watts": (
        _watts,
        ("power.default_limit",),
        ("gpu_power_readings/default_power_limit", "power_readings/default_power_limit"),
    ),
    "power_limit_min_watts": (
        _watts,
        ("power.min_limit",),
        ("gpu_power_readings/min_power_limit", "power_readings/min_power_limit"),
    ),
    "power_limit_max_watts": (
        _watts,
        ("power.max_limit",),
        ("gpu_power_readings/max_power_limit", "power_readings/max_power_limit"),
    ),
    "ecc_enabled": (values.flag, ("ecc.mode.current",), ("ecc_mode/current_ecc",)),
    "ecc_corrected_volatile": (
        _count,
        ("ecc.errors.corrected.volatile.total",),
        ("ecc_errors/volatile/single_bit/total",),
    ),
    "ecc_uncorrected_volatile": (
        _count,
        ("ecc.errors.uncorrected.volatile.total",),
        ("ecc_errors/volatile/double_bit/total",),
    ),
    "ecc_corrected_aggregate": (
        _count,
        ("ecc.errors.corrected.aggregate.total",),
        ("ecc_errors/aggregate/single_bit/total",),
    ),
    "ecc_uncorrected_aggregate": (
        _count,
        ("ecc.errors.uncorrected.aggregate.total",),
        ("ecc_errors/aggregate/double_bit/total",),
    ),
    "retired_pages_single_bit": (
        _count,
        ("retired_pages.single_bit_ecc.count", "retired_pages.sbe"),
        ("retired_pages/multiple_single_bit_retirement/retired_count",),
    ),
    "retired_pages_double_bit": (
        _count,
        ("retired_pages.double_bit.count", "retired_pages.dbe"),
        ("retired_pages/double_bit_retirement/retired_count",),
    ),
    "retired_pages_pending": (
        _yes,
        ("retired_pages.pending",),
        ("retired_pages/pending_retirement", "retired_pages/pending_blacklist"),
    ),
    "remapped_rows_correctable": (
        _count,
        ("remapped_rows.correctable",),
        ("remapped_rows/remapped_row_corr",),
    ),
    "remapped_rows_uncorrectable": (
        _count,
        ("remapped_rows.uncorrectable",),
        ("remapped_rows/remapped_row_unc",),
    ),
    "remapped_rows_pending": (_yes, ("remapped_rows.pending",), ("remapped_rows/remapped_row_pending",)),
    "remapped_rows_failure": (_yes, ("remapped_rows.failure",), ("remapped_rows/remapped_row_failure",)),
    "pcie_generation": (
        _count,
        ("pcie.link.gen.current", "pcie.link.gen.gpucurrent"),
        ("pci/pci_gpu_link_info/pcie_gen/current_link_gen",),
    ),
    "pcie_generation_max": (_count, ("pcie.link.gen.max",), ("pci/pci_gpu_link_info/pcie_gen/max_link_gen",)),
    "pcie_width": (
        _lanes,
        ("pcie.link.width.current",),
        ("pci/pci_gpu_link_info/link_widths/current_link_width",),
    ),
    "pcie_width_max": (
        _lanes,
        ("pcie.link.width.max",),
        ("pci/pci_gpu_link_info/link_widths/max_link_width",),
    ),
    "pcie_replay_count": (_count, (), ("pci/replay_counter",)),
    "pcie_sent_bytes_per_second": (_rate, (), ("pci/tx_util",)),
    "pcie_received_bytes_per_second": (_rate, (), ("pci/rx_util",)),
    "bar1_total_bytes": (values.memory, (), ("bar1_memory_usage/total",)),
    "bar1_used_bytes": (values.memory, (), ("bar1_memory_usage/used",)),
    "persistence_mode": (values.flag, ("persistence_mode",), ("persistence_mode",)),
    "compute_mode": (_mode, ("compute_mode",), ("compute_mode",)),
    "minor_number": (_count, (), ("minor_number",)),
    "serial": (values.text, ("serial", "gpu_serial"), ("serial",)),
    "vbios_version": (values.text, ("vbios_version",), ("vbios_version",)),
    "brand": (values.text, (), ("product_brand",)),
}
CSV_FIELDS = frozenset(
    name
    for field, (_, columns, _) in _SENSORS.items()
    for name in columns
    if field != "power_limit_set_watts"
)
"""A table with any of these columns was asked for sensors; without, its cards have none."""


def sensors_in_row(row: Mapping[str, str]) -> GpuSensors | None:
    """The sensors in a row of `--query-gpu`, None when no column of it is one."""
    if not CSV_FIELDS & row.keys():
        return None
    look = row.get
    found = {field: _first(parse, columns, look) for field, (parse, columns, _) in _SENSORS.items()}
    return GpuSensors(
        **found,
        throttle_reasons=throttling.active_in_row(row),
        throttle_seconds=throttling.seconds_in_row(row),
    )


def sensors_in_node(node: Node) -> GpuSensors:
    """The sensors of a `<gpu>` in the document of `-q -x`."""
    look = node.value
    found: dict[str, Any] = {
        field: _first(parse, places, look) for field, (parse, _, places) in _SENSORS.items()
    }
    for kind, tag in (("corrected", "correctable"), ("uncorrected", "uncorrectable")):
        for lifetime in ("volatile", "aggregate"):
            if found[f"ecc_{kind}_{lifetime}"] is None:
                found[f"ecc_{kind}_{lifetime}"] = _ecc_total(node.at(f"ecc_errors/{lifetime}"), tag)
    return GpuSensors(
        **found,
        throttle_reasons=throttling.active_in_node(node),
        throttle_seconds=throttling.seconds_in_node(node),
    )


def _first(parse: _Parse, names: tuple[str, ...], look: _Look) -> Any:
    return next((value for name in names if (value := parse(look(name))) is not None), None)


def _ecc_total(node: Node | None, tag: str) -> int | None:
    """The sum over SRAM and DRAM, which newer drivers no longer give; unknown with any of its parts."""
    parts = [child for child in node.children if _is_part(child.tag, tag)] if node else []
    counts = [_count(part.text) for part in parts]
    return None if not counts or None in counts else sum(count for count in counts if count is not None)


def _is_part(name: str, tag: str) -> bool:
    return name.startswith((f"sram_{tag}", f"dram_{tag}"))
