"""Jobs, nodes and GPUs for the tests of the queue, by a word or two."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from sentinel.core.job import Job, JobSpec, JobState, Placement
from sentinel.core.node import Block, BlockKind, Drain, Node, NodeGpu, NodeState
from sentinel.scheduling.snapshot import Snapshot

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


def gpu(node: str, index: int, *, gib: int | None = 80, model: str | None = "NVIDIA H100") -> NodeGpu:
    memory = None if gib is None else gib * GIB
    return NodeGpu(uuid=f"{node}-{index}", index=index, model=model, memory_total_bytes=memory)


def node(name: str, gpus: int | Sequence[NodeGpu] | None = 8, **more: Any) -> Node:
    """A node that is UP; its id is its name. `blocked`: index → (kind, why)."""
    blocked: dict[int, tuple[BlockKind, str]] = more.pop("blocked", {})
    drained = Drain(by="root", at=0.0, why=more.pop("drained")) if "drained" in more else None
    found = [gpu(name, n) for n in range(gpus)] if isinstance(gpus, int) else gpus
    kept = None
    if found is not None:
        kept = tuple(
            NodeGpu(
                uuid=one.uuid,
                index=one.index,
                model=one.model,
                memory_total_bytes=one.memory_total_bytes,
                blocked=Block(kind=blocked[one.index][0], why=blocked[one.index][1])
                if one.index in blocked
                else None,
            )
            for one in found
        )
    own: dict[str, Any] = {"id": name, "state": NodeState.UP, "boot_id": "boot-1"} | more
    return Node(name=name, joined_at=0.0, gpus=kept, drained=drained, **own)


def snapshot(*things: Job | Node) -> Snapshot:
    found = Snapshot()
    found.take(
        jobs=[thing for thing in things if isinstance(thing, Job)],
        nodes=[thing for thing in things if isinstance(thing, Node)],
    )
    return found
