"""Whether to colour what is printed, and how. The text alone always says it all.

Called by the commands that print tables. No colour for pipes, for NO_COLOR (https://no-color.org) or on a
terminal that has none.
"""

import os
from enum import StrEnum
from typing import TextIO


class Paint(StrEnum):
    """What a piece of text is, as SGR parameters. No meaning hangs on red against green."""

    PLAIN = ""
    HEAD = "1"
    DIM = "2"
    GOOD = "36"
    NOTICE = "33"
    BAD = "1;35"


def colours_on(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that shows colours to somebody who wants them."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def painted(text: str, paint: Paint, *, on: bool) -> str:
    """`text`, in that colour where `on`."""
    return f"\x1b[{paint.value}m{text}\x1b[0m" if on and paint.value and text.strip() else text
