"""`sentinel token list`. Called by the table in `cli.app`.

The JSON is a list of {"id", "kind", "owner", "label", "created_at", "expires_at", "revoked_at",
"last_used_at"}.
"""

import sys
from typing import Annotated

import typer

from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.people.words import token_lines, token_state
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


def command(
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Those that open nothing any more, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show your tokens, without their secrets; an admin sees everybody's."""
    with connected() as client:
        tokens = client.tokens()
    now = wall()
    shown = [token for token in tokens if everything or token_state(token, now) == "valid"]
    if as_json:
        print_json(shown)
    elif not shown:
        print("no tokens; make one: sentinel token create")
    else:
        print("\n".join(token_lines(shown, now, table_width(), colours=colours_on(sys.stdout))))
