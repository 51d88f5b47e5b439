"""What nodes tell with their beats: renewals, gathered for the store, and what they say of themselves.

Called by the beat's route, and by the hub's timer. Two thousand nodes that beat every ten seconds make one
small transaction a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sentinel.core.errors import ProtocolError
from sentinel.core.finding import NODE_FINDINGS, Finding, finding_from, finding_json
from sentinel.core.job import Job, JobState
from sentinel.core.node import Node, NodeGpu, NodeState, Sharing, node_gpu_from
from sentinel.core.node_arbiter import (
    NODE_ARBITER,
    NodeArbiter,
    node_arbiter_from,
    node_arbiter_json,
)
from sentinel.ports.store import NodeWorkload, Reader, Transaction

MOST_HELD = 10_000
MOST_WORKLOADS = 20_000
MOST_FINDINGS = 200
LONGEST_WORD = 200
MOST_NUMBER = 1 << 53
_FIELDS = frozenset(
    (
        "boot_id",
        "agent_version",
        "facts",
        "gpus",
        "held",
        "seen",
        "workloads",
        "samples",
        "findings",
        "arbiter",
    )
)
_FACTS = frozenset(("address", "cpus", "memory_bytes", "sharing"))
_SAMPLE = frozenset(
    ("uuid", "utilization_percent", "memory_used_bytes", "temperature_celsius", "power_watts")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a node says of itself beside its GPUs; None is unknown, as is an empty address."""

    address: str
    cpus: int | None
    memory_bytes: int | None
    sharing: Sharing


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One beat, as it was told. None, or left out, is unknown; `workloads`, `facts`, `findings` and `arbiter`
    None: as before."""

    boot_id: str
    agent_version: str
    gpus: tuple[NodeGpu, ...] | None
    held: frozenset[str] | None
    seen: int
    workloads: tuple[Mapping[str, Any], ...] | None
    samples: tuple[Mapping[str, Any], ...] | None
    facts: Facts | None = None
    findings: tuple[Finding, ...] | None = None
    arbiter: NodeArbiter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What a node measured last. `at` is the controller's boottime."""

    at: float
    samples: tuple[Mapping[str, Any], ...]


def beat_from(raw: object) -> Beat:
    """The beat in a JSON value. ProtocolError that names what is wrong with it."""
    if not isinstance(raw, dict):
        raise ProtocolError("a beat is an object")
    found = cast("dict[str, Any]", raw)
    if unknown := found.keys() - _FIELDS:
        raise ProtocolError(f"a beat has no field {', '.join(sorted(unknown))[:LONGEST_WORD]}")
    seen = found.get("seen")
    if type(seen) is not int or seen < 0:
        raise ProtocolError("seen is a revision: a number that is not negative")
    return Beat(
        boot_id=_word(found.get("boot_id"), "boot_id"),
        agent_version=_word(found.get("agent_version"), "agent_version"),
        gpus=_gpus(found.get("gpus")),
        held=_held(found.get("held")),
        seen=seen,
        workloads=_objects(found.get("workloads"), "workloads", MOST_WORKLOADS),
        samples=_samples(found.get("samples")),
        facts=_facts(found.get("facts")),
        findings=_findings(found.get("findings")),
        arbiter=None if found.get("arbiter") is None else node_arbiter_from(found["arbiter"]),
    )


def node_after(node: Node, beat: Beat, now: float) -> Node | None:
    """What the beat makes of the node; None when nothing of it changed but when it was heard of."""
    facts = beat.facts
    same = (
        node.state is NodeState.UP
        and node.boot_id == beat.boot_id
        and node.agent_version == beat.agent_version
        and node.gpus == beat.gpus
        and (facts is None or facts == facts_of(node))
    )
    if same:
        return None
    facts = facts or facts_of(node)
    return replace(
        node,
        state=NodeState.UP,
        boot_id=beat.boot_id,
        agent_version=beat.agent_version,
        gpus=beat.gpus,
        address=facts.address,
        cpus=facts.cpus,
        memory_bytes=facts.memory_bytes,
        sharing=facts.sharing,
        last_seen_at=now,
    )


