"""Whose turn it is to write to an SQLite database, among all processes of this machine that may.

SQLite itself lets a writer that finds another one sleep, longer each time; with two processes that write all
the time one of them can be left out for seconds. Here they take turns: two locks on a file beside the
database, of which one must be held to wait for the other. Whoever writes again at once meets the one that
waits already.

    byte 0   held by the one that writes
    byte 1   held by the one that is next

They are locks of the open file (F_OFD_SETLK): the kernel drops them when the process dies, however it dies.
"""

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Callable
from itertools import chain, repeat

from sentinel.core.errors import StoreUnavailable

_WRITES, _NEXT = 0, 1
_BUSY = (errno.EAGAIN, errno.EACCES)
_FLOCK = struct.Struct("hhqqi4x")
"""struct flock: type, whence, start, length, pid."""

PAUSES = ((0.0002, 100), (0.002, 100), (0.02, 1_000_000))
"""How long to wait between looks, and how often: who holds it is done within milliseconds, or is stuck."""


class Turn:
    """Held by one thread of this process at a time: the store's own."""

    def __init__(
        self, path: str, *, seconds: float, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._path = path
        self._seconds = seconds
        self._clock, self._sleep = clock, sleep
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> None:
        """Raises StoreUnavailable when nobody let go of it for `seconds`."""
        self._wait_for(_NEXT)
        try:
            self._wait_for(_WRITES)
        finally:
            self._drop(_NEXT)

    def give(self) -> None:
        """Idempotent."""
        self._drop(_WRITES)

    def close(self) -> None:
        """Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _wait_for(self, byte: int) -> None:
        if self._try(byte):
            return
        until = self._clock() + self._seconds
        for pause in chain(*(repeat(*each) for each in PAUSES)):
            self._sleep(pause)
            if self._try(byte):
                return
            if self._clock() > until:
                break
        raise StoreUnavailable(
            f"another process holds {self._path} for more than {self._seconds:g} s: "
            "see which with `fuser -v` and end it, or wait"
        )

    def _try(self, byte: int) -> bool:
        try:
            self._set(fcntl.F_WRLCK, byte)
        except OSError as error:
            if error.errno not in _BUSY:
                raise StoreUnavailable(f"{self._path} cannot be locked: {error.strerror}") from error
            return False
        return True

    def _drop(self, byte: int) -> None:
        with contextlib.suppress(OSError):
            self._set(fcntl.F_UNLCK, byte)

    def _set(self, kind: int, byte: int) -> None:
        fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, byte, 1, 0))
