"""The process table by /proc and pidfd. The arbiter's wiring hands it to the daemon.

Standard library only. Formats: proc(5), pidfd_open(2).
"""

import os
import signal as signals
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sentinel.core.lease import Survivor
from sentinel.core.process import ProcessId
from sentinel.drivers.processes.proc_file import read_file

_MAX_ENVIRONMENT = 4 * 1024 * 1024
_KERNEL_THREADS = 2  # the parent of them all; they have no environment
_MOST_PASSES = 8


class ProcFs:
    """Implements ports.processes.ProcessTable. `root` is where /proc is, for tests."""

    def __init__(self, root: Path = Path("/proc")) -> None:
        self._root = str(root)

    def identify(self, pid: int) -> ProcessId | None:
        fields = self._stat(pid)
        return None if fields is None or fields[0] in ("Z", "X") else ProcessId(pid, int(fields[19]))

    def name(self, pid: int) -> str | None:
        line = self._read(pid, "cmdline", 4096)
        first = (line or b"").split(b"\0", 1)[0].decode(errors="replace")
        name = first.rsplit("/", 1)[-1].strip()
        if not name:
            comm = self._read(pid, "comm", 64)
            if comm is None:
                return None
            name = comm.decode(errors="replace").strip()
        return "".join(c if c.isprintable() else "?" for c in name)[:64]

    def uid(self, pid: int) -> int | None:
        for line in (self._read(pid, "status", 8192) or b"").splitlines():
            if line.startswith(b"Uid:"):
                return int(line.split()[1])
        return None

    def cgroups(self, pid: int) -> tuple[str, ...]:
        lines = (self._read(pid, "cgroup", 65536) or b"").decode(errors="replace").splitlines()
        return tuple(line.split(":", 2)[2] for line in lines if line.count(":") >= 2)

    def variable(self, pid: int, name: str) -> str | None:
        return _variable(self._read(pid, "environ", _MAX_ENVIRONMENT), name)

    def survivors(self, roots: Mapping[str, ProcessId], marker: str) -> dict[str, tuple[Survivor, ...]]:
        found, unsure = self._survivors(roots, marker)
        for _ in range(_MOST_PASSES):
            # A process that was listed and had ended when it was read may have started another that was
            # not listed yet; one in the middle of exec has no environment. So until nothing new is unsure.
            before = unsure
            found, unsure = self._survivors(roots, marker)
            if unsure <= before:
                break
        return {
            lease: tuple(Survivor(process=p, name=self.name(p.pid) or "?") for p in processes)
            for lease, processes in found.items()
        }

    def _survivors(
        self, roots: Mapping[str, ProcessId], marker: str
    ) -> tuple[dict[str, list[ProcessId]], frozenset[int]]:
        """One pass over the table: each lease's processes, and the pids that could not be told."""
        groups = {root.pid: (lease, root) for lease, root in roots.items() if self._names_its_group(root)}
        found: dict[str, list[ProcessId]] = {lease: [] for lease in roots}
        alive: dict[int, tuple[ProcessId, int]] = {}  # with the parent's pid
        placed: set[ProcessId] = set(roots.values())
        unsure: set[int] = set()
        for pid in self._pids():
            fields = self._stat(pid)
            if fields is None or fields[0] in ("Z", "X"):
                unsure.add(pid)
                continue
            process, parent = ProcessId(pid, int(fields[19])), int(fields[1])
            alive[pid] = process, parent
            led = groups.get(int(fields[2]))
            lease = led[0] if led is not None and process.started >= led[1].started else None
            if lease is None and parent != _KERNEL_THREADS:
                environment = self._read(pid, "environ", _MAX_ENVIRONMENT)
                lease = _variable(environment, marker)
                if not environment:
                    unsure.add(pid)
            if lease in found and process not in placed:
                placed.add(process)
                found[lease].append(process)
        for lease, root in roots.items():
            for process in _descendants(root, alive):
                if process not in placed:
                    placed.add(process)
                    found[lease].append(process)
        return found, frozenset(unsure)

    def _names_its_group(self, root: ProcessId) -> bool:
        """A number is not used again while a group has it: a later process of that pid means that the
        group which `root` led is gone."""
        fields = self._stat(root.pid)
        return fields is None or int(fields[19]) == root.started

    def descends(self, pid: int, ancestor: ProcessId) -> bool:
        seen = 0
        while pid > 0 and seen < 1024:
            fields = self._stat(pid)
            if fields is None:
                return False
            if pid == ancestor.pid:
                return int(fields[19]) == ancestor.started
            pid, seen = int(fields[1]), seen + 1
        return False

    def watch(self, process: ProcessId) -> int | None:
        try:
            fd = os.pidfd_open(process.pid)
        except (OSError, OverflowError):  # the latter: a number that no pid can be
            return None
        if self.identify(process.pid) == process:
            return fd
        os.close(fd)
        return None

    def signal(self, processes: Iterable[ProcessId], number: int) -> int:
        reached = 0
        for process in processes:
            fd = self.watch(process)  # a pidfd cannot come to mean another process
            if fd is None:
                continue
            try:
                signals.pidfd_send_signal(fd, number)
                reached += 1
            except OSError:
                pass  # it ended in between, or is not ours to signal
            finally:
                os.close(fd)
        return reached

    def write_to_terminal(self, process: ProcessId, uid: int, text: str) -> bool:
        fields = self._stat(process.pid)
        if fields is None or int(fields[19]) != process.started:
            return False
        device = int(fields[4])
        major, minor = (device >> 8) & 0xFFF, (device & 0xFF) | ((device >> 12) & 0xFFF00)
        if not 136 <= major <= 143:  # pseudo terminals, the kind that people sit at
            return False
        path = f"/dev/pts/{minor + (major - 136) * 256}"
        clean = "".join(c if c.isprintable() else "?" for c in text)
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            terminal = os.fstat(fd)
            if terminal.st_uid != uid or not terminal.st_mode & stat.S_IWGRP:  # mesg(1) n
                return False
            os.write(fd, f"\r\nsentinel: {clean}\r\n".encode())
            return True
        except OSError:
            return False
        finally:
            os.close(fd)

    # -------------------------------------------------------------- reading

    def _pids(self) -> Iterator[int]:
        with os.scandir(self._root) as entries:
            for entry in entries:
                if entry.name.isdigit():
                    yield int(entry.name)

    def _read(self, pid: int, file: str, limit: int) -> bytes | None:
        return read_file(f"{self._root}/{pid}/{file}", limit)

    def _stat(self, pid: int) -> list[str] | None:
        """Fields of /proc/PID/stat from the third (state) on: 0 state, 1 ppid, 2 pgrp, 19 start time.

        The second is the program's name in brackets, and may itself hold brackets and spaces.
        """
        line = self._read(pid, "stat", 4096)
        if not line or b")" not in line:
            return None
        fields = line[line.rindex(b")") + 2 :].decode().split()
        return fields if len(fields) > 19 else None


def _descendants(root: ProcessId, alive: Mapping[int, tuple[ProcessId, int]]) -> Iterator[ProcessId]:
    """Children of `root`, and theirs, among the living; none once it has ended itself."""
    if alive.get(root.pid, (None,))[0] != root:
        return
    children: dict[int, list[int]] = {}
    for pid, (_, parent) in alive.items():
        children.setdefault(parent, []).append(pid)
    todo = list(children.get(root.pid, ()))
    while todo:
        pid = todo.pop()
        yield alive[pid][0]
        todo += children.get(pid, ())


def _variable(environment: bytes | None, name: str) -> str | None:
    if not environment:
        return None
    key = name.encode() + b"="
    start = 0 if environment.startswith(key) else environment.find(b"\0" + key) + 1
    if start == 0 and not environment.startswith(key):
        return None
    value = environment[start + len(key) :].split(b"\0", 1)[0]
    return value.decode(errors="replace")
