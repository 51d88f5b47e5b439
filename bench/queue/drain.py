"""A thousand jobs of `true` on eight GPUs of one node, each submitted alone, beside what peers make of it.

Ours go through one SDK client with kept-alive TLS connections; each is on the disk (fsync, shared by what
comes together) before its submit is answered. The clock runs from the first submit to the last job's end.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from bench.figure import Figure
from bench.queue.controller import Controller, controller
from bench.queue.peers import PEERS
from bench.workstation.arbiter import BenchmarkError

JOBS = 1000
CONCURRENCY = 8
TIMES_SLURM = 10.0
_PATIENCE = 300.0
_DURABLE = {"Slurm": ""}
_VOLATILE = "; it keeps nothing on the disk"
LIVE = ["QUEUED", "ALLOCATED", "STARTING", "RUNNING", "LOST"]


def measure(quick: bool) -> list[Figure]:
    """In jobs a second; the target is in the time for a job, so that less is better."""
    count, rounds = (100, 1) if quick else (JOBS, 3)
    with controller() as one:
        _drain(one, 32)  # everything is warm
        runs = [_drain(one, count) for _ in range(rounds)]
    ours = statistics.median(runs)
    peers = {} if quick else {name: drain(JOBS) for name, drain in PEERS.items()}
    figures = [
        Figure(
            name="a job of `true`, submit to end, when many are queued",
            value=round(1000 * ours / count, 3),
            unit="ms",
            target=None if quick else round(1000 * peers["Slurm"] / JOBS / TIMES_SLURM, 3),
            how=f"{count} jobs over 8 GPUs by one client of {CONCURRENCY} connections, each durable before"
            f" its submit is answered: {count / ours:.0f} jobs/s; the target is a tenth of Slurm's time",
            detail={"jobs_per_second": [round(count / run) for run in runs]},
        )
    ]
    for name, seconds in peers.items():
        figures.append(
            Figure(
                name=f"the same by {name}",
                value=round(1000 * seconds / JOBS, 3),
                unit="ms",
                how=f"{JOBS / seconds:.0f} jobs/s in the same run; ours is"
                f" {seconds / JOBS / (ours / count):.2f} times as fast{_DURABLE.get(name, _VOLATILE)}",
                detail={"jobs_per_second": round(JOBS / seconds)},
            )
        )
    return figures


def _drain(one: Controller, count: int) -> float:
    """Seconds from the first submit to the end of the last job, all of which succeeded."""
    with one.client() as client, ThreadPoolExecutor(CONCURRENCY) as pool:
        began = time.perf_counter()
        submitted = [pool.submit(client.submit, ["true"], cwd="/", gpus=1) for _ in range(count)]
        ids = {each.result()["id"] for each in submitted}
        end = time.monotonic() + _PATIENCE
        while client.jobs(state=LIVE, limit=1):
            if time.monotonic() > end:
                raise BenchmarkError(f"{count} jobs did not end in {_PATIENCE:.0f} s")
            time.sleep(0.05)
        seconds = time.perf_counter() - began
        good = {job["id"] for job in client.jobs(state=["SUCCEEDED"], limit=None)}
    if not ids <= good:
        raise BenchmarkError(f"{len(ids - good)} of {count} jobs did not succeed")
    return seconds
