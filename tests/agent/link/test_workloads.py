"""Workloads as a beat tells them."""

from dataclasses import replace

from sentinel.agent.link import workloads
from sentinel.agent.link.workloads import digest, told_workloads
from sentinel.core.inventory import Inventory, SeenGpu
from sentinel.core.workload import Category, Origin, Workload, WorkloadState

ONE = Workload(
    id="a",
    origin=Origin.HOST,
    category=Category.HOST,
    state=WorkloadState.RUNNING,
    name="train",
    user="ada",
    gpus=("g",),
    cpu_percent=5.0,
    last_seen_at=1.0,
)


def inventory(*found: Workload) -> Inventory:
    return Inventory(node="n", scanned_at=0, boot_id="b", gpus=(SeenGpu(index=3, uuid="g"),), workloads=found)


def test_only_what_lasts_makes_a_difference() -> None:
    before = told_workloads(inventory(ONE))
    restless = told_workloads(inventory(replace(ONE, cpu_percent=99.0, last_seen_at=2.0)))
    other = told_workloads(inventory(replace(ONE, state=WorkloadState.IDLE)))
    assert digest(before, restless=False) == digest(restless, restless=False)
    assert digest(before, restless=True) != digest(restless, restless=True)
    assert digest(before, restless=False) != digest(other, restless=False)
    assert before[0]["gpu_indices"] == [3]


def test_when_not_all_fit_those_that_run_come_first(monkeypatch: object) -> None:
    many = [replace(ONE, id=str(n), state=WorkloadState.EXITED, command="x" * 1000) for n in range(1000)]
    rows = told_workloads(inventory(*many, replace(ONE, id="runs")))
    assert rows[0]["id"] == "runs" and len(rows) < 1000
    assert len(rows) * 1000 < workloads.MOST_BYTES
