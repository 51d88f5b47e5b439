"""Where this node's GPUs are: asked of the driver when they are first seen, when others are there, and now
and then. Called by `node_watch`; the driver is asked in a thread of its own, because a sick one hangs.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

from sentinel.core.errors import SentinelError
from sentinel.core.gpu import Gpu
from sentinel.core.notify import Journal
from sentinel.ports.gpu_topology import GpuPlace

_AGAIN = 600.0
"""Seconds after which it is asked again: what brings NVLinks up may start after the agent."""
_AFTER_TROUBLE = 60.0

Places = Mapping[str, GpuPlace]
Read = Callable[[Sequence[Gpu]], Places]


class Topology:
    """`of` for one thread."""

    def __init__(
        self, read: Read, journal: Journal, now: Callable[[], float], known: Callable[[], None]
    ) -> None:
        """`read` raises SentinelError and may block. `known` is called after the first
        answer, and when there is something new to know. `now` is boot time."""
        self._read, self._journal, self._now, self._known = read, journal, now, known
        self._lock = threading.Lock()
        self._places: Places = {}
        self._asked: frozenset[str] = frozenset()
        self._due = float("-inf")
        self._asking = False
        self._said = ""
        self.settled = False
        """Whether it has answered once, if only that it cannot."""

    def of(self, gpus: Sequence[Gpu]) -> Places:
        """What is known now, by UUID."""
        cards = [gpu for gpu in gpus if gpu.named]
        names = frozenset(gpu.uuid for gpu in cards)
        with self._lock:
            due = bool(cards) and not self._asking and (names != self._asked or self._now() >= self._due)
            if due:
                self._asking, self._asked = True, names
            places = self._places
        if due:
            threading.Thread(target=self._ask, args=(cards,), name="link-topology", daemon=True).start()
        return places

    def _ask(self, cards: Sequence[Gpu]) -> None:
        found: Places | None = None
        try:
            found, trouble = self._read(cards), ""
        except SentinelError as error:
            trouble = error.message
        with self._lock:
            self._asking, first, self.settled = False, not self.settled, True
            self._due = self._now() + (_AGAIN if found is not None else _AFTER_TROUBLE)
            news = found is not None and found != self._places
            self._places = self._places if found is None else found
            said, self._said = self._said, trouble
        if trouble and trouble != said:
            self._journal.write("warning", f"how the GPUs are wired is not known: {trouble}")
        if news or first:
            self._known()
