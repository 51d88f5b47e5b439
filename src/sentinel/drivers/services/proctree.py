"""The processes of one service, found in /proc by parentage, session and a mark in their environment.

Called by the process driver.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentinel.core.process import ProcessId

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """What we need of /proc/PID/stat."""

    process: ProcessId
    session: int
    alive: bool


def read_stat(pid: int) -> Stat | None:
    """None when there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name in parentheses may hold anything
    state, session, threads, started = fields[0], int(fields[3]), int(fields[17]), int(fields[19])
    # A zombie with threads is a leader that left before its threads: the memory is still there.
    alive = state not in "ZXx" or threads > 1
    return Stat(process=ProcessId(pid, started), session=session, alive=alive)


def lives(process: ProcessId) -> bool:
    """It runs still, and its pid has not gone to another. A zombie does not live."""
    now = read_stat(process.pid)
    return now is not None and now.alive and now.process == process


def family(root: int) -> Iterator[ProcessId]:
    """The living among `root` and its descendants. Costs as much as there are of them."""
    todo = [root]
    while todo:
        pid = todo.pop()
        stat = read_stat(pid)
        if stat is None:
            continue
        if stat.alive:
            yield stat.process
        todo.extend(_children(pid))


def relatives(*, session: int | None, mark: bytes, owners: frozenset[int]) -> Iterator[ProcessId]:
    """The living in `session` or with `mark` ("NAME=value") in the environment, wherever they moved to.

    Reads all of /proc. The mark counts only on processes of `owners` (uids), as anyone can set a variable.
    """
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        stat = read_stat(int(entry.name))
        if stat is None or not stat.alive:
            continue
        if (session is not None and stat.session == session) or _is_marked(entry, mark, owners):
            yield stat.process


def _children(pid: int) -> Iterator[int]:
    try:
        for task in (_PROC / str(pid) / "task").iterdir():
            yield from map(int, (task / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        return


def _is_marked(entry: Path, mark: bytes, owners: frozenset[int]) -> bool:
    try:
        return mark in (entry / "environ").read_bytes().split(b"\0") and _real_uid(entry) in owners
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def _real_uid(entry: Path) -> int:
    """Not the folder's owner: that is root for any process that made itself undumpable."""
    text = (entry / "status").read_text(errors="replace")
    return int(text[text.index("\nUid:") + 5 :].split(None, 1)[0])
