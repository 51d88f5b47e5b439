"""One server for each data folder: a locked file with its pid. Called by all commands of the controller.

The lock says whether one runs: the kernel lets go of it when its process ends, however that happens. Pid and
start time say which; they are believed only together.
"""

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sentinel.core.errors import SentinelError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process that lives. `started`: clock ticks since boot, as in /proc/PID/stat."""

    pid: int
    started: int


class Lock:
    """Held until `release`, or the end of this process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        """Idempotent."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


def take(path: Path, what: str) -> Lock:
    """The lock, with our pid in the file. SentinelError, with the other's pid, when somebody has it.

    `what` is what cannot be done then."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}; name another folder with --data-dir"
        ) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        other = running(path)
        pid = "" if other is None else f" (pid {other.pid})"
        data_dir = path.parent.parent
        raise SentinelError(
            f"{what}: a controller{pid} uses {data_dir}; stop it first: sentinel down --data-dir {data_dir}"
        ) from None
    me = os.getpid()
    os.ftruncate(fd, 0)
    os.write(fd, json.dumps({"pid": me, "started": start_time(me)}).encode())
    return Lock(fd)


def running(path: Path) -> Running | None:
    """Whoever holds the lock; None when nobody does, or it cannot be told who."""
    if not locked(path):
        return None
    try:
        raw: Any = json.loads(path.read_bytes())
        found = cast("dict[str, Any]", raw)
        other = Running(pid=int(found["pid"]), started=int(found["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return other if start_time(other.pid) == other.started else None


def locked(path: Path) -> bool:
    """Whether somebody holds the lock now."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; run as the user who started it") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def start_time(pid: int) -> int | None:
    """When it was started, in clock ticks since boot; None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])
