"""`sentinel top` on a terminal: curses and nothing else. What is drawn comes from `view`.

Called by `top`. However it ends (a key, Ctrl-C, SIGTERM, a hang-up, a crash), the terminal is as it was.
"""

import curses
import locale
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from types import FrameType

from sentinel.cli.local.top.reader import TopReader
from sentinel.cli.local.top.spans import Line, Style
from sentinel.cli.local.top.state import TopState, pressed
from sentinel.cli.local.top.view import Found, Moment, screen_lines, shown_rows
from sentinel.cli.text_width import width_of
from sentinel.core.clock import boottime

_POLL_MILLISECONDS = 100
_ESCAPE_MILLISECONDS = 25  # how long an Esc may be the beginning of an arrow key

_NAMES = {
    curses.KEY_LEFT: "LEFT",
    curses.KEY_RIGHT: "RIGHT",
    curses.KEY_UP: "UP",
    curses.KEY_DOWN: "DOWN",
    curses.KEY_PPAGE: "PAGE_UP",
    curses.KEY_NPAGE: "PAGE_DOWN",
    curses.KEY_HOME: "HOME",
    curses.KEY_END: "END",
    curses.KEY_ENTER: "ENTER",
    curses.KEY_BACKSPACE: "BACKSPACE",
    curses.KEY_F1: "F1",
}
_CHARACTERS = {
    "\n": "ENTER",
    "\r": "ENTER",
    "\x1b": "ESC",
    "\x7f": "BACKSPACE",
    "\b": "BACKSPACE",
    "\x15": "CTRL_U",
}
# Blue to yellow, apart in lightness as well: told apart with any eyes.
_COLOURS = {
    Style.UTIL: curses.COLOR_CYAN,
    Style.MEMORY: curses.COLOR_YELLOW,
    Style.WARN: curses.COLOR_YELLOW,
}
_ATTRIBUTES = {
    Style.PLAIN: curses.A_NORMAL,
    Style.TITLE: curses.A_REVERSE,
    Style.HEAD: curses.A_BOLD,
    Style.SORTED: curses.A_BOLD | curses.A_UNDERLINE,
    Style.DIM: curses.A_DIM,
    Style.UTIL: curses.A_NORMAL,
    Style.MEMORY: curses.A_NORMAL,
    Style.WARN: curses.A_BOLD,
}


def can_draw() -> bool:
    """Whether input and output are a terminal on which the cursor can be moved."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        curses.setupterm(os.environ.get("TERM", "dumb"), sys.stdout.fileno())
    except curses.error:
        return False
    return curses.tigetstr("cup") is not None


def show(reader: TopReader, state: TopState) -> None:
    """Draws and listens until the person leaves."""
    with suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "")
    before = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with _terminal() as window:
            _Screen(window, reader, state).run()
    except KeyboardInterrupt:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _terminal() -> Generator[curses.window]:
    """As `curses.wrapper`, which would set colours where nobody wants any."""
    window = curses.initscr()
    try:
        curses.noecho()
        curses.cbreak()
        window.keypad(True)
        yield window
    finally:
        window.keypad(False)
        curses.echo()
        curses.nocbreak()
        curses.endwin()


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


class _Screen:
    def __init__(self, window: curses.window, reader: TopReader, state: TopState) -> None:
        self._window, self._reader, self._state = window, reader, state
        self._frozen: Found | None = None
        self._started = boottime()
        self._attributes = _attributes()
        with suppress(curses.error):
            curses.curs_set(0)
        curses.set_escdelay(_ESCAPE_MILLISECONDS)
        window.timeout(_POLL_MILLISECONDS)

    def run(self) -> None:
        shown: list[Line] | None = None
        while not self._state.ended:
            found = self._found()
            height, width = self._window.getmaxyx()
            at = Moment(now=boottime(), started=self._started)
            lines = screen_lines(found, self._state, at, width, height)
            if lines != shown:
                self._draw(lines)
                shown = lines
            shown = None if self._listen(found) else shown

    def _found(self) -> Found:
        found = self._reader.found  # asked even when paused: it raises what the reader died of
        if not self._state.paused:
            self._frozen = None
            return found
        self._frozen = self._frozen or found
        return self._frozen

    def _listen(self, found: Found) -> bool:
        """Takes one key, if there is one. Whether the whole screen has to be drawn anew."""
        try:
            key = self._window.get_wch()
        except curses.error:
            return False
        if key == curses.KEY_RESIZE or key == "\x0c":
            self._window.clear()
            return True
        name = _CHARACTERS.get(key, key) if isinstance(key, str) else _NAMES.get(key, "")
        before = self._state
        self._state = pressed(before, name, len(shown_rows(found.look, before)))
        if self._state.interval != before.interval:
            self._reader.interval = self._state.interval
            self._reader.wake()
        return False

    def _draw(self, lines: list[Line]) -> None:
        self._window.erase()
        for row, spans in enumerate(lines):
            column = 0
            for span in spans:
                # The last column of the last row cannot be left again: curses calls that an error.
                with suppress(curses.error):
                    self._window.addstr(row, column, _encodable(span.text), self._attributes[span.style])
                column += width_of(span.text)
        self._window.refresh()


def _attributes() -> dict[Style, int]:
    found = dict(_ATTRIBUTES)
    if os.environ.get("NO_COLOR"):
        return found
    with suppress(curses.error):
        curses.start_color()
        curses.use_default_colors()
        for number, (style, colour) in enumerate(_COLOURS.items(), 1):
            curses.init_pair(number, colour, -1)
            found[style] |= curses.color_pair(number)
    return found


def _encodable(text: str) -> str:
    code = locale.getpreferredencoding(False)
    return text if text.isascii() else text.encode(code, "replace").decode(code, "replace")
