"""Silences as a table and a sentence. Pure but for the time zone. Called by the commands about silences."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.alerts.matching import shown_matches
from sentinel.cli.alerts.weekly_hours import shown_weekly
from sentinel.cli.colour import Paint
from sentinel.cli.columns import Column
from sentinel.cli.local.duration_text import clock_text
from sentinel.cli.plain import one_line
from sentinel.cli.table import table_lines
from sentinel.core.timestamp import epoch

Row = Mapping[str, Any]

_COLUMNS = (
    Column(title="ID"),
    Column(title="STATE"),
    Column(title="UNTIL"),
    Column(title="BY", least=4, most=12),
    Column(title="WHOM", least=10, most=40),
    Column(title="WHY", least=8, sentence=True),
)
_PAINTS = {"active": Paint.NOTICE, "ended": Paint.DIM}
_MINUTES = len("2026-01-31 23:59")


def silence_lines(silences: Sequence[Row], now: float, width: int | None, *, colours: bool) -> list[str]:
    """UNTIL is its end, of one with weekly hours that of all of them."""
    rows = [
        (one["id"], one["state"], short_time(one["end"], now), one["by"], shown_whom(one), one["why"])
        for one in silences
    ]
    paints = [_PAINTS.get(one["state"], Paint.PLAIN) for one in silences]
    return table_lines(_COLUMNS, rows, width, paints=paints, painted_column="STATE", colours=colours)


def silence_text(one: Row) -> str:
    """What was made: "4k2m9x0dvh: nobody is told of node=gpu01 until 2026-12-01 12:00"."""
    start = "" if one["state"] == "active" or one["weekly"] else f" from {minute_text(one['start'])}"
    return one_line(
        f"{one['id']}: nobody is told of {shown_whom(one)}{start} until {minute_text(one['end'])}"
    )


def shown_whom(one: Row) -> str:
    """Which alerts, and in which hours."""
    hours = f" ({shown_weekly(one['weekly'])})" if one["weekly"] else ""
    return f"{shown_matches(one['matches'])}{hours}"


def minute_text(text: str) -> str:
    """A time in this machine's zone, to the minute."""
    return clock_text(epoch(text))[:_MINUTES]


def short_time(text: str, now: float) -> str:
    """The same without the year where it is this one: "01-31 23:59"."""
    return minute_text(text).removeprefix(clock_text(now)[: len("2026-")])
