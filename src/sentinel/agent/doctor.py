"""Rounds of health on this node: what is found, what began and ended, and which GPU is taken out for it.

Called by the agent's keeping thread after each pass of the inventory. The judging is in `health`; here is
what it needs of the world, and the arbiter, whose cordon takes a GPU out of scheduling.
"""

import queue
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sentinel.agent.cordons import cordon, cordoned
from sentinel.core.clock import boot_id, boottime, monotonic, wall
from sentinel.core.errors import GpuReadError, SentinelError
from sentinel.core.event import Event
from sentinel.core.finding import Finding, GpuRef, Unsure, Verdict
from sentinel.core.gpu import GpuReading
from sentinel.core.inventory import Inventory
from sentinel.health import findings_file, quarantine
from sentinel.health.findings_file import Kept
from sentinel.health.history import History
from sentinel.health.kernel_log import LogRecord, records
from sentinel.health.quarantine import Acted
from sentinel.health.round import look
from sentinel.health.standing import Standing
from sentinel.health.sxid import SXidLog
from sentinel.health.view import HealthView, ref, together
from sentinel.health.xid import XidLog
from sentinel.ports.gpu_events import XidEvent
from sentinel.ports.kernel_log import KernelLog, Unavailable
from sentinel.ports.node_pressure import NodePressure, NodePressureSource

_PIECES = 64
"""Reads of the kernel's log in one round; what is left comes with the next."""
_REMEMBERED = 4096
"""Records and events that are read again once the cards' names are known."""
_PRESSURE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a round left: what stands, what to announce, and what could not be done."""

    findings: tuple[Finding, ...]
    events: tuple[Event, ...]
    trouble: tuple[str, ...] = ()


class Doctor:
    """Used by one thread, but for `notice`."""

    def __init__(
        self,
        *,
        node: str,
        folder: Path,
        reading: Callable[[], GpuReading],
        log: KernelLog | Unavailable,
        pressure: NodePressureSource,
        cordons: bool,
    ) -> None:
        """`reading` raises GpuReadError. `cordons`: findings may take GPUs out, at the arbiter."""
        self._node, self._folder, self._reading = node, folder, reading
        self._log, self._pressure, self._cordons = log, pressure, cordons
        self._boot, self._booted_at = boot_id(), wall() - monotonic()
        self._told: queue.SimpleQueue[XidEvent] = queue.SimpleQueue()
        self.urgent = False
        """Something has been told that the next round should not wait with."""
        self._kernel = KernelFindings(self._booted_at)
        self._node_look: tuple[float, NodePressure] | None = None
        self._history = History()
        kept = findings_file.load(folder)
        # What stood when the agent stopped goes on standing, and is not announced again.
        known = kept if kept is not None and kept.boot_id == self._boot else None
        self._standing = Standing() if known is None else known.standing
        self._acted = Acted() if known is None else known.acted

    def notice(self, event: XidEvent) -> None:
        """The driver has told of an Xid. From any thread."""
        self._told.put(event)
        self.urgent = True

    def round(self, inventory: Inventory | None) -> Diagnosis:
        """One round. Raises nothing: what goes wrong is in the diagnosis, or is unknown in it."""
        self.urgent = False
        reading = self._cards()
        view = HealthView(
            now=wall(),
            reading=reading,
            earlier=self._history.earlier,
            known=self._history.known,
            inventory=inventory,
            pressure=self._around(reading),
            kernel_findings=self._listen(reading),
        )
        found = look(view)
        if isinstance(reading, GpuReading):
            self._history = self._history.after(view.now, reading)
        self._standing, events = self._standing.after(found, self._node)
        trouble = self._take_out()
        kept = Kept(
            at=view.now,
            boot_id=self._boot,
            standing=self._standing,
            unknown=found.unknown,
            acted=self._acted,
        )
        try:
            findings_file.save(self._folder, kept, durable=bool(events))
        except SentinelError as error:
            trouble.append(error.message)
        return Diagnosis(findings=self._standing.findings, events=events, trouble=tuple(trouble))

    # -------------------------------------------------------------- what it looks at

    def _cards(self) -> GpuReading | str:
        try:
            return self._reading()
        except GpuReadError as error:
            return error.message

    def _around(self, reading: GpuReading | str) -> NodePressure:
        """The node. Not at every round: it is a file for each process of the machine."""
        now = boottime()
        if self._node_look is None or now - self._node_look[0] >= _PRESSURE_SECONDS:
            gpus = reading.gpus if isinstance(reading, GpuReading) else ()
            pids = frozenset(one.pid for gpu in gpus for one in gpu.processes or ())
            self._node_look = (now, self._pressure.read(pids, wall()))
        return self._node_look[1]

    def _listen(self, reading: GpuReading | str) -> Verdict:
        kernel, unread = self._kernel, None
        if isinstance(reading, GpuReading):
            kernel.know(reading)
        while not self._told.empty():
            kernel.hear(self._told.get())
        if isinstance(self._log, Unavailable):
            return kernel.verdict(self._log.why)
        for _ in range(_PIECES):
            piece = self._log.read()
            unread = piece.lost or unread
            kernel.read(piece.lines)
            if not piece.more:
                break
        return kernel.verdict(unread)

    # -------------------------------------------------------------- what it does

    def _take_out(self) -> list[str]:
        findings = self._standing.findings
        if not self._cordons:
            return []
        if not any(one.quarantine for one in findings):
            self._acted = Acted()
            return []
        try:
            out = cordoned()
            for order in quarantine.orders(findings, out, self._acted):
                cordon(order)
                out = {**(out or {}), order.gpu: order.reason}
            self._acted = quarantine.after(findings, out, self._acted)
        except SentinelError as error:
            return [f"a GPU with a hardware fault is still given out: {error.message}"]
        return []


class KernelFindings:
    """What the kernel's log and the driver told since boot, judged. Bounded."""

    def __init__(self, booted_at: float) -> None:
        self._booted_at = booted_at
        self._gpus: dict[str, GpuRef] = {}
        self._past: list[LogRecord | XidEvent] = []
        self._lost: str | None = None
        self._xids, self._sxids = XidLog(booted_at=booted_at), SXidLog(booted_at=booted_at)

    def know(self, reading: GpuReading) -> None:
        """The cards by their address. What was heard before they were known is heard again."""
        found = {gpu.pci_bus_id: ref(gpu) for gpu in reading.gpus if gpu.pci_bus_id is not None and gpu.named}
        if found.items() <= self._gpus.items():
            return
        self._gpus |= found
        self._xids = XidLog(gpus=self._gpus, booted_at=self._booted_at)
        for one in self._past:
            self._tell(one)

    def hear(self, event: XidEvent) -> None:
        """An Xid that the driver told of."""
        self._remember(event)
        self._tell(event)

    def read(self, lines: tuple[bytes, ...]) -> None:
        """More lines of the log."""
        for record in records(lines, now=wall()):
            self._remember(record)
            self._tell(record)
            self._sxids.add(record)

    def verdict(self, unread: str | None) -> Verdict:
        """On everything so far. What was lost once stays lost."""
        self._lost = unread or self._lost
        found = together(self._xids.verdict(), self._sxids.verdict())
        return found if self._lost is None else together(Unsure(self._lost), found)

    def _tell(self, one: LogRecord | XidEvent) -> None:
        if isinstance(one, XidEvent):
            self._xids.add_event(one.code, one.gpu, one.at)
        else:
            self._xids.add(one)

    def _remember(self, one: LogRecord | XidEvent) -> None:
        if len(self._past) < _REMEMBERED:
            self._past.append(one)
