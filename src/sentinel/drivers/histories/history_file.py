"""The embedded history's file: SQLite with a write-ahead log, from the standard library. Used by `embedded`.

Each commit is on the disk before it is answered (synchronous=FULL). Readers never wait. The file is its
owner's alone (0600). Foreign errors become HistoryUnavailable, or UsageError for what waiting cannot mend.

    series    what the ids in blocks stand for; `seen`: when it was last folded, epoch milliseconds
    journal   what was told and is not folded yet, as blocks of raw values (see `blocks`); what is told again
              and longer is a new row in the place of the old one, so that others see it by its id
    block     what was folded: a level (see `levels`), a metric, a node, a stretch of time
    meta      generation: grows when series are removed, so that others forget their ids
"""

import contextlib
import os
import sqlite3
import struct
import threading
import zlib
from collections.abc import Generator
from pathlib import Path

from sentinel.core.errors import UsageError
from sentinel.ports.history import HistoryUnavailable

BUSY_SECONDS = 10.0
VERSION = 1
MOST_SPARE = 8
_DAMAGED = "is no history, or a damaged one: move it away; a new one is made in its place"
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('generation', 0);
CREATE TABLE series (
    id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, metric TEXT NOT NULL, labels TEXT NOT NULL,
    seen INTEGER NOT NULL, UNIQUE (metric, labels));
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, first INTEGER NOT NULL,
    sequence INTEGER NOT NULL, last INTEGER NOT NULL, times INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (node, first, sequence));
CREATE TABLE block (
    level INTEGER NOT NULL, metric TEXT NOT NULL, node TEXT NOT NULL, start INTEGER NOT NULL,
    body BLOB NOT NULL, UNIQUE (level, metric, node, start));
CREATE INDEX block_age ON block (level, start);
"""


class HistoryFile:
    """`path` is absolute. Makes the file when there is none."""

    def __init__(self, path: str, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()  # of the one connection that writes
        self._spare: list[sqlite3.Connection] = []
        self._closed = False
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            Path(path).chmod(0o600)
        except OSError as error:
            raise UsageError(
                f"the history {path} cannot be opened: {error.strerror}: "
                "it must be this user's own, in a folder that this user may write to"
            ) from error
        self._writer = self._connect()
        try:
            self._make()
        except BaseException:
            self._writer.close()
            raise

    @contextlib.contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """A transaction, committed at the end; nothing of it is kept when something raises."""
        with self._lock:
            self._check_open()
            with self._translated():
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield self._writer
                    self._writer.execute("COMMIT")
                except BaseException:
                    # SQLite has rolled back by itself after some errors.
                    if self._writer.in_transaction:
                        self._writer.execute("ROLLBACK")
                    raise

    @contextlib.contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """One consistent view."""
        self._check_open()
        with self._translated():
            try:
                connection = self._spare.pop()
            except IndexError:
                connection = self._connect()
            try:
                connection.execute("BEGIN")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.close()
                raise
            if self._closed or len(self._spare) >= MOST_SPARE:
                connection.close()
            else:
                self._spare.append(connection)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._writer.close()
            while self._spare:
                self._spare.pop().close()

    def _check_open(self) -> None:
        if self._closed:
            raise HistoryUnavailable(f"the history {self.path} is closed")

    def _connect(self) -> sqlite3.Connection:
        with self._translated():
            connection = sqlite3.connect(
                f"{Path(self.path).as_uri()}?mode=rw",
                uri=True,
                timeout=self._busy_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("PRAGMA cache_size=-8000")
            except BaseException:
                connection.close()
                raise
        if mode != "wal":
            connection.close()
            raise UsageError(
                f"{self.path}: SQLite cannot keep a write-ahead log there (it says {mode!r}): "
                "put the history on a local disk"
            )
        return connection

    def _make(self) -> None:
        with self.writing() as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > VERSION:
                raise UsageError(
                    f"{self.path} was made by a newer version of Sentinel: install that, "
                    "or name a new file for the history"
                )
            if version == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={VERSION}")

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _translation(self.path, error) from error
        except (zlib.error, struct.error) as error:
            raise UsageError(f"{self.path} {_DAMAGED}") from error


def _translation(path: str, error: sqlite3.Error) -> HistoryUnavailable | UsageError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT) or "already exists" in str(error):
        return UsageError(f"{path} {_DAMAGED}")
    advice = {
        sqlite3.SQLITE_FULL: "the disk is full: make room",
        sqlite3.SQLITE_BUSY: "it was locked for too long: does another program hold it?",
        sqlite3.SQLITE_IOERR: "the disk does not do its work: look at the kernel's log, and for room",
        sqlite3.SQLITE_READONLY: "it cannot be written to: look at its owner and at its file system",
    }.get(code, "look at its disk and at its owner")
    return HistoryUnavailable(f"the history {path}: {error}: {advice}")
