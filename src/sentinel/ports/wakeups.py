"""What we need of whatever tells us at once that something may have changed on the GPUs.

Drivers: inotify (a device node was opened), netlink (a program was started, a process ended); the fake
is in tests/fakes. The arbiter's daemon puts `fileno()` into its selector and reads the GPUs sooner when
a hint comes. A hint decides nothing: what counts is what the next reading lists. So hints may be lost,
doubled or wrong, and polling goes on whether or not there is a source of them.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What one `drain` learned. `Hint()` is: nothing.

    Times are not in it: all of it happened between the last `drain` and this one.
    """

    opened: frozenset[str] = frozenset()
    """Device nodes that somebody (perhaps we) opened, as paths below the watched folder: `nvidia0`."""
    opens: int = 0
    """How often, at the least: the kernel tells equal opens in a row as one."""
    executed: frozenset[int] = frozenset()
    """Pids (thread groups) that began to run a program."""
    exited: frozenset[int] = frozenset()
    """Pids (thread groups) whose main thread has ended."""
    rearranged: bool = False
    """Device nodes came, were replaced, or went."""
    overflowed: bool = False
    """The kernel's queue was full: anything may have happened besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """Instead of a source, where there can be none. `why` is for the status page, and says what to do."""

    source: str
    why: str


class Wakeups(Protocol):
    """A queue of hints behind a file descriptor. Used by one thread.

    Opened by a function of the driver that answers `Unavailable` where the kernel does not let us;
    it raises nothing for that, since going on without hints is an ordinary thing.
    """

    @property
    def name(self) -> str:
        """Which source it is, for status and journal: `inotify`."""
        ...

    @property
    def blind_spot(self) -> str | None:
        """What it cannot see although it should, and why; None when it sees all. May change in `drain`."""
        ...

    def fileno(self) -> int:
        """Readable (level-triggered) while hints wait. The same number until `close`, then -1."""
        ...

    def drain(self) -> Hint:
        """What has happened since the last call. Never blocks, never raises; `Hint()` after `close`.

        Empties the queue, but does a bounded amount of work a call: in a storm the rest stays in the
        queue, `fileno` stays readable, and the next call goes on.
        """
        ...

    def close(self) -> None:
        """Lets go of the kernel's queue. Idempotent. Take `fileno` out of the selector first."""
        ...
