"""The cgroups that systemd makes: which a process is in, who else is, and ending all of it. v1, hybrid and
v2.

Called by `scopes` and `endings`.
"""

import os
from pathlib import Path

ROOT = "/sys/fs/cgroup"


def cgroup_of(pid: int) -> str | None:
    """The folder of the cgroup that systemd has the process in; None when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return None
    paths = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in lines if line.count(":") >= 2}
    if Path(ROOT, "cgroup.controllers").exists():
        return f"{ROOT}{paths.get('', '')}"
    return f"{ROOT}/systemd{paths.get('name=systemd', '')}"


def processes_in(folder: str) -> list[int]:
    """Pids in the cgroup and below; none when it is gone."""
    found: list[int] = []
    for path, _, _ in os.walk(folder):
        try:
            found += [int(word) for word in Path(path, "cgroup.procs").read_text().split()]
        except OSError:
            continue
    return found


def kill_all(folder: str) -> bool:
    """Kills all that is in it in one go (Linux 5.14, v2). False when that cannot be."""
    try:
        Path(folder, "cgroup.kill").write_text("1")
    except OSError:
        return False
    return True
