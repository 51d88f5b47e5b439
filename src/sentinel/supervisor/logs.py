"""What jobs write: DIR/logs/JOB.ATTEMPT.log, opened here, written by the jobs themselves. Called by the loop.

Offsets in such a file never change. What is over the cap is cut out of its middle: a hole, which reads as
zeros and holds no disk. The first eighth of the cap stays, and the newest. Where the file system has no
holes to punch (EOPNOTSUPP: NFS before 4.2, FAT and the like), all but the first eighth goes, by making the
file short and long again.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from sentinel.supervisor.kernel import punch_hole

DEFAULT_CAP = 256 * 1024 * 1024
DEFAULT_TOTAL = 10 * 1024 * 1024 * 1024
KEPT_SECONDS = 7 * 86400.0
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Cut:
    start: int
    length: int


def cut(size: int, held: int, cap: int) -> Cut | None:
    """What is to go from the middle of a file of `size` bytes that holds `held` on the disk. More than
    needed, so that the next time is a while off."""
    if held <= cap:
        return None
    start = _up(cap // 8)
    end = (size - cap * 5 // 8) // _BLOCK * _BLOCK
    return Cut(start, end - start) if end > start else None


def _up(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


class Logs:
    """The folder of logs. `punch` as `kernel.punch_hole`."""

    def __init__(
        self,
        folder: Path,
        *,
        cap: int = DEFAULT_CAP,
        total: int = DEFAULT_TOTAL,
        punch: Callable[[int, int, int], None] = punch_hole,
    ) -> None:
        self._folder = str(folder)
        self._cap, self._total, self._punch = cap, total, punch
        self._sizes: dict[str, int] = {}
        folder.mkdir(mode=0o700, exist_ok=True)

    def open(self, job: str, attempt: int, uid: int | None) -> int:
        """A file descriptor to append to. `uid`: whose it shall be, so that /dev/stderr can be opened anew
        by a job of another user; the folder keeps all others out. OSError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self._path(job, attempt), flags, 0o600)
        if uid is not None:
            try:
                os.fchown(fd, uid, -1)
            except OSError:
                os.close(fd)
                raise
        return fd

    def tail(self, job: str, attempt: int, size: int = 1024) -> bytes:
        """The end of it; nothing where it cannot be read."""
        try:
            fd = os.open(self._path(job, attempt), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return b""
        try:
            return os.pread(fd, size, max(0, os.fstat(fd).st_size - size))
        except OSError:
            return b""
        finally:
            os.close(fd)

    def keep_small(self, job: str, attempt: int) -> None:
        """Cuts that log's middle out if it has grown over the cap. To be called now and then while it may
        grow."""
        path = self._path(job, attempt)
        try:
            found = os.stat(path)  # noqa: PTH116 - once a second for each job
        except OSError:
            return
        if self._sizes.get(path) == found.st_size:
            return
        self._sizes[path] = found.st_size
        what = cut(found.st_size, found.st_blocks * 512, self._cap)
        if what is not None:
            with contextlib.suppress(OSError):  # the next second is another try
                self._cut_out(path, what)

    def done(self, job: str, attempt: int) -> None:
        """That attempt writes no more."""
        self.keep_small(job, attempt)
        self._sizes.pop(self._path(job, attempt), None)

    def _cut_out(self, path: str, what: Cut) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            self._punch(fd, what.start, what.length)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
                raise
            size = os.fstat(fd).st_size
            os.ftruncate(fd, what.start)
            os.ftruncate(fd, size)
        finally:
            os.close(fd)

    def _path(self, job: str, attempt: int) -> str:
        return f"{self._folder}/{job}.{attempt}.log"

    # -------------------------------------------------------------- retention

    def sweep(self, known: Collection[tuple[str, int]], now: float) -> None:
        """Removes logs of attempts that are not `known` any more: old ones, and the oldest while all together
        hold too much. `now` in seconds since the epoch, as files have it."""
        keep = {f"{job}.{attempt}.log" for job, attempt in known}
        held = 0
        spare: list[tuple[float, int, str]] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    held += found.st_blocks * 512
                    if entry.name not in keep and entry.is_file(follow_symlinks=False):
                        spare.append((found.st_mtime, found.st_blocks * 512, entry.path))
        for changed, size, path in sorted(spare):
            if held <= self._total and now - changed < KEPT_SECONDS:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108
                held -= size
