"""What the queue has given out on this node: which attempts have which GPUs, and for whom. Read by the
agent's metrics.

The supervisor's line says which attempts there are, the controller whose they are and which part of a GPU
each has. Of one that the controller names no more the last that it said still holds.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sentinel.agent.link.attempt import Attempt
from sentinel.agent.link.desired import Desired
from sentinel.core.job import WHOLE
from sentinel.telemetry.holding import Lent


class _Terms(NamedTuple):
    """No more of what is wanted than this: the rest has secrets in it."""

    owner: str
    milli: int


class Leases:
    """`heard` from one thread; the rest from any."""

    def __init__(
        self,
        attempts: Callable[[], Mapping[str, Attempt]],
        pids: Callable[[], Mapping[str, frozenset[int]]],
    ) -> None:
        """Both by token; `pids` are those of its processes that are on GPUs."""
        self._attempts, self._pids = attempts, pids
        self._terms: Mapping[str, _Terms] = {}
        self._known = False

    def heard(self, desired: Desired) -> None:
        """What the controller wants now."""
        here = self._attempts()
        kept = {token: one for token, one in self._terms.items() if token in here}
        self._terms = {**kept, **{one.token: _Terms(one.owner, one.milli) for one in desired.jobs}}

    def known(self) -> None:
        """The supervisor has said what runs: until then nobody knows what is given out."""
        self._known = True

    def lent(self) -> tuple[Lent, ...] | None:
        """What is given out now. None: unknown."""
        if not self._known:
            return None
        pids = self._pids()
        return tuple(
            [
                _lent(one, self._terms.get(one.token), pids.get(one.token, frozenset()))
                for one in self._attempts().values()
                if not one.phase.over
            ]
        )


def _lent(attempt: Attempt, terms: _Terms | None, pids: frozenset[int]) -> Lent:
    milli = attempt.milli
    if milli is None:
        milli = WHOLE if terms is None else terms.milli
    return Lent(gpus=attempt.gpus, milli=milli, owner=None if terms is None else terms.owner, pids=pids)
