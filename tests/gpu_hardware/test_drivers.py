"""For the owner of a real NVIDIA card: `make test-gpu`, outside any container, with nothing on the card.

Both drivers agree with `nvidia-smi` and with each other, about every sensor too; a CUDA process is seen with
its memory and its share of the card, and so is its end.
"""

import json
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from tests.gpu_hardware.card import HELD, LOAD, MIB, holder, plain, program, sentinel, wait_until

from sentinel.core.gpu_sensors import GpuSensors
from sentinel.drivers.gpus.nvml import NvmlGpus
from sentinel.drivers.gpus.nvml_events import XidEvents

pytestmark = pytest.mark.gpu

# What does not move between two looks at a card at rest.
STANDING = """
    sm_clock_max_hertz memory_clock_max_hertz graphics_clock_max_hertz video_clock_max_hertz
    slowdown_temperature_celsius shutdown_temperature_celsius
    power_limit_set_watts power_limit_default_watts power_limit_min_watts power_limit_max_watts
    ecc_enabled ecc_corrected_volatile ecc_uncorrected_volatile ecc_corrected_aggregate
    ecc_uncorrected_aggregate retired_pages_single_bit retired_pages_double_bit retired_pages_pending
    remapped_rows_correctable remapped_rows_uncorrectable remapped_rows_pending remapped_rows_failure
    pcie_generation_max pcie_width pcie_width_max pcie_replay_count bar1_total_bytes
    persistence_mode compute_mode minor_number serial vbios_version brand
""".split()
# What does, and by how much the two may differ.
MOVING = {
    "memory_temperature_celsius": 3,
    "temperature_margin_celsius": 3,
    "power_instant_watts": 60,
    "power_average_watts": 60,
    "bar1_used_bytes": 64 * MIB,
    "encoder_utilization_percent": 5,
    "decoder_utilization_percent": 5,
}
# NVML measures these only where it is told to, because that takes long.
ASKED_FOR = ("pcie_received_bytes_per_second", "pcie_sent_bytes_per_second")
ALWAYS_THERE = """
    performance_state sm_clock_hertz memory_clock_hertz graphics_clock_hertz sm_clock_max_hertz
    memory_clock_max_hertz throttle_reasons memory_utilization_percent pcie_width_max bar1_total_bytes
    persistence_mode compute_mode minor_number
""".split()


def gpus(source: str) -> list[dict[str, Any]]:
    return json.loads(sentinel("gpus", "--json", "--source", source))


def listed(source: str, card: str, pid: int) -> dict[str, Any] | None:
    found = next(gpu for gpu in gpus(source) if gpu["uuid"] == card)
    assert found["processes"] is not None, f"{source} could not read the processes"
    return next((process for process in found["processes"] if process["pid"] == pid), None)


def test_both_drivers_agree_with_nvidia_smi(card: str, verified: Callable[[str], None]) -> None:
    rows = plain("index,uuid,name,memory.total,memory.used")
    for source in ("nvml", "smi"):
        found = gpus(source)
        assert [[str(gpu["index"]), gpu["uuid"], gpu["name"]] for gpu in found] == [row[:3] for row in rows]
        for gpu, row in zip(found, rows, strict=True):
            assert abs(gpu["memory_total_bytes"] - int(row[3]) * MIB) <= MIB, source
            assert abs(gpu["memory_used_bytes"] - int(row[4]) * MIB) <= 64 * MIB, source
    verified("`sentinel gpus` from NVML and from nvidia-smi agrees with nvidia-smi")


