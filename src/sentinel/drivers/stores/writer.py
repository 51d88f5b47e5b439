"""The one thread through which a store writes. The stores of this family own one each.

Works are taken up in the order in which they came, as many at a time as have come in the meantime: whoever
commits them pays for one flush to the disk for all of them. Nobody waits for company: a work that comes alone
is taken up at once.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sentinel.core.errors import StoreUnavailable
from sentinel.ports.store import Transaction

T = TypeVar("T")
MOST_AT_A_TIME = 512

log = logging.getLogger(__name__)


class Submission:
    """A work and the promise of its result. Settled once, by the store's thread."""

    __slots__ = ("future", "result", "work")

    def __init__(self, work: Callable[[Transaction], Any]) -> None:
        self.work = work
        self.future: Future[Any] = Future()
        self.result: Any = None


class Writer:
    """`commit` gets the works of one batch on the writer's thread; it settles each, and never raises."""

    def __init__(self, name: str, commit: Callable[[Sequence[Submission]], None]) -> None:
        self._commit = commit
        self._queue: SimpleQueue[Submission | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transaction], T]) -> "Future[T]":
        """Raises StoreUnavailable once it is closed."""
        submission = Submission(work)
        with self._closing:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            self._queue.put(submission)
        return submission.future

    def write(self, work: Callable[[Transaction], T]) -> T:
        """As `submit`, and waits. Not for the writer's own thread, which would wait for itself."""
        assert threading.current_thread() is not self._thread, "write() from within the store's own thread"
        return self.submit(work).result()

    def close(self) -> None:
        """Finishes what was submitted. Idempotent."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        ends = False
        while not ends:
            batch: list[Submission] = []
            taken = self._queue.get()
            while True:
                if taken is None:
                    ends = True
                    break
                if taken.future.set_running_or_notify_cancel():
                    batch.append(taken)
                if len(batch) >= MOST_AT_A_TIME:
                    break
                try:
                    taken = self._queue.get_nowait()
                except Empty:
                    break
            if batch:
                self._commit(batch)


class Listeners:
    """Who is told of commits. What one of them raises is logged, and stops neither others nor the store."""

    def __init__(self) -> None:
        self._told: tuple[Callable[[], None], ...] = ()

    def add(self, told: Callable[[], None]) -> None:
        self._told = (*self._told, told)

    def tell(self) -> None:
        for told in self._told:
            try:
                told()
            except Exception:  # a stranger's function, on the thread that everybody needs
                log.exception("a listener to the store's commits failed")
