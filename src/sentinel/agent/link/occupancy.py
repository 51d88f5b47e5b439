"""Which GPUs of this node attempts are on, and by how much. Pure. For `reconcile`.

Several attempts may be on one GPU, each with a share of it; the controller's leases see to it that the shares
fit. An attempt that has just been given a GPU may still come before an earlier one has let go of it.
"""

from collections.abc import Iterable, Mapping

from sentinel.agent.link.attempt import Attempt
from sentinel.agent.link.desired import Wanted
from sentinel.core.job import WHOLE


class Occupancy:
    """How much of each GPU who has, in thousandths by token."""

    def __init__(self, attempts: Iterable[Attempt], wanted: Iterable[Wanted]) -> None:
        """Of an attempt whose share is not known any more, the whole GPU."""
        shares: Mapping[str, int] = {one.token: one.milli for one in wanted}
        self._on: dict[str, dict[str, int]] = {}
        for one in attempts:
            if not one.phase.over:
                self._put(one.gpus, one.token, one.milli or shares.get(one.token, WHOLE))

    def behind(self, wanted: Wanted) -> tuple[str, ...]:
        """Whom it waits for: the tokens on the first of its GPUs that has no room for it; (): nobody."""
        for gpu in wanted.gpus:
            there = self._on.get(gpu, {})
            if there and sum(there.values()) + wanted.milli > WHOLE:
                return tuple(there)
        return ()

    def take(self, wanted: Wanted) -> None:
        """It begins."""
        self._put(wanted.gpus, wanted.token, wanted.milli)

    def _put(self, gpus: Iterable[str], token: str, milli: int) -> None:
        for gpu in gpus:
            self._on.setdefault(gpu, {})[token] = milli
