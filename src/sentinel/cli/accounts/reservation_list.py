"""`sentinel reservation list`. Called by the table in `cli.app`.

The JSON is a list of reservations, as in core.reservation, which begins first is first.
"""

import sys
from typing import Annotated

import typer

from sentinel.cli.accounts.reservations import is_over, reservation_lines
from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


def command(
    everything: Annotated[bool, typer.Option("--all", "-a", help="Those that are over, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show for when and for whom nodes are kept. Times are this machine's."""
    with connected() as client:
        found = client.reservations()
    now = wall()
    shown = [one for one in found if everything or not is_over(one, now)]
    if as_json:
        print_json(shown)
    elif not shown:
        print(
            "no reservations"
            if everything or not found
            else "no reservations now; those that are over: --all"
        )
    else:
        print("\n".join(reservation_lines(shown, now, table_width(), colours=colours_on(sys.stdout))))
