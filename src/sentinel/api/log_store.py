"""What agents sent of jobs' output: DATA/logs/JOB/ATTEMPT.log. Called by the API; emptied by housekeeping.

A log's offsets are those of the node's file. Appending is idempotent: what is there already is not written
again, and a gap stays a hole. A log that is whole is read-only (its mode is the marker, so it costs no
second file). A log over `most_each` loses its middle, like on the node. All of it blocks, on the disk alone;
any number of threads may use it, and each log has one writer, which is its node.
"""

import contextlib
import ctypes
import errno
import os
import re
import stat
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentinel.core.errors import SentinelError, UsageError

MOST_BYTES = 20 << 30  # of all logs together, on the disk
MOST_EACH = 256 << 20  # of one log, on the disk
KEPT_FRONT = 4 << 20
RESERVE = 256 << 20  # the disk's last bytes are the database's
MOST_OFFSET = 1 << 42
_ID = re.compile(r"[0-9a-z]{1,64}(?:[._][0-9]{1,10}){0,2}")  # of an array ID_INDEX, of a gang ID.ATTEMPT.RANK
_PUNCH = 0x01 | 0x02  # FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
_BLOCK = 4096


class LogDiskFull(SentinelError):
    """No room for logs; the sender keeps what it has, and tries again later."""

    retry = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSize:
    """`complete`: its node says that no more will come."""

    size: int
    complete: bool


class LogStore:
    """The logs in `folder`."""

    def __init__(
        self,
        folder: Path,
        *,
        most_bytes: int = MOST_BYTES,
        most_each: int = MOST_EACH,
        reserve: int = RESERVE,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._most, self._most_each, self._reserve = folder, most_bytes, most_each, reserve

    def append(self, job: str, attempt: int, offset: int, data: bytes, *, complete: bool = False) -> int:
        """Keeps `data`, which begins at `offset`; the size from then on. LogDiskFull, UsageError."""
        path = self._path(job, attempt)
        if not 0 <= offset <= MOST_OFFSET:
            raise UsageError(f"an offset is between 0 and {MOST_OFFSET}")
        try:
            if data:
                self._check_room()
            return self._append(path, offset, data, complete)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise LogDiskFull("the controller's disk is full; free some space there") from None
            raise SentinelError(f"the controller cannot keep logs: {error.strerror}") from None

    def size(self, job: str, attempt: int) -> LogSize | None:
        """How much there is; None when nothing came yet, or it was purged."""
        try:
            found = self._path(job, attempt).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return LogSize(size=found.st_size, complete=not found.st_mode & stat.S_IWUSR)

    def read(self, job: str, attempt: int, offset: int, limit: int) -> tuple[int, bytes]:
        """(where they begin, at most `limit` bytes) from `offset` on. No bytes at the end, or when there is
        no such log. What was cut out of the middle is passed over, and ends what is read at once."""
        try:
            fd = os.open(self._path(job, attempt), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            return offset, b""
        try:
            begin = os.lseek(fd, offset, os.SEEK_DATA)
            return begin, os.pread(fd, min(limit, os.lseek(fd, begin, os.SEEK_HOLE) - begin), begin)
        except OSError as error:
            if error.errno != errno.ENXIO:  # there is nothing from there on
                raise
            return offset, b""
        finally:
            os.close(fd)

    def attempts(self, job: str) -> list[int]:
        """Those of its attempts that have a log, in order."""
        folder = self._path(job, 1).parent
        with contextlib.suppress(FileNotFoundError):
            return sorted(int(path.stem) for path in folder.glob("*.log") if path.stem.isdigit())
        return []

    def purge(self, ended: Callable[[Sequence[str]], Collection[str]], *, batch: int = 500) -> list[str]:
        """Removes logs, the oldest first, until all fit; of jobs that `ended` returns (or that are not there
        any more) alone. The ids of those that lost theirs."""
        used, folders = self._usage()
        purged: list[str] = []
        for start in range(0, len(folders), batch):
            if used <= self._most:
                break
            some = folders[start : start + batch]
            may_go = ended([job for _, job, _ in some])
            for _, job, size in some:
                if used <= self._most:
                    break
                if job in may_go:
                    self._remove(job)
                    purged.append(job)
                    used -= size
        return purged

    # ------------------------------------------------------------------ files

    def _path(self, job: str, attempt: int) -> Path:
        if _ID.fullmatch(job) is None or not 1 <= attempt <= 1_000_000_000:
            raise UsageError("there is no such log: a job's id is like 4k2m9x0dvh, an attempt a number")
        return self._folder / job / f"{attempt}.log"

    def _check_room(self) -> None:
        found = os.statvfs(self._folder)
        reserve = min(self._reserve, found.f_blocks * found.f_frsize // 20)
        if found.f_bavail * found.f_frsize < reserve:
            raise LogDiskFull(
                "the controller's disk is nearly full; logs wait on their nodes until some is free"
            )

    def _append(self, path: Path, offset: int, data: bytes, complete: bool) -> int:
        fd = _open(path)
        try:
            found = os.fstat(fd)
            end = offset + len(data)
            if end > found.st_size:
                known = max(0, found.st_size - offset)
                _write(fd, memoryview(data)[known:], offset + known)
                if not data:
                    os.ftruncate(fd, end)  # the end was cut out
                self._cut_middle(fd)
            if complete and found.st_mode & stat.S_IWUSR:
                os.fchmod(fd, 0o400)
            return max(end, found.st_size)
        finally:
            os.close(fd)

    def _cut_middle(self, fd: int) -> None:
        """Frees the middle of a log that is too big, half of what is allowed at a time."""
        found = os.fstat(fd)
        if found.st_blocks * 512 <= self._most_each:
            return
        front = min(KEPT_FRONT, self._most_each // 4) // _BLOCK * _BLOCK
        last = (found.st_size - self._most_each // 2) // _BLOCK * _BLOCK
        if last > front:
            _LIBC.fallocate(fd, _PUNCH, ctypes.c_long(front), ctypes.c_long(last - front))

    def _usage(self) -> tuple[int, list[tuple[float, str, int]]]:
        """Bytes on the disk, and (changed at, job, bytes) of each job, the oldest first."""
        found: list[tuple[float, str, int]] = []
        for folder in os.scandir(self._folder):
            if not folder.is_dir(follow_symlinks=False):
                continue
            newest, size = 0.0, 0
            with contextlib.suppress(FileNotFoundError):
                for file in os.scandir(folder.path):
                    status = file.stat(follow_symlinks=False)
                    newest, size = max(newest, status.st_mtime), size + status.st_blocks * 512
            found.append((newest, folder.name, size))
        return sum(size for _, _, size in found), sorted(found)

    def _remove(self, job: str) -> None:
        folder = self._folder / job
        with contextlib.suppress(FileNotFoundError):
            for file in os.scandir(folder):
                Path(file.path).unlink()
            folder.rmdir()


_LIBC = ctypes.CDLL(None, use_errno=True)  # fallocate may fail: the log stays as big as it is, then


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        return os.open(path, flags, 0o600)
    except PermissionError:  # it is complete, hence read-only: what is told again is there already
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)


def _write(fd: int, data: memoryview, offset: int) -> None:
    while data:
        written = os.pwrite(fd, data, offset)
        data, offset = data[written:], offset + written
