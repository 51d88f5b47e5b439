"""What the controller is told of this node: its GPUs, whether each may be given out, and what runs on it."""

import io
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from tests.agent.link.test_processes import Table
from tests.agent.link.wants import attempt, wanted
from tests.e2e.workstation import eventually
from tests.telemetry.samples import gpu, process

from sentinel.agent.link.arbiter_view import Arbiter, ArbiterView, GpuView, NoArbiter, SilentArbiter
from sentinel.agent.link.attempt import Attempt, Phase
from sentinel.agent.link.facts import Facts
from sentinel.agent.link.node_watch import NodeWatch, Sources
from sentinel.agent.link.processes import Processes
from sentinel.agent.link.report import Report
from sentinel.agent.link.workloads import REFRESH
from sentinel.core.errors import GpuReadError
from sentinel.core.finding import Finding, GpuRef, Layer, Severity
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, MigDevice, ProcessKind
from sentinel.core.inventory import Inventory
from sentinel.core.node_arbiter import ServiceState, SteppingAside
from sentinel.core.notify import Journal
from sentinel.core.workload import Category, Origin, Workload, WorkloadState
from sentinel.ports.gpu_topology import GpuPlace


class Node:
    def __init__(self, *, quarantine: bool = True, share_gpus: bool = True) -> None:
        self.now = 100.0
        self.mps: int | None = None
        self.places: dict[str, GpuPlace] = {}
        self.topologies = 0
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
            mps=lambda: self.mps,
            topology=self.topology,
            facts=lambda shared: Facts(address="10.0.0.7", cpus=4, memory_bytes=None, sharing=shared),
            share_gpus=share_gpus,
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

    def topology(self, gpus: Sequence[Gpu]) -> dict[str, GpuPlace]:
        self.topologies += 1
        return self.places

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


def test_where_gpus_are_is_asked_once_and_told() -> None:
    node = Node()
    node.places = {"GPU-0": GpuPlace(island=0, numa=1), "GPU-1": GpuPlace(island=0)}
    node.look()
    eventually(lambda: node.look()["gpus"][0]["island"] == 0, "it knows", 5.0)
    assert [(one["island"], one["numa"]) for one in node.look()["gpus"]] == [(0, 1), (0, None)]
    assert node.topologies == 1


def test_the_first_beat_waits_for_that_but_not_for_long() -> None:
    node, asked, hangs = Node(), threading.Event(), threading.Event()

    def slow(_: object) -> dict[str, GpuPlace]:
        asked.set()
        hangs.wait(10.0)
        return {}

    node.watch._topology._read = slow
    node.watch.start()
    try:
        assert asked.wait(5.0)
        assert not node.watch.wait(0)
        node.now += 0.6
        assert node.watch.wait(5.0), "a driver that hangs holds up no beat"
    finally:
        hangs.set()
        node.watch.close()


def test_facts_are_told_first_when_they_changed_and_now_and_then() -> None:
    node = Node()
    assert node.watch.body()["facts"] is None, "nothing has been looked at"
    body = node.look()
    assert body["facts"] == {"address": "10.0.0.7", "cpus": 4, "memory_bytes": None, "sharing": "unenforced"}
    assert node.watch.body()["facts"] is not None, "it has not arrived yet"
    node.watch.told(body)
    assert node.look()["facts"] is None
    pokes = node.pokes
    node.mps = 77
    body = node.look()
    assert body["facts"]["sharing"] == "mps" and node.pokes == pokes + 1
    node.watch.told(body)
    assert node.watch.body()["facts"] is None
    node.now += 60
    assert node.watch.body()["facts"]["sharing"] == "mps"


def test_where_an_arbiter_leases_whole_gpus_or_nobody_wants_it_none_is_shared() -> None:
    node = Node()
    for answer in (ArbiterView(), SilentArbiter(why="it hangs")):
        node.answer, node.mps = answer, 77
        assert node.look()["facts"]["sharing"] == "no"
    assert Node(share_gpus=False).look()["facts"]["sharing"] == "no"


