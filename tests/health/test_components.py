"""Every sensor made bad in turn gives exactly its finding, and nothing that is well or unknown gives any."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.health_views import (
    GIB,
    NOW,
    PRESSURE,
    SENSORS,
    card,
    history,
    idle_card,
    inventory,
    one_bad,
    reading,
    view,
)

from sentinel.core.finding import Bad, Finding, GpuRef, Layer, Ok, Severity, Unsure
from sentinel.core.gpu import Gpu, GpuReading, unnamed
from sentinel.core.gpu_sensors import GpuSensors, ThrottleReason
from sentinel.core.inventory import SourceReport, SourceState
from sentinel.core.process import ProcessId
from sentinel.core.workload import Category, Origin, Workload, WorkloadState
from sentinel.health.components import ALL
from sentinel.health.round import look
from sentinel.health.view import HealthView, Seen, ref
from sentinel.ports.node_pressure import DiskSpace, StuckProcess

W = ThrottleReason


def bad(**changes: Any) -> HealthView:
    """The second of four cards is as `changes` say, now."""
    return view([card(index, **changes) if index == 1 else card(index) for index in range(4)])


def bad_for_long(**changes: Any) -> HealthView:
    """The same, and has been for five minutes."""
    cards = [card(index, **changes) if index == 1 else card(index) for index in range(4)]
    return view(cards, earlier=history(cards))


def alone_for_long(**changes: Any) -> HealthView:
    """With no equal that it could be slower than."""
    cards = [card(1, **changes)]
    return view(cards, earlier=history(cards))


def idle_for_long(**changes: Any) -> HealthView:
    cards = [idle_card(index, **changes) if index == 1 else idle_card(index) for index in range(4)]
    return view(cards, earlier=history(cards))


def link_down(number: int) -> Any:
    assert SENSORS.nvlinks is not None
    return tuple(replace(one, active=one.link != number) for one in SENSORS.nvlinks)


def links(**counts: int) -> Any:
    assert SENSORS.nvlinks is not None
    return tuple(replace(one, **counts) for one in SENSORS.nvlinks)


def idle_workload(**changes: Any) -> Workload:
    found = Workload(
        id="process:9:1:b",
        origin=Origin.HOST,
        category=Category.HOST,
        state=WorkloadState.IDLE,
        name="python \x1b[31m",
        user="ada",
        gpus=(card(1).uuid,),
        gpu_memory_bytes=20 * GIB,
        idle_since=NOW - 7200,
    )
    return replace(found, **changes)


def stuck(state: str, **changes: Any) -> StuckProcess:
    found = StuckProcess(process=ProcessId(900, 1), state=state, name="python", since=NOW - 90, devices=(1,))
    return replace(found, **changes)


# Code → (view, severity, leaves scheduling). All but those of the node are about GPU 1.
TABLE: dict[str, tuple[HealthView, Severity, bool]] = {
    "gpu.lost": (bad(error="GPU is lost"), Severity.CRITICAL, True),
    "gpu.requires-reset": (bad(error="GPU requires reset"), Severity.CRITICAL, True),
    "gpu.err": (bad(error="power_draw: Unknown Error", memory_used_bytes=None), Severity.CRITICAL, True),
    "gpu.power-cable": (bad(error="Insufficient External Power"), Severity.CRITICAL, True),
    "gpu.interrupts": (bad(error="Interrupt Request Issue"), Severity.CRITICAL, True),
    "ecc.uncorrected": (bad(ecc_uncorrected_volatile=3), Severity.CRITICAL, True),
    "ecc.corrected-rate": (bad(ecc_corrected_volatile=5000), Severity.WARNING, False),
    "remap.failure": (bad(remapped_rows_failure=True), Severity.CRITICAL, True),
    "remap.pending": (bad(remapped_rows_pending=True), Severity.WARNING, False),
    "retired.many": (
        bad(retired_pages_single_bit=40, retired_pages_double_bit=20),
        Severity.CRITICAL,
        True,
    ),
    "retired.pending": (bad(retired_pages_pending=True), Severity.WARNING, False),
    "thermal.slowdown": (
        bad(throttle_reasons=frozenset({W.SW_THERMAL_SLOWDOWN})),
        Severity.WARNING,
        False,
    ),
    "thermal.near-limit": (bad(temperature_celsius=85.0), Severity.WARNING, False),
    "thermal.memory": (bad(memory_temperature_celsius=96.0), Severity.WARNING, False),
    "power.brake": (
        bad(throttle_reasons=frozenset({W.HW_POWER_BRAKE, W.HW_SLOWDOWN})),
        Severity.WARNING,
        False,
    ),
    "power.cap": (bad(power_limit_watts=400.0), Severity.INFO, False),
    "clocks.stuck": (
        alone_for_long(sm_clock_hertz=6e8, throttle_reasons=frozenset()),
        Severity.WARNING,
        False,
    ),
    "clocks.hw-slowdown": (bad(throttle_reasons=frozenset({W.HW_SLOWDOWN})), Severity.WARNING, False),
    "pcie.width": (bad(pcie_width=8), Severity.WARNING, False),
    "pcie.generation": (bad_for_long(pcie_generation=1), Severity.WARNING, False),
    "pcie.replay": (bad(pcie_replay_count=1003), Severity.WARNING, False),
    "nvlink.down": (bad(nvlinks=link_down(2)), Severity.WARNING, False),
    "nvlink.errors": (bad(nvlinks=links(recovery_errors=1)), Severity.WARNING, False),
    "memory.leaked": (idle_for_long(memory_used_bytes=30 * GIB), Severity.WARNING, False),
    "fan.stopped": (bad(fans_percent=(0.0, 60.0), temperature_celsius=80.0), Severity.WARNING, False),
    "persistence.off": (bad(persistence_mode=False), Severity.INFO, False),
    "straggler": (bad_for_long(sm_clock_hertz=1.4e9), Severity.WARNING, False),
    "idle.held": (view(inventory=inventory(workloads=(idle_workload(),))), Severity.INFO, False),
    "process.zombie": (
        view(pressure=replace(PRESSURE, stuck=(stuck("Z", process=ProcessId(101, 1), devices=()),))),
        Severity.WARNING,
        False,
    ),
    "process.stuck": (view(pressure=replace(PRESSURE, stuck=(stuck("D"),))), Severity.WARNING, False),
    "node.disk": (
        view(pressure=replace(PRESSURE, disks=(DiskSpace(folder="/", total_bytes=GIB, free_bytes=0),))),
        Severity.CRITICAL,
        False,
    ),
    "node.memory": (
        view(pressure=replace(PRESSURE, memory_available_bytes=20 * GIB)),
        Severity.WARNING,
        False,
    ),
    "driver.mismatch": (
        view(reading="NVML: Driver/library version mismatch; the NVIDIA driver was upgraded …"),
        Severity.CRITICAL,
        False,
    ),
    "driver.not-loaded": (
        view(reading="nvidia-smi cannot reach the NVIDIA driver: see …"),
        Severity.CRITICAL,
        False,
    ),
    "driver.no-gpu": (
        view(reading="NVML: the NVIDIA driver is loaded but finds no GPU: see …"),
        Severity.CRITICAL,
        False,
    ),
    "driver.no-access": (
        view(reading="this user may not open the NVIDIA devices (Insufficient Permissions)"),
        Severity.WARNING,
        False,
    ),
}


def codes(found: Sequence[Finding]) -> list[str]:
    return [one.code for one in found]


def test_the_table_has_every_code_that_there_is() -> None:
    known = [code for component in ALL for code in component.codes]
    assert len(known) == len(set(known))
    assert {code for code in known if "." in code or code == "straggler"} == set(TABLE)


@pytest.mark.parametrize("code", TABLE)
def test_one_sensor_made_bad_gives_exactly_its_finding(code: str) -> None:
    seen, severity, quarantine = TABLE[code]
    (found,) = look(seen).findings
    assert (found.code, found.severity, found.quarantine) == (code, severity, quarantine)
    if code.split(".")[0] in ("node", "driver"):
        assert found.gpu is None
    else:
        assert found.gpu == ref(card(1))
    assert found.evidence and found.cause and "{" not in found.next_step
    assert found.first_at is not None and found.last_at == NOW
    assert code in next(one.codes for one in ALL if one.name == found.component)
    if found.quarantine:
        assert found.layer in (Layer.HARDWARE, Layer.DRIVER)


@pytest.mark.parametrize("cards", [[card(i) for i in range(4)], [idle_card(i) for i in range(4)]])
def test_nothing_is_found_where_all_is_well(cards: list[Gpu]) -> None:
    done = look(view(cards, earlier=history(cards)))
    assert done.findings == ()
    assert set(done.unknown) <= {"straggler"}  # idle cards cannot be compared


def test_a_geforce_is_neither_red_nor_called_well_for_what_it_lacks() -> None:
    lacking = {
        name: None
        for name in GpuSensors.__dataclass_fields__
        if name.startswith(("ecc", "retired", "remapped", "nvlinks", "temperature_margin", "memory_temp"))
    }
    gpu = idle_card(0, name="NVIDIA GeForce RTX 4090", fans_percent=(0.0, 0.0), fan_percent=0.0, **lacking)
    done = look(view([gpu], earlier=history([gpu])))
    assert done.findings == ()
    assert {"ecc", "remapping", "retired", "nvlink"} <= set(done.unknown)
    assert isinstance(done.verdicts["thermal"], Ok) and isinstance(done.verdicts["fan"], Ok)


def test_a_card_without_a_sensor_beside_another_model_with_it_is_skipped() -> None:
    other = card(1, name="GeForce", ecc_corrected_volatile=None, ecc_uncorrected_volatile=None)
    other = replace(other, sensors=replace(_sensors(other), **_no("ecc")))
    assert look(view([card(0), other], earlier={})).verdicts["ecc"] == Ok()


def test_a_card_that_stays_mute_where_its_equal_tells_is_unsure() -> None:
    mute = card(1)
    mute = replace(mute, sensors=replace(_sensors(mute), **_no("ecc")))
    verdict = look(view([card(0), mute], earlier={})).verdicts["ecc"]
    assert isinstance(verdict, Unsure) and verdict.gpus == (ref(mute),)


def test_a_card_that_told_before_and_does_not_now_is_unsure() -> None:
    alone = card(1)
    mute = replace(alone, sensors=replace(_sensors(alone), **_no("ecc")))
    assert isinstance(look(view([mute])).verdicts["ecc"], Unsure)


def _sensors(gpu: Gpu) -> GpuSensors:
    assert gpu.sensors is not None
    return gpu.sensors


def _no(prefix: str) -> dict[str, None]:
    return {name: None for name in GpuSensors.__dataclass_fields__ if name.startswith(prefix)}


def test_a_broken_card_does_not_hide_what_is_wrong_with_another() -> None:
    gone = Gpu(index=0, uuid=card(0).uuid, name="NVIDIA Stand-in", error="GPU is lost")
    hot = card(1, temperature_celsius=90.0)
    done = look(view([gone, hot], earlier=history([card(0), card(1)])))
    assert codes(done.findings) == ["gpu.lost", "thermal.near-limit"]
    thermal = done.verdicts["thermal"]
    assert isinstance(thermal, Unsure) and thermal.gpus == (ref(gone),)


# ------------------------------------------------------------- each by itself


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("GPU is lost", "gpu.lost"),
        ("nvidia-smi left it out of its listing", "gpu.lost"),
        ("GPU requires restart", "gpu.requires-reset"),
        ("Unknown Error", "gpu.err"),
        ("utilization/gpu_util: Unknown Error", "gpu.err"),
    ],
)
def test_what_a_broken_card_says(error: str, code: str) -> None:
    (found,) = look(view([Gpu(index=0, uuid="GPU-1", error=error)])).findings
    assert (found.code, found.quarantine) == (code, True)


def test_a_single_value_in_error_does_not_take_a_card_out() -> None:
    (found,) = look(bad(error="power_readings/power_draw: Unknown Error")).findings
    assert (found.code, found.severity, found.quarantine) == ("gpu.err", Severity.WARNING, False)


def test_a_card_that_is_no_longer_listed_is_lost() -> None:
    everyone = tuple(ref(card(index)) for index in range(4))
    done = look(view([card(0), card(2), card(3)], known=everyone))
    assert codes(done.findings) == ["gpu.lost"]
    assert done.findings[0].gpu == everyone[1] and done.findings[0].quarantine


def test_a_card_too_sick_to_tell_its_uuid_is_not_missed_besides() -> None:
    sick = Gpu(index=1, uuid=unnamed("00000000:02:00.0"), pci_bus_id="00000000:02:00.0", error="GPU is lost")
    done = look(view([card(0), sick], known=(ref(card(0)), ref(card(1)))))
    assert codes(done.findings) == ["gpu.lost"]


def test_a_lost_card_may_keep_all_others_from_being_read() -> None:
    done = look(view(reading="a GPU has fallen off the bus (GPU is lost): see dmesg"))
    assert codes(done.findings) == ["gpu.lost"] and done.findings[0].gpu is None


def test_an_error_that_says_nothing_of_the_driver_is_unsure() -> None:
    done = look(view(reading="the nvml source needs nvidia-ml-py: pip install …"))
    assert done.findings == ()
    assert {"driver", "gpu", "ecc", "thermal"} <= set(done.unknown)


def test_uncorrected_errors_of_another_life_are_no_finding_until_they_grow() -> None:
    assert look(bad(ecc_uncorrected_aggregate=40)).findings == ()
    grown = bad(ecc_uncorrected_volatile=None, ecc_uncorrected_aggregate=2)
    past = [
        replace(c, sensors=replace(_sensors(c), ecc_uncorrected_volatile=None)) for c in map(card, range(4))
    ]
    assert codes(look(replace(grown, earlier=history(past))).findings) == ["ecc.uncorrected"]


def test_a_counter_that_was_reset_has_not_grown() -> None:
    before = history([card(index, pcie_replay_count=90_000) for index in range(4)])
    assert look(view(earlier=before)).findings == ()


def test_heat_counts_by_its_share_of_the_time() -> None:
    def spent(seconds: float) -> dict[ThrottleReason, float]:
        return {W.SW_THERMAL_SLOWDOWN: seconds, W.HW_THERMAL_SLOWDOWN: 0.0}

    assert look(bad(throttle_seconds=spent(20.0))).findings == ()  # of 300
    assert codes(look(bad(throttle_seconds=spent(40.0))).findings) == ["thermal.slowdown"]


def test_close_to_the_shutdown_temperature_is_critical() -> None:
    (found,) = look(bad(temperature_celsius=90.0)).findings
    assert (found.code, found.severity) == ("thermal.near-limit", Severity.CRITICAL)


def test_the_margin_stands_in_for_the_thresholds() -> None:
    newer = {"slowdown_temperature_celsius": None, "shutdown_temperature_celsius": None}
    assert codes(look(bad(temperature_margin_celsius=2.0, **newer)).findings) == ["thermal.near-limit"]
    assert look(bad(temperature_margin_celsius=20.0, **newer)).findings == ()


def test_a_card_on_its_way_up_is_not_stuck() -> None:
    assert look(bad(sm_clock_hertz=6e8, throttle_reasons=frozenset(), pcie_generation=1)).findings == ()


def test_a_single_reading_tells_stuck_clocks_too() -> None:
    gpu = card(0, sm_clock_hertz=6e8, throttle_reasons=frozenset({W.GPU_IDLE}))
    assert codes(look(view([gpu], earlier={})).findings) == ["clocks.stuck"]


@pytest.mark.parametrize("why", [W.APPLICATIONS_CLOCKS, W.SW_POWER_CAP, W.SYNC_BOOST])
def test_low_clocks_with_a_reason_are_not_stuck(why: ThrottleReason) -> None:
    gpu = card(0, sm_clock_hertz=6e8, throttle_reasons=frozenset({why}))
    assert look(view([gpu], earlier={})).findings == ()


def test_low_clocks_for_an_unknown_reason_are_not_stuck() -> None:
    gpu = card(0, sm_clock_hertz=6e8, throttle_reasons=None)
    assert look(view([gpu], earlier={})).findings == ()


def test_a_narrow_link_is_information_where_all_are_alike() -> None:
    cards = [card(index, pcie_width=8) for index in range(2)]
    found = look(view(cards, earlier=history(cards))).findings
    assert [(one.code, one.severity) for one in found] == [("pcie.width", Severity.INFO)] * 2


def test_nvlinks_that_no_card_uses_are_not_down() -> None:
    assert SENSORS.nvlinks is not None
    none = tuple(replace(one, active=False) for one in SENSORS.nvlinks)
    cards = [card(index, nvlinks=none) for index in range(4)]
    done = look(view(cards, earlier=history(cards)))
    assert done.findings == () and done.verdicts["nvlink"] == Ok()


def test_an_nvlink_that_cannot_be_read_is_not_down() -> None:
    assert SENSORS.nvlinks is not None
    unread = tuple(replace(one, active=None if one.link == 1 else True) for one in SENSORS.nvlinks)
    assert look(bad(nvlinks=unread)).findings == ()


def test_memory_is_leaked_only_where_the_list_is_known_and_whole() -> None:
    used: dict[str, Any] = {"memory_used_bytes": 30 * GIB}
    assert look(idle_for_long(processes=None, **used)).findings == ()
    assert look(idle_for_long(mig_enabled=True, **used)).findings == ()
    inside = replace(idle_for_long(**used), pressure=replace(PRESSURE, sees_host_processes=False))
    assert look(inside).findings == () and "memory" in look(inside).unknown
    unknown = replace(idle_for_long(**used), pressure=replace(PRESSURE, sees_host_processes=None))
    assert [one.severity for one in look(unknown).findings] == [Severity.INFO]


def test_memory_that_is_just_being_freed_is_not_leaked() -> None:
    now = [idle_card(i, memory_used_bytes=30 * GIB) for i in range(4)]
    assert look(view(now, earlier=history([idle_card(i) for i in range(4)]))).findings == ()


def test_cards_without_fans_may_say_zero_and_be_hot() -> None:
    passive = [card(i, fans_percent=None, fan_percent=0.0, temperature_celsius=80.0) for i in range(4)]
    assert look(view(passive, earlier=history(passive))).findings == ()
    (found,) = look(view([replace(passive[0], name="NVIDIA GeForce RTX 3090")], earlier={})).findings
    assert found.code == "fan.stopped"


def test_a_straggler_needs_equals_that_are_busy_and_alike() -> None:
    slow = {"sm_clock_hertz": 1.4e9}
    two = [card(0, **slow), card(1)]
    assert look(view(two, earlier=history(two))).findings == ()
    idle = [card(0, **slow), *(idle_card(i, pcie_generation=5) for i in range(1, 4))]
    assert look(view(idle, earlier=history(idle))).findings == ()
    spread = [card(i, sm_clock_hertz=hertz) for i, hertz in enumerate((1.4e9, 1.9e9, 1.55e9, 1.75e9))]
    assert look(view(spread, earlier=history(spread))).findings == ()


def test_one_slow_look_makes_no_straggler() -> None:
    assert look(bad(sm_clock_hertz=1.4e9)).findings == ()


def test_idle_held_is_per_gpu_with_who_and_no_escapes() -> None:
    two = (idle_workload(), idle_workload(id="2", user=None, gpus=(card(1).uuid, card(2).uuid)))
    found = look(view(inventory=inventory(workloads=two))).findings
    assert [(one.gpu, one.count) for one in found] == [(ref(card(1)), 2), (ref(card(2)), 1)]
    assert "ada" in found[0].evidence[0].read and "\x1b" not in found[0].evidence[0].read


def test_idle_held_by_an_inventory_that_could_not_read_the_gpus_is_unsure() -> None:
    blind = inventory(sources={"gpus": SourceReport(state=SourceState.UNKNOWN, why="no driver")})
    assert "no driver" in look(view(inventory=blind)).unknown["idle"]


def test_a_process_is_a_zombie_or_stuck_only_when_it_lasts() -> None:
    for state in ("Z", "D"):
        fresh = replace(PRESSURE, stuck=(stuck(state, since=NOW - 5),))
        assert look(view(pressure=fresh)).findings == ()


def test_stuck_processes_that_only_root_can_tell_are_unsure() -> None:
    assert "process" in look(view(pressure=replace(PRESSURE, unreadable=1))).unknown


def test_a_large_disk_may_have_few_percent_left_and_inodes_count() -> None:
    roomy = DiskSpace(folder="/a", total_bytes=20_000 * GIB, free_bytes=500 * GIB)
    assert look(view(pressure=replace(PRESSURE, disks=(roomy,)))).findings == ()
    full = replace(roomy, inodes=1000, inodes_free=1)
    assert codes(look(view(pressure=replace(PRESSURE, disks=(full,)))).findings) == ["node.disk"]


def test_findings_of_the_kernel_log_belong_to_their_components() -> None:
    xid = Finding(
        component="xid",
        code="79",
        severity=Severity.CRITICAL,
        layer=Layer.HARDWARE,
        title="t",
        cause="c",
        next_step="n",
        gpu=GpuRef(pci_bus_id="00000000:01:00.0"),
    )
    done = look(view(kernel_findings=Bad((xid,))))
    assert [one.id for one in done.findings] == [xid.id]
    assert isinstance(done.verdicts["xid"], Bad) and done.verdicts["sxid"] == Ok()
    assert {"xid", "sxid"} <= set(look(view(kernel_findings=None)).unknown)


# ---------------------------------------------------------------- hypothesis

CARD_FIELDS = [name for name in Gpu.__dataclass_fields__ if name not in ("index", "uuid", "mig_devices")]
SENSOR_FIELDS = list(GpuSensors.__dataclass_fields__)
OF_CARDS = [
    one.name for one in ALL if one.name not in ("driver", "gpu", "xid", "sxid", "idle", "process", "node")
]


@st.composite
def views(draw: st.DrawFn) -> HealthView:
    """The four cards with any pattern of what is not told, bad or not, and any part of the rest left out."""

    def holed(gpu: Gpu) -> Gpu:
        own = draw(st.sets(st.sampled_from(CARD_FIELDS)))
        of_sensors = draw(st.sets(st.sampled_from(SENSOR_FIELDS)))
        told = None if gpu.sensors is None else replace(gpu.sensors, **dict.fromkeys(of_sensors))
        return replace(replace(gpu, sensors=told), **dict.fromkeys(own))

    base = draw(st.sampled_from([seen for seen, _, _ in TABLE.values()]))
    cards = [holed(gpu) for gpu in base.gpus or ()]
    earlier: dict[str, tuple[Seen, ...]] = {}
    if draw(st.booleans()):
        earlier = {
            uuid: tuple(replace(s, gpu=holed(s.gpu)) for s in seen[-3:])
            for uuid, seen in base.earlier.items()
        }
    return replace(
        base,
        reading=draw(st.sampled_from([None, "some text", reading(cards)])),
        earlier=earlier,
        inventory=draw(st.sampled_from([None, base.inventory])),
        pressure=draw(st.sampled_from([None, base.pressure])),
    )


@settings(max_examples=150, deadline=None)
@given(seen=views())
def test_any_pattern_of_unknowns_gives_verdicts(seen: HealthView) -> None:
    done = look(seen)
    assert set(done.verdicts) == {one.name for one in ALL}
    for finding in done.findings:
        assert finding.cause and finding.evidence
    if not isinstance(seen.reading, GpuReading):
        assert all(isinstance(done.verdicts[name], Unsure) for name in OF_CARDS)


@settings(max_examples=50, deadline=None)
@given(
    names=st.lists(st.sampled_from([None, "A", "B"]), min_size=0, max_size=4),
    errors=st.sampled_from([None, "GPU is lost"]),
    empty=st.booleans(),
)
def test_cards_that_tell_nothing_are_never_ok(
    names: list[str | None], errors: str | None, empty: bool
) -> None:
    cards = [
        Gpu(index=i, uuid=f"GPU-{i}", name=name, error=errors, sensors=GpuSensors() if empty else None)
        for i, name in enumerate(names)
    ]
    done = look(HealthView(now=NOW, reading=reading(cards)))
    for one in ALL:
        if one.name not in ("driver", "gpu"):
            assert isinstance(done.verdicts[one.name], Unsure), one.name
    if not cards:
        assert isinstance(done.verdicts["gpu"], Unsure)


def test_one_bad_card_is_named_among_four() -> None:
    found = look(view(one_bad(lambda gpu: replace(gpu, error="GPU is lost")))).findings
    assert [one.gpu for one in found] == [ref(card(1))]
