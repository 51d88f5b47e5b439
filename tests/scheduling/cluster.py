"""Jobs, nodes and GPUs for the tests of the queue, by a word or two."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from sentinel.core.account import Account, Limits, Scope
from sentinel.core.account_json import ACCOUNT, account_json, account_key
from sentinel.core.job import Job, JobSpec, JobState, Placement, Rank
from sentinel.core.node import Block, BlockKind, Drain, Node, NodeGpu, NodeState
from sentinel.core.reservation import Reservation, ReservationKind
from sentinel.core.reservation_json import RESERVATION, reservation_json
from sentinel.ports.store import Document
from sentinel.scheduling.snapshot import Snapshot
from sentinel.scheduling.verdict import Pass

GIB = 1 << 30
_born = count(1)


def job(id: str, gpus: int = 1, *, state: JobState = JobState.QUEUED, **more: Any) -> Job:
    """A job, younger than those made before it. Fields of the spec go there; `on` is the spec's `node`."""
    own = {name: more.pop(name) for name in tuple(more) if name in Job.__dataclass_fields__}
    if "on" in more:
        more["node"] = more.pop("on")
    spec = JobSpec(command=("true",), cwd="/", gpus=gpus, **more)
    return Job(
        **{"id": id, "owner": "alice", "spec": spec, "submitted_at": float(next(_born)), "state": state} | own
    )


def placed(id: str, on: str, gpus: Sequence[str], *, state: JobState = JobState.RUNNING, **more: Any) -> Job:
    """A job that holds these GPUs of the node with this id."""
    placement = Placement(node=on, gpus=tuple(gpus), token=f"token-{id}")
    return job(id, len(gpus), state=state, **({"placement": placement, "attempt": 1, "node": on} | more))


def gpu(
    node: str, index: int, *, gib: int | None = 80, model: str | None = "NVIDIA H100", **more: Any
) -> NodeGpu:
    """`more`: its island, its NUMA node, its block."""
    memory = None if gib is None else gib * GIB
    return NodeGpu(uuid=f"{node}-{index}", index=index, model=model, memory_total_bytes=memory, **more)


def node(name: str, gpus: int | Sequence[NodeGpu] | None = 8, **more: Any) -> Node:
    """A node that is UP; its id is its name. `blocked`: index → (kind, why)."""
    blocked: dict[int, tuple[BlockKind, str]] = more.pop("blocked", {})
    drained = Drain(by="root", at=0.0, why=more.pop("drained")) if "drained" in more else None
    found = [gpu(name, n) for n in range(gpus)] if isinstance(gpus, int) else gpus
    kept = None
    if found is not None:
        kept = tuple(
            replace(one, blocked=Block(kind=blocked[one.index][0], why=blocked[one.index][1]))
            if one.index in blocked
            else one
            for one in found
        )
    own: dict[str, Any] = {"id": name, "state": NodeState.UP, "boot_id": "boot-1"} | more
    return Node(name=name, joined_at=0.0, gpus=kept, drained=drained, **own)


def gang(id: str, on: Mapping[str, Sequence[str]], **more: Any) -> list[Job]:
    """A gang that runs: itself, and a part on each of these nodes with these GPUs."""
    whole = job(id, len(next(iter(on.values()))), nodes=len(on), state=JobState.RUNNING, **more)
    parts = [
        replace(
            whole,
            id=f"{id}.1.{rank}",
            spec=replace(whole.spec, nodes=1),
            part=Rank(of=id, rank=rank, size=len(on)),
            placement=Placement(node=name, gpus=tuple(gpus), token=f"token-{id}-{rank}"),
            node=name,
        )
        for rank, (name, gpus) in enumerate(on.items())
    ]
    return [whole, *parts]


def limits(scope: Scope, name: str, weight: float = 1.0, **more: Any) -> Document:
    """The account of a user or a group. `more`: its limits."""
    account = Account(scope=scope, name=name, weight=weight, limits=Limits(**more))
    return Document(kind=ACCOUNT, key=account_key(scope, name), data=account_json(account))


def reservation(id: str, start: float, end: float, **more: Any) -> Document:
    """Maintenance, or for `users` and `groups`."""
    kind = ReservationKind.RESERVED if more else ReservationKind.MAINTENANCE
    if more.keys() == {"nodes"}:
        kind = ReservationKind.MAINTENANCE
    kept = Reservation(id=id, name=id, kind=kind, start=start, end=end, **more)
    return Document(kind=RESERVATION, key=id, data=reservation_json(kept))


def snapshot(*things: Job | Node | Document) -> Snapshot:
    found = Snapshot()
    found.take(
        jobs=[thing for thing in things if isinstance(thing, Job)],
        nodes=[thing for thing in things if isinstance(thing, Node)],
        documents=[thing for thing in things if isinstance(thing, Document)],
    )
    return found


def where(found: Pass) -> dict[str, tuple[str, ...]]:
    """Job → the UUIDs of all GPUs that it is given."""
    return {one.job: tuple(uuid for seat in one.seats for uuid in seat.gpus) for one in found.chosen}


def begun(s: Snapshot, found: Pass, now: float) -> None:
    """What was chosen runs."""
    for one in found.chosen:
        on = {seat.node: seat.gpus for seat in one.seats}
        waiting = s.jobs[one.job]
        if len(on) > 1:
            s.take(jobs=[replace(waiting, state=JobState.RUNNING, started_at=now)])
        for rank, (name, gpus) in enumerate(on.items()):
            placement = Placement(node=name, gpus=gpus, token=f"{one.job}-{rank}")
            runs = replace(
                waiting, state=JobState.RUNNING, started_at=now, allocated_at=now, placement=placement
            )
            if len(on) > 1:
                runs = replace(
                    runs,
                    id=f"{one.job}.1.{rank}",
                    spec=replace(waiting.spec, nodes=1),
                    part=Rank(of=one.job, rank=rank, size=len(on)),
                )
            s.take(jobs=[runs])
