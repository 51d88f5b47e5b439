"""One steady-state sample with owners, in processor time, beside nvitop's snapshot and gpustat's.

Each of the three is in a process of its own that does nothing else, on the same stand-in library in the
same run, in turns. What each has read is checked: 8 cards, 320 processes, each with its user's name.
"""

import json
import statistics
import subprocess
import sys
from typing import Any

from bench.figure import Figure
from bench.telemetry.full_node import CARDS, PROCESSES, full_node, surroundings
from bench.workstation.arbiter import BenchmarkError

TARGETS = {"nvitop": 5.0, "gpustat": 10.0}
"""At least so many times what a sample of ours costs."""

# `take()` is one snapshot and gives (cards, processes, users). Modules and first readings are not counted.
_SENTINEL = """
from sentinel.drivers.gpus.opening import open_source
from sentinel.drivers.processes.facts import ProcessFactsReader
from sentinel.telemetry.sample import Owner
from sentinel.telemetry.sampler import Sampler
facts = ProcessFactsReader()
def owner(process):
    found = facts.facts(process.pid)
    if found is None or found.uid is None:
        return None
    return Owner(user=facts.user_name(found.uid), workload_id=str(process.pid))
sampler = Sampler(open_source("nvml", full=True), owner, facts.identify, node="bench")
def take():
    sample = sampler.take()
    listed = [one for gpu in sample.reading.gpus for one in gpu.processes]
    assert all(gpu.sensors.ecc_enabled and gpu.sensors.sm_clock_hertz for gpu in sample.reading.gpus)
    assert len({one.utilization_percent for one in listed}) > 20
    return len(sample.reading.gpus), len(listed), len([one for one in listed if sample.owners[one.pid].user])
"""
NVITOP = """
from nvitop import Device, GpuProcess
devices = Device.all()
def take():
    shown = [device.as_snapshot() for device in devices]
    listed = GpuProcess.take_snapshots(
        [one for device in devices for one in device.processes().values()], failsafe=True
    )
    return len(shown), len(listed), len([one for one in listed if one.username])
"""
GPUSTAT = """
import gpustat
def take():
    shown = gpustat.new_query()
    listed = [one for gpu in shown for one in gpu.processes]
    return len(shown), len(listed), len([one for one in listed if one["username"]])
"""
_MEASURE = """
import json, sys, time
for _ in range(3):
    seen = take()
print(json.dumps(seen), flush=True)
for line in sys.stdin:
    spent = []
    for _ in range(int(line)):
        began = time.process_time_ns()
        seen = take()
        spent.append((time.process_time_ns() - began) / 1e6)
    print(json.dumps(spent), flush=True)
"""
_PROGRAMS = {"sentinel": _SENTINEL, "nvitop": NVITOP, "gpustat": GPUSTAT}


def measure(quick: bool) -> list[Figure]:
    """In rounds of a few snapshots each, so that what else goes on here meets all three alike."""
    rounds, each = (2, 5) if quick else (15, 10)
    spent: dict[str, list[float]] = {name: [] for name in _PROGRAMS}
    with full_node() as nvml:
        running = {name: _start(code, surroundings(nvml)) for name, code in _PROGRAMS.items()}
        try:
            for name, process in running.items():
                _check(name, _answer(name, process))
            for _ in range(rounds):
                for name, process in running.items():
                    assert process.stdin is not None
                    process.stdin.write(f"{each}\n")
                    process.stdin.flush()
                    spent[name] += _answer(name, process)
        finally:
            for process in running.values():
                process.kill()
                process.communicate()
    return _figures(spent)


def _figures(spent: dict[str, list[float]]) -> list[Figure]:
    cost = {name: statistics.median(values) for name, values in spent.items()}
    worst = {name: max(values) for name, values in spent.items()}
    ours = cost.pop("sentinel")
    how = f"{CARDS} cards of the NVML stand-in with {PROCESSES} real processes each, owners included"
    figures = [
        Figure(
            name="one sample of a full node",
            value=round(ours, 3),
            unit="ms",
            target=min(cost[name] / times for name, times in TARGETS.items()),
            how=f"CPU time, median of {len(spent['sentinel'])}, sensors, shares and users; {how}; the target"
            " is a fifth of nvitop's or a tenth of gpustat's, whichever is less",
            detail={"max": round(worst["sentinel"], 3)},
        )
    ]
    for name, theirs in cost.items():
        figures.append(
            Figure(
                name=f"the same by {name}",
                value=round(theirs, 2),
                unit="ms",
                how=f"its snapshot, in the same run on the same stand-in: {theirs / ours:.1f} times ours"
                f" (at least {TARGETS[name]:g} is the aim)",
                detail={"times_ours": round(theirs / ours, 1), "max": round(worst[name], 2)},
            )
        )
    return figures


def _start(code: str, environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code + _MEASURE],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _answer(name: str, process: "subprocess.Popen[str]") -> list[Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise BenchmarkError(f"{name} could not read the stand-in's cards")
    return json.loads(line)


def _check(name: str, seen: list[Any]) -> None:
    wanted = [CARDS, CARDS * PROCESSES, CARDS * PROCESSES]
    if seen != wanted:
        raise BenchmarkError(f"{name} saw {seen} cards, processes and users, not {wanted}")
