"""The transaction that works get: many of them share one of the database's. Made by the store for each batch.

What works write most stays in memory until the end (`pending`), so that a batch costs a handful of statements
however many works are in it. Rare writes, and queries that memory cannot answer, go to the database at once,
behind a savepoint: a work that raises is undone alone.
"""

from collections.abc import Mapping, Sequence

from sentinel.core.errors import StoreConflict
from sentinel.core.identity import Token, User
from sentinel.core.job import Job, JobState
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Node
from sentinel.drivers.stores.sql.pending import Pending
from sentinel.drivers.stores.sql.reader import SqlReader
from sentinel.drivers.stores.sql.rows import (
    event_row,
    node_row,
    same_but_for_moves,
    token_row,
    user_row,
    workload_row,
)
from sentinel.drivers.stores.sql.statements import Statements
from sentinel.drivers.stores.sql.wire import Statement, Values, Wire
from sentinel.ports.store import (
    Beats,
    Changes,
    JobFilter,
    NewEvent,
    NodeWorkload,
    Page,
    StoredEvent,
)


class Batch:
    """The works of one transaction of the database, one after another.

    batch = Batch(wire, statements, revision)
    for each work: run it on `batch.transaction`, then `accept()` or `discard()`
    batch.finish()

    `careful`: what the database itself would find in the end is looked up at once. With one work in the batch
    nobody else is undone then, and the work itself gets the exception.
    """

    def __init__(self, wire: Wire, statements: Statements, revision: int, *, careful: bool = False) -> None:
        self.wire = wire
        self.sql = statements
        self.careful = careful
        self.revision = revision
        self.through = Pending()
        self.running = Pending()
        self.changed = False  # by a work that is through: something that others want to be told of
        self.touched = False  # the same of the one that runs
        self.wrote = False  # there is something to commit
        self.jobs: dict[str, Job | None] = {}  # as the database has them
        self.keys: dict[tuple[str, str], tuple[str, str] | None] = {}
        self.held: dict[str, dict[str, str]] = {}  # node → GPU → token, as the database has them
        self._first = self._before = revision
        self._savepoint = False
        self.transaction = SqlTransaction(self)

    def accept(self) -> None:
        """The work is through."""
        if self._savepoint:
            self.wire.say("RELEASE SAVEPOINT work")
            self._savepoint = False
        if not self.running.empty:
            self.through.join(self.running)
            self.running = Pending()
        self.changed |= self.touched
        self.touched = False
        self._before = self.revision

    def discard(self) -> None:
        """The work raised: all that it wrote is undone."""
        if self._savepoint:
            self.wire.say("ROLLBACK TO SAVEPOINT work")
            self.wire.say("RELEASE SAVEPOINT work")
            self._savepoint = False
            self._forget()
        self.running = Pending()
        self.touched = False
        self.revision = self._before

    def finish(self) -> None:
        """Hands all to the database. Left to do: the commit."""
        self.wrote |= not self.through.empty
        with self.wire.together():
            self.through.flush(self.wire, self.sql)
            if self.revision != self._first:
                self.wire.run(self.sql.set_revision, {"revision": self.revision})

    def next(self) -> int:
        self.touched = True
        self.revision += 1
        return self.revision

    def settle(self) -> None:
        """The database has all that was written until now, so that a query sees it."""
        if not self.through.empty:
            self.wrote = True
            self.through.flush(self.wire, self.sql)
            self._forget()
        if not self.running.empty:
            self._begin()
            self.running.flush(self.wire, self.sql)
            self._forget()

    def direct(self, statement: Statement, values: Values) -> int:
        """Writes at once; how many rows it changed."""
        self.settle()
        self._begin()
        self.touched = True
        return self.wire.run(statement, values)

    def _begin(self) -> None:
        """From here on the database has things of the work that runs."""
        if not self._savepoint:
            self.wrote = True
            self.wire.say("SAVEPOINT work")
            self._savepoint = True

    def _forget(self) -> None:
        self.jobs.clear()
        self.keys.clear()
        self.held.clear()


