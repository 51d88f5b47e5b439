"""One snapshot of this machine's own cards, by Sentinel, nvitop and gpustat.

For the owner of a real card, as `python -m bench.telemetry.card`; not among the figures of `python -m bench`.
A few processes that hold memory are on the card meanwhile. Each reader is in a process of its own, and they
take turns. Wall time counts here, because most of a read is spent in the driver.
"""

import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

from tests.gpu_hardware.card import holder, plain

from bench.figure import machine, percentile
from bench.telemetry.snapshot import GPUSTAT, NVITOP

ROUNDS, EACH, PROCESSES = 20, 10, 4

_SENTINEL = """
from sentinel.drivers.gpus.opening import open_source
from sentinel.drivers.processes.facts import ProcessFactsReader
from sentinel.telemetry.sample import Owner
from sentinel.telemetry.sampler import Sampler
facts = ProcessFactsReader()
def owner(process):
    found = facts.facts(process.pid)
    return None if found is None or found.uid is None else Owner(user=facts.user_name(found.uid))
sampler = Sampler(open_source("nvml", full=True), owner, facts.identify, node="bench")
def take():
    sample = sampler.take()
    listed = [one for gpu in sample.reading.gpus for one in gpu.processes or ()]
    return len(sample.reading.gpus), len(listed), len([one for one in listed if sample.owners[one.pid].user])
"""
_ARBITER = """
from sentinel.drivers.gpus.opening import open_source
source = open_source("nvml")
def take():
    listed = [one for gpu in source.read().gpus for one in gpu.processes or ()]
    return 1, len(listed), len(listed)
"""
_SMI = """
import subprocess
def take():
    subprocess.run(["nvidia-smi", "-q", "-x"], stdout=subprocess.DEVNULL, check=True)
    return 1, 0, 0
"""
_MEASURE = """
import json, sys, time
for _ in range(3):
    seen = take()
print(json.dumps(seen), flush=True)
for line in sys.stdin:
    spent = []
    for _ in range(int(line)):
        wall, cpu = time.perf_counter(), time.process_time()
        take()
        spent.append((1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)))
    print(json.dumps(spent), flush=True)
"""
_PROGRAMS = {
    "sentinel, every sensor, shares and owners": (_SENTINEL, EACH),
    "sentinel, what the arbiter reads": (_ARBITER, EACH),
    "nvitop": (NVITOP, EACH),
    "gpustat": (GPUSTAT, EACH),
    "nvidia-smi -q -x": (_SMI, 1),
}


def main() -> int:
    """Prints a line for each."""
    uuid, name, driver = plain("uuid,name,driver_version")[0]
    where = machine()
    print(f"{name}, driver {driver}; {where['cpu']}, {where['cores']} cores, Linux {where['kernel']}")
    print(f"Python {where['python']}; {PROCESSES} processes with CUDA contexts on the card\n")
    spent: dict[str, list[list[float]]] = {name: [] for name in _PROGRAMS}
    with ExitStack() as stack:
        for _ in range(PROCESSES):
            stack.enter_context(holder(uuid))
        running = {name: _start(code) for name, (code, _) in _PROGRAMS.items()}
        for process in running.values():
            stack.callback(process.kill)
        seen = {name: _answer(process) for name, process in running.items()}
        for _ in range(ROUNDS):
            for name, process in running.items():
                assert process.stdin is not None
                process.stdin.write(f"{_PROGRAMS[name][1]}\n")
                process.stdin.flush()
                spent[name] += _answer(process)
    print(
        f"{'':<44}{'wall p50':>10}{'p99':>9}{'CPU p50':>10}{'p99':>9}  ms; cards, processes, with users; of"
    )
    for name, values in spent.items():
        wall, cpu = zip(*values, strict=True)
        figures = (statistics.median(wall), percentile(wall, 99), statistics.median(cpu), percentile(cpu, 99))
        print(f"{name:<44}{figures[0]:>10.3f}{figures[1]:>9.3f}{figures[2]:>10.3f}{figures[3]:>9.3f}"
              f"  {seen[name]} of {len(values)}")  # fmt: skip
    return 0


def _start(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code + _MEASURE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _answer(process: "subprocess.Popen[str]") -> list[Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "it could not read the card"
    return json.loads(line)


if __name__ == "__main__":
    sys.exit(main())
