"""The history is kept in order: rolled up, and rid of what is too old. A duty of the watch."""

import logging
import threading
from collections.abc import Callable

from sentinel.core.errors import SentinelError
from sentinel.ports.history import History

EVERY = 120.0
"""Seconds; each time a bounded amount is done, and at once more while there is a lot."""
_LOT = 1000  # blocks

_log = logging.getLogger(__name__)


class Upkeep:
    """`now` is the epoch's."""

    def __init__(self, history: History, now: Callable[[], float]) -> None:
        self._history, self._now = history, now
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for what is being done."""
        self._over.set()

    def _run(self) -> None:
        pause = EVERY
        while not self._over.wait(pause):
            try:
                pause = 1.0 if self._history.purge(self._now()) >= _LOT else EVERY
            except SentinelError as error:
                pause = EVERY
                _log.warning("the history was not put in order: %s; again later", error.message)
