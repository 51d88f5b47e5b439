"""Reads of one view of the database. Made by the store for `read`, and what a transaction builds upon."""

from collections.abc import Mapping, Sequence
from operator import attrgetter

from sentinel.core.identity import Token, User
from sentinel.core.job import Job, JobState
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Node
from sentinel.drivers.stores.cursor import cursor_of, place_of
from sentinel.drivers.stores.sql.job_rows import job_from, waits_of
from sentinel.drivers.stores.sql.rows import (
    document_from,
    event_from,
    from_json,
    lease_from,
    node_from,
    token_from,
    user_from,
    workload_from,
)
from sentinel.drivers.stores.sql.statements import Statements
from sentinel.drivers.stores.sql.wire import Statement, Values, Wire
from sentinel.ports.store import Beats, Changes, Document, JobFilter, NodeWorkload, Page, StoredEvent


class SqlReader:
    """Implements ports.store.Reader on a wire whose transaction somebody else begins and ends."""

    def __init__(self, wire: Wire, statements: Statements) -> None:
        self._wire = wire
        self._sql = statements

    def revision(self) -> int:
        return self._wire.rows(self._sql.revision)[0][0]

    def meta(self, key: str) -> str | None:
        found = self._wire.rows(self._sql.meta, {"key": key})
        return found[0][0] if found else None

    # ------------------------------------------------------------------ jobs

    def job(self, id: str) -> Job | None:
        found = self._wire.rows(self._sql.job, {"id": id})
        return job_from(found[0]) if found else None

    def jobs(self, ids: Sequence[str]) -> dict[str, Job]:
        if not ids:
            return {}
        rows = self._wire.rows(self._sql.jobs, {"ids": self._wire.language.words(ids)})
        found = {job.id: job for job in map(job_from, rows)}
        return {id: found[id] for id in ids if id in found}

    def environment(self, id: str) -> Mapping[str, str]:
        found = self._wire.rows(self._sql.environment, {"id": id})
        return from_json(found[0][0]) if found else {}

    def environments(self, ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
        found: dict[str, Mapping[str, str]] = {id: {} for id in ids}
        if ids:
            rows = self._wire.rows(self._sql.environments, {"ids": self._wire.language.words(ids)})
            found.update((job, from_json(variables)) for job, variables in rows)
        return found

    def find_jobs(self, wanted: JobFilter, page: Page) -> tuple[Sequence[Job], str | None]:
        values = self._sql.filter_values(wanted)
        values["limit"] = page.limit + 1
        if page.after is not None:
            values["at"], values["after"] = place_of(page.after)
        found = [job_from(row) for row in self._wire.rows(self._sql.find_jobs(wanted, page), values)]
        shown = found[: page.limit]
        return shown, cursor_of(shown[-1]) if shown and len(found) > len(shown) else None

    def count_jobs(self, wanted: JobFilter) -> Mapping[JobState, int]:
        rows = self._wire.rows(self._sql.count_jobs(wanted), self._sql.filter_values(wanted))
        return {JobState(state): count for state, count in rows}

    def waiting_for(self, job: str) -> Sequence[Job]:
        found = self.jobs(sorted(self._waiters(job))).values()
        waiting = [each for each in found if job in waits_of(each)]
        return sorted(waiting, key=attrgetter("submitted_at", "id"))

    def _waiters(self, job: str) -> set[str]:
        return {id for (id,) in self._wire.rows(self._sql.waiters, {"id": job})}

    def document(self, kind: str, key: str) -> Document | None:
        found = self._wire.rows(self._sql.document, {"kind": kind, "key": key})
        document = document_from(found[0]) if found else None
        return None if document is None or document.data is None else document

    def documents(self, kind: str) -> Sequence[Document]:
        found = [document_from(row) for row in self._wire.rows(self._sql.documents, {"kind": kind})]
        return sorted((each for each in found if each.data is not None), key=attrgetter("key"))

    def idempotent(self, owner: str, key: str) -> tuple[str, str] | None:
        found = self._wire.rows(self._sql.key, {"owner": owner, "key": key})
        return (found[0][0], found[0][1]) if found else None

    def leases(self, *, node: str | None = None) -> Sequence[JobLease]:
        if node is None:
            return [lease_from(row) for row in self._wire.rows(self._sql.leases)]
        return [lease_from(row) for row in self._wire.rows(self._sql.leases_of_node, {"node": node})]

    def beats(self) -> Beats:
        return Beats(
            nodes=dict(self._wire.rows(self._sql.node_counts)),
            leases=dict(self._wire.rows(self._sql.lease_counts)),
        )

    def changes(self, since: int, *, live_only: bool = False) -> Changes:
        revision = self.revision()
        if revision <= since:
            return Changes(revision=revision)
        sql = self._sql
        changed = sql.changed_live_jobs if live_only else sql.changed_jobs
        asked = (changed, sql.changed_nodes, sql.removed_since, sql.changed_documents)
        jobs, nodes, removed, found = self._wire.each(asked, {"since": since})
        documents = map(document_from, found)
        return Changes(
            revision=revision,
            jobs=tuple(map(job_from, jobs)),
            nodes=tuple(map(node_from, nodes)),
            removed_nodes=tuple(id for (id,) in removed),
            documents=tuple(each for each in documents if since or each.data is not None),
        )

    # ------------------------------------------------- nodes and what runs there

    def node(self, id: str) -> Node | None:
        return self._node(self._sql.node, {"id": id})

    def node_named(self, name: str) -> Node | None:
        return self._node(self._sql.node_named, {"name": name})

    def nodes(self) -> Sequence[Node]:
        return [node_from(row) for row in self._wire.rows(self._sql.nodes)]

    def _node(self, statement: Statement, values: Values) -> Node | None:
        found = self._wire.rows(statement, values)
        return node_from(found[0]) if found else None

    def workloads(
        self, *, node: str | None = None, tenant: str | None = None, owner: str | None = None
    ) -> Sequence[NodeWorkload]:
        wanted = {"node": node, "tenant": tenant, "owner": owner}
        values = {name: value for name, value in wanted.items() if value is not None}
        statement = self._sql.workloads(
            node="node" in values, tenant="tenant" in values, owner="owner" in values
        )
        return [workload_from(row) for row in self._wire.rows(statement, values)]

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
        wanted = {"after": after, "limit": limit, "tenant": tenant, "subject": subject}
        values = {name: value for name, value in wanted.items() if value is not None}
        if types:
            values["types"] = self._wire.language.words(types)
        statement = self._sql.events(
            tenant=tenant is not None, subject=subject is not None, types=bool(types), newest=newest
        )
        found = [event_from(row) for row in self._wire.rows(statement, values)]
        return found[::-1] if newest else found

    # ---------------------------------------------------------------- people

    def user(self, name: str) -> User | None:
        found = self._wire.rows(self._sql.user, {"name": name})
        return user_from(found[0]) if found else None

    def users(self) -> Sequence[User]:
        return [user_from(row) for row in self._wire.rows(self._sql.users)]

    def token(self, id: str) -> Token | None:
        return self._token(self._sql.token, {"id": id})

    def token_by_hash(self, secret_sha256: str) -> Token | None:
        return self._token(self._sql.token_by_hash, {"secret": secret_sha256})

    def tokens(self, *, owner: str | None = None) -> Sequence[Token]:
        if owner is None:
            return [token_from(row) for row in self._wire.rows(self._sql.tokens)]
        return [token_from(row) for row in self._wire.rows(self._sql.tokens_of, {"owner": owner})]

    def _token(self, statement: Statement, values: Values) -> Token | None:
        found = self._wire.rows(statement, values)
        return token_from(found[0]) if found else None
