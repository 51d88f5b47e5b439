"""The thread that sends this node's minutes to the controller. Started by the recorder.

What is new goes first: the open minute each time that it has grown, and each minute once it is over. What the
controller did not acknowledge goes into the spool, and from there, oldest first and at a gentle pace, when it
answers again. That it does not answer is the link's to say; what is wrong with samples is said here, once.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from sentinel.agent.link.backoff import SLOWLY, Backoff
from sentinel.agent.link.controller import ended
from sentinel.agent.record.minute import Minute, batch_of
from sentinel.agent.record.spool import Spool
from sentinel.core.errors import ApiUnavailable, SentinelError
from sentinel.core.notify import Journal
from sentinel.core.sample_batch import encode

A_SECOND = 2.0
"""Minutes of the spool that are sent in a second at the most: a fleet that comes back is many."""
PAUSE = 600.0
"""Seconds for which nothing is sent to a controller that wants none."""
_MOST_OVER = 60
_NEVER = (400, 413, 422)
_NO_SUCH_CALL = (404, 405)


class Controller(Protocol):
    """What of `link.controller.Controller` is needed here."""

    def samples(self, batch: bytes) -> bool: ...
    def interrupt(self) -> None: ...
    def close(self) -> None: ...


class Sending:
    """Implements recorder.Destination."""

    def __init__(
        self,
        node: str,
        controller: Controller,
        spool: Spool,
        journal: Journal,
        *,
        now: Callable[[], float],
        wall: Callable[[], float],
        backoff: Backoff | None = None,
        a_second: float = A_SECOND,
    ) -> None:
        """`now` is boot time, `wall` the epoch's."""
        self._node, self._controller, self._spool, self._journal = node, controller, spool, journal
        self._now, self._wall, self._spacing = now, wall, 1 / a_second
        self._backoff = backoff or Backoff(1.0, 15.0)
        self._condition = threading.Condition()
        self._open: Minute | None = None
        self._over: list[Minute] = []
        self._news = False
        self._acknowledged: tuple[int, int] | None = None  # sequence and rows of the newest minute
        self._again_at = float("-inf")  # after a failure
        self._quiet_until = float("-inf")  # while none is wanted
        self._unspool_at = float("-inf")
        self._said = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record-send", daemon=True)

    def begin(self) -> int:
        """By the spool's files; where there are none, by the clock, so that no number comes twice."""
        return max(self._spool.open() + 1, int(self._wall()) // 60)

    def start(self) -> None:
        self._thread.start()

    def tell(self, minute: Minute, *, over: bool) -> None:
        with self._condition:
            self._open = None if over else minute
            if over:
                self._over.append(minute)
                del self._over[:-_MOST_OVER]  # the disk hangs
            self._news = True
            self._condition.notify()

    def close(self) -> None:
        """Ends the thread within a moment; it keeps in the spool what was not acknowledged."""
        self._stop.set()
        with self._condition:
            self._condition.notify()
        ended(self._thread, self._controller)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._condition:
                self._news = False
            wait = self.turn()
            with self._condition:
                if not self._stop.is_set() and not self._news:
                    self._condition.wait(wait)
        for minute in self._taken(rest=True):
            self._keep(minute)
        self._controller.close()

    def turn(self) -> float | None:
        """Does what is due; seconds until there is more to do, None: until there is something new."""
        now = self._now()
        if now < self._quiet_until:
            self._taken()  # whoever has the others from elsewhere has these, too
            return self._quiet_until - now
        over = self._taken()
        if now < self._again_at:
            for minute in over:
                self._keep(minute)
            return self._again_at - now
        for nth, minute in enumerate(over):
            if not self._send_minute(minute, final=True):
                for unsent in over[nth:]:
                    self._keep(unsent)
                return 0.0
        with self._condition:
            growing = self._open
        if growing is not None and not self._send_minute(growing, final=False):
            return 0.0
        return self._send_spooled()

    def _taken(self, *, rest: bool = False) -> list[Minute]:
        """The minutes that are over; `rest`: and the open one."""
        with self._condition:
            taken, self._over = self._over, []
            if rest and self._open is not None:
                taken.append(self._open)
            return taken

    def _keep(self, minute: Minute) -> None:
        if self._now() >= self._quiet_until and _mark(minute) != self._acknowledged:
            self._spool.put(minute.sequence, encode(batch_of(minute, self._node)))

    def _send_minute(self, minute: Minute, *, final: bool) -> bool:
        if _mark(minute) == self._acknowledged:
            return True
        if not self._send(minute.sequence, encode(batch_of(minute, self._node)), final=final):
            return False
        self._acknowledged = _mark(minute)
        return True

    def _send_spooled(self) -> float | None:
        now = self._now()
        if now < self._unspool_at:
            return self._unspool_at - now
        found = self._spool.oldest()
        if found is None:
            return None
        if not self._send(*found, final=True):
            return 0.0
        self._spool.done(found[0])
        self._unspool_at = now + self._spacing
        return self._spacing

    def _send(self, sequence: int, data: bytes, *, final: bool) -> bool:
        """Whether that is dealt with. One that is `final` and refused is set aside; of another there will be
        more."""
        try:
            elsewhere = self._controller.samples(data)
        except SentinelError as error:
            return self._failed(error, sequence, data, final=final)
        self._backoff.reset()
        self._said = ""
        if elsewhere:
            self._spool.clear()
            self._quiet_until = self._now() + PAUSE
        return not elsewhere

    def _failed(self, error: SentinelError, sequence: int, data: bytes, *, final: bool) -> bool:
        status = getattr(error, "status", None)
        if status in _NEVER:
            if final:
                self._spool.set_aside(sequence, data, error.message)
            return True
        wait = self._backoff.failed()
        if status in (401, 403):
            wait = max(wait, SLOWLY)
        elif status in _NO_SUCH_CALL:
            wait = PAUSE
            self._say(
                "this controller takes no samples (is it older than this agent?): they wait on this node"
            )
        elif not isinstance(error, ApiUnavailable):
            self._say(f"samples wait on this node: {error.message}")
        self._again_at = self._now() + wait
        return False

    def _say(self, text: str) -> None:
        if text != self._said and not self._stop.is_set():
            self._said = text
            self._journal.write("warning", text)


def _mark(minute: Minute) -> tuple[int, int]:
    return minute.sequence, len(minute.rows)
