"""What works have written and the database does not have yet. Made by `transaction`.

Two layers for each batch: of the works that are through, and of the one that runs. The second joins the first
when its work is through, or is dropped.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sentinel.core.job import WHOLE, Job
from sentinel.core.job_lease import JobLease
from sentinel.drivers.stores.sql.job_rows import job_moves, job_row
from sentinel.drivers.stores.sql.rows import Values, environment_json, from_json, lease_row
from sentinel.drivers.stores.sql.schema import SHARED
from sentinel.drivers.stores.sql.statements import Statements
from sentinel.drivers.stores.sql.wire import Wire


class Pending:
    """One layer. Events and documents are rows already; jobs get their new revisions when looked at."""

    __slots__ = (
        "added",
        "documents",
        "events",
        "freed",
        "heard",
        "holders",
        "jobs",
        "keys",
        "renewed",
        "revisions",
        "shares",
        "taken",
        "waits",
        "whole",
    )

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.revisions: dict[str, int] = {}  # of `jobs`
        self.added: dict[str, Mapping[str, str]] = {}  # environments of the new ones among `jobs`
        self.whole: set[str] = set()  # of `jobs`: in which more than moves has changed
        self.waits: dict[str, dict[str, bool]] = {}  # job → who waits for it, or does so no more
        self.documents: dict[tuple[str, str], Values] = {}
        self.keys: dict[tuple[str, str], tuple[str, str, float]] = {}
        self.taken: dict[str, JobLease] = {}
        self.holders: dict[tuple[str, str], str] = {}  # of the whole ones of `taken`: (node, GPU) → token
        self.shares: Counter[tuple[str, str]] = Counter()  # of the others: (node, GPU) → how much
        self.freed: set[str] = set()
        self.events: list[Values] = []
        self.renewed: dict[str, int] = {}  # lease → how often
        self.heard: dict[str, tuple[int, float]] = {}  # node → how often, and when last

    @property
    def empty(self) -> bool:
        return not (
            self.jobs
            or self.events
            or self.taken
            or self.freed
            or self.renewed
            or self.heard
            or self.keys
            or self.documents
        )

    def put(self, job: Job, revision: int) -> None:
        self.jobs[job.id] = job
        self.revisions[job.id] = revision

    def job(self, id: str) -> Job | None:
        job = self.jobs.get(id)
        if job is not None and job.revision != self.revisions[id]:
            job = self.jobs[id] = replace(job, revision=self.revisions[id])
        return job

    def wait(self, job: str, *, no_more: frozenset[str], now: frozenset[str]) -> None:
        """What the job of this id waits for."""
        for other in no_more | now:
            self.waits.setdefault(other, {})[job] = other in now

    def take(self, lease: JobLease) -> None:
        self.taken[lease.token] = lease
        for gpu in lease.gpus:
            if lease.milli == WHOLE:
                self.holders[lease.node, gpu] = lease.token
            else:
                self.shares[lease.node, gpu] += lease.milli

    def free(self, token: str) -> None:
        lease = self.taken.pop(token, None)
        if lease is None:
            self.freed.add(token)
        else:
            for gpu in lease.gpus:
                if lease.milli == WHOLE:
                    del self.holders[lease.node, gpu]
                else:
                    self.shares[lease.node, gpu] -= lease.milli

    def renew(self, token: str, times: int = 1) -> None:
        self.renewed[token] = self.renewed.get(token, 0) + times

    def hear(self, node: str, at: float, times: int = 1) -> None:
        self.heard[node] = (self.heard.get(node, (0, 0.0))[0] + times, at)

    def join(self, later: "Pending") -> None:
        """All of `later` as well, in its order."""
        if later.jobs:
            self.jobs.update(later.jobs)
            self.revisions.update(later.revisions)
            self.added.update(later.added)
            self.whole |= later.whole
        for other, waiters in later.waits.items():
            self.waits.setdefault(other, {}).update(waiters)
        self.documents.update(later.documents)
        self.keys.update(later.keys)
        for token in later.freed:
            self.free(token)
        for lease in later.taken.values():
            self.take(lease)
        self.events += later.events
        for token, times in later.renewed.items():
            self.renew(token, times)
        for node, (times, at) in later.heard.items():
            self.hear(node, at, times)

    def freed_shares(self, wire: Wire, sql: Statements) -> Sequence[Values]:
        """How much less is shared of which GPUs, once it is flushed. Apart, since this one reads."""
        less: Counter[tuple[str, str]] = Counter()
        if self.freed:
            rows = wire.rows(sql.shares_among, {"tokens": wire.language.words(list(self.freed))})
            for node, gpus, milli in rows:
                for gpu in from_json(gpus):
                    less[node, gpu] += milli
        return [{"on": node, "of": gpu, "less": milli} for (node, gpu), milli in less.items()]

    def flush(self, wire: Wire, sql: Statements, less: Sequence[Values]) -> None:
        """Writes it, and is empty then. `less`: what `freed_shares` said."""
        if less:
            wire.many(sql.remove_shared, less)
            wire.many(sql.lessen_shared, less)
        if self.freed:
            tokens = [{"token": token} for token in self.freed]
            wire.many(sql.remove_lease_gpus, tokens)
            wire.many(sql.remove_lease, tokens)
        if self.jobs:
            self._flush_jobs(wire, sql)
        if self.documents:
            wire.many(sql.put_document, list(self.documents.values()))
        if self.keys:
            wire.many(
                sql.add_key,
                [
                    {"owner": owner, "key": key, "digest": digest, "job": job, "used_at": at}
                    for (owner, key), (digest, job, at) in self.keys.items()
                ],
            )
        if self.taken:
            wire.many(sql.add_lease, [lease_row(lease) for lease in self.taken.values()])
            # From the leases, not from `holders`: the table's key is to find what the code has missed.
            whole: list[Values] = []
            shares: list[Values] = []
            for lease in self.taken.values():
                for gpu in lease.gpus:
                    if lease.milli == WHOLE:
                        whole.append({"node": lease.node, "gpu": gpu, "token": lease.token})
                    else:
                        shares.append({"node": lease.node, "gpu": gpu, "token": SHARED, "milli": lease.milli})
            if whole:
                wire.many(sql.add_lease_gpu, whole)
            if shares:
                wire.many(sql.add_share, shares)
        if self.events:
            wire.many(sql.add_event, self.events)
        if self.renewed:
            wire.many(
                sql.renew_lease, [{"lease": token, "more": times} for token, times in self.renewed.items()]
            )
        if self.heard:
            wire.many(
                sql.beat_node,
                [{"id": node, "more": times, "heard": at} for node, (times, at) in self.heard.items()],
            )
        self.__init__()

    def _flush_jobs(self, wire: Wire, sql: Statements) -> None:
        plain: list[Values] = []
        new: list[Values] = []
        moved: list[Values] = []
        whole: list[Values] = []
        for id, job in self.jobs.items():
            revision = self.revisions[id]
            if id in self.added:
                row = job_row(job, revision)
                (plain if row["more"] is None else new).append(row)
            elif id in self.whole:
                whole.append(job_row(job, revision))
            else:
                moved.append(job_moves(job, revision))
        if plain:
            wire.many(sql.add_plain_job, plain)
        if new:
            wire.many(sql.add_job, new)
        if self.added:
            environments = [
                {"job": id, "variables": environment_json(variables)}
                for id, variables in self.added.items()
                if variables
            ]
            if environments:
                wire.many(sql.add_environment, environments)
        if moved:
            wire.many(sql.move_job, moved)
        if whole:
            wire.many(sql.replace_job, whole)
        if self.waits:
            self._flush_waits(wire, sql)

    def _flush_waits(self, wire: Wire, sql: Statements) -> None:
        changed = [
            ({"waits_for": other, "job": job}, waits)
            for other, waiters in self.waits.items()
            for job, waits in waiters.items()
        ]
        for statement, wanted in ((sql.add_wait, True), (sql.remove_wait, False)):
            if rows := [row for row, waits in changed if waits is wanted]:
                wire.many(statement, rows)
