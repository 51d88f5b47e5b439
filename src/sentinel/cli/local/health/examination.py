"""Examining a machine, or what somebody saved of one. Called by `sentinel health` and `sentinel gpu check`.

From files, only the components that the files speak of look; on the machine itself all of them do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sentinel.cli.local import wiring
from sentinel.cli.local.inventory_file import read_inventory
from sentinel.core.clock import boottime, wall
from sentinel.core.errors import GpuReadError, SentinelError, UsageError
from sentinel.core.finding import GpuRef, Unsure, Verdict
from sentinel.core.gpu import GpuReading
from sentinel.core.inventory import Inventory
from sentinel.health import sxid, xid
from sentinel.health.components import ALL, Component
from sentinel.health.kernel_log import LogRecord, records
from sentinel.health.round import Round, look
from sentinel.health.view import HealthView, ref, together
from sentinel.ports.gpus import GpuSource
from sentinel.ports.kernel_log import KernelLog, Unavailable

FROM_LOG = ("xid", "sxid")
NOT_FROM_XML = (*FROM_LOG, "idle", "process", "node")
STALE_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to look at. With neither file: this machine."""

    kernel_log: str | None = None
    smi_xml: str | None = None
    source: str = "auto"
    state_dir: Path | None = None

    @property
    def offline(self) -> bool:
        """Whether it is about what was saved, perhaps of another machine."""
        return self.kernel_log is not None or self.smi_xml is not None


def examine(asked: Asked) -> Round:
    """One round. Raises UsageError for a file that cannot be used."""
    reading = _reading(asked)
    cards = _by_address(reading)
    kernel = _kernel(asked, cards)
    live = not asked.offline
    view = HealthView(
        now=wall(),
        reading=reading,
        inventory=_inventory(asked.state_dir) if live else None,
        pressure=wiring.node_pressure(asked.state_dir).read(_pids(reading), wall()) if live else None,
        kernel_findings=kernel,
    )
    return look(view, components(asked))


def components(asked: Asked) -> Sequence[Component]:
    """Those that can say anything about what was given."""
    if not asked.offline:
        return ALL
    names = {one.name for one in ALL}
    if asked.smi_xml is None:
        names = set(FROM_LOG)
    elif asked.kernel_log is None:
        names -= set(NOT_FROM_XML)
    return [one for one in ALL if one.name in names]


def _reading(asked: Asked) -> GpuReading | str | None:
    if asked.smi_xml is not None:
        return _read(wiring.gpu_source(f"smi-xml:{asked.smi_xml}"))
    if asked.kernel_log is not None:
        return None
    try:
        return _read(wiring.gpu_source(asked.source))
    except GpuReadError as error:
        return error.message


def _read(source: GpuSource) -> GpuReading:
    try:
        return source.read()
    finally:
        source.close()


def _by_address(reading: GpuReading | str | None) -> dict[str, GpuRef]:
    gpus = reading.gpus if isinstance(reading, GpuReading) else ()
    return {gpu.pci_bus_id: ref(gpu) for gpu in gpus if gpu.pci_bus_id is not None}


def _pids(reading: GpuReading | str | None) -> frozenset[int]:
    gpus = reading.gpus if isinstance(reading, GpuReading) else ()
    return frozenset(one.pid for gpu in gpus for one in gpu.processes or ())


# ------------------------------------------------------------------ the kernel's log


def _kernel(asked: Asked, cards: dict[str, GpuRef]) -> Verdict | None:
    if asked.kernel_log is None and asked.smi_xml is not None:
        return None
    log = wiring.kernel_log(asked.kernel_log)
    if isinstance(log, Unavailable):
        if asked.kernel_log is not None:
            raise UsageError(log.why)
        return Unsure(log.why)
    booted_at = None if asked.offline else wall() - boottime()
    try:
        return _judged(log, cards, booted_at)
    finally:
        log.close()


def _judged(log: KernelLog, cards: dict[str, GpuRef], booted_at: float | None) -> Verdict:
    """A log may be large: it is read and judged piece by piece."""
    xids, sxids = xid.XidLog(gpus=cards, booted_at=booted_at), sxid.SXidLog(booted_at=booted_at)
    lost: str | None = None
    while True:
        piece = log.read()
        lost = lost or piece.lost
        for record in records(piece.lines, now=wall()):
            _add(record, xids, sxids)
        if not piece.more:
            break
    return together(xids.verdict(unread=lost), sxids.verdict(unread=lost))


def _add(record: LogRecord, xids: xid.XidLog, sxids: sxid.SXidLog) -> None:
    xids.add(record)
    sxids.add(record)


def _inventory(folder: Path | None) -> Inventory | None:
    """The inventory, unless it is too old to say anything about now."""
    if folder is None:
        return None
    try:
        found = read_inventory(folder)
    except SentinelError:
        return None
    return found if wall() - found.scanned_at <= STALE_SECONDS else None
