"""What is done to the queue, each within a transaction of the store: jobs, and what agents say of them.

Called by the API (`store.write(lambda tx: desk.cancel(tx, …))`). What is done to nodes is in node_desk, and
to be had from here as well. Every change of state is written with its event. Times are the epoch's, for
showing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sentinel.core.errors import SentinelError
from sentinel.core.job import After, Cancel, Job, JobState
from sentinel.core.node import Node
from sentinel.ports.store import Transaction
from sentinel.scheduling.account_desk import OverQuota, check_queue
from sentinel.scheduling.arrays import in_turn, task_environment, task_of, tasks_of
from sentinel.scheduling.dependencies import NeverBegins, NoSuchJob, resolve
from sentinel.scheduling.hearing import Hearing, adopt
from sentinel.scheduling.lifecycle import CancelAsked, Gone, Illegal, Input, Running, move, submitted
from sentinel.scheduling.node_desk import (
    NodeIsUp,
    NoSuchNode,
    declare_dead,
    drain,
    end_hold,
    resume,
    update_node,
)
from sentinel.scheduling.reports import Report, Verdict
from sentinel.scheduling.writing import CONTROLLER, source_of, write_facts, write_move

__all__ = [
    "AlreadyEnded",
    "KeyReused",
    "NeverBegins",
    "NoSuchJob",
    "NoSuchNode",
    "NodeIsUp",
    "OverQuota",
    "adopt",
    "cancel",
    "cancel_array",
    "declare_dead",
    "drain",
    "end_hold",
    "missing",
    "resume",
    "submit",
    "submit_array",
    "told",
    "update_node",
]


class AlreadyEnded(SentinelError):
    """It has ended, so nothing can be asked of it any more."""


class KeyReused(SentinelError):
    """An Idempotency-Key was used before, for another request."""


def submit(
    tx: Transaction, job: Job, environment: Mapping[str, str], *, key: str | None, digest: str, now: float
) -> tuple[Job, bool]:
    """Keeps a new job, without what it waits for that is over already; whether it is new. With a `key` that
    its owner used before, for a request with the same `digest`: the job of that time. KeyReused for another
    request, NoSuchJob and NeverBegins for what it waits for, OverQuota, StoreConflict when the id is
    taken."""
    if key is not None:
        before = _made_before(tx, job.owner, key, digest)
        if before is not None:
            made = tx.job(before)
            if made is None:
                raise _reused(key, before)
            return made, False
        tx.remember_key(job.owner, key, digest, job.id, now)
    check_queue(tx, job.owner, job.account, 1)
    kept = replace(job, after=_waits(tx, job)) if job.after else job
    _keep(tx, kept, environment, now)
    return kept, True


def submit_array(
    tx: Transaction,
    jobs: Sequence[Job],
    environment: Mapping[str, str],
    *,
    key: str | None,
    digest: str,
    now: float,
) -> tuple[list[Job], bool]:
    """Keeps the tasks of a new array, which wait for the same, all or none; they by index, and whether they
    are new. Each is told in its environment which one it is. Raises as `submit` does."""
    tasks = in_turn(jobs)
    first, array = tasks[0], task_of(tasks[0]).id
    if key is not None:
        before = _made_before(tx, first.owner, key, digest)
        if before is not None:
            made = tasks_of(tx, before)
            if not made:
                raise _reused(key, before)
            return made, False
        tx.remember_key(first.owner, key, digest, array, now)
    check_queue(tx, first.owner, first.account, len(tasks))
    after = _waits(tx, first) if first.after else ()
    kept = [replace(task, after=after) for task in tasks]
    for task in kept:
        _keep(tx, task, task_environment(task, environment), now)
    return kept, True


def _made_before(tx: Transaction, owner: str, key: str, digest: str) -> str | None:
    """The id that the key was used for. KeyReused."""
    before = tx.idempotent(owner, key)
    if before is not None and before[0] != digest:
        raise _reused(key, before[1])
    return None if before is None else before[1]


def _reused(key: str, id: str) -> KeyReused:
    return KeyReused(f"the Idempotency-Key {key!r} was used for another request, job {id}")


def _waits(tx: Transaction, job: Job) -> tuple[After, ...]:
    waits = resolve(tx, job)
    for awaited in waits.awaited:
        tx.put_job(replace(awaited, awaited=True))
    return waits.after


def _keep(tx: Transaction, job: Job, environment: Mapping[str, str], now: float) -> None:
    tx.add_job(job, environment)
    write_facts(tx, job, [submitted(job)], CONTROLLER, now)


def cancel(tx: Transaction, id: str, asked: Cancel, now: float) -> Job:
    """One that waits is CANCELED at once; else its node is told to end it. A gang's part stands for the gang.
    NoSuchJob, AlreadyEnded."""
    job = tx.job(id)
    if job is None:
        raise NoSuchJob(f"there is no job {id}; `sentinel job list` has those there are")
    if job.part is not None and not job.state.ended:
        return cancel(tx, job.part.of, asked, now)
    try:
        made = move(job, CancelAsked(cancel=asked), now)
    except Illegal:
        raise AlreadyEnded(f"job {id} has ended already: {job.state}") from None
    if made is None:
        return job
    kept = write_move(tx, made, CONTROLLER, now)
    return tx.job(id) or kept if job.spec.nodes > 1 else kept


def cancel_array(tx: Transaction, array_id: str, asked: Cancel, now: float) -> list[Job]:
    """All tasks of the array that have not ended, as they are then, by index. NoSuchJob, AlreadyEnded."""
    tasks = tasks_of(tx, array_id)
    if not tasks:
        raise NoSuchJob(f"there is no array {array_id}; `sentinel job list` has the jobs there are")
    live = [task for task in tasks if not task.state.ended]
    if not live:
        raise AlreadyEnded(f"all tasks of array {array_id} have ended already")
    return [cancel(tx, task.id, asked, now) for task in live]


def told(tx: Transaction, node: Node, reports: Sequence[Report], now: float) -> list[Verdict]:
    """What `node` reports, in the order in which it happened there; a verdict for each. Never raises for a
    report that is late, told twice or wrong: it changes nothing then."""
    hearing = Hearing(tx, node, reports, now)
    verdicts = [hearing.hear(report) for report in reports]
    hearing.write()
    return verdicts


def missing(tx: Transaction, node: Node, held: frozenset[str], seen: int, now: float) -> list[str]:
    """What a beat says of the jobs of its node. `held` are all attempts that its supervisor knows, asked
    after the agent had acted upon revision `seen` of the store. Ids of the jobs that are Gone: they had
    begun, or were LOST, no later than that, and the node does not have them. A job that moved later may have
    been overtaken, and one that is ALLOCATED may be launched still: about those the beat says nothing.

    A LOST job that had been running and that is held is RUNNING again.
    """
    if seen > tx.revision():
        return []  # that was told by another store: this one has been restored since
    leases = tx.leases(node=node.id)
    jobs = tx.jobs([lease.job for lease in leases])
    gone: list[str] = []
    for lease in leases:
        job = jobs.get(lease.job)
        if job is None or job.placement is None or job.placement.token != lease.token:
            continue
        what = _by_beat(job, node, lease.token in held, seen)
        made = None if what is None else move(job, what, now)
        if made is not None:
            write_move(tx, made, source_of(node), now)
            if isinstance(what, Gone):
                gone.append(job.id)
    return gone


def _by_beat(job: Job, node: Node, held: bool, seen: int) -> Input | None:
    assert job.placement is not None
    token = job.placement.token
    if held:
        if job.state is JobState.LOST and job.started_at is not None:
            return Running(token=token, started_at=job.started_at)
        return None
    if job.state is JobState.ALLOCATED or job.revision > seen:
        return None
    return Gone(token=token, why=f"{node.name} is heard of, and does not have it")
