"""A table in columns that fits a width: which columns give way, and which never do.

Called by the tables in `cli.local`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sentinel.cli.text_width import ELLIPSIS, cut, padded, squeezed, width_of

GAP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`least` is the width down to which it may be cut; None: it is never cut. `most`: its share at best.
    `sentence`: its end is cut, not its middle: names differ at both, sentences begin with what counts."""

    title: str
    right: bool = False
    least: int | None = None
    most: int | None = None
    sentence: bool = False


def widths(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None, gap: int = GAP
) -> list[int]:
    """Each column's width. Where `width` is too small, the last columns give way first.

    The sum exceeds `width` only when every column that may be cut is at its least. None: no limit.
    """
    found = [
        max([width_of(column.title), *(width_of(row[place]) for row in rows)])
        for place, column in enumerate(columns)
    ]
    if width is None:
        return found
    found = [
        size if column.most is None else min(size, max(column.most, width_of(column.title)))
        for column, size in zip(columns, found, strict=True)
    ]
    over = sum(found) + gap * (len(columns) - 1) - width
    for place in range(len(columns) - 1, -1, -1):
        least = columns[place].least
        if over > 0 and least is not None and found[place] > least:
            given = min(over, found[place] - max(least, width_of(columns[place].title)))
            found[place] -= max(0, given)
            over -= max(0, given)
    return found


def aligned(columns: Sequence[Column], row: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """The cells of one row, cut and filled to `sizes`."""
    return [
        padded(_cut(text, size) if column.sentence else squeezed(text, size), size, right=column.right)
        for column, text, size in zip(columns, row, sizes, strict=True)
    ]


def _cut(text: str, size: int) -> str:
    if width_of(text) <= size or size <= len(ELLIPSIS):
        return cut(text, size)
    return cut(text, size - len(ELLIPSIS)) + ELLIPSIS


def joined(cells: Sequence[str], gap: int = GAP) -> str:
    """Aligned cells as a line."""
    return (" " * gap).join(cells).rstrip()
