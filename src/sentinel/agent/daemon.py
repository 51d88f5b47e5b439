"""The agent: samples, the inventory and the metrics endpoint of one node, for as long as it runs.

Started by `__main__`. A node of a controller has a link to it; one that runs standalone has none.

Threads, each with one job, and none that waits for another's driver: `sample` (the GPU drivers), `keep` (the
inventory, alone on its state folder), `watch-…` (one a container engine), `link-…` (the controller and the
supervisor of jobs), `record…` (the controller's history), `inference…` (what serves models here), the metrics
server's, and the main one, which hears the kernel's hints, signals and the service manager.
"""

import contextlib
import os
import selectors
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from sentinel.agent.doctor import Doctor
from sentinel.agent.inference import Inference
from sentinel.agent.metrics import Metrics
from sentinel.agent.sampling import SampleLoop
from sentinel.agent.watching import EngineWatch, XidWatch
from sentinel.core.clock import boottime
from sentinel.core.errors import SentinelError
from sentinel.core.finding import Finding
from sentinel.core.inventory import Inventory
from sentinel.core.notify import Journal, Supervisor
from sentinel.inventory.keeper import Keeper, Pass
from sentinel.ports.wakeups import Hint, Unavailable, Wakeups
from sentinel.telemetry.metrics_server import MetricsServer

if TYPE_CHECKING:
    from sentinel.agent.link.link import Link
    from sentinel.agent.record.recorder import Recorder

_GATHER = 0.05
"""Seconds between the first word of a change and the pass: what happens together is seen together."""
_SPACING = 0.25
"""Seconds from the end of one pass to the next, at the least."""
_LONGEST_PASS = 120.0
"""Seconds after which a pass that has not ended is a defect: the service manager is not told we are well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an agent is put together from; `wiring` makes them. None: switched off."""

    keeper: Keeper
    samples: SampleLoop
    watches: Sequence[EngineWatch]
    wakeups: Sequence[Wakeups | Unavailable]
    doctor: Doctor | None
    doctor_interval: float  # seconds between two rounds of health
    xids: XidWatch | None
    metrics: Metrics
    server: MetricsServer | None
    interval: float  # seconds between two passes when nothing happens
    inference: Inference
    link: "Link | None" = None
    recorder: "Recorder | None" = None


