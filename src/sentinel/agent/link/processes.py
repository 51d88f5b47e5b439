"""Whose a process on a GPU is: one of our jobs', what a job left behind, or somebody else's.

Called by `node_watch`. A job's processes carry SENTINEL_JOB=TOKEN in their environment, and are of the
session that its first process leads; one that threw its environment away still descends from that process.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sentinel.agent.link.attempt import Attempt
from sentinel.core.process import ProcessId

MARK = "SENTINEL_JOB"


class ProcessTable(Protocol):
    """Part of ports.processes.ProcessTable."""

    def identify(self, pid: int) -> ProcessId | None: ...

    def variable(self, pid: int, name: str) -> str | None: ...

    def descends(self, pid: int, ancestor: ProcessId) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Of a job that this node runs."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """By an attempt that has ended, or of which nothing is known any more."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """There is no such process any more: the list is a moment old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server of MPS: what it holds there is its clients', which are listed as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strange:
    """Not of the queue's."""


Whose = Ours | LeftBehind | Ended | Serving | Strange


class Processes:
    """Used by one thread. Remembers of each process what never changes: its mark."""

    def __init__(self, table: ProcessTable, *, sees_all: bool) -> None:
        """`sees_all`: a pid that is not in the table is one that has ended. Where pids of the driver's
        lists are another namespace's, or hidden, it is somebody's of whom nothing can be told."""
        self._table, self._sees_all = table, sees_all
        self._marks: dict[ProcessId, str] = {}

    def whose(
        self, pids: Iterable[int], attempts: Mapping[str, Attempt], mps: int | None = None
    ) -> dict[int, Whose]:
        """Of each of these pids. `attempts` are those that the supervisor has, by token; `mps` is the pid of
        the control daemon of MPS, which starts the servers."""
        daemon = None if mps is None else self._table.identify(mps)
        found: dict[int, Whose] = {}
        marks: dict[ProcessId, str] = {}
        for pid in pids:
            process = self._table.identify(pid)
            if process is None:
                found[pid] = Ended() if self._sees_all else Strange()
                continue
            mark = self._marks.get(process) or self._table.variable(pid, MARK)
            if mark is not None:  # without one it may just be in the middle of exec
                marks[process] = mark
            one = self._of(process, mark, attempts)
            if isinstance(one, Strange) and daemon is not None and self._table.descends(pid, daemon):
                one = Serving()
            found[pid] = one
        self._marks = marks
        return found

    def _of(self, process: ProcessId, mark: str | None, attempts: Mapping[str, Attempt]) -> Whose:
        if mark is None:
            parent = self._ancestor(process, attempts)
            return Strange() if parent is None else Ours(token=parent)
        attempt = attempts.get(mark)
        if attempt is None or attempt.phase.over:
            return LeftBehind(token=mark)
        return Ours(token=mark)

    def _ancestor(self, process: ProcessId, attempts: Mapping[str, Attempt]) -> str | None:
        for attempt in attempts.values():
            if attempt.pid is None or attempt.phase.over:
                continue
            first = self._table.identify(attempt.pid)
            if first is not None and self._table.descends(process.pid, first):
                return attempt.token
        return None
