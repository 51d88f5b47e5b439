"""Disk, memory and stuck processes of this node, by /proc and statvfs. Wirings hand it to the health rounds.

Standard library only. Formats: proc(5), the kernel's accounting/psi.
"""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from sentinel.core.process import ProcessId
from sentinel.ports.node_pressure import DiskSpace, NodePressure, StuckProcess

_INITIAL_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO, fixed in the kernel's sources
_DEVICE = re.compile(r"/dev/nvidia(\d+)(?: \(deleted\))?")
_KERNEL_THREADS = b"2"  # the parent of them all; they have no files
_MOST_THREADS = 64  # of one process: whoever holds on to a device is among the first or nobody sees it soon

_Seen = tuple[str, int, float]  # state, processor time in ticks, since when (epoch)


class PressureReader:
    """Implements ports.node_pressure.NodePressureSource.

    `folders` are those whose disks matter; one that does not exist counts as its nearest parent.
    It remembers from one read to the next since when a process is stuck. `proc` is where /proc is.
    """

    def __init__(self, folders: Sequence[Path], proc: Path = Path("/proc")) -> None:
        self._folders = tuple(folders)
        self._proc = str(proc)
        self._before: dict[ProcessId, _Seen] = {}

    def read(self, gpu_pids: Collection[int], now: float) -> NodePressure:
        """See the port. One small file a process; more only of those that are in state Z or D."""
        memory = self._memory()
        stuck, unreadable = self._stuck(frozenset(gpu_pids), now)
        return NodePressure(
            disks=tuple(_space(folder) for folder in self._folders),
            memory_total_bytes=memory.get("MemTotal"),
            memory_available_bytes=memory.get("MemAvailable"),
            memory_full_percent=self._stalled("memory"),
            io_full_percent=self._stalled("io"),
            stuck=stuck,
            unreadable=unreadable,
            sees_host_processes=self._sees_host_processes(),
        )

    def _memory(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for line in (self._read("meminfo", 16384) or b"").splitlines():
            name, _, rest = line.partition(b":")
            words = rest.split()
            if name in (b"MemTotal", b"MemAvailable") and words and words[0].isdigit():
                found[name.decode()] = int(words[0]) * 1024
        return found

    def _stalled(self, what: str) -> float | None:
        """The share of the last minute in which all waited; None where the kernel does not count it."""
        for line in (self._read(f"pressure/{what}", 1024) or b"").decode(errors="replace").splitlines():
            match = re.match(r"full .*\bavg60=(\d{1,3}(?:\.\d+)?)\b", line)
            if match:
                return float(match[1])
        return None

    def _sees_host_processes(self) -> bool | None:
        if b"microsoft" in (self._read("sys/kernel/osrelease", 256) or b"").lower():
            return False  # WSL: the card's processes are Windows'
        try:
            return os.readlink(f"{self._proc}/self/ns/pid") == _INITIAL_PID_NAMESPACE  # noqa: PTH115
        except OSError:
            return None

    # ------------------------------------------------------------ processes

    def _stuck(self, gpu_pids: frozenset[int], now: float) -> tuple[tuple[StuckProcess, ...] | None, int]:
        """Those with a GPU, and how many could not be told."""
        found: list[StuckProcess] = []
        seen: dict[ProcessId, _Seen] = {}
        unreadable = 0
        try:
            pids = list(self._pids())
        except OSError:
            return None, 0
        for pid in pids:
            stat = self._stat(pid)
            if stat is None:
                continue
            process, state, name, ticks = stat
            before = self._before.get(process)
            same = before is not None and before[:2] == (state, ticks) and before[2] <= now
            since = before[2] if before is not None and same else now
            seen[process] = (state, ticks, since)
            devices = self._devices(pid)
            if devices is None and pid not in gpu_pids:
                # A zombie without threads has no files, and nothing of it can hold a GPU.
                unreadable += state == "D" or self._threads(pid) > 1
            elif devices or pid in gpu_pids:
                found.append(
                    StuckProcess(process=process, state=state, name=name, since=since, devices=devices or ())
                )
        self._before = seen
        return tuple(found), unreadable

    def _pids(self) -> Iterator[int]:
        with os.scandir(self._proc) as entries:
            for entry in entries:
                if entry.name.isdigit():
                    yield int(entry.name)

    def _stat(self, pid: int) -> tuple[ProcessId, str, str, int] | None:
        """Who it is, state, name and processor time, if it is a zombie or sleeps uninterruptibly."""
        line = self._read(f"{pid}/stat", 4096)
        end = -1 if line is None else line.rfind(b") ")
        if line is None or line[end + 2 : end + 3] not in (b"Z", b"D"):
            return None
        fields = line[end + 2 :].split()
        if len(fields) < 20 or fields[1] == _KERNEL_THREADS:
            return None
        name = line[line.find(b"(") + 1 : end].decode(errors="replace")
        ticks = int(fields[11]) + int(fields[12])
        return ProcessId(pid, int(fields[19])), fields[0].decode(), name, ticks

    def _threads(self, pid: int) -> int:
        try:
            return len(os.listdir(f"{self._proc}/{pid}/task"))  # noqa: PTH208
        except OSError:
            return 0

    def _devices(self, pid: int) -> tuple[int, ...] | None:
        """The /dev/nvidiaN that it has open; None when that may not be looked at.

        By its threads: those of a zombie may live on and keep what is open, which its own list is without.
        """
        found: set[int] = set()
        denied = False
        try:
            tasks = os.listdir(f"{self._proc}/{pid}/task")[:_MOST_THREADS]  # noqa: PTH208
        except OSError:
            return ()
        for task in tasks:
            folder = f"{self._proc}/{pid}/task/{task}/fd"
            try:
                links = os.listdir(folder)  # noqa: PTH208
            except PermissionError:
                denied = True
                continue
            except OSError:
                continue
            found |= {number for link in links if (number := _device(f"{folder}/{link}")) is not None}
            if task == str(pid) and links:
                break  # threads share their files
        return tuple(sorted(found)) if found or not denied else None

    def _read(self, path: str, limit: int) -> bytes | None:
        try:
            fd = os.open(f"{self._proc}/{path}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return os.read(fd, limit)
        except OSError:
            return None
        finally:
            os.close(fd)


def _device(link: str) -> int | None:
    try:
        match = _DEVICE.fullmatch(os.readlink(link))  # noqa: PTH115
    except OSError:
        return None
    return int(match[1]) if match else None


def _space(folder: Path) -> DiskSpace:
    for place in (folder, *folder.parents):
        try:
            told = os.statvfs(place)
        except FileNotFoundError:
            continue
        except OSError:
            break
        return DiskSpace(
            folder=str(folder),
            total_bytes=told.f_blocks * told.f_frsize,
            free_bytes=told.f_bavail * told.f_frsize,
            inodes=told.f_files or None,
            inodes_free=told.f_favail if told.f_files else None,
        )
    return DiskSpace(folder=str(folder))
