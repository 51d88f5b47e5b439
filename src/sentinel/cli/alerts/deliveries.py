"""`sentinel alert deliveries`. Called by the table in `cli.app`.

The JSON is a list of deliveries as in docs/guides/alerts.md, newest first.
"""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from sentinel.cli.alerts.channel_name import a_channel
from sentinel.cli.alerts.channel_words import delivery_lines
from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


class StateChoice(StrEnum):
    """As the API has them; here for the help."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given-up"


def command(
    state: Annotated[
        list[StateChoice] | None,
        typer.Option(
            "--state", "-s", metavar="STATE", help=f"Only those: {', '.join(StateChoice)}. Repeatable."
        ),
    ] = None,
    channel: Annotated[str | None, typer.Option("--channel", metavar="NAME", help="Only there.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show what was sent, what waits and what failed, newest first; of the last day."""
    states = [one.value for one in state or ()]
    of = None if channel is None else a_channel(channel)
    with connected() as client:
        found = client.deliveries(state=states, channel=of, limit=limit + 1)
    shown = found[:limit]
    if as_json:
        print_json(shown)
        return
    if not shown:
        print(
            "no such deliveries in the last day" if state or channel else "nothing was sent in the last day"
        )
        return
    print("\n".join(delivery_lines(shown, wall(), table_width(), colours=colours_on(sys.stdout))))
    if len(found) > limit:
        note(f"there are more: --limit {limit * 10}")
