"""What the inventory and the sampler need to know of processes. Driver: drivers/processes/facts.

The fake is in tests/fakes. Nothing here changes anything, or blocks (but for names in a slow directory).
A process that ends while it is looked at is simply not there: None.
"""

from collections.abc import Sequence
from typing import Protocol

from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts, Usage


class ProcessFactsSource(Protocol):
    """Reads /proc, in the host's pid numbers."""

    def identify(self, pid: int) -> ProcessId | None:
        """The process that has this pid now: one small file. None when there is none or it is a zombie."""
        ...

    def facts(self, pid: int) -> ProcessFacts | None:
        """All there is to know of one process; about five small files."""
        ...

    def usage(self, process: ProcessId) -> Usage | None:
        """What one process uses; None when it has ended. One small file."""
        ...

    def group_usage(self, cgroups: Sequence[str]) -> Usage | None:
        """What the cgroup uses that these lines of /proc/PID/cgroup name: v1, v2 and hybrid.

        None where it cannot be read. Page cache that the kernel would give back is left out, as Docker does.
        """
        ...

    def user_name(self, uid: int) -> str | None:
        """The account's name; None when the uid has none."""
        ...

    def owner_of(self, path: str) -> int | None:
        """The uid that owns a folder on this machine; None when it cannot be told."""
        ...
