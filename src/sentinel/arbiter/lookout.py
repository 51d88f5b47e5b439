"""Notices at once that someone is about to use a GPU, and has the GPUs read sooner than the next poll.

Joins the sources of hints (ports.wakeups) with the policy of what they are worth (alertness) on the
daemon's selector. Without any source the arbiter polls; `trouble` says why.
"""

import selectors
from collections.abc import Callable, Sequence
from typing import Any

from sentinel.arbiter.alertness import BY_COMMAND, IN_PROCESS, Alertness
from sentinel.arbiter.claiming import covers, service_gpus
from sentinel.arbiter.inputs import Measured, Unmeasured
from sentinel.arbiter.states import Restoring, Running, State, Unsettled
from sentinel.ports.wakeups import Unavailable, Wakeups

BREATH = {"netlink": 0.5}
"""Seconds for which a chatty source is left alone after it was read: programs start all the time."""


class Lookout:
    """Owned by the daemon's loop. `ask` starts a reading."""

    def __init__(
        self,
        sources: Sequence[Wakeups | Unavailable],
        selector: selectors.BaseSelector,
        ask: Callable[[], None],
    ) -> None:
        self._sources = [s for s in sources if not isinstance(s, Unavailable)]
        self._missing = [s for s in sources if isinstance(s, Unavailable)]
        self._selector = selector
        self._ask = ask
        self._alertness = Alertness(IN_PROCESS, source_opens=False)
        self._kind = ""
        self._resting: dict[float, Wakeups] = {}
        self._now = 0.0

    def open(self) -> None:
        for source in self._sources:
            self._listen(source)

    def close(self) -> None:
        for source in self._sources:
            source.close()

    def reads_by(self, kind: str) -> None:
        """Which driver reads the GPUs: one that runs a command is asked more sparingly."""
        if kind != self._kind:
            self._kind = kind
            smi = kind == "smi"
            self._alertness = Alertness(BY_COMMAND if smi else IN_PROCESS, source_opens=smi)

    # -------------------------------------------------------------- what happens

    def _listen(self, source: Wakeups) -> None:
        self._selector.register(source.fileno(), selectors.EVENT_READ, lambda: self._woken(source))

    def _woken(self, source: Wakeups) -> None:
        self._alertness.hinted(source.drain(), self._now)
        if rest := BREATH.get(source.name):
            self._selector.unregister(source.fileno())
            self._resting[self._now + rest] = source

    def tick(self, now: float, state: State) -> None:
        """To be called at every turn, before the selector's callbacks may come: what time is it, and
        is there anybody whom a new process would disturb?"""
        self._now = now
        self._alertness.cover(nobody_to_disturb(state))
        for at in [t for t in self._resting if t <= now]:
            self._listen(self._resting.pop(at))

    def asked(self, now: float) -> None:
        """A reading was asked for, for whatever reason."""
        self._alertness.reading_asked(now)

    def read(self, reading: Measured | Unmeasured, now: float) -> None:
        """A reading has come back. What was opened meanwhile may have been our own doing, and is
        looked at first."""
        for source in self._sources:
            if source.name not in BREATH:
                self._alertness.hinted(source.drain(), now)
        self._alertness.reading_ended(reading.began, _foreign(reading))

    # -------------------------------------------------------------- what to do

    def next_at(self, now: float) -> float | None:
        """When this wants to be called: to ask for a reading, or to listen again."""
        times = list(self._resting)
        if (at := self._alertness.next_reading_at(now)) is not None:
            times.append(at)
        return min(times, default=None)

    def act(self, now: float) -> None:
        """Asks for the reading that is due, if one is."""
        at = self._alertness.next_reading_at(now)
        if at is not None and at <= now:
            self._ask()

    def report(self) -> dict[str, Any]:
        """For status: what wakes us, and what cannot and why."""
        troubles = [f"{s.source}: {s.why}" for s in self._missing]
        troubles += [f"{s.name}: {s.blind_spot}" for s in self._sources if s.blind_spot]
        return {"wakes_on": [s.name for s in self._sources], "blind_spots": troubles}


def nobody_to_disturb(state: State) -> bool:
    """Whether every service is away or stands on GPUs that leases cover: then a new process on a GPU
    changes nothing, and haste is wasted."""
    for service in state.services.values():
        if isinstance(service.phase, Running | Restoring | Unsettled):
            gpus = service_gpus(state, service)
            if not gpus or not all(any(covers(le, g) for le in state.leases.values()) for g in gpus):
                return False
    return True


def _foreign(reading: Measured | Unmeasured) -> frozenset[int] | None:
    if isinstance(reading, Unmeasured):
        return None
    return frozenset(p.process.pid for s in reading.samples for p in s.listed or () if p.foreign)