class Agent:
    """Runs the parts until told to stop."""

    def __init__(self, make: Callable[[Callable[[], None]], Parts], journal: Journal) -> None:
        """`make(changed)` makes the parts; `changed` is what they call when the inventory is out of date."""
        self._journal = journal
        self._supervisor = Supervisor()
        self._changed = threading.Event()
        self._stop = threading.Event()
        self._alive_at = boottime()
        self._said: Mapping[str, str] = {}
        self._unwell: Mapping[str, str] = {}
        self._examined_at = float("-inf")
        self._findings: tuple[Finding, ...] = ()
        self._parts = make(self._changed.set)
        self._selector = selectors.DefaultSelector()
        self._bell_read, self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._keeping = threading.Thread(target=self._keep, name="keep", daemon=True)

    def run(self) -> int:
        """Serves until SIGTERM or SIGINT; the exit code. Raises SentinelError when it cannot begin."""
        parts = self._parts
        parts.keeper.open()
        try:
            if parts.server is not None:
                parts.server.start()
                host, port = parts.server.address
                where = f"[{host}]" if ":" in host else host
                self._journal.write("info", f"metrics at http://{where}:{port}/metrics")
            self._listen()
            parts.samples.start()
            parts.inference.start()
            if parts.link is not None:
                parts.link.start()
            if parts.recorder is not None:
                parts.recorder.start()
            for watch in parts.watches:
                watch.start()
            if parts.xids is not None:
                parts.xids.start()
            self._keeping.start()
            self._supervisor.tell("READY=1")
            self._main()
        finally:
            self._leave()
        return 0

    # -------------------------------------------------------------- the main thread

    def _listen(self) -> None:
        self._selector.register(self._bell_read, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        for source in self._parts.wakeups:
            if isinstance(source, Unavailable):
                self._journal.write("info", f"without {source.source}: {source.why}; polling does its work")
            else:
                self._selector.register(source.fileno(), selectors.EVENT_READ, source)

    def _told_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _main(self) -> None:
        beat = min(self._supervisor.watchdog_seconds or 30.0, 30.0) / 3
        while not self._stop.is_set():
            for key, _ in self._selector.select(beat):
                if key.data is None:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._bell_read, 4096)
                else:
                    self._hear(key.data.drain())
            if boottime() - self._alive_at < _LONGEST_PASS:
                self._supervisor.tell("WATCHDOG=1")

    def _hear(self, hint: Hint) -> None:
        samples = self._parts.samples
        if hint.opens or hint.rearranged or hint.overflowed or samples.runs(hint.exited):
            samples.look_soon()
        elif hint.executed:
            samples.look_some_time()

    def _leave(self) -> None:
        self._supervisor.tell("STOPPING=1")
        self._stop.set()
        self._changed.set()
        parts = self._parts
        if parts.recorder is not None:
            parts.recorder.close()
        if parts.link is not None:
            parts.link.close()
        if parts.server is not None:
            parts.server.close()
        for watch in parts.watches:
            watch.close()
        if parts.xids is not None:
            parts.xids.close()
        parts.inference.close()
        parts.samples.close()
        if self._keeping.is_alive():
            self._keeping.join(5.0)  # a pass that writes is let finish; one that hangs is left behind
        for source in parts.wakeups:
            if not isinstance(source, Unavailable):
                source.close()
        signal.set_wakeup_fd(-1)
        self._selector.close()
        parts.keeper.close()

    # -------------------------------------------------------------- the keeping thread

    def _keep(self) -> None:
        while not self._stop.is_set():
            self._changed.clear()
            self._pass()
            if self._stop.wait(_SPACING):
                return
            if self._changed.wait(self._parts.interval):
                self._stop.wait(_GATHER)

    def _pass(self) -> None:
        try:
            done = self._parts.keeper.keep()
        except SentinelError as error:
            self._say({"keeper": error.message})
            return
        finally:
            self._alive_at = boottime()
        self._parts.metrics.take(done.inventory)
        self._parts.inference.take(done.inventory)
        self._examine(done.inventory)
        if self._parts.link is not None:
            self._parts.link.look(done.inventory, self._findings)
        if self._parts.recorder is not None:
            self._parts.recorder.look(done.inventory)
        self._say({**_amiss(done), **self._unwell})
        running = sum(not one.state.stopped for one in done.inventory.workloads)
        self._supervisor.tell(f"STATUS={running} workloads on {len(done.inventory.gpus)} GPUs")

    def _examine(self, inventory: Inventory) -> None:
        """A round of health, when one is due."""
        parts, now = self._parts, boottime()
        if parts.doctor is None:
            return
        if now - self._examined_at < parts.doctor_interval and not parts.doctor.urgent:
            return
        diagnosis = parts.doctor.round(inventory)
        self._examined_at = now
        self._findings = diagnosis.findings
        parts.metrics.diagnosed(diagnosis.findings)
        self._unwell = {f"health {number}": text for number, text in enumerate(diagnosis.trouble)}
        if diagnosis.events:
            parts.keeper.announce(diagnosis.events)
            self._changed.set()
            for event in diagnosis.events:
                self._journal.write("warning", f"{event.type.rpartition('.')[2]}: {event.subject}")

    def _say(self, amiss: Mapping[str, str]) -> None:
        """Writes what is newly amiss, or no longer, into the journal: once."""
        for what, why in amiss.items():
            if self._said.get(what) != why:
                self._journal.write("warning", f"{what}: {why}")
        for what in self._said:
            if what not in amiss:
                self._journal.write("info", f"{what}: well again")
        self._said = amiss


def _amiss(done: Pass) -> dict[str, str]:
    unknown = {
        f"source {name}": report.why
        for name, report in done.inventory.sources.items()
        if report.state.value == "unknown"
    }
    return unknown | {f"trouble {number}": text for number, text in enumerate(done.trouble)}
