"""Finds out whose the processes on the GPUs are: by /proc, and by the inventory where there is one.

Called by `reader`, in its thread. The inventory gives the name of the container or job and who is
behind it; without one, a process is its uid's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sentinel.cli.local.duration_text import age_text
from sentinel.cli.local.inventory_file import NoInventory, read_inventory
from sentinel.cli.local.top.findings import FindingNotes
from sentinel.cli.local.top.look import Look, ProcessRow
from sentinel.cli.local.workloads.notes import STALE_SECONDS
from sentinel.core.errors import SentinelError
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading
from sentinel.core.gpu_json import runs_on
from sentinel.core.inventory import Inventory
from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts
from sentinel.core.workload import Workload
from sentinel.inventory.statefile import INVENTORY
from sentinel.ports.process_facts import ProcessFactsSource

_CLOCK_SLACK = 2.0  # between the kernel's idea of when a process started and a scan's time
_LEAST_GAP = 0.05  # a share of processor time over less than that says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The workloads of an inventory by their processes. Empty where there is none to trust."""

    scanned_at: float = 0.0
    by_process: Mapping[ProcessId, Workload]
    by_pid: Mapping[int, Workload]


NOBODY = Known(by_process={}, by_pid={})


def known_from(inventory: Inventory, boot_id: str) -> Known:
    """What `inventory` knows of processes of this boot; pids of an earlier one mean nothing now."""
    if inventory.boot_id != boot_id:
        return NOBODY
    living = [one for one in inventory.workloads if not one.state.stopped]
    return Known(
        scanned_at=inventory.scanned_at,
        by_process={one.process: one for one in living if one.process is not None},
        by_pid={pid: one for one in living for pid in one.pids},
    )


def workload_of(process: ProcessId, facts: ProcessFacts | None, known: Known) -> Workload | None:
    """The workload that a process is part of. A pid alone counts only for what was there at the scan."""
    exact = known.by_process.get(process)
    if exact is not None:
        return exact
    by_pid = known.by_pid.get(process.pid)
    if by_pid is None or facts is None or facts.started_at is None:
        return None
    if by_pid.process is not None and by_pid.process.pid == process.pid:
        return None  # that pid was an earlier process's
    return by_pid if facts.started_at <= known.scanned_at + _CLOCK_SLACK else None


class Owners:
    """Turns readings into looks; remembers processor times between them. Used by one thread."""

    def __init__(self, facts: ProcessFactsSource, folder: Path, *, node: str, boot_id: str) -> None:
        self._facts, self._folder, self._node, self._boot_id = facts, folder, node, boot_id
        self._cpu: dict[ProcessId, tuple[float, float]] = {}  # when, processor seconds by then
        self._seen: dict[ProcessId, ProcessFacts | None] = {}
        self._stamp: tuple[int, int] | None = None
        self._inventory: Inventory | None = None
        self._known = NOBODY
        self._trouble: str | None = None
        self._findings = FindingNotes(folder, boot_id)

    def look(self, reading: GpuReading, now: float, wall: float) -> Look:
        """`reading` with its processes' owners; `now` on the boot clock, `wall` since the epoch."""
        self._refresh()
        pids = {process.pid for gpu in reading.gpus for process in gpu.processes or ()}
        usages = {pid: self._process(pid, now) for pid in pids}
        living = {process for process, _, _ in usages.values() if process is not None}
        self._cpu = {process: at for process, at in self._cpu.items() if process in living}
        self._seen = {process: facts for process, facts in self._seen.items() if process in living}
        rows = tuple(
            self._row(gpu, one, *usages[one.pid]) for gpu in reading.gpus for one in gpu.processes or ()
        )
        return Look(
            node=self._node,
            reading=reading,
            rows=rows,
            read_at=now,
            wall=wall,
            notes=tuple(self._notes(wall)),
        )

    def _notes(self, wall: float) -> Iterable[str]:
        yield from self._findings.lines(wall)
        if self._trouble is not None:
            yield self._trouble
        elif self._inventory is not None and self._inventory.boot_id != self._boot_id:
            yield "owners by uid alone, the inventory is from before the last start: run `sentinel scan`"
        elif self._inventory is not None and wall - self._inventory.scanned_at > STALE_SECONDS:
            age = age_text(wall - self._inventory.scanned_at)
            yield f"owners are as the inventory had them {age} ago: run `sentinel scan`"

    def _refresh(self) -> None:
        """Reads the inventory again when it was replaced."""
        try:
            found = (self._folder / INVENTORY).stat()
            stamp = (found.st_ino, found.st_mtime_ns)
        except OSError:
            stamp = (0, 0)
        if stamp == self._stamp:
            return
        self._stamp, self._inventory, self._known, self._trouble = stamp, None, NOBODY, None
        try:
            self._inventory = read_inventory(self._folder)
            self._known = known_from(self._inventory, self._boot_id)
        except NoInventory:
            self._trouble = "owners by uid alone, there is no inventory: run `sentinel scan`"
        except SentinelError as error:
            self._trouble = f"owners by uid alone: {error.message}"

    def _process(self, pid: int, now: float) -> tuple[ProcessId | None, float | None, int | None]:
        """Which process has the pid, its share of a core in percent, its memory in bytes."""
        process = self._facts.identify(pid)
        usage = None if process is None else self._facts.usage(process)
        if process is None or usage is None:
            return process, None, None
        if process not in self._seen:
            self._seen[process] = self._facts.facts(pid)
        return process, self._share(process, usage.cpu_seconds, now), usage.memory_bytes

    def _share(self, process: ProcessId, cpu_seconds: float | None, now: float) -> float | None:
        if cpu_seconds is None:
            return None
        before = self._cpu.get(process)
        self._cpu[process] = (now, cpu_seconds)
        if before is None or now - before[0] < _LEAST_GAP:
            return None
        return max(0.0, 100 * (cpu_seconds - before[1]) / (now - before[0]))

    def _row(
        self, gpu: Gpu, one: GpuProcess, process: ProcessId | None, cpu: float | None, memory: int | None
    ) -> ProcessRow:
        facts = None if process is None else self._seen.get(process)
        workload = None if process is None else workload_of(process, facts, self._known)
        process_name = _base(one.name) or (facts and facts.name) or None
        return ProcessRow(
            gpu_index=gpu.index,
            gpu_uuid=gpu.uuid,
            pid=one.pid,
            kind=one.kind,
            mig_index=next((device.index for device in gpu.mig_devices if runs_on(one, device)), None),
            user=(workload and workload.user) or self._user(facts),
            origin=workload.origin if workload else None,
            name=(workload and workload.name) or process_name,
            process_name=process_name,
            workload_id=workload.id if workload else None,
            gpu_memory_bytes=one.memory_bytes,
            sm_percent=one.utilization_percent,
            cpu_percent=cpu,
            memory_bytes=memory,
            started_at=facts.started_at if facts else None,
        )

    def _user(self, facts: ProcessFacts | None) -> str | None:
        if facts is None or facts.uid is None:
            return None
        return self._facts.user_name(facts.uid) or str(facts.uid)


def _base(name: str | None) -> str | None:
    return name.rsplit("/", 1)[-1] or name if name else None
