"""One card's sensors through NVML: a table of what to ask, and how often.

Called by `nvml` for each card of a full read. What changes from moment to moment is read each time; what
stands still for weeks, or costs the driver more (identity, limits, error counters, NVLinks), every ten
seconds. So are energy, for which an H100's driver took 3.4 ms, and the margin of temperature, 1.1 ms: more
than all that is read each time. No sensor makes a card count as broken: that is for `nvml_card`, by what
every card has.
"""

import ctypes
import struct
from collections.abc import Mapping
from typing import Any

from sentinel.core.gpu_sensors import GpuSensors, NvLink, ThrottleReason, throttle_reasons
from sentinel.drivers.gpus.nvml_direct import OK, Ask, Direct

REREAD_SECONDS = 10.0

_MEGA, _MILLI = 1e6, 1e-3
_TOO_SMALL = frozenset((7,))  # of a list that we want the length of: no error
_UNUSED = ctypes.c_uint()
_PERIOD = (ctypes.byref(_UNUSED),)

# Field of GpuSensors → what to ask and what to multiply it with. Clock types and the like are NVML's enums.
_FAST: tuple[tuple[str, Ask, float], ...] = (
    ("graphics_clock_hertz", Ask("nvmlDeviceGetClockInfo", (0,)), _MEGA),
    ("sm_clock_hertz", Ask("nvmlDeviceGetClockInfo", (1,)), _MEGA),
    ("memory_clock_hertz", Ask("nvmlDeviceGetClockInfo", (2,)), _MEGA),
    ("video_clock_hertz", Ask("nvmlDeviceGetClockInfo", (3,)), _MEGA),
    ("performance_state", Ask("nvmlDeviceGetPerformanceState"), 1),
    ("encoder_utilization_percent", Ask("nvmlDeviceGetEncoderUtilization", after=_PERIOD), 1),
    ("decoder_utilization_percent", Ask("nvmlDeviceGetDecoderUtilization", after=_PERIOD), 1),
    ("pcie_generation", Ask("nvmlDeviceGetCurrPcieLinkGeneration"), 1),
    ("pcie_width", Ask("nvmlDeviceGetCurrPcieLinkWidth"), 1),
)
_SLOW: tuple[tuple[str, Ask, float], ...] = (
    ("energy_joules", Ask("nvmlDeviceGetTotalEnergyConsumption", wide=True), _MILLI),
    ("graphics_clock_max_hertz", Ask("nvmlDeviceGetMaxClockInfo", (0,)), _MEGA),
    ("sm_clock_max_hertz", Ask("nvmlDeviceGetMaxClockInfo", (1,)), _MEGA),
    ("memory_clock_max_hertz", Ask("nvmlDeviceGetMaxClockInfo", (2,)), _MEGA),
    ("video_clock_max_hertz", Ask("nvmlDeviceGetMaxClockInfo", (3,)), _MEGA),
    ("shutdown_temperature_celsius", Ask("nvmlDeviceGetTemperatureThreshold", (0,)), 1),
    ("slowdown_temperature_celsius", Ask("nvmlDeviceGetTemperatureThreshold", (1,)), 1),
    ("power_limit_set_watts", Ask("nvmlDeviceGetPowerManagementLimit"), _MILLI),
    ("power_limit_default_watts", Ask("nvmlDeviceGetPowerManagementDefaultLimit"), _MILLI),
    ("ecc_corrected_volatile", Ask("nvmlDeviceGetTotalEccErrors", (0, 0), wide=True), 1),
    ("ecc_uncorrected_volatile", Ask("nvmlDeviceGetTotalEccErrors", (1, 0), wide=True), 1),
    ("ecc_corrected_aggregate", Ask("nvmlDeviceGetTotalEccErrors", (0, 1), wide=True), 1),
    ("ecc_uncorrected_aggregate", Ask("nvmlDeviceGetTotalEccErrors", (1, 1), wide=True), 1),
    ("retired_pages_single_bit", Ask("nvmlDeviceGetRetiredPages", (0,), (None,), also=_TOO_SMALL), 1),
    ("retired_pages_double_bit", Ask("nvmlDeviceGetRetiredPages", (1,), (None,), also=_TOO_SMALL), 1),
    ("pcie_generation_max", Ask("nvmlDeviceGetMaxPcieLinkGeneration"), 1),
    ("pcie_width_max", Ask("nvmlDeviceGetMaxPcieLinkWidth"), 1),
    ("pcie_replay_count", Ask("nvmlDeviceGetPcieReplayCounter"), 1),
    ("minor_number", Ask("nvmlDeviceGetMinorNumber"), 1),
)
_FLAGS: tuple[tuple[str, Ask], ...] = (
    ("ecc_enabled", Ask("nvmlDeviceGetEccMode", after=_PERIOD)),
    ("retired_pages_pending", Ask("nvmlDeviceGetRetiredPagesPendingStatus")),
    ("persistence_mode", Ask("nvmlDeviceGetPersistenceMode")),
)
_PCIE_THROUGHPUT = (  # in KB/s; the driver measures for 20 ms meanwhile
    ("pcie_sent_bytes_per_second", Ask("nvmlDeviceGetPcieThroughput", (0,))),
    ("pcie_received_bytes_per_second", Ask("nvmlDeviceGetPcieThroughput", (1,))),
)
_THROTTLE = Ask("nvmlDeviceGetCurrentClocksEventReasons", wide=True)
_THROTTLE_OLD = Ask("nvmlDeviceGetCurrentClocksThrottleReasons", wide=True)
_FANS, _COMPUTE_MODE, _BRAND = (Ask(f"nvmlDeviceGet{what}") for what in ("NumFans", "ComputeMode", "Brand"))

