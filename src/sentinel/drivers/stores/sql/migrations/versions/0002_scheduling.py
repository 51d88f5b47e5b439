"""Gangs, arrays, dependencies, shares of GPUs, documents, groups. What is there stays whole and plain."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OF_AN_ARRAY = sa.text("array_id IS NOT NULL")
OF_A_GANG = sa.text("part_of IS NOT NULL")


def upgrade() -> None:
    for name in ("array_id", "part_of", "more"):
        op.add_column("jobs", sa.Column(name, WORD))
    op.add_column("nodes", sa.Column("more", WORD))
    op.add_column("users", sa.Column("group_name", WORD))
    for index, column, where in (
        ("jobs_by_array", "array_id", OF_AN_ARRAY),
        ("jobs_by_gang", "part_of", OF_A_GANG),
    ):
        op.create_index(
            index, "jobs", [column, "submitted_at", "id"], sqlite_where=where, postgresql_where=where
        )
    op.create_table(
        "job_waits",
        sa.Column("waits_for", WORD, nullable=False),
        sa.Column("job", WORD, nullable=False),
        sa.PrimaryKeyConstraint("waits_for", "job"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "documents",
        sa.Column("kind", WORD, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("data", WORD),
        sa.Column("revision", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("documents_by_revision", "documents", ["revision"])
    op.add_column("leases", sa.Column("milli", sa.Integer(), nullable=False, server_default="1000"))
    # Spelled out: SQLite takes a check for a table that is there with the column, and in no other way.
    op.execute(
        "ALTER TABLE lease_gpus ADD COLUMN milli INTEGER DEFAULT '1000' NOT NULL "
        "CHECK (milli BETWEEN 1 AND 1000)"
    )
    # A placement says last when it was given: [NODE, [GPU…], TOKEN, TIME].
    op.execute(
        "UPDATE jobs SET placement = substr(placement, 1, length(placement) - 1) || ',' || COALESCE("
        "(SELECT CAST(taken_at AS VARCHAR) FROM leases WHERE leases.job = jobs.id "
        "AND leases.attempt = jobs.attempt), 'null') || ']' WHERE placement IS NOT NULL"
    )
