"""Writes what was decided: the job, its lease and its events, in the caller's transaction. Used by the desk
and the scheduler's loop; nothing else puts a job that moved.

What follows for other jobs is written in the same transaction: a gang follows from its parts, and its parts
from what is asked of it; those that waited for a job that has ended are released. A plain job costs nothing
more."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sentinel.core.job import DEFAULT_TENANT, WHOLE, Job, JobState
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Node
from sentinel.ports.store import JobFilter, NewEvent, Page, Transaction
from sentinel.scheduling.account_desk import charge_usage
from sentinel.scheduling.dependencies import release
from sentinel.scheduling.gangs import follow, parts_of
from sentinel.scheduling.lifecycle import Allocate, Fact, Move, allocated, move

CONTROLLER = "/controller"
_PAGE = 1000


def source_of(node: Node) -> str:
    """Where an event that its agent told of comes from."""
    return f"/nodes/{node.name}"


def write_move(tx: Transaction, made: Move, source: str, now: float) -> Job:
    """The job as it was written, before what follows from it was; its lease is let go of where the move says
    so."""
    _write(tx, made, source, now)
    write_consequences(tx, made.job, now)
    return made.job


def _write(tx: Transaction, made: Move, source: str, now: float) -> None:
    let_go(tx, made, now)
    tx.put_job(made.job)
    write_facts(tx, made.job, made.facts, source, now)


def let_go(tx: Transaction, made: Move, now: float) -> None:
    """Frees the lease that the job no longer holds, and counts what it was."""
    freed, job = made.frees, made.job
    if freed is None:
        return
    tx.free_lease(freed.token)
    if freed.since is not None:
        milli, seconds = freed.gpus * job.spec.gpu_milli, now - freed.since
        charge_usage(tx, owner=job.owner, group=job.account, milli=milli, seconds=seconds, now=now)


def write_consequences(tx: Transaction, job: Job, now: float) -> None:
    """What follows for other jobs from `job`, which has moved and was put. They may be thousands."""
    of_a_gang = job.part is not None or (job.spec.nodes > 1 and job.stop is not None)
    made = follow(tx, job, now) if of_a_gang else ()
    if made or (job.awaited and job.state.ended):
        _write_on(tx, [job], made, now)


def settle_gangs(tx: Transaction, now: float) -> None:
    """After a restore no more is waited for: gangs are what those parts come to that were heard of."""
    for gang in _lost_gangs(tx):
        _write_on(tx, [], follow(tx, gang, now), now)


def _lost_gangs(tx: Transaction) -> list[Job]:
    found: list[Job] = []
    after: str | None = None
    while True:
        some, after = tx.find_jobs(JobFilter(states=(JobState.LOST,)), Page(limit=_PAGE, after=after))
        found.extend(job for job in some if job.spec.nodes > 1)
        if after is None:
            return found


def _write_on(tx: Transaction, moved: list[Job], made: Iterable[Move], now: float) -> None:
    """Writes `made`, and then what follows from the end of those jobs and of the ones that have `moved`."""
    for one in made:
        _write(tx, one, CONTROLLER, now)
        moved.append(one.job)
    ended = [job for job in moved if job.awaited and job.state.ended]
    while ended:
        for one in release(tx, ended.pop(), now):
            _write(tx, one, CONTROLLER, now)
            if one.job.awaited and one.job.state.ended:
                ended.append(one.job)


def place_gang(
    tx: Transaction,
    gang: Job,
    nodes: Sequence[tuple[Node, tuple[str, ...]]],
    tokens: Sequence[str],
    now: float,
) -> Job:
    """Gives a waiting gang these GPUs (UUIDs) of these nodes, by rank, all at once: it is ALLOCATED, and has
    its parts. StoreConflict when one of the GPUs is taken."""
    names = ",".join(node.name for node, _ in nodes)
    gpus = tuple(gpu for _, of_node in nodes for gpu in of_node)
    made = move(gang, Allocate(placement=None, node_name=names, gpus=gpus), now)
    assert made is not None, "an allocation always moves"
    _write(tx, made, CONTROLLER, now)
    for part, environment in parts_of(made.job, nodes, tokens, tx.environment(gang.id), now):
        tx.add_job(part, environment)
        take_lease(tx, part, now)
        write_facts(tx, part, [allocated(part)], CONTROLLER, now)
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
            milli=job.spec.gpu_milli if placement.gpus else WHOLE,
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
