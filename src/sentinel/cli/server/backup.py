"""`sentinel backup`: a copy of what the controller keeps. Called by the table in `cli.app`."""

from typing import Annotated

import typer

from sentinel.cli.node_process import SERVER, become, options
from sentinel.cli.server.options import ConfigFile, Database, DataDir


def command(
    to: Annotated[
        str | None, typer.Option("--to", metavar="FILE", help="Else a new one in DATA/backups.")
    ] = None,
    data_dir: DataDir = None,
    database: Database = None,
    config: ConfigFile = None,
) -> None:
    """Copy the database and the certificate authority into a file, while the controller runs.

    What jobs wrote is not in it."""
    given = options(data_dir=data_dir, database=database, config=config, to=to)
    become(["backup", *given], module=SERVER)
