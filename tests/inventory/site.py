"""A machine whose GPUs, processes and containers a test edits, and a keeper that keeps its inventory.

What is under test is everything from the scan on; the fakes stand for /proc, the driver and the engine.
"""

from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.containers import FakeContainers
from tests.fakes.process_facts import FakeProcessFacts

from sentinel.core.clock import boot_id
from sentinel.core.container import Container
from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, ProcessKind
from sentinel.core.inventory import Inventory
from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts
from sentinel.inventory.engines import EngineView
from sentinel.inventory.eventlog import EventLog
from sentinel.inventory.keeper import Keeper, Pass
from sentinel.inventory.marking import Labels
from sentinel.inventory.observation import Settings
from sentinel.inventory.scan import Scanner
from sentinel.ports.containers import Labeller

GIB = 2**30
USERS = {0: "root", 1001: "ann"}
UUID = "GPU-00000000-aaaa-bbbb-cccc-000000000000"


@dataclass
class Site:
    """One machine with one GPU. `folder` is its state folder."""

    folder: Path
    labellers: tuple[Labeller, ...] = ()
    processes: FakeProcessFacts = field(
        default_factory=lambda: FakeProcessFacts(users={1001: "ann", 0: "root"})
    )
    docker: FakeContainers = field(default_factory=FakeContainers)
    on_gpu: dict[int, int] = field(default_factory=dict[int, int])  # pid → bytes
    gpu_trouble: str | None = None
    said: list[str] = field(default_factory=list[str])
    started: int = 1000

    def run(self, pid: int, *, memory: int = GIB, uid: int = 1001, cgroup: str = "/") -> ProcessId:
        """A process on the GPU."""
        self.started += 1
        process = ProcessId(pid, self.started)
        self.processes.add(
            ProcessFacts(
                process=process,
                name="python",
                command=("python", "train.py"),
                uid=uid,
                cgroups=(f"0::{cgroup}",),
                started_at=50.0,
                in_host_user_namespace=True,
            )
        )
        self.on_gpu[pid] = memory
        return process

    def contain(self, name: str, pid: int, **changes: object) -> Container:
        """A container with a process in it that is on the GPU."""
        container = self.docker.add(name, pid=pid, **changes)
        self.run(pid, cgroup=f"/system.slice/docker-{container.id}.scope", uid=0)
        return container

    def end(self, pid: int) -> None:
        """The process is gone."""
        self.on_gpu.pop(pid, None)
        self.processes.known.pop(pid, None)

    def read(self) -> GpuReading:
        if self.gpu_trouble is not None:
            raise GpuReadError(self.gpu_trouble)
        listed = tuple(
            GpuProcess(pid=pid, kind=ProcessKind.COMPUTE, memory_bytes=size)
            for pid, size in self.on_gpu.items()
        )
        used = sum(self.on_gpu.values())
        gpu = Gpu(index=0, uuid=UUID, memory_total_bytes=80 * GIB, memory_used_bytes=used, processes=listed)
        return GpuReading(source="fake", gpus=(gpu,))

    def keeper(self, *, namespace: str | None = "sentinel.detected") -> Keeper:
        """A new one, opened: as a process has it that has just started."""
        scanner = Scanner(
            node="here",
            boot_id=boot_id(),
            processes=self.processes,
            gpus=self.read,
            engines={"docker": EngineView(self.docker, self.processes), "podman": None},
            pods=None,
            leases=None,
            home_roots=("/home",),
            seconds=5.0,
        )
        keeper = Keeper(
            scanner,
            self.folder,
            Settings(),
            log=EventLog(folder=self.folder),
            labels=Labels(self.labellers) if self.labellers else None,
            namespace=namespace,
            started=self.said.append,
        )
        keeper.open()
        return keeper

    def scan(self) -> Pass:
        """What `sentinel scan` does, once."""
        keeper = self.keeper()
        try:
            return keeper.keep()
        finally:
            keeper.close()

    def scanned(self) -> Inventory:
        """The inventory after one scan."""
        return self.scan().inventory
