"""Sensors read from public captures are those that another exporter is expected to serve from them.

MAPPED says which of its metrics is which of our sensors; NOT_EXPOSED which of them we leave out, and why.
"""

import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.drivers.gpus.test_public_samples import METRICS, XML, bytes_of, metrics_of, over, spoken

from sentinel.core.gpu import Gpu
from sentinel.core.gpu_sensors import THROTTLE_BITS, GpuSensors, ThrottleReason
from sentinel.drivers.gpus.smi_csv import GPU_FIELDS, parse_gpus
from sentinel.drivers.gpus.smi_xml import parse_xml

pytestmark = pytest.mark.data

Read = Callable[[GpuSensors], float | None]


def throttled(reason: ThrottleReason) -> Read:
    return lambda s: None if s.throttle_reasons is None else float(reason in s.throttle_reasons)


def throttled_for(reason: ThrottleReason) -> Read:
    return lambda s: (s.throttle_seconds or {}).get(reason)


def mask(s: GpuSensors) -> float | None:
    if s.throttle_reasons is None:
        return None
    return float(sum(1 << bit for bit, reason in enumerate(THROTTLE_BITS) if reason in s.throttle_reasons))


COMPUTE_MODES = {"default": 0.0, "exclusive_thread": 1.0, "prohibited": 2.0, "exclusive_process": 3.0}

MAPPED: dict[str, Read] = {
    "clocks_current_graphics_clock_hz": lambda s: s.graphics_clock_hertz,
    "clocks_current_sm_clock_hz": lambda s: s.sm_clock_hertz,
    "clocks_current_memory_clock_hz": lambda s: s.memory_clock_hertz,
    "clocks_current_video_clock_hz": lambda s: s.video_clock_hertz,
    "clocks_max_graphics_clock_hz": lambda s: s.graphics_clock_max_hertz,
    "clocks_max_sm_clock_hz": lambda s: s.sm_clock_max_hertz,
    "clocks_max_memory_clock_hz": lambda s: s.memory_clock_max_hertz,
    "clocks_event_reasons_active": mask,
    "clocks_event_reasons_gpu_idle": throttled(ThrottleReason.GPU_IDLE),
    "clocks_event_reasons_applications_clocks_setting": throttled(ThrottleReason.APPLICATIONS_CLOCKS),
    "clocks_event_reasons_sw_power_cap": throttled(ThrottleReason.SW_POWER_CAP),
    "clocks_event_reasons_hw_slowdown": throttled(ThrottleReason.HW_SLOWDOWN),
    "clocks_event_reasons_hw_thermal_slowdown": throttled(ThrottleReason.HW_THERMAL_SLOWDOWN),
    "clocks_event_reasons_hw_power_brake_slowdown": throttled(ThrottleReason.HW_POWER_BRAKE),
    "clocks_event_reasons_sw_thermal_slowdown": throttled(ThrottleReason.SW_THERMAL_SLOWDOWN),
    "clocks_event_reasons_sync_boost": throttled(ThrottleReason.SYNC_BOOST),
    "clocks_event_reasons_counters_sw_power_cap_seconds": throttled_for(ThrottleReason.SW_POWER_CAP),
    "clocks_event_reasons_counters_sync_boost_seconds": throttled_for(ThrottleReason.SYNC_BOOST),
    "clocks_event_reasons_counters_sw_thermal_slowdown_seconds": throttled_for(
        ThrottleReason.SW_THERMAL_SLOWDOWN
    ),
    "clocks_event_reasons_counters_hw_thermal_slowdown_seconds": throttled_for(
        ThrottleReason.HW_THERMAL_SLOWDOWN
    ),
    "clocks_event_reasons_counters_hw_power_brake_slowdown_seconds": throttled_for(
        ThrottleReason.HW_POWER_BRAKE
    ),
    "compute_mode": lambda s: None if s.compute_mode is None else COMPUTE_MODES[s.compute_mode],
    "ecc_mode_current": lambda s: s.ecc_enabled,
    "ecc_errors_corrected_volatile_total": lambda s: s.ecc_corrected_volatile,
    "ecc_errors_corrected_aggregate_total": lambda s: s.ecc_corrected_aggregate,
    "ecc_errors_uncorrected_volatile_total": lambda s: s.ecc_uncorrected_volatile,
    "ecc_errors_uncorrected_aggregate_total": lambda s: s.ecc_uncorrected_aggregate,
    "pcie_link_gen_current": lambda s: s.pcie_generation,
    "pcie_link_gen_max": lambda s: s.pcie_generation_max,
    "pcie_link_width_current": lambda s: s.pcie_width,
    "pcie_link_width_max": lambda s: s.pcie_width_max,
    "persistence_mode": lambda s: s.persistence_mode,
    "power_default_limit_watts": lambda s: s.power_limit_default_watts,
    "power_draw_average_watts": lambda s: s.power_average_watts,
    "power_draw_instant_watts": lambda s: s.power_instant_watts,
    "power_limit_watts": lambda s: s.power_limit_set_watts,
    "power_max_limit_watts": lambda s: s.power_limit_max_watts,
    "power_min_limit_watts": lambda s: s.power_limit_min_watts,
    "pstate": lambda s: s.performance_state,
    "remapped_rows_correctable": lambda s: s.remapped_rows_correctable,
    "remapped_rows_uncorrectable": lambda s: s.remapped_rows_uncorrectable,
    "remapped_rows_pending": lambda s: s.remapped_rows_pending,
    "remapped_rows_failure": lambda s: s.remapped_rows_failure,
    "retired_pages_single_bit_ecc_count": lambda s: s.retired_pages_single_bit,
    "retired_pages_double_bit_count": lambda s: s.retired_pages_double_bit,
    "retired_pages_pending": lambda s: s.retired_pages_pending,
    "temperature_gpu_tlimit": lambda s: s.temperature_margin_celsius,
    "temperature_memory": lambda s: s.memory_temperature_celsius,
    "utilization_decoder_ratio": lambda s: _over(s.decoder_utilization_percent),
    "utilization_encoder_ratio": lambda s: _over(s.encoder_utilization_percent),
    "utilization_memory_ratio": lambda s: _over(s.memory_utilization_percent),
}
"""Those of `Gpu` itself (memory, utilisation, temperature, power, fan, MIG) are in test_public_samples."""

