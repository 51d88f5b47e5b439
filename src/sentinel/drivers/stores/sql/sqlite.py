"""SQLite as a database of the store: one file, for one machine. Opened by `opening`.

Write-ahead log, each commit on the disk before it is answered (synchronous=FULL). Readers never wait.
Writers, in whatever process, take turns (see `turn`). The file is its owner's alone (0600).
"""

import contextlib
import errno
import os
import secrets
import sqlite3
import time
from collections.abc import Generator
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import OperationalError as SQLAlchemyOperationalError

from sentinel.core.clock import boottime
from sentinel.core.errors import StoreUnavailable, UsageError
from sentinel.drivers.stores.sql.mounts import networked
from sentinel.drivers.stores.sql.sqlite_wire import SqliteWire, unavailable
from sentinel.drivers.stores.sql.turn import Turn

BUSY_SECONDS = 10.0


class SqliteDatabase:
    """Implements sql.wire.Database. Makes the file when there is none. UsageError when it cannot be one."""

    def __init__(
        self, path: str, *, mountinfo: str | None = None, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        self.where = path
        self._busy_seconds = busy_seconds
        _check_place(path, Path("/proc/self/mountinfo").read_text() if mountinfo is None else mountinfo)
        try:
            _make(Path(path))
            self._turn = Turn(f"{path}.lock", seconds=busy_seconds, clock=boottime, sleep=time.sleep)
            self._begin_log()
        except OSError as error:
            raise UsageError(
                f"the database {path} cannot be opened: {error.strerror}: "
                "it must be this user's own, in a folder that this user may write to"
            ) from error

    def connect(self, *, writes: bool = False) -> "SqliteWire":
        """Raises StoreUnavailable; UsageError when the file is no database."""
        return SqliteWire(self.raw(), self.where, self._turn if writes else None)

    def _begin_log(self) -> None:
        """The change to a write-ahead log, the first time, is for one process alone."""
        self._turn.take()
        try:
            self.raw().close()
        finally:
            self._turn.give()

    def raw(self) -> sqlite3.Connection:
        """A connection, for the migrations too."""
        try:
            connection = sqlite3.connect(
                f"{Path(self.where).as_uri()}?mode=rw",
                uri=True,
                timeout=self._busy_seconds,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=512,
            )
        except sqlite3.Error as error:
            raise StoreUnavailable(unavailable(self.where, error)) from error
        try:
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA cache_size=-8000")
        except sqlite3.Error as error:
            connection.close()
            if error.sqlite_errorcode in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise UsageError(
                    f"{self.where} is no database, or a damaged one: move it away, and restore a backup"
                ) from error
            raise StoreUnavailable(unavailable(self.where, error)) from error
        if mode != "wal":
            connection.close()
            raise UsageError(
                f"{self.where}: SQLite cannot keep a write-ahead log there (it says {mode!r}): "
                "put the database on a local disk"
            )
        return connection

    @contextlib.contextmanager
    def migrating(self) -> Generator[Connection]:
        """A connection in a transaction that nobody else writes beside. Committed at the end."""
        engine = create_engine("sqlite://", creator=self.raw, poolclass=NullPool)
        self._turn.take()
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                connection.commit()
        except (sqlite3.OperationalError, SQLAlchemyOperationalError) as error:
            raise StoreUnavailable(unavailable(self.where, error)) from error
        finally:
            self._turn.give()

    def backup(self, path: str) -> None:
        """A compact copy of one view, made beside and then given its name: never half a file."""
        target = Path(path)
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            if target.exists():
                raise UsageError(f"{path} exists already: name a new file")
            os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            self._copy_into(partial)
            os.link(partial, target)  # unlike a rename, it replaces nobody's file
            _sync(target)
            _sync(target.parent)
        except FileExistsError as error:
            raise UsageError(f"{path} exists already: name a new file") from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
                raise StoreUnavailable(f"the backup {path} cannot be written: {error.strerror}") from error
            raise UsageError(
                f"the backup {path} cannot be written: {error.strerror}: name a file in a folder "
                "that exists and that this user may write to"
            ) from error
        finally:
            partial.unlink(missing_ok=True)

    def _copy_into(self, path: Path) -> None:
        connection = self.raw()
        try:
            connection.execute("VACUUM INTO ?", (str(path),))
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the backup in {path.parent} cannot be written: {error}") from error
        finally:
            connection.close()

    def close(self) -> None:
        self._turn.close()


def _make(path: Path) -> None:
    """A file that is there is not opened: closing it would end all locks that this process has on it."""
    if not path.is_file():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    elif not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    path.chmod(0o600)


def _check_place(path: str, mountinfo: str) -> None:
    folder = Path(path).parent
    if not folder.is_dir():
        raise UsageError(f"the database {path} cannot be there: make the folder {folder} first")
    kind = networked(mountinfo, os.path.realpath(path))
    if kind is not None:
        raise UsageError(
            f"the database {path} is on a network file system ({kind}), where SQLite loses data: "
            "put it on a local disk of the controller, or use PostgreSQL (postgresql://…)"
        )


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
