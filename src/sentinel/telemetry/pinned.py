"""Which process has a pid, known for certain and nearly for free: a pidfd for each, one poll for all.

Called by `sampler`, which has to know in each sample that pid 4711 is still the process whose owner it
looked up earlier. To read /proc/PID/stat of 320 processes costs more than the whole rest of a sample. A
pidfd that has not become readable is proof: the process lives, so nobody else has its pid.
"""

import os
import resource
import select
from collections.abc import Callable, Iterable

from sentinel.core.process import ProcessId

Identify = Callable[[int], ProcessId | None]
MOST = 4096


class PinnedProcesses:
    """Processes held by pidfds. Those for which there is none to be had are looked up each time.

    Not for several threads at once.
    """

    def __init__(self, identify: Identify, *, most: int | None = None) -> None:
        """`most` pidfds are kept; by default half of the files that this process may open."""
        self._identify = identify
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        limit = MOST if soft == resource.RLIM_INFINITY else soft // 2
        self._most = min(MOST, limit) if most is None else most
        self._held: dict[int, tuple[int, ProcessId]] = {}  # pid → pidfd, who
        self._pids: dict[int, int] = {}  # pidfd → pid
        self._ends = select.epoll()

    def who(self, pids: Iterable[int]) -> dict[int, ProcessId]:
        """Who has these pids now; those that nobody has are left out. Any other process is let go."""
        wanted = set(pids)
        self._release_ended()
        for pid in self._held.keys() - wanted:
            self._release(pid)
        found: dict[int, ProcessId] = {}
        for pid in wanted:
            held = self._held.get(pid)
            process = held[1] if held else self._met(pid)
            if process is not None:
                found[pid] = process
        return found

    def close(self) -> None:
        """Lets go of all."""
        for pid in list(self._held):
            self._release(pid)
        self._ends.close()

    def _release_ended(self) -> None:
        if not self._held:
            return
        for fd, _ in self._ends.poll(0, len(self._held)):
            self._release(self._pids[fd])

    def _met(self, pid: int) -> ProcessId | None:
        if len(self._held) >= self._most:
            return self._identify(pid)
        try:
            fd = os.pidfd_open(pid)
        except OSError:
            return self._identify(pid)
        # Looked at once the pidfd is there: if that is this process, the pidfd is too, or is readable by now.
        process = self._identify(pid)
        if process is None:
            os.close(fd)
            return None
        try:
            self._ends.register(fd, select.EPOLLIN)
        except OSError:
            os.close(fd)
            return process
        self._held[pid], self._pids[fd] = (fd, process), pid
        return process

    def _release(self, pid: int) -> None:
        fd, _ = self._held.pop(pid)
        del self._pids[fd]
        self._ends.unregister(fd)
        os.close(fd)
