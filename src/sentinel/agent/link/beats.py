"""The thread that tells the controller how this node does: every ten seconds (more often where leases are
short), and when something changed.

Started by the link. A beat renews the leases that it names, so it names what the supervisor has, asked just
now: nothing is renewed that is not known to be here.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sentinel.agent.link.backoff import Backoff
from sentinel.agent.link.controller import Controller, ended
from sentinel.agent.link.reach import Reach
from sentinel.core.errors import SentinelError

EVERY = 10.0
_A_LEASE = 6
"""Beats in the time of a lease, at the least."""
_SPACING = 0.1
"""Seconds between two beats at the least, however often something changes."""
_LEAST_ASKING = 1.0
_ASKING = 0.5
"""Of the pause between two beats, for how long the supervisor is asked: its silence must not make ours."""


class Told(Protocol):
    """Who hears what a beat was answered."""

    @property
    def seen(self) -> int:
        """The revision of the last answer that was acted upon."""
        ...

    def beaten(
        self, at: float, lease_seconds: float, held: Sequence[str], unknown: Sequence[str]
    ) -> None: ...


class Body(Protocol):
    """What is told of the node beside `held` and `seen`."""

    def body(self) -> dict[str, Any]: ...

    def told(self, body: dict[str, Any]) -> None:
        """That one arrived."""
        ...


class Beats:
    """See this module's docstring."""

    def __init__(
        self,
        controller: Controller,
        body: Body,
        held: Callable[[float], Sequence[str] | None],
        executor: Told,
        reach: Reach,
        now: Callable[[], float],
        *,
        renew: Callable[[Controller], None] = lambda _: None,
        every: float = EVERY,
        backoff: Backoff | None = None,
    ) -> None:
        """`held(seconds)` asks the supervisor for its tokens; None when it does not answer in that time.
        `renew` sees to the certificate, now and then. `now` is boot time."""
        self._controller, self._body, self._held, self._executor = controller, body, held, executor
        self._reach, self._now, self._renew, self._every = reach, now, renew, every
        self._pause = every
        self._backoff = backoff or Backoff()
        self._poked = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link-beats", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def poke(self) -> None:
        """Something changed that the controller should know now. From any thread."""
        self._poked.set()

    def close(self) -> None:
        """Ends the thread within a moment."""
        self._stop.set()
        self._poked.set()
        ended(self._thread, self._controller)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._poked.clear()
            wait = self._beat()
            if wait is not None:
                self._stop.wait(wait)
                continue
            if not self._stop.wait(_SPACING):
                self._poked.wait(self._pause)
        self._controller.close()

    def _beat(self) -> float | None:
        """One beat; how long to wait when it did not arrive."""
        seen = (
            self._executor.seen
        )  # before the supervisor is asked: what moves from now on is not in this beat
        held = self._held(max(_LEAST_ASKING, self._pause * _ASKING))
        body = self._body.body()
        at = self._now()
        try:
            lease_seconds, unknown = self._controller.beat(
                {**body, "held": None if held is None else list(held), "seen": seen}
            )
        except SentinelError as error:
            if self._stop.is_set():
                return 0.0
            return self._reach.failed("beats", error, self._backoff)
        self._backoff.reset()
        self._reach.worked("beats")
        self._pause = min(self._every, lease_seconds / _A_LEASE)
        self._body.told(body)
        self._executor.beaten(at, lease_seconds, held or (), unknown)
        self._renew(self._controller)
        return None
