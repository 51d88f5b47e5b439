"""What a scan might have seen, in few words: processes, containers, GPUs and whole observations.

For the tests of the inventory's pure part. Ids are made of a letter, so that failures are easy to read.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sentinel.core.container import Container, ContainerState, ContainerSummary
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, ProcessKind
from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts
from sentinel.inventory.observation import Answer, Engine, Observation, Seen, Settings

BOOT = "b0070000-0000-4000-8000-000000000000"
START = 1_800_000_000.0
MIB = 2**20
USERS = {0: "root", 113: "ollama", 1001: "ann", 1002: "bob"}
SETTINGS = Settings(home_roots=("/home", "/data/users"))
UUIDS = ("GPU-00000000-aaaa", "GPU-00000001-aaaa")


def container_id(letter: str) -> str:
    """64 hexadecimal digits."""
    return f"{ord(letter):064x}"


def scope(id: str, runtime: str = "docker") -> str:
    """The cgroup v2 line of a process in a container."""
    return f"0::/system.slice/{runtime}-{id}.scope"


def a_process(pid: int, *, uid: int | None = 1001, cgroup: str | None = None, **more: Any) -> ProcessFacts:
    """Facts of a process, started `pid` ticks after boot unless `started` says otherwise."""
    started = more.pop("started", pid)
    lines = None if cgroup == "" else (cgroup or "0::/user.slice/user-1001.slice/session-3.scope",)
    if cgroup is None and uid != 1001:
        lines = ("0::/system.slice/some.service",)
    return ProcessFacts(
        process=ProcessId(pid, started),
        name=more.pop("name", "python"),
        command=more.pop("command", ("python", "train.py")),
        uid=uid,
        cgroups=more.pop("cgroups", lines),
        started_at=more.pop("started_at", START + started),
        **more,
    )


def a_container(letter: str = "a", **more: Any) -> Container:
    """A container as inspected; running, with pid 500, unless told otherwise."""
    id = container_id(letter) if len(letter) == 1 else letter
    found: dict[str, Any] = {
        "name": f"name-{letter}",
        "image": "pytorch:2",
        "engine": "docker",
        "state": ContainerState.RUNNING,
        "command": ("python", "train.py"),
        "pid": 500,
        "created_at": START,
        "started_at": START + 1,
        "oci_runtime": "runc",
    }
    return Container(id=id, **(found | more))


def summary_of(container: Container) -> ContainerSummary:
    """What listing it tells."""
    return ContainerSummary(
        id=container.id,
        name=container.name,
        image=container.image,
        command=" ".join(container.command),
        state=container.state,
        created_at=container.created_at or 0.0,
        labels=container.labels,
    )


def an_engine(*containers: Container, inspected: bool = True) -> Seen[Engine]:
    """The answer of an engine that has these."""
    details = {one.id: one for one in containers} if inspected else {}
    return Seen(Engine(summaries=tuple(map(summary_of, containers)), details=details))


def on_gpu(pid: int, mib: int | None = 100, **more: Any) -> GpuProcess:
    """A process in a GPU's list."""
    memory = None if mib is None else mib * MIB
    return GpuProcess(pid=pid, kind=more.pop("kind", ProcessKind.COMPUTE), memory_bytes=memory, **more)


def a_gpu(index: int = 0, *processes: GpuProcess, **more: Any) -> Gpu:
    """A GPU with these processes; `utilization_percent` is 50 unless told otherwise."""
    found: dict[str, Any] = {"utilization_percent": 50.0, "processes": processes, "uuid": UUIDS[index % 2]}
    return Gpu(index=index, **(found | more))


def gpus(*cards: Gpu) -> Seen[GpuReading]:
    """The answer of the GPUs."""
    return Seen(GpuReading(source="test", gpus=cards))


def observed(
    seconds: float = 100.0,
    *,
    cards: Answer[GpuReading] | None = None,
    processes: Iterable[ProcessFacts] = (),
    engines: Mapping[str, Answer[Engine]] | None = None,
    **more: Any,
) -> Observation:
    """A look at so many seconds after boot. Without `cards` there are two idle GPUs."""
    found: dict[str, Any] = {"at": START + seconds, "boot_id": BOOT, "node": "lab1", "users": USERS}
    return Observation(
        boottime=seconds,
        gpus=cards or gpus(a_gpu(0), a_gpu(1)),
        processes={one.process.pid: one for one in processes},
        engines=engines or {},
        **(found | more),
    )
