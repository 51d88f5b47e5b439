"""Tells what happens: a timeline for people, one line of JSON for machines. Used by demo.workstation."""

import json
import os
import sys
import textwrap
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TextIO

BOLD, DIM, GREEN, RED, CYAN = "1", "2", "32", "31", "36"
WIDTH = 96
INDENT = " " * 10


class Narrator:
    """Keeps the steps and prints the story. With `as_json` the story goes to stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._out: TextIO = sys.stderr if as_json else sys.stdout
        self._colour = self._out.isatty() and not os.environ.get("NO_COLOR")
        self._began = time.monotonic()
        self._steps: list[dict[str, object]] = []

    def title(self, name: str, text: str) -> None:
        """What this is about."""
        self._line("\n" + INDENT, name, BOLD)
        self.tell(text)
        self._line("", "")

    @contextmanager
    def step(self, name: str, intent: str) -> Generator[None, None, None]:
        """One step: ok unless its body raises."""
        began = time.monotonic()
        self._line(f"{began - self._began:6.1f} s  ", name, BOLD, CYAN)
        self.tell(intent, DIM)
        ok = False
        try:
            yield
            ok = True
        finally:
            self._line("", "")
            seconds = round(time.monotonic() - began, 3)
            self._steps.append({"name": name, "ok": ok, "seconds": seconds})

    def tell(self, text: str, *style: str) -> None:
        """A paragraph of the story."""
        for line in textwrap.wrap(text, WIDTH - len(INDENT), break_on_hyphens=False):
            self._line(INDENT, line, *style)

    def show(self, what: str, value: object) -> None:
        """A fact that was just checked."""
        self._line(INDENT, f"✓ {what}: {value}", GREEN)

    def finish(self, trouble: str | None, log: list[str], further: Sequence[str] = ()) -> bool:
        """The last words; whether all went well. `further`: what to do next, then."""
        seconds = time.monotonic() - self._began
        good = sum(bool(step["ok"]) for step in self._steps)
        if trouble is None:
            self._line("", f"All {good} steps went as they should, in {seconds:.1f} s.", BOLD, GREEN)
            for line in further:
                self._line("", line)
        else:
            self._line("", f"Not as it should be: {trouble}", BOLD, RED)
            if log:
                self._line("", "The arbiter's last words:")
            for line in log:
                self._line("    ", line, DIM)
        if self._as_json:
            report: dict[str, object] = {"ok": trouble is None, "steps": self._steps}
            if trouble is None:
                report["next"] = list(further)
            else:
                report["error"] = trouble
            print(json.dumps(report), flush=True)
        return trouble is None

    def _line(self, lead: str, text: str, *style: str) -> None:
        dressed = f"\x1b[{';'.join(style)}m{text}\x1b[0m" if style and self._colour else text
        print(lead + dressed, file=self._out, flush=True)
