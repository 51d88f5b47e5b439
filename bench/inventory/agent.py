"""What the agent costs at rest, and how soon a new process on a GPU is in the inventory.

Eight cards with 40 processes each, sampled at 1 Hz with their owners; nothing changes while it is measured.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.figure import Figure, percentile, spread
from bench.inventory.machine import Machine, machine, sleeping
from bench.workstation.arbiter import BenchmarkError

PROCESSES = 320
CPU_PERCENT, RSS_MIB, SEEN_SECONDS = 1.0, 60.0, 1.0
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(quick: bool) -> list[Figure]:
    """The share of a core, the memory, and the 99th percentile from listed to known."""
    windows, seconds, rounds = (1, 5.0, 5) if quick else (3, 20.0, 100)
    with machine(0, PROCESSES) as full, _agent(full) as pid:
        time.sleep(5.0)  # what it learns at the start, it learns once
        shares = [_share_of_core(pid, seconds) for _ in range(windows)]
        rss = _rss_mib(pid)
        delays = _delays(full, rounds)
    what = f"8 cards, {PROCESSES} processes, 1 Hz, owners and the inventory included"
    return [
        Figure(
            name="agent: share of a core at rest",
            value=statistics.median(shares),
            unit="%",
            target=CPU_PERCENT,
            how=f"{what}; median of {windows} x {seconds:g} s",
            detail={"windows": shares},
        ),
        Figure(name="agent: resident memory", value=rss, unit="MiB", target=RSS_MIB, how=what),
        Figure(
            name="agent: listed → in the inventory, p99",
            value=percentile(delays, 99),
            unit="s",
            target=SEEN_SECONDS,
            how="no device node is opened, no program started: sampling alone sees it",
            detail=spread(delays),
        ),
    ]


@contextmanager
def _agent(full: Machine) -> Generator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sentinel.agent", "run", "--standalone", *full.options]
    with subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{port}"], env=full.environment, stderr=subprocess.PIPE, text=True
    ) as agent:
        try:
            _wait_for(full, full.processes[-1])
            yield agent.pid
        finally:
            agent.terminate()


def _delays(full: Machine, rounds: int) -> list[float]:
    """Seconds from a process's listing by the driver until the inventory file has it."""
    found: list[float] = []
    with ExitStack() as stack:
        for number in range(rounds):
            newcomer = stack.enter_context(sleeping())
            time.sleep(0.6 + 0.073 * (number % 17))  # its start is forgotten; any phase of the second
            began = time.monotonic()
            full.occupy(newcomer.pid)
            _wait_for(full, newcomer.pid)
            found.append(time.monotonic() - began)
    return found


def _wait_for(full: Machine, pid: int) -> None:
    path, end = full.folder / "state" / "inventory.json", time.monotonic() + 20
    while time.monotonic() < end:
        if path.exists() and f'"pid":{pid},' in path.read_text():
            json.loads(path.read_text())
            return
        time.sleep(0.005)
    raise BenchmarkError(f"process {pid} is not in the inventory within 20 s")


def _share_of_core(pid: int, seconds: float) -> float:
    def used() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    before, began = used(), time.monotonic()
    time.sleep(seconds)
    return 100 * (used() - before) / (time.monotonic() - began)


def _rss_mib(pid: int) -> float:
    line = next(
        one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1024
