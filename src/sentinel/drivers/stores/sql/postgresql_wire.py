"""A connection to PostgreSQL, by psycopg 3. Made by `postgresql`.

Whoever writes locks the counter's row first: so all who write, in whatever process, go one after the other,
see what those before them committed, and give out revisions in the order of the commits.

A connection can break after COMMIT was sent and before its answer came. So each batch leaves its number in
`writers`, and another connection finds it there, or does not: works are neither lost nor done twice.
(pg_xact_status would not do: a server that crashed may give the same number to another transaction.)
"""

import contextlib
import logging
import time
from collections.abc import Generator, Sequence
from typing import Any, LiteralString, Protocol, cast

import psycopg
from psycopg import errors
from sqlalchemy import ColumnElement, Text, bindparam, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from sentinel.core.clock import boottime
from sentinel.core.errors import StoreUnavailable
from sentinel.drivers.stores.sql.wire import Again, Language, Rows, Statement, Unkeepable, Values

# It says there a second time what it raises.
logging.getLogger("psycopg").setLevel(logging.ERROR)

NO_VALUES: Values = {}
FOREIGN = (psycopg.Error, UnicodeEncodeError, OverflowError)
ASK_SECONDS = 45.0  # longer than the server keeps a transaction whose client is gone
PAUSE_SECONDS = 0.25


LEAVE_MARK = """
    INSERT INTO writers (name, batch, wrote_at) VALUES (%s, %s, extract(epoch FROM now()))
    ON CONFLICT (name) DO UPDATE SET batch = excluded.batch, wrote_at = excluded.wrote_at
"""
FIND_MARK = "SELECT batch FROM writers WHERE name = %s"


def _among(of: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    return of == func.any(bindparam(name, type_=ARRAY(Text)))


def _words(words: Sequence[str]) -> list[str]:
    return list(words)


LANGUAGE = Language(PGDialect_psycopg(), _among, _words)


class Source(Protocol):
    """Where connections come from."""

    where: str
    writer: str
    """Of this store alone, among all that write to the database."""

    def next_batch(self) -> int:
        """A number that it has not used yet."""
        ...

    def raw(self) -> "psycopg.Connection[Any]": ...


class PostgresWire:
    """Implements sql.wire.Wire."""

    language = LANGUAGE

    def __init__(self, connection: "psycopg.Connection[Any]", source: Source) -> None:
        self._connection = connection
        self._source = source
        self._batch = 0  # the number of the last one
        self.failure: Exception | None = None

    def begin_read(self) -> None:
        self.failure = None
        self.say("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def begin_write(self) -> int:
        self.failure = None
        try:
            with self._connection.pipeline():
                self._connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
                locked = self._connection.execute("SELECT revision FROM counter FOR UPDATE")
            (revision,) = cast("tuple[int]", locked.fetchone())
        except FOREIGN as error:
            raise self._failed(error) from error
        return revision

    def commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except FOREIGN as error:
            # Whatever it says: that it was committed may have been on its way behind that.
            translated = self._failed(error)
            self.close()
            if not self._was_committed():
                raise translated from error

    def _was_committed(self) -> bool:
        """Asks until there is an answer: as long as it is open, nothing true can be said to anybody.

        The counter's lock comes first: while the server still works on that commit, it is not to be had.
        """
        until = boottime() + ASK_SECONDS
        while boottime() < until:
            try:
                with self._source.raw() as other, other.transaction():
                    other.execute("SELECT revision FROM counter FOR UPDATE")
                    mark = other.execute(FIND_MARK, (self._source.writer,)).fetchone()
                return mark == (self._batch,)
            except (StoreUnavailable, psycopg.Error):
                time.sleep(PAUSE_SECONDS)
        self.failure = StoreUnavailable(
            f"the database {self._source.where} broke off while it committed, and does not come back: "
            "whether it was kept will be seen when it does"
        )
        raise self.failure

    def rollback(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.rollback()

    def rows(self, statement: Statement, values: Values = NO_VALUES) -> Rows:
        try:
            return self._execute(statement, values).fetchall()
        except FOREIGN as error:
            raise self._failed(error) from error

    def each(self, statements: Sequence[Statement], values: Values) -> Sequence[Rows]:
        try:
            with self._connection.pipeline():
                asked = [self._execute(statement, values) for statement in statements]
            return [cursor.fetchall() for cursor in asked]
        except FOREIGN as error:
            raise self._failed(error) from error

    def run(self, statement: Statement, values: Values = NO_VALUES) -> int:
        try:
            return self._execute(statement, values).rowcount
        except FOREIGN as error:
            raise self._failed(error) from error

    def _execute(self, statement: Statement, values: Values) -> "psycopg.Cursor[Any]":
        fixed = statement.fixed
        return self._connection.execute(
            cast("LiteralString", statement.sql), {**fixed, **values} if fixed else values
        )

    def many(self, statement: Statement, values: Sequence[Values]) -> None:
        assert not statement.fixed
        try:
            if len(values) == 1:
                self._execute(statement, values[0])
            else:
                with self._connection.cursor() as cursor:
                    cursor.executemany(cast("LiteralString", statement.sql), values)
        except FOREIGN as error:
            raise self._failed(error) from error

    def say(self, sql: str) -> None:
        try:
            self._connection.execute(cast("LiteralString", sql))
        except FOREIGN as error:
            raise self._failed(error) from error

    @contextlib.contextmanager
    def together(self) -> Generator[None]:
        try:
            with self._connection.pipeline():
                yield
                self._batch = self._source.next_batch()
                self._connection.execute(LEAVE_MARK, (self._source.writer, self._batch))
        except FOREIGN as error:
            raise self._failed(error) from error

    @property
    def usable(self) -> bool:
        fine = self.failure is None or isinstance(self.failure, Unkeepable)
        return fine and not self._connection.closed

    def close(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _failed(self, error: Exception) -> Exception:
        self.failure = self._translated(error)
        return self.failure

    def _translated(self, error: Exception) -> Exception:
        match error:
            case (
                errors.SerializationFailure()
                | errors.DeadlockDetected()
                | errors.AdminShutdown()
                | errors.CrashShutdown()
                | errors.CannotConnectNow()
                | errors.IdleInTransactionSessionTimeout()
            ):
                return Again(unavailable(self._source.where, error))
            case psycopg.IntegrityError():
                return Unkeepable(str(error), contradicts=True)
            case psycopg.DataError() | UnicodeEncodeError() | OverflowError():
                return Unkeepable(str(error), contradicts=False)
            case psycopg.OperationalError() if self._connection.broken:
                return Again(unavailable(self._source.where, error))
            case _:
                return StoreUnavailable(unavailable(self._source.where, error))


def unavailable(where: str, error: Exception) -> str:
    """What to tell people of it; the first line of what the server or the driver says."""
    said = str(error).strip().partition("\n")[0] or type(error).__name__
    match error:
        case errors.DiskFull():
            advice = "make room on the database's disk; what was answered before is safe"
        case errors.LockNotAvailable():
            advice = "another transaction holds the queue for too long: see pg_stat_activity"
        case errors.ReadOnlySqlTransaction():
            advice = "it is a standby: name the primary"
        case errors.InsufficientPrivilege():
            advice = "its tables must belong to this role"
        case _:
            advice = "is it running and reachable?" if isinstance(error, psycopg.OperationalError) else ""
    return f"the database {where}: {said}" + (f"; {advice}" if advice else "")
