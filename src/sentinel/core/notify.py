"""Telling systemd how a daemon does (sd_notify(3)), and writing lines that journald understands.

Called by the arbiter and the agent.
"""

import contextlib
import os
import socket
import sys
from typing import TextIO

_PRIORITY = {"error": 3, "warning": 4, "info": 6}


class Supervisor:
    """The service manager that started us; silent where there is none."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        env = dict(os.environ) if environment is None else environment
        address = env.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        usec = env.get("WATCHDOG_USEC", "")
        mine = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_seconds = int(usec) / 1e6 if usec.isdigit() and mine else None

    def tell(self, *lines: str) -> None:
        """Sends lines like "READY=1". Never blocks for long, never raises: nobody may be listening."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto("\n".join(lines).encode(), self._address)


class Journal:
    """Lines on stderr; with the priority in front where stderr is the journal."""

    def __init__(self, stream: TextIO | None = None, name: str = "sentinel-arbiter") -> None:
        self._name = name
        self._stream = stream or sys.stderr
        self._priorities = "JOURNAL_STREAM" in os.environ

    def write(self, level: str, text: str) -> None:
        clean = "".join(c if c.isprintable() else "?" for c in text)
        front = f"<{_PRIORITY.get(level, 6)}>" if self._priorities else f"{self._name}: "
        mark = "" if self._priorities or level == "info" else f"{level}: "
        with contextlib.suppress(OSError, ValueError):
            print(f"{front}{mark}{clean}", file=self._stream, flush=True)
