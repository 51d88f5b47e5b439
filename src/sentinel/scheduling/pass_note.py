"""When the scheduler last looked at the whole queue, kept where other processes can read it.

The loops process calls `stepped` after each step; the API's metrics and alerts ask for `pass_age`. It is a
setting of the store: where that cannot be written, the age grows, and that is what it is for.
"""

from collections.abc import Callable
from contextlib import suppress

from sentinel.core.errors import SentinelError
from sentinel.ports.store import Reader, Store

PASSED_AT = "scheduler_passed_at"  # the store's setting: epoch seconds
EVERY = 10.0  # seconds between two notes


class PassNote:
    """For one thread. `now` measures (CLOCK_BOOTTIME), `today` is the epoch's."""

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], float],
        today: Callable[[], float],
        every: float = EVERY,
    ) -> None:
        self._store, self._now, self._today, self._every = store, now, today, every
        self._noted: float | None = None

    def stepped(self) -> None:
        """A step is over. Written now and then, and not waited for."""
        now = self._now()
        if self._noted is not None and now - self._noted < self._every:
            return
        self._noted = now
        passed = f"{self._today():.3f}"
        with suppress(SentinelError):  # it is closing, or away: the age will say so
            self._store.submit(lambda tx: tx.set_meta(PASSED_AT, passed))


def pass_age(reader: Reader, now: float) -> float | None:
    """Seconds since then, EVERY too many at most. `now` is the epoch's. None: it never has."""
    kept = reader.meta(PASSED_AT)
    return None if kept is None else max(0.0, now - float(kept))
