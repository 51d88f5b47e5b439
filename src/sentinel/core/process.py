"""A process, told apart from a later one with the same pid by when it started."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ProcessId:
    """`pid` with its start time in clock ticks since boot (`/proc/PID/stat` field 22)."""

    pid: int
    started: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who is at the other end of a socket, as the kernel says it (never as the message says it)."""

    process: ProcessId
    uid: int
    gid: int
    user: str  # the uid's name, or the uid in digits where it has none
    groups: frozenset[int] = frozenset()