def facts_of(node: Node) -> Facts:
    """What it said last."""
    return Facts(address=node.address, cpus=node.cpus, memory_bytes=node.memory_bytes, sharing=node.sharing)


def says_of_jobs(jobs: Sequence[Job], held: frozenset[str] | None, seen: int) -> bool:
    """Whether the beat may move one of the node's jobs (see desk.missing): one that had begun is not named,
    though the beat is about it; or one that is LOST is."""
    return held is not None and any(_may_move(job, held, seen) for job in jobs)


def _may_move(job: Job, held: frozenset[str], seen: int) -> bool:
    if job.placement is None or job.state is JobState.ALLOCATED:
        return False
    if job.placement.token in held:
        return job.state is JobState.LOST
    return job.revision <= seen


def node_workloads(node: Node, found: Sequence[Mapping[str, Any]]) -> list[NodeWorkload]:
    """The workloads of a beat, as the store keeps them. ProtocolError when one lacks what it needs."""
    kept: dict[str, NodeWorkload] = {}
    for one in found:
        id, user = one.get("id"), one.get("user")
        origin, state = one.get("origin"), one.get("state")
        if not (isinstance(id, str) and isinstance(origin, str) and isinstance(state, str)) or not (
            user is None or isinstance(user, str)
        ):
            raise ProtocolError("a workload has at least id, origin, state and user")
        kept[id] = NodeWorkload(
            node=node.id, id=id, tenant=node.tenant, owner=user, origin=origin, state=state, data=one
        )
    return list(kept.values())


def documents_of(node: Node, beat: Beat) -> dict[str, dict[str, Any]]:
    """What the beat tells that the store keeps as documents of the node, by their kind: what stands on it
    (see core.finding), and what its arbiter says (see core.node_arbiter)."""
    told: dict[str, dict[str, Any]] = {}
    if beat.findings is not None:
        told[NODE_FINDINGS] = {
            "node": node.name,
            "findings": [finding_json(one) for one in beat.findings],
        }
    if beat.arbiter is not None:
        told[NODE_ARBITER] = node_arbiter_json(beat.arbiter)
    return told


