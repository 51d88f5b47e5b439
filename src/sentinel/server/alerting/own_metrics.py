"""What the controller knows of itself as metrics: for rules, at once, and for the history. Used by `rounds`.

Cheap counts of the store, every five seconds at most; whether nodes are heard of is known at any time. In the
history they are series of the node "controller", told every ten seconds. Names: alerting.library.controller.
"""

import logging
import math
from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sentinel.alerting.evaluate import Values
from sentinel.core.job import JobState
from sentinel.core.node import Node, NodeState
from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import Labels
from sentinel.ports.history import History, HistoryUnavailable
from sentinel.ports.store import JobFilter, Reader, Store
from sentinel.scheduling.failed_lately import FailedLately
from sentinel.scheduling.oldest_in_line import oldest_wait
from sentinel.scheduling.pass_note import pass_age

NODE: Final = "controller"
COUNT_EVERY, TELL_EVERY = 5.0, 10.0
_LIVE = tuple(state for state in JobState if not state.ended)

_log = logging.getLogger(__name__)


class OwnMetrics:
    """For one thread. `now` is CLOCK_BOOTTIME, `today` the epoch's time."""

    def __init__(
        self, store: Store, history: History, *, now: Callable[[], float], today: Callable[[], float]
    ) -> None:
        self._store, self._history = store, history
        self._now, self._today = now, today
        self._counts: dict[str, dict[Labels, float]] = {}
        self._failed = FailedLately()
        self._count_at = self._tell_at = now()
        self._untold = False

    def values(self, nodes: Iterable[Node]) -> Mapping[str, Values]:
        """By metric. StoreUnavailable."""
        now = self._now()
        if now >= self._count_at:
            with self._store.read() as reader:
                self._counts = self._counted(reader)
            self._count_at = now + COUNT_EVERY
        up = {
            (("node", node.name),): 1.0 if node.state is NodeState.UP else 0.0
            for node in nodes
            if node.state is not NodeState.DEAD
        }
        return {**self._counts, "sentinel_node_up": up}

    def tell(self, values: Mapping[str, Values]) -> None:
        """Into the history, when it is time. A history that does not answer is said once."""
        now, today = self._now(), self._today()
        if now < self._tell_at:
            return
        self._tell_at = now + TELL_EVERY
        batch = _batch(values, today)
        if not batch.columns:
            return
        try:
            self._history.append([batch])
            self._untold = False
        except HistoryUnavailable as error:
            if not self._untold:
                _log.warning("the controller's own metrics do not get into the history: %s", error.message)
            self._untold = True

    # ------------------------------------------------------------------ counting

    def _counted(self, reader: Reader) -> dict[str, dict[Labels, float]]:
        today = self._today()
        jobs = reader.count_jobs(JobFilter(states=_LIVE))
        found: dict[str, dict[Labels, float]] = {
            "sentinel_jobs": {(("state", one.value.lower()),): float(jobs.get(one, 0)) for one in _LIVE},
            "sentinel_jobs_failed_last_hour": {(): float(self._failed.count(reader, today))},
        }
        waits = oldest_wait(reader, today) if jobs.get(JobState.QUEUED) else None
        if waits is not None:
            found["sentinel_queue_oldest_wait_seconds"] = {(): waits}
        passed = pass_age(reader, today)
        if passed is not None:
            found["sentinel_scheduler_pass_age_seconds"] = {(): passed}
        return found


def _batch(values: Mapping[str, Values], today: float) -> Batch:
    columns = [
        Column(metric=metric, labels=labels, values=array("f", [value]))
        for metric, several in values.items()
        for labels, value in several.items()
        if not math.isnan(value)
    ]
    return Batch(node=NODE, sequence=int(today), times=(today,), columns=tuple(columns))
