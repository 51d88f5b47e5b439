"""Brings a database to this version's tables. Called by `opening` whenever one is opened.

Most starts find the newest revision there already, and load no Alembic: that takes longer than all the rest.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from sentinel.core.errors import StoreUnavailable, UsageError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0002"
"""The newest revision in `migrations`; a test holds it against the files there."""


class Migratable(Protocol):
    """A database whose tables may be old, or not there yet."""

    where: str

    @property
    def migrating(self) -> Callable[[], AbstractContextManager[Connection]]:
        """A connection in a transaction that no other migration runs beside; committed at the end."""
        ...


def bring_up_to_date(database: Migratable, *, migrate: bool) -> None:
    """UsageError when it is a newer version's; also when it is an older one's and `migrate` is false."""
    try:
        with database.migrating() as connection:
            found = revision_of(connection)
            if found == HEAD:
                return
            if found is not None and found not in _known():
                raise UsageError(
                    f"the database {database.where} was made by a newer Sentinel (its tables are {found}, "
                    f"this version's {HEAD}): install that version, or restore a backup of before"
                )
            if not migrate:
                what = "is empty" if found is None else f"has the tables of an older version ({found})"
                raise UsageError(
                    f"the database {database.where} {what}: start `sentinel server` once, which brings it "
                    "up to date"
                )
            _upgrade(connection)
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise StoreUnavailable(
            f"the database {database.where} cannot be brought up to date: {said}"
        ) from error


def revision_of(connection: Connection) -> str | None:
    """The revision of its tables; None when it has none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _known() -> set[str]:
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _upgrade(connection: Connection) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
