"""Every statement of a store, compiled once for each kind of database. For its reader and its transaction.

Those that depend on a filter are built the first time that such a filter is used: their number is that of the
shapes of filters, not of their values.
"""

from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Double,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sentinel.drivers.stores.sql.schema import (
    IS_LIVE,
    NUMBER,
    counter,
    documents,
    environments,
    events,
    job_waits,
    jobs,
    lease_gpus,
    leases,
    meta,
    node_beats,
    nodes,
    removed_nodes,
    submit_keys,
    tokens,
    users,
    workloads,
)
from sentinel.drivers.stores.sql.wire import Language, Statement
from sentinel.ports.store import JobFilter, Page

OF_A_SUBMIT = ("id", "owner", "tenant", "name", "submitted_at", "spec", "array_id", "part_of")
TO_FIND_BY = ("name", "live", "array_id", "part_of")  # not read: they are in the other columns
A_JOB = tuple(column for column in jobs.c if column.name not in TO_FIND_BY)
OF_FEW = ("array_id", "part_of", "more")  # NULL in a plain job
MOVES = tuple(column.name for column in jobs.c if column.name not in OF_A_SUBMIT)


class Statements:
    """Those of one `language`."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._shaped: dict[tuple[object, ...], Statement] = {}
        make, among = language.compile, language.among
        one, since = select(literal_column("1", Integer)), bindparam("since", type_=NUMBER)

        # the store itself
        self.revision = make(select(counter.c.revision))
        self.set_revision = make(update(counter), ["revision"])
        self.meta = make(select(meta.c.value).where(meta.c.key == bindparam("key")))
        self.put_meta = self._upsert(meta)

        # jobs
        self.job = make(select(*A_JOB).where(jobs.c.id == bindparam("id")))
        self.jobs = make(select(*A_JOB).where(among(jobs.c.id, "ids")))
        self.job_exists = make(one.where(jobs.c.id == bindparam("id")))
        self.add_job = self._insert(jobs)
        self.add_plain_job = make(
            insert(jobs), [column.name for column in jobs.c if column.name not in OF_FEW]
        )
        self.move_job = make(update(jobs).where(jobs.c.id == bindparam("id")), MOVES)
        self.replace_job = make(update(jobs).where(jobs.c.id == bindparam("id")), [*OF_A_SUBMIT[1:], *MOVES])
        self.changed_jobs = make(select(*A_JOB).where(jobs.c.revision > since).order_by(jobs.c.revision))
        # The plus keeps planners from the index of revisions: few jobs live, and most revisions are old.
        unhelped = literal_column("+jobs.revision", NUMBER)
        self.changed_live_jobs = make(select(*A_JOB).where(IS_LIVE, unhelped > since).order_by(unhelped))
        self.waiters = make(select(job_waits.c.job).where(job_waits.c.waits_for == bindparam("id")))
        self.add_wait = self._upsert(job_waits)
        self.remove_wait = make(
            delete(job_waits).where(
                job_waits.c.waits_for == bindparam("waits_for"), job_waits.c.job == bindparam("job")
            )
        )
        self.environment = make(select(environments.c.variables).where(environments.c.job == bindparam("id")))
        self.environments = make(select(environments).where(among(environments.c.job, "ids")))
        self.add_environment = self._insert(environments)
        by_key = (submit_keys.c.owner == bindparam("owner"), submit_keys.c.key == bindparam("key"))
        self.key = make(select(submit_keys.c.digest, submit_keys.c.job).where(*by_key))
        self.add_key = self._insert(submit_keys)
        self.forget_keys = make(
            delete(submit_keys).where(submit_keys.c.used_at < bindparam("before", type_=Double))
        )

        # documents
        named = (documents.c.kind == bindparam("kind"), documents.c.key == bindparam("key"))
        self.document = make(select(documents).where(*named))
        self.documents = make(select(documents).where(documents.c.kind == bindparam("kind")))
        self.changed_documents = make(
            select(documents).where(documents.c.revision > since).order_by(documents.c.revision)
        )
        self.put_document = self._upsert(documents)

        # leases
        in_order = (leases.c.taken_at, leases.c.token)
        self.leases = make(select(leases).order_by(*in_order))
        self.leases_of_node = make(
            select(leases).where(leases.c.node == bindparam("node")).order_by(*in_order)
        )
        self.lease_exists = make(one.where(leases.c.token == bindparam("token")))
        self.add_lease = self._insert(leases)
        self.remove_lease = make(delete(leases).where(leases.c.token == bindparam("token")))
        self.holders = make(
            select(lease_gpus.c.gpu, lease_gpus.c.token, lease_gpus.c.milli).where(
                lease_gpus.c.node == bindparam("node")
            )
        )
        self.add_lease_gpu = make(insert(lease_gpus), ["node", "gpu", "token"])
        self.remove_lease_gpus = make(
            delete(lease_gpus).where(
                lease_gpus.c.token == bindparam("token"), lease_gpus.c.token != literal_column("''", Text)
            )
        )
        adding = self._dialect_insert(lease_gpus)
        self.add_share = make(
            adding.on_conflict_do_update(
                index_elements=["node", "gpu"],
                set_={"milli": lease_gpus.c.milli + adding.excluded.milli},
            ),
            ["node", "gpu", "token", "milli"],
        )
        self.shares_among = make(
            select(leases.c.node, leases.c.gpus, leases.c.milli).where(
                leases.c.milli < literal_column("1000", Integer), among(leases.c.token, "tokens")
            )
        )
        shared = (lease_gpus.c.node == bindparam("on"), lease_gpus.c.gpu == bindparam("of"))
        less = bindparam("less", type_=Integer)
        # Whichever is right: at nothing the row goes, since a whole lease could not come to it.
        self.remove_shared = make(delete(lease_gpus).where(*shared, lease_gpus.c.milli == less))
        self.lessen_shared = make(
            update(lease_gpus)
            .where(*shared, lease_gpus.c.milli > less)
            .values(milli=lease_gpus.c.milli - less)
        )
        self.node_counts = make(select(node_beats.c.node, node_beats.c.beats))
        self.lease_counts = make(select(leases.c.token, leases.c.renewals))
        more = bindparam("more", type_=NUMBER)
        self.renew_lease = make(
            update(leases)
            .where(leases.c.token == bindparam("lease"))
            .values(renewals=leases.c.renewals + more)
        )
        self.beat_node = make(
            update(node_beats)
            .where(node_beats.c.node == bindparam("id"))
            .values(beats=node_beats.c.beats + more, heard_at=bindparam("heard", type_=Double))
        )

        # nodes
        seen = select(nodes, node_beats.c.heard_at).outerjoin_from(
            nodes, node_beats, node_beats.c.node == nodes.c.id
        )
        self.node = make(seen.where(nodes.c.id == bindparam("id")))
        self.node_named = make(seen.where(nodes.c.name == bindparam("name")))
        self.nodes = make(seen.order_by(nodes.c.name))
        self.changed_nodes = make(seen.where(nodes.c.revision > since).order_by(nodes.c.revision))
        self.put_node = self._upsert(nodes)
        self.remove_node = make(delete(nodes).where(nodes.c.id == bindparam("id")))
        self.add_beats = make(self._dialect_insert(node_beats).on_conflict_do_nothing(), ["node", "beats"])
        self.remove_beats = make(delete(node_beats).where(node_beats.c.node == bindparam("id")))
        self.removed_since = make(
            select(removed_nodes.c.node)
            .where(removed_nodes.c.revision > since)
            .order_by(removed_nodes.c.revision)
        )
        self.add_removed = self._upsert(removed_nodes)
        self.forget_removed = make(delete(removed_nodes).where(removed_nodes.c.node == bindparam("id")))
        self.add_workload = self._insert(workloads)
        self.remove_workloads = make(delete(workloads).where(workloads.c.node == bindparam("id")))

        # events
        self.add_event = self._insert(events)
        gone = (documents.c.data.is_(None), documents.c.revision < bindparam("revision", type_=NUMBER))
        self.forget_documents = make(delete(documents).where(*gone))
        self.forget_events = make(delete(events).where(events.c.time < bindparam("before", type_=Double)))

        # people
        self.user = make(select(users).where(users.c.name == bindparam("name")))
        self.users = make(select(users).order_by(users.c.name))
        self.put_user = self._upsert(users)
        self.remove_user = make(delete(users).where(users.c.name == bindparam("name")))
        self.token = make(select(tokens).where(tokens.c.id == bindparam("id")))
        self.token_by_hash = make(select(tokens).where(tokens.c.secret_sha256 == bindparam("secret")))
        by_age = (tokens.c.created_at, tokens.c.id)
        self.tokens = make(select(tokens).order_by(*by_age))
        self.tokens_of = make(select(tokens).where(tokens.c.owner == bindparam("owner")).order_by(*by_age))
        self.put_token = self._upsert(tokens)
        before = bindparam("before", type_=Double)
        self.remove_tokens = make(
            delete(tokens).where(or_(tokens.c.expires_at < before, tokens.c.revoked_at < before))
        )

    # ---------------------------------------------------------------- shaped

    def find_jobs(self, wanted: JobFilter, page: Page) -> Statement:
        """Parameters: those of `filter_values`, and `at`, `after`, `limit`."""
        shape = ("find", *_shape(wanted), wanted.oldest_first, page.after is not None)
        found = self._shaped.get(shape)
        if found is None:
            found = self._shaped[shape] = self._language.compile(self._find_jobs(wanted, page))
        return found

    def count_jobs(self, wanted: JobFilter) -> Statement:
        """Parameters: those of `filter_values`."""
        shape = ("count", *_shape(wanted))
        found = self._shaped.get(shape)
        if found is None:
            counted = select(jobs.c.state, func.count()).where(*self._wanted(wanted)).group_by(jobs.c.state)
            found = self._shaped[shape] = self._language.compile(counted)
        return found

    def filter_values(self, wanted: JobFilter) -> dict[str, Any]:
        """The parameters of a filter; those that it does not have are left out."""
        values = {
            "tenant": wanted.tenant,
            "owner": wanted.owner,
            "node": wanted.node,
            "name": wanted.name,
            "array": wanted.array,
            "gang": wanted.part_of,
            "prefix": wanted.id_prefix or None,
            "behind": _behind(wanted.id_prefix) if wanted.id_prefix else None,
            "states": self._language.words([state.value for state in wanted.states])
            if wanted.states
            else None,
        }
        return {name: value for name, value in values.items() if value is not None}

    def workloads(self, *, node: bool, tenant: bool, owner: bool) -> Statement:
        """Parameters: those that are true."""
        shape = ("workloads", node, tenant, owner)
        found = self._shaped.get(shape)
        if found is None:
            columns = (("node", node), ("tenant", tenant), ("owner", owner))
            named = [workloads.c[name] == bindparam(name) for name, wanted in columns if wanted]
            query = select(workloads).where(*named).order_by(workloads.c.node, workloads.c.id)
            found = self._shaped[shape] = self._language.compile(query)
        return found

    def events(self, *, tenant: bool, subject: bool, types: bool, newest: bool) -> Statement:
        """Parameters: `after`, `limit` and those that are true. `newest` first, if so asked."""
        shape = ("events", tenant, subject, types, newest)
        found = self._shaped.get(shape)
        if found is None:
            where: list[ColumnElement[bool]] = [events.c.id > bindparam("after", type_=NUMBER)]
            if tenant:
                where.append(events.c.tenant == bindparam("tenant"))
            if subject:
                where.append(events.c.subject == bindparam("subject"))
            if types:
                where.append(self._language.among(events.c.type, "types"))
            order = events.c.id.desc() if newest else events.c.id
            query = select(events).where(*where).order_by(order).limit(bindparam("limit", type_=NUMBER))
            found = self._shaped[shape] = self._language.compile(query)
        return found

    def _find_jobs(self, wanted: JobFilter, page: Page) -> Select[Any]:
        where = self._wanted(wanted)
        place = tuple_(jobs.c.submitted_at, jobs.c.id)
        if page.after is not None:
            after = tuple_(bindparam("at", type_=Double), bindparam("after", type_=Text))
            where.append(place > after if wanted.oldest_first else place < after)
        order = (jobs.c.submitted_at, jobs.c.id)
        by = order if wanted.oldest_first else tuple(column.desc() for column in order)
        return select(*A_JOB).where(*where).order_by(*by).limit(bindparam("limit", type_=NUMBER))

    def _wanted(self, wanted: JobFilter) -> list[ColumnElement[bool]]:
        where: list[ColumnElement[bool]] = [
            jobs.c[column] == bindparam(column)
            for column in ("tenant", "owner", "name")
            if getattr(wanted, column) is not None
        ]
        if wanted.node is not None:
            where.append(self._names(jobs.c.node, bindparam("node", type_=Text)))
        if wanted.array is not None:
            where.append(jobs.c.array_id == bindparam("array"))
        gang = jobs.c.part_of
        where.append(gang.is_(None) if wanted.part_of is None else gang == bindparam("gang"))
        if wanted.id_prefix:
            where += [jobs.c.id >= bindparam("prefix"), jobs.c.id < bindparam("behind")]
        if wanted.states:
            where.append(self._language.among(jobs.c.state, "states"))
            if not any(state.ended for state in wanted.states):
                where.append(IS_LIVE)  # it has an index of its own
        return where

    def _names(self, column: Column[str], word: ColumnElement[str]) -> ColumnElement[bool]:
        """Whether `word` is one of those that are in the column with commas in between."""
        comma = literal_column("','", Text)
        find = func.instr if self._language.name == "sqlite" else func.strpos
        return find(comma + column + comma, comma + word + comma) > literal_column("0", Integer)

    # --------------------------------------------------------------- writing

    def _insert(self, table: Table) -> Statement:
        return self._language.compile(insert(table), [column.name for column in table.c])

    def _dialect_insert(self, table: Table) -> "sqlite.Insert | postgresql.Insert":
        return sqlite.insert(table) if self._language.name == "sqlite" else postgresql.insert(table)

    def _upsert(self, table: Table) -> Statement:
        adding = self._dialect_insert(table)
        keys = [column.name for column in table.primary_key]
        others = {column.name: adding.excluded[column.name] for column in table.c if column.name not in keys}
        replacing = (
            adding.on_conflict_do_update(index_elements=keys, set_=others)
            if others
            else adding.on_conflict_do_nothing()
        )
        return self._language.compile(replacing, [column.name for column in table.c])


def _shape(wanted: JobFilter) -> tuple[object, ...]:
    return (
        wanted.tenant is not None,
        wanted.owner is not None,
        wanted.node is not None,
        wanted.name is not None,
        wanted.array is not None,
        wanted.part_of is not None,
        bool(wanted.id_prefix),
        bool(wanted.states),
        not any(state.ended for state in wanted.states),
    )


def _behind(prefix: str) -> str:
    """The least text that is greater than all that begin with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
