"""What health needs to know of the machine around the GPUs. Driver: drivers/node/pressure.

The fake is a `NodePressure` written by hand: a source has one method.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from sentinel.core.process import ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpace:
    """The file system that `folder` is on. None: it could not be asked."""

    folder: str
    total_bytes: int | None = None
    free_bytes: int | None = None  # for those who are not root
    inodes: int | None = None  # None too where the file system has no fixed number
    inodes_free: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckProcess:
    """A zombie ("Z") or a process in uninterruptible sleep ("D") that has to do with a GPU.

    `since` (epoch seconds) is when it was first seen so; a "D" that got processor time meanwhile starts
    anew. `devices` are the /dev/nvidiaN it has open, as numbers N; () when only the driver lists its pid.
    """

    process: ProcessId
    state: str
    name: str
    since: float
    devices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePressure:
    """One look. Percentages are of time, averaged over a minute by the kernel's pressure stall
    information."""

    disks: tuple[DiskSpace, ...] | None = None
    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    memory_full_percent: float | None = None  # all that runs waited for memory
    io_full_percent: float | None = None
    stuck: tuple[StuckProcess, ...] | None = None
    unreadable: int = 0  # processes in state Z or D whose files only root may see
    sees_host_processes: bool | None = None  # False: in a container or WSL, the driver's list is cut


class NodePressureSource(Protocol):
    """Looks at /proc and the file systems. Used by one thread at a time; may block on a dead network disk."""

    def read(self, gpu_pids: Collection[int], now: float) -> NodePressure:
        """Never raises: what cannot be read is None. Changes nothing.

        `gpu_pids`: those that the driver lists on a GPU, in the host's numbers. `now` in epoch seconds.
        """
        ...
