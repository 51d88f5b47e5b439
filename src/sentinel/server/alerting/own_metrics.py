"""What the controller knows of itself as metrics: for rules, at once, and for the history. Used by `rounds`.

Cheap counts of the store, every five seconds at most; whether nodes are heard of is known at any time. In the
history they are series of the node "controller", told every ten seconds. Names: alerting.library.controller.
"""

import logging
import math
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sentinel.alerting.evaluate import Values
from sentinel.core.job import JobState
from sentinel.core.node import Node, NodeState
from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import Labels
from sentinel.ports.history import History, HistoryUnavailable
from sentinel.ports.store import JobFilter, Page, Reader, Store
from sentinel.scheduling.pass_note import pass_age
from sentinel.server.alerting.job_notice import FAILED

NODE: Final = "controller"
COUNT_EVERY, TELL_EVERY = 5.0, 10.0
HOUR = 3600.0
MOST_EVENTS = 5000
"""That are read at the start, to find what failed within the last hour."""
MOST_LOOKED_AT = 100  # of the oldest jobs, to find one that waits for GPUs alone
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
        self._failed: deque[float] = deque()
        self._seen: int | None = None  # the newest event that was looked at
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
            "sentinel_jobs_failed_last_hour": {(): float(self._failures(reader, today))},
        }
        oldest = _oldest(reader) if jobs.get(JobState.QUEUED) else None
        if oldest is not None:
            found["sentinel_queue_oldest_wait_seconds"] = {(): max(0.0, today - oldest)}
        passed = pass_age(reader, today)
        if passed is not None:
            found["sentinel_scheduler_pass_age_seconds"] = {(): passed}
        return found

    def _failures(self, reader: Reader, today: float) -> int:
        """Jobs that failed within the last hour. Right after a start it looks at the newest events alone."""
        newest = reader.revision()
        if self._seen is None or newest < self._seen:
            self._failed.clear()
            recent = reader.events(0, MOST_EVENTS, newest=True)
        else:
            recent = reader.events(self._seen, MOST_EVENTS, types=(FAILED,))
        full = len(recent) == MOST_EVENTS and self._seen is not None
        self._seen = recent[-1].id if full else newest
        self._failed.extend(one.time for one in recent if one.type == FAILED and not one.data.get("part_of"))
        while self._failed and self._failed[0] < today - HOUR:
            self._failed.popleft()
        return len(self._failed)


def _oldest(reader: Reader) -> float | None:
    """When the oldest job came that waits for GPUs and for no other job."""
    waiting = JobFilter(states=(JobState.QUEUED,), oldest_first=True)
    jobs, _ = reader.find_jobs(waiting, Page(limit=MOST_LOOKED_AT))
    return next((job.submitted_at for job in jobs if not job.after), None)


def _batch(values: Mapping[str, Values], today: float) -> Batch:
    columns = [
        Column(metric=metric, labels=labels, values=array("f", [value]))
        for metric, several in values.items()
        for labels, value in several.items()
        if not math.isnan(value)
    ]
    return Batch(node=NODE, sequence=int(today), times=(today,), columns=tuple(columns))
