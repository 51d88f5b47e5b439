"""How long the scheduler takes to decide: over a queue and a cluster that it has never seen, and after one
event.

Half of the jobs are picky about the GPU, a third about its memory, and their time limits differ; fifty users
submitted them. The cluster has four kinds of node. The store is not in it: this is the decision alone.
"""

import gc
from collections.abc import Mapping
from dataclasses import replace
from math import log
from random import Random
from statistics import median
from time import perf_counter, process_time

from bench.figure import Figure, percentile, spread
from sentinel.core.job import Job, JobSpec, JobState, Placement
from sentinel.core.node import Node, NodeGpu, NodeState
from sentinel.scheduling.placement import place
from sentinel.scheduling.snapshot import Snapshot
from sentinel.scheduling.verdict import Booking, Pass

JOBS, NODES = 10_000, 1_000
SIZES = ((10_000, 1_000), (31_600, 3_160), (100_000, 10_000))
SIZES_QUICK = SIZES[:2]
ROUNDS = {10_000: 5, 31_600: 3, 100_000: 1}
EVENTS, EVENTS_QUICK = 200, 100
COLD_MOST, EVENT_MOST = 1.0, 10.0  # seconds, milliseconds

_BEGUN = 1_000_000.0
_MODELS = (("NVIDIA H100 80GB HBM3", 80), ("NVIDIA A100-SXM4-80GB", 80), ("NVIDIA A100-SXM4-40GB", 40),
           ("Tesla V100-SXM2-32GB", 32))  # fmt: skip
_GIB = 1 << 30


def measure(quick: bool) -> list[Figure]:
    times = {jobs: _cold(jobs, nodes) for jobs, nodes in (SIZES_QUICK if quick else SIZES)}
    wall = {jobs: median(pair[0] for pair in pairs) for jobs, pairs in times.items()}
    cpus = {jobs: median(pair[1] for pair in pairs) for jobs, pairs in times.items()}
    figures = [
        Figure(
            name=f"cold pass: {JOBS:,} jobs, {NODES * 8:,} GPUs",
            value=round(wall[JOBS], 3),
            unit="s",
            target=COLD_MOST,
            how=f"median of {ROUNDS[JOBS]}: a first pass over the whole queue, caches empty",
            detail={"cpu_s": round(cpus[JOBS], 3)},
        )
    ]
    for jobs in list(wall)[1:]:
        expected, grew = jobs * log(jobs) / (JOBS * log(JOBS)), cpus[jobs] / cpus[JOBS]
        figures.append(
            Figure(
                name=f"cold pass: growth to {jobs:,} jobs, {jobs // 10 * 8:,} GPUs",
                value=round(grew / expected, 3),
                unit="ratio",
                target=1.0,
                how=f"{grew:.1f} times the CPU time (n log n: {expected:.1f} times); {wall[jobs]:.2f} s",
                detail={"cpu_s": round(cpus[jobs], 3), "wall_s": round(wall[jobs], 3)},
            )
        )
    after, cpu = _events(JOBS, NODES, EVENTS_QUICK if quick else EVENTS)
    for name, value in (("median", median(after)), ("p99", percentile(after, 99))):
        figures.append(
            Figure(
                name=f"pass after one event, {name}: {JOBS:,} jobs waiting",
                value=round(value, 3),
                unit="ms",
                target=EVENT_MOST,
                how=f"{len(after)} events, by turns an end and a submission: to take it up, and the pass",
                detail=spread(after) | {"cpu_ms": spread(cpu)},
            )
        )
    return figures


def _cold(jobs: int, nodes: int) -> list[tuple[float, float]]:
    """Wall and CPU seconds of each round."""
    found: list[tuple[float, float]] = []
    for seed in range(ROUNDS[jobs]):
        snapshot, now = _snapshot(jobs, nodes, Random(seed)), _BEGUN + jobs
        gc.collect()
        wall, cpu = perf_counter(), process_time()
        placed = place(snapshot, now)
        found.append((perf_counter() - wall, process_time() - cpu))
        assert placed.chosen, "there is room for the first jobs"
    return found


