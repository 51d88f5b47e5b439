"""What an agent's reports make of jobs. Used by desk.told, within its transaction.

A job that several reports are about is put once, as it is in the end; each move has its event. What follows
for other jobs is written then. After a restore a node may tell of an attempt that the store never knew: it is
adopted, so that the job does not run twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from sentinel.core.job import Job, JobState, Placement
from sentinel.core.node import Node
from sentinel.ports.store import Transaction
from sentinel.scheduling.gangs import new_part, part_ids, part_named
from sentinel.scheduling.lifecycle import (
    Exited,
    Fact,
    Fenced,
    Found,
    Gone,
    Illegal,
    Move,
    Refused,
    Running,
    Starting,
    move,
)
from sentinel.scheduling.mirror import RESTORED_AT
from sentinel.scheduling.reports import Kind, Leftover, Report, Verdict, Waiting
from sentinel.scheduling.writing import (
    let_go,
    source_of,
    take_lease,
    write_consequences,
    write_facts,
    write_move,
)

_NEVER_TWICE = (Kind.REFUSED, Kind.GONE, Kind.LEFTOVER)


class Hearing:
    """One batch of reports. `hear` each, then `write`."""

    def __init__(self, tx: Transaction, node: Node, reports: Sequence[Report], now: float) -> None:
        self._tx, self._node, self._now = tx, node, now
        self._jobs = tx.jobs(list(dict.fromkeys(report.job for report in reports)))
        self._changed: dict[str, Job] = {}
        self._restored: bool | None = None

    def hear(self, report: Report) -> Verdict:
        """What becomes of it."""
        job = self._jobs.get(report.job)
        if job is None:
            job = self._adopted_part(report)
            if isinstance(job, Verdict):
                return job
        placement = job.placement
        if placement is None or placement.token != report.token or placement.node != self._node.id:
            adopted = self._adopted(job, report)
            if adopted is None:
                return self._about_another(job, report)
            job = adopted
        match report.what:
            case Leftover():
                return self._leftover(job, report.what)
            case Waiting(why=why):
                return self._waiting(job, why)
            case Starting() | Running() | Exited() | Refused() | Gone():
                return self._moves(job, report.what)
            case _:
                assert_never(report.what)

    def write(self) -> None:
        """Puts what has changed, and what follows from that."""
        changed, self._changed = self._changed, {}
        for job in changed.values():
            self._tx.put_job(job)
        for job in changed.values():
            write_consequences(self._tx, job, self._now)

    # ------------------------------------------------------------------ about the present attempt

    def _moves(self, job: Job, what: Starting | Running | Exited | Refused | Gone) -> Verdict:
        try:
            made = move(job, what, self._now)
        except Fenced:
            return Verdict.FENCED
        except Illegal:
            return Verdict.KNOWN  # overtaken by what was told since
        if made is None:
            return Verdict.KNOWN
        self._keep(made)
        return Verdict.APPLIED

    def _keep(self, made: Move) -> None:
        let_go(self._tx, made, self._now)
        write_facts(self._tx, made.job, made.facts, source_of(self._node), self._now)
        self._jobs[made.job.id] = self._changed[made.job.id] = made.job

    def _waiting(self, job: Job, why: str) -> Verdict:
        if job.state is not JobState.ALLOCATED or job.reason == why:
            return Verdict.KNOWN
        self._jobs[job.id] = self._changed[job.id] = replace(job, reason=why)
        return Verdict.APPLIED

    def _leftover(self, job: Job, what: Leftover) -> Verdict:
        data = {
            "attempt": job.attempt,
            "node": self._node.name,
            "gpu": what.gpu,
            "pid": what.pid,
            "why": what.why,
        }
        fact = Fact(type="sentinel.job.leftover", data=data)
        write_facts(self._tx, job, [fact], source_of(self._node), self._now)
        return Verdict.APPLIED

    # ------------------------------------------------------------------ about another one

    def _about_another(self, job: Job, report: Report) -> Verdict:
        """Its attempt is not the present one of the job; or it was, and is over."""
        its_last = job.placement is None and job.attempt == report.attempt and job.node == self._node.name
        if its_last and isinstance(report.what, Leftover):
            return self._leftover(job, report.what)
        return Verdict.KNOWN if its_last and report.kind.over else Verdict.FENCED

    def _adopted(self, job: Job, report: Report) -> Job | None:
        if job.state.ended or report.attempt <= job.attempt or not self._was_restored():
            return None
        if report.kind in _NEVER_TWICE:
            return None  # there is nothing that could run twice
        return self._adopt(report)

    def _adopted_part(self, report: Report) -> Job | Verdict:
        """A part of a gang of which the store knows no such attempt, or the verdict when it is not wanted."""
        name = part_named(report.job)
        gang = None if name is None or not self._was_restored() else self._tx.job(name[0])
        if gang is None or gang.spec.nodes == 1:
            return Verdict.UNKNOWN
        if report.kind in _NEVER_TWICE:
            return Verdict.FENCED
        return self._adopt(report) or Verdict.FENCED

    def _adopt(self, report: Report) -> Job | None:
        self.write()
        found = adopt(
            self._tx,
            self._node,
            job=report.job,
            attempt=report.attempt,
            token=report.token,
            gpus=report.gpus or (),
            now=self._now,
        )
        self._jobs = self._tx.jobs([*self._jobs, report.job])  # others may have moved because of that
        return found

    def _was_restored(self) -> bool:
        if self._restored is None:
            self._restored = bool(self._tx.meta(RESTORED_AT))
        return self._restored


def adopt(
    tx: Transaction, node: Node, *, job: str, attempt: int, token: str, gpus: Sequence[str], now: float
) -> Job | None:
    """After a restore: `node` has a later attempt of the job than the store knows. The job is LOST with it,
    until the node says more; None when nothing was restored, or the attempt is not later. A GPU that somebody
    else was given since is left out of its lease: it is the other's by right, and its own in fact."""
    if not tx.meta(RESTORED_AT):
        return None
    found = tx.job(job)
    if found is None:
        found = _new_part(tx, node, job, now)
    if found is None:
        return None
    old = None if found.placement is None else found.placement.token
    taken = {gpu for lease in tx.leases(node=node.id) if lease.token != old for gpu in lease.gpus}
    placement = Placement(node=node.id, gpus=tuple(gpu for gpu in gpus if gpu not in taken), token=token)
    try:
        made = move(found, Found(placement=placement, node_name=node.name, attempt=attempt), now)
    except Fenced:
        return None
    if made is None:
        return None
    take_lease(tx, write_move(tx, made, source_of(node), now), now)
    return tx.job(job)


