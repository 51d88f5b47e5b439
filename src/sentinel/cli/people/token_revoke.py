"""`sentinel token revoke`. Called by the table in `cli.app`. The JSON: {"revoked": [ID…]}."""

from typing import Annotated

import typer

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.plain import one_line


def command(
    token_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="As sentinel token list has them.")],
    as_json: AsJson = False,
) -> None:
    """End tokens: they open nothing any more, from their next use on."""
    with connected() as client:
        for id in token_ids:
            client.revoke_token(id)
    if as_json:
        print_json({"revoked": token_ids})
    else:
        for id in token_ids:
            print(f"{one_line(id)} is revoked")
