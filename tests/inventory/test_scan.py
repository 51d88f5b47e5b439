"""One look: every source asked, none waited for too long, and what one hides no other has to."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.fakes.containers import FakeContainers
from tests.fakes.process_facts import FakeProcessFacts

from sentinel.core.clock import boot_id
from sentinel.core.container import Device, Mount
from sentinel.core.errors import GpuReadError, SourceAbsent, SourceUnknown
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, ProcessKind
from sentinel.core.inventory import Inventory
from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts, Usage
from sentinel.core.workload import Category, Origin, Workload, WorkloadState
from sentinel.inventory.engines import EngineView
from sentinel.inventory.observation import Absent, Covered, Leases, Pod, Seen, Unknown
from sentinel.inventory.scan import OFF, Scanner

GPU_DEVICE = Device(host="/dev/nvidia0", container="/dev/nvidia0")


@dataclass
class Desk:
    """A machine with one GPU; each source may be made to fail, or to hang until `freed`."""

    processes: FakeProcessFacts = field(
        default_factory=lambda: FakeProcessFacts(users={1001: "ann", 1002: "bob"})
    )
    docker: FakeContainers = field(default_factory=FakeContainers)
    on_gpu: tuple[int, ...] = ()
    trouble: Exception | None = None
    hung: set[str] = field(default_factory=set[str])
    freed: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list[str])

    def run(self, pid: int, **more: Any) -> None:
        settings: dict[str, Any] = {"name": "python", "uid": 1001, "cgroups": ("0::/",)} | more
        self.processes.add(ProcessFacts(process=ProcessId(pid, 5), **settings))

    def gpus(self) -> GpuReading:
        self._asked("gpus")
        if self.trouble is not None:
            raise self.trouble
        listed = tuple(GpuProcess(pid=pid, kind=ProcessKind.COMPUTE) for pid in self.on_gpu)
        return GpuReading(source="fake", gpus=(Gpu(index=0, uuid="GPU-0", processes=listed),))

    def pods(self) -> tuple[Pod, ...]:
        self._asked("pods")
        return (Pod(name="lab/train"),)

    def leases(self) -> Leases:
        self._asked("arbiter")
        return Leases(covered={7: Covered(lease="l1", user="ann")})

    def _asked(self, what: str) -> None:
        self.asked.append(what)
        if what in self.hung:
            self.freed.wait(60)

    def scanner(self, seconds: float = 10.0, **without: None) -> Scanner:
        sources: dict[str, Any] = {"gpus": self.gpus, "pods": self.pods, "leases": self.leases} | without
        return Scanner(
            node="here",
            boot_id=boot_id(),
            processes=self.processes,
            engines={"docker": EngineView(self.docker, self.processes), "podman": None},
            home_roots=("/home",),
            seconds=seconds,
            **sources,
        )


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.freed.set()


def before(*workloads: Workload, boot: str | None = None) -> Inventory:
    return Inventory(node="here", scanned_at=1.0, boot_id=boot or boot_id(), workloads=workloads)


def earlier(pid: int) -> Workload:
    return Workload(
        id=f"process:{pid}:5:x",
        origin=Origin.HOST,
        category=Category.HOST,
        state=WorkloadState.RUNNING,
        name="python",
        pids=(pid,),
    )


def test_everything_is_asked(desk: Desk) -> None:
    desk.on_gpu = (42,)
    desk.run(42)
    desk.processes.used[42] = Usage(cpu_seconds=1.0, memory_bytes=2)
    container = desk.docker.add("trainer", pid=43)
    desk.run(43, uid=1002)
    seen = desk.scanner().observe(None)
    assert isinstance(seen.gpus, Seen) and isinstance(seen.pods, Seen) and isinstance(seen.leases, Seen)
    docker = seen.engines["docker"]
    assert isinstance(docker, Seen) and docker.value.details.keys() == {container.id}
    assert seen.processes.keys() == {42, 43}
    assert seen.process_usage == {42: Usage(cpu_seconds=1.0, memory_bytes=2)}, "of those on GPUs"
    assert seen.users == {1001: "ann", 1002: "bob"}
    assert seen.blind is None and seen.node == "here"


def test_what_is_switched_off_is_off_and_not_asked(desk: Desk) -> None:
    seen = desk.scanner(gpus=None, pods=None, leases=None).observe(None)
    assert seen.gpus is seen.pods is seen.leases is seen.engines["podman"] is OFF
    assert desk.asked == []


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (GpuReadError("the driver is gone"), Unknown(why="the driver is gone")),
        (SourceAbsent("no GPU here"), Absent(why="no GPU here")),
        (ZeroDivisionError("x"), Unknown(why="a defect in Sentinel: ZeroDivisionError: x")),
    ],
)
def test_a_source_that_fails_fails_alone(desk: Desk, trouble: Exception, expected: object) -> None:
    desk.trouble = trouble
    desk.docker.add("trainer", pid=43)
    desk.run(43)
    seen = desk.scanner().observe(None)
    assert seen.gpus == expected
    assert isinstance(seen.engines["docker"], Seen) and seen.processes.keys() == {43}


def test_an_engine_that_fails_hides_no_process(desk: Desk) -> None:
    desk.docker.trouble = SourceUnknown("it does not answer")
    desk.on_gpu = (42,)
    desk.run(42)
    seen = desk.scanner().observe(None)
    assert seen.engines["docker"] == Unknown(why="it does not answer")
    assert seen.processes.keys() == {42}


@pytest.mark.parametrize(("what", "field"), [("gpus", "gpus"), ("pods", "pods"), ("arbiter", "leases")])
def test_a_source_that_hangs_is_not_waited_for_and_not_asked_again(desk: Desk, what: str, field: str) -> None:
    desk.hung = {what}
    scanner = desk.scanner(seconds=0.05)
    for _ in range(3):
        began = time.monotonic()
        found: object = getattr(scanner.observe(None), field)
        assert isinstance(found, Unknown) and "no answer within" in found.why
        assert time.monotonic() - began < 5.0
    assert desk.asked.count(what) == 1, "one thread is left behind, not one a look"


def test_one_that_hung_is_asked_again_when_it_has_come_back(desk: Desk) -> None:
    desk.hung = {"gpus"}
    scanner = desk.scanner(seconds=0.05)
    assert isinstance(scanner.observe(None).gpus, Unknown)
    desk.hung = set()
    desk.freed.set()
    deadline = time.monotonic() + 10
    while not isinstance(scanner.observe(None).gpus, Seen):
        assert time.monotonic() < deadline


def test_a_proc_that_hangs_is_blind_and_nothing_else_is(desk: Desk) -> None:
    class Hanging(FakeProcessFacts):
        def facts(self, pid: int) -> ProcessFacts | None:
            desk.freed.wait(60)
            return super().facts(pid)

    desk.processes = Hanging()
    desk.on_gpu = (42,)
    seen = desk.scanner(seconds=0.1).observe(None)
    assert seen.blind is not None and seen.blind.startswith("/proc: no answer")
    assert isinstance(seen.gpus, Seen) and seen.processes == {}


def test_what_ran_before_is_looked_at_again_though_nobody_lists_it(desk: Desk) -> None:
    desk.run(42)
    desk.trouble = GpuReadError("the driver is gone")
    scanner = desk.scanner()
    assert scanner.observe(before(earlier(42))).processes.keys() == {42}
    assert scanner.observe(before(earlier(42), boot="another boot")).processes == {}, "its pid means nothing"


def test_only_containers_that_may_use_a_gpu_or_do_are_looked_into(desk: Desk) -> None:
    may = desk.docker.add("may", pid=41, devices=(GPU_DEVICE,))
    does = desk.docker.add("does", pid=42)
    neither = desk.docker.add("neither", pid=43)
    for pid, container in ((41, may), (42, does), (43, neither)):
        line = f"0::/docker/{container.id}"
        desk.run(pid, cgroups=(line,))
        desk.processes.groups[line] = Usage(memory_bytes=pid)
    desk.on_gpu = (42,)
    seen = desk.scanner().observe(None)
    assert seen.group_usage == {may.id: Usage(memory_bytes=41), does.id: Usage(memory_bytes=42)}


def test_whose_the_folders_are_that_containers_have_of_homes(desk: Desk) -> None:
    mount = Mount(kind="bind", source="/home/ann/code", destination="/code")
    desk.docker.add("trainer", pid=41, mounts=(mount,))
    desk.processes.owners["/home/ann"] = 1001
    assert desk.scanner().observe(None).path_owners == {"/home/ann": 1001}


# ------------------------------------------------------------------ between scans


def test_the_next_scan_inspects_nothing_that_has_not_changed(desk: Desk) -> None:
    desk.docker.add("trainer", pid=41)
    desk.run(41)
    first = desk.scanner()
    first.observe(None)
    second = desk.scanner()
    second.remember(first.memory())
    seen = second.observe(None)
    assert len(desk.docker.inspected) == 1 and seen.processes.keys() == {41}


@pytest.mark.parametrize(
    "memory",
    [{}, {"engines": None}, {"engines": {"docker": []}}, {"engines": {"no such": {}}}, {"processes": 5}],
)
def test_a_memory_of_no_use_does_no_harm(desk: Desk, memory: dict[str, object]) -> None:
    desk.docker.add("trainer", pid=41)
    scanner = desk.scanner()
    scanner.remember(memory)
    assert isinstance(scanner.observe(None).engines["docker"], Seen)
