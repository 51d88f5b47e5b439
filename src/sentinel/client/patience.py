"""For how long, and how often, a client asks again while no controller answers. Called by `client.sync`.

One that was never reached is asked once: its address is more likely wrong than its process restarting.
"""

import time
from collections.abc import Callable

from sentinel.core.clock import boottime
from sentinel.core.errors import ApiError

_FIRST, _LONGEST = 0.05, 2.0


class Patience:
    """Of one call or one stream. `known`: the controller answered before."""

    __slots__ = ("_known", "_next", "_now", "_seconds", "_sleep", "_until")

    def __init__(
        self,
        seconds: float,
        *,
        known: bool,
        now: Callable[[], float] = boottime,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds, self._known = seconds, known
        self._now, self._sleep = now, sleep
        self._next, self._until = _FIRST, 0.0

    def reached(self) -> None:
        """The controller answered."""
        self._known, self._next = True, _FIRST

    def wait(self, error: ApiError) -> None:
        """Waits before the next try; raises `error` when there should be none."""
        now = self._now()
        if self._next == _FIRST:
            self._until = now + self._seconds
        if not self._known or now + self._next > self._until:
            raise error
        self._sleep(self._next)
        self._next = min(self._next * 2, _LONGEST)
