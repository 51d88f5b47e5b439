"""`sentinel alert silence add`. Called by the table in `cli.app`.

The JSON is the silence, as `sentinel alert silence list` has it.
"""

from typing import Annotated

import typer

from sentinel.cli.accounts.moments import parse_moment
from sentinel.cli.alerts.matching import parse_matches
from sentinel.cli.alerts.silence_words import silence_text
from sentinel.cli.alerts.weekly_hours import parse_weekly
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.core.clock import rfc3339, wall
from sentinel.core.errors import UsageError
from sentinel.core.units import parse_duration


def command(
    whom: Annotated[
        list[str],
        typer.Argument(
            metavar="LABEL=VALUE...",
            help="Alerts with all these labels; node=gpu* is a beginning, and a label that comes twice means "
            "either. rule=NAME and severity=WORD count as labels.",
        ),
    ],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="For whoever wonders. Needed.")] = "",
    lasts: Annotated[str | None, typer.Option("--for", metavar="TIME", help="How long: 2h, 30d.")] = None,
    end: Annotated[
        str | None, typer.Option("--end", metavar="TIME", help='Until when, instead: "2026-12-01 08:00".')
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", metavar="TIME", help='Else now. "2026-12-01 08:00", "in 2h".')
    ] = None,
    weekly: Annotated[
        str | None,
        typer.Option(
            "--weekly", metavar="HOURS", help='In these hours alone: "sat,sun 00:00-24:00 Europe/Berlin".'
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell nobody of some alerts for a while; they are still shown. For operators."""
    matches = parse_matches(whom)
    if not why.strip():
        raise UsageError("say why, for whoever wonders later: --why TEXT")
    if (lasts is None) == (end is None):
        raise UsageError("say until when: --for 2h, or --end TIME")
    now = wall()
    begin = now if start is None else parse_moment(start, now)
    until = begin + parse_duration(lasts) if lasts is not None else parse_moment(end or "", now)
    hours = None if weekly is None else parse_weekly(weekly)
    if until <= max(begin, now):
        raise UsageError("it would be over before it begins; name a later end")
    with connected() as client:
        made = client.add_silence(
            matches,
            end=rfc3339(until),
            why=why,
            start=None if start is None else rfc3339(begin),
            weekly=hours,
        )
    if as_json:
        print_json(made)
    else:
        print(silence_text(made))
