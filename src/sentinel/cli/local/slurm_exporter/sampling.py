"""Looks at Slurm again and again, in a thread of its own: no scrape waits for Slurm.

Started by the command. What hangs is ended by the source's own time limits; should even that fail, the
newest look gets older and older, which is shown, and is at last taken for none.
"""

import threading
from collections.abc import Callable

from sentinel.core import clock
from sentinel.core.slurm import SlurmReading
from sentinel.ports.slurm import SlurmSource
from sentinel.telemetry.slurm_watch import SlurmWatch

Tell = Callable[[str], None]
"""Takes a line about what is wrong, or well again."""


class SlurmSampler:
    """`watch` may be read by any thread; `take` is for one at a time."""

    def __init__(self, source: SlurmSource, tell: Tell, now: Callable[[], float] = clock.boottime) -> None:
        self._source, self._tell, self._now = source, tell, now
        self._watch = SlurmWatch()
        self._troubles: set[str] = set()
        self._stopping = threading.Event()

    @property
    def watch(self) -> SlurmWatch:
        """How it stands. Replaced whole by each look."""
        return self._watch

    def take(self) -> SlurmReading:
        """One look. What is new about it in the way of trouble is told."""
        began = self._now()
        reading = self._source.read()
        self._watch = SlurmWatch(
            reading=reading,
            taken=began,
            duration=self._now() - began,
            failures=self._watch.failures + (not reading.answered),
        )
        troubles = {one.error for one in reading.asked if one.error is not None}
        for trouble in sorted(troubles - self._troubles):
            self._tell(trouble)
        if self._troubles and not troubles:
            self._tell("Slurm answers again")
        self._troubles = troubles
        return reading

    def start(self, interval: float) -> None:
        """Looks every `interval` seconds, at once for the first time, until `stop`."""
        threading.Thread(target=self._run, args=(interval,), name="slurm", daemon=True).start()

    def stop(self) -> None:
        """Begins no further look. Does not wait for one that is under way."""
        self._stopping.set()

    def _run(self, interval: float) -> None:
        while not self._stopping.is_set():
            began = self._now()
            self.take()
            self._stopping.wait(max(0.0, began + interval - self._now()))
