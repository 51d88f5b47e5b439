"""What is wrong with a simulated fleet, so that there is something to be alerted of. Pure.

Called by `seed` for `--alerts`: a node that went silent with its jobs, a GPU that a finding took out, and one
whose fan is broken. The watch makes alerts of them by the rules that are shipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sentinel.core.finding import Finding, GpuRef, Layer, Proof, Severity, finding_json
from sentinel.core.node import Block, BlockKind, Node, NodeGpu, NodeState
from sentinel.scheduling.lifecycle import Silence, move
from sentinel.server.seeding.fleet import STAYS_SILENT
from sentinel.server.seeding.timeline import Stint, Timeline, Told

SILENT_FOR = 600.0  # seconds
FINDINGS = "node-findings"  # the kind of the store's documents; their keys: ids of nodes
_BUSY = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`hot`: UUIDs; `silent`: since when (epoch) nodes by name are not heard of; `findings`: documents by the
    node's id."""

    nodes: tuple[Node, ...]
    timeline: Timeline
    hot: frozenset[str] = frozenset()
    silent: "dict[str, float]"
    findings: "dict[str, dict[str, Any]]"


def trouble(nodes: Sequence[Node], timeline: Timeline, now: float) -> Trouble:
    """One of each, where the fleet is big enough for it."""
    by_name = {node.name: node for node in nodes}
    told_until = now - SILENT_FOR
    silent = _silent(nodes, timeline.stints, told_until)
    heard = [node for node in nodes if node.name != silent]
    hot = _hot(timeline.stints, {node.name: node for node in heard})
    findings: dict[str, dict[str, Any]] = {}
    broken = _broken(heard, timeline.stints, hot)
    if broken is not None:
        node, gpu = broken
        by_name[node.name] = _quarantined(node, gpu)
        findings[node.id] = {"node": node.name, "findings": [finding_json(_finding(gpu, now))]}
    if silent is not None:
        by_name[silent] = replace(
            by_name[silent], state=NodeState.SILENT, boot_id=STAYS_SILENT, last_seen_at=told_until
        )
        timeline = _lost(timeline, by_name[silent], told_until)
    return Trouble(
        nodes=tuple(by_name[node.name] for node in nodes),
        timeline=timeline,
        hot=frozenset() if hot is None else frozenset({hot}),
        silent={} if silent is None else {silent: told_until},
        findings=findings,
    )


def _silent(nodes: Sequence[Node], stints: Sequence[Stint], at: float) -> str | None:
    """The last node on which nothing has begun or ended since then."""
    if len(nodes) < 3:
        return None
    moved = {one.node for one in stints if one.start > at - 60 or (one.end is not None and one.end > at)}
    return next((node.name for node in reversed(nodes) if node.name not in moved), None)


def _hot(stints: Sequence[Stint], nodes: Mapping[str, Node]) -> str | None:
    """A GPU that works hard."""
    for one in stints:
        if one.end is None and one.level >= _BUSY and one.node in nodes:
            return (nodes[one.node].gpus or ())[one.gpus[0]].uuid
    return None


def _broken(nodes: Sequence[Node], stints: Sequence[Stint], hot: str | None) -> tuple[Node, NodeGpu] | None:
    """A GPU that nobody has, if there is one."""
    taken = {(one.node, index) for one in stints if one.end is None for index in one.gpus}
    cards = [(node, gpu) for node in nodes for gpu in node.gpus or () if gpu.uuid != hot]
    free = (one for one in cards if (one[0].name, one[1].index) not in taken)
    return next(free, cards[-1] if cards else None)


def _quarantined(node: Node, gpu: NodeGpu) -> Node:
    block = Block(kind=BlockKind.QUARANTINED, why="Xid 79: the GPU has fallen off the bus")
    gpus = tuple(replace(one, blocked=block) if one is gpu else one for one in node.gpus or ())
    return replace(node, gpus=gpus)


def _finding(gpu: NodeGpu, now: float) -> Finding:
    line = "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."
    return Finding(
        component="xid",
        code="79",
        severity=Severity.CRITICAL,
        layer=Layer.HARDWARE,
        gpu=GpuRef(uuid=gpu.uuid, index=gpu.index),
        title="The GPU has fallen off the bus",
        cause="The driver cannot reach the card any more: its slot, its power or the card itself.",
        next_step="Reset the machine; if it comes again, have the card replaced",
        evidence=(Proof(read=line, where="kernel log (simulated)", at=now - 1800),),
        quarantine=True,
        first_at=now - 1800,
        last_at=now - 1800,
    )


def _lost(timeline: Timeline, node: Node, at: float) -> Timeline:
    """What ran there is lost."""
    jobs, told = {job.id: job for job in timeline.jobs}, list(timeline.told)
    for job in timeline.jobs:
        if job.placement is None or job.placement.node != node.id:
            continue
        made = move(job, Silence(token=job.placement.token, why=f"{node.name} is not heard of"), at)
        if made is not None:
            jobs[job.id] = made.job
            told += [Told(time=at, job=made.job, fact=one, source="/controller") for one in made.facts]
    return replace(timeline, jobs=tuple(jobs.values()), told=tuple(sorted(told, key=lambda one: one.time)))
