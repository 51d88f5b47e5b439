"""Options of the commands about nodes. Called by the commands in `cli.nodes`."""

from typing import Annotated

import typer

NodeName = Annotated[str, typer.Argument(metavar="NAME", help="A node's name: sentinel node list")]
