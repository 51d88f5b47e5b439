"""PostgreSQL as a database of the store, by psycopg 3. Opened by `opening`; needs the extra `postgres`."""

import contextlib
import secrets
from collections.abc import Generator
from itertools import count
from typing import Any, LiteralString

import psycopg
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import URL

from sentinel.core.errors import StoreUnavailable, UsageError
from sentinel.drivers.stores.sql.postgresql_wire import PostgresWire, unavailable

OLDEST = 130000  # the oldest that its makers still cared for when this was written
MIGRATION_LOCK = 7_364_911_563  # anything, as long as it is always the same

PATIENCE: dict[str, Any] = {
    "application_name": "sentinel",
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""How soon a server that is gone is given up. The URL may say otherwise."""

# Never waits for ever, and a commit that was answered is on the disk.
SETTINGS: LiteralString = """
    SET lock_timeout = '10s'; SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '20s';
    SET client_encoding = 'UTF8';
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')
"""


class PostgresDatabase:
    """Implements sql.wire.Database."""

    def __init__(self, url: URL) -> None:
        self.where = url.set(drivername="postgresql").render_as_string(hide_password=True)
        # Not the URL itself: libpq would say it, with its password, in an error.
        dialect: Any = PGDialect_psycopg()
        self._options: dict[str, Any] = dialect.create_connect_args(url)[1]
        self.writer = secrets.token_hex(8)
        self._batches = count(1)
        self._check()

    def connect(self, *, writes: bool = False) -> PostgresWire:  # noqa: ARG002 - as for reading
        """Raises StoreUnavailable. For writing it needs nothing else."""
        return PostgresWire(self.raw(), self)

    def raw(self) -> "psycopg.Connection[Any]":
        """A connection in autocommit mode. Raises StoreUnavailable."""
        try:
            connection: psycopg.Connection[Any] = psycopg.connect(
                **{**PATIENCE, **self._options}, autocommit=True
            )
        except psycopg.ProgrammingError as error:
            raise UsageError(f"the URL {self.where} cannot be used: {error}") from error
        except psycopg.Error as error:
            raise StoreUnavailable(unavailable(self.where, error)) from error
        try:
            connection.execute(SETTINGS)
        except psycopg.Error as error:
            connection.close()
            raise StoreUnavailable(unavailable(self.where, error)) from error
        return connection

    def next_batch(self) -> int:
        return next(self._batches)

    def _check(self) -> None:
        """Raises UsageError when this PostgreSQL cannot do what is needed."""
        with self.raw() as connection:
            if connection.info.server_version < OLDEST:
                raise UsageError(f"{self.where} is older than PostgreSQL 13: use a newer one")
            encoding = connection.execute("SHOW server_encoding").fetchone()
            if encoding is None or encoding[0] != "UTF8":
                raise UsageError(
                    f"the database {self.where} is not in UTF-8: make one with "
                    "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
                )

    @contextlib.contextmanager
    def migrating(self) -> Generator[Connection]:
        """A connection in a transaction that no other migration runs beside. Committed at the end."""
        engine = create_engine("postgresql+psycopg://", creator=self._for_migrating, poolclass=NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
            yield connection
            connection.commit()

    def _for_migrating(self) -> "psycopg.Connection[Any]":
        connection = self.raw()
        connection.autocommit = False
        return connection

    def backup(self, path: str) -> None:
        raise UsageError(
            f"{self.where} is not copied to {path}: back up a PostgreSQL database with its own tools "
            "(pg_dump, or continuous archiving)"
        )

    def close(self) -> None:
        """Takes away this store's mark, and those of stores that did not come to it, after a week."""
        with contextlib.suppress(StoreUnavailable, psycopg.Error), self.raw() as connection:
            connection.execute(
                "DELETE FROM writers WHERE name = %s OR wrote_at < extract(epoch FROM now()) - 604800",
                (self.writer,),
            )