def new_documents(reader: Reader, node: str, documents: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """The kinds of which another is kept of that node (its id), or none."""
    kept = {kind: reader.document(kind, node) for kind in documents}
    return frozenset(kind for kind, found in kept.items() if found is None or found.data != documents[kind])


def forget_documents(tx: Transaction, node: str) -> None:
    """The node with that id is removed, and with it what it told. Inside a transaction."""
    for kind in (NODE_FINDINGS, NODE_ARBITER):
        tx.remove_document(kind, node)


class Renewals:
    """Who was heard of since the last `write`. For one event loop."""

    def __init__(self) -> None:
        self._nodes: dict[str, float] = {}
        self._leases: set[str] = set()

    def note(self, node: str, now: float, leases: Sequence[str]) -> None:
        """`node` was heard of at `now` (epoch), and named these leases of its own."""
        self._nodes[node] = now
        self._leases.update(leases)

    def take(self) -> "tuple[dict[str, float], list[str]] | None":
        """What there is to write; None when nothing is. The caller writes it, or gives it `back`."""
        if not self._nodes:
            return None
        taken = (self._nodes, list(self._leases))
        self._nodes, self._leases = {}, set()
        return taken

    def back(self, nodes: Mapping[str, float], leases: Sequence[str]) -> None:
        """It could not be written: once more, then. What was heard since counts."""
        self._nodes = {**nodes, **self._nodes}
        self._leases.update(leases)


def write_renewals(tx: Transaction, nodes: Mapping[str, float], leases: Sequence[str]) -> None:
    """Inside a transaction."""
    tx.beat(nodes, leases)


# ------------------------------------------------------------------ fields


def _word(found: object, field: str) -> str:
    if not isinstance(found, str) or len(found) > LONGEST_WORD or not found.isprintable():
        raise ProtocolError(f"{field} is a line of at most {LONGEST_WORD} characters")
    return found


def _gpus(found: object) -> tuple[NodeGpu, ...] | None:
    objects = _objects(found, "gpus", 4096)
    if objects is None:
        return None
    try:
        gpus = tuple(node_gpu_from(one) for one in objects)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ProtocolError("gpus: each has uuid, index, model, memory_total_bytes and blocked") from None
    if len({gpu.uuid for gpu in gpus}) != len(gpus):
        raise ProtocolError("gpus: two have the same uuid")
    for gpu in gpus:
        model, memory = cast("tuple[object, object]", (gpu.model, gpu.memory_total_bytes))
        if not (model is None or isinstance(model, str)) or not (memory is None or type(memory) is int):
            raise ProtocolError("gpus: a model is text, memory_total_bytes a number, or both are null")
        if not all(_number_or_none(value) for value in (gpu.island, gpu.numa)):
            raise ProtocolError("gpus: island and numa are numbers that are not negative, or null")
    return gpus


def _facts(found: object) -> Facts | None:
    if found is None:
        return None
    facts = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if facts.keys() != _FACTS:
        raise ProtocolError(f"facts is null, or an object with the fields {', '.join(sorted(_FACTS))}")
    if not all(_number_or_none(facts[field]) for field in ("cpus", "memory_bytes")):
        raise ProtocolError("facts: cpus and memory_bytes are numbers that are not negative, or null")
    sharing = next((one for one in Sharing if one.value == facts["sharing"]), None)
    if sharing is None:
        raise ProtocolError(f"facts: sharing is one of {', '.join(Sharing)}")
    return Facts(
        address=_word(facts["address"], "facts: address"),
        cpus=facts["cpus"],
        memory_bytes=facts["memory_bytes"],
        sharing=sharing,
    )


def _findings(found: object) -> tuple[Finding, ...] | None:
    """Each once."""
    objects = _objects(found, "findings", MOST_FINDINGS)
    if objects is None:
        return None
    findings = [finding_from(one) for one in objects]
    return tuple({one.id: one for one in findings}.values())


def _number_or_none(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value <= MOST_NUMBER)


def _held(found: object) -> frozenset[str] | None:
    if found is None:
        return None
    if not isinstance(found, list) or len(cast("list[Any]", found)) > MOST_HELD:
        raise ProtocolError(f"held is a list of at most {MOST_HELD} tokens, or null")
    tokens = cast("list[Any]", found)
    if not all(isinstance(token, str) for token in tokens):
        raise ProtocolError("held: a token is text")
    return frozenset(tokens)


def _samples(found: object) -> tuple[Mapping[str, Any], ...] | None:
    samples = _objects(found, "samples", 4096)
    for one in samples or ():
        if not one.keys() <= _SAMPLE or not isinstance(one.get("uuid"), str):
            raise ProtocolError(f"samples: each has {', '.join(sorted(_SAMPLE))} and nothing else")
        for key, value in one.items():
            if key != "uuid" and value is not None and type(value) not in (int, float):
                raise ProtocolError(f"samples: {key} is a number or null")
    return samples


def _objects(found: object, field: str, most: int) -> tuple[Mapping[str, Any], ...] | None:
    if found is None:
        return None
    if not isinstance(found, list) or len(cast("list[Any]", found)) > most:
        raise ProtocolError(f"{field} is a list of at most {most} objects, or null")
    objects = cast("list[Any]", found)
    if not all(isinstance(one, dict) for one in objects):
        raise ProtocolError(f"{field}: each is an object")
    return tuple(cast("list[dict[str, Any]]", objects))
