"""Reads the GPUs in a thread of its own: a sick driver may hang for minutes, and the screen must not.

Called by `sentinel top`.
"""

import contextlib
import threading
from collections.abc import Callable

from sentinel.cli.local.top.look import Look
from sentinel.cli.local.top.view import Found
from sentinel.core.clock import boottime, wall
from sentinel.core.errors import SentinelError
from sentinel.core.gpu import GpuReading
from sentinel.ports.gpus import GpuSource

LookAt = Callable[[GpuReading, float, float], Look]


class TopReader:
    """Looks every `interval` seconds until `close`. What it has found by now is in `found`."""

    def __init__(self, opened: Callable[[], GpuSource], look_at: LookAt, interval: float) -> None:
        self._open, self._look_at, self.interval = opened, look_at, interval
        self._stop, self._wake = threading.Event(), threading.Event()
        self._answered = threading.Condition()
        self._found, self._looks = Found(), 0
        self._error: Exception | None = None
        # A daemon: leaving must not wait for a driver that hangs.
        self._thread = threading.Thread(target=self._run, name="gpu reader", daemon=True)

    def start(self) -> None:
        """Begins reading."""
        self._thread.start()

    @property
    def found(self) -> Found:
        """The newest. Raises what the reader died of, and what was wrong from the start."""
        with self._answered:
            if self._error is not None:
                raise self._error
            return self._found

    def wait(self, looks: int, seconds: float) -> Found:
        """`found`, once so many looks were taken, or nothing can come any more, or after `seconds`."""
        with self._answered:
            self._answered.wait_for(lambda: self._looks >= looks or self._error is not None, seconds)
        return self.found

    def wake(self) -> None:
        """Looks now, and from now on at `interval`."""
        self._wake.set()

    def close(self) -> None:
        """Ends the reading; does not wait for it. Idempotent."""
        self._stop.set()
        self._wake.set()

    def _run(self) -> None:
        try:
            with contextlib.closing(self._open()) as source:
                while not self._stop.is_set():
                    began = boottime()
                    self._look(source)
                    self._wake.wait(max(0.0, self.interval - (boottime() - began)))
                    self._wake.clear()
        except Exception as error:  # noqa: BLE001 - the screen's thread raises it, after restoring the terminal
            with self._answered:
                self._error = error
                self._answered.notify_all()

    def _look(self, source: GpuSource) -> None:
        try:
            reading = source.read()
            # When it was asked for is older than what it says: the moment of the answer is its time.
            found = Found(look=self._look_at(reading, boottime(), wall()))
        except SentinelError as error:
            if self._looks == 0:
                raise
            found = Found(look=self._found.look, trouble=error.message)
        with self._answered:
            self._found = found
            self._looks += 1
            self._answered.notify_all()
