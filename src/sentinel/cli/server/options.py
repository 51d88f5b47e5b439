"""Options of the commands that become the controller's process, which reads them again."""

from collections.abc import Sequence
from typing import Annotated

import typer

DataDir = Annotated[
    str | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where all of it is kept; else ~/.local/share/sentinel, as root /var/lib/sentinel-server.",
    ),
]
Listen = Annotated[
    str | None, typer.Option("--listen", metavar="HOST:PORT", help="Where to be reached; else port 8443.")
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="PostgreSQL instead of SQLite. With a password in it: set SENTINEL_DATABASE instead.",
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--name", metavar="NAME", help="Under which others reach it, for its certificate. Repeatable."
    ),
]
ConfigFile = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="Instead of /etc/sentinel/config.toml.")
]


def repeated(option: str, values: Sequence[str] | None) -> list[str]:
    """The option once for each value, as arguments."""
    return [word for value in values or () for word in (option, value)]
