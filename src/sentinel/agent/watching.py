"""Listening to the container engines, so that a change is known at once. Started by the agent.

What is heard only says where to look: an engine that is silent, gone or forgetful costs time (until the
next poll), never truth.
"""

import threading
from collections.abc import Callable

from sentinel.core.errors import SentinelError
from sentinel.inventory.engines import EngineView

_SHORTEST, _LONGEST = 1.0, 30.0


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
        """Ends the thread, within a moment, and the source with it."""
        self._stop.set()
        self._view.source.close()
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
