"""Tokens of attempts that are over with. Kept by the executor.

An answer of the controller that was on its way when such an attempt ended still wants it to run. It must
not run twice, so its token is remembered for longer than any answer can take.
"""

from collections.abc import Callable

KEPT = 90.0
_MOST = 20_000


class Spent:
    """Bounded: the oldest go first, after KEPT seconds or when there are too many."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` is boot time."""
        self._now = now
        self._since: dict[str, float] = {}

    def __contains__(self, token: object) -> bool:
        return token in self._since

    def add(self, token: str) -> None:
        """The controller knows of its end."""
        now = self._now()
        self._since.pop(token, None)
        self._since[token] = now
        while self._since:
            oldest, since = next(iter(self._since.items()))
            if now - since < KEPT and len(self._since) <= _MOST:
                break
            del self._since[oldest]
