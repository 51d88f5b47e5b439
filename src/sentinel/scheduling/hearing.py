"""What an agent's reports make of jobs. Used by desk.told, within its transaction.

A job that several reports are about is put once, as it is in the end; each move has its event. After a
restore a node may tell of an attempt that the store never knew: it is adopted, so that the job does not run
twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from sentinel.core.job import Job, JobState, Placement
from sentinel.core.node import Node
from sentinel.ports.store import Transaction
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
from sentinel.scheduling.writing import source_of, take_lease, write_facts, write_move


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
            return Verdict.UNKNOWN
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
        """Puts what has changed."""
        for job in self._changed.values():
            self._tx.put_job(job)
        self._changed.clear()

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
        if made.frees is not None:
            self._tx.free_lease(made.frees)
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
        if report.kind in (Kind.REFUSED, Kind.GONE, Kind.LEFTOVER):
            return None  # there is nothing that could run twice
        self.write()
        found = adopt(
            self._tx,
            self._node,
            job=job.id,
            attempt=report.attempt,
            token=report.token,
            gpus=report.gpus or (),
            now=self._now,
        )
        if found is not None:
            self._jobs[job.id] = found
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
    found = tx.job(job)
    if found is None or not tx.meta(RESTORED_AT):
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
    adopted = write_move(tx, made, source_of(node), now)
    take_lease(tx, adopted, now)
    return adopted
