"""Options that several commands have. Called by the commands in `cli.jobs`, `cli.nodes` and `cli.people`."""

from typing import Annotated

import typer

JobId = Annotated[
    str, typer.Argument(metavar="ID", help="A job's id, or a beginning of 4 characters or more.")
]
JobIds = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Ids, or beginnings of 4 characters or more.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs; null is unknown.")]
