"""Pieces of styled text, of which the lines of `sentinel top` are made. Pure.

Called by `view` and its parts; `screen` puts them on a terminal, `--once` prints their text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sentinel.cli.text_width import cut, width_of


class Style(StrEnum):
    """What a piece of text is. Nothing depends on the colour alone: warnings begin with "!"."""

    PLAIN = "plain"
    TITLE = "title"
    HEAD = "head"
    SORTED = "sorted"
    DIM = "dim"
    UTIL = "util"
    MEMORY = "memory"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Span:
    """Plain text, as `text_width.cell` makes it, in one style."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Span, ...]


def line(*parts: Span | str) -> Line:
    """A line of these parts; bare text is plain."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def line_width(found: Line) -> int:
    """Columns that the line takes."""
    return sum(width_of(span.text) for span in found)


def line_text(found: Line) -> str:
    """The line without its styles."""
    return "".join(span.text for span in found)


def clipped(found: Line, width: int) -> Line:
    """The line's first `width` columns."""
    kept: list[Span] = []
    for span in found:
        text = cut(span.text, width)
        if text:
            kept.append(Span(text, span.style))
        width -= width_of(text)
        if text != span.text:
            break
    return tuple(kept)


def as_many_as_fit(parts: Iterable[Line], width: int) -> Line:
    """The parts in order, up to the first that would go beyond `width`."""
    found: Line = ()
    for part in parts:
        if line_width(found) + line_width(part) > width:
            break
        found += part
    return found


def bar(share: float | None, width: int, style: Style) -> Line:
    """A bar of `width` columns for 0 to 1; "?" for unknown. ASCII: every terminal draws it alike."""
    inside = width - 2
    if inside < 1:
        return ()
    if share is None:
        return line("[", Span("?".center(inside), Style.DIM), "]")
    full = round(min(1.0, max(0.0, share)) * inside)
    if share > 0 and full == 0:
        full = 1  # a little is not nothing
    return line("[", Span("|" * full, style), " " * (inside - full), "]")
