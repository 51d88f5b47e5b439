"""From submitting a job to its first instruction, on an idle cluster; and what the commands cost to start."""

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench.figure import Figure, spread
from bench.queue.controller import COMMANDS, Controller, controller
from bench.queue.peers import task_spooler_start
from bench.workstation.arbiter import BenchmarkError

START_TARGET, HELP_TARGET = 25.0, 250.0
_PATIENCE = 30.0


def measure(quick: bool) -> list[Figure]:
    """The job itself writes down when it began, on the clock that the client reads, too."""
    rounds = 5 if quick else 100
    with controller() as one:
        _start(one, 3)
        ours = _start(one, rounds)
    theirs = [1000 * task_spooler_start() for _ in range(0 if quick else 20)]
    figures = [
        Figure(
            name="submit to first instruction, idle cluster",
            value=round(statistics.median(ours), 2),
            unit="ms",
            target=None if quick else START_TARGET,
            how=f"median of {rounds} jobs, one after another, durable, over TLS; the job notes when it began",
            detail=spread(ours),
        )
    ]
    if theirs:
        figures.append(
            Figure(
                name="the same by task-spooler",
                value=round(statistics.median(theirs), 2),
                unit="ms",
                how="its client's start included, as it is used; nothing on the disk, no network",
                detail=spread(theirs),
            )
        )
    return figures


def measure_help(quick: bool) -> list[Figure]:
    """`sentinel --help` as a whole process."""
    taken: list[float] = []
    for _ in range(3 if quick else 20):
        began = time.perf_counter()
        subprocess.run([str(COMMANDS / "sentinel"), "--help"], check=True, stdout=subprocess.DEVNULL)
        taken.append(1000 * (time.perf_counter() - began))
    return [
        Figure(
            name="sentinel --help",
            value=round(statistics.median(taken), 1),
            unit="ms",
            target=None if quick else HELP_TARGET,
            how="the whole process, median",
            detail=spread(taken),
        )
    ]


def _start(one: Controller, rounds: int) -> list[float]:
    """Milliseconds of each round."""
    taken: list[float] = []
    with tempfile.TemporaryDirectory() as folder, one.client() as client:
        mark = Path(folder, "mark")
        code = f"date +%s%N > {mark}.new; mv {mark}.new {mark}"
        for _ in range(rounds):
            began = time.time_ns()
            job = client.submit(["sh", "-c", code], cwd="/", gpus=1)
            end = time.monotonic() + _PATIENCE
            while not mark.exists():
                if time.monotonic() > end:
                    raise BenchmarkError(f"job {job['id']} did not begin in {_PATIENCE:.0f} s")
                time.sleep(0.002)
            taken.append((int(mark.read_text()) - began) / 1e6)
            mark.unlink()
            client.wait(job["id"], timeout=_PATIENCE)
    return taken
