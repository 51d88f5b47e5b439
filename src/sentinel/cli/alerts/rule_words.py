"""Rules as a table, and what a rule would have done, in sentences. Pure but for the time zone.

Called by the commands about rules.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from sentinel.cli.alerts.rule_file import condition
from sentinel.cli.columns import Column
from sentinel.cli.local.duration_text import clock_text
from sentinel.cli.plain import one_line
from sentinel.cli.table import table_lines
from sentinel.cli.text_wrap import wrapped
from sentinel.core.errors import UsageError
from sentinel.core.timestamp import epoch
from sentinel.core.units import parse_duration, show_duration

Row = Mapping[str, Any]

MOST_LINES = 10
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="How far to look back: 90m, 12h, 7d; 90 days at most.")
]
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_MOST_MINUTES, _MOST_HOURS, _MOST_DAYS = 9999, 999, 90
_COLUMNS = (
    Column(title="NAME", least=8, most=24),
    Column(title="SEVERITY"),
    Column(title="FROM"),
    Column(title="ALERTS", right=True),
    Column(title="WHEN", least=16, sentence=True),
)


def since_text(text: str) -> str:
    """As the API takes it. UsageError."""
    seconds = parse_duration(text)
    if not _MINUTE <= seconds <= _MOST_DAYS * _DAY:
        raise UsageError(f"--since {text}: from a minute to {_MOST_DAYS} days, like 12h or 7d")
    if seconds <= _MOST_MINUTES * _MINUTE:
        return f"{round(seconds / _MINUTE)}m"
    return f"{round(seconds / _HOUR)}h" if seconds <= _MOST_HOURS * _HOUR else f"{round(seconds / _DAY)}d"


def rule_lines(rules: Sequence[Row], width: int | None) -> list[str]:
    """A rule that is switched off has no alerts, and says so."""
    rows = [
        (
            one["name"],
            one["severity"],
            one["origin"],
            str(one["standing"]) if one["enabled"] else "off",
            condition(one),
        )
        for one in rules
    ]
    return table_lines(_COLUMNS, rows, width)


def preview_lines(name: str, found: Row, width: int | None) -> list[str]:
    """What it says of the rule, and the newest times that it would have fired."""
    fired: Sequence[Row] = found["fired"]
    says = one_line(f"{name}: {found['says']}")
    lines = [says] if width is None else wrapped(says, width)
    if found["times"] > MOST_LINES:
        lines.append(f"  the last {MOST_LINES}:")
    return [*lines, *(f"  {_fired(one)}" for one in fired[-MOST_LINES:])]


def _fired(one: Row) -> str:
    began, ended = epoch(one["began"]), epoch(one["ended"]) if one["ended"] else None
    lasted = "until now" if ended is None or began is None else f"for {show_duration(ended - began)}"
    peak = "" if one["peak"] is None else f", {one['peak']:g} at its worst"
    labels = " ".join(f"{name}={value}" for name, value in one["labels"].items())
    return one_line(f"{clock_text(began)} {lasted} {one['state']}{peak} {labels}")
