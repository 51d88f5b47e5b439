"""The works that share one transaction of the database. Made by the store for each batch.

What works write most stays in memory until the end (`pending`), so that a batch costs a handful of statements
however many works are in it. Rare writes, and queries that memory cannot answer, go to the database at once,
behind a savepoint: a work that raises is undone alone.
"""

from sentinel.core.job import Job
from sentinel.drivers.stores.sql.held import Held
from sentinel.drivers.stores.sql.pending import Pending
from sentinel.drivers.stores.sql.statements import Statements
from sentinel.drivers.stores.sql.wire import Statement, Values, Wire
from sentinel.ports.store import Document


class Batch:
    """The works of one transaction of the database, one after another.

    batch = Batch(wire, statements, revision)
    for each work: run it on `SqlTransaction(batch)`, then `accept()` or `discard()`
    batch.finish()

    `careful`: what the database itself would find in the end is looked up at once. With one work in the batch
    nobody else is undone then, and the work itself gets the exception.
    """

    def __init__(self, wire: Wire, statements: Statements, revision: int, *, careful: bool = False) -> None:
        self.wire = wire
        self.sql = statements
        self.careful = careful
        self.revision = revision
        self.through = Pending()
        self.running = Pending()
        self.changed = False  # by a work that is through: something that others want to be told of
        self.touched = False  # the same of the one that runs
        self.wrote = False  # there is something to commit
        self.jobs: dict[str, Job | None] = {}  # as the database has them
        self.keys: dict[tuple[str, str], tuple[str, str] | None] = {}
        self.documents: dict[tuple[str, str], Document | None] = {}
        self.held = Held(wire, statements)
        self._first = self._before = revision
        self._savepoint = False

    def accept(self) -> None:
        """The work is through."""
        if self._savepoint:
            self.wire.say("RELEASE SAVEPOINT work")
            self._savepoint = False
        if not self.running.empty:
            self.through.join(self.running)
            self.running = Pending()
        self.changed |= self.touched
        self.touched = False
        self._before = self.revision

    def discard(self) -> None:
        """The work raised: all that it wrote is undone."""
        if self._savepoint:
            self.wire.say("ROLLBACK TO SAVEPOINT work")
            self.wire.say("RELEASE SAVEPOINT work")
            self._savepoint = False
            self._forget()
        self.running = Pending()
        self.touched = False
        self.revision = self._before

    def finish(self) -> None:
        """Hands all to the database. Left to do: the commit."""
        self.wrote |= not self.through.empty
        less = self.through.freed_shares(self.wire, self.sql)
        with self.wire.together():
            self.through.flush(self.wire, self.sql, less)
            if self.revision != self._first:
                self.wire.run(self.sql.set_revision, {"revision": self.revision})

    def next(self) -> int:
        self.touched = True
        self.revision += 1
        return self.revision

    def settle(self) -> None:
        """The database has all that was written until now, so that a query sees it."""
        if not self.through.empty:
            self.wrote = True
            self._flush(self.through)
        if not self.running.empty:
            self._begin()
            self._flush(self.running)

    def _flush(self, layer: Pending) -> None:
        layer.flush(self.wire, self.sql, layer.freed_shares(self.wire, self.sql))
        self._forget()

    def direct(self, statement: Statement, values: Values) -> int:
        """Writes at once; how many rows it changed."""
        self.settle()
        self._begin()
        self.touched = True
        return self.wire.run(statement, values)

    def _begin(self) -> None:
        """From here on the database has things of the work that runs."""
        if not self._savepoint:
            self.wrote = True
            self.wire.say("SAVEPOINT work")
            self._savepoint = True

    def _forget(self) -> None:
        self.jobs.clear()
        self.keys.clear()
        self.documents.clear()
        self.held.forget()