NOT_EXPOSED = {
    r"accounting_.*": "process accounting is another tool's",
    r"c2c_mode|gsp_mode_.*|gpu_recovery_action|protected_memory_.*": "settings, for health findings to read",
    r"clocks_event_reasons_supported": "what is not supported has no series",
    r"command_exit_code|failed_scrapes_total|last_collect_success|.*_last_collect_success": "the exporter's",
    r"compute_apps|compute_app_.*": "per process: test_public_samples",
    r"compute_cap|name|gpu_info|driver_version|kmd_version|serial|count": "identity, in gpu_info",
    r"display_.*": "nobody schedules by it",
    r"ecc_errors_.*_(device_memory|dram|sram.*|register_file|l._cache|texture_memory|cbu)": "totals only",
    r"ecc_mode_pending|mig_mode_pending": "not in force",
    r"encoder_stats_.*|utilization_(jpeg|ofa)_ratio": "beyond O1",
    r"edpp_multiplier_ratio|power_smoothing_.*|module_.*": "rack-scale boards only",
    r"fabric_.*|platform_.*": "rack-scale boards only",
    r"inforom_.*|pci_.*": "identity",
    r"memory_reserved_bytes": "total less used less free",
    r"pcie_link_gen_(gpucurrent|gpumax|hostmax)": "one generation of the link is enough",
    r"remapped_rows_(histogram_.*|.*_inactive)": "beyond O1",
}


