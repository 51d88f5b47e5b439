"""What the GPUs' work needs of the node besides GPUs: disk and memory. Listed in `components`."""

from collections.abc import Iterator

from sentinel.core.finding import Bad, Finding, Layer, Ok, Proof, Severity, Unsure, Verdict
from sentinel.core.units import show_size
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView
from sentinel.ports.node_pressure import DiskSpace, NodePressure

LOW_SHARE, LOW_BYTES = 0.05, 20 * 2**30
"""Below both, a disk is low: 5 % of a large disk is still room for a checkpoint."""

FULL_SHARE, FULL_BYTES = 0.01, 2**30
"""Below either, writes are about to fail."""

INODES_SHARE = 0.01

MEMORY_LOW_SHARE = 0.05
MEMORY_FULL_SHARE = 0.02
"""Of what the kernel calls available; below that, its out-of-memory killer is near."""

STALLED_PERCENT = 10.0
"""Of the last minute in which all that runs waited for memory; systemd-oomd acts at 60 % over half a
minute."""

DISK = Condition(
    component="node",
    code="node.disk",
    severity=Severity.WARNING,
    layer=Layer.NODE,
    title="Disk is nearly full",
    about="A disk that jobs, containers or Sentinel write to is nearly full, or out of inodes.",
    next_step="See what fills it: sudo du -xh --max-depth=2 FOLDER | sort -h | tail; docker system df for "
    "images.",
)
MEMORY = Condition(
    component="node",
    code="node.memory",
    severity=Severity.WARNING,
    layer=Layer.NODE,
    title="Memory is short",
    about="The node's RAM is nearly used up, or all that runs waits for it.",
    next_step="See who uses it: ps aux --sort=-rss | head; fewer data loader workers or a memory limit "
    "for the "
    "largest keeps the kernel from killing a job.",
)
CONDITIONS = (DISK, MEMORY)


def check(view: HealthView) -> Verdict:
    """Unsure where memory or one of the folders could not be looked at."""
    pressure = view.pressure
    if pressure is None:
        return Unsure("the node was not looked at")
    worst = max(
        (found for disk in pressure.disks or () if (found := _disk(disk, view.now))),
        key=lambda found: found.severity is Severity.CRITICAL,
        default=None,
    )
    findings = (*([worst] if worst else ()), *_memory(pressure, view.now))
    silent = _silent(pressure)
    if silent:
        return Unsure(f"could not be read: {', '.join(silent)}", findings)
    return Bad(findings) if findings else Ok()


def _silent(pressure: NodePressure) -> list[str]:
    disks = (
        ["disks"] if pressure.disks is None else [d.folder for d in pressure.disks if d.free_bytes is None]
    )
    known = pressure.memory_available_bytes is not None and pressure.memory_total_bytes
    return [*disks, *([] if known else ["memory"])]


def _disk(disk: DiskSpace, now: float) -> Finding | None:
    free, total = disk.free_bytes, disk.total_bytes
    read: list[str] = []
    severity = Severity.WARNING
    if free is not None and total:
        if free < FULL_BYTES or free < FULL_SHARE * total:
            severity = Severity.CRITICAL
        if severity is Severity.CRITICAL or (free < LOW_BYTES and free < LOW_SHARE * total):
            read.append(f"free: {show_size(free)} of {show_size(total)}")
    if disk.inodes and disk.inodes_free is not None and disk.inodes_free < INODES_SHARE * disk.inodes:
        read.append(f"free inodes: {disk.inodes_free} of {disk.inodes}")
    if not read:
        return None
    proofs = tuple(Proof(read=one, where=disk.folder, at=now) for one in read)
    return DISK.found(None, f"On the disk of {disk.folder}, {read[0]}", proofs, severity=severity)


def _memory(pressure: NodePressure, now: float) -> Iterator[Finding]:
    total, free, stalled = (
        pressure.memory_total_bytes,
        pressure.memory_available_bytes,
        pressure.memory_full_percent,
    )
    said: list[Proof] = []
    severity = Severity.WARNING
    if total and free is not None and free < MEMORY_LOW_SHARE * total:
        severity = Severity.CRITICAL if free < MEMORY_FULL_SHARE * total else severity
        said.append(
            Proof(read=f"available: {show_size(free)} of {show_size(total)}", where="/proc/meminfo", at=now)
        )
    if stalled is not None and stalled >= STALLED_PERCENT:
        said.append(Proof(read=f"waited for memory: {stalled:.0f} %", where="/proc/pressure/memory", at=now))
    if said:
        yield MEMORY.found(None, f"Memory {said[0].read}", tuple(said), severity=severity)
