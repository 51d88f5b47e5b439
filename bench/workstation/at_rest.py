"""What the arbiter costs when nothing happens: NVML polled through nvidia-ml-py on a stand-in library."""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fakes.cards import Occupant, cards
from tests.fakes.nvml_stand_in import NvmlStandIn, compiler

from bench.figure import Figure
from bench.workstation.arbiter import BenchmarkError, arbiter

POLL_SECONDS = 5.0
CPU_TARGET_PERCENT = 0.2
RSS_TARGET_MIB = 30.0

# The very reading that the arbiter makes, in a process of its own: in a row, and after as long a rest. On a
# virtual machine whose host takes memory and caches away meanwhile, the second can be many times the first.
READINGS = """
import statistics, time
from sentinel.drivers.gpus.opening import open_source
source = open_source("nvml")
def cost():
    began = time.thread_time()
    source.read()
    return (time.thread_time() - began) * 1000
cost()
warm = [cost() for _ in range(200)]
rested = []
for _ in range(ROUNDS):
    time.sleep(REST)
    rested.append(cost())
print(statistics.median(warm), statistics.median(rested))
"""


def measure(quick: bool) -> list[Figure]:
    """Two cards with a process that draws on each, no service, no lease: only the polling is left."""
    if compiler() is None:
        raise BenchmarkError("the NVML stand-in needs a C compiler (Debian: apt-get install gcc)")
    windows, seconds = (1, 2.0) if quick else (12, 2 * POLL_SECONDS)
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-nvml-") as folder:
        nvml = NvmlStandIn(Path(folder, "state"))
        nvml.show([card.having(Occupant(pid=os.getpid(), letters="G", memory_mib=64)) for card in cards(2)])
        settings = f'gpus = "nvml"\npoll_interval = {POLL_SECONDS}'
        with arbiter(settings, nvml.environment) as running:
            time.sleep(seconds)
            forks = forks_so_far()
            reading = start_readings(nvml, seconds, windows)
            shares = [share_of_core(running.pid, seconds) for _ in range(windows)]
            rss, threads = rss_mib(running.pid), len(list(Path(f"/proc/{running.pid}/task").iterdir()))
        forks = forks_so_far() - forks
        warm, rested = readings(reading)
    how = f"2 cards of the NVML stand-in polled every {POLL_SECONDS:g} s through nvidia-ml-py"
    return [
        Figure(
            name="arbiter at rest, share of a core",
            value=round(statistics.median(shares), 4),
            unit="%",
            target=CPU_TARGET_PERCENT,
            how=f"{how}; median of {windows} windows of {seconds:g} s by /proc/PID/task/*/schedstat"
            f" (one reading: {warm:.2f} ms of CPU in a row, {rested:.2f} ms after a rest; {forks} processes"
            " started on this machine meanwhile)",
            detail={
                "mean": round(statistics.fmean(shares), 4),
                "windows": [round(share, 4) for share in shares],
                "threads": threads,
                "processes_started_meanwhile_on_this_machine": forks,
                "one_reading_ms": {"warm": round(warm, 3), "after_a_rest": round(rested, 3)},
            },
        ),
        Figure(
            name="arbiter at rest, resident memory",
            value=round(rss, 2),
            unit="MiB",
            target=RSS_TARGET_MIB,
            how=f"{how}; VmRSS of /proc/PID/status at the end of that time",
        ),
    ]


def start_readings(nvml: NvmlStandIn, seconds: float, windows: int) -> subprocess.Popen[str]:
    """Measures single readings for about as long as the windows take."""
    rest = min(POLL_SECONDS, seconds / 2)
    code = READINGS.replace("ROUNDS", str(int(windows * seconds / rest) - 1)).replace("REST", str(rest))
    argv = [sys.executable, "-c", code]
    return subprocess.Popen(argv, env=os.environ | nvml.environment, stdout=subprocess.PIPE, text=True)


def readings(process: subprocess.Popen[str]) -> tuple[float, float]:
    """Milliseconds of processor time for one reading: in a row, and after a rest."""
    out, _ = process.communicate(timeout=60)
    if process.returncode:
        raise BenchmarkError("the readings by themselves failed")
    warm, rested = out.split()
    return float(warm), float(rested)


def share_of_core(pid: int, seconds: float) -> float:
    """Percent of one core that `pid` uses over the next `seconds`."""
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return 100 * (cpu_seconds(pid) - before) / (time.monotonic() - began)


def forks_so_far() -> int:
    """Processes and threads started since boot. The arbiter hears of new processes; at rest there are few."""
    match = re.search(r"^processes (\d+)", Path("/proc/stat").read_text(), re.MULTILINE)
    return int(match[1]) if match else 0


def cpu_seconds(pid: int) -> float:
    """Processor time of all living threads of `pid`, exact to the nanosecond."""
    counts = [path.read_text().split()[0] for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(map(int, counts)) / 1e9


def rss_mib(pid: int) -> float:
    match = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if not match:
        raise BenchmarkError(f"process {pid} is gone")
    return int(match[1]) / 1024
