"""Databases of every version become this one's; one of a newer version is left alone."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from tests.components.postgresql import PostgreSQL
from tests.drivers.stores.cases import Case, job, lease, node, placed, postgresql, sqlite

from sentinel.core.errors import StoreConflict, UsageError
from sentinel.core.identity import Role, User
from sentinel.core.job import Cancel, JobState
from sentinel.drivers.stores import sql
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.drivers.stores.opening import open_store
from sentinel.drivers.stores.sql.migrating import HEAD, Migratable
from sentinel.drivers.stores.sql.schema import metadata
from sentinel.drivers.stores.sql.sqlite import SqliteDatabase


@pytest.fixture(params=[sqlite, pytest.param(postgresql, marks=pytest.mark.real)])
def case(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: Callable[[], PostgreSQL]
) -> Iterator[Case]:
    made: Case = request.param(tmp_path, postgresql)
    yield made
    made.close()


def database_of(case: Case) -> Migratable:
    assert case.url is not None
    if case.url.startswith("sqlite"):
        return SqliteDatabase(case.url.removeprefix("sqlite:///"))
    from sqlalchemy.engine import make_url

    from sentinel.drivers.stores.sql.postgresql import PostgresDatabase

    return PostgresDatabase(make_url(case.url))


def test_migrations_make_the_tables_that_statements_are_built_on(case: Case) -> None:
    with database_of(case).migrating() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        found = compare_metadata(context, metadata)
    assert found == []


def alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(sql.__path__[0]) / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def test_the_newest_revision_is_known_without_alembic() -> None:
    assert ScriptDirectory.from_config(alembic()).get_heads() == [HEAD]


def test_opening_one_that_is_up_to_date_loads_no_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/controller.db"
    open_store(url).close()
    code = (
        "import sys; from sentinel.drivers.stores.opening import open_store; "
        "open_store(sys.argv[1]).close(); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, timeout=30)
    assert done.stdout == "False\n", done.stderr


def test_a_newer_versions_database_is_left_alone(case: Case) -> None:
    database = database_of(case)
    with database.migrating() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
        connection.exec_driver_sql("ALTER TABLE jobs ADD COLUMN novelty TEXT")
    for migrate in (True, False):
        with pytest.raises(UsageError, match=r"made by a newer Sentinel \(its tables are 0999"):
            open_store(str(case.url), migrate=migrate)
    with database.migrating() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0999"


def test_one_that_is_not_to_be_changed_is_not(tmp_path: Path) -> None:
    path = tmp_path / "controller.db"
    with pytest.raises(UsageError, match="is empty"):
        open_store(f"sqlite:///{path}", migrate=False)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()


def test_a_migration_that_fails_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import op

    class Halfway(Exception):
        pass

    def fails(_statement: object) -> None:
        raise Halfway  # the last step, when all tables are there

    path = tmp_path / "controller.db"
    monkeypatch.setattr(op, "execute", fails)
    with pytest.raises(Halfway):
        open_store(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    monkeypatch.undo()
    store = open_store(f"sqlite:///{path}")
    store.write(lambda tx: tx.add_job(job(), {}))
    store.close()


OF_VERSION_1 = """
UPDATE counter SET revision = 7;
INSERT INTO users (name, role, tenant, created_at, disabled) VALUES ('ann', 'member', 'default', 1.0, 0);
INSERT INTO nodes (id, name, tenant, state, boot_id, agent_version, joined_at, gpus, revision) VALUES
    ('n1', 'n1.lab', 'default', 'up', 'b', '1', 1.0, '[{"uuid":"GPU-1","index":0,"model":"H100",
    "memory_total_bytes":85899345920,"blocked":null}]', 1);
