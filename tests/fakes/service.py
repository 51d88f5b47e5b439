"""An inference service made of nothing, for tests of whatever drives services. Scriptable, thread-safe.

The contract suite (tests/contracts/test_service_driver.py) runs against it too.
"""

import threading
from collections.abc import Iterable

from sentinel.core.errors import ServiceError
from sentinel.core.service import Down, Rung, Sight, Unseen, Up


class FakeService:
    """A ServiceDriver. Change the attributes to script it; read `calls` to see what was asked.

    `evict_trouble`, `restore_trouble`: the reason with which the next calls fail, None to succeed.
    `unseen`: why it cannot be seen, None when it can. `keeps_running`: an evict succeeds and changes
    nothing. `evict_gate`, `restore_gate`: clear one to make that call block until it is set (a slow service).
    """

    def __init__(self, pids: Iterable[int] = (4242,), *, rungs: tuple[Rung, ...] = (Rung.STOP,)) -> None:
        self.rungs = rungs
        self.pids = frozenset(pids)
        self.evict_trouble: str | None = None
        self.restore_trouble: str | None = None
        self.unseen: str | None = None
        self.keeps_running = False
        self.evict_gate = threading.Event()
        self.restore_gate = threading.Event()
        self.evict_gate.set()
        self.restore_gate.set()
        self.calls: list[str] = []
        self.taken: list[Rung] = []  # rungs in force, for drivers that stay up on the gentle ones
        self.closed = False
        self._sight: Up | Down = Up(pids=self.pids)

    def look(self) -> Sight:
        return Unseen(why=self.unseen) if self.unseen else self._sight

    def evict(self, rung: Rung, enough_bytes: int | None = None) -> None:
        self.calls.append(f"evict {rung.value}")
        assert self.evict_gate.wait(10), "the test never opened evict_gate"
        if rung not in self.rungs:
            raise ServiceError(f"this service cannot be made to {rung.value}")
        if self.evict_trouble:
            raise ServiceError(self.evict_trouble)
        if self.keeps_running:
            return
        self.taken.append(rung)
        if rung is Rung.STOP:
            self._sight = Down(why="stopped")

    def restore(self) -> None:
        self.calls.append("restore")
        assert self.restore_gate.wait(10), "the test never opened restore_gate"
        if self.restore_trouble:
            self._sight = Down(why=self.restore_trouble, failed=True)
            raise ServiceError(self.restore_trouble)
        self.taken.clear()
        self._sight = Up(pids=self.pids)

    def close(self) -> None:
        self.closed = True
        self._sight = Down(why="closed")

    def dies(self, why: str = "killed by SIGSEGV") -> None:
        """It ends by itself."""
        self._sight = Down(why=why, failed=True)

    def is_started_by_someone(self, pids: Iterable[int] | None = None) -> None:
        """It comes up without us, perhaps with other processes."""
        self.pids = frozenset(pids) if pids is not None else self.pids
        self._sight = Up(pids=self.pids)
