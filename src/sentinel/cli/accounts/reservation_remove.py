"""`sentinel reservation remove`. Called by the table in `cli.app`. The JSON: {"removed": [NAME…]}."""

from typing import Annotated

import typer

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.plain import one_line


def command(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names, or ids.")],
    as_json: AsJson = False,
) -> None:
    """End reservations, or take them back. What runs in them goes on. For operators."""
    with connected() as client:
        for name in names:
            client.remove_reservation(name)
            if not as_json:
                print(f"{one_line(name)} is removed")
    if as_json:
        print_json({"removed": names})
