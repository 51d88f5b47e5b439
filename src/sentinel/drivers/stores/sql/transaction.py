"""The transaction that works get: many of them share one of the database's (`batch`). Made by the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.core.errors import StoreConflict
from sentinel.core.identity import Token, User
from sentinel.core.job import WHOLE, Job, JobState
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Node
from sentinel.drivers.stores.sql.batch import Batch
from sentinel.drivers.stores.sql.held import Taken
from sentinel.drivers.stores.sql.job_rows import same_but_for_moves, waits_of
from sentinel.drivers.stores.sql.reader import SqlReader
from sentinel.drivers.stores.sql.rows import (
    document_from,
    document_row,
    event_row,
    node_row,
    token_row,
    user_row,
    workload_row,
)
from sentinel.drivers.stores.taking import check_milli, check_room
from sentinel.ports.store import (
    Beats,
    Changes,
    Document,
    JobFilter,
    NewEvent,
    NodeWorkload,
    Page,
    StoredEvent,
)


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
        if job.after:
            batch.running.wait(job.id, no_more=frozenset(), now=waits_of(job))

    def put_job(self, job: Job) -> None:
        old = self.job(job.id)
        if old is None:
            raise StoreConflict(f"there is no job {job.id} to replace")
        running = self._batch.running
        running.put(job, self._batch.next())
        if not same_but_for_moves(old, job):
            running.whole.add(job.id)
        if old.after or job.after:
            running.wait(job.id, no_more=waits_of(old), now=waits_of(job))

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

    def _waiters(self, job: str) -> set[str]:
        found = super()._waiters(job)
        for layer in (self._batch.through, self._batch.running):
            for id, waits in layer.waits.get(job, {}).items():
                (found.add if waits else found.discard)(id)
        return found

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

    # ------------------------------------------------------------- documents

    def document(self, kind: str, key: str) -> Document | None:
        batch, name = self._batch, (kind, key)
        for layer in (batch.running, batch.through):
            if name in layer.documents:
                found = document_from(tuple(layer.documents[name].values()))
                return None if found.data is None else found
        if name not in batch.documents:
            batch.documents[name] = super().document(kind, key)
        return batch.documents[name]

    def documents(self, kind: str) -> Sequence[Document]:
        if self._batch.running.documents or self._batch.through.documents:
            self._batch.settle()
        return super().documents(kind)

    def put_document(self, kind: str, key: str, data: Mapping[str, Any]) -> None:
        self._put_document(kind, key, data)

    def remove_document(self, kind: str, key: str) -> None:
        if self.document(kind, key) is not None:
            self._put_document(kind, key, None)

    def forget_documents(self, before: int) -> int:
        return self._batch.direct(self._sql.forget_documents, {"revision": before})

    def _put_document(self, kind: str, key: str, data: Mapping[str, Any] | None) -> None:
        # The row first, as with events.
        revision = self._batch.revision + 1
        row = document_row(Document(kind=kind, key=key, data=data, revision=revision))
        self._batch.next()
        self._batch.running.documents[kind, key] = row

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
        check_milli(lease)
        seen: set[str] = set()
        for gpu in lease.gpus:
            holder, taken = (token, WHOLE) if gpu in seen else self._taken(lease.node, gpu)
            check_room(lease, gpu, taken, holder)
            seen.add(gpu)
        batch.running.take(lease)
        batch.touched = True

    def _taken(self, node: str, gpu: str) -> Taken:
        batch = self._batch
        taken = batch.held.of(node, gpu, batch.through, batch.running)
        if taken is None:
            batch.settle()
            taken = batch.held.of(node, gpu, batch.through, batch.running)
            assert taken is not None
        return taken

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