_MEMORY_TEMPERATURE, _POWER_AVERAGE, _POWER_INSTANT, _LINK_COUNT = 82, 185, 186, 91
_FAST_FIELDS = (_MEMORY_TEMPERATURE, _POWER_AVERAGE, _POWER_INSTANT)
_THROTTLED = {  # field → for what, in nanoseconds
    74: ThrottleReason.SW_POWER_CAP,
    76: ThrottleReason.SYNC_BOOST,
    269: ThrottleReason.SW_THERMAL_SLOWDOWN,
    270: ThrottleReason.HW_THERMAL_SLOWDOWN,
    271: ThrottleReason.HW_POWER_BRAKE,
}
_SLOW_FIELDS = (_LINK_COUNT, *_THROTTLED)
_MOST_LINKS, _MOST_FANS, _NO_STATE = 64, 32, 32

_MARGIN = struct.Struct("=Ii")
_MARGIN_VERSION = _MARGIN.size | 1 << 24
_COMPUTE_MODES = ("default", "exclusive_thread", "prohibited", "exclusive_process")
_BRANDS = {
    1: "Quadro",
    2: "Tesla",
    3: "NVS",
    4: "GRID",
    5: "GeForce",
    6: "Titan",
    7: "NVIDIA vApps",
    8: "NVIDIA vPC",
    9: "NVIDIA vCS",
    10: "NVIDIA vWS",
    11: "NVIDIA Cloud Gaming",
    12: "Quadro RTX",
    13: "NVIDIA RTX",
    14: "NVIDIA",
    15: "GeForce RTX",
    16: "Titan RTX",
}


