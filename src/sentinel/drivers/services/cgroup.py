"""Who is in a cgroup, on any of the layouts that systemd uses. Called by the systemd driver at every look."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroup:
    """One cgroup with everything below it."""

    folder: Path

    @classmethod
    def of(cls, root: Path, path: str) -> "Cgroup":
        """The cgroup that systemd calls `path` ("/system.slice/x.service"), where `root` is /sys/fs/cgroup.

        cgroup v2 has its one tree at the root. On v1 and hybrid, systemd keeps its own under `systemd`.
        """
        tree = root if (root / "cgroup.controllers").exists() else root / "systemd"
        return cls(folder=tree / path.lstrip("/"))

    def exists(self) -> bool:
        """systemd removes a unit's cgroup when the unit ends."""
        return self.folder.is_dir()

    def pids(self) -> frozenset[int]:
        """Every process in it or below. Empty when it does not exist."""
        return frozenset(pid for folder in self._tree(self.folder) for pid in _members(folder))

    def _tree(self, folder: Path) -> Iterator[Path]:
        yield folder
        try:
            below = [entry for entry in folder.iterdir() if entry.is_dir()]
        except OSError:  # removed while we looked
            return
        for entry in below:
            yield from self._tree(entry)


def _members(folder: Path) -> Iterator[int]:
    """Pids in `folder` itself, as seen from our pid namespace."""
    try:
        text = (folder / "cgroup.procs").read_text()
    except OSError as error:
        # ENODEV: removed while we read. EOPNOTSUPP: a threaded cgroup, whose processes its parent lists.
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
            return
        raise
    for line in text.split():
        if line != "0":  # a process that our pid namespace cannot see
            yield int(line)
