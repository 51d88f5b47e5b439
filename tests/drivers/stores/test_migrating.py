"""Databases of every version become this one's; one of a newer version is left alone."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from tests.components.postgresql import PostgreSQL
from tests.drivers.stores.cases import Case, job, postgresql, sqlite

from sentinel.core.errors import UsageError
from sentinel.drivers.stores import sql
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


def test_the_newest_revision_is_known_without_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(sql.__path__[0]) / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


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


def test_opening_again_keeps_all(case: Case) -> None:
    case.store.write(lambda tx: tx.add_job(job(), {"A": "1"}))
    for migrate in (True, False):
        store = open_store(str(case.url), migrate=migrate)
        with store.read() as view:
            assert (view.job("j1"), view.environment("j1")) == (job(revision=1), {"A": "1"})
        store.close()
