"""1,024 GPUs that all change once a second: what that costs the controller while 0, 1 and 50 watch.

A real controller with 128 simulated nodes of `sentinel dev seed --live --every 1`, ten times as many beats as
agents send. Of the controller all processes are counted, the beats' own share included, which is what is left
with nobody watching. Beside that, how long the whole and a change of every row take to work out and encode.
"""

import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from random import Random
from typing import Any

from bench.figure import Figure
from bench.process_time import cpu_seconds
from bench.queue.controller import Controller, server
from bench.workstation.arbiter import BenchmarkError
from sentinel.api.fleet import Fleet, Known, changes_json, part_of, whole_json
from sentinel.api.packing import block, pack
from sentinel.core.node import Node, NodeGpu, NodeState

NODES, GPUS, SECONDS = 128, 8, 30.0
WATCHERS = 50
CPU_TARGET, SIZE_TARGET = 50.0, 60.0
_ROOT = Path(__file__).parents[2]
_PATIENCE = 300.0


def measure(quick: bool) -> list[Figure]:
    """The streams of a real controller, then what is encoded."""
    nodes, seconds = (8, 3.0) if quick else (NODES, SECONDS)
    return [*_streams(nodes, seconds, quick), *_encoded(5 if quick else 50)]


def _streams(nodes: int, seconds: float, quick: bool) -> list[Figure]:
    figures: list[Figure] = []
    with server() as one, alive(one, nodes):
        for count in (0, 1, WATCHERS):
            cpu, told = watched(one, count, seconds)
            if count and (told["failed"] or told["messages"] < 0.8 * seconds):
                raise BenchmarkError(f"those who watch did not hear what they should: {told}")
            target = CPU_TARGET if count == WATCHERS and not quick else None
            figures.append(
                Figure(
                    name=f"controller, {count} follow the fleet",
                    value=round(cpu, 1),
                    unit="%",
                    target=target,
                    how=f"% of one core, all processes, {seconds:g} s; {nodes * GPUS} GPUs at 1 Hz, TLS",
                    detail=told,
                )
            )
    return figures


def watched(one: Controller, count: int, seconds: float) -> tuple[float, dict[str, Any]]:
    """% of a core while `count` watch, and what those heard."""
    if count == 0:
        return _cpu_over(one.pid, lambda: time.sleep(seconds)), {}
    argv = [sys.executable, "-m", "bench.dashboard.watchers", one.url, one.env["SENTINEL_CA"], str(count)]
    process = subprocess.Popen(
        [*argv, str(seconds + 1)], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(one.env["SENTINEL_TOKEN"] + "\n")
        process.stdin.flush()
        if process.stdout.readline().strip() != "watching":
            raise BenchmarkError("nobody could follow the fleet")
        cpu = _cpu_over(one.pid, lambda: time.sleep(seconds))
        return cpu, json.loads(process.communicate(timeout=_PATIENCE)[0].strip().splitlines()[-1])
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def alive(one: Controller, nodes: int, *, jobs: int = 500, every: int = 1) -> Generator[None]:
    """Simulated nodes that beat each second."""
    sentinel = str(Path(sys.executable).parent / "sentinel")
    argv = [sentinel, "dev", "seed", "--live", "--every", str(every), "--days", "0.05", "--jobs", str(jobs)]
    argv += ["--nodes", str(nodes), "--gpus", str(GPUS), "--data-dir", str(one.folder)]
    env = {**os.environ, "HOME": str(one.folder.parent)}
    with (one.folder.parent / "seed.log").open("w+") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, env=env)
        try:
            end = time.monotonic() + _PATIENCE
            with one.client() as client:
                while not any(node["samples"] for node in client.nodes()):
                    if process.poll() is not None or time.monotonic() > end:
                        log.seek(0)
                        raise BenchmarkError(f"there are no simulated nodes: {log.read()[-500:]}")
                    time.sleep(0.2)
            time.sleep(3)
            yield
        finally:
            process.terminate()
            process.wait(20)


def _cpu_over(pid: int, work: Callable[[], None]) -> float:
    began, before = time.monotonic(), cpu_seconds(pid)
    work()
    return 100 * (cpu_seconds(pid) - before) / (time.monotonic() - began)


# ------------------------------------------------------------------ encoding


def _encoded(rounds: int) -> list[Figure]:
    random = Random(1)
    nodes = [_node(random, number) for number in range(NODES)]
    fleets = [_fleet(random, nodes, at) for at in range(rounds + 1)]
    json_of = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
    whole = [_timed(lambda fleet=fleet: pack(json_of(whole_json(fleet)).encode())) for fleet in fleets]
    deltas = [
        _timed(lambda was=was, now=now: block(json_of(changes_json(was, now)).encode()))
        for was, now in itertools.pairwise(fleets)
    ]
    looked = [_timed(lambda at=at: _fleet(random, nodes, at), packed=False) for at in range(rounds)]
    return [
        Figure(
            name="1,024 GPUs, the whole, packed",
            value=round(whole[-1][1] / 1000, 1),
            unit="kB",
            target=SIZE_TARGET,
            how="what a page is sent once",
        ),
        Figure(
            name="1,024 GPUs, the whole",
            value=round(statistics.median(one for one, _ in whole), 2),
            unit="ms",
            how="encode and pack it, median",
        ),
        Figure(
            name="1,024 GPUs, every row changed",
            value=round(statistics.median(one for one, _ in deltas), 2),
            unit="ms",
            how="compare, encode and pack, once a second for all who watch, median",
            detail={
                "kilobytes": round(deltas[-1][1] / 1000, 1),
                "look_ms": round(statistics.median(one for one, _ in looked), 2),
            },
        ),
    ]


def _timed(work: Callable[[], Any], *, packed: bool = True) -> tuple[float, int]:
    began = time.perf_counter()
    found = work()
    return 1000 * (time.perf_counter() - began), len(found) if packed else 0


def _fleet(random: Random, nodes: list[Node], at: float) -> Fleet:
    """Every GPU shows something else than before."""
    parts = [
        part_of(Known(node=node, samples=tuple(_sample(random, gpu.uuid) for gpu in node.gpus or ())))
        for node in nodes
    ]
    return Fleet(at=at, revision=1, parts=tuple(parts))


def _sample(random: Random, uuid: str) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "utilization_percent": random.randrange(101),
        "memory_used_bytes": random.randrange(80 << 10) << 20,
        "temperature_celsius": random.randrange(30, 90),
        "power_watts": random.uniform(50, 700),
    }


def _node(random: Random, number: int) -> Node:
    gpus = tuple(
        NodeGpu(
            uuid=f"GPU-{random.getrandbits(128):032x}",
            index=index,
            model="NVIDIA H100 80GB HBM3",
            memory_total_bytes=80 << 30,
        )
        for index in range(GPUS)
    )
    return Node(id=f"n{number}", name=f"sim-{number:03}", joined_at=0.0, state=NodeState.UP, gpus=gpus)
