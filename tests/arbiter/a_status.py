"""A status object as the arbiter makes it, of a machine where something of everything goes on."""

import copy
from dataclasses import replace
from typing import Any

from sentinel.arbiter import view
from sentinel.arbiter.states import (
    GpuView,
    Listed,
    Paused,
    Queue,
    Sample,
    Service,
    ServiceSettings,
    Settings,
    State,
)
from sentinel.core.clock import rfc3339
from sentinel.core.lease import Claim, Lease, Request, Sharing
from sentinel.core.process import Peer, ProcessId
from sentinel.core.service import Down, Rung

GIB = 2**30
NOW = 1000.0
EPOCH = 1769860800.0 - NOW  # NOW is 2026-01-31 12:00 UTC
GPU = "GPU-51a1a7ed"


def peer(user: str, uid: int, pid: int) -> Peer:
    return Peer(process=ProcessId(pid, 1), uid=uid, gid=uid, user=user)


SAMPLE = Sample(
    uuid=GPU,
    index=0,
    name="NVIDIA H100 80GB HBM3",
    total_bytes=80 * GIB,
    used_bytes=int(19.5 * GIB),
    free_bytes=60 * GIB,
    utilization_percent=90.0,
    temperature_celsius=65.0,
    power_watts=300.0,
    listed=(),
)
LEASE = Lease(
    id="L3-ab12",
    peer=peer("alice", 1000, 4242),
    claim=Claim(),
    gpus=(GPU,),
    since=NOW - 200,
    holder="thesis",
    command="python train.py",
)
WAITING = Request(
    id="L4-cd34",
    peer=peer("bob", 1001, 4343),
    claim=Claim(sharing=Sharing.EXCLUSIVE, count=1),
    asked_at=NOW - 12,
    command="python eval.py",
)
SERVICE = Service(
    settings=ServiceSettings(name="chat"),
    phase=Paused(since=NOW - 190, rung=Rung.STOP, took=1.25, freed_bytes=20 * GIB),
    sight=Down(why="stopped"),
)
MINER = Listed(process=ProcessId(99, 5), name="miner", user="eve", memory_bytes=None)
STATE = State(
    settings=Settings(services=(SERVICE.settings,)),
    gpus={GPU: GpuView(last=SAMPLE, read_at=NOW - 1)},
    attempted_at=NOW - 1,
    services={"chat": SERVICE},
    leases={LEASE.id: LEASE},
    queue=Queue(ring=(1001,), waiting={1001: (WAITING,)}),
)


def status_of(state: State) -> dict[str, Any]:
    """What the daemon answers for it."""
    return {
        **view.status(state, NOW, lambda at: rfc3339(at + EPOCH)),
        "now": rfc3339(NOW + EPOCH),
        "arbiter": {"pid": 1, "config_error": None, "state_file_error": None},
    }


def service(**changes: Any) -> State:
    """STATE with a changed service."""
    return replace(STATE, services={"chat": replace(SERVICE, **changes)})


def gpu(**changes: Any) -> State:
    """STATE with a changed view of its GPU."""
    return replace(STATE, gpus={GPU: replace(STATE.gpus[GPU], **changes)})


FOREIGN = {"gpu_index": 0, "pid": 99, "name": "miner", "user": "eve", "memory_bytes": None, "since": "x"}


def status(**changes: Any) -> dict[str, Any]:
    """STATE's status with values put in by path: `status(gpus__0__name="x")`."""
    whole = copy.deepcopy(status_of(STATE))
    whole["watchdog"]["foreign"] = [dict(FOREIGN)]
    for path, value in changes.items():
        *way, last = path.split("__")
        inner: Any = whole
        for part in way:
            inner = inner[int(part) if part.isdigit() else part]
        inner[int(last) if last.isdigit() else last] = value
    return whole
