"""The thread that keeps what the controller must know of this node: its GPUs, whether each may be given
out, what runs on it. Started by the link; the beats tell it.

It looks each second, and at once when other processes are on the GPUs or the inventory has something new.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sentinel.agent.link.arbiter_view import Arbiter, SilentArbiter, told_of
from sentinel.agent.link.attempt import Attempt
from sentinel.agent.link.blocking import Around, blocked
from sentinel.agent.link.desired import Wanted
from sentinel.agent.link.facts import Facts, sharing
from sentinel.agent.link.findings import ToldFindings
from sentinel.agent.link.leftovers import Place, leftovers, places
from sentinel.agent.link.mps import pipe_directory
from sentinel.agent.link.processes import Ours, Processes
from sentinel.agent.link.queue_gpus import queue_gpus
from sentinel.agent.link.report import Report
from sentinel.agent.link.shares import share_environment
from sentinel.agent.link.topology import Topology
from sentinel.agent.link.workloads import REFRESH, digest, told_workloads
from sentinel.core.errors import GpuReadError, SentinelError
from sentinel.core.finding import Finding
from sentinel.core.gpu import Gpu, GpuReading
from sentinel.core.inventory import Inventory
from sentinel.core.node import Block, BlockKind, NodeGpu, Sharing, node_gpu_json
from sentinel.core.node_arbiter import NodeArbiter, node_arbiter_json
from sentinel.core.notify import Journal
from sentinel.ports.gpu_topology import GpuPlace

EVERY = 1.0
_SPACING = 0.05
_FIRST_LOOK = 0.02
_HASTY = 2.0
"""Seconds in which the first sample of the GPUs is looked for eagerly: the first beat waits for it."""
_FOR_TOPOLOGY = 0.5
"""Seconds for which the first look waits to know where the GPUs are: else each start of an agent would change
its node twice."""
_NOWHERE = GpuPlace()
_PATIENT = 10.0
"""Seconds for which a silent arbiter's last word still counts: it may just be starting again."""


