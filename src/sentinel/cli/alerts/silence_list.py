"""`sentinel alert silence list`. Called by the table in `cli.app`.

The JSON is a list of silences as in core.alert_json, with "state" ("active", "waiting", "ended") and "until".
"""

import sys
from typing import Annotated

import typer

from sentinel.cli.alerts.silence_words import silence_lines
from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


def command(
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Those that ended in the last seven days, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show when and of what nobody is told. Times are this machine's."""
    with connected() as client:
        found = client.silences()
    shown = [one for one in found if everything or one["state"] != "ended"]
    if as_json:
        print_json(shown)
    elif not shown:
        more = "" if everything or not found else "; those that ended: --all"
        print(f"no silences{more}. To make one: sentinel alert silence add node=NAME --for 2h --why TEXT")
    else:
        print("\n".join(silence_lines(shown, wall(), table_width(), colours=colours_on(sys.stdout))))