def _over(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


@over(METRICS)
def test_a_captures_sensors_are_those_published_with_it(path: Path) -> None:
    state = path.name.partition(".")[0]
    wanted: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for metric in metrics_of(path):
        if (uuid := metric.labels.get("uuid")) is not None:
            wanted[uuid][metric.name.removeprefix("nvidia_smi_")] = metric.value
    text = (path.parent / f"{state}.query-gpu.csv").read_text()
    for gpu in parse_gpus(text).gpus:
        assert gpu.sensors is not None
        metrics = wanted[gpu.uuid.removeprefix("GPU-")]
        for name, read in MAPPED.items():
            expected = metrics.get(name)
            value = read(gpu.sensors)
            assert value == (None if expected is None else pytest.approx(expected)), name


def test_nothing_is_both_exposed_and_not() -> None:
    assert not [name for name in MAPPED for pattern in NOT_EXPOSED if re.fullmatch(pattern, name)]


@over(XML)
def test_xml_sensors(path: Path) -> None:
    data = bytes_of(path)
    for gpu, node in zip(parse_xml(data).gpus, ET.fromstring(data).findall("gpu"), strict=True):
        check_xml(gpu, node)


def check_xml(gpu: Gpu, node: ET.Element) -> None:
    sensors = gpu.sensors
    assert sensors is not None
    state = (node.findtext("performance_state") or "").strip()
    assert sensors.performance_state == (int(state[1:]) if re.fullmatch(r"P\d+", state) else None)
    for place, value, scale in [
        ("clocks/sm_clock", sensors.sm_clock_hertz, 1e6),
        ("clocks/mem_clock", sensors.memory_clock_hertz, 1e6),
        ("max_clocks/video_clock", sensors.video_clock_max_hertz, 1e6),
        ("utilization/memory_util", sensors.memory_utilization_percent, 1),
        ("temperature/memory_temp", sensors.memory_temperature_celsius, 1),
        ("temperature/gpu_temp_slow_threshold", sensors.slowdown_temperature_celsius, 1),
        ("bar1_memory_usage/used", sensors.bar1_used_bytes, 2**20),
        ("pci/replay_counter", sensors.pcie_replay_count, 1),
        ("pci/tx_util", sensors.pcie_sent_bytes_per_second, 1000),
        ("pci/pci_gpu_link_info/pcie_gen/current_link_gen", sensors.pcie_generation, 1),
        ("pci/pci_gpu_link_info/pcie_gen/max_link_gen", sensors.pcie_generation_max, 1),
        ("remapped_rows/remapped_row_unc", sensors.remapped_rows_uncorrectable, 1),
        ("retired_pages/double_bit_retirement/retired_count", sensors.retired_pages_double_bit, 1),
    ]:
        text = spoken(node, place)
        assert value == (None if text is None else float(text.split()[0]) * scale), place
    active = {child.tag for name in ("clocks_event_reasons", "clocks_throttle_reasons")
              for child in node.findall(f"{name}/*") if child.text == "Active"}  # fmt: skip
    assert len(sensors.throttle_reasons or ()) == len(active)
    memory = [node.findtext(f"ecc_errors/volatile/{part}_correctable") for part in ("sram", "dram")]
    if all(text and text.isdigit() for text in memory):
        assert sensors.ecc_corrected_volatile == sum(int(text or "") for text in memory)


@over(METRICS)
def test_an_arbiters_query_of_the_same_capture_has_no_sensors(path: Path) -> None:
    """It is polled, so it must stay as cheap as it was."""
    text = (path.parent / f"{path.name.partition('.')[0]}.query-gpu.csv").read_text()
    titles, *rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    names = [title.partition(" [")[0] for title in titles]
    kept = [at for at, name in enumerate(names) if name in GPU_FIELDS]
    lean = "\n".join(", ".join(row[at] for at in kept) for row in rows)
    gpus = parse_gpus(lean, [names[at] for at in kept]).gpus
    assert len(gpus) == len(rows)
    assert all(gpu.sensors is None for gpu in gpus)
