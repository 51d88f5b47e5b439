"""A full read through the real nvidia-ml-py on the stand-in library: sensors, shares, and what it costs."""

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from tests.fakes.cards import DESKTOP, SERVER, Card, Link, Occupant, Slice, cards
from tests.fakes.nvml_stand_in import NvmlStandIn

from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import Gpu, GpuProcess, ProcessKind
from sentinel.core.gpu_json import gpu_json
from sentinel.core.gpu_sensors import GpuSensors, NvLink, ThrottleReason
from sentinel.drivers.gpus.nvml import NvmlGpus

pytestmark = pytest.mark.cc
GIB = 2**30


class Clock:
    """Both clocks of a source."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.today = 1_700_000_000.0

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.today += seconds

    @property
    def microseconds(self) -> int:
        return int(self.today * 1e6)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source(nvml: NvmlStandIn, clock: Clock) -> Iterator[NvmlGpus]:
    opened = NvmlGpus(full=True, now=lambda: clock.now, today=lambda: clock.today)
    yield opened
    opened.close()


def only(source: NvmlGpus) -> Gpu:
    (gpu,) = source.read().gpus
    return gpu


def sensors(source: NvmlGpus) -> GpuSensors:
    found = only(source).sensors
    assert found is not None
    return found


SERVER_CARD = Card(
    sensors=SERVER, serial="1650123", vbios="96.00.A5", links=(Link(replay=3, flit=2), Link(active=0))
)


def test_a_server_card(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([replace(SERVER_CARD, utilization=80, limit_milliwatts=350_000)])
    assert sensors(source) == GpuSensors(
        performance_state=0,
        sm_clock_hertz=1975e6,
        memory_clock_hertz=2619e6,
        graphics_clock_hertz=1980e6,
        video_clock_hertz=1545e6,
        sm_clock_max_hertz=1981e6,
        memory_clock_max_hertz=2620e6,
        graphics_clock_max_hertz=1985e6,
        video_clock_max_hertz=1546e6,
        throttle_reasons=frozenset({ThrottleReason.SW_POWER_CAP}),
        throttle_seconds={
            ThrottleReason.SW_POWER_CAP: 3.0,
            ThrottleReason.SYNC_BOOST: 0.0,
            ThrottleReason.SW_THERMAL_SLOWDOWN: 1.5,
            ThrottleReason.HW_THERMAL_SLOWDOWN: 0.0,
            ThrottleReason.HW_POWER_BRAKE: 0.0,
        },
        memory_utilization_percent=40,
        encoder_utilization_percent=3,
        decoder_utilization_percent=4,
        memory_temperature_celsius=54,
        slowdown_temperature_celsius=89,
        shutdown_temperature_celsius=92,
        temperature_margin_celsius=26,
        power_instant_watts=625.68,
        power_average_watts=631.95,
        power_limit_set_watts=350,
        power_limit_default_watts=700,
        power_limit_min_watts=200,
        power_limit_max_watts=700,
        energy_joules=123_456.789,
        ecc_enabled=True,
        ecc_corrected_volatile=11,
        ecc_uncorrected_volatile=12,
        ecc_corrected_aggregate=13,
        ecc_uncorrected_aggregate=14,
        remapped_rows_correctable=5,
        remapped_rows_uncorrectable=6,
        remapped_rows_pending=True,
        remapped_rows_failure=False,
        pcie_generation=4,
        pcie_generation_max=5,
        pcie_width=8,
        pcie_width_max=16,
        pcie_replay_count=7,
        nvlinks=(
            NvLink(link=0, active=True, version=7, replay_errors=3, recovery_errors=0, crc_flit_errors=2),
            NvLink(link=1, active=False, version=7, replay_errors=0, recovery_errors=0, crc_flit_errors=0),
        ),
        bar1_total_bytes=128 * GIB,
        bar1_used_bytes=2**20,
        persistence_mode=True,
        compute_mode="exclusive_process",
        minor_number=0,
        serial="1650123",
        vbios_version="96.00.A5",
        brand="NVIDIA",
    )


def test_a_desktop_card(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([Card(sensors=DESKTOP, fan=30)])
    found = sensors(source)
    assert found.fans_percent == (30, 31)
    assert (found.retired_pages_single_bit, found.retired_pages_double_bit) == (3, 2)
    assert found.retired_pages_pending is False
    assert (found.performance_state, found.brand, found.compute_mode) == (8, "GeForce", "default")
    assert found.throttle_reasons == {ThrottleReason.GPU_IDLE}
    assert found.ecc_enabled is None
    assert found.nvlinks is None


def test_a_card_without_sensors_has_none(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([Card()])
    known = {"memory_utilization_percent", "minor_number", "power_limit_set_watts"}
    found = sensors(source)
    assert {one.name for one in fields(GpuSensors) if getattr(found, one.name) is not None} == known


def test_a_lean_read_has_none_and_asks_for_none(nvml: NvmlStandIn) -> None:
    gone = {"nvmlDeviceGetPerformanceState": 15, "nvmlDeviceGetFieldValues": 1}
    nvml.show([replace(SERVER_CARD, errors=gone)])
    source = NvmlGpus()
    assert only(source).sensors is None
    source.close()


# What each sensor is asked with → the fields that go without it.
ALONE = {
    "nvmlDeviceGetPerformanceState": {"performance_state"},
    "nvmlDeviceGetEncoderUtilization": {"encoder_utilization_percent"},
    "nvmlDeviceGetTotalEnergyConsumption": {"energy_joules"},
    "nvmlDeviceGetEccMode": {"ecc_enabled"},
    "nvmlDeviceGetRemappedRows": {f"remapped_rows_{one}" for one in
                                  ("correctable", "uncorrectable", "pending", "failure")},
    "nvmlDeviceGetPowerManagementLimitConstraints": {"power_limit_min_watts", "power_limit_max_watts"},
    "nvmlDeviceGetBAR1MemoryInfo": {"bar1_total_bytes", "bar1_used_bytes"},
    "nvmlDeviceGetMarginTemperature": {"temperature_margin_celsius"},
    "nvmlDeviceGetFieldValues": {"memory_temperature_celsius", "power_average_watts", "power_instant_watts",
                                 "nvlinks", "throttle_seconds"},
    "nvmlDeviceGetCurrentClocksEventReasons": set(),  # the older name answers
    "nvmlDeviceGetSerial": {"serial"},
    "nvmlDeviceGetPersistenceMode": {"persistence_mode"},
    "nvmlDeviceGetCurrPcieLinkWidth": {"pcie_width"},
}  # fmt: skip


@pytest.mark.parametrize("code", [2, 3, 4, 13, 999])
@pytest.mark.parametrize(("function", "without"), ALONE.items())
def test_one_sensor_missing_is_no_more_than_that(
    nvml: NvmlStandIn, source: NvmlGpus, function: str, without: set[str], code: int
) -> None:
    nvml.show([SERVER_CARD])
    whole = sensors(source)
    source.close()
    nvml.show([replace(SERVER_CARD, errors={function: code})])
    gpu = only(source)
    assert gpu.error is None
    changed = {one.name for one in fields(GpuSensors)
               if getattr(gpu.sensors, one.name) != getattr(whole, one.name)}  # fmt: skip
    assert changed == without
    assert all(getattr(gpu.sensors, name) is None for name in without)


def test_a_library_older_than_a_function(
    nvml: NvmlStandIn, source: NvmlGpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentinel.drivers.gpus import nvml_sensors

    nvml.show([SERVER_CARD])
    monkeypatch.setattr(nvml_sensors, "_BRAND", replace(nvml_sensors._BRAND, function="nvmlNotYetInvented"))
    assert sensors(source).brand is None


def test_what_is_not_supported_is_asked_again_after_a_minute(
    nvml: NvmlStandIn, source: NvmlGpus, clock: Clock
) -> None:
    without = {name: SERVER[name] for name in SERVER if name != "pstate"}
    nvml.show([replace(SERVER_CARD, sensors=without)])
    assert sensors(source).performance_state is None
    nvml.show([SERVER_CARD])
    clock.pass_(59)
    assert sensors(source).performance_state is None
    clock.pass_(1)
    assert sensors(source).performance_state == 0


def test_an_unknown_error_is_asked_about_again_at_once(
    nvml: NvmlStandIn, source: NvmlGpus, clock: Clock
) -> None:
    nvml.show([replace(SERVER_CARD, errors={"nvmlDeviceGetPerformanceState": 999})])
    assert sensors(source).performance_state is None
    nvml.show([SERVER_CARD])
    clock.pass_(1)
    assert sensors(source).performance_state == 0


def test_what_stands_still_or_is_dear_is_read_every_ten_seconds(
    nvml: NvmlStandIn, source: NvmlGpus, clock: Clock
) -> None:
    nvml.show([SERVER_CARD])
    sensors(source)
    changed = {"ecc_corrected_volatile": 99, "clock_sm": 100, "energy": 5000, "margin": 3}
    nvml.show([replace(SERVER_CARD, sensors=SERVER | changed)])
    clock.pass_(9)
    found = sensors(source)
    assert (found.ecc_corrected_volatile, found.sm_clock_hertz) == (11, 100e6)
    assert (found.energy_joules, found.temperature_margin_celsius) == (123_456.789, 26), "dear ones, too"
    clock.pass_(1)
    found = sensors(source)
    assert (found.ecc_corrected_volatile, found.energy_joules, found.temperature_margin_celsius) == (99, 5, 3)


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("pstate", 32, "performance_state"),
        ("clock_sm", 0xFFFFFFFF, "sm_clock_hertz"),
        ("memory_temperature", 2**63 - 1, None),
        ("encoder", 101, "encoder_utilization_percent"),
        ("energy", -1, "energy_joules"),
        ("compute_mode", 17, "compute_mode"),
        ("brand", 99, "brand"),
    ],
)
def test_values_that_are_none(
    nvml: NvmlStandIn, source: NvmlGpus, name: str, value: int, field: str | None
) -> None:
    nvml.show([replace(SERVER_CARD, sensors=SERVER | {name: value})])
    found = sensors(source)
    assert field is None or getattr(found, field) is None


def test_pcie_traffic_is_measured_on_request(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([SERVER_CARD])
    assert sensors(source).pcie_sent_bytes_per_second is None
    asking = NvmlGpus(full=True, pcie_throughput=True)
    found = sensors(asking)
    assert (found.pcie_sent_bytes_per_second, found.pcie_received_bytes_per_second) == (1e6, 2e6)
    asking.close()


def test_a_lost_card_has_its_error_and_the_others_their_sensors(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    first, second = (replace(card, sensors=SERVER) for card in cards(2))
    nvml.show([first, replace(second, errors={"*": 15})])
    good, bad = source.read().gpus
    assert good.sensors is not None
    assert good.sensors.performance_state == 0
    assert "lost" in (bad.error or "")
    assert bad.sensors is None or bad.sensors == GpuSensors()


@pytest.mark.parametrize("code", [1, 9, 18])
def test_a_driver_that_goes_in_the_middle_is_told(nvml: NvmlStandIn, source: NvmlGpus, code: int) -> None:
    nvml.show([replace(SERVER_CARD, errors={"nvmlDeviceGetPerformanceState": code})])
    with pytest.raises(GpuReadError):
        source.read()
    nvml.show([SERVER_CARD])
    assert sensors(source).performance_state == 0


def test_shares_of_processes(nvml: NvmlStandIn, source: NvmlGpus, clock: Clock) -> None:
    seen = clock.microseconds
    busy = Occupant(pid=41, memory_mib=100, sm=70, memory_busy=20, seen_us=seen)
    bogus = Occupant(pid=0, letters="", sm=50, seen_us=seen)
    nvml.show([SERVER_CARD.having(busy, Occupant(pid=42, letters="C+G", memory_mib=1), bogus)])
    assert only(source).processes == (
        GpuProcess(pid=41, kind=ProcessKind.COMPUTE, memory_bytes=100 * 2**20, name="python",
                   utilization_percent=70, memory_utilization_percent=20),
        GpuProcess(pid=42, kind=ProcessKind.BOTH, memory_bytes=2**20, name="python",
                   utilization_percent=0, memory_utilization_percent=0),
    )  # fmt: skip


def shares(source: NvmlGpus) -> list[float | None]:
    return [one.utilization_percent for one in only(source).processes or ()]


def test_a_share_holds_for_two_seconds_without_news(
    nvml: NvmlStandIn, source: NvmlGpus, clock: Clock
) -> None:
    busy = Occupant(pid=41, memory_mib=100, sm=70, seen_us=clock.microseconds)
    nvml.show([SERVER_CARD.having(busy)])
    assert shares(source) == [70]
    clock.pass_(0.5)
    assert shares(source) == [70]
    clock.pass_(2)
    assert shares(source) == [0]
    nvml.show([SERVER_CARD.having(replace(busy, sm=30, seen_us=clock.microseconds))])
    clock.pass_(0.5)
    assert shares(source) == [30]


def test_old_samples_say_nothing(nvml: NvmlStandIn, source: NvmlGpus, clock: Clock) -> None:
    """The driver keeps them for as long as it likes; and what it has never shown is unknown, not idle."""
    nvml.show([SERVER_CARD.having(Occupant(pid=41, sm=70, seen_us=clock.microseconds - 10_000_000))])
    assert shares(source) == [None]


def test_the_clock_set_back_stops_nothing(nvml: NvmlStandIn, source: NvmlGpus, clock: Clock) -> None:
    nvml.show([SERVER_CARD.having(Occupant(pid=41, sm=70, seen_us=clock.microseconds))])
    assert shares(source) == [70]
    clock.now += 5
    clock.today -= 3600
    nvml.show([SERVER_CARD.having(Occupant(pid=41, sm=30, seen_us=clock.microseconds))])
    assert shares(source) == [30]


def test_shares_that_cannot_be_had_are_unknown(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    card = replace(SERVER_CARD, errors={"nvmlDeviceGetProcessUtilization": 3})
    nvml.show([card.having(Occupant(pid=41, sm=70))])
    assert shares(source) == [None]


def test_what_a_client_of_mps_does_is_unknown(nvml: NvmlStandIn, source: NvmlGpus, clock: Clock) -> None:
    """As seen on an H100: the driver tells all of it of the server. A client may stand in both lists."""
    server = Occupant(pid=40, name="nvidia-cuda-mps-server", sm=99, seen_us=clock.microseconds)
    nvml.show([SERVER_CARD.having(server, Occupant(pid=41, letters="M"), Occupant(pid=42, letters="M+C"))])
    assert shares(source) == [99, None, None]


def test_how_busy_processes_are_is_not_asked_of_an_empty_card(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    card = replace(SERVER_CARD, errors={"nvmlDeviceGetProcessUtilization": 9})
    nvml.show([card])
    assert only(source).processes == ()
    nvml.show([card.having(Occupant(pid=41))])
    with pytest.raises(GpuReadError):
        only(source)


def test_more_processes_than_there_was_room_for(nvml: NvmlStandIn, source: NvmlGpus, clock: Clock) -> None:
    many = [Occupant(pid=pid, memory_mib=1, sm=1, seen_us=clock.microseconds) for pid in range(1, 301)]
    nvml.show([SERVER_CARD.having(*many)])
    assert [one.pid for one in only(source).processes or ()] == list(range(1, 301))
    clock.pass_(1)
    nvml.show([SERVER_CARD.having(*many[:3])])
    assert [one.pid for one in only(source).processes or ()] == [1, 2, 3]


def test_a_process_that_becomes_another_program(nvml: NvmlStandIn, source: NvmlGpus, clock: Clock) -> None:
    nvml.show([SERVER_CARD.having(Occupant(pid=41, name="bash"))])
    assert [one.name for one in only(source).processes or ()] == ["bash"]
    nvml.show([SERVER_CARD.having(Occupant(pid=41, name="python"))])
    clock.pass_(10)
    assert [one.name for one in only(source).processes or ()] == ["python"]


def test_a_list_that_is_not_to_be_had_is_unknown_and_older_calls_still_answer(
    nvml: NvmlStandIn, source: NvmlGpus
) -> None:
    card = SERVER_CARD.having(Occupant(pid=41))
    older = {"nvmlDeviceGetComputeRunningProcesses_v3": 13}
    nvml.show([replace(card, errors=older)])
    assert [one.pid for one in only(source).processes or ()] == [41]
    nvml.show([replace(card, errors=older | {"nvmlDeviceGetComputeRunningProcesses_v2": 4})])
    assert only(source).processes is None


def test_no_graphics_list_is_no_loss(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    gone = {"nvmlDeviceGetGraphicsRunningProcesses_v3": 3, "nvmlDeviceGetMPSComputeRunningProcesses_v3": 13}
    nvml.show([replace(SERVER_CARD, errors=gone).having(Occupant(pid=41))])
    for _ in range(2):
        assert [one.pid for one in only(source).processes or ()] == [41]


def test_mig(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    parts = (Slice(uuid="MIG-1", gpu_instance=7), Slice(uuid="MIG-2", gpu_instance=8))
    card = replace(SERVER_CARD, mig=True, slices=parts)
    nvml.show([card.having(Occupant(pid=41, memory_mib=5, slice=1, sm=50))])
    gpu = only(source)
    assert gpu.utilization_percent is None
    assert gpu.sensors is not None
    assert gpu.sensors.memory_utilization_percent is None
    assert [(one.pid, one.mig_uuid, one.utilization_percent) for one in gpu.processes or ()] == [
        (41, "MIG-2", None)
    ]


def test_full_and_lean_reads_agree_on_the_rest(nvml: NvmlStandIn, source: NvmlGpus, clock: Clock) -> None:
    occupants = [Occupant(pid=pid, letters=letters, memory_mib=pid) for pid, letters in
                 enumerate(["C", "G", "C+G", "M+C", "C"], start=1)]  # fmt: skip
    nvml.show([SERVER_CARD.having(*occupants, Occupant(pid=9))])
    lean = NvmlGpus()
    full = only(source)
    assert replace(full, sensors=None) == only(lean)
    lean.close()


def test_it_can_be_shown_as_json(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([SERVER_CARD])
    shown = gpu_json(only(source))["sensors"]
    assert isinstance(shown, dict)
    assert shown["throttle_reasons"] == ["sw_power_cap"]
    assert shown["throttle_seconds"] == {"sw_power_cap": 3.0, "sync_boost": 0.0, "sw_thermal_slowdown": 1.5,
                                         "hw_thermal_slowdown": 0.0, "hw_power_brake": 0.0}  # fmt: skip
    links = shown["nvlinks"]
    assert isinstance(links, list)
    assert links[1] == {"link": 1, "active": False, "version": 7, "replay_errors": 0, "recovery_errors": 0,
                        "crc_flit_errors": 0, "crc_data_errors": None}  # fmt: skip
    assert set(shown) == {one.name for one in fields(GpuSensors)}


def test_reads_leave_no_files_open(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([SERVER_CARD])
    source.read()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        source.read()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
