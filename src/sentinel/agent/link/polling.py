"""The thread that hears what the controller wants here: one long poll after another. Started by the link."""

import threading
from collections.abc import Callable

from sentinel.agent.link.backoff import Backoff
from sentinel.agent.link.controller import Controller, ended
from sentinel.agent.link.desired import Desired, desired_from
from sentinel.agent.link.reach import Reach
from sentinel.core.errors import SentinelError

WAIT = 25.0
_SHARE = 5 / 12
"""Of the time in which a job may begin, the most that a poll takes: the rest is for beginning it."""
_BREATH = 0.05
"""Seconds between two polls that said nothing new and did not wait: that controller is in trouble."""


class Polling:
    """`heard` gets every answer, in order, in this thread."""

    def __init__(
        self,
        controller: Controller,
        heard: Callable[[Desired], None],
        reach: Reach,
        now: Callable[[], float],
        backoff: Backoff | None = None,
    ) -> None:
        """`now` is boot time."""
        self._controller, self._heard, self._reach, self._now = controller, heard, reach, now
        self._backoff = backoff or Backoff()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link-desired", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the thread within a moment."""
        self._stop.set()
        ended(self._thread, self._controller)

    def _run(self) -> None:
        seen, wait = 0, 0.0
        while not self._stop.is_set():
            asked_at = self._now()
            try:
                desired = desired_from(self._controller.desired(seen, wait), asked_at)
            except SentinelError as error:
                if self._stop.is_set():
                    break
                wait = 0.0  # whatever was missed is told at once
                self._stop.wait(self._reach.failed("what is wanted here", error, self._backoff))
                continue
            self._backoff.reset()
            self._reach.worked("what is wanted here")
            if wait and desired.revision == seen and self._now() - asked_at < _BREATH:
                self._stop.wait(_BREATH)
            seen, wait = desired.revision, min(WAIT, (desired.begin_by - asked_at) * _SHARE)
            self._heard(desired)
        self._controller.close()