def _new_part(tx: Transaction, node: Node, id: str, now: float) -> Job | None:
    """A part of a gang that the store does not know, kept; None when nothing of it is wanted any more."""
    name = part_named(id)
    gang = None if name is None else tx.job(name[0])
    if name is None or gang is None or gang.state.ended:
        return None
    _, attempt, rank = name
    present = attempt > gang.attempt or (attempt == gang.attempt and gang.state.placed)
    if not present or rank >= gang.spec.nodes:
        return None
    if attempt > gang.attempt:
        _find_gang(tx, node, gang, attempt, now)
    part = new_part(gang, attempt, rank)
    tx.add_job(part, {})
    return part


def _find_gang(tx: Transaction, node: Node, gang: Job, attempt: int, now: float) -> None:
    """The gang is LOST in a later attempt, so the parts of the earlier one have ended."""
    why = f"a later attempt of {gang.id} was found on {node.name} after a restore"
    found = Found(placement=None, node_name=node.name, attempt=attempt)
    earlier = [(part, part.placement) for part in tx.jobs(part_ids(gang)).values()]
    made = [move(gang, found, now)]
    made += [move(part, Gone(token=held.token, why=why), now) for part, held in earlier if held is not None]
    for one in made:
        assert one is not None, "each of them moves"
        write_move(tx, one, source_of(node), now)
