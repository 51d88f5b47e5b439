"""A source of hints that says what the test tells it to. The contract suite runs against it too."""

import collections
import os

from sentinel.ports.wakeups import Hint


class FakeWakeups:
    """A Wakeups. `tell` queues a hint; `blind_spot` may be set."""

    name = "fake"

    def __init__(self) -> None:
        self.blind_spot: str | None = None
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._queue: collections.deque[Hint] = collections.deque()

    @property
    def closed(self) -> bool:
        return self._fd < 0

    def tell(self, hint: Hint) -> None:
        self._queue.append(hint)
        os.eventfd_write(self._fd, 1)

    def fileno(self) -> int:
        return self._fd

    def drain(self) -> Hint:
        if self.closed or not self._queue:
            return Hint()
        os.eventfd_read(self._fd)
        told = [self._queue.popleft() for _ in range(len(self._queue))]
        return Hint(
            opened=frozenset().union(*(hint.opened for hint in told)),
            opens=sum(hint.opens for hint in told),
            executed=frozenset().union(*(hint.executed for hint in told)),
            exited=frozenset().union(*(hint.exited for hint in told)),
            rearranged=any(hint.rearranged for hint in told),
            overflowed=any(hint.overflowed for hint in told),
        )

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
