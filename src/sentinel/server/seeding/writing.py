"""A simulated fleet into the store. Called by `seed`.

What is there now (nodes, their jobs and leases, what they see) is written in one transaction: a scheduler
that runs meanwhile sees no GPU free that is not. What was comes after that, some of it at a time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sentinel.core.identity import Role, User
from sentinel.core.job import WHOLE, Job
from sentinel.core.node import Node
from sentinel.ports.store import Store, Transaction
from sentinel.scheduling.account_desk import charge_usage
from sentinel.scheduling.writing import take_lease, write_facts, write_node_fact
from sentinel.server.seeding.fleet import USERS, group_of
from sentinel.server.seeding.timeline import Stint, Timeline, Told
from sentinel.server.seeding.trouble import FINDINGS
from sentinel.server.seeding.workloads import workload

AT_ONCE = 500  # jobs or events in a transaction: others write, too


def write_fleet(
    store: Store,
    nodes: Sequence[Node],
    timeline: Timeline,
    findings: Mapping[str, Mapping[str, Any]],
    now: float,
    tell: Callable[[str], None],
) -> None:
    """All of it. `tell` hears how far it is."""
    tell(f"{len(nodes)} nodes")
    live = [job for job in timeline.jobs if not job.state.ended]
    store.write(lambda tx: _write_present(tx, nodes, timeline.stints, live, findings, now))
    ended = [job for job in timeline.jobs if job.state.ended]
    for some in _some(ended):
        store.write(lambda tx, some=some: _write_ended(tx, some))
    tell(f"{len(timeline.jobs)} jobs")
    for told in _some(timeline.told):
        store.write(lambda tx, told=told: _write_told(tx, told))
    tell(f"{len(timeline.told)} events")


def _write_present(
    tx: Transaction,
    nodes: Sequence[Node],
    stints: Iterable[Stint],
    jobs: Iterable[Job],
    findings: Mapping[str, Mapping[str, Any]],
    now: float,
) -> None:
    known = {user.name for user in tx.users()}
    for name in USERS:
        if name not in known:
            joined = min(node.joined_at for node in nodes)
            tx.put_user(User(name=name, role=Role.MEMBER, created_at=joined, group=group_of(name)))
    by_node: dict[str, list[Stint]] = {}
    for stint in stints:
        if stint.end is None:
            by_node.setdefault(stint.node, []).append(stint)
    for node in nodes:
        tx.put_node(node)
        write_node_fact(tx, node, "joined", node.joined_at, source=f"/nodes/{node.name}")
        tx.put_workloads(node.id, [workload(node, one, now) for one in by_node.get(node.name, ())])
    for job in jobs:
        tx.add_job(job, {})
        if job.placement is not None:
            take_lease(tx, job, job.allocated_at or now)
    for node_id, found in findings.items():
        tx.put_document(FINDINGS, node_id, found)


def _write_ended(tx: Transaction, jobs: Iterable[Job]) -> None:
    for job in jobs:
        tx.add_job(job, {})
    for job in sorted(jobs, key=_end):
        held = len(job.gpus) * WHOLE
        seconds = _end(job) - (job.started_at or _end(job))
        charge_usage(tx, owner=job.owner, group=job.account, milli=held, seconds=seconds, now=_end(job))


def _end(job: Job) -> float:
    return job.ended_at or 0.0


def _write_told(tx: Transaction, told: Iterable[Told]) -> None:
    for one in told:
        write_facts(tx, one.job, [one.fact], one.source, one.time)


def _some(all_of_it: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for at in range(0, len(all_of_it), AT_ONCE):
        yield all_of_it[at : at + AT_ONCE]
