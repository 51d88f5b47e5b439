"""A process table made of nothing, for tests of whatever asks about processes. Scriptable.

The contract suite (tests/contracts/test_process_table.py) runs against it too.
"""

import itertools
import os
import signal as signals
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sentinel.core.lease import Survivor
from sentinel.core.process import ProcessId


@dataclass(slots=True, kw_only=True)
class FakeProcess:
    """One process. `deaf` survives SIGTERM; `unreadable` hides its environment; `zombie` has ended
    but was not waited for."""

    process: ProcessId
    name: str = "python3"
    uid: int = 1000
    terminal: int | None = None  # the uid that owns the terminal it sits at
    parent: int = 1
    group: int = 0
    env: dict[str, str] = field(default_factory=dict[str, str])
    cgroups: tuple[str, ...] = ("/user.slice",)
    deaf: bool = False
    unreadable: bool = False
    zombie: bool = False


class FakeProcesses:
    """A ProcessTable. `spawn`, `end` and the processes' fields script it; `signals` says who got what."""

    def __init__(self) -> None:
        self.table: dict[int, FakeProcess] = {}
        self.signals: list[tuple[int, int]] = []
        self.written: list[tuple[int, str]] = []
        self.surveys = 0
        self.ends_when_watched: ProcessId | None = None  # it ends just before somebody could watch it
        self._clock = itertools.count(1000)
        self._pids = itertools.count(100)
        self._watchers: dict[ProcessId, list[int]] = {}

    def spawn(
        self,
        name: str = "python3",
        *,
        pid: int | None = None,
        uid: int = 1000,
        parent: ProcessId | None = None,
        group: ProcessId | None = None,
        env: Mapping[str, str] | None = None,
        cgroups: tuple[str, ...] = ("/user.slice",),
    ) -> ProcessId:
        """A new process; it leads a group of its own unless it is put into another's."""
        number = next(self._pids) if pid is None else pid
        process = ProcessId(number, next(self._clock))
        self.table[number] = FakeProcess(
            process=process,
            name=name,
            uid=uid,
            parent=parent.pid if parent else 1,
            group=group.pid if group else number,
            env=dict(env or {}),
            cgroups=cgroups,
        )
        return process

    def end(self, process: ProcessId, *, zombie: bool = False) -> None:
        """It ends; its children become init's."""
        if zombie:
            self.table[process.pid].zombie = True
        else:
            del self.table[process.pid]
        for other in self.table.values():
            if other.parent == process.pid:
                other.parent = 1
        for writer in self._watchers.pop(process, ()):
            os.close(writer)

    def close(self) -> None:
        """Closes what `watch` left open at this side."""
        for writers in self._watchers.values():
            for writer in writers:
                os.close(writer)
        self._watchers.clear()

    # ------------------------------------------------------------------ the port

    def identify(self, pid: int) -> ProcessId | None:
        one = self.table.get(pid)
        return None if one is None or one.zombie else one.process

    def name(self, pid: int) -> str | None:
        one = self.table.get(pid)
        return None if one is None else "".join(c if c.isprintable() else "?" for c in one.name)

    def uid(self, pid: int) -> int | None:
        one = self.table.get(pid)
        return None if one is None else one.uid

    def cgroups(self, pid: int) -> tuple[str, ...]:
        one = self.table.get(pid)
        return () if one is None else one.cgroups

    def variable(self, pid: int, name: str) -> str | None:
        one = self.table.get(pid)
        return None if one is None or one.unreadable else one.env.get(name)

    def survivors(self, roots: Mapping[str, ProcessId], marker: str) -> dict[str, tuple[Survivor, ...]]:
        self.surveys += 1
        return {lease: tuple(self._of(lease, root, marker)) for lease, root in roots.items()}

    def _of(self, lease: str, root: ProcessId, marker: str) -> Iterable[Survivor]:
        there = self.table.get(root.pid)
        reused = there is not None and there.process != root
        for one in self.table.values():
            if one.zombie or one.process == root:
                continue
            led = one.group == root.pid and one.process.started >= root.started and not reused
            if led or self.descends(one.process.pid, root) or self.variable(one.process.pid, marker) == lease:
                yield Survivor(process=one.process, name=one.name)

    def descends(self, pid: int, ancestor: ProcessId) -> bool:
        while one := self.table.get(pid):
            if pid == ancestor.pid:
                return one.process == ancestor
            pid = one.parent
        return False

    def watch(self, process: ProcessId) -> int | None:
        if process == self.ends_when_watched and process.pid in self.table:
            self.end(process)
        if self.identify(process.pid) != process:
            return None
        reader, writer = os.pipe()
        self._watchers.setdefault(process, []).append(writer)
        return reader

    def signal(self, processes: Iterable[ProcessId], number: int) -> int:
        reached = 0
        for process in processes:
            if self.identify(process.pid) != process:
                continue
            reached += 1
            self.signals.append((process.pid, number))
            if number == signals.SIGKILL or (number == signals.SIGTERM and not self.table[process.pid].deaf):
                self.end(process)
        return reached

    def write_to_terminal(self, process: ProcessId, uid: int, text: str) -> bool:
        one = self.table.get(process.pid)
        if one is None or one.process != process or one.terminal != uid:
            return False
        self.written.append((process.pid, text))
        return True
