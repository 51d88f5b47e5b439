"""The process table, as far as the supervisor needs it, by /proc (proc(5)). Called by the adoption and the
ending.

A process is told apart from a later one with its number by its start time.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from sentinel.supervisor.environment import MARK

TICKS = os.sysconf("SC_CLK_TCK")
_MOST_ENVIRONMENT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """`started` in clock ticks since boot. `exit_status` is a wait status, once it is a zombie's and ours to
    see."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    started: int
    exit_status: int | None

    @property
    def ended(self) -> bool:
        return self.state in ("Z", "X")


def look(pid: int) -> Seen | None:
    """That process; None when there is none."""
    text = _read(f"/proc/{pid}/stat", 4096)
    if text is None or b")" not in text:
        return None
    # The second field is the program's name in brackets, and may itself hold brackets and spaces.
    fields = text[text.rindex(b")") + 2 :].decode().split()
    if len(fields) < 50:
        return None
    state = fields[0]
    return Seen(
        pid=pid,
        state=state,
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        started=int(fields[19]),
        exit_status=int(fields[49]) if state == "Z" else None,
    )


def mark_of(pid: int, mark: str = MARK) -> str | None:
    """The token that its environment names; None when it names none, or is not ours to see."""
    text = _read(f"/proc/{pid}/environ", _MOST_ENVIRONMENT)
    if not text:
        return None
    key = mark.encode() + b"="
    start = 0 if text.startswith(key) else text.find(b"\0" + key) + 1
    if start == 0 and not text.startswith(key):
        return None
    return text[start + len(key) :].split(b"\0", 1)[0].decode(errors="replace")


def environment_of_process(pid: int) -> dict[str, str]:
    """What it was executed with, or what it has since written over that; empty when that is not ours to
    see."""
    text = _read(f"/proc/{pid}/environ", _MOST_ENVIRONMENT) or b""
    words = (os.fsdecode(word).partition("=") for word in text.split(b"\0"))
    return {name: value for name, equals, value in words if name and equals}


def real_uid(pid: int) -> int | None:
    """Who runs it; None when it is gone."""
    for line in (_read(f"/proc/{pid}/status", 8192) or b"").splitlines():
        if line.startswith(b"Uid:"):
            return int(line.split()[1])
    return None


def everybody() -> Iterator[int]:
    """All pids there are."""
    with os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdigit():
                yield int(entry.name)


def own_children() -> list[int]:
    """Our children, ended ones that nobody waited for included."""
    me = os.getpid()
    text = _read(f"/proc/self/task/{me}/children", 1 << 20)
    if text is not None:
        return [int(word) for word in text.split()]
    return [pid for pid in everybody() if (seen := look(pid)) is not None and seen.parent == me]


def started_within(seen: Seen, began: float, by: float) -> bool:
    """Whether it can be the process that was made between these two times of CLOCK_BOOTTIME."""
    return int(began * TICKS) - 1 <= seen.started <= int(by * TICKS) + 1


def _read(path: str, limit: int) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        parts: list[bytes] = []
        size = 0
        while size < limit and (part := os.read(fd, 65536)):
            parts.append(part)
            size += len(part)
        return b"".join(parts)
    except OSError:
        return None
    finally:
        os.close(fd)
