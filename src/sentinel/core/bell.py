"""A bell between processes of one machine: "look now", and nothing else.

Called by the API process and the loops process: each rings after it has changed the store. A ring that is
lost costs time and never truth, because everybody looks every second anyhow.
"""

import contextlib
import os
import socket
from pathlib import Path

from sentinel.core.clock import monotonic

SUFFIX = ".bell"


class Bell:
    """One listener in `folder`. `ring` may be called by any thread; the rest by one. Nothing blocks."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._name = f"{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}"
        self._socket.bind(self._address(self._name))
        self._known: list[str] = []
        self._changed, self._listed = 0, 0.0

    def ring(self) -> None:
        """Wakes all others that listen in the folder."""
        for name in self._others():
            self._send(name)

    def fileno(self) -> int:
        """Readable when somebody rang."""
        return self._socket.fileno()

    def drain(self) -> bool:
        """Takes all rings that wait; whether there was one."""
        rang = False
        with contextlib.suppress(OSError):
            while self._socket.recv(16):
                rang = True
        return rang

    def close(self) -> None:
        """Idempotent."""
        if self._folder < 0:
            return
        self._socket.close()
        with contextlib.suppress(OSError):
            os.unlink(self._name, dir_fd=self._folder)
        os.close(self._folder)
        self._folder = -1

    def _others(self) -> list[str]:
        """Listed again when the folder has changed, and every second: two changes may look like one."""
        now = monotonic()
        try:
            changed = os.fstat(self._folder).st_mtime_ns
            if changed != self._changed or now - self._listed >= 1.0:
                names = os.listdir(self._folder)  # noqa: PTH208 - an open folder has no path
                self._known = [name for name in names if name.endswith(SUFFIX) and name != self._name]
                self._changed, self._listed = changed, now
        except OSError:
            return []
        return self._known

    def _send(self, name: str) -> None:
        try:
            self._socket.sendto(b"!", self._address(name))
        except FileNotFoundError:
            self._changed = 0
        except ConnectionRefusedError:  # it died, and left its socket behind
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=self._folder)
        except OSError:
            pass  # full: it will look anyhow; or just closed

    def _address(self, name: str) -> str:
        """A path that is short whatever the folder's: a socket's may have 107 bytes."""
        return f"/proc/self/fd/{self._folder}/{name}"
