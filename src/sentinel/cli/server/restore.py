"""`sentinel restore`: such a copy put back. Called by the table in `cli.app`."""

from typing import Annotated

import typer

from sentinel.cli.node_process import SERVER, become, options
from sentinel.cli.server.options import ConfigFile, Database, DataDir


def command(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Made by sentinel backup.")],
    data_dir: DataDir = None,
    database: Database = None,
    config: ConfigFile = None,
) -> None:
    """Put a copy back; the controller is not to run meanwhile.

    No job starts after that until you say sentinel queue resume: nodes may run what the copy does not know.
    """
    given = options(data_dir=data_dir, database=database, config=config)
    become(["restore", *given, "--", file], module=SERVER)
