"""What the controller is told of this node: its GPUs, whether each may be given out, and what runs on it."""

import io
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tests.agent.link.test_processes import Table
from tests.agent.link.wants import attempt
from tests.e2e.workstation import eventually
from tests.telemetry.samples import gpu, process

from sentinel.agent.link.arbiter_view import Arbiter, ArbiterView, GpuView, NoArbiter, SilentArbiter
from sentinel.agent.link.attempt import Attempt, Phase
from sentinel.agent.link.node_watch import NodeWatch, Sources
from sentinel.agent.link.processes import Processes
from sentinel.agent.link.report import Report
from sentinel.core.errors import GpuReadError
from sentinel.core.finding import Finding, GpuRef, Layer, Severity
from sentinel.core.gpu import GpuReading
from sentinel.core.inventory import Inventory
from sentinel.core.notify import Journal
from sentinel.core.workload import Category, Origin, Workload, WorkloadState


class Node:
    def __init__(self, *, quarantine: bool = True) -> None:
        self.now = 100.0
        self.gpus: list[Any] = [gpu(0), gpu(1)]
        self.trouble = ""
        self.no_gpus = False
        self.answer: Arbiter = NoArbiter()
        self.table = Table()
        self.attempts: dict[str, Attempt] = {}
        self.ended: list[Attempt] = []
        self.remarks: list[Report] = []
        self.pokes = 0
        sources = Sources(
            reading=self.read,
            absent=lambda: self.no_gpus,
            arbiter=lambda: self.answer,
            supervisor=lambda: 4242,
            processes=Processes(self.table, sees_all=True),
        )
        self.watch = NodeWatch(
            sources,
            self,
            self.changed,
            lambda: self.now,
            Journal(io.StringIO()),
            boot_id="b",
            version="1",
            quarantine=quarantine,
        )

    def read(self) -> GpuReading:
        if self.trouble:
            raise GpuReadError(self.trouble)
        return GpuReading(source="test", gpus=tuple(self.gpus))

    def remark(self, reports: Iterable[Report]) -> None:
        self.remarks += reports

    def changed(self) -> None:
        self.pokes += 1

    def look(self) -> dict[str, Any]:
        self.watch._look()
        return self.watch.body()

    def blocks(self) -> list[str | None]:
        gpus = self.look()["gpus"]
        return [one["blocked"] and one["blocked"]["kind"] for one in gpus]


def inventory(*found: Workload) -> Inventory:
    return Inventory(node="n", scanned_at=0, boot_id="b", workloads=found)


ADAS = Workload(
    id="a",
    origin=Origin.HOST,
    category=Category.HOST,
    state=WorkloadState.RUNNING,
    name="train",
    user="ada",
    pids=(9,),
)


def test_free_gpus_and_their_figures() -> None:
    body = Node().look()
    assert [one["uuid"] for one in body["gpus"]] == ["GPU-0", "GPU-1"]
    assert body["gpus"][0]["model"] == "NVIDIA H100" and body["gpus"][0]["blocked"] is None
    assert body["samples"][0] == {
        "uuid": "GPU-0",
        "utilization_percent": 50.0,
        "memory_used_bytes": 10 * 2**30,
        "temperature_celsius": 40.0,
        "power_watts": 300.0,
    }
    assert (body["boot_id"], body["agent_version"], body["workloads"]) == ("b", "1", None)


def test_a_stranger_blocks_its_gpu_and_our_job_does_not() -> None:
    node = Node()
    node.table.marks = {9: None, 10: "t-j1"}
    node.attempts = {"t-j1": attempt(pid=10)}
    node.gpus = [gpu(0, process(9)), gpu(1, process(10))]
    assert node.blocks() == ["unmanaged", None]
    node.watch.look(inventory(ADAS), ())
    assert "train of ada (pid 9)" in node.look()["gpus"][0]["blocked"]["why"]


def test_a_change_is_told_at_once_and_sameness_is_not() -> None:
    node = Node()
    node.look()
    assert node.pokes == 1
    node.look()
    assert node.pokes == 1
    node.table.marks = {9: None}
    node.gpus[0] = gpu(0, process(9))
    node.look()
    assert node.pokes == 2


def test_before_the_first_reading_it_is_unknown_and_afterwards_blocked() -> None:
    node = Node()
    node.trouble = "no driver"
    body = node.look()
    assert body["gpus"] is None and body["samples"] is None
    assert not node.watch.wait(0)
    node.trouble = ""
    node.look()
    assert node.watch.wait(0)
    node.trouble = "the driver hangs"
    assert node.blocks() == ["unknown", "unknown"]


def test_a_machine_without_gpus_has_none() -> None:
    node = Node()
    node.trouble, node.no_gpus = "no driver", True
    assert node.look()["gpus"] == []


def test_a_silent_arbiters_last_word_counts_for_a_while() -> None:
    node = Node()
    node.answer = ArbiterView(gpus={"GPU-0": GpuView(cordon="broken fan")})
    assert node.blocks() == ["quarantined", None]
    node.answer = SilentArbiter(why="it starts again")
    assert node.blocks() == ["quarantined", None]
    node.now += 60
    assert node.blocks() == ["unknown", "unknown"]
    node.answer = NoArbiter()
    assert node.blocks() == [None, None]


def finding() -> Finding:
    return Finding(
        code="xid-79",
        component="xid",
        severity=Severity.CRITICAL,
        layer=Layer.HARDWARE,
        title="the card fell off the bus",
        cause="",
        next_step="",
        gpu=GpuRef(uuid="GPU-1", index=1),
        quarantine=True,
    )


def test_a_finding_takes_its_gpu_out_unless_that_is_switched_off() -> None:
    for quarantine, expected in ((True, "quarantined"), (False, None)):
        node = Node(quarantine=quarantine)
        node.watch.look(inventory(), (finding(),))
        assert node.blocks() == [None, expected]


def test_workloads_are_told_when_they_changed_and_arrived() -> None:
    node = Node()
    node.watch.look(inventory(ADAS), ())
    body = node.watch.body()
    assert [one["id"] for one in body["workloads"]] == ["a"]
    assert node.watch.body()["workloads"] is not None, "it has not arrived yet"
    node.watch.told(body)
    assert node.watch.body()["workloads"] is None
    node.watch.look(inventory(replace(ADAS, cpu_percent=50.0)), ())
    assert node.watch.body()["workloads"] is None, "that moves all the time"
    node.now += 60
    assert node.watch.body()["workloads"] is not None, "but now and then it is told"
    node.watch.told(node.watch.body())
    pokes = node.pokes
    node.watch.look(inventory(), ())
    assert node.watch.body()["workloads"] == [] and node.pokes == pokes + 1


def test_a_leftover_is_blocked_at_once_and_reported_once() -> None:
    node = Node()
    node.table.marks = {9: "t-old"}
    node.ended = [attempt("old", Phase.EXITED)]
    node.gpus[0] = gpu(0, process(9))
    assert node.blocks() == ["unmanaged", None] and node.remarks == []
    node.now += 5
    node.look()
    node.look()
    assert [one.body["pid"] for one in node.remarks] == [9]
    node.gpus[0] = gpu(0)
    assert node.blocks() == [None, None]


def test_its_thread_finds_the_first_reading_soon() -> None:
    node = Node()
    node.trouble = "no sample has been taken yet"
    node.watch.start()
    try:
        node.trouble = ""
        assert node.watch.wait(5.0)
        node.gpus.pop()
        node.watch.poke()
        eventually(lambda: len(node.watch.body()["gpus"]) == 1, "it looked again", 5.0)
    finally:
        node.watch.close()
