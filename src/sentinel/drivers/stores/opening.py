"""Opens the store that a URL names. Called by the wiring of whatever keeps the queue.

sqlite:////var/lib/sentinel/controller.db      four slashes: the path is absolute
postgresql://USER:PASSWORD@HOST/DATABASE       also with ?host=/run/postgresql for a local socket
"""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sentinel.core.errors import UsageError
from sentinel.ports.store import Store

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

FORMS = "sqlite:////ABSOLUTE/PATH or postgresql://USER@HOST/DATABASE"


def sqlite_url(path: str) -> str:
    """The URL of a file, whatever is in its name."""
    return f"sqlite:///{quote(path)}"


def open_store(url: str, *, migrate: bool = True) -> Store:
    """Makes the database's tables when it has none, brings older ones up to date (unless not to `migrate`).

    UsageError when the URL names no database that can be used, or a newer version's; StoreUnavailable when it
    cannot be reached.
    """
    try:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError
    except ImportError as error:
        raise UsageError("a database needs `pip install 'sentinel-gpu[server]'`") from error
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Neither the URL nor what was said of it: there may be a password in both.
        raise UsageError(f"the database's URL cannot be read: write {FORMS}") from None
    kind = parsed.get_backend_name() if parsed.drivername.partition("+")[0] in KINDS else ""
    if kind == "sqlite":
        return _sqlite(parsed, migrate)
    if kind == "postgresql":
        return _postgresql(parsed, migrate)
    raise UsageError(f"there is no store on {parsed.drivername}: write {FORMS}")


KINDS = ("sqlite", "postgresql")


def _sqlite(url: "URL", migrate: bool) -> Store:
    from sentinel.drivers.stores.sql.migrating import bring_up_to_date
    from sentinel.drivers.stores.sql.sqlite import SqliteDatabase
    from sentinel.drivers.stores.sql.sqlite_wire import LANGUAGE
    from sentinel.drivers.stores.sql.store import SqlStore

    if url.database is None or not Path(url.database).is_absolute() or url.query:
        raise UsageError(f"{url} names no absolute path: write sqlite:////ABSOLUTE/PATH, with four slashes")
    database = SqliteDatabase(url.database)
    bring_up_to_date(database, migrate=migrate)
    return SqlStore(database, LANGUAGE)


def _postgresql(url: "URL", migrate: bool) -> Store:
    from sentinel.drivers.stores.sql.migrating import bring_up_to_date
    from sentinel.drivers.stores.sql.store import SqlStore

    try:
        from sentinel.drivers.stores.sql.postgresql import PostgresDatabase
        from sentinel.drivers.stores.sql.postgresql_wire import LANGUAGE
    except ImportError as error:
        raise UsageError("PostgreSQL needs `pip install 'sentinel-gpu[server,postgres]'`") from error
    if not url.database:
        raise UsageError("the URL names no database: write postgresql://USER@HOST/DATABASE")
    database = PostgresDatabase(url)
    bring_up_to_date(database, migrate=migrate)
    return SqlStore(database, LANGUAGE)
