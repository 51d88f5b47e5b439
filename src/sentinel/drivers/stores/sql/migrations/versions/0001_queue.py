"""Makes all tables of the first version. Changed by no later version: those have revisions of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME: "sa.Double[float]" = sa.Double()
LIVE = sa.text("live = 1")


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "environments",
        sa.Column("job", WORD, nullable=False),
        sa.Column("variables", WORD, nullable=False),
        sa.PrimaryKeyConstraint("job"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("time", TIME, nullable=False),
        sa.Column("type", WORD, nullable=False),
        sa.Column("source", WORD, nullable=False),
        sa.Column("subject", WORD, nullable=False),
        sa.Column("owner", WORD),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("data", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("events_by_subject", "events", ["subject", "id"])
    op.create_index("events_by_time", "events", ["time"])
    op.create_table(
        "jobs",
        sa.Column("id", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("submitted_at", TIME, nullable=False),
        sa.Column("spec", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.Column("reason", WORD, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("placement", WORD),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("cancel", WORD),
        sa.Column("node", WORD),
        sa.Column("gpus", WORD, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("ended_at", TIME),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("signal", sa.Integer()),
        sa.Column("revision", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("jobs_by_owner", "jobs", ["owner", "submitted_at", "id"])
    op.create_index("jobs_by_revision", "jobs", ["revision"])
    op.create_index("jobs_by_time", "jobs", ["submitted_at", "id"])
    op.create_index(
        "jobs_live", "jobs", ["live", "submitted_at", "id"], sqlite_where=LIVE, postgresql_where=LIVE
    )
    op.create_table(
        "lease_gpus",
        sa.Column("node", WORD, nullable=False),
        sa.Column("gpu", WORD, nullable=False),
        sa.Column("token", WORD, nullable=False),
        sa.PrimaryKeyConstraint("node", "gpu"),
        sqlite_with_rowid=False,
    )
    op.create_index("lease_gpus_by_token", "lease_gpus", ["token"])
    op.create_table(
        "leases",
        sa.Column("token", WORD, nullable=False),
        sa.Column("job", WORD, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("node", WORD, nullable=False),
        sa.Column("gpus", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("renewals", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index("leases_by_node", "leases", ["node"])
    op.create_table(
        "meta",
        sa.Column("key", WORD, nullable=False),
        sa.Column("value", WORD, nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "node_beats",
        sa.Column("node", WORD, nullable=False),
        sa.Column("beats", NUMBER, nullable=False),
        sa.Column("heard_at", TIME),
        sa.PrimaryKeyConstraint("node"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "nodes",
        sa.Column("id", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("drained", WORD),
        sa.Column("boot_id", WORD, nullable=False),
        sa.Column("agent_version", WORD, nullable=False),
        sa.Column("joined_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME),
        sa.Column("gpus", WORD),
        sa.Column("revision", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index("nodes_by_revision", "nodes", ["revision"])
    op.create_table(
        "removed_nodes",
        sa.Column("node", WORD, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("node"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "submit_keys",
        sa.Column("owner", WORD, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("job", WORD, nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("submit_keys_by_time", "submit_keys", ["used_at"])
    op.create_table(
        "tokens",
        sa.Column("id", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("secret_sha256", WORD, nullable=False),
        sa.Column("label", WORD, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.Column("last_used_at", TIME),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_sha256"),
    )
    op.create_table(
        "users",
        sa.Column("name", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("password_hash", WORD),
        sa.Column("disabled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "writers",
        sa.Column("name", WORD, nullable=False),
        sa.Column("batch", NUMBER, nullable=False),
        sa.Column("wrote_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "workloads",
        sa.Column("node", WORD, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("tenant", WORD, nullable=False),
        sa.Column("owner", WORD),
        sa.Column("origin", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("data", WORD, nullable=False),
        sa.PrimaryKeyConstraint("node", "id"),
    )
    op.execute("INSERT INTO counter (id, revision) VALUES (1, 0)")