class SqlTransaction(SqlReader):
    """Implements ports.store.Transaction."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch.wire, batch.sql)
        self._batch = batch

    def revision(self) -> int:
        return self._batch.revision

    def set_meta(self, key: str, value: str) -> None:
        self._batch.direct(self._sql.put_meta, {"key": key, "value": value})

    # ------------------------------------------------------------------ jobs

    def job(self, id: str) -> Job | None:
        batch = self._batch
        found = batch.running.job(id) or batch.through.job(id)
        if found is None:
            if id not in batch.jobs:
                batch.jobs[id] = super().job(id)
            found = batch.jobs[id]
        return found

    def jobs(self, ids: Sequence[str]) -> dict[str, Job]:
        batch = self._batch
        known = (batch.running.jobs, batch.through.jobs, batch.jobs)
        missing = [id for id in ids if not any(id in layer for layer in known)]
        if missing:
            found = super().jobs(missing)
            batch.jobs.update((id, found.get(id)) for id in missing)
        return {id: job for id in ids if (job := self.job(id)) is not None}

    def add_job(self, job: Job, environment: Mapping[str, str]) -> None:
        batch = self._batch
        taken = job.id in batch.running.jobs or job.id in batch.through.jobs or batch.jobs.get(job.id)
        if taken or (batch.careful and self._wire.rows(self._sql.job_exists, {"id": job.id})):
            raise StoreConflict(f"there is a job {job.id} already")
        batch.running.put(job, batch.next())
        batch.running.added[job.id] = dict(environment)

    def put_job(self, job: Job) -> None:
        old = self.job(job.id)
        if old is None:
            raise StoreConflict(f"there is no job {job.id} to replace")
        running = self._batch.running
        running.put(job, self._batch.next())
        if not same_but_for_moves(old, job):
            running.whole.add(job.id)

    def environment(self, id: str) -> Mapping[str, str]:
        for layer in (self._batch.running, self._batch.through):
            if id in layer.added:
                return dict(layer.added[id])
        return super().environment(id)

    def environments(self, ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
        self._batch.settle()
        return super().environments(ids)

    def find_jobs(self, wanted: JobFilter, page: Page) -> tuple[Sequence[Job], str | None]:
        self._batch.settle()
        return super().find_jobs(wanted, page)

    def count_jobs(self, wanted: JobFilter) -> Mapping[JobState, int]:
        self._batch.settle()
        return super().count_jobs(wanted)

    def changes(self, since: int, *, live_only: bool = False) -> Changes:
        self._batch.settle()
        return super().changes(since, live_only=live_only)

    def idempotent(self, owner: str, key: str) -> tuple[str, str] | None:
        batch, name = self._batch, (owner, key)
        for layer in (batch.running, batch.through):
            if name in layer.keys:
                return layer.keys[name][:2]
        if name not in batch.keys:
            batch.keys[name] = super().idempotent(owner, key)
        return batch.keys[name]

    def remember_key(self, owner: str, key: str, digest: str, job: str, now: float) -> None:
        if self.idempotent(owner, key) is not None:
            raise StoreConflict(f"{owner} has used the Idempotency-Key {key!r} already")
        self._batch.running.keys[owner, key] = (digest, job, now)
        self._batch.touched = True

    def forget_keys(self, before: float) -> int:
        return self._batch.direct(self._sql.forget_keys, {"before": before})

    # ---------------------------------------------------------------- leases

    def leases(self, *, node: str | None = None) -> Sequence[JobLease]:
        self._batch.settle()
        return super().leases(node=node)

    def beats(self) -> Beats:
        self._batch.settle()
        return super().beats()

    def take_lease(self, lease: JobLease) -> None:
        batch = self._batch
        token = lease.token
        if any(token in layer.freed or token in layer.renewed for layer in (batch.running, batch.through)):
            batch.settle()  # what was said of that token was of another lease
        taken = token in batch.running.taken or token in batch.through.taken
        if taken or (batch.careful and self._wire.rows(self._sql.lease_exists, {"token": token})):
            raise StoreConflict(f"there is a lease {token} already")
        seen: set[str] = set()
        for gpu in lease.gpus:
            holder = token if gpu in seen else self._holder(lease.node, gpu)
            if holder is not None:
                raise StoreConflict(f"GPU {gpu} of node {lease.node} is in another lease: {holder}")
            seen.add(gpu)
        batch.running.take(lease)
        batch.touched = True

    def _holder(self, node: str, gpu: str) -> str | None:
        batch = self._batch
        if node not in batch.held:
            batch.held[node] = dict(self._wire.rows(self._sql.holders, {"node": node}))
        place = (node, gpu)
        if (holder := batch.running.holders.get(place)) is not None:
            return holder
        if (holder := batch.through.holders.get(place)) is None:
            holder = batch.held[node].get(gpu)
            if holder in batch.through.freed:
                return None
        return None if holder in batch.running.freed else holder

    def free_lease(self, token: str) -> None:
        self._batch.running.free(token)
        self._batch.touched = True

    def beat(self, nodes: Mapping[str, float], leases: Sequence[str]) -> None:
        running = self._batch.running
        for node, at in nodes.items():
            running.hear(node, at)
        for token in leases:
            running.renew(token)

    # ----------------------------------------------------------------- nodes

    def node(self, id: str) -> Node | None:
        self._settle_beats()
        return super().node(id)

    def node_named(self, name: str) -> Node | None:
        self._settle_beats()
        return super().node_named(name)

    def nodes(self) -> Sequence[Node]:
        self._settle_beats()
        return super().nodes()

    def _settle_beats(self) -> None:
        """When a node was last seen is the one thing about nodes that waits in memory."""
        if self._batch.running.heard or self._batch.through.heard:
            self._batch.settle()

    def put_node(self, node: Node) -> None:
        batch, sql = self._batch, self._sql
        other = super().node_named(node.name)
        if other is not None and other.id != node.id:
            raise StoreConflict(f"there is a node {node.name} already: {other.id}")
        batch.direct(sql.put_node, node_row(node, batch.next()))
        if other is None:
            batch.direct(sql.add_beats, {"node": node.id, "beats": 0})
            batch.direct(sql.forget_removed, {"id": node.id})

    def remove_node(self, id: str) -> None:
        batch, sql = self._batch, self._sql
        if super().node(id) is None:
            return
        batch.direct(sql.remove_node, {"id": id})
        batch.direct(sql.remove_beats, {"id": id})
        batch.direct(sql.remove_workloads, {"id": id})
        batch.direct(sql.add_removed, {"node": id, "revision": batch.next()})

    def put_workloads(self, node: str, workloads: Sequence[NodeWorkload]) -> None:
        if len({workload.id for workload in workloads}) < len(workloads):
            raise StoreConflict(f"two workloads of node {node} have the same id")
        rows = [workload_row(node, workload) for workload in workloads]
        self._batch.direct(self._sql.remove_workloads, {"id": node})
        if rows:
            self._wire.many(self._sql.add_workload, rows)

    # ---------------------------------------------------------------- events

    def events(
        self,
        after: int,
        limit: int,
        *,
        tenant: str | None = None,
        subject: str | None = None,
        types: Sequence[str] = (),
        newest: bool = False,
    ) -> Sequence[StoredEvent]:
        self._batch.settle()
        return super().events(after, limit, tenant=tenant, subject=subject, types=types, newest=newest)

    def add_event(self, event: NewEvent) -> None:
        # The row first: data that is no JSON is the work's own fault, and takes no number.
        row = event_row(event, self._batch.revision + 1)
        self._batch.next()
        self._batch.running.events.append(row)

    def forget_events(self, before: float) -> int:
        return self._batch.direct(self._sql.forget_events, {"before": before})

    # ---------------------------------------------------------------- people

    def put_user(self, user: User) -> None:
        self._batch.direct(self._sql.put_user, user_row(user))

    def remove_user(self, name: str) -> None:
        self._batch.direct(self._sql.remove_user, {"name": name})

    def put_token(self, token: Token) -> None:
        other = self.token_by_hash(token.secret_sha256)
        if other is not None and other.id != token.id:
            raise StoreConflict(f"token {other.id} has the same secret")
        self._batch.direct(self._sql.put_token, token_row(token))

    def remove_tokens(self, before: float) -> int:
        return self._batch.direct(self._sql.remove_tokens, {"before": before})
