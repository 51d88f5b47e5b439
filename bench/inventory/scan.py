"""How long one look at a full machine takes: 200 containers and 500 processes on eight cards.

Cold: with no memory of anything, as after an installation. Warm: nothing has changed since the last look.
Both in process (a pass of the agent) and as the whole command that a timer runs.
"""

import json
import statistics
import subprocess
import sys
import time
from typing import Any

from bench.figure import Figure, percentile, spread
from bench.inventory.machine import GPUS, Machine, machine
from bench.workstation.arbiter import BenchmarkError

CONTAINERS, PROCESSES = 200, 500
COLD_MS, WARM_MS, WARM_CALLS = 800.0, 100.0, 2.0
_PASSES = """
import json, sys, time
from pathlib import Path
from sentinel.agent import wiring
from sentinel.agent.config import Overrides, load
config = load(sys.argv[1], Overrides(state_dir=sys.argv[2], docker_host=sys.argv[3]))
engines = wiring.engine_views(config.inventory)
began = time.perf_counter()
keeper = wiring.keeper(config, print, engines)
keeper.open()
first = keeper.keep()
times, calls = [time.perf_counter() - began], [engines["docker"].source.calls]
for _ in range(int(sys.argv[4])):
    began = time.perf_counter()
    again = keeper.keep()
    times.append(time.perf_counter() - began)
    calls.append(engines["docker"].source.calls)
    assert not again.events and not again.trouble, (again.events[:1], again.trouble)
assert {k: v.state.value for k, v in first.inventory.sources.items()}["docker"] == "ok"
print(json.dumps({"times": times, "calls": calls, "workloads": len(first.inventory.workloads)}))
"""


def measure(quick: bool) -> list[Figure]:
    """Cold and warm, in milliseconds, and the calls to Docker of a warm one."""
    rounds = 5 if quick else 30
    with machine(CONTAINERS, PROCESSES) as full:
        inside = _passes(full, rounds)
        outside = _commands(full, 3 if quick else 10)
    times = [1000 * seconds for seconds in inside["times"]]
    calls = [after - before for before, after in zip(inside["calls"], inside["calls"][1:], strict=False)]
    if inside["workloads"] < CONTAINERS + PROCESSES:
        raise BenchmarkError(f"only {inside['workloads']} workloads were seen")
    what = f"{CONTAINERS} containers, {PROCESSES} processes on {GPUS} cards"
    return [
        Figure(
            name="inventory: cold scan",
            value=times[0],
            unit="ms",
            target=COLD_MS,
            how=f"{what}; first pass of a fresh process, every container inspected",
            detail={"docker_calls": inside["calls"][0], "whole_command_ms": outside[0]},
        ),
        Figure(
            name="inventory: warm scan",
            value=percentile(times[1:], 50),
            unit="ms",
            target=WARM_MS,
            how=f"{what}; median pass of the running agent, nothing changed, files written",
            detail=spread(times[1:]),
        ),
        Figure(
            name="inventory: warm scan as a command",
            value=statistics.median(outside[1:]),
            unit="ms",
            how="`sentinel-agent scan`, the whole process, which remembers by its files",
            detail=spread(outside[1:]),
        ),
        Figure(
            name="inventory: Docker calls of a warm scan",
            value=max(calls),
            unit="",
            target=WARM_CALLS,
            how="the most of all warm passes",
        ),
    ]


def _passes(full: Machine, rounds: int) -> dict[str, Any]:
    config = full.options[1]
    state = str(full.folder / "state-inside")
    command = [sys.executable, "-c", _PASSES, config, state, full.docker_host, str(rounds)]
    done = subprocess.run(command, env=full.environment, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise BenchmarkError(f"the passes failed: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _commands(full: Machine, rounds: int) -> list[float]:
    """Milliseconds of the whole command: the first is cold."""
    times: list[float] = []
    for _ in range(rounds + 1):
        command = [sys.executable, "-m", "sentinel.agent", "scan", *full.options]
        began = time.perf_counter()
        done = subprocess.run(command, env=full.environment, capture_output=True, text=True, timeout=60)
        times.append(1000 * (time.perf_counter() - began))
        if done.returncode:
            raise BenchmarkError(f"the scan failed: {done.stderr[-500:]}")
    return times
