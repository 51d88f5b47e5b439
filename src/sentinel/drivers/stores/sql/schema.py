"""The tables as they are now. Statements are built on them; databases come to be like this by `migrations`.

A test holds the two against each other. What is filtered or sorted by has a column of its own; nested parts
are JSON text. Text is compared by code points on both databases. The values of environments are in
`environments` and nowhere else.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    literal_column,
)

WORD = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

# One row. Whoever writes locks it first, so revisions grow in the order of the commits.
counter = Table(
    "counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", NUMBER, nullable=False),
)

# By this a PostgreSQL tells, after a connection broke during a commit, whether that was done.
writers = Table(
    "writers",
    metadata,
    Column("name", WORD, primary_key=True),
    Column("batch", NUMBER, nullable=False),
    Column("wrote_at", Double, nullable=False),
)

meta = Table(
    "meta",
    metadata,
    Column("key", WORD, primary_key=True),
    Column("value", WORD, nullable=False),
    sqlite_with_rowid=False,
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("owner", WORD, nullable=False),
    Column("tenant", WORD, nullable=False),
    Column("name", WORD, nullable=False),  # spec's, to be found by
    Column("submitted_at", Double, nullable=False),
    Column("spec", WORD, nullable=False),
    Column("state", WORD, nullable=False),
    Column("live", Integer, nullable=False),  # 1 until it has ended
    Column("reason", WORD, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("placement", WORD),
    Column("refusals", Integer, nullable=False),
    Column("cancel", WORD),
    Column("node", WORD),  # a name
    Column("gpus", WORD, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("exit_code", Integer),
    Column("signal", Integer),
    Column("revision", NUMBER, nullable=False),
    Column("array_id", WORD),  # its array's id, to be found by
    Column("part_of", WORD),  # its gang's id, likewise
    Column("more", WORD),  # the rest that is not as in a plain job; NULL: nothing
)
# Spelled out in statements too: planners take a partial index for what they can read, not for parameters.
IS_LIVE = literal_column("live", Integer) == literal_column("1", Integer)
Index("jobs_by_revision", jobs.c.revision)
Index("jobs_by_time", jobs.c.submitted_at, jobs.c.id)
Index("jobs_by_owner", jobs.c.owner, jobs.c.submitted_at, jobs.c.id)
Index(
    "jobs_live", jobs.c.live, jobs.c.submitted_at, jobs.c.id, sqlite_where=IS_LIVE, postgresql_where=IS_LIVE
)
# Partial, so that a plain job is in neither.
for _name, _column in (("jobs_by_array", jobs.c.array_id), ("jobs_by_gang", jobs.c.part_of)):
    _said = _column.is_not(None)
    Index(_name, _column, jobs.c.submitted_at, jobs.c.id, sqlite_where=_said, postgresql_where=_said)

# What queued jobs wait for. A plain job has no row.
job_waits = Table(
    "job_waits",
    metadata,
    Column("waits_for", WORD, primary_key=True),
    Column("job", WORD, primary_key=True),
    sqlite_with_rowid=False,
)

environments = Table(
    "environments",
    metadata,
    Column("job", WORD, primary_key=True),
    Column("variables", WORD, nullable=False),
    sqlite_with_rowid=False,
)

submit_keys = Table(
    "submit_keys",
    metadata,
    Column("owner", WORD, primary_key=True),
    Column("key", WORD, primary_key=True),
    Column("digest", WORD, nullable=False),
    Column("job", WORD, nullable=False),
    Column("used_at", Double, nullable=False),
    sqlite_with_rowid=False,
)
Index("submit_keys_by_time", submit_keys.c.used_at)

leases = Table(
    "leases",
    metadata,
    Column("token", WORD, primary_key=True),
    Column("job", WORD, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("node", WORD, nullable=False),  # an id, as in the tables below
    Column("gpus", WORD, nullable=False),
    Column("owner", WORD, nullable=False),
    Column("tenant", WORD, nullable=False),
    Column("taken_at", Double, nullable=False),
    Column("renewals", NUMBER, nullable=False),
    Column("milli", Integer, nullable=False, server_default="1000"),
)
Index("leases_by_node", leases.c.node)

# No GPU is in two whole leases, or in one and a share, or shared by more than the whole of it, whatever the
# code above does: the key and the check say so. The shares of a GPU are one row, their sum.
SHARED = ""  # in place of a token
lease_gpus = Table(
    "lease_gpus",
    metadata,
    Column("node", WORD, primary_key=True),
    Column("gpu", WORD, primary_key=True),
    Column("token", WORD, nullable=False),
    Column(
        "milli", Integer, CheckConstraint("milli BETWEEN 1 AND 1000"), nullable=False, server_default="1000"
    ),
    sqlite_with_rowid=False,
)
Index("lease_gpus_by_token", lease_gpus.c.token)

nodes = Table(
    "nodes",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("name", WORD, nullable=False, unique=True),
    Column("tenant", WORD, nullable=False),
    Column("state", WORD, nullable=False),
    Column("drained", WORD),
    Column("boot_id", WORD, nullable=False),
    Column("agent_version", WORD, nullable=False),
    Column("joined_at", Double, nullable=False),
    Column("last_seen_at", Double),
    Column("gpus", WORD),
    Column("revision", NUMBER, nullable=False),
    Column("more", WORD),  # the rest; NULL: all of it unknown
)
Index("nodes_by_revision", nodes.c.revision)

# Apart from `nodes`, so that a beat writes a small row and makes no revision.
node_beats = Table(
    "node_beats",
    metadata,
    Column("node", WORD, primary_key=True),
    Column("beats", NUMBER, nullable=False),
    Column("heard_at", Double),
    sqlite_with_rowid=False,
)

removed_nodes = Table(
    "removed_nodes",
    metadata,
    Column("node", WORD, primary_key=True),
    Column("revision", NUMBER, nullable=False),
    sqlite_with_rowid=False,
)

# `data` NULL: it was removed.
documents = Table(
    "documents",
    metadata,
    Column("kind", WORD, primary_key=True),
    Column("key", WORD, primary_key=True),
    Column("data", WORD),
    Column("revision", NUMBER, nullable=False),
    sqlite_with_rowid=False,
)
Index("documents_by_revision", documents.c.revision)

workloads = Table(
    "workloads",
    metadata,
    Column("node", WORD, primary_key=True),
    Column("id", WORD, primary_key=True),
    Column("tenant", WORD, nullable=False),
    Column("owner", WORD),
    Column("origin", WORD, nullable=False),
    Column("state", WORD, nullable=False),
    Column("data", WORD, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    Column("type", WORD, nullable=False),
    Column("source", WORD, nullable=False),
    Column("subject", WORD, nullable=False),
    Column("owner", WORD),
    Column("tenant", WORD, nullable=False),
    Column("data", WORD, nullable=False),
)
Index("events_by_subject", events.c.subject, events.c.id)
Index("events_by_time", events.c.time)

users = Table(
    "users",
    metadata,
    Column("name", WORD, primary_key=True),
    Column("role", WORD, nullable=False),
    Column("tenant", WORD, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("password_hash", WORD),
    Column("disabled", Integer, nullable=False),
    Column("group_name", WORD),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("kind", WORD, nullable=False),
    Column("owner", WORD, nullable=False),
    Column("tenant", WORD, nullable=False),
    Column("secret_sha256", WORD, nullable=False, unique=True),
    Column("label", WORD, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("last_used_at", Double),
)
