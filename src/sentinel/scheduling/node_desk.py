"""What is done to nodes, each within a transaction of the store. Called by the API, through desk, and by the
scheduler's loop. Every change is written with its event."""

from dataclasses import replace

from sentinel.core.errors import StoreConflict
from sentinel.core.node import Drain, Node, NodeState
from sentinel.ports.store import Transaction
from sentinel.scheduling.lifecycle import Gone, move
from sentinel.scheduling.mirror import HOLD_ENDED, RESTORED_AT, holds
from sentinel.scheduling.writing import (
    CONTROLLER,
    settle_gangs,
    source_of,
    write_controller_fact,
    write_move,
    write_node_fact,
)


class NoSuchNode(StoreConflict):
    """It has been removed, or never was."""


class NodeIsUp(StoreConflict):
    """It is heard of, so it cannot be dead."""


def update_node(tx: Transaction, node: Node, now: float) -> bool:
    """Keeps what its agent tells of itself, and says so in an event, unless only `last_seen_at` is new;
    whether it did. A drain is left as the store has it. A node that is not known yet has joined."""
    kept = tx.node(node.id)
    if kept is None:
        tx.put_node(node)
        write_node_fact(tx, node, "joined", now, source=source_of(node))
        return True
    new = replace(node, drained=kept.drained, revision=kept.revision)
    if replace(new, last_seen_at=kept.last_seen_at) == kept:
        return False
    tx.put_node(new)
    if new.state is not kept.state:
        word = new.state.value
    elif new.boot_id != kept.boot_id and kept.boot_id:
        word = "rebooted"
    else:
        word = "changed"
    write_node_fact(tx, new, word, now, source=source_of(new), **{"from": kept.state.value})
    return True


def silence(tx: Transaction, node_id: str, why: str, now: float) -> bool:
    """It is not heard of: nothing is placed there. Whether it was UP."""
    node = tx.node(node_id)
    if node is None or node.state is not NodeState.UP:
        return False
    new = replace(node, state=NodeState.SILENT)
    tx.put_node(new)
    write_node_fact(tx, new, "silent", now, why=why)
    return True


def declare_dead(tx: Transaction, node_id: str, by: str, why: str, now: float) -> Node:
    """`by` vouches that nothing runs there: its jobs are Gone. NodeIsUp, NoSuchNode."""
    node = _node(tx, node_id)
    if node.state is NodeState.UP:
        raise NodeIsUp(f"node {node.name} is up; stop its agent and wait until it is silent, or drain it")
    if node.state is not NodeState.DEAD:
        node = replace(node, state=NodeState.DEAD)
        tx.put_node(node)
        write_node_fact(tx, node, "dead", now, by=by, why=why)
    leases = tx.leases(node=node_id)
    jobs = tx.jobs([lease.job for lease in leases])
    for lease in leases:
        job = jobs.get(lease.job)
        if job is None or job.placement is None or job.placement.token != lease.token:
            continue
        made = move(job, Gone(token=lease.token, why=f"{by} declared {node.name} dead: {why}"), now)
        if made is not None:
            write_move(tx, made, CONTROLLER, now)
    return node


def drain(tx: Transaction, node_id: str, drained: Drain, now: float) -> Node:
    """No new job is to come there. NoSuchNode."""
    node = _node(tx, node_id)
    if node.drained is None or (node.drained.by, node.drained.why) != (drained.by, drained.why):
        node = replace(node, drained=drained)
        tx.put_node(node)
        write_node_fact(tx, node, "drained", now, by=drained.by, why=drained.why)
    return node


def resume(tx: Transaction, node_id: str, by: str, now: float) -> Node:
    """Ends a drain. NoSuchNode."""
    node = _node(tx, node_id)
    if node.drained is not None:
        node = replace(node, drained=None)
        tx.put_node(node)
        write_node_fact(tx, node, "resumed", now, by=by)
    return node


def end_hold(tx: Transaction, by: str, why: str, now: float) -> bool:
    """Jobs may be placed again after a restore. Whether they might not."""
    if not holds(tx):
        return False
    tx.set_meta(HOLD_ENDED, tx.meta(RESTORED_AT) or "")
    write_controller_fact(tx, "hold-ended", now, by=by, why=why)
    settle_gangs(tx, now)
    return True


def _node(tx: Transaction, node_id: str) -> Node:
    node = tx.node(node_id)
    if node is None:
        raise NoSuchNode(f"there is no node {node_id}; `sentinel node list` has those there are")
    return node
