"""Two thousand simulated agents on one controller: its processor time, and what people wait for meanwhile."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

from bench.figure import Figure, percentile, spread
from bench.process_time import cpu_seconds
from bench.queue.controller import Controller, server
from bench.workstation.arbiter import BenchmarkError
from sentinel.client import Client

AGENTS, INTERVAL, SECONDS = 2000, 10.0, 40.0
SETTLE = 2 * INTERVAL
CPU_TARGET, API_TARGET = 100.0, 200.0


def measure(quick: bool) -> list[Figure]:
    """With SQLite, and with a PostgreSQL of the tests' own where that can be had."""
    count, seconds = (50, 5.0) if quick else (AGENTS, SECONDS)
    figures = _measured("SQLite", count, seconds, quick)
    if not quick:
        with _postgresql() as url:
            figures += _measured("PostgreSQL", count, seconds, quick, "--database", url)
    return figures


def _measured(name: str, count: int, seconds: float, quick: bool, *options: str) -> list[Figure]:
    with server(*options) as one, one.client() as client:
        token = client.create_token("bench", kind="join")["token"]
        with _herd(one, token, count, seconds) as herd:
            time.sleep(SETTLE)  # every one of them is up, and has beaten more than once
            began, before = time.monotonic(), cpu_seconds(one.pid)
            taken = _people(client, began + seconds)
            cpu = 100 * (cpu_seconds(one.pid) - before) / (time.monotonic() - began)
            told = json.loads(herd.communicate(timeout=seconds + 120)[0].strip().splitlines()[-1])
    if told["failed"] or told["beats"] < count * seconds / INTERVAL * 0.9:
        raise BenchmarkError(f"the agents could not beat as they should: {told}")
    how = f"{count} agents of 8 GPUs, a beat every {INTERVAL:g} s and a long poll each, {name}, TLS both ways"
    return [
        Figure(
            name=f"controller, {count} agents, {name}",
            value=round(cpu, 1),
            unit="%",
            target=None if quick else CPU_TARGET,
            how=f"of one core, all its processes, over {seconds:g} s; {how}",
            detail=told,
        ),
        Figure(
            name=f"API p99 meanwhile, {name}",
            value=round(percentile(taken, 99), 1),
            unit="ms",
            target=None if quick else API_TARGET,
            how="submit, list, show and cancel, in turns, by one client",
            detail=spread(taken),
        ),
    ]


def _people(client: Client, until: float) -> list[float]:
    """Milliseconds of each call, about twenty a second. The jobs fit no node, so that they stay queued."""
    taken: list[float] = []

    def timed(began: float) -> None:
        taken.append(1000 * (time.perf_counter() - began))

    while time.monotonic() < until:
        began = time.perf_counter()
        job = client.submit(["true"], cwd="/", gpus=64)
        timed(began)
        began = time.perf_counter()
        client.jobs(limit=100)
        timed(began)
        began = time.perf_counter()
        client.job(job["id"])
        timed(began)
        began = time.perf_counter()
        client.cancel(job["id"])
        timed(began)
        time.sleep(0.1)
    return taken


@contextlib.contextmanager
def _herd(
    one: Controller, token: str, count: int, seconds: float
) -> Generator["subprocess.Popen[str]", None, None]:
    argv = [sys.executable, "-m", "bench.queue.herd", one.url, one.env["SENTINEL_CA"]]
    argv += [str(count), str(SETTLE + seconds), str(INTERVAL)]
    root = Path(__file__).parents[2]
    herd = subprocess.Popen(argv, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert herd.stdin is not None and herd.stdout is not None
        herd.stdin.write(token + "\n")
        herd.stdin.flush()
        if herd.stdout.readline().strip() != "joined":
            raise BenchmarkError("the agents could not join")
        yield herd
    finally:
        herd.kill()
        herd.communicate()


@contextlib.contextmanager
def _postgresql() -> Generator[str, None, None]:
    from tests.components.missing import ComponentMissing
    from tests.components.postgresql import PostgreSQL

    try:
        with PostgreSQL.running() as database:
            yield database.make_database()
    except ComponentMissing as error:
        raise BenchmarkError(str(error)) from error
