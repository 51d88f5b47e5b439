"""The Slurm cluster that this machine is part of, looked at again and again. A duty of the watch.

Each look becomes a row in the history (metrics as `sentinel slurm-exporter` has them, of a node called
`slurm`), and what it comes to is kept in the store for the API, as `api.slurm_kept` says.
"""

import json
import logging
import threading
from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any

from sentinel.api.slurm_kept import KEY, KIND, LOOKED
from sentinel.core.clock import boottime
from sentinel.core.errors import SentinelError
from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import labels_from
from sentinel.core.slurm import SchedulerStats, SlurmJob, SlurmReading
from sentinel.ports.history import History
from sentinel.ports.slurm import SlurmSource
from sentinel.ports.store import Store, Transaction
from sentinel.server.observing import SlurmConfig
from sentinel.telemetry import slurm_totals as totals
from sentinel.telemetry.label import label
from sentinel.telemetry.slurm_metrics import health, slurm_metrics
from sentinel.telemetry.slurm_watch import SlurmWatch as Look

NODE = "slurm"  # what its series have as their node
WRITE_EVERY = 30.0  # seconds: each change of a document is looked at by all who follow the store
MOST_NAMES = 1000  # users, and accounts; the rest is added up
_RPCS = ("rpcs", "user_rpcs")
_NO_SERIES = ("slurm_sample_age_seconds",)  # how old a sample is, its own time says

_log = logging.getLogger(__name__)


class SlurmWatch:
    """`open` makes the source, in the watching thread: SentinelError when the config cannot be followed.
    `now` is the epoch's, `measured` a clock that never jumps."""

    def __init__(
        self,
        config: SlurmConfig,
        store: Store,
        history: History,
        now: Callable[[], float],
        open: Callable[[SlurmConfig], SlurmSource],
        *,
        measured: Callable[[], float] = boottime,
    ) -> None:
        self._config, self._store, self._history = config, store, history
        self._now, self._measured, self._open = now, measured, open
        self._source: SlurmSource | None = None
        self._looks = self._failures = 0
        self._kept: Mapping[str, Any] | None = None  # the document, where this process wrote it
        self._written: float | None = None  # when, measured
        self._at: float | None = None
        self._told = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slurm", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for a look that is under way."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.is_set():
            began = self._measured()
            try:
                self.look()
            except SentinelError as error:
                self._tell(error.message)
            self._over.wait(max(0.0, began + self._config.every - self._measured()))

    def look(self) -> None:
        """One look, and what is kept of it. SentinelError when it cannot be kept, or Slurm not be asked."""
        time, began = self._now(), self._measured()
        reading = self._opened(time).read()
        took = self._measured() - began
        self._failures += not reading.answered
        errors = sorted({one.error for one in reading.asked if one.error})
        self._tell("; ".join(errors))
        try:
            self._remember(
                reading, Look(reading=reading, taken=0.0, duration=took, failures=self._failures), time
            )
        finally:
            self._keep(reading, time, errors[0] if errors else None)

    def _opened(self, time: float) -> SlurmSource:
        if self._source is None:
            self._recall()
            try:
                self._source = self._open(self._config)
            except SentinelError as error:
                self._keep(SlurmReading(), time, error.message)
                raise
        return self._source

    def _recall(self) -> None:
        """When the document of the process before this one was right."""
        with self._store.read() as reader:
            kept = reader.meta(LOOKED)
        self._at = None if kept is None else json.loads(kept)["at"]

    def _remember(self, reading: SlurmReading, look: Look, time: float) -> None:
        """In the history: a batch of one time. When none of its series is known, there is none."""
        self._looks += 1
        families = chain(health(look, 0.0, 1.0), slurm_metrics(reading, MOST_NAMES))
        columns = tuple(
            Column(
                metric=sample.name,
                labels=labels_from({**sample.labels, "node": NODE}),
                values=array("f", (sample.value,)),
            )
            for family in families
            if family.name not in _NO_SERIES
            for sample in family.samples
        )
        self._history.append([Batch(node=NODE, sequence=self._looks, times=(time,), columns=columns)])

    def _keep(self, reading: SlurmReading, time: float, error: str | None) -> None:
        """In the store, for the API."""
        summary = summed_up(reading) if reading.answered else None
        now = self._measured()
        new = summary is not None and summary != self._kept
        due = self._written is None or now - self._written >= WRITE_EVERY
        if summary is not None and (due or not new):
            self._at = time
        looked = json.dumps(
            {
                "at": self._at,
                "tried_at": time,
                "every": max(self._config.every, WRITE_EVERY),
                "sources": sorted({one.source for one in reading.asked if one.error is None}),
                "error": error,
            }
        )

        def keep(tx: Transaction) -> None:
            tx.set_meta(LOOKED, looked)
            if summary is not None and new and due:
                tx.put_document(KIND, KEY, summary)

        self._store.write(keep)
        if new and due:
            self._kept, self._written = summary, now

    def _tell(self, trouble: str) -> None:
        """What is new about it in the way of trouble."""
        if trouble and trouble != self._told:
            _log.warning("Slurm: %s", label(trouble))
        elif self._told and not trouble:
            _log.warning("Slurm answers again")
        self._told = trouble


def summed_up(reading: SlurmReading) -> dict[str, Any]:
    """The document. A sum with something unknown in it is left out; a part that was not read is null."""
    nodes, jobs = reading.nodes, reading.jobs
    return {
        "version": reading.version,
        "nodes": None if nodes is None else totals.nodes_by_state(nodes),
        "cpus": None if nodes is None else _down(totals.cpus_by_state(nodes)),
        "gpus": None if nodes is None else _gpus(reading),
        "queue": None if jobs is None else _queue(jobs),
        "scheduler": None if reading.scheduler is None else _scheduler(reading.scheduler),
    }


def _down(counts: Mapping[str, int]) -> dict[str, int]:
    return {("down" if state == totals.OTHER else state): count for state, count in counts.items()}


def _gpus(reading: SlurmReading) -> list[dict[str, Any]]:
    nodes = reading.nodes or ()
    by_state = totals.gpus_by_state(nodes)
    return [
        {
            "type": kind,
            "total": total,
            "allocated": by_state.get((kind, totals.ALLOCATED)),
            "idle": by_state.get((kind, totals.IDLE)),
            "down": by_state.get((kind, totals.OTHER)),
        }
        for kind, total in sorted(totals.gpus_by_type(nodes).items())
    ]


def _queue(jobs: tuple[SlurmJob, ...]) -> dict[str, Any]:
    by_user = totals.summed(((label(job.user), label(job.state)), job.tasks) for job in jobs)
    by_account = totals.summed(((label(job.account), label(job.state)), job.tasks) for job in jobs)
    return {
        "by_state": dict(sorted(totals.summed((label(job.state), job.tasks) for job in jobs).items())),
        "by_user": _by_name(by_user),
        "by_account": _by_name(by_account),
        "uncounted_arrays": totals.uncounted(jobs),
    }


def _by_name(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Name → state → jobs, for the MOST_NAMES who have most; the others as one."""
    whole: dict[str, int] = defaultdict(int)
    for (name, _), count in counts.items():
        whole[name] += count
    named = set(sorted(whole, key=lambda name: (-whole[name], name))[:MOST_NAMES])
    found: dict[str, dict[str, int]] = {}
    for (name, state), count in sorted(counts.items()):
        states = found.setdefault(name if name in named else totals.REST, {})
        states[state] = states.get(state, 0) + count
    return found


def _scheduler(stats: SchedulerStats) -> dict[str, Any]:
    return {name: value for name, value in asdict(stats).items() if name not in _RPCS}
