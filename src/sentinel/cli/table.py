"""A table for people: a heading, rows that fit the width, one column in colour.

Called by the tables of jobs, nodes, users and tokens. Every cell is cleaned: others chose what is in it.
"""

import os
import sys
from collections.abc import Sequence

from sentinel.cli.colour import Paint, painted
from sentinel.cli.columns import Column, aligned, joined, widths
from sentinel.cli.local.gpu_table import width_here
from sentinel.cli.text_width import cell

NONE = "-"
UNKNOWN = "?"


def table_lines(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | None]],
    width: int | None,
    *,
    paints: Sequence[Paint] = (),
    painted_column: str = "",
    colours: bool = False,
) -> list[str]:
    """The lines. A cell that is None or empty is "-". `paints`: of each row, its cell in `painted_column`."""
    clean = [[cell(text or "") or NONE for text in row] for row in rows]
    sizes = widths(columns, clean, width)
    heading = joined(aligned(columns, [column.title for column in columns], sizes))
    lines = [painted(heading, Paint.HEAD, on=colours)]
    place = next((at for at, column in enumerate(columns) if column.title == painted_column), None)
    for number, row in enumerate(clean):
        cells = aligned(columns, row, sizes)
        if place is not None and number < len(paints):
            cells[place] = painted(cells[place], paints[number], on=colours)
        lines.append(joined(cells))
    return lines


def table_width() -> int | None:
    """The terminal's, or $COLUMNS. None for neither: through a pipe nothing is cut, for grep and the like."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return width_here()
    return None


def fact_lines(facts: Sequence[tuple[str, str | None]]) -> list[str]:
    """One thing in full: a name and a value a line."""
    width = max((len(name) for name, _ in facts), default=0)
    return [f"{name:<{width}}  {cell(value or '') or NONE}" for name, value in facts]
