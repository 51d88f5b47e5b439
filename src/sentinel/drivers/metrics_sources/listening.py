"""Which process listens on which TCP port, by /proc. Opened by the agent's wiring.

Formats: proc(5), proc_pid_net(5). A port counts where a connection to 127.0.0.1 gets to that process. One
whose files may not be read (another user's, without privilege) has unknown ports, never none.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from sentinel.core.process import ProcessId
from sentinel.ports.metrics_source import Running

_LISTENS = "0A"
_MOST_TEXT = 2**16
# As /proc writes addresses on little-endian machines, and the unspecified ones everywhere.
_V4 = frozenset({"0100007F", "0" * 8})
_V6 = frozenset({"0" * 32, "0000000000000000FFFF00000100007F"})


class Listening:
    """Implements ports.metrics_source.Listeners. `root` is where /proc is, for tests."""

    def __init__(self, root: Path = Path("/proc")) -> None:
        self._root = root

    def look(self, pid: int) -> Running | None:
        known = self._stat(pid)
        if known is None:
            return None
        process, parent = known
        try:
            with (self._root / str(pid) / "cmdline").open("rb") as file:
                command = file.read(_MOST_TEXT)
        except OSError:
            return None
        words = command.rstrip(b"\0").decode(errors="replace").split("\0")
        return Running(process=process, parent=parent, command=tuple(words) if command.strip(b"\0") else ())

    def ports(self, process: ProcessId) -> frozenset[int] | None:
        found = self._ports(self._root / str(process.pid))
        known = self._stat(process.pid)
        # Of a process that has ended there is nothing, of one that has its pid now as little.
        return found if known is not None and known[0] == process else frozenset()

    def _stat(self, pid: int) -> tuple[ProcessId, int] | None:
        """The process and its parent's pid."""
        try:
            stat = (self._root / str(pid) / "stat").read_text(errors="replace")
            # The name in parentheses may hold anything.
            fields = stat[stat.rindex(")") + 2 :].split()
            parent, started = int(fields[1]), int(fields[19])
        except (OSError, ValueError, IndexError):
            return None
        return None if fields[0] in ("Z", "X") else (ProcessId(pid, started), parent)

    def _ports(self, folder: Path) -> frozenset[int] | None:
        try:
            here = (self._root / "self/ns/net").stat()
            there = (folder / "ns/net").stat()
            if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
                return frozenset()  # what listens on its loopback is not what listens on ours
            held = set(_sockets(folder / "fd"))
            ours = _table(folder / "net/tcp", _V4)
            # A socket of IPv6 gets what comes by IPv4 only where none of IPv4 is there to take it.
            for port, inodes in _table(folder / "net/tcp6", _V6).items():
                ours.setdefault(port, inodes)
        except OSError:
            return None
        return frozenset(port for port, inodes in ours.items() if inodes & held)


def _sockets(folder: Path) -> Iterator[str]:
    """The inodes of the sockets that a process has open."""
    with os.scandir(folder) as entries:
        for one in entries:
            try:
                target = os.readlink(one.path)  # noqa: PTH115 - what the link leads to is no path
            except FileNotFoundError:
                continue  # closed meanwhile
            if target.startswith("socket:["):
                yield target[8:-1]


def _table(path: Path, addresses: frozenset[str]) -> dict[int, set[str]]:
    """The inodes of the sockets that listen at one of these addresses, by port."""
    try:
        lines = path.read_text().splitlines()[1:]
    except FileNotFoundError:
        return {}  # no IPv6 here
    found: dict[int, set[str]] = {}
    for line in lines:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTENS:
            address, _, port = fields[1].partition(":")
            if address in addresses:
                found.setdefault(int(port, 16), set()).add(fields[9])
    return found
