"""The queue in a relational database. Opened by `opening`; the server's wiring holds one in each process."""

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from functools import lru_cache
from typing import TypeVar

from sentinel.core.errors import StoreConflict, StoreUnavailable, UsageError
from sentinel.drivers.stores.sql.batch import Batch
from sentinel.drivers.stores.sql.reader import SqlReader
from sentinel.drivers.stores.sql.statements import Statements
from sentinel.drivers.stores.sql.transaction import SqlTransaction
from sentinel.drivers.stores.sql.wire import Again, Database, Language, Unkeepable, Wire
from sentinel.drivers.stores.writer import Listeners, Submission, Writer
from sentinel.ports.store import Reader, Transaction

T = TypeVar("T")
TRIES = 3
IDLE_READERS = 16

log = logging.getLogger(__name__)
statements_of = lru_cache(maxsize=None)(Statements)


class SqlStore:
    """Implements ports.store.Store on a database whose tables are there."""

    def __init__(self, database: Database, language: Language) -> None:
        self._database = database
        self._sql = statements_of(language)
        self._idle: deque[Wire] = deque()  # for reading
        self._wire: Wire | None = None  # for writing; the writer's thread alone touches it
        self._listeners = Listeners()
        self._closed = False
        self._writer = Writer("store", self._commit)

    # --------------------------------------------------------------- reading

    @contextlib.contextmanager
    def read(self) -> Generator[Reader]:
        wire = self._reading()
        try:
            yield SqlReader(wire, self._sql)
        except Again as error:
            raise StoreUnavailable(str(error)) from error
        except Unkeepable as error:
            raise UsageError(f"the database cannot be asked for that: {error}") from error
        finally:
            wire.rollback()
            if wire.usable and len(self._idle) < IDLE_READERS and not self._closed:
                self._idle.append(wire)
            else:
                wire.close()

    def _reading(self) -> Wire:
        """A wire with its view begun: an idle one, if it still works, or a new one."""
        while not self._closed:
            try:
                wire = self._idle.pop()
            except IndexError:
                break
            try:
                wire.begin_read()
            except (Again, StoreUnavailable):
                wire.close()
            else:
                return wire
        if self._closed:
            raise StoreUnavailable("the store is closed")
        wire = self._database.connect()
        try:
            wire.begin_read()
        except BaseException as error:
            wire.close()
            if isinstance(error, Again):
                raise StoreUnavailable(str(error)) from error
            raise
        return wire

    # --------------------------------------------------------------- writing

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self._writer.write(work)

    def submit(self, work: Callable[[Transaction], T]) -> "Future[T]":
        return self._writer.submit(work)

    def on_commit(self, told: Callable[[], None]) -> None:
        self._listeners.add(told)

    def backup(self, path: str) -> None:
        self._database.backup(path)

    def close(self) -> None:
        self._writer.close()
        self._closed = True
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        while self._idle:
            self._idle.pop().close()
        self._database.close()

    def _commit(self, works: Sequence[Submission]) -> None:
        """All in one transaction; each in its own, if one of them spoils it for the others."""
        try:
            self._transact(works, careful=False)
        except StoreUnavailable as error:
            _fail(works, error)
        except Exception as error:  # noqa: BLE001 - of one of the works, and we cannot tell which
            log.debug("a batch of %d is committed one by one: %s", len(works), error)
            for work in works:
                self._commit_alone(work)

    def _commit_alone(self, work: Submission) -> None:
        try:
            self._transact([work], careful=True)
        except Unkeepable as error:
            if error.contradicts:
                _fail([work], StoreConflict(f"it contradicts what is kept: {error}"))
            else:
                _fail([work], UsageError(f"it has something that the database cannot keep: {error}"))
        except Exception as error:  # noqa: BLE001 - its own
            _fail([work], error)

    def _transact(self, works: Sequence[Submission], *, careful: bool) -> None:
        """Settles them, once they are committed. Raises when none of them was."""
        lost = ""
        for _ in range(TRIES):
            try:
                failures, changed = self._try(works, careful=careful)
            except Again as error:
                lost = str(error)
                continue
            if changed:
                self._listeners.tell()
            for work, failure in zip(works, failures, strict=True):
                if failure is None:
                    work.future.set_result(work.result)
                else:
                    work.future.set_exception(failure)
            return
        raise StoreUnavailable(lost)

    def _try(
        self, works: Sequence[Submission], *, careful: bool
    ) -> tuple[Sequence[BaseException | None], bool]:
        """What each raised, and whether something changed."""
        wire = self._wire
        if wire is None:
            wire = self._wire = self._database.connect(writes=True)
        try:
            batch = Batch(wire, self._sql, wire.begin_write(), careful=careful)
            transaction = SqlTransaction(batch)
            failures = [_run(work, batch, transaction) for work in works]
            batch.finish()
            if batch.wrote:
                wire.commit()
            else:
                wire.rollback()
        except BaseException:
            wire.rollback()
            if not wire.usable:
                wire.close()
                self._wire = None
            raise
        if not wire.usable:  # it broke, but was committed
            wire.close()
            self._wire = None
        return failures, batch.changed


def _run(work: Submission, batch: Batch, transaction: SqlTransaction) -> BaseException | None:
    """What the work raised. What the database raised is everybody's, even if the work has caught it."""
    failure: BaseException | None = None
    try:
        work.result = work.work(transaction)
    except BaseException as error:  # noqa: BLE001 - it is the caller's, whatever it is
        failure = error
    if batch.wire.failure is not None:
        raise batch.wire.failure
    if failure is None:
        batch.accept()
    else:
        batch.discard()
    return failure


def _fail(works: Sequence[Submission], error: BaseException) -> None:
    for work in works:
        if not work.future.done():
            work.future.set_exception(error)
