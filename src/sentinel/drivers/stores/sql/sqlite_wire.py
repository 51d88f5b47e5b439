"""A connection to an SQLite file, by the standard library's driver. Made by `sqlite`."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, column, func, select
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from sentinel.core.errors import StoreUnavailable
from sentinel.drivers.stores.sql.turn import Turn
from sentinel.drivers.stores.sql.wire import Language, Rows, Statement, Unkeepable, Values

NO_VALUES: Values = {}
FOREIGN = (sqlite3.Error, UnicodeEncodeError, OverflowError)
"""What the driver raises: the latter two for text and numbers that SQLite has no form for."""


def _among(of: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    return of.in_(select(column("value", Text)).select_from(func.json_each(bindparam(name))))


def _words(words: Sequence[str]) -> str:
    return json.dumps(list(words))


LANGUAGE = Language(SQLiteDialect_pysqlite(paramstyle="named"), _among, _words)


class SqliteWire:
    """Implements sql.wire.Wire. `turn` is for the one that writes."""

    language = LANGUAGE

    def __init__(self, connection: sqlite3.Connection, path: str, turn: Turn | None) -> None:
        self._connection = connection
        self._path = path
        self._turn = turn
        self._inode = _inode(path)
        self.failure: Exception | None = None

    def begin_read(self) -> None:
        self._begin("BEGIN")

    def begin_write(self) -> int:
        assert self._turn is not None
        self.failure = None
        try:
            self._turn.take()
        except StoreUnavailable as error:
            self.failure = error
            raise
        self._begin("BEGIN IMMEDIATE")
        try:
            return self._connection.execute("SELECT revision FROM counter").fetchone()[0]
        except FOREIGN as error:
            raise self._failed(error) from error

    def _begin(self, how: str) -> None:
        self.failure = None
        if _inode(self._path) != self._inode:
            self.failure = StoreUnavailable(
                f"{self._path} was moved or replaced while it was in use: stop the controller before that"
            )
            raise self.failure
        try:
            self._connection.execute(how)
        except FOREIGN as error:
            raise self._failed(error) from error

    def commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except FOREIGN as error:
            raise self._failed(error) from error
        self._give()

    def rollback(self) -> None:
        try:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
        finally:
            self._give()

    def _give(self) -> None:
        if self._turn is not None:
            self._turn.give()

    def rows(self, statement: Statement, values: Values = NO_VALUES) -> Rows:
        fixed = statement.fixed
        try:
            found = self._connection.execute(statement.sql, {**fixed, **values} if fixed else values)
            return found.fetchall()
        except FOREIGN as error:
            raise self._failed(error) from error

    def each(self, statements: Sequence[Statement], values: Values) -> Sequence[Rows]:
        return [self.rows(statement, values) for statement in statements]

    def run(self, statement: Statement, values: Values = NO_VALUES) -> int:
        fixed = statement.fixed
        try:
            done = self._connection.execute(statement.sql, {**fixed, **values} if fixed else values)
            return done.rowcount
        except FOREIGN as error:
            raise self._failed(error) from error

    def many(self, statement: Statement, values: Sequence[Values]) -> None:
        assert not statement.fixed
        try:
            self._connection.executemany(statement.sql, values)
        except FOREIGN as error:
            raise self._failed(error) from error

    def say(self, sql: str) -> None:
        try:
            self._connection.execute(sql)
        except FOREIGN as error:
            raise self._failed(error) from error

    def together(self) -> AbstractContextManager[object]:
        return contextlib.nullcontext()

    @property
    def usable(self) -> bool:
        return self.failure is None or isinstance(self.failure, Unkeepable)

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _failed(self, error: Exception) -> Exception:
        self.failure = _translated(self._path, error)
        return self.failure


def _translated(path: str, error: Exception) -> Exception:
    if isinstance(error, sqlite3.IntegrityError):
        return Unkeepable(str(error), contradicts=True)
    if isinstance(error, (sqlite3.OperationalError, sqlite3.InternalError)) or type(error) in (
        sqlite3.DatabaseError,
        sqlite3.NotSupportedError,
    ):
        return StoreUnavailable(unavailable(path, error))
    return Unkeepable(str(error), contradicts=False)


def unavailable(path: str, error: Exception) -> str:
    """What to tell people of it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    advice = {
        sqlite3.SQLITE_FULL: "make room on its disk; what was answered before is safe",
        sqlite3.SQLITE_BUSY: "another program holds it for too long: see which with `fuser -v`",
        sqlite3.SQLITE_IOERR: "is its disk full or failing? see `df` and `dmesg`",
        sqlite3.SQLITE_READONLY: "it must be this user's own, on a file system that can be written to",
        sqlite3.SQLITE_CANTOPEN: "is it still there?",
        sqlite3.SQLITE_CORRUPT: "it is damaged: stop the controller and restore a backup",
        sqlite3.SQLITE_NOTADB: "it is damaged: stop the controller and restore a backup",
    }
    return f"the database {path}: {error}" + (f"; {advice[code]}" if code in advice else "")


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - before each transaction, so without a Path
    except OSError:
        return None
    return found.st_dev, found.st_ino
