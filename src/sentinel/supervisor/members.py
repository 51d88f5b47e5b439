"""Everything that is part of a job: finding it and signalling it. Called by `endings`.

Where the job has a scope of its own, its cgroup tells. Elsewhere: the group and session of its leader, and
the mark in the environment, for which the whole process table is read; so that is done only where something
may be left.
"""

import contextlib
import os
import signal

from sentinel.supervisor.attempts import Running
from sentinel.supervisor.cgroups import kill_all, processes_in
from sentinel.supervisor.proc import everybody, look, mark_of, started_within


def members(token: str, leader: Running, scope: str) -> list[int]:
    """Its living processes. `scope`: its cgroup's folder, or "".

    A number is not used again while a group or session has it: a later process with the leader's number means
    that there is none any more.
    """
    me = os.getpid()
    if scope:
        return [pid for pid in processes_in(scope) if pid != me and _lives(pid)]
    now = look(leader.pid) if leader.pid else None
    led = leader.pid if now is None or started_within(now, leader.began, leader.by) else 0
    found: list[int] = []
    for pid in everybody():
        seen = look(pid)
        if pid == me or seen is None or seen.ended:
            continue
        if (led and led in (seen.session, seen.group)) or mark_of(pid) == token:
            found.append(pid)
    return found


def signal_all(token: str, leader: Running, scope: str, number: int) -> list[int]:
    """Signals every process of it there is. Answers which: none, and it is over."""
    found = [pid for pid in members(token, leader, scope) if signal_process(pid, number)]
    if scope and number == signal.SIGKILL and found:
        kill_all(scope)  # what was forked meanwhile goes, too
    return found


def signal_group(leader: int, number: int) -> None:
    """Signals the group that `leader` leads, if it is there."""
    if leader > 1:  # 0 and 1 would be our own group and everybody
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, number)


def group_exists(leader: int) -> bool:
    """Whether anything is in that group."""
    if leader <= 1:
        return False
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def signal_process(pid: int, number: int) -> bool:
    """False when it is gone, or not ours to signal."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _lives(pid: int) -> bool:
    seen = look(pid)
    return seen is not None and not seen.ended
