"""Whose a process is, what it is part of and what it uses, by /proc and /sys/fs/cgroup.

The wirings hand it to the inventory, the sampler and `sentinel top`. Standard library only.
Formats: proc(5), cgroups(7), the kernel's admin-guide/cgroup-v1 and cgroup-v2.
"""

import os
import pwd
from collections.abc import Mapping, Sequence
from pathlib import Path

from sentinel.core.clock import boottime, wall
from sentinel.core.container import VARIABLES
from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts, Usage
from sentinel.drivers.processes.proc_file import read_file

_NOBODY_LOGGED_IN = 0xFFFFFFFF
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MOST_ENVIRONMENT = 1024 * 1024
_MOST_COMMAND = 8192
_NAMES_KEPT = 4096


class ProcessFactsReader:
    """Implements ports.process_facts.ProcessFactsSource. `proc` and `cgroup` are where those are mounted."""

    def __init__(self, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> None:
        self._proc = str(proc)
        self._groups = CgroupUsage(cgroup)
        self._names: dict[int, str | None] = {}
        self._own_namespace = self._user_namespace("self")

    def identify(self, pid: int) -> ProcessId | None:
        fields = self._stat(pid)
        return None if fields is None else ProcessId(pid, int(fields[19]))

    def facts(self, pid: int) -> ProcessFacts | None:
        fields = self._stat(pid)
        if fields is None:
            return None
        process = ProcessId(pid, int(fields[19]))
        command = self._words(pid)
        found = ProcessFacts(
            process=process,
            name=_name(command, self._text(pid, "comm")),
            command=command,
            uid=self._uid(pid),
            login_uid=self._login_uid(pid),
            cgroups=self._cgroups(pid),
            started_at=round(wall() - boottime() + process.started / _TICKS, 2),
            variables=self._variables(pid),
            in_host_user_namespace=self._same_namespace(pid),
        )
        # What was read after the pid went to somebody else is not about this process.
        return found if self.identify(pid) == process else None

    def usage(self, process: ProcessId) -> Usage | None:
        fields = self._stat(process.pid)
        if fields is None or int(fields[19]) != process.started:
            return None
        return Usage(
            cpu_seconds=(int(fields[11]) + int(fields[12])) / _TICKS,
            memory_bytes=int(fields[21]) * _PAGE,
        )

    def group_usage(self, cgroups: Sequence[str]) -> Usage | None:
        return self._groups.of(cgroups)

    def user_name(self, uid: int) -> str | None:
        if uid not in self._names:
            if len(self._names) >= _NAMES_KEPT:
                self._names.clear()
            try:
                self._names[uid] = pwd.getpwuid(uid).pw_name
            except (KeyError, OverflowError):
                self._names[uid] = None
        return self._names[uid]

    def owner_of(self, path: str) -> int | None:
        try:
            return os.stat(path).st_uid  # noqa: PTH116 - an untrusted path, which Path would tidy up
        except (OSError, ValueError):
            return None

    # -------------------------------------------------------------- reading

    def _stat(self, pid: int) -> list[bytes] | None:
        """Fields of /proc/PID/stat from the third (state) on; None for what has ended."""
        line = self._read(f"{pid}/stat", 4096)
        if not line or b")" not in line:
            return None
        fields = line[line.rindex(b")") + 2 :].split()
        return fields if len(fields) > 21 and fields[0] not in (b"Z", b"X") else None

    def _uid(self, pid: int) -> int | None:
        for line in (self._read(f"{pid}/status", 8192) or b"").splitlines():
            if line.startswith(b"Uid:"):
                return int(line.split()[1])
        return None

    def _login_uid(self, pid: int) -> int | None:
        found = (self._read(f"{pid}/loginuid", 32) or b"").strip()
        if not found.isdigit() or int(found) == _NOBODY_LOGGED_IN:
            return None
        return int(found)

    def _cgroups(self, pid: int) -> tuple[str, ...] | None:
        data = self._read(f"{pid}/cgroup", 65536)
        return None if data is None else tuple(data.decode(errors="replace").splitlines())

    def _words(self, pid: int) -> tuple[str, ...] | None:
        data = self._read(f"{pid}/cmdline", _MOST_COMMAND)
        if data is None:
            return None
        return tuple(word.decode(errors="replace") for word in data.rstrip(b"\0").split(b"\0") if data)

    def _variables(self, pid: int) -> Mapping[str, str]:
        data = self._read(f"{pid}/environ", _MOST_ENVIRONMENT) or b""
        found: dict[str, str] = {}
        for pair in data.split(b"\0"):
            name, equals, value = pair.partition(b"=")
            if equals and len(name) < 64 and (text := name.decode(errors="replace")) in VARIABLES:
                found.setdefault(text, value[:1024].decode(errors="replace"))
        return found

    def _same_namespace(self, pid: int) -> bool | None:
        theirs = self._user_namespace(str(pid))
        return None if theirs is None or self._own_namespace is None else theirs == self._own_namespace

    def _user_namespace(self, pid: str) -> str | None:
        try:
            return os.readlink(f"{self._proc}/{pid}/ns/user")  # noqa: PTH115
        except OSError:
            return None

    def _text(self, pid: int, file: str) -> str | None:
        data = self._read(f"{pid}/{file}", 256)
        return None if data is None else data.decode(errors="replace").strip()

    def _read(self, path: str, limit: int) -> bytes | None:
        return read_file(f"{self._proc}/{path}", limit)


class CgroupUsage:
    """What cgroups use, on v1, v2 and hybrid. `root` is /sys/fs/cgroup."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._unified = (root / "cgroup.controllers").exists()
        self._cpu = next((n for n in ("cpuacct", "cpu,cpuacct") if (root / n).is_dir()), "cpuacct")

    def of(self, cgroups: Sequence[str]) -> Usage | None:
        """See the port."""
        paths = _by_controller(cgroups)
        if self._unified:
            path = paths.get("")
            return None if path is None else self._v2(f"{self._root}{path}")
        memory, processor = paths.get("memory"), paths.get("cpuacct")
        found = Usage(
            cpu_seconds=None if processor is None else self._v1_seconds(processor),
            memory_bytes=None if memory is None else self._v1_bytes(memory),
        )
        return None if found == Usage() else found

    def _v2(self, folder: str) -> Usage | None:
        used, micros = _number(f"{folder}/memory.current"), _field(f"{folder}/cpu.stat", b"usage_usec")
        if used is None and micros is None:
            return None
        spare = _field(f"{folder}/memory.stat", b"inactive_file") or 0
        return Usage(
            cpu_seconds=None if micros is None else micros / 1e6,
            memory_bytes=None if used is None else max(0, used - spare),
        )

    def _v1_seconds(self, path: str) -> float | None:
        nanos = _number(f"{self._root}/{self._cpu}{path}/cpuacct.usage")
        return None if nanos is None else nanos / 1e9

    def _v1_bytes(self, path: str) -> int | None:
        folder = f"{self._root}/memory{path}"
        used = _number(f"{folder}/memory.usage_in_bytes")
        spare = _field(f"{folder}/memory.stat", b"total_inactive_file") or 0
        return None if used is None else max(0, used - spare)


def _by_controller(cgroups: Sequence[str]) -> dict[str, str]:
    """Path by controller, "" for v2. The root is nobody's own; a path with ".." is outside of our view."""
    found: dict[str, str] = {}
    for line in cgroups:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if path.startswith("/") and path != "/" and ".." not in path.split("/"):
            found |= dict.fromkeys(controllers.split(","), path)
    return found


def _number(path: str) -> int | None:
    data = (read_file(path, 64) or b"").strip()
    return int(data) if data.isdigit() else None


def _field(path: str, key: bytes) -> int | None:
    for line in (read_file(path, 16384) or b"").splitlines():
        name, _, value = line.partition(b" ")
        if name == key and value.isdigit():
            return int(value)
    return None


def _name(command: Sequence[str] | None, comm: str | None) -> str:
    first = command[0].rsplit("/", 1)[-1].strip() if command else ""
    return "".join(c if c.isprintable() else "?" for c in first or comm or "?")[:64]
