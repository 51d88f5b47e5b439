"""What we need of the kernel's log: its lines as they come, and the truth about those that are missing.

Drivers: kmsg (the running kernel's, /dev/kmsg), log_file (a file that somebody saved or a logger writes);
the fake is in tests/fakes. The agent reads it round by round, `sentinel health --kernel-log` once to its end;
what the lines mean is for `health.kernel_log`.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What one `read` gave. `Lines()` is: nothing new.

    `lost` says in words which lines are missing, and why; None when none are. What is missing is unknown, so
    with it no log is clean.
    """

    lines: tuple[bytes, ...] = ()
    lost: str | None = None
    more: bool = False
    """There is more to be read at once: `read` again without waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """Instead of a log, where there can be none. `why` says what to do."""

    source: str
    why: str


class KernelLog(Protocol):
    """A log that is read from front to back. Used by one thread.

    Opened by a function of the driver that answers `Unavailable` where it cannot be read; nothing is raised.
    The driver may be told which words make a line worth having; it then leaves out all others.
    """

    @property
    def name(self) -> str:
        """Which log it is, for evidence and journal: `/dev/kmsg`, or the file's path."""
        ...

    def fileno(self) -> int | None:
        """Readable while lines wait; None where it cannot be waited for (a file) and after `close`."""
        ...

    def read(self) -> Lines:
        """What has come since the last call. Never blocks, never raises; `Lines()` after `close`.

        Each line is given once, without its line end, and cut just behind 16 KiB. Does a bounded amount of
        work a call, and says with `more` that there is more to do.
        """
        ...

    def close(self) -> None:
        """Idempotent."""
        ...