def _events(jobs: int, nodes: int, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds that each of `count` events took, wall and CPU: the snapshot's part and the pass."""
    random = Random(1)
    snapshot, now = _snapshot(2 * jobs, nodes, random), _BEGUN + 2 * jobs
    passed = place(snapshot, now)
    moved = _begun(snapshot, passed, now)
    snapshot.take(jobs=[*moved, *_surplus(snapshot, {job.id for job in moved}, jobs)])
    running = [job.id for job in moved]
    bookings: Mapping[str, Booking] = place(snapshot, now).bookings
    snapshot.changed.clear()
    gc.collect()
    gc.freeze()  # as the controller does
    wall: list[float] = []
    cpu: list[float] = []
    moved = []
    for number in range(count):
        now += 1.0
        if number % 2:
            event = _job(10**7 + number, random, now)
        else:
            ended = snapshot.jobs[running.pop(random.randrange(len(running)))]
            event = replace(ended, state=JobState.SUCCEEDED, placement=None)
        begun, cpu_begun = perf_counter(), process_time()
        snapshot.take(jobs=[*moved, event])
        passed = place(snapshot, now, bookings, changed=frozenset(snapshot.changed))
        wall.append((perf_counter() - begun) * 1000)
        cpu.append((process_time() - cpu_begun) * 1000)
        snapshot.changed.clear()
        bookings = passed.bookings
        moved = _begun(snapshot, passed, now)
        running += [job.id for job in moved]
    gc.unfreeze()
    return wall, cpu


def _surplus(snapshot: Snapshot, placed: set[str], wanted: int) -> list[Job]:
    """What makes the queue `wanted` long: the last ones are canceled."""
    waiting = [job for job in snapshot.queued() if job.id not in placed]
    return [replace(job, state=JobState.CANCELED) for job in waiting[wanted:]]


def _begun(snapshot: Snapshot, passed: Pass, now: float) -> list[Job]:
    return [
        replace(
            snapshot.jobs[chosen.job],
            state=JobState.RUNNING,
            placement=Placement(node=chosen.node, gpus=chosen.gpus, token=chosen.job),
            started_at=now,
            allocated_at=now,
        )
        for chosen in passed.chosen
    ]


def _snapshot(jobs: int, nodes: int, random: Random) -> Snapshot:
    snapshot = Snapshot()
    snapshot.take(
        nodes=[_node(number, nodes) for number in range(nodes)],
        jobs=[_job(number, random, _BEGUN + number * 0.01) for number in range(jobs)],
    )
    snapshot.changed.clear()
    return snapshot


def _node(number: int, of: int) -> Node:
    model, memory = _MODELS[number * len(_MODELS) // of]
    gpus = tuple(
        NodeGpu(
            uuid=f"n{number}-{index}",
            index=index,
            model=model,
            memory_total_bytes=memory * _GIB,
            island=0 if number % 3 else index // 4,
            numa=index // 4,
        )
        for index in range(8)
    )
    return Node(
        id=f"n{number}",
        name=f"node-{number:05d}",
        joined_at=0.0,
        state=NodeState.UP,
        gpus=gpus,
        cpus=128,
        memory_bytes=1024 * _GIB,
    )


def _job(number: int, random: Random, submitted: float) -> Job:
    spec = JobSpec(
        command=("true",),
        cwd="/",
        gpus=random.choices([1, 2, 4, 8], [60, 15, 15, 10])[0],
        priority=random.choice([0, 0, 0, -10]),
        time_limit=random.choice([3600.0, 4 * 3600.0, 86400.0, None, 7200.0]),
        gpu_model=random.choice([None, None, "h100", "a100", "v100", "h100,a100"]),
        gpu_memory_bytes=random.choice([None, None, None, 40 * _GIB]),
    )
    return Job(id=f"j{number:07d}", owner=f"u{random.randrange(50)}", spec=spec, submitted_at=submitted)
