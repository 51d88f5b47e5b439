"""A connection to a database, as the reader and the transaction use it; made by `sqlite` and `postgresql`.

Statements are built with SQLAlchemy Core, compiled once for each kind of database, and run by its driver: a
store makes the same few dozen of them over and over, and all that is left to do is to hand over the values.

What the drivers raise becomes one of these:

    StoreUnavailable    of core.errors: not reachable, full, locked
    Unkeepable          the data is at fault: a constraint, or text that the database cannot hold
    Again               the transaction is lost and nothing of it was kept, through no fault of its works
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.elements import ClauseElement

Values = Mapping[str, Any]
Rows = Sequence[tuple[Any, ...]]


class Unkeepable(Exception):
    """`contradicts`: with what is kept already; otherwise it could not be kept anywhere here."""

    def __init__(self, message: str, *, contradicts: bool) -> None:
        super().__init__(message)
        self.contradicts = contradicts


class Again(Exception):
    """A deadlock, or a connection that broke before the commit: the same works may be run again."""


class Statement:
    """SQL for one kind of database. `fixed` are values that came with it when it was built."""

    __slots__ = ("fixed", "sql")

    def __init__(self, sql: str, fixed: Values) -> None:
        self.sql = sql
        self.fixed = fixed


class Language:
    """How one kind of database is spoken to."""

    def __init__(
        self,
        dialect: Dialect,
        among: Callable[[ColumnElement[Any], str], ColumnElement[bool]],
        words: Callable[[Sequence[str]], Any],
    ) -> None:
        self._dialect = dialect
        self.among = among
        """`among(column, name)`: whether the column is one of the words given as parameter `name`."""
        self.words = words
        """Such a parameter's value."""

    @property
    def name(self) -> str:
        return self._dialect.name

    def compile(self, clause: ClauseElement, columns: Sequence[str] | None = None) -> Statement:
        """`columns`: those that an insert or update names."""
        compiled = clause.compile(dialect=self._dialect, column_keys=columns)
        given = (compiled.params or {}).items()  # what is yet to come has a mark there, or None
        fixed = {name: value for name, value in given if type(value) in (int, float, str)}
        return Statement(str(compiled), fixed)


class Wire(Protocol):
    """One connection, for one thread at a time. Between begin_* and commit or rollback it has one view."""

    failure: Exception | None
    """What went wrong since the last begin_*; there is nothing to be done then but to roll back."""

    @property
    def language(self) -> Language: ...

    def begin_read(self) -> None: ...

    def begin_write(self) -> int:
        """Waits for its turn among all who write, in whatever process; the present revision."""
        ...

    def commit(self) -> None:
        """Returns once it is durable."""
        ...

    def rollback(self) -> None:
        """Never raises."""
        ...

    def rows(self, statement: Statement, values: Values = ...) -> Rows: ...

    def each(self, statements: Sequence[Statement], values: Values) -> Sequence[Rows]:
        """The rows of several statements with the same values, asked for in one go."""
        ...

    def run(self, statement: Statement, values: Values = ...) -> int:
        """How many rows it changed."""
        ...

    def many(self, statement: Statement, values: Sequence[Values]) -> None: ...

    def say(self, sql: str) -> None:
        """A statement without values: a savepoint."""
        ...

    def together(self) -> AbstractContextManager[object]:
        """For the last statements before the commit: they may travel in one go, and give no rows."""
        ...

    @property
    def usable(self) -> bool:
        """Whether it may be used again after a rollback."""
        ...

    def close(self) -> None: ...


class Database(Protocol):
    """Where wires lead. `where` names it for people, without a password."""

    where: str

    def connect(self, *, writes: bool = False) -> Wire:
        """Raises StoreUnavailable."""
        ...

    def backup(self, path: str) -> None: ...

    def close(self) -> None: ...
