"""The output of an attempt, DIR/logs/JOB.ATTEMPT.log, read piece by piece, holes left out.

Called by the thread that ships logs. The file only grows at its end; what is over the cap is cut out of its
middle, which leaves a hole and changes no offset.
"""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

MOST = 512 * 1024
"""Bytes in one piece: half of what the controller takes at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """`data` begins at `offset`, and the file ends at `size`. `data` is empty when there is nothing before
    that."""

    offset: int
    data: bytes
    size: int

    @property
    def end(self) -> int:
        """Where it ends; where it is empty, the file's end: up to there nothing but a hole is left."""
        return self.offset + len(self.data) if self.data else self.size


def log_path(folder: Path, job: str, attempt: int) -> Path:
    """Where the output of that attempt is."""
    return folder / "logs" / f"{job}.{attempt}.log"


def size_of(path: Path) -> int:
    """0 too when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def piece_at(path: Path, offset: int, most: int = MOST) -> Piece | None:
    """The next of it from `offset` on; None when the file is not there (any more) or cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        size = os.fstat(fd).st_size
        if offset >= size:
            return Piece(offset=offset, data=b"", size=size)
        start = _seek(fd, offset, os.SEEK_DATA, size)
        if start >= size:
            return Piece(offset=offset, data=b"", size=size)
        end = min(_seek(fd, start, os.SEEK_HOLE, size), start + most, size)
        return Piece(offset=start, data=os.pread(fd, end - start, start), size=size)
    except OSError:
        return None
    finally:
        os.close(fd)


def tail_of(path: Path, most: int) -> bytes:
    """The last of it; nothing when it cannot be read."""
    try:
        with path.open("rb") as found:
            found.seek(max(0, os.fstat(found.fileno()).st_size - most))
            return found.read(most)
    except OSError:
        return b""


def _seek(fd: int, offset: int, what: int, size: int) -> int:
    try:
        return os.lseek(fd, offset, what)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole up to the end
            return size
        raise
