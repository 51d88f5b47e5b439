"""What we need of whatever keeps the queue. Drivers: sql (SQLite, PostgreSQL), memory (for tests and trials).

One suite, tests/contracts/test_store.py, runs against all of them. Every method may block for as long as the
disk or the database takes; a store is used by any number of threads. All of it raises StoreUnavailable when
the database cannot be reached, is full or is locked for too long: nothing of that transaction is kept then.

Every change to a job or a node gets a new *revision*: a number of the whole store, which only grows, in the
order of the commits: whoever has seen revision R and asks for what changed since R misses nothing. An event
has a revision as its id, and is written by the transaction that makes it true.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sentinel.core.identity import Token, User
from sentinel.core.job import Job, JobState
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Node

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """`id` is its revision; `time` epoch seconds; `subject` the id of the job, node, user, … it is about."""

    id: int
    time: float
    type: str
    source: str  # "/controller", "/nodes/NAME"
    subject: str
    data: Mapping[str, Any]
    owner: str | None = None
    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event that a transaction adds; the store gives it its id."""

    time: float
    type: str
    subject: str
    data: Mapping[str, Any]
    source: str = "/controller"
    owner: str | None = None
    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWorkload:
    """A workload that a node's agent sees, as JSON (core.workload_json). `owner` is its Unix user there."""

    node: str
    id: str
    tenant: str
    owner: str | None
    origin: str
    state: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """What jobs are wanted; None and () mean any. Newest first, unless `oldest_first`. The parts of gangs are
    not among them, unless asked for."""

    tenant: str | None = None
    owner: str | None = None
    states: tuple[JobState, ...] = ()
    node: str | None = None  # the name, or one of a gang's
    name: str | None = None
    id_prefix: str | None = None
    array: str | None = None  # the id of an array
    part_of: str | None = None  # the id of a gang; its parts are found by this alone
    oldest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Part of a list. `after` is the `cursor` of the part before; opaque to everybody but the store."""

    limit: int = 100
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A small noun that is kept whole: an account, a reservation. `data` is JSON; None: it was removed."""

    kind: str
    key: str
    data: Mapping[str, Any] | None
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is new since a revision: jobs, nodes and documents as they are now, each once; ids of removed
    nodes. With `since` 0, no document that was removed."""

    revision: int
    jobs: tuple[Job, ...] = ()
    nodes: tuple[Node, ...] = ()
    removed_nodes: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """How often a node and the leases on it were heard of. Whoever watches notes when a count last moved."""

    nodes: Mapping[str, int]
    leases: Mapping[str, int]


class Reader(Protocol):
    """Reads of one consistent view. Within a transaction they see what it has written itself."""

    def revision(self) -> int:
        """The revision of the newest change; 0 in a new store."""
        ...

    def meta(self, key: str) -> str | None:
        """A setting of the store's own: "store_id", "restored_at", …"""
        ...

    # jobs

    def job(self, id: str) -> Job | None: ...

    def jobs(self, ids: Sequence[str]) -> dict[str, Job]:
        """Those of them that there are, in one query."""
        ...

    def environment(self, id: str) -> Mapping[str, str]:
        """The environment that the job was submitted with; empty when there is no such job."""
        ...

    def environments(self, ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """The same for many, in one query."""
        ...

    def find_jobs(self, wanted: JobFilter, page: Page) -> tuple[Sequence[Job], str | None]:
        """A page of them, and the cursor of the next one; None at the end."""
        ...

    def count_jobs(self, wanted: JobFilter) -> Mapping[JobState, int]:
        """How many in each state."""
        ...

    def waiting_for(self, job: str) -> Sequence[Job]:
        """The queued jobs whose `after` names it."""
        ...

    def document(self, kind: str, key: str) -> Document | None:
        """None when there is none, or it was removed."""
        ...

    def documents(self, kind: str) -> Sequence[Document]:
        """All of a kind that there are, by key."""
        ...

    def idempotent(self, owner: str, key: str) -> tuple[str, str] | None:
        """(digest of the request, id of the job) that this key was used for by this user."""
        ...

    def leases(self, *, node: str | None = None) -> Sequence[JobLease]: ...

    def beats(self) -> Beats: ...

    def changes(self, since: int, *, live_only: bool = False) -> Changes:
        """What has a newer revision. `live_only`, for a first look: without ended jobs."""
        ...

    # nodes and what runs on them

    def node(self, id: str) -> Node | None: ...

    def node_named(self, name: str) -> Node | None: ...

    def nodes(self) -> Sequence[Node]:
        """All, by name."""
        ...

    def workloads(
        self, *, node: str | None = None, tenant: str | None = None, owner: str | None = None
    ) -> Sequence[NodeWorkload]: ...

    # events

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
        """At most `limit` with a greater id, oldest first. `newest`: the last `limit` of them instead."""
        ...

    # people

    def user(self, name: str) -> User | None: ...

    def users(self) -> Sequence[User]: ...

    def token(self, id: str) -> Token | None: ...

    def token_by_hash(self, secret_sha256: str) -> Token | None: ...

    def tokens(self, *, owner: str | None = None) -> Sequence[Token]: ...


class Transaction(Reader, Protocol):
    """A unit of work. What is written is kept whole or not at all, and is durable once `write` returned."""

    def set_meta(self, key: str, value: str) -> None: ...

    def add_job(self, job: Job, environment: Mapping[str, str]) -> None:
        """A new one. StoreConflict when its id is taken."""
        ...

    def put_job(self, job: Job) -> None:
        """Replaces it; the store gives it a new revision."""
        ...

    def put_document(self, kind: str, key: str, data: Mapping[str, Any]) -> None:
        """Adds or replaces it, with a new revision."""
        ...

    def remove_document(self, kind: str, key: str) -> None:
        """Idempotent. Who asks for changes is told that it is gone."""
        ...

    def forget_documents(self, before: int) -> int:
        """Drops what is left of documents that were removed before that revision; how many. Who follows the
        changes has to have passed it."""
        ...

    def remember_key(self, owner: str, key: str, digest: str, job: str, now: float) -> None:
        """That this Idempotency-Key made this job. StoreConflict when the key is taken."""
        ...

    def forget_keys(self, before: float) -> int:
        """Drops keys older than that (epoch); how many."""
        ...

    def take_lease(self, lease: JobLease) -> None:
        """StoreConflict when one of its GPUs is in another lease, or the shares of one would be more than the
        whole of it: the database itself refuses that."""
        ...

    def free_lease(self, token: str) -> None:
        """Idempotent."""
        ...

    def beat(self, nodes: Mapping[str, float], leases: Sequence[str]) -> None:
        """One more for each: nodes by id with when they were heard of (epoch), leases by token.

        Makes no revision."""
        ...

    def put_node(self, node: Node) -> None:
        """Adds or replaces it, with a new revision. StoreConflict when another has its name."""
        ...

    def remove_node(self, id: str) -> None:
        """With its workloads. Idempotent."""
        ...

    def put_workloads(self, node: str, workloads: Sequence[NodeWorkload]) -> None:
        """Replaces all of that node's."""
        ...

    def add_event(self, event: NewEvent) -> None: ...

    def forget_events(self, before: float) -> int:
        """Drops events older than that (epoch); how many."""
        ...

    def put_user(self, user: User) -> None:
        """Adds or replaces."""
        ...

    def remove_user(self, name: str) -> None: ...

    def put_token(self, token: Token) -> None:
        """Adds or replaces."""
        ...

    def remove_tokens(self, before: float) -> int:
        """Drops tokens that ended or were revoked before that (epoch); how many."""
        ...


class Store(Protocol):
    """Where the queue is kept."""

    def read(self) -> AbstractContextManager[Reader]:
        """A view for reading. Never waits for a writer."""
        ...

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` in a transaction; its result, once that is durable.

        Works of several callers may share one commit. `work` runs on the store's own thread, one after
        another; it may be run again when the commit has to be tried again, so it changes nothing but the
        transaction. What it raises comes out here, and nothing that it wrote is kept: the others' is.
        """
        ...

    def submit(self, work: Callable[[Transaction], T]) -> "Future[T]":
        """`write` without waiting for it."""
        ...

    def on_commit(self, told: Callable[[], None]) -> None:
        """`told` is called from the store's thread after each commit of ours that changed something."""
        ...

    def backup(self, path: str) -> None:
        """A consistent copy into a new file, while others write. UsageError where there is no such thing."""
        ...

    def close(self) -> None:
        """Finishes what was submitted, and lets go. Idempotent."""
        ...
