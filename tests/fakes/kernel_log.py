"""A kernel log that says what the test tells it to. The contract suite runs against it too."""

import collections
import os

from sentinel.ports.kernel_log import Lines


class FakeKernelLog:
    """A KernelLog. `say` adds lines; `lost` may be set, and is told once."""

    name = "fake"

    def __init__(self) -> None:
        self.lost: str | None = None
        self._fd: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._queue: collections.deque[bytes] = collections.deque()

    def say(self, *lines: bytes) -> None:
        assert self._fd is not None
        self._queue.extend(lines)
        os.eventfd_write(self._fd, 1)

    def fileno(self) -> int | None:
        return self._fd

    def read(self) -> Lines:
        if self._fd is None:
            return Lines()
        if self._queue:
            os.eventfd_read(self._fd)
        lost, self.lost = self.lost, None
        found = tuple(self._queue)
        self._queue.clear()
        return Lines(lines=found, lost=lost)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
