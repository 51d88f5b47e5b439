"""What we need to know of the machine's processes. Driver: procfs; the fake is in tests/fakes."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from sentinel.core.lease import Survivor
from sentinel.core.process import ProcessId


class ProcessTable(Protocol):
    """Reads the kernel's process table. Nothing here blocks or changes anything but `signal`.

    A process that ends while it is looked at is simply not there: None, or left out.
    """

    def identify(self, pid: int) -> ProcessId | None:
        """The process that has this pid now; None when there is none or it is a zombie."""
        ...

    def name(self, pid: int) -> str | None:
        """The program's name (argv[0]'s last part, else the kernel's comm), printable."""
        ...

    def uid(self, pid: int) -> int | None:
        """The real uid it runs as."""
        ...

    def cgroups(self, pid: int) -> tuple[str, ...]:
        """Its cgroup paths, all hierarchies."""
        ...

    def variable(self, pid: int, name: str) -> str | None:
        """A variable of the environment it was started with; None too when that may not be read."""
        ...

    def survivors(self, roots: Mapping[str, ProcessId], marker: str) -> dict[str, tuple[Survivor, ...]]:
        """For each lease id → asking process: what else is alive of its tree.

        That is every process whose environment says `marker`=id, every process of the group that the
        asking process led, started no earlier than it, and, while that one lives, its descendants.
        One pass over the table for all.
        """
        ...

    def descends(self, pid: int, ancestor: ProcessId) -> bool:
        """Whether `ancestor` is `pid` or among its parents, as they are now."""
        ...

    def watch(self, process: ProcessId) -> int | None:
        """A pidfd that becomes readable when the process ends; None when it has ended. Caller closes."""
        ...

    def signal(self, processes: Iterable[ProcessId], number: int) -> int:
        """Sends a signal to each that is still itself; how many it reached."""
        ...

    def write_to_terminal(self, process: ProcessId, uid: int, text: str) -> bool:
        """A line on the terminal that the process sits at, as write(1) does: only where that terminal
        is `uid`'s and takes messages. Whether it was written."""
        ...