class CardSensors:
    """The sensors of the card behind `direct`; one for as long as the card is open.

    `pcie_throughput`: whether to measure PCIe traffic, which blocks for some 40 ms a card and read.
    """

    def __init__(self, direct: Direct, *, pcie_throughput: bool = False) -> None:
        self._direct = direct
        self._pcie_throughput = pcie_throughput
        self._slow: dict[str, Any] = {}
        self._slow_at: float | None = None
        self._fans: tuple[Ask, ...] | None = None
        self._margin = ctypes.create_string_buffer(_MARGIN.size)

    def read(self, now: float, memory_percent: float | None) -> GpuSensors:
        """All of them; `now` in seconds since boot. `memory_percent` comes with the card's utilisation.

        Raises NVMLError when the driver is gone.
        """
        if self._slow_at is None or not 0 <= now - self._slow_at < REREAD_SECONDS:
            self._slow = self._read_slow()
            self._slow_at = now
        number = self._direct.number
        found: dict[str, Any] = dict(self._slow)
        for field, ask, scale in _FAST:
            value = number(ask)
            if value is not None:
                found[field] = _scaled(value, scale)
        self._read_power_and_heat(found)
        if self._pcie_throughput:
            for field, ask in _PCIE_THROUGHPUT:
                found[field] = _scaled(number(ask), 1000)
        if found.get("performance_state") == _NO_STATE:
            found["performance_state"] = None
        for field in ("encoder_utilization_percent", "decoder_utilization_percent"):
            found[field] = _percent(found.get(field))
        found["memory_utilization_percent"] = memory_percent
        return GpuSensors(**found)

    def _read_power_and_heat(self, found: dict[str, Any]) -> None:
        direct = self._direct
        mask = direct.number(_THROTTLE)
        mask = direct.number(_THROTTLE_OLD) if mask is None else mask
        found["throttle_reasons"] = None if mask is None else throttle_reasons(mask)
        if self._fans is not None:
            found["fans_percent"] = tuple(direct.number(fan) for fan in self._fans)
        given = direct.fields(_FAST_FIELDS)
        found["memory_temperature_celsius"] = given.get(_MEMORY_TEMPERATURE)
        found["power_average_watts"] = _scaled(given.get(_POWER_AVERAGE), _MILLI)
        found["power_instant_watts"] = _scaled(given.get(_POWER_INSTANT), _MILLI)

    def _read_slow(self) -> dict[str, Any]:
        direct = self._direct
        found: dict[str, Any] = {}
        for field, ask, scale in _SLOW:
            found[field] = _scaled(direct.number(ask), scale)
        for field, ask in _FLAGS:
            value = direct.number(ask)
            found[field] = None if value is None else bool(value)
        fans = direct.number(_FANS)
        if fans is not None:
            each = range(min(fans, _MOST_FANS))
            self._fans = tuple(Ask("nvmlDeviceGetFanSpeed_v2", (fan,)) for fan in each)
        mode, brand = direct.number(_COMPUTE_MODE), direct.number(_BRAND)
        found["compute_mode"] = None if mode is None or mode >= len(_COMPUTE_MODES) else _COMPUTE_MODES[mode]
        found["brand"] = None if brand is None else _BRANDS.get(brand)
        found["serial"] = direct.text("nvmlDeviceGetSerial")
        found["vbios_version"] = direct.text("nvmlDeviceGetVbiosVersion")
        given = direct.fields(_SLOW_FIELDS)
        throttled = {why: given[field] / 1e9 for field, why in _THROTTLED.items() if field in given}
        found["throttle_seconds"] = throttled or None
        found["nvlinks"] = self._nvlinks(given)
        return found | self._temperature_margin() | self._remapped_rows() | self._power_range() | self._bar1()

    def _temperature_margin(self) -> dict[str, Any]:
        _MARGIN.pack_into(self._margin, 0, _MARGIN_VERSION, 0)
        name = "nvmlDeviceGetMarginTemperature"
        if self._direct.call(name, name, self._margin) != OK:
            return {}
        return {"temperature_margin_celsius": _MARGIN.unpack(self._margin.raw)[1]}

    def _remapped_rows(self) -> dict[str, Any]:
        counts = [ctypes.c_uint() for _ in range(4)]
        name = "nvmlDeviceGetRemappedRows"
        if self._direct.call(name, name, *(ctypes.byref(count) for count in counts)) != OK:
            return {}
        correctable, uncorrectable, pending, failure = (count.value for count in counts)
        return {
            "remapped_rows_correctable": correctable,
            "remapped_rows_uncorrectable": uncorrectable,
            "remapped_rows_pending": bool(pending),
            "remapped_rows_failure": bool(failure),
        }

    def _power_range(self) -> dict[str, Any]:
        least, most = ctypes.c_uint(), ctypes.c_uint()
        name = "nvmlDeviceGetPowerManagementLimitConstraints"
        if self._direct.call(name, name, ctypes.byref(least), ctypes.byref(most)) != OK:
            return {}
        return {"power_limit_min_watts": least.value / 1000, "power_limit_max_watts": most.value / 1000}

    def _bar1(self) -> dict[str, Any]:
        sizes = (ctypes.c_ulonglong * 3)()  # total, free, used
        name = "nvmlDeviceGetBAR1MemoryInfo"
        if self._direct.call(name, name, ctypes.byref(sizes)) != OK:
            return {}
        return {"bar1_total_bytes": sizes[0], "bar1_used_bytes": sizes[2]}

    def _nvlinks(self, given: Mapping[int, float]) -> tuple[NvLink, ...] | None:
        count = given.get(_LINK_COUNT)
        if count is None:
            return None
        return tuple(self._nvlink(link) for link in range(min(int(count), _MOST_LINKS)))

    def _nvlink(self, link: int) -> NvLink:
        number = self._direct.number
        active = number(Ask("nvmlDeviceGetNvLinkState", (link,)))
        replay, recovery, flit, data = (
            number(Ask("nvmlDeviceGetNvLinkErrorCounter", (link, kind), wide=True)) for kind in range(4)
        )
        return NvLink(
            link=link,
            active=None if active is None else bool(active),
            version=number(Ask("nvmlDeviceGetNvLinkVersion", (link,))),
            replay_errors=replay,
            recovery_errors=recovery,
            crc_flit_errors=flit,
            crc_data_errors=data,
        )


def _scaled(value: float | None, scale: float) -> float | None:
    if value is None or scale == 1:
        return value
    return value / 1000 if scale == _MILLI else value * scale  # exact, for what is in thousandths


def _percent(value: float | None) -> float | None:
    return None if value is None or value > 100 else float(value)
