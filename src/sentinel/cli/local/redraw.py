"""Shows a text again and again: in place on a terminal, one after the other anywhere else.

Called by `sentinel workloads --watch`. A frame is one write, and overwrites the last one instead of clearing
it first, so nothing flickers. However it ends, the terminal is as it was.
"""

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from sentinel.cli.text_width import cut, width_of
from sentinel.core.clock import monotonic

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"  # other screen, no cursor, long lines are cut
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_TICK = 0.2  # how soon a resized window is drawn anew

Size = tuple[int, int]
Lines = Callable[[Size | None], list[str]]


def in_place() -> bool:
    """Whether what is shown can be overwritten."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def redraw(lines: Lines, seconds: float) -> None:
    """Shows `lines(size)` every `seconds` until Ctrl-C; size is (columns, rows), None when not in place."""
    try:
        if in_place():
            with _screen():
                _forever_in_place(lines, seconds)
        else:
            _forever_below(lines, seconds)
    except KeyboardInterrupt:
        return


def frame(lines: list[str], size: Size) -> str:
    """The bytes that put `lines` over whatever is on a screen of that size."""
    rows = size[1]
    shown = lines if len(lines) <= rows else [*lines[: rows - 1], _more(len(lines) - rows + 1, size[0])]
    below = "" if len(shown) >= rows else "\r\n\x1b[J"
    return "\x1b[H" + "\r\n".join(_whole_row(line, size[0]) for line in shown) + below


def _whole_row(line: str, width: int) -> str:
    """The line, and the rest of its row erased. Behind a full row that would take its last character."""
    return line if width_of(_COLOUR.sub("", line)) >= width else f"{line}\x1b[K"


def _more(count: int, width: int) -> str:
    return cut(f"... {count} more lines; this window is too small for them", width)


def _forever_below(lines: Lines, seconds: float) -> None:
    while True:
        print("\n".join(lines(None)), end="\n\n", flush=True)
        time.sleep(seconds)


def _forever_in_place(lines: Lines, seconds: float) -> None:
    while True:
        size = _size()
        sys.stdout.write(frame(lines(size), size))
        sys.stdout.flush()
        end = monotonic() + seconds
        while monotonic() < end and _size() == size:
            time.sleep(min(_TICK, max(0.0, end - monotonic())))


def _size() -> Size:
    found = shutil.get_terminal_size((80, 24))
    return max(1, found.columns), max(1, found.lines)


@contextmanager
def _screen() -> Generator[None]:
    before = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        sys.stdout.write(_ENTER)
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
