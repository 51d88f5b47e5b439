"""A report of usage as a table and a sentence. Pure but for this machine's time zone. Called by
`sentinel report usage`.
"""

from collections.abc import Mapping
from typing import Any

from sentinel.cli.columns import Column
from sentinel.cli.history.words import minute_text
from sentinel.cli.table import UNKNOWN, table_lines
from sentinel.core.timestamp import epoch

Row = Mapping[str, Any]

NOBODY = "(unknown)"
TOTAL = "all"


def usage_lines(found: Row, width: int | None) -> list[str]:
    """What it is about, the rows, and the sum of them."""
    head = f"GPUs held from {_minute(found['start'])} to {_minute(found['end'])}"
    rows = found["rows"]
    if not rows:
        return [
            f"{head}: nobody held any that was recorded; nodes send what they measure once they have joined"
        ]
    columns = (
        Column(title=str(found["by"]).upper(), least=8, most=44),
        Column(title="GPU-HOURS", right=True),
        Column(title="IDLE", right=True),
        Column(title="IDLE %", right=True),
        Column(title="UNKNOWN", right=True),
        Column(title="KWH", right=True),
    )
    shown = [_cells(row["key"] or NOBODY, row) for row in rows]
    if len(rows) > 1:
        shown.append(_cells(TOTAL, found["totals"]))
    return [head, "", *table_lines(columns, shown, width), "", *_coverage(found)]


def _cells(name: str, row: Row) -> tuple[str | None, ...]:
    return (
        name,
        _hours(row["gpu_hours"]),
        _known(row["idle_gpu_hours"], row),
        _part(row),
        _hours(row["unknown_gpu_hours"]),
        _known(row["energy_kwh"], row),
    )


def _known(value: float | None, row: Row) -> str | None:
    """Unknown, unless there is nothing that it could be of."""
    if value is None:
        return UNKNOWN if row["gpu_hours"] else None
    return _hours(value)


def _part(row: Row) -> str | None:
    """Of the time in which it was known."""
    known = row["gpu_hours"] - row["unknown_gpu_hours"]
    if row["idle_gpu_hours"] is None or known <= 0:
        return None
    return f"{min(1.0, row['idle_gpu_hours'] / known):.0%}"


def _hours(value: float) -> str:
    """ "0.25", "12.5", "1234"."""
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _coverage(found: Row) -> list[str]:
    part = found["totals"]["coverage"]
    if part is None:
        return ["for which part of that time the GPUs were recorded is unknown"]
    if part >= 0.995:
        return []
    return [f"GPUs were recorded for {part:.0%} of that time; what they did in the rest is in no row"]


def _minute(text: str) -> str:
    at = epoch(text)
    return UNKNOWN if at is None else minute_text(at)
