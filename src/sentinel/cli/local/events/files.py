"""The files of the event log, read in order while somebody writes and rotates them.

Called by `sentinel events`. `events.jsonl` is the newest, then `.1`, `.2` and so on. A file is known by its
inode: its name changes under us.
"""

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from sentinel.core.errors import SentinelError
from sentinel.inventory.eventlog import LOG

_MOST_KEPT = 99  # whoever keeps more rotated files than that reads them by other means
_MOST_MISSING = 2  # in the middle of a rotation, names are free for a moment
_CHUNK = 256 * 1024
LONGEST_LINE = 1024 * 1024


class LogFile:
    """One open file of the log, read line by line as it grows."""

    def __init__(self, descriptor: int) -> None:
        self._file = descriptor
        self.inode = os.fstat(descriptor).st_ino
        self._read = 0
        self._rest = b""

    def lines(self) -> Iterator[bytes]:
        """The whole lines since the last call. One that is too long comes cut off, so it is no JSON."""
        if os.fstat(self._file).st_size < self._read:
            self._read, self._rest = 0, b""  # truncated: what is there now is new
        while chunk := os.pread(self._file, _CHUNK, self._read):
            self._read += len(chunk)
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            yield from whole
            self._rest = self._rest[:LONGEST_LINE]

    def last(self) -> bytes:
        """What follows the last newline: a line that is still being written, or was never finished."""
        return self._rest

    def close(self) -> None:
        os.close(self._file)


class EventFiles:
    """All lines of the log in `folder`, oldest first, then those that come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current: LogFile | None = None

    def __enter__(self) -> "EventFiles":
        return self

    def __exit__(self, *_: object) -> None:
        if self._current is not None:
            self._current.close()

    @property
    def found(self) -> bool:
        """Whether there is a log at all."""
        return self._current is not None

    @property
    def unfinished(self) -> bytes:
        """What follows the last newline of the newest file."""
        return b"" if self._current is None else self._current.last()

    def lines(self) -> Iterator[bytes]:
        """The whole lines since the last call; on the first one all that are kept. Survives rotation and
        truncation in between. Raises SentinelError when the files cannot be read."""
        current = self._current
        if current is not None:
            yield from current.lines()
            if _inode(self._folder / LOG) == current.inode:
                return
        newer = self._since(None if current is None else current.inode)
        if current is not None:
            yield from current.lines()  # what came between the last look and the rotation
            if current.last():
                yield current.last()
        if not newer:
            return
        self._current = newer[-1]
        if current is not None:
            current.close()
        for file in newer[:-1]:
            with closing(file):
                yield from file.lines()
                if file.last():
                    yield file.last()
        yield from self._current.lines()

    def _since(self, inode: int | None) -> list[LogFile]:
        """The files newer than that one, opened, oldest first.

        Opened newest first: a rotation meanwhile moves files towards those still to come, so one may be
        met twice, and none is missed.
        """
        found: dict[int, LogFile] = {}
        missing = 0
        for path in self._paths():
            file = _opened(path)
            if file is None:
                missing += 1
                if missing > _MOST_MISSING:
                    break
                continue
            if file.inode == inode or file.inode in found:
                file.close()
                if file.inode == inode:
                    break
                continue
            found[file.inode] = file
        return list(reversed(found.values()))

    def _paths(self) -> Iterator[Path]:
        yield self._folder / LOG
        for number in range(1, _MOST_KEPT + 1):
            yield self._folder / f"{LOG}.{number}"


def _opened(path: Path) -> LogFile | None:
    try:
        return LogFile(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    except PermissionError:
        raise SentinelError(f"{path}: not yours to read; ask an admin, or run this as root") from None
    except OSError as error:
        raise SentinelError(f"{path}: cannot be read: {error.strerror}") from None


def _inode(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_ino
    return None
