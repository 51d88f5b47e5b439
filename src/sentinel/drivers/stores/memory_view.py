"""What the store in memory keeps, and how it is read. Called by the store in `memory` alone.

A snapshot is the tables as they were: whoever writes replaces a table instead of changing it, but for the
list of events, which only grows and of which a snapshot knows how many it sees.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from sentinel.core.identity import Token, User
from sentinel.core.job import Job, JobState
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Node
from sentinel.drivers.stores.cursor import cursor_of, place_of
from sentinel.ports.store import Beats, Changes, Document, JobFilter, NodeWorkload, Page, StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An Idempotency-Key that was used."""

    digest: str
    job: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeBeat:
    """How often a node was heard of, and when last (epoch)."""

    count: int = 0
    heard_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Tables:
    """All that is kept. `removed`: revision of the removal by node's id. `holders` are those of whole GPUs,
    `shares` how much of the others is taken; both by node and GPU."""

    revision: int = 0
    meta: dict[str, str] = field(default_factory=dict[str, str])
    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    environments: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    keys: dict[tuple[str, str], Key] = field(default_factory=dict[tuple[str, str], Key])
    leases: dict[str, JobLease] = field(default_factory=dict[str, JobLease])
    holders: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    shares: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    documents: dict[tuple[str, str], Document] = field(default_factory=dict[tuple[str, str], Document])
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    node_beats: dict[str, NodeBeat] = field(default_factory=dict[str, NodeBeat])
    removed: dict[str, int] = field(default_factory=dict[str, int])
    workloads: dict[str, tuple[NodeWorkload, ...]] = field(
        default_factory=dict[str, tuple[NodeWorkload, ...]]
    )
    users: dict[str, User] = field(default_factory=dict[str, User])
    tokens: dict[str, Token] = field(default_factory=dict[str, Token])
    events: list[StoredEvent] = field(default_factory=list[StoredEvent])
    event_count: int = 0


def matches(job: Job, wanted: JobFilter) -> bool:
    """Whether `wanted` has this job."""
    return (
        (wanted.tenant is None or job.tenant == wanted.tenant)
        and (wanted.owner is None or job.owner == wanted.owner)
        and (not wanted.states or job.state in wanted.states)
        and (wanted.node is None or _names(job.node, wanted.node))
        and (wanted.name is None or job.spec.name == wanted.name)
        and (wanted.id_prefix is None or job.id.startswith(wanted.id_prefix))
        and (wanted.array is None or (job.array is not None and job.array.id == wanted.array))
        and (job.part and job.part.of) == wanted.part_of
    )


def _names(nodes: str | None, wanted: str) -> bool:
    """Whether `wanted` is one of those that are in `nodes` with commas in between."""
    return nodes is not None and f",{wanted}," in f",{nodes},"