class Jobs(Protocol):
    """What of the executor is needed here."""

    @property
    def attempts(self) -> dict[str, Attempt]: ...

    @property
    def ended(self) -> list[Attempt]: ...

    def remark(self, reports: Iterable[Report]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where it looks. `reading` raises GpuReadError; `absent`: this machine has no GPU to read; `arbiter`
    asks it, `supervisor` is that one's pid, `mps` that of NVIDIA's daemon. `topology` tells where GPUs are:
    it may block, and raises SentinelError. `share_gpus` False: no job here gets less than a whole GPU."""

    reading: Callable[[], GpuReading]
    absent: Callable[[], bool]
    arbiter: Callable[[], Arbiter]
    supervisor: Callable[[], int | None]
    processes: Processes
    mps: Callable[[], int | None]
    topology: Callable[[Sequence[Gpu]], Mapping[str, GpuPlace]]
    facts: Callable[[Sharing], Facts]
    share_gpus: bool = True


class NodeWatch:
    """Implements beats.Body. `look` and `poke` from any thread."""

    def __init__(
        self,
        sources: Sources,
        jobs: Jobs,
        changed: Callable[[], None],
        now: Callable[[], float],
        journal: Journal,
        *,
        boot_id: str,
        version: str,
        quarantine: bool,
    ) -> None:
        """`changed` is called when the controller should know at once. `quarantine`: findings take GPUs out.
        `now` is boot time."""
        self._sources, self._jobs, self._changed, self._now = sources, jobs, changed, now
        self._journal, self._quarantine = journal, quarantine
        self._who = {"boot_id": boot_id, "agent_version": version}
        self._lock = threading.Lock()
        self._inventory: Inventory | None = None
        self._findings: Mapping[str, str] = {}
        self._told_findings = ToldFindings()
        self._pids: Mapping[str, frozenset[int]] = {}
        self._gpus: tuple[NodeGpu, ...] | None = None
        self._measured: tuple[Gpu, ...] | None = None
        self._topology_until = float("-inf")
        self._topology = Topology(sources.topology, journal, now, self.poke)
        self._sharing: Sharing | None = None  # until it has looked once
        self._told_facts: dict[str, Any] | None = None
        self._told_facts_at = float("-inf")
        self._arbiter: tuple[float, Arbiter] | None = None
        self._by_arbiter: NodeArbiter | None = None  # until it has looked once
        self._told_arbiter: dict[str, Any] | None = None
        self._told_arbiter_at = float("-inf")
        self._left: dict[Place, float] = {}
        self._left_told: set[Place] = set()
        self._rows: list[dict[str, Any]] | None = None
        self._marks = ("", "")
        self._told_marks = ("", "")
        self._told_at = float("-inf")
        self._looked = threading.Event()
        self._poked = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link-node", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the thread within a moment."""
        self._stop.set()
        self._poked.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def poke(self) -> None:
        """Something is other than it was."""
        self._poked.set()

    def look(self, inventory: Inventory, findings: Iterable[Finding]) -> None:
        """What the inventory and the rules of health say now."""
        findings = tuple(findings)
        rows = told_workloads(inventory)
        marks = (digest(rows, restless=False), digest(rows, restless=True))
        with self._lock:
            self._inventory = inventory
            self._findings = {
                one.gpu.uuid: one.title
                for one in findings
                if one.quarantine and one.gpu is not None and one.gpu.uuid is not None
            }
            moved = self._told_findings.look(findings) or marks[0] != self._marks[0]
            self._rows, self._marks = rows, marks
        self._poked.set()
        if moved:
            self._changed()

    # ------------------------------------------------------------------ the beats

    def wait(self, seconds: float) -> bool:
        """Until the GPUs have been looked at once; False when that took longer."""
        return self._looked.wait(seconds)

    def body(self) -> dict[str, Any]:
        """What a beat tells now, without `held` and `seen`."""
        with self._lock:
            gpus, rows, measured, shared = self._gpus, self._rows, self._measured, self._sharing
            arbiter = None if self._by_arbiter is None else node_arbiter_json(self._by_arbiter)
            fresh = self._marks[0] != self._told_marks[0] or (
                self._marks[1] != self._told_marks[1] and self._now() - self._told_at >= REFRESH
            )
            findings = self._told_findings.due(self._now())
        facts = None if shared is None else self._sources.facts(shared).json()
        if facts == self._told_facts and self._now() - self._told_facts_at < REFRESH:
            facts = None
        if arbiter == self._told_arbiter and self._now() - self._told_arbiter_at < REFRESH:
            arbiter = None
        return {
            **self._who,
            "facts": facts,
            "arbiter": arbiter,
            "gpus": None if gpus is None else [node_gpu_json(gpu) for gpu in gpus],
            "workloads": rows if fresh else None,
            "findings": findings,
            "samples": None if measured is None else [_sample(gpu) for gpu in measured],
        }

    def told(self, body: dict[str, Any]) -> None:
        """That one arrived."""
        with self._lock:
            if body["workloads"] is not None and body["workloads"] is self._rows:
                self._told_marks, self._told_at = self._marks, self._now()
            if body["findings"] is not None:
                self._told_findings.told(body["findings"], self._now())
            if body["facts"] is not None:
                self._told_facts, self._told_facts_at = body["facts"], self._now()
            if body["arbiter"] is not None:
                self._told_arbiter, self._told_arbiter_at = body["arbiter"], self._now()

    # ------------------------------------------------------------------ whose processes are whose

    @property
    def pids(self) -> Mapping[str, frozenset[int]]:
        """The processes on the GPUs that are our jobs', by the token of the attempt, at the last look."""
        return self._pids

    # ------------------------------------------------------------------ launches

    def adds(self, wanted: Wanted) -> dict[str, str]:
        """What this node adds to the environment of a job that it launches."""
        with self._lock:
            gpus, shared = self._gpus, self._sharing
        memory = next((one.memory_total_bytes for one in gpus or () if one.uuid in wanted.gpus), None)
        mps = pipe_directory() if shared is Sharing.MPS else None
        return share_environment(wanted.milli, memory, mps)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        hasty_until = self._now() + _HASTY
        self._topology_until = self._now() + _FOR_TOPOLOGY
        while not self._stop.is_set():
            self._poked.clear()
            try:
                self._look()
            except SentinelError as error:
                self._journal.write("warning", f"what runs on the GPUs: {error.message}")
            first = not self._looked.is_set() and self._now() < hasty_until
            if not self._stop.wait(_FIRST_LOOK if first else _SPACING):
                self._poked.wait(0 if first else EVERY)

    def _look(self) -> None:
        attempts = self._jobs.attempts
        try:
            reading: GpuReading | None = self._sources.reading()
            trouble = ""
        except GpuReadError as error:
            reading, trouble = None, error.message
        arbiter, mps = self._ask(), self._sources.mps()
        shared = sharing(arbiter, mps=mps is not None, share_gpus=self._sources.share_gpus)
        by_arbiter = told_of(arbiter, {one.job for one in attempts.values()})
        placed = self._topology.settled or self._now() >= self._topology_until
        measured = None
        if reading is None:
            gpus = self._unread(trouble)
        else:
            gpus, measured = self._read(reading, attempts, arbiter, mps)
        if gpus and not placed:
            return
        with self._lock:
            moved = (gpus, shared) != (self._gpus, self._sharing)
            moved |= self._by_arbiter is None or by_arbiter.shape() != self._by_arbiter.shape()
            self._gpus, self._measured, self._sharing = gpus, measured, shared
            self._by_arbiter = by_arbiter
        if gpus is not None:
            self._looked.set()
        if moved:
            self._changed()

    def _unread(self, trouble: str) -> tuple[NodeGpu, ...] | None:
        """Those that are known, while they cannot be read: not to be given out."""
        if self._sources.absent():
            return ()
        if self._gpus is None:
            return None
        block = Block(kind=BlockKind.UNKNOWN, why=f"the GPUs of its node cannot be read: {trouble}")
        return tuple(replace(gpu, blocked=block) for gpu in self._gpus)

    def _read(
        self, reading: GpuReading, attempts: Mapping[str, Attempt], arbiter: Arbiter, mps: int | None
    ) -> tuple[tuple[NodeGpu, ...], tuple[Gpu, ...]]:
        """What the queue gives out, and what was measured of it."""
        pids = {one.pid for gpu in reading.gpus for one in gpu.processes or () if one.kind.computes}
        whose = self._sources.processes.whose(pids, attempts, mps) if pids else {}
        with self._lock:
            inventory, findings = self._inventory, self._findings
        supervisor = self._sources.supervisor()
        ours = {pid: one.token for pid, one in whose.items() if isinstance(one, Ours)}
        self._pids = _by_token(ours)
        own = set(ours)
        own |= {one.pid for one in attempts.values() if one.pid is not None and not one.phase.over}
        around = Around(
            whose=whose,
            workloads={
                pid: one for one in (inventory.workloads if inventory is not None else ()) for pid in one.pids
            },
            arbiter=arbiter,
            own_pids=frozenset(own if supervisor is None else own | {supervisor}),
            findings=findings if self._quarantine else {},
            strangers={
                uuid: one.job
                for one in attempts.values()
                if one.unknown and not one.phase.over
                for uuid in one.gpus
            },
        )
        found = queue_gpus(reading.gpus)
        self._look_for_leftovers(places([one.gpu for one in found], whose), attempts)
        known = self._topology.of(reading.gpus)
        gpus: list[NodeGpu] = []
        for one in found:
            place = known.get(one.card, _NOWHERE)
            gpus.append(
                NodeGpu(
                    uuid=one.gpu.uuid,
                    index=one.gpu.index,
                    model=one.gpu.name,
                    memory_total_bytes=one.gpu.memory_total_bytes,
                    blocked=blocked(one.gpu, around, part_of=one.card if one.part else None),
                    island=None if one.part else place.island,
                    numa=place.numa,
                )
            )
        return tuple(gpus), tuple(one.gpu for one in found)

    def _ask(self) -> Arbiter:
        """The arbiter; of one that has just fallen silent, what it said last."""
        answer, now = self._sources.arbiter(), self._now()
        if isinstance(answer, SilentArbiter) and self._arbiter is not None:
            at, last = self._arbiter
            if now - at < _PATIENT:
                return last
        elif not isinstance(answer, SilentArbiter):
            self._arbiter = (now, answer)
        return answer

    def _look_for_leftovers(self, found: Iterable[Place], attempts: Mapping[str, Attempt]) -> None:
        now = self._now()
        self._left = {place: self._left.get(place, now) for place in found}
        self._left_told &= self._left.keys()
        if not self._left:
            return
        ended = {one.token: one for one in (*self._jobs.ended, *attempts.values())}
        due = leftovers(self._left, self._left_told, ended, now)
        self._left_told.update(place for place, _ in due)
        self._jobs.remark([report for _, report in due])


def _by_token(ours: Mapping[int, str]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for pid, token in ours.items():
        found.setdefault(token, set()).add(pid)
    return {token: frozenset(pids) for token, pids in found.items()}


def _sample(gpu: Gpu) -> dict[str, Any]:
    return {
        "uuid": gpu.uuid,
        "utilization_percent": gpu.utilization_percent,
        "memory_used_bytes": gpu.memory_used_bytes,
        "temperature_celsius": gpu.temperature_celsius,
        "power_watts": gpu.power_watts,
    }
