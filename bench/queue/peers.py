"""What others make of the same work: N jobs of `true`, each submitted alone, on eight slots of this machine.

Used by `drain` and `latency`, in the same run as ours. Slurm and task-spooler come from Debian, HyperQueue
and Ray from requirements/peers.txt, into an environment outside the repository. Only Slurm keeps a job on the
disk before it answers, as we do.
"""

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.components.debian import install_packages
from tests.components.missing import ComponentMissing
from tests.components.python_venv import installed
from tests.components.slurm import Slurm

from bench.workstation.arbiter import BenchmarkError

SLOTS = 8
PINS = Path(__file__).parents[2] / "requirements" / "peers.txt"
_PATIENCE = 600.0
_SUBMITTERS = 4


def slurm(count: int) -> float:
    """Seconds that Slurm 22.05 takes, tuned for many short jobs (tests/components/slurm.py)."""
    with Slurm.running() as one, ThreadPoolExecutor(_SUBMITTERS) as pool:
        one.await_state(one.submit("true", "--gres=gpu:1"), "COMPLETED")
        began = time.perf_counter()
        for submitted in [pool.submit(one.submit, "true", "--gres=gpu:1") for _ in range(count)]:
            submitted.result()
        _until(lambda: not one.run("squeue", "-h").stdout.strip(), "Slurm's queue is empty", step=0.2)
        return time.perf_counter() - began


def task_spooler(count: int) -> float:
    """Seconds that task-spooler takes, a client for each job, as it is used."""
    with _spooler() as ts:
        began = time.perf_counter()
        for _ in range(count):
            ts("-n", "true")
        _until(lambda: _spooled(ts("-l"), "finished") == count, "task-spooler is done", step=0.02)
        return time.perf_counter() - began


def task_spooler_start() -> float:
    """Seconds from submitting a job to its first instruction, on an idle spooler."""
    with _spooler() as ts, tempfile.TemporaryDirectory() as folder:
        mark = Path(folder, "mark")
        began = time.perf_counter()
        ts("-n", "touch", str(mark))
        _until(mark.exists, "task-spooler starts a job", step=0.0005)
        return time.perf_counter() - began


def hyperqueue(count: int) -> float:
    """Seconds that HyperQueue's LocalCluster takes."""
    return _in_environment("peer_hyperqueue.py", count)


def ray(count: int) -> float:
    """Seconds that Ray takes with warm workers."""
    return _in_environment("peer_ray.py", count)


PEERS: dict[str, Callable[[int], float]] = {
    "Slurm": slurm,
    "HyperQueue": hyperqueue,
    "Ray": ray,
    "task-spooler": task_spooler,
}


# ------------------------------------------------------------------ parts


def _in_environment(script: str, count: int) -> float:
    try:
        python = installed(PINS, "peers", dependencies=True)
    except ComponentMissing as error:
        raise BenchmarkError(str(error)) from error
    env = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    with tempfile.TemporaryDirectory() as folder:
        argv = [str(python), str(Path(__file__).parent / script), str(count), str(SLOTS)]
        done = subprocess.run(
            argv, cwd=folder, env=env, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    if done.returncode:
        raise BenchmarkError(f"{script} failed: {done.stderr[-500:]}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["seconds"])


@contextlib.contextmanager
def _spooler() -> Generator[Callable[..., str], None, None]:
    try:
        if not Path("/usr/bin/tsp").exists():
            install_packages(["task-spooler"], "task-spooler")
    except ComponentMissing as error:
        raise BenchmarkError(str(error)) from error
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "TS_SOCKET": f"{folder}/socket", "TS_MAXFINISHED": "5000", "TMPDIR": folder}

        def ts(*arguments: str) -> str:
            return subprocess.run(
                ["/usr/bin/tsp", *arguments], env=env, capture_output=True, text=True, timeout=60, check=True
            ).stdout

        ts("-S", str(SLOTS))
        try:
            yield ts
        finally:
            ts("-K")


def _spooled(listing: str, state: str) -> int:
    return sum(line.split()[1] == state for line in listing.splitlines()[1:])


def _until(holds: Callable[[], bool], what: str, *, step: float) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise BenchmarkError(f"not within {_PATIENCE:.0f} s: {what}")
        time.sleep(step)
