"""Listening to the container engines and to the driver, so that a change is known at once.

Started by the agent. What is heard only says where to look: an engine that is silent, gone or forgetful
costs time (until the next poll), never truth.
"""

import threading
from collections.abc import Callable

from sentinel.core.errors import GpuReadError, SentinelError
from sentinel.inventory.engines import EngineView
from sentinel.ports.gpu_events import XidEvent, XidSource

_SHORTEST, _LONGEST = 1.0, 30.0
_XID_WAIT = 1.0


class EngineWatch:
    """Follows one engine's changes in a thread. `changed` is called, from that thread, after each."""

    def __init__(self, view: EngineView, changed: Callable[[], None]) -> None:
        self._view, self._changed = view, changed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch-{view.source.name}", daemon=True)

    def start(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread, if it was started, within a moment, and the source with it."""
        self._stop.set()
        self._view.source.close()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        pause = _SHORTEST
        while not self._stop.is_set():
            if self._listen():
                pause = _SHORTEST
                self._changed()  # the connection ended: the inventory should find out at once
            else:
                pause = min(pause * 2, _LONGEST)
            self._stop.wait(pause)

    def _listen(self) -> bool:
        """Follows until the engine ends it; whether it was there at all."""
        try:
            for id in self._view.source.changes():
                self._view.touch(id)
                self._changed()
        except SentinelError:
            return False  # the scan meets the same trouble, and says so
        return True


class XidWatch:
    """Waits for Xids in a thread. `told` is called, from that thread, with each."""

    def __init__(self, source: XidSource, told: Callable[[XidEvent], None]) -> None:
        self._source, self._told = source, told
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch-xids", daemon=True)

    def start(self) -> None:
        """Begins to wait."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread, if it was started, within a moment: it leaves the driver by itself."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_XID_WAIT + 1)

    def _run(self) -> None:
        pause = _SHORTEST
        while not self._stop.is_set():
            try:
                event = self._source.wait(_XID_WAIT)
                pause = _SHORTEST
            except GpuReadError:
                self._stop.wait(pause)  # no driver, or no card that tells: the kernel's log does, too
                pause = min(pause * 2, _LONGEST)
                continue
            if event is not None:
                self._told(event)
        self._source.close()
