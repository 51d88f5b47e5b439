"""How long to wait before the next try. Used by every thread of the link, each with one of its own."""

import random
from collections.abc import Callable

SHORTEST, LONGEST = 0.2, 5.0
SLOWLY = 30.0
"""Seconds between tries while the controller says that it does not know us: that takes a person to mend."""


class Backoff:
    """Doubles from SHORTEST to LONGEST, each wait between half of it and all: so a thousand nodes whose
    controller comes back do not all ask in the same moment."""

    def __init__(
        self, shortest: float = SHORTEST, longest: float = LONGEST, draw: Callable[[], float] = random.random
    ) -> None:
        """`draw` gives a number from 0 to 1."""
        self._shortest, self._longest, self._draw = shortest, longest, draw
        self._next = shortest

    def reset(self) -> None:
        """It worked."""
        self._next = self._shortest

    def failed(self) -> float:
        """It did not: seconds to wait."""
        wait = self._next * (0.5 + 0.5 * self._draw())
        self._next = min(self._next * 2, self._longest)
        return wait
