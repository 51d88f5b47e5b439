"""A pseudo terminal with a `sentinel` command on it, for the tests of commands that draw on one."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

SENTINEL = str(Path(sys.executable).with_name("sentinel"))
ALTERNATE, MAIN = "\x1b[?1049h", "\x1b[?1049l"


class Screen:
    """A terminal of our own with a `sentinel` command on it."""

    def __init__(
        self, environment: dict[str, str], *arguments: str, columns: int = 80, rows: int = 24
    ) -> None:
        self.keys, self.inside = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.inside)
        self.process = subprocess.Popen(
            ["setsid", "--ctty", SENTINEL, *arguments],
            stdin=self.inside,
            stdout=self.inside,
            stderr=self.inside,
            env=environment,
        )
        self.shown = ""

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self) -> str:
        while select.select([self.keys], [], [], 0.05)[0]:
            self.shown += os.read(self.keys, 65536).decode(errors="replace")
        return self.shown

    def shows(self, text: str, seconds: float = 15.0) -> None:
        end = time.monotonic() + seconds
        start = len(self.shown)
        while text not in self.read()[start:]:
            assert time.monotonic() < end, f"{text!r} is not shown: {self.shown[start:]!r}"

    def press(self, keys: str) -> None:
        os.write(self.keys, keys.encode())

    def ended(self, status: int) -> None:
        """It ended so, the terminal is as it was, and there is no traceback."""
        end = time.monotonic() + 15
        while self.process.poll() is None:
            self.read()
            assert time.monotonic() < end, self.shown
        assert self.process.returncode == status, self.read()
        assert termios.tcgetattr(self.inside) == self.before
        assert "Traceback" not in self.read()

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.keys)
        os.close(self.inside)