def test_every_sensor_in_one_pass(card: str, verified: Callable[[str], None]) -> None:
    """By NVML and by `nvidia-smi -q -x`: where both have a sensor, they say the same of it."""
    by_nvml, by_smi = (next(gpu for gpu in gpus(source) if gpu["uuid"] == card) for source in ("nvml", "smi"))
    for field in by_nvml:
        if field not in ("sensors", "processes", "mig_devices"):
            print(f"  {field:<32} {by_nvml[field]!s:<44} {by_smi[field]!s}")
    ours, theirs = by_nvml["sensors"], by_smi["sensors"]
    for field in fields(GpuSensors):
        print(f"  {field.name:<32} {str(ours[field.name])[:300]:<44} {str(theirs[field.name])[:300]}")
    assert by_nvml["error"] is None and by_smi["error"] is None
    missing = [field for field in ALWAYS_THERE if ours[field] is None]
    both = [field for field in STANDING if None not in (ours[field], theirs[field])]
    differ = {field: (ours[field], theirs[field]) for field in both if ours[field] != theirs[field]}
    for field, most in MOVING.items():
        mine, other = ours[field], theirs[field]
        if None not in (mine, other) and abs(mine - other) > most:
            differ[field] = (mine, other)
    only_theirs = [
        field.name
        for field in fields(GpuSensors)
        if ours[field.name] is None and theirs[field.name] is not None and field.name not in ASKED_FOR
    ]
    known = [field.name for field in fields(GpuSensors) if ours[field.name] is not None]
    print(f"\nnvml has {len(known)} of {len(fields(GpuSensors))} sensors; only nvidia-smi has {only_theirs}")
    assert (missing, differ, only_theirs) == ([], {}, [])
    assert 0 < by_nvml["power_watts"] < 2000 and 0 < by_nvml["temperature_celsius"] < 110
    verified(f"{len(known)} sensors by NVML in one pass; those that `nvidia-smi -q -x` has, too, agree")


def test_what_one_full_read_takes(card: str, figure: Callable[..., None]) -> None:
    source = NvmlGpus(full=True)
    try:
        began = time.perf_counter()
        source.read()
        first = time.perf_counter() - began
        times: list[float] = []
        for _ in range(100):
            began = time.perf_counter()
            source.read()
            times.append(1000 * (time.perf_counter() - began))
    finally:
        source.close()
    times.sort()
    figure(
        "a full read by NVML", f"first {first * 1000:.0f} ms, then p50 {times[50]:.2f} p99 {times[98]:.2f} ms"
    )
    assert times[50] < 100


@pytest.mark.parametrize("source", ["nvml", "smi"])
def test_a_cuda_process_is_seen_with_its_memory_and_its_end_too(
    source: str, card: str, verified: Callable[[str], None]
) -> None:
    with holder(card) as process:
        wait_until(
            lambda: listed(source, card, process.pid) is not None,
            f"{source} lists pid {process.pid} (not in a container: there the driver gives other pids)",
        )
        seen = listed(source, card, process.pid)
        assert seen is not None
        print(seen)
        assert seen["kind"] in ("compute", "compute+graphics")
        assert seen["memory_bytes"] is None or seen["memory_bytes"] >= HELD
    wait_until(lambda: listed(source, card, process.pid) is None, f"{source} no longer lists it")
    amount = "its memory" if seen["memory_bytes"] is not None else "its memory unknown, as this driver has it"
    verified(f"a CUDA process appears ({source}, {amount}) and vanishes")


def test_how_busy_each_process_is(card: str, verified: Callable[[str], None]) -> None:
    """One that computes and one that only holds memory, by both drivers."""
    source = NvmlGpus(full=True)
    try:
        with holder(card) as idle, program(LOAD, card, 25) as busy:
            seen: list[tuple[float | None, float | None, float | None, float | None]] = []
            end = time.monotonic() + 8
            while time.monotonic() < end:
                gpu = next(gpu for gpu in source.read().gpus if gpu.uuid == card)
                by_pid = {one.pid: one for one in gpu.processes or ()}
                mine, other = by_pid.get(busy.pid), by_pid.get(idle.pid)
                if mine is None or other is None:
                    continue  # not listed yet
                memory = mine.memory_utilization_percent
                seen.append(
                    (gpu.utilization_percent, mine.utilization_percent, memory, other.utilization_percent)
                )
                time.sleep(0.25)
            print("GPU, busy process, its memory, idle process:", seen)
            by_smi = listed("smi", card, busy.pid)
            print(by_smi)
            text = sentinel("top", "--json")
            print(text[:1500])
    finally:
        source.close()
    assert max(share or 0 for _, share, _, _ in seen) > 50
    assert seen[-1][3] == 0, "it only holds memory; what it did to get it is long past"
    assert by_smi is not None and (by_smi["utilization_percent"] or 0) > 30
    verified("what share of the card each process has, by NVML and by `nvidia-smi pmon`")


def test_xid_events_can_be_waited_for(card: str, verified: Callable[[str], None]) -> None:
    events = XidEvents()
    try:
        assert events.wait(1.0) is None
        blind = events.blind
        with holder(card):
            assert events.wait(0.5) is None, "an ordinary CUDA process is no Xid"
    finally:
        events.close()
    assert blind == {}
    verified("Xid events are registered for; none comes while all is well")
