"""Which leases still have a living process. Owned by the daemon's loop; event-driven by pidfds.

A lease's tree is the process that asked, whatever carries the lease's name in its environment, and
the process group that the asking process led. When the first ends the table is read once for the
rest, and again whenever one of those ends.
"""

import os
import selectors
from collections.abc import Callable, Iterator, Mapping

from sentinel.core.codec import LEASE_VARIABLE
from sentinel.core.lease import Survivor
from sentinel.core.process import ProcessId
from sentinel.ports.processes import ProcessTable

WATCHED_SURVIVORS = 32
"""Survivors of a lease that are watched at a time. The rest is found when these have ended."""


class Trees:
    """Watches processes of leases and of requests that wait for one."""

    def __init__(self, processes: ProcessTable, selector: selectors.BaseSelector) -> None:
        self._processes = processes
        self._selector = selector
        self._roots: dict[str, ProcessId] = {}
        self._uids: dict[str, int] = {}
        self._seen: dict[str, frozenset[ProcessId]] = {}
        self._fds: dict[str, list[int]] = {}
        self._due: set[str] = set()

    def plant(self, name: str, root: ProcessId, pidfd: int | None, *, uid: int = 0) -> None:
        """Watches the asking process, `uid`'s, of request or lease `name`. Takes the pidfd over."""
        self._roots[name] = root
        self._uids[name] = uid
        fd = pidfd if pidfd is not None else self._processes.watch(root)
        if fd is None:
            self._due.add(name)
        else:
            self._watch(name, fd)

    def fell(self, name: str) -> bool:
        """Forgets all about `name`."""
        known = self._roots.pop(name, None) is not None
        self._uids.pop(name, None)
        self._seen.pop(name, None)
        self._due.discard(name)
        self._unwatch(name)
        return known

    def ended(self, name: str) -> None:
        """A watched process of `name` has ended (its pidfd is readable)."""
        self._unwatch(name)
        if name in self._roots:
            self._due.add(name)

    @property
    def due(self) -> bool:
        return bool(self._due)

    def survey(self) -> dict[str, tuple[Survivor, ...]]:
        """For each tree that lost a process: who is left. One pass over the table for all of them."""
        due = {name: self._roots[name] for name in self._due if name in self._roots}
        self._due.clear()
        if not due:
            return {}
        left = self._left(due)
        for name, survivors in left.items():
            self._unwatch(name)
            for survivor in survivors[:WATCHED_SURVIVORS]:
                fd = self._processes.watch(survivor.process)
                if fd is None:
                    self._due.add(name)  # it ended while we looked, and may have left another: look again
                else:
                    self._watch(name, fd)
        return left

    def members(self, name: str) -> tuple[ProcessId, ...]:
        """Every living process of the tree, as far as can be told now: descendants included.

        They are remembered: a fork without the mark is known to be one of it while its parent lives.
        """
        root = self._roots.get(name)
        if root is None:
            return ()
        found = tuple(s.process for s in self._left({name: root})[name])
        self._seen[name] = frozenset(found)
        alive = self._processes.identify(root.pid) == root
        return ((root,) if alive else ()) + found

    def _left(self, roots: Mapping[str, ProcessId]) -> dict[str, tuple[Survivor, ...]]:
        found = self._processes.survivors(roots, LEASE_VARIABLE)
        return {name: tuple(self._ours(name, survivors)) for name, survivors in found.items()}

    def _ours(self, name: str, survivors: tuple[Survivor, ...]) -> Iterator[Survivor]:
        """Without those of other users, as anyone can set a variable; with those seen before."""
        owner = self._uids.get(name, 0)
        listed = {s.process for s in survivors}
        for survivor in survivors:
            if owner == 0 or self._processes.uid(survivor.process.pid) in (0, owner):
                yield survivor
        for process in self._seen.get(name, frozenset()) - listed:
            if self._processes.identify(process.pid) == process:
                yield Survivor(process=process, name=self._processes.name(process.pid) or "?")

    def alive(self, name: str) -> bool:
        root = self._roots.get(name)
        return root is not None and self._processes.identify(root.pid) == root

    def _watch(self, name: str, fd: int) -> None:
        self._fds.setdefault(name, []).append(fd)
        callback: Callable[[], None] = lambda: self.ended(name)  # noqa: E731 - the selector's data
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def _unwatch(self, name: str) -> None:
        for fd in self._fds.pop(name, ()):
            self._selector.unregister(fd)
            os.close(fd)
