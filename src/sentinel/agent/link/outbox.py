"""Reports that the controller has not answered yet, in the order in which things happened.

The executor puts them in, the reporter takes them out. Bounded by what the supervisor has: a report takes the
place of an older one of the same kind about the same attempt. Nothing here outlives the agent: the
supervisor's records say it all again to the next one.
"""

import threading
from collections.abc import Callable, Iterable, Sequence

from sentinel.agent.link.report import Kind, Report

Key = tuple[str, Kind, str]

LINGER = 0.002
"""Seconds that the word of a start waits for that of the run, which follows at once: one request for both."""
RARELY = 60.0
"""Seconds between two tries with what the controller knows nothing of."""


class Outbox:
    """Thread-safe. One thread takes."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` is boot time."""
        self._now = now
        self._condition = threading.Condition()
        self._waiting: dict[Key, Report] = {}
        self._strays: dict[Key, tuple[float, Report]] = {}  # with when to try again
        self._closed = False

    def put(self, reports: Iterable[Report]) -> None:
        """They are to be told after all that waits already."""
        with self._condition:
            for one in reports:
                self._waiting[one.key] = one
                self._strays.pop(one.key, None)
            self._condition.notify()

    def take(self, most: int) -> list[Report]:
        """The oldest, at most so many; waits until there are any. They stay until `settle`. [] at the end."""
        with self._condition:
            lingered = False
            while not self._closed:
                self._revive()
                if not self._waiting:
                    self._condition.wait(self._until_due())
                elif not lingered and all(one.kind is Kind.STARTING for one in self._waiting.values()):
                    lingered = True
                    self._condition.wait(LINGER)
                else:
                    break
            return [] if self._closed else list(self._waiting.values())[:most]

    def settle(self, answered: Sequence[Report], strays: Sequence[Report] = ()) -> None:
        """These were answered; `strays` are to be told again, rarely."""
        with self._condition:
            for one in answered:
                if self._waiting.get(one.key) is one:  # else something newer took its place meanwhile
                    del self._waiting[one.key]
            for one in strays:
                if self._waiting.get(one.key) is one:
                    del self._waiting[one.key]
                    self._strays[one.key] = (self._now() + RARELY, one)

    def drop(self, token: str) -> None:
        """There is nothing more to say of that attempt."""
        with self._condition:
            for kept in (self._waiting, self._strays):
                for key in [key for key in kept if key[0] == token]:
                    del kept[key]

    def pending(self, token: str) -> bool:
        """Whether something about it waits, or is tried again rarely."""
        with self._condition:
            return any(key[0] == token for kept in (self._waiting, self._strays) for key in kept)

    def close(self) -> None:
        """Whoever waits is let go."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _revive(self) -> None:
        if self._strays:
            now = self._now()
            for key in [key for key, (at, _) in self._strays.items() if at <= now]:
                self._waiting[key] = self._strays.pop(key)[1]

    def _until_due(self) -> float | None:
        if not self._strays:
            return None
        return max(0.0, min(at for at, _ in self._strays.values()) - self._now())
