"""`sentinel alert list`. Called by the table in `cli.app`.

The JSON is a list of alerts as in docs/guides/alerts.md, the worst first. Whether anybody looks for them is
said on stderr.
"""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from sentinel.cli.alerts.alert_words import alert_lines, is_looked_at, summary_text, watch_warnings
from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width
from sentinel.core.alert import AlertState
from sentinel.core.clock import wall
from sentinel.core.finding import Severity


class StateChoice(StrEnum):
    """As in core.alert; here for the help."""

    PENDING = AlertState.PENDING.value
    FIRING = AlertState.FIRING.value
    NO_DATA = AlertState.NO_DATA.value
    RESOLVED = AlertState.RESOLVED.value


class SeverityChoice(StrEnum):
    """As in core.finding; here for the help."""

    INFO = Severity.INFO.value
    WARNING = Severity.WARNING.value
    CRITICAL = Severity.CRITICAL.value


def command(
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Those that are over, too, for a while.")
    ] = False,
    state: Annotated[
        list[StateChoice] | None,
        typer.Option(
            "--state", "-s", metavar="STATE", help=f"Only those: {', '.join(StateChoice)}. Repeatable."
        ),
    ] = None,
    severity: Annotated[
        list[SeverityChoice] | None,
        typer.Option(
            "--severity", metavar="WORD", help=f"Only those: {', '.join(SeverityChoice)}. Repeatable."
        ),
    ] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="NAME", help="Only of that rule.")] = None,
    node: Annotated[str | None, typer.Option("--node", metavar="NAME", help="Only there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the alerts that stand or soon will, the worst first.

    What is silenced, inhibited or acked is shown, and not told. More of one: sentinel alert show ID
    """
    states = [one.value for one in state or (StateChoice if everything else ())]
    severities = [one.value for one in severity or ()]
    with connected() as client:
        watch = client.alert_watch()
        found = client.alerts(state=states, rule=rule, node=node, severity=severities)
    for warning in watch_warnings(watch):
        note(warning)
    if as_json:
        print_json(found)
        return
    if found:
        print("\n".join(alert_lines(found, wall(), table_width(), colours=colours_on(sys.stdout))))
        if told := summary_text(found):
            print(told)
    else:
        narrowed = bool(state or severity or rule or node)
        print(_nothing(narrowed=narrowed, sure=is_looked_at(watch), everything=everything))


def _nothing(*, narrowed: bool, sure: bool, everything: bool) -> str:
    if narrowed:
        return "no such alerts"
    if not sure:
        return "no alerts are known, which means little: see above"
    return "no alerts" if everything else "no alerts; those that are over: --all"
