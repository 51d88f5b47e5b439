"""The running kernel's log, /dev/kmsg. The agent's wiring opens it, and `sentinel health` without a file.

One read(2) gives one record, "priority,sequence,microseconds,flag;message" with " KEY=value" lines after it;
EAGAIN says that there are no more now, EPIPE that records were overwritten before they were read (dev-kmsg in
the kernel's ABI documentation). Reading takes root or CAP_SYSLOG where kernel.dmesg_restrict is 1.
"""

import errno
import os
from collections.abc import Sequence

from sentinel.ports.kernel_log import Lines, Unavailable

PATH = "/dev/kmsg"
_RECORD = 16 * 1024  # the kernel's longest is 8 KiB, and a smaller buffer gets EINVAL
_RECORDS_A_READ = 4096


def open_kmsg(
    path: str = PATH, *, from_now: bool = False, wanted: Sequence[bytes] = ()
) -> "Kmsg | Unavailable":
    """The log from the oldest record that the kernel still has, or `from_now` on.

    `wanted`: only records with one of these in them are given; none given: all are.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return Unavailable(source=path, why=_advice(path, error))
    try:
        os.lseek(number, 0, os.SEEK_END if from_now else os.SEEK_SET)
    except OSError as error:
        os.close(number)
        return Unavailable(source=path, why=_advice(path, error))
    return Kmsg(number, path, wanted)


class Kmsg:
    """Implements ports.kernel_log.KernelLog. Made by `open_kmsg`, owns `number`."""

    def __init__(self, number: int, path: str, wanted: Sequence[bytes]) -> None:
        self._number: int | None = number
        self.name = path
        self._wanted = tuple(wanted)
        self._next: int | None = None

    def fileno(self) -> int | None:
        return self._number

    def read(self) -> Lines:
        found: list[bytes] = []
        lost: str | None = None
        for _ in range(_RECORDS_A_READ):
            if self._number is None:
                return Lines(lines=tuple(found), lost=lost)
            try:
                record = os.read(self._number, _RECORD)
            except BlockingIOError:
                return Lines(lines=tuple(found), lost=lost)
            except InterruptedError:
                continue
            except OSError as error:
                if error.errno == errno.EPIPE:  # the next read goes on with the oldest there is
                    continue
                lost = f"{self.name} cannot be read any more: {os.strerror(error.errno or 0)}"
                self.close()
                return Lines(lines=tuple(found), lost=lost)
            if not record:  # the end of something that is no log device
                return Lines(lines=tuple(found), lost=lost)
            lost = self._gap(record) or lost
            if not self._wanted or any(word in record for word in self._wanted):
                found += record.splitlines()
        return Lines(lines=tuple(found), lost=lost, more=True)

    def close(self) -> None:
        if self._number is not None:
            os.close(self._number)
            self._number = None

    def _gap(self, record: bytes) -> str | None:
        """Says which records before this one are missing: the kernel numbers them without gaps."""
        parts = record[:64].split(b",", 2)
        if len(parts) < 3 or not parts[1].isdigit():
            return None
        number, expected = int(parts[1]), self._next
        self._next = number + 1
        if expected is None or number <= expected:
            return None
        return f"{number - expected} records of {self.name} were overwritten before they could be read"


def _advice(path: str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"{path} may not be read: run this as root, or give it CAP_SYSLOG"
    if isinstance(error, FileNotFoundError):
        return f"{path} is not there (a container has none): give a saved log, from journalctl -k or dmesg"
    return f"{path} cannot be read: {os.strerror(error.errno or 0)}"