class MemoryView:
    """Implements ports.store.Reader."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def revision(self) -> int:
        return self._tables.revision

    def meta(self, key: str) -> str | None:
        return self._tables.meta.get(key)

    # ------------------------------------------------------------------ jobs

    def job(self, id: str) -> Job | None:
        return self._tables.jobs.get(id)

    def jobs(self, ids: Sequence[str]) -> dict[str, Job]:
        jobs = self._tables.jobs
        return {id: jobs[id] for id in ids if id in jobs}

    def environment(self, id: str) -> Mapping[str, str]:
        return dict(self._tables.environments.get(id, {}))

    def environments(self, ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
        return {id: self.environment(id) for id in ids}

    def find_jobs(self, wanted: JobFilter, page: Page) -> tuple[Sequence[Job], str | None]:
        found = [job for job in self._tables.jobs.values() if matches(job, wanted)]
        found.sort(key=attrgetter("submitted_at", "id"), reverse=not wanted.oldest_first)
        if page.after is not None:
            place = place_of(page.after)
            found = [
                job
                for job in found
                if (at := (job.submitted_at, job.id)) != place and (at > place) == wanted.oldest_first
            ]
        shown = found[: page.limit]
        return shown, cursor_of(shown[-1]) if shown and len(found) > len(shown) else None

    def count_jobs(self, wanted: JobFilter) -> Mapping[JobState, int]:
        counts: dict[JobState, int] = {}
        for job in self._tables.jobs.values():
            if matches(job, wanted):
                counts[job.state] = counts.get(job.state, 0) + 1
        return counts

    def waiting_for(self, job: str) -> Sequence[Job]:
        found = [
            each
            for each in self._tables.jobs.values()
            if each.after and each.state is JobState.QUEUED and any(after.job == job for after in each.after)
        ]
        return sorted(found, key=attrgetter("submitted_at", "id"))

    def document(self, kind: str, key: str) -> Document | None:
        found = self._tables.documents.get((kind, key))
        return None if found is None or found.data is None else found

    def documents(self, kind: str) -> Sequence[Document]:
        found = [
            each for each in self._tables.documents.values() if each.kind == kind and each.data is not None
        ]
        return sorted(found, key=attrgetter("key"))

    def idempotent(self, owner: str, key: str) -> tuple[str, str] | None:
        found = self._tables.keys.get((owner, key))
        return None if found is None else (found.digest, found.job)

    def leases(self, *, node: str | None = None) -> Sequence[JobLease]:
        found = [lease for lease in self._tables.leases.values() if node is None or lease.node == node]
        return sorted(found, key=attrgetter("taken_at", "token"))

    def beats(self) -> Beats:
        return Beats(
            nodes={id: beat.count for id, beat in self._tables.node_beats.items()},
            leases={token: lease.renewals for token, lease in self._tables.leases.items()},
        )

    def changes(self, since: int, *, live_only: bool = False) -> Changes:
        jobs = [
            job
            for job in self._tables.jobs.values()
            if job.revision > since and not (live_only and job.state.ended)
        ]
        nodes = [self._seen(node) for node in self._tables.nodes.values() if node.revision > since]
        documents = [
            each
            for each in self._tables.documents.values()
            if each.revision > since and (since or each.data is not None)
        ]
        return Changes(
            revision=self._tables.revision,
            jobs=tuple(sorted(jobs, key=attrgetter("revision"))),
            nodes=tuple(sorted(nodes, key=attrgetter("revision"))),
            removed_nodes=tuple(id for id, at in self._tables.removed.items() if at > since),
            documents=tuple(sorted(documents, key=attrgetter("revision"))),
        )

    # ------------------------------------------------- nodes and what runs there

    def node(self, id: str) -> Node | None:
        found = self._tables.nodes.get(id)
        return None if found is None else self._seen(found)

    def node_named(self, name: str) -> Node | None:
        return next((self._seen(node) for node in self._tables.nodes.values() if node.name == name), None)

    def nodes(self) -> Sequence[Node]:
        return sorted(map(self._seen, self._tables.nodes.values()), key=attrgetter("name"))

    def _seen(self, node: Node) -> Node:
        """`node`, last seen when it last beat, if that is later than what was put."""
        heard_at = self._tables.node_beats[node.id].heard_at
        if heard_at is None or (node.last_seen_at is not None and node.last_seen_at >= heard_at):
            return node
        return replace(node, last_seen_at=heard_at)

    def workloads(
        self, *, node: str | None = None, tenant: str | None = None, owner: str | None = None
    ) -> Sequence[NodeWorkload]:
        found = [
            workload
            for of_a_node in self._tables.workloads.values()
            for workload in of_a_node
            if (node is None or workload.node == node)
            and (tenant is None or workload.tenant == tenant)
            and (owner is None or workload.owner == owner)
        ]
        return sorted(found, key=attrgetter("node", "id"))

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
        found: list[StoredEvent] = []
        for event in self._events(newest):
            if len(found) >= limit or (newest and event.id <= after):
                break
            if (
                event.id > after
                and (tenant is None or event.tenant == tenant)
                and (subject is None or event.subject == subject)
                and (not types or event.type in types)
            ):
                found.append(event)
        return found[::-1] if newest else found

    def _events(self, backwards: bool) -> Iterator[StoredEvent]:
        events = self._tables.events
        numbers = range(self._tables.event_count)
        for number in reversed(numbers) if backwards else numbers:
            yield events[number]

    # ---------------------------------------------------------------- people

    def user(self, name: str) -> User | None:
        return self._tables.users.get(name)

    def users(self) -> Sequence[User]:
        return sorted(self._tables.users.values(), key=attrgetter("name"))

    def token(self, id: str) -> Token | None:
        return self._tables.tokens.get(id)

    def token_by_hash(self, secret_sha256: str) -> Token | None:
        found = self._tables.tokens.values()
        return next((token for token in found if token.secret_sha256 == secret_sha256), None)

    def tokens(self, *, owner: str | None = None) -> Sequence[Token]:
        found = [token for token in self._tables.tokens.values() if owner is None or token.owner == owner]
        return sorted(found, key=attrgetter("created_at", "id"))
