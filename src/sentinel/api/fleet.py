"""The whole fleet in one table: every GPU with what it measures, who has it, and how it fares. Pure.

`fleet_stream` takes it from what the API process has in memory, and tells what changed since the last time.

    {"at": EPOCH, "revision": N,
     "nodes": [{"id", "name", "state": "up" | "silent" | "dead", "drained": {"by", "at": TIME, "why"} | null,
                "gpus": N | null, "models": [{"model": TEXT | null, "count": N}…], "health",
                "seen_at": EPOCH | null}…],
     "gpus": {COLUMN: [VALUE…]…}}                                a value a GPU; by node, then by index

Nodes are in the order of their names. Columns:

    uuid, index, model, memory_total     as the node tells; bytes
    node                                 which of `nodes`
    util, memory_used, temperature,      %, bytes, °C, W; null: unknown, as is what is older than 30 seconds
    power
    owner                                whose jobs, or unmanaged workloads, have it; several: "ana, bob"
    job, jobs                            id of the job that has it, or of one of those that share it; how many
    state                                "free", "leased" (a job has it), "blocked", "unknown"
    blocked, blocked_why                 "unmanaged", "quarantined", "leased" (sentinel-request), "unknown"
    health                               the worst that stands on it: "info", "warning", "critical"

Changed rows alone, with their number: `{"at", "revision", "nodes": [[ROW, {FIELD: VALUE…}]…], "gpus":
[[ROW, {COLUMN: VALUE…}]…]}`. Where nodes or GPUs came or went, rows have other numbers: the whole, again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sentinel.core.clock import rfc3339
from sentinel.core.finding import Severity
from sentinel.core.job import Job
from sentinel.core.node import BlockKind, Node, NodeGpu, NodeState

COLUMNS = (
    "uuid", "node", "index", "model", "memory_total", "util", "memory_used", "temperature", "power", "owner",
    "job", "jobs", "state", "blocked", "blocked_why", "health",
)  # fmt: skip
_NODE = COLUMNS.index("node")
_MEASURED = ("utilization_percent", "memory_used_bytes", "temperature_celsius", "power_watts")
_RANKS = {severity.value: rank for rank, severity in enumerate(Severity)}

Row = tuple[Any, ...]
Sample = Mapping[str, Any]
_NOTHING: Sample = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known of a node. `samples` None: none that is new enough. `owners`: of GPUs that a workload
    has which nobody queued, by UUID."""

    node: Node
    jobs: tuple[Job, ...] = ()
    samples: tuple[Sample, ...] | None = None
    findings: Mapping[str, Any] | None = None
    owners: Mapping[str, str] | None = None

    def same(self, other: "Known") -> bool:
        """Whether it is what it was: the very same objects, which are made anew when something changes."""
        return (
            self.node is other.node
            and self.samples is other.samples
            and self.findings is other.findings
            and self.owners == other.owners
            and len(self.jobs) == len(other.jobs)
            and all(mine is theirs for mine, theirs in zip(self.jobs, other.jobs, strict=True))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A node's part of the table. `rows` are as COLUMNS, but for "node": that is for `Fleet` to say."""

    known: Known
    node: dict[str, Any]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """`parts` by the nodes' names. `at`: epoch seconds; `revision`: of the store, as far as it was seen."""

    at: float
    revision: int
    parts: tuple[Part, ...]


def part_of(known: Known, before: Part | None = None) -> Part:
    """What is to be shown of a node; `before` where nothing is new."""
    if before is not None and before.known.same(known):
        return before
    standing = _standing(known)
    holders: dict[str, list[Job]] = {}
    for job in known.jobs:
        for uuid in () if job.placement is None else job.placement.gpus:
            holders.setdefault(uuid, []).append(job)
    measured = {one["uuid"]: one for one in known.samples or ()}
    gpus = sorted(known.node.gpus or (), key=lambda gpu: (gpu.index, gpu.uuid))
    rows = [
        _row(known, gpu, measured.get(gpu.uuid, _NOTHING), holders.get(gpu.uuid, []), standing)
        for gpu in gpus
    ]
    return Part(known=known, node=_node_json(known.node, standing.get(None)), rows=tuple(rows))


def whole_json(fleet: Fleet) -> dict[str, Any]:
    """As in this module's docstring."""
    rows = [_numbered(row, place) for place, part in enumerate(fleet.parts) for row in part.rows]
    columns = zip(*rows, strict=True) if rows else ((),) * len(COLUMNS)
    return {
        "at": fleet.at,
        "revision": fleet.revision,
        "nodes": [part.node for part in fleet.parts],
        "gpus": {name: list(values) for name, values in zip(COLUMNS, columns, strict=True)},
    }


def alike(before: Fleet, after: Fleet) -> bool:
    """Whether rows have the same numbers in both, so that the changed ones say it all."""
    if before is after:
        return True
    return len(before.parts) == len(after.parts) and all(
        was is now
        or (
            was.known.node.id == now.known.node.id
            and len(was.rows) == len(now.rows)
            and all(old[0] == new[0] for old, new in zip(was.rows, now.rows, strict=True))
        )
        for was, now in zip(before.parts, after.parts, strict=True)
    )


def changes_json(before: Fleet, after: Fleet) -> dict[str, Any]:
    """Of two that are `alike`: as in this module's docstring."""
    nodes: list[Any] = []
    gpus: list[Any] = []
    first = 0
    for place, (was, now) in enumerate(zip(before.parts, after.parts, strict=True)):
        if was is not now:
            if was.node != now.node:
                nodes.append(
                    [place, {field: value for field, value in now.node.items() if was.node[field] != value}]
                )
            for number, (old, new) in enumerate(zip(was.rows, now.rows, strict=True), first):
                if old != new:
                    gpus.append([number, _changed(old, new)])
        first += len(now.rows)
    return {"at": after.at, "revision": after.revision, "nodes": nodes, "gpus": gpus}


def owners_by_gpu(found: Sequence[tuple[str, str | None, Mapping[str, Any]]]) -> dict[str, dict[str, str]]:
    """Node's id → GPU's UUID → who has it, of workloads (node's id, Unix user, data) that run there."""
    users: dict[str, dict[str, set[str]]] = {}
    for node, user, data in found:
        if user is not None and data.get("managed") is not True:
            for uuid in cast("Sequence[str]", data.get("gpus") or ()):
                users.setdefault(node, {}).setdefault(uuid, set()).add(user)
    return {node: {gpu: _names(who) for gpu, who in of.items()} for node, of in users.items()}


# ------------------------------------------------------------------ rows


def _row(
    known: Known, gpu: NodeGpu, sample: Sample, jobs: list[Job], standing: Mapping[str | None, str]
) -> Row:
    block = gpu.blocked if not jobs else None  # a block on what a job of ours has is the job itself
    owner = None
    if jobs:
        owner = _names({job.owner for job in jobs})
    elif block is not None and known.owners is not None:
        owner = known.owners.get(gpu.uuid)
    return (
        gpu.uuid,
        None,
        gpu.index,
        gpu.model,
        gpu.memory_total_bytes,
        *[_rounded(sample.get(name)) for name in _MEASURED],
        owner,
        min(job.id for job in jobs) if jobs else None,
        len(jobs),
        _state(known.node, gpu, jobs),
        None if block is None else block.kind.value,
        None if block is None else block.why,
        standing.get(gpu.uuid),
    )


def _state(node: Node, gpu: NodeGpu, jobs: list[Job]) -> str:
    if node.state is not NodeState.UP:
        return "unknown"
    if jobs:
        return "leased"
    if gpu.blocked is None:
        return "free"
    return "unknown" if gpu.blocked.kind is BlockKind.UNKNOWN else "blocked"


def _standing(known: Known) -> dict[str | None, str]:
    """The worst severity by UUID; None: of the node, and of GPUs that it does not name as we know them."""
    worst: dict[str | None, str] = {}
    if known.findings is None:
        return worst
    by_index = {gpu.index: gpu.uuid for gpu in known.node.gpus or ()}
    for one in cast("Sequence[Mapping[str, Any]]", known.findings.get("findings") or ()):
        gpu = cast("Mapping[str, Any]", one.get("gpu") or _NOTHING)
        uuid = gpu.get("uuid") or by_index.get(gpu.get("index", -1))
        severity = str(one.get("severity"))
        if _RANKS.get(severity, -1) > _RANKS.get(worst.get(uuid, ""), -1):
            worst[uuid] = severity
    return worst


def _node_json(node: Node, health: str | None) -> dict[str, Any]:
    counts: dict[str | None, int] = {}
    for gpu in node.gpus or ():
        counts[gpu.model] = counts.get(gpu.model, 0) + 1
    drained = node.drained
    return {
        "id": node.id,
        "name": node.name,
        "state": node.state.value,
        "drained": drained and {"by": drained.by, "at": rfc3339(drained.at), "why": drained.why},
        "gpus": None if node.gpus is None else len(node.gpus),
        "models": [{"model": model, "count": count} for model, count in counts.items()],
        "health": health,
        "seen_at": None if node.last_seen_at is None else round(node.last_seen_at),
    }


def _numbered(row: Row, place: int) -> Row:
    return (*row[:_NODE], place, *row[_NODE + 1 :])


def _changed(old: Row, new: Row) -> dict[str, Any]:
    return {name: value for name, was, value in zip(COLUMNS, old, new, strict=True) if was != value}


def _names(users: set[str]) -> str:
    return ", ".join(sorted(users))


def _rounded(value: float | None) -> float | None:
    """To what is worth showing: a sensor's noise is no news."""
    return value if value is None or type(value) is int else round(value, 1)
