"""`sentinel reservation add`. Called by the table in `cli.app`.

The JSON is the reservation, as in core.reservation.
"""

import re
from typing import Annotated

import typer

from sentinel.cli.accounts.moments import parse_moment
from sentinel.cli.accounts.reservations import reservation_text
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.core.clock import rfc3339, wall
from sentinel.core.errors import UsageError
from sentinel.core.units import parse_duration

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    start: Annotated[
        str,
        typer.Option(
            "--start", metavar="TIME", help='"2026-12-01 08:00" in your time, "in 2h", now, or RFC 3339.'
        ),
    ] = "now",
    end: Annotated[
        str | None, typer.Option("--end", metavar="TIME", help="Until when, written the same way.")
    ] = None,
    lasts: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long it lasts, instead of --end: 2h, 3d.")
    ] = None,
    node: Annotated[
        list[str] | None,
        typer.Option("--node", metavar="NAME", help="Which node. Repeatable. Else all of them."),
    ] = None,
    user: Annotated[
        list[str] | None, typer.Option("--user", metavar="NAME", help="Whose jobs may run there. Repeatable.")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option("--group", metavar="NAME", help="The same, by group. Repeatable.")
    ] = None,
    maintenance: Annotated[bool, typer.Option("--maintenance", help="Keep them for nobody.")] = False,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="For whoever wonders.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep nodes for somebody, or for maintenance. For operators.

    Jobs that could still run when it begins are not placed there any more, unless it is for them: one
    without a time limit could. What runs there when it begins goes on.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be its name: up to 63 letters, digits, -, _ and ., a letter or digit first"
        )
    if maintenance and (user or group):
        raise UsageError("--maintenance is for nobody: leave --user and --group out")
    if not (maintenance or user or group):
        raise UsageError("say for whom: --user NAME, --group NAME, or --maintenance for nobody")
    now = wall()
    begin = parse_moment(start, now)
    until = _end(begin, end, lasts, now)
    if until <= now:
        raise UsageError("it would be over already; name a later --end")
    with connected() as client:
        made = client.add_reservation(
            name,
            start=rfc3339(begin),
            end=rfc3339(until),
            nodes=node or (),
            users=user or (),
            groups=group or (),
            kind="maintenance" if maintenance else "reserved",
            why=why,
        )
    if as_json:
        print_json(made)
    else:
        print(reservation_text(made))


def _end(begin: float, end: str | None, lasts: str | None, now: float) -> float:
    if (end is None) == (lasts is None):
        raise UsageError("say either --end TIME or --for TIME")
    until = parse_moment(end, now) if end is not None else begin + parse_duration(lasts or "")
    if until <= begin:
        raise UsageError("it has to end after it begins")
    return until
