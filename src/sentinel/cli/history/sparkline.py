"""A series as one line of characters. Pure. Called by the view of `sentinel history query`."""

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
LETTERS = "_.-=+*%#"  # where the terminal has no blocks
UNKNOWN = " "


def levels_for(encoding: str | None) -> str:
    """What a stream of this encoding can show."""
    try:
        BLOCKS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return LETTERS
    return BLOCKS


def sparkline(values: Sequence[float | None], width: int, levels: str, *, low: float, high: float) -> str:
    """At most `width` characters, from `low` to `high`. What is unknown is a blank."""
    shown = _fitted(values, max(1, width))
    top = len(levels) - 1
    return "".join(UNKNOWN if value is None else levels[_level(value, low, high, top)] for value in shown)


def _level(value: float, low: float, high: float, top: int) -> int:
    """Where nothing moves, the lowest: a line that is flat."""
    if high <= low:
        return 0
    return min(top, max(0, round((value - low) / (high - low) * top)))


def _fitted(values: Sequence[float | None], width: int) -> list[float | None]:
    """Each character the mean of what is known of its part."""
    if len(values) <= width:
        return list(values)
    found: list[float | None] = []
    for nth in range(width):
        part = values[nth * len(values) // width : (nth + 1) * len(values) // width]
        known = [value for value in part if value is not None]
        found.append(sum(known) / len(known) if known else None)
    return found
