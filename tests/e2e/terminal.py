"""A person at a terminal: a program on a pseudo terminal of its own, what it shows there, and keys."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import termios
import time
from typing import Any

from tests.e2e.workstation import PROGRAMS, Workstation


class Terminal:
    """`program` runs with the terminal as its controlling one, as a login shell would give it."""

    def __init__(self, workstation: Workstation, program: str, *args: str, columns: int = 160) -> None:
        self._keys, inside = pty.openpty()
        os.fchmod(inside, 0o620)  # mesg y
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        argv = PROGRAMS.get(program, [program])
        streams = {"stdin": inside, "stdout": inside, "stderr": inside}
        self.process: Any = workstation.popen("setsid", "--ctty", *argv, *args, **streams)
        os.close(inside)
        self.shown = ""

    def read(self, seconds: float = 0.0) -> str:
        """Everything shown so far, once nothing more has come for so long."""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
            while select.select([self._keys], [], [], seconds)[0]:
                self.shown += os.read(self._keys, 65536).decode(errors="replace")
        return self.shown

    def shows(self, text: str, seconds: float = 6.0, *, after: int = 0) -> str:
        """Waits for the text; everything shown by then."""
        end = time.monotonic() + seconds
        while text not in self.read(0.02)[after:]:
            assert time.monotonic() < end, f"{text!r} is not shown: {self.shown!r}"
        return self.shown

    def press(self, keys: bytes) -> None:
        os.write(self._keys, keys)

    def close(self) -> None:
        os.close(self._keys)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
