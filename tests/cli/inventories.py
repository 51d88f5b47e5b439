"""Inventories for the tests of the commands that show them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from sentinel.core.event import DETECTED, Event, event_json
from sentinel.core.inventory import Inventory, SeenGpu, SourceReport, SourceState
from sentinel.core.process import ProcessId
from sentinel.core.workload import Category, Evidence, Mark, Origin, Trust, Workload, WorkloadState
from sentinel.core.workload_json import inventory_json

NOW = 1_790_000_000.0
GIB = 2**30
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07gone",
    "\u202egnp.exe",
    "日本語のコンテナ名前がとても長い",
    "🚀🚀 train 👩‍🔬",
    "a\nb\tc\rd",
    "e" + "\u0301" * 40,
    "\u0301lead",
    "\u3164\u115f\u1160x",
    "עברית-trainer",
    "x" * 300,
    "\ud800broken",
    "",
)

CATEGORIES = {
    Origin.SENTINEL: Category.MANAGED,
    Origin.DS01: Category.MANAGED,
    Origin.HOST: Category.HOST,
    Origin.SYSTEM: Category.HOST,
}


def gpu(index: int) -> SeenGpu:
    return SeenGpu(
        index=index, uuid=f"GPU-{index}", name="Card", memory_total_bytes=80 * GIB, memory_used_bytes=GIB
    )


def workload(number: int = 0, **changes: Any) -> Workload:
    """A container of ann's on GPU 0 that has run for two hours."""
    origin = changes.get("origin", Origin.DOCKER)
    known: dict[str, Any] = {
        "id": f"{number:08x}{'ab' * 28}",
        "origin": origin,
        "category": CATEGORIES.get(origin, Category.CONTAINER),
        "state": WorkloadState.RUNNING,
        "name": "trainer",
        "user": "ann",
        "user_evidence": (
            Evidence(value="ann", source="process-uid", trust=Trust.KERNEL, detail="uid 1000"),
        ),
        "gpu_access": True,
        "gpus": ("GPU-0",),
        "gpu_memory_bytes": 12 * GIB,
        "cpu_percent": 105.0,
        "memory_bytes": 3 * GIB,
        "image": "pytorch/pytorch:2.4",
        "pid": 4242,
        "pids": (4242,),
        "runtime": "docker",
        "started_at": NOW - 7200,
        "first_seen_at": NOW - 7200,
        "last_seen_at": NOW,
    }
    return Workload(**(known | changes))


def inventory(*workloads: Workload, gpus: int = 4, **changes: Any) -> Inventory:
    """All sources answered, just now."""
    names = ("gpus", "processes", "docker")
    known: dict[str, Any] = {
        "node": "box",
        "scanned_at": NOW,
        "boot_id": "boot",
        "sources": {name: SourceReport(state=SourceState.OK) for name in names},
        "gpus": tuple(map(gpu, range(gpus))),
        "workloads": workloads,
    }
    return Inventory(**(known | changes))


def one_of_each() -> Inventory:
    """Every origin, and every state at least once."""
    states = list(WorkloadState)
    found = [
        workload(
            number,
            origin=origin,
            state=states[number % len(states)],
            name=f"{origin.value}-work",
            user=("ann", "bob", None)[number % 3],
            gpus=((), ("GPU-0",), ("GPU-0", "GPU-1", "GPU-3"), None)[number % 4],
            gpu_access=(False, True, True, None)[number % 4],
            gpu_memory_bytes=(None, GIB)[number % 2],
            idle_since=NOW - 7200 if states[number % len(states)] is WorkloadState.IDLE else None,
            transient=number == 7,
            conflicts=("label ds01.user says carol",) if number == 3 else (),
            mark=Mark(user="ann", time=NOW) if number == 3 else None,
        )
        for number, origin in enumerate(Origin)
    ]
    found.append(
        workload(
            99,
            id="process:77:123:boot",
            origin=Origin.HOST,
            category=Category.HOST,
            name="jupyter",
            runtime=None,
            pid=77,
            process=ProcessId(77, 123),
            state=WorkloadState.UNKNOWN,
        )
    )
    sources = {
        "docker": SourceReport(state=SourceState.UNKNOWN, why="no answer within 2 s", since=NOW - 180),
        "gpus": SourceReport(state=SourceState.OK),
        "podman": SourceReport(state=SourceState.ABSENT),
    }
    return inventory(*found, sources=sources)


def hostile() -> Inventory:
    """Names, users and images as nobody would like them."""
    return inventory(
        *(
            workload(number, name=name, user=name or None, image=name, command=name)
            for number, name in enumerate(HOSTILE)
        )
    )


def write(folder: Path, found: Inventory, now: float | None = None) -> Path:
    """Writes it as a scan at `now` would; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = found if now is None else replace(found, scanned_at=now)
    (folder / "inventory.json").write_text(json.dumps(inventory_json(shown)))
    return folder


def event(number: int = 0, **changes: Any) -> Event:
    known: dict[str, Any] = {
        "id": f"event-{number}",
        "source": "/nodes/box/inventory",
        "type": DETECTED,
        "subject": "a1b2c3d4e5f6" + "0" * 52,
        "time": NOW + number,
        "data": {"origin": "raw-docker", "user": "ann", "gpu_indices": [0], "name": "trainer"},
    }
    return Event(**(known | changes))


def event_bytes(*events: Event) -> bytes:
    return b"".join(json.dumps(event_json(one)).encode() + b"\n" for one in events)
