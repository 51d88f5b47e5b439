"""A node: a machine whose agent has joined. The API keeps what its agent tells; the scheduler places on it.

    {"id", "name", "tenant", "state": "up" | "silent" | "dead", "drained": {"by", "at", "why"} | null,
     "boot_id", "agent_version", "joined_at": TIME, "last_seen_at": TIME | null,
     "address", "cpus": N | null, "memory_bytes": N | null, "sharing": "mps" | "unenforced" | "no",
     "gpus": [{"uuid", "index", "model", "memory_total_bytes", "island", "numa",
               "blocked": {"kind", "why"} | null}…] | null}

`gpus` null: its agent could not read them yet. None is unknown: such a node gets no job.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sentinel.core.clock import rfc3339
from sentinel.core.job import DEFAULT_TENANT


class NodeState(StrEnum):
    """SILENT: not heard of; what runs there is unknown. DEAD: an admin says that nothing runs there."""

    UP = "up"
    SILENT = "silent"
    DEAD = "dead"


class BlockKind(StrEnum):
    """Why a GPU that no job of ours holds is not placed on."""

    UNMANAGED = "unmanaged"  # a workload that nobody queued holds it
    QUARANTINED = "quarantined"  # a fault was found, or an admin cordoned it
    LEASED = "leased"  # sentinel-request has it, on the node
    UNKNOWN = "unknown"  # whether it is free cannot be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`why` is a sentence that names who or what."""

    kind: BlockKind
    why: str


class Sharing(StrEnum):
    """What keeps the jobs that share a GPU of a node within their shares."""

    MPS = "mps"  # NVIDIA's Multi-Process Service
    UNENFORCED = "unenforced"  # nothing but the jobs themselves
    NO = "no"  # no job there gets less than a whole GPU


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGpu:
    """A GPU as the scheduler needs it. GPUs of a node with the same `island` reach each other by NVLink,
    those with the same `numa` without crossing between processors. None: unknown, or alone."""

    uuid: str
    index: int
    model: str | None = None
    memory_total_bytes: int | None = None
    blocked: Block | None = None
    island: int | None = None
    numa: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """That no new job is to come here. What runs goes on."""

    by: str
    at: float
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`revision` is the store's number of its last change; 0 before it was kept."""

    id: str
    name: str
    joined_at: float
    tenant: str = DEFAULT_TENANT
    state: NodeState = NodeState.SILENT
    drained: Drain | None = None
    boot_id: str = ""
    agent_version: str = ""
    last_seen_at: float | None = None  # for showing; written now and then, not with every beat
    gpus: tuple[NodeGpu, ...] | None = None
    address: str = ""  # by which other nodes reach it; empty: unknown
    cpus: int | None = None
    memory_bytes: int | None = None
    sharing: Sharing = Sharing.UNENFORCED
    revision: int = 0


def node_json(node: Node) -> dict[str, Any]:
    """`node` as in this module's docstring."""
    drained = node.drained
    return {
        "id": node.id,
        "name": node.name,
        "tenant": node.tenant,
        "state": node.state.value,
        "drained": drained and {"by": drained.by, "at": rfc3339(drained.at), "why": drained.why},
        "boot_id": node.boot_id,
        "agent_version": node.agent_version,
        "joined_at": rfc3339(node.joined_at),
        "last_seen_at": None if node.last_seen_at is None else rfc3339(node.last_seen_at),
        "gpus": None if node.gpus is None else [node_gpu_json(gpu) for gpu in node.gpus],
        "address": node.address,
        "cpus": node.cpus,
        "memory_bytes": node.memory_bytes,
        "sharing": node.sharing.value,
    }


def node_gpu_json(gpu: NodeGpu) -> dict[str, Any]:
    """One of a node's `gpus`."""
    return {
        "uuid": gpu.uuid,
        "index": gpu.index,
        "model": gpu.model,
        "memory_total_bytes": gpu.memory_total_bytes,
        "island": gpu.island,
        "numa": gpu.numa,
        "blocked": gpu.blocked and {"kind": gpu.blocked.kind.value, "why": gpu.blocked.why},
    }


def node_gpu_from(found: Mapping[str, Any]) -> NodeGpu:
    """What `node_gpu_json` wrote. KeyError, TypeError or ValueError when it is none."""
    blocked: Mapping[str, Any] | None = found.get("blocked")
    block = None
    if blocked is not None:
        block = Block(kind=BlockKind(blocked["kind"]), why=str(blocked["why"]))
    return NodeGpu(
        uuid=str(found["uuid"]),
        index=int(found["index"]),
        model=found.get("model"),
        memory_total_bytes=found.get("memory_total_bytes"),
        blocked=block,
        island=found.get("island"),
        numa=found.get("numa"),
    )
