"""The thread that takes a row of the node's history every ten seconds. Started by the agent.

It never waits for the controller, the disk or a driver: it looks at the newest sample that somebody else
took, and hands its minutes on.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from sentinel.agent.record.columns import Provider, Row, Value, row_of
from sentinel.agent.record.minute import Minute
from sentinel.core.errors import SentinelError
from sentinel.core.inventory import Inventory, SourceState
from sentinel.core.notify import Journal
from sentinel.telemetry.sample import Watch

EVERY = 10.0
_FIRST = 1.0
"""Seconds until the first row: the first sample takes a moment."""
_ANSWERED: Mapping[SourceState, bool | None] = {
    SourceState.OK: True,
    SourceState.UNKNOWN: False,
    SourceState.ABSENT: None,
}


class Destination(Protocol):
    """Who takes the minutes on. Nothing here blocks."""

    def begin(self) -> int:
        """The number of the first minute."""
        ...

    def start(self) -> None: ...

    def tell(self, minute: Minute, *, over: bool) -> None:
        """A minute as it is by now. `over`: it grows no more."""
        ...

    def close(self) -> None: ...


class Recorder:
    """See this module's docstring."""

    def __init__(
        self,
        node: str,
        watch: Callable[[], Watch],
        destination: Destination,
        journal: Journal,
        *,
        providers: Sequence[Provider] = (),
        oldest: float,
        now: Callable[[], float],
        wall: Callable[[], float],
        every: float = EVERY,
    ) -> None:
        """`node`: its name as people know it. `oldest`: seconds after which a sample says nothing any more.
        `now` is boot time, `wall` the epoch's. `providers` are asked for each row, and must not block."""
        self._node, self._watch, self._destination, self._journal = node, watch, destination, journal
        self._providers, self._oldest, self._now, self._wall = providers, oldest, now, wall
        self._every = every
        self._sources: Mapping[str, bool | None] = {}
        self._minute: Minute | None = None
        self._next = 0
        self._said: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def start(self) -> None:
        """Begins, and the sending with it."""
        self._next = self._destination.begin()
        self._destination.start()
        self._thread.start()

    def close(self) -> None:
        """Ends within a moment; what is not acknowledged by then is kept on this node."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
        self._destination.close()

    def look(self, inventory: Inventory) -> None:
        """What the inventory's sources answered last."""
        self._sources = {name: _ANSWERED[report.state] for name, report in inventory.sources.items()}

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        due = self._now() + min(_FIRST, self._every)
        while not self._stop.wait(max(0.0, due - self._now())):
            now = self._now()
            self.take(now)
            # After a sleep of the machine the rows that were missed are not made up for.
            due = max(due + self._every, now)

    def take(self, now: float) -> None:
        """One row, now in seconds since boot."""
        minute = self._minute
        if minute is not None and not minute.takes(now):
            self._destination.tell(minute, over=True)
            minute = None
        if minute is None:
            minute = Minute(sequence=self._next, began=now, rows=())
            self._next += 1
        minute = minute.with_row(self._row(now))
        self._destination.tell(minute, over=minute.whole)
        self._minute = None if minute.whole else minute

    def _row(self, now: float) -> Row:
        extra = [value for nth in range(len(self._providers)) for value in self._asked(nth)]
        row = row_of(self._node, self._watch(), self._sources, extra, self._wall(), now, self._oldest)
        if row.dropped:
            self._say(
                "dropped",
                f"{row.dropped} series of this node are not kept in the history: {len(row.values)} are the "
                "most; those of the GPUs go first",
            )
        return row

    def _asked(self, nth: int) -> Iterable[Value]:
        try:
            return list(self._providers[nth]())
        except SentinelError as error:
            self._say(f"provider {nth}", f"some values are missing in the history: {error.message}")
            return ()

    def _say(self, what: str, text: str) -> None:
        """Once for each thing to say, whatever the numbers are."""
        if what not in self._said:
            self._said.add(what)
            self._journal.write("warning", text)
