"""The queue in memory: for tests and trials. It is gone with its process.

store = MemoryStore()
store.write(lambda tx: tx.add_job(job, {"A": "1"}))
with store.read() as view: view.job(job.id)
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from sentinel.core.errors import StoreConflict, UsageError
from sentinel.core.identity import Token, User
from sentinel.core.job import WHOLE, Job
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Node
from sentinel.drivers.stores.memory_view import Key, MemoryView, NodeBeat, Tables
from sentinel.drivers.stores.taking import check_milli, check_room
from sentinel.drivers.stores.writer import Listeners, Submission, Writer
from sentinel.ports.store import Document, NewEvent, NodeWorkload, Reader, StoredEvent, Transaction

T = TypeVar("T")


class MemoryTransaction(MemoryView):
    """Implements ports.store.Transaction, on tables of its own: dropping it undoes it."""

    def __init__(self, before: Tables) -> None:
        super().__init__(replace(before))
        self._owned: set[str] = set()
        self.changed = False

    @property
    def tables(self) -> Tables:
        """As they are after it."""
        return self._tables

    def _own(self, *names: str) -> Tables:
        """The tables, those of these names copied first if they are still shared with snapshots."""
        self.changed = True
        for name in names:
            if name not in self._owned:
                setattr(self._tables, name, getattr(self._tables, name).copy())
                self._owned.add(name)
        return self._tables

    def _next(self) -> int:
        self._tables.revision += 1
        return self._tables.revision

    def set_meta(self, key: str, value: str) -> None:
        self._own("meta").meta[key] = value

    # ------------------------------------------------------------------ jobs

    def add_job(self, job: Job, environment: Mapping[str, str]) -> None:
        if job.id in self._tables.jobs:
            raise StoreConflict(f"there is a job {job.id} already")
        tables = self._own("jobs", "environments")
        tables.jobs[job.id] = replace(job, revision=self._next())
        tables.environments[job.id] = dict(environment)

    def put_job(self, job: Job) -> None:
        if job.id not in self._tables.jobs:
            raise StoreConflict(f"there is no job {job.id} to replace")
        self._own("jobs").jobs[job.id] = replace(job, revision=self._next())

    def remember_key(self, owner: str, key: str, digest: str, job: str, now: float) -> None:
        if (owner, key) in self._tables.keys:
            raise StoreConflict(f"{owner} has used the Idempotency-Key {key!r} already")
        self._own("keys").keys[owner, key] = Key(digest=digest, job=job, at=now)

    def forget_keys(self, before: float) -> int:
        old = [name for name, key in self._tables.keys.items() if key.at < before]
        if old:
            tables = self._own("keys")
            for name in old:
                del tables.keys[name]
        return len(old)

    # ------------------------------------------------------------- documents

    def put_document(self, kind: str, key: str, data: Mapping[str, Any]) -> None:
        self._put_document(kind, key, _as_json(data))

    def remove_document(self, kind: str, key: str) -> None:
        if self.document(kind, key) is not None:
            self._put_document(kind, key, None)

    def forget_documents(self, before: int) -> int:
        kept = self._tables.documents
        gone = [name for name, one in kept.items() if one.data is None and one.revision < before]
        if gone:
            documents = self._own("documents").documents
            for name in gone:
                del documents[name]
        return len(gone)

    def _put_document(self, kind: str, key: str, data: Mapping[str, Any] | None) -> None:
        documents = self._own("documents").documents
        documents[kind, key] = Document(kind=kind, key=key, data=data, revision=self._next())

    # ---------------------------------------------------------------- leases

    def take_lease(self, lease: JobLease) -> None:
        if lease.token in self._tables.leases:
            raise StoreConflict(f"there is a lease {lease.token} already")
        check_milli(lease)
        seen: set[str] = set()
        for gpu in lease.gpus:
            holder = lease.token if gpu in seen else self._tables.holders.get((lease.node, gpu), "")
            taken = WHOLE if holder else self._tables.shares.get((lease.node, gpu), 0)
            check_room(lease, gpu, taken, holder)
            seen.add(gpu)
        self._own("leases").leases[lease.token] = lease
        places = [(lease.node, gpu) for gpu in lease.gpus]
        if lease.milli == WHOLE:
            self._own("holders").holders.update(dict.fromkeys(places, lease.token))
        else:
            shares = self._own("shares").shares
            shares.update((place, shares.get(place, 0) + lease.milli) for place in places)

    def free_lease(self, token: str) -> None:
        if token not in self._tables.leases:
            return
        lease = self._own("leases").leases.pop(token)
        for gpu in lease.gpus:
            if lease.milli == WHOLE:
                del self._own("holders").holders[lease.node, gpu]
            else:
                self._own("shares").shares[lease.node, gpu] -= lease.milli

    def beat(self, nodes: Mapping[str, float], leases: Sequence[str]) -> None:
        changed = self.changed  # a beat is no change that anybody is told of
        tables = self._own("node_beats", "leases")
        self.changed = changed
        for id, heard_at in nodes.items():
            if beat := tables.node_beats.get(id):
                tables.node_beats[id] = NodeBeat(count=beat.count + 1, heard_at=heard_at)
        for token in leases:
            if lease := tables.leases.get(token):
                tables.leases[token] = replace(lease, renewals=lease.renewals + 1)

    # ----------------------------------------------------------------- nodes

    def put_node(self, node: Node) -> None:
        other = self.node_named(node.name)
        if other is not None and other.id != node.id:
            raise StoreConflict(f"there is a node {node.name} already: {other.id}")
        tables = self._own("nodes", "node_beats", "removed")
        tables.nodes[node.id] = replace(node, revision=self._next())
        tables.node_beats.setdefault(node.id, NodeBeat())
        tables.removed.pop(node.id, None)

    def remove_node(self, id: str) -> None:
        if id in self._tables.nodes:
            tables = self._own("nodes", "node_beats", "removed", "workloads")
            del tables.nodes[id], tables.node_beats[id]
            tables.workloads.pop(id, None)
            tables.removed[id] = self._next()

    def put_workloads(self, node: str, workloads: Sequence[NodeWorkload]) -> None:
        if len({workload.id for workload in workloads}) < len(workloads):
            raise StoreConflict(f"two workloads of node {node} have the same id")
        kept = tuple(replace(each, node=node, data=_as_json(each.data)) for each in workloads)
        self._own("workloads").workloads[node] = kept

    # ---------------------------------------------------------------- events

    def add_event(self, event: NewEvent) -> None:
        tables = self._own()
        del tables.events[tables.event_count :]  # what a work that was dropped left there
        tables.event_count += 1
        tables.events.append(
            StoredEvent(
                id=self._next(),
                time=event.time,
                type=event.type,
                source=event.source,
                subject=event.subject,
                data=_as_json(event.data),
                owner=event.owner,
                tenant=event.tenant,
            )
        )

    def forget_events(self, before: float) -> int:
        tables = self._tables
        seen = tables.events[: tables.event_count]
        kept = [event for event in seen if event.time >= before]
        if len(kept) < len(seen):
            self._own()
            tables.events, tables.event_count = kept, len(kept)
        return len(seen) - len(kept)

    # ---------------------------------------------------------------- people

    def put_user(self, user: User) -> None:
        self._own("users").users[user.name] = user

    def remove_user(self, name: str) -> None:
        if name in self._tables.users:
            del self._own("users").users[name]

    def put_token(self, token: Token) -> None:
        other = self.token_by_hash(token.secret_sha256)
        if other is not None and other.id != token.id:
            raise StoreConflict(f"token {other.id} has the same secret")
        self._own("tokens").tokens[token.id] = token

    def remove_tokens(self, before: float) -> int:
        old = [
            id
            for id, token in self._tables.tokens.items()
            if any(at is not None and at < before for at in (token.expires_at, token.revoked_at))
        ]
        if old:
            tables = self._own("tokens")
            for id in old:
                del tables.tokens[id]
        return len(old)


def _as_json(data: Mapping[str, Any]) -> dict[str, Any]:
    """As a database would give it back: what is no JSON fails here too."""
    return json.loads(json.dumps(dict(data)))


class MemoryStore:
    """Implements ports.store.Store."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._listeners = Listeners()
        self._writer = Writer("store", self._commit)

    @contextmanager
    def read(self) -> Generator[Reader]:
        yield MemoryView(self._tables)

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self._writer.write(work)

    def submit(self, work: Callable[[Transaction], T]) -> "Future[T]":
        return self._writer.submit(work)

    def on_commit(self, told: Callable[[], None]) -> None:
        self._listeners.add(told)

    def backup(self, path: str) -> None:
        raise UsageError(f"a store in memory cannot be copied to {path}: it is for trials and tests")

    def close(self) -> None:
        self._writer.close()

    def _commit(self, batch: Sequence[Submission]) -> None:
        """All of them, then the news, then the answers: whoever has an answer knows that the news is out."""
        changed = False
        tables = self._tables
        failures: dict[int, BaseException] = {}
        for number, submission in enumerate(batch):
            transaction = MemoryTransaction(tables)
            try:
                submission.result = submission.work(transaction)
            except BaseException as error:  # noqa: BLE001 - it is the caller's, whatever it is
                failures[number] = error
            else:
                tables = transaction.tables
                changed = changed or transaction.changed
        self._tables = tables
        if changed:
            self._listeners.tell()
        for number, submission in enumerate(batch):
            if number in failures:
                submission.future.set_exception(failures[number])
            else:
                submission.future.set_result(submission.result)
