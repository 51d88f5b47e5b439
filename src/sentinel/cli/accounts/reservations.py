"""Reservations as a table and a sentence. Pure but for the time zone. Called by the commands about them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.colour import Paint
from sentinel.cli.columns import Column
from sentinel.cli.local.duration_text import clock_text
from sentinel.cli.plain import one_line
from sentinel.cli.table import UNKNOWN, table_lines
from sentinel.core.timestamp import epoch

Row = Mapping[str, Any]

_COLUMNS = (
    Column(title="NAME", least=8, most=24),
    Column(title="STATE"),
    Column(title="START"),
    Column(title="END"),
    Column(title="FOR", least=8, most=40),
    Column(title="NODES", least=8, most=40),
    Column(title="WHY", least=8, sentence=True),
)
_PAINTS = {"now": Paint.GOOD, "over": Paint.DIM}
_MINUTES = len("2026-01-31 23:59")


def reservation_lines(found: Sequence[Row], now: float, width: int | None, *, colours: bool) -> list[str]:
    rows = [
        (
            one["name"],
            _state(one, now),
            _short(one["start"], now),
            _short(one["end"], now),
            _whom(one) or "nobody",
            ", ".join(one["nodes"]) or "all",
            one["why"],
        )
        for one in found
    ]
    paints = [_PAINTS.get(_state(one, now), Paint.PLAIN) for one in found]
    return table_lines(_COLUMNS, rows, width, paints=paints, painted_column="STATE", colours=colours)


def reservation_text(one: Row) -> str:
    """What was made: "course: n1, n2 from 2026-12-01 08:00 to 2026-12-01 12:00, for user ada"."""
    return one_line(
        f"{one['name']}: {', '.join(one['nodes']) or 'all nodes'} from {_minute(one['start'])} "
        f"to {_minute(one['end'])}, for {_whom(one) or 'maintenance'}"
    )


def is_over(one: Row, now: float) -> bool:
    return _state(one, now) == "over"


def _whom(one: Row) -> str:
    """Who may run there; empty: nobody."""
    return ", ".join([*one["users"], *(f"group {name}" for name in one["groups"])])


def _state(one: Row, now: float) -> str:
    start, end = epoch(one["start"]), epoch(one["end"])
    if start is None or end is None:
        return UNKNOWN
    return "over" if end <= now else "now" if start <= now else "planned"


def _minute(text: str) -> str:
    return clock_text(epoch(text))[:_MINUTES]


def _short(text: str, now: float) -> str:
    """Without the year where it is this one: "01-31 23:59"."""
    minute, year = _minute(text), clock_text(now)[: len("2026-")]
    return minute.removeprefix(year)