def test_what_a_share_is_launched_with() -> None:
    node = Node()
    job = wanted(gpus=("GPU-1",), spec={"gpu_milli": 250})
    assert node.watch.adds(job) == {"SENTINEL_GPU_SHARE": "0.25"}, "the GPU's memory is not known yet"
    node.mps = 77
    node.look()
    assert node.watch.adds(job)["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] == f"0={20 * 1024}M"
    assert node.watch.adds(job)["SENTINEL_GPU_MEMORY_LIMIT_BYTES"] == str(20 * 2**30)
    assert node.watch.adds(wanted()) == {}


def test_an_mps_server_is_nobodys_and_its_clients_are_whose_they_are() -> None:
    node = Node()
    node.table.marks = {77: None, 78: None, 10: "t-j1", 9: None}
    node.table.parents = {78: 77}
    node.attempts = {"t-j1": attempt(pid=10)}
    client = process(10, kind=ProcessKind.MPS)
    node.gpus = [gpu(0, process(78), client), gpu(1)]
    assert node.blocks() == ["unmanaged", None], "no daemon is known"
    node.mps = 77
    assert node.blocks() == [None, None]
    node.gpus = [gpu(0, process(78), client, process(9, kind=ProcessKind.MPS)), gpu(1)]
    assert node.blocks() == ["unmanaged", None]


def test_each_mig_device_is_a_gpu_of_its_own_and_the_card_is_none() -> None:
    node = Node()
    node.places = {"GPU-0": GpuPlace(island=0, numa=1), "GPU-1": GpuPlace(island=0, numa=1)}
    parts = tuple(
        MigDevice(
            index=at,
            uuid=f"MIG-{at}",
            name="MIG 1g.10gb",
            gpu_instance_id=at + 7,
            compute_instance_id=0,
            memory_total_bytes=10 * 2**30,
            memory_used_bytes=at,
        )
        for at in range(2)
    )
    on_one = GpuProcess(pid=9, kind=ProcessKind.COMPUTE, gpu_instance_id=8, compute_instance_id=0)
    node.table.marks = {9: None}
    node.gpus = [gpu(0, on_one, mig_enabled=True, mig_devices=parts), gpu(1)]
    eventually(lambda: node.look()["gpus"][0]["numa"] == 1, "it knows where they are", 5.0)
    body = node.look()
    assert [one["uuid"] for one in body["gpus"]] == ["MIG-0", "MIG-1", "GPU-1"]
    first, second, whole = body["gpus"]
    assert (first["model"], first["memory_total_bytes"]) == ("NVIDIA H100 MIG 1g.10gb", 10 * 2**30)
    assert [one["island"] for one in body["gpus"]] == [None, None, 0], "NVLink does not reach into MIG"
    assert first["blocked"] is None and whole["blocked"] is None
    assert second["blocked"]["kind"] == "unmanaged"
    samples = {one["uuid"]: one for one in body["samples"]}
    assert (samples["MIG-1"]["memory_used_bytes"], samples["MIG-1"]["power_watts"]) == (1, None)


def test_findings_are_told_once_health_has_looked_and_when_others_stand() -> None:
    node = Node()
    assert node.look()["findings"] is None, "nobody has looked"
    pokes = node.pokes
    node.watch.look(inventory(), (finding(),))
    assert node.pokes == pokes + 1
    body = node.watch.body()
    assert [one["code"] for one in body["findings"]] == ["xid-79"]
    node.watch.told(body)
    pokes = node.pokes
    node.watch.look(inventory(), (replace(finding(), count=2),))
    assert node.watch.body()["findings"] is None and node.pokes == pokes
    node.now += 300
    assert node.watch.body()["findings"][0]["count"] == 2
    node.watch.look(inventory(), iter(()))
    assert node.watch.body()["findings"] == [] and node.pokes == pokes + 1


def test_which_processes_on_the_gpus_are_whose() -> None:
    node = Node()
    node.table.marks = {9: None, 10: "t-j1", 11: "t-j1", 12: "t-old"}
    node.attempts = {"t-j1": attempt(pid=10)}
    node.gpus = [gpu(0, process(9), process(10)), gpu(1, process(11), process(12))]
    node.look()
    assert node.watch.pids == {"t-j1": {10, 11}}
    node.gpus = [gpu(0), gpu(1)]
    node.look()
    assert node.watch.pids == {}


def test_what_the_arbiter_says_is_told_once_and_at_once_when_it_changes() -> None:
    node = Node()
    paused = SteppingAside(name="chat", state=ServiceState.PAUSED, why="lease L1 of ana")
    node.answer = ArbiterView(services=(paused,))
    body = node.look()
    assert body["arbiter"]["services"][0]["state"] == "paused"
    node.watch.told(body)
    pokes = node.pokes
    assert node.look()["arbiter"] is None and node.pokes == pokes, "as before"
    node.answer = ArbiterView(services=(replace(paused, why="coming back"),))
    assert node.look()["arbiter"] is not None and node.pokes == pokes, "with the next beat"
    node.answer = ArbiterView(services=(replace(paused, state=ServiceState.RUNNING),))
    body = node.look()
    assert body["arbiter"]["services"][0]["state"] == "running" and node.pokes == pokes + 1
    assert node.watch.body()["arbiter"] == body["arbiter"], "that beat did not arrive"
    node.watch.told(body)
    node.now += REFRESH
    assert node.watch.body()["arbiter"] is not None, "the controller may have been restored meanwhile"


def test_before_the_first_look_nothing_is_said_of_the_arbiter() -> None:
    node = Node()
    assert node.watch.body()["arbiter"] is None
    assert node.look()["arbiter"]["standing"] == "none"
