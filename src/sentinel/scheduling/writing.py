"""Writes what was decided: the job, its lease and its events, in the caller's transaction. Used by the desk
and the scheduler's loop; nothing else puts a job that moved."""

from collections.abc import Iterable, Mapping
from typing import Any

from sentinel.core.job import DEFAULT_TENANT, Job
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Node
from sentinel.ports.store import NewEvent, Transaction
from sentinel.scheduling.lifecycle import Fact, Move

CONTROLLER = "/controller"


def source_of(node: Node) -> str:
    """Where an event that its agent told of comes from."""
    return f"/nodes/{node.name}"


def write_move(tx: Transaction, made: Move, source: str, now: float) -> Job:
    """The job as it was written; its lease is let go of where the move says so."""
    if made.frees is not None:
        tx.free_lease(made.frees)
    tx.put_job(made.job)
    write_facts(tx, made.job, made.facts, source, now)
    return made.job


def take_lease(tx: Transaction, job: Job, now: float) -> None:
    """The lease of its placement. StoreConflict when one of the GPUs is taken."""
    placement = job.placement
    assert placement is not None, "it was just placed"
    tx.take_lease(
        JobLease(
            token=placement.token,
            job=job.id,
            attempt=job.attempt,
            node=placement.node,
            gpus=placement.gpus,
            owner=job.owner,
            tenant=job.tenant,
            taken_at=now,
        )
    )


def write_facts(tx: Transaction, job: Job, facts: Iterable[Fact], source: str, now: float) -> None:
    for fact in facts:
        tx.add_event(
            NewEvent(
                time=now,
                type=fact.type,
                source=source,
                subject=job.id,
                owner=job.owner,
                tenant=job.tenant,
                data=fact.data,
            )
        )


def write_node_fact(
    tx: Transaction, node: Node, what: str, now: float, *, source: str = CONTROLLER, **data: Any
) -> None:
    """ "sentinel.node." and `what`; the event's subject is the node's id."""
    told: Mapping[str, Any] = {"name": node.name, "state": node.state.value, **data}
    tx.add_event(
        NewEvent(
            time=now,
            type=f"sentinel.node.{what}",
            source=source,
            subject=node.id,
            tenant=node.tenant,
            data=told,
        )
    )


def write_controller_fact(tx: Transaction, what: str, now: float, **data: Any) -> None:
    """ "sentinel.controller." and `what`."""
    tx.add_event(
        NewEvent(
            time=now,
            type=f"sentinel.controller.{what}",
            subject="controller",
            tenant=DEFAULT_TENANT,
            data=data,
        )
    )
