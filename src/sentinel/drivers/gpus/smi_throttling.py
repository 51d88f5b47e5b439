"""Why the clocks are lower, and for how long they have been, as `nvidia-smi` prints it. Pure.

Called by `smi_sensors`. Until driver 535 or so the same reasons were called throttle reasons.
"""

from collections.abc import Callable, Iterable, Mapping

from sentinel.core.gpu_sensors import ThrottleReason, throttle_reasons
from sentinel.drivers.gpus import smi_values as values
from sentinel.drivers.gpus.smi_document import Node

# Reason → its name in the CSV, in the XML, and where its time is counted in either.
_REASONS: Mapping[ThrottleReason, tuple[str, str, str, str]] = {
    ThrottleReason.GPU_IDLE: ("gpu_idle", "gpu_idle", "", ""),
    ThrottleReason.APPLICATIONS_CLOCKS: (
        "applications_clocks_setting",
        "applications_clocks_setting",
        "",
        "",
    ),
    ThrottleReason.SW_POWER_CAP: ("sw_power_cap", "sw_power_cap", "sw_power_cap", "sw_power_cap"),
    ThrottleReason.HW_SLOWDOWN: ("hw_slowdown", "hw_slowdown", "", ""),
    ThrottleReason.SYNC_BOOST: ("sync_boost", "sync_boost", "sync_boost", "sync_boost"),
    ThrottleReason.SW_THERMAL_SLOWDOWN: (
        "sw_thermal_slowdown",
        "sw_thermal_slowdown",
        "sw_thermal_slowdown",
        "sw_therm_slowdown",
    ),
    ThrottleReason.HW_THERMAL_SLOWDOWN: (
        "hw_thermal_slowdown",
        "hw_thermal_slowdown",
        "hw_thermal_slowdown",
        "hw_therm_slowdown",
    ),
    ThrottleReason.HW_POWER_BRAKE: (
        "hw_power_brake_slowdown",
        "hw_power_brake_slowdown",
        "hw_power_brake_slowdown",
        "hw_power_brake",
    ),
    ThrottleReason.DISPLAY_CLOCKS: ("display_clock_setting", "display_clocks_setting", "", ""),
}
_ERAS = ("event", "throttle")

Reasons = frozenset[ThrottleReason]
_Look = Callable[[str], str | None]


def active_in_row(row: Mapping[str, str]) -> Reasons | None:
    """The reasons that hold, by NVML's mask where it was asked for; None when none was."""
    for era in _ERAS:
        raw = row.get(f"clocks_{era}_reasons.active", "").strip().lower()
        if raw.startswith("0x") and 2 < len(raw) <= 18 and all(one in "0123456789abcdef" for one in raw[2:]):
            return throttle_reasons(int(raw, 16))
    names = {
        why: [f"clocks_{era}_reasons.{name}" for era in _ERAS] for why, (name, _, _, _) in _REASONS.items()
    }
    return _active(names, row.get)


def seconds_in_row(row: Mapping[str, str]) -> dict[ThrottleReason, float] | None:
    """For how long each has held so far, of those that are counted."""
    place = "clocks_event_reasons_counters."
    return _seconds({why: f"{place}{name}" for why, (_, _, name, _) in _REASONS.items() if name}, row.get)


def active_in_node(node: Node) -> Reasons | None:
    """The same, of a `<gpu>` of the XML."""
    names = {
        why: [f"clocks_{era}_reasons/clocks_{era}_reason_{name}" for era in _ERAS]
        for why, (_, name, _, _) in _REASONS.items()
    }
    return _active(names, node.value)


def seconds_in_node(node: Node) -> dict[ThrottleReason, float] | None:
    """The same, of a `<gpu>` of the XML."""
    place = "clocks_event_reasons_counters/clocks_event_reasons_counters_"
    return _seconds({why: f"{place}{name}" for why, (_, _, _, name) in _REASONS.items() if name}, node.value)


def _active(names: Mapping[ThrottleReason, Iterable[str]], look: _Look) -> Reasons | None:
    said = {why: [(look(place) or "").strip() for place in places] for why, places in names.items()}
    if not any(word in ("Active", "Not Active") for words in said.values() for word in words):
        return None
    return frozenset(why for why, words in said.items() if "Active" in words)


def _seconds(names: Mapping[ThrottleReason, str], look: _Look) -> dict[ThrottleReason, float] | None:
    spent = {why: values.number(look(name), "us") for why, name in names.items()}
    return {why: time / 1e6 for why, time in spent.items() if time is not None} or None
