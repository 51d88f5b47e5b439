"""What processes have used of the processors, with all below them. Called by benchmarks of the controller."""

import contextlib
import os
from pathlib import Path


def cpu_seconds(root: int) -> float:
    """Of a process and all below it that live."""
    ticks = 0
    for pid in _family(root):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[int]:
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                found += _family(int(child))
    return found