INSERT INTO node_beats (node, beats, heard_at) VALUES ('n1', 3, 2.5);
INSERT INTO jobs (id, owner, tenant, name, submitted_at, spec, state, live, reason, attempt, placement,
    refusals, node, gpus, started_at, exit_code, revision) VALUES
    ('runs', 'ann', 'default', 'train', 100.0, SPEC, 'RUNNING', 1, '', 2, '["n1",["GPU-1"],"t1"]',
    0, 'n1.lab', '["GPU-1"]', 110.0, NULL, 5),
    ('waits', 'ann', 'default', 'train', 101.0, SPEC, 'QUEUED', 1, 'next', 0, NULL,
    0, NULL, '[]', NULL, NULL, 6),
    ('ended', 'ann', 'default', 'train', 99.0, SPEC, 'SUCCEEDED', 0, '', 1, NULL,
    0, 'n1.lab', '["GPU-1"]', 102.0, 0, 7);
INSERT INTO environments (job, variables) VALUES ('runs', '{"A":"1"}');
INSERT INTO leases (token, job, attempt, node, gpus, owner, tenant, taken_at, renewals) VALUES
    ('t1', 'runs', 2, 'n1', '["GPU-1"]', 'ann', 'default', 105.5, 9);
INSERT INTO lease_gpus (node, gpu, token) VALUES ('n1', 'GPU-1', 't1');
""".replace(
    "SPEC",
    """'{"command":["python","train.py"],"cwd":"/home/ann","gpus":1,"priority":0,"name":"train","time_limit":null,
    "gpu_model":null,"gpu_memory_bytes":null,"node":null,"if_lost":"requeue","grace":30.0,"umask":18,"limits":{},
    "pty":false}'""",
)
"""Rows as version 1 of the tables had them."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def of_version_1(request: pytest.FixtureRequest, tmp_path: Path, postgresql: Callable[[], PostgreSQL]) -> str:
    """The URL of a database with the tables and rows of version 1."""
    url = f"sqlite:///{tmp_path}/old.db" if request.param == "sqlite" else postgresql().make_database()
    with database_of(Case(MemoryStore(), url)).migrating() as connection:
        config = alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in OF_VERSION_1.strip().split(";\n"):
            connection.exec_driver_sql(statement)
    return url


def test_the_live_jobs_of_version_1_go_on(of_version_1: str) -> None:
    with pytest.raises(UsageError, match=r"older version \(0001\)"):
        open_store(of_version_1, migrate=False)
    store = open_store(of_version_1)
    waits = job("waits", submitted_at=101.0, reason="next", revision=6)
    runs = replace(
        placed(job("runs", submitted_at=100.0, attempt=1)),
        state=JobState.RUNNING,
        node="n1.lab",
        gpus=("GPU-1",),
        started_at=110.0,
        allocated_at=105.5,
        revision=5,
    )
    with store.read() as view:
        changes = view.changes(0, live_only=True)
        assert (changes.jobs, changes.documents) == ((runs, waits), ())
        ended = view.job("ended")
        assert ended is not None
        assert (ended.state, ended.exit_code, ended.allocated_at) == (JobState.SUCCEEDED, 0, None)
        assert view.environment("runs") == {"A": "1"}
        assert view.nodes() == [node(boot_id="b", agent_version="1", last_seen_at=2.5, revision=1)]
        assert view.users() == [User(name="ann", role=Role.MEMBER, created_at=1.0)]
        held = lease("t1", job="runs", attempt=2, taken_at=105.5, renewals=9)
        assert (view.leases(), view.revision()) == ([held], 7)
    for taken in (lease("t2"), lease("t2", milli=1)):
        with pytest.raises(StoreConflict):
            store.write(lambda tx, taken=taken: tx.take_lease(taken))
    preempted = replace(runs, preempt=Cancel(by="controller", at=120.0))
    store.write(lambda tx: tx.put_job(preempted))
    store.write(lambda tx: tx.free_lease("t1"))
    store.write(lambda tx: tx.take_lease(lease("t2", milli=1)))
    with store.read() as view:
        assert view.job("runs") == replace(preempted, revision=8)
    store.close()


def test_opening_again_keeps_all(case: Case) -> None:
    case.store.write(lambda tx: tx.add_job(job(), {"A": "1"}))
    for migrate in (True, False):
        store = open_store(str(case.url), migrate=migrate)
        with store.read() as view:
            assert (view.job("j1"), view.environment("j1")) == (job(revision=1), {"A": "1"})
        store.close()
