"""One look with everything at hand for judging it. Made by `attribute` for contained, hosted and carried.

What is remembered for the next look is written down here as well, which is why it lives for one look only.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar, cast

from sentinel.core.inventory import Inventory, SourceReport, SourceState
from sentinel.core.process_facts import ProcessFacts, Usage
from sentinel.core.workload import Evidence, Workload, WorkloadState
from sentinel.inventory.attribution.holdings import Holdings
from sentinel.inventory.attribution.idle import NOT_QUIET, Quiet, Reading, quiet
from sentinel.inventory.attribution.memory import NO_COUNTER, Counter, Memory, cpu_percent
from sentinel.inventory.attribution.sourcing import reports
from sentinel.inventory.evidence.owner import Folders, Member, Owner, decided, of_a_person
from sentinel.inventory.evidence.people import People
from sentinel.inventory.evidence.placement import Placement
from sentinel.inventory.observation import Covered, Leases, Observation, Pod, Seen, Settings

T = TypeVar("T")
_SAME = 0.0015  # what storing a time rounds away, in seconds


class Measured(NamedTuple):
    """What a live workload uses now."""

    gpus: tuple[str, ...]  # that it is seen on
    tells: bool  # whether the driver's lists say all there is to know of it
    memory_bytes: int | None
    utilization_percent: float | None
    cpu_percent: float | None
    host_memory_bytes: int | None
    quiet_since: float | None
    idle_since: float | None


class Scene:
    """The look, what was known before it, and what to remember after it."""

    def __init__(
        self, observation: Observation, previous: Inventory | None, memory: Memory, settings: Settings
    ) -> None:
        self.observation, self.previous, self.settings = observation, previous, settings
        self.sources: dict[str, SourceReport] = reports(observation, previous)
        self.same_boot = previous is not None and previous.boot_id == observation.boot_id
        self.before: dict[str, Workload] = {one.id: one for one in previous.workloads} if previous else {}
        self.holdings = Holdings(observation.gpus)
        self.cards = self.holdings.cards()
        first, last = settings.people
        self.people = People(first=first, last=last, users=observation.users)
        self.folders = Folders(roots=settings.home_roots, owners=observation.path_owners)
        self.leases = observation.leases.value if isinstance(observation.leases, Seen) else Leases()
        self.pods: tuple[Pod, ...] = observation.pods.value if isinstance(observation.pods, Seen) else ()
        self.placed: Mapping[int, Placement] = {}
        self.counters: dict[str, Counter] = {}
        self.judged: dict[str, tuple[object, object]] = {}
        self.judged_by = (
            tuple(sorted(observation.users.items())),
            tuple(sorted(observation.path_owners.items())),
            tuple((gpu.index, gpu.uuid) for gpu in self.cards.gpus),
            self.cards.known,
            tuple(self.cards.mig.items()),
            self.pods,
            settings,
        )
        fresh = memory.boot_id == observation.boot_id
        self._counted: Mapping[str, Counter] = memory.counters if fresh else {}
        same = memory.judged_by == self.judged_by
        self._judged: Mapping[str, tuple[object, object]] = memory.judged if same else {}

    def answers(self, source: str | None) -> bool:
        """Whether this source is ok now."""
        return source is not None and self._state(source) is SourceState.OK

    def silent(self, source: str | None) -> bool:
        """Whether this source exists and does not answer."""
        return source is not None and self._state(source) is SourceState.UNKNOWN

    def _state(self, source: str) -> SourceState | None:
        report = self.sources.get(source)
        return report.state if report else None

    def member(self, pid: int | None) -> Member | None:
        """A process with where it sits; None when it can't be looked at."""
        facts = None if pid is None else self.observation.processes.get(pid)
        return None if facts is None else (facts, self.placed.get(facts.process.pid, Placement()))

    def alive(self, before: Workload) -> ProcessFacts | None:
        """The workload's first process, when it is that same one still."""
        if not self.same_boot or before.process is None:
            return None
        facts = self.observation.processes.get(before.process.pid)
        return facts if facts is not None and facts.process == before.process else None

    def covered(self, pids: list[int]) -> Covered | None:
        """The lease that covers any of these."""
        covered = self.leases.covered
        return next((covered[pid] for pid in pids if pid in covered), None) if covered else None

    def judge(self, id: str, inputs: object, judgement: Callable[[], T]) -> T:
        """What `judgement` says; not asked again while `inputs` stay the same. One type for each `id`."""
        known = self._judged.get(id)
        if known is None or known[0] != inputs:
            known = (inputs, judgement())
        self.judged[id] = known
        return cast("T", known[1])

    def measure(
        self, id: str, pids: list[int], possible: tuple[str, ...] | None, usage: Usage | None
    ) -> Measured:
        """What the workload `id` uses through the processes `pids`; `possible` are GPUs it may be on."""
        look, before = self.observation, self.before.get(id)
        was_on = () if before is None or before.gpus is None else before.gpus
        may_be = None if possible is None else (*possible, *was_on) if was_on else possible
        held = self.holdings.held(pids, may_be)
        counter = self._counted.get(id, NO_COUNTER)
        now = NOT_QUIET
        if held.reading is not Reading.BUSY:
            was = Quiet(
                since=before.quiet_since if before else None,
                idle_since=before.idle_since if before else None,
                begun=counter.begun,
                looked=counter.looked,
            )
            now = quiet(held.reading, was, look.at, look.boottime, self.settings)
        shown = before.cpu_percent if before else None
        percent, seconds, at = cpu_percent(usage, counter, look.boottime, shown)
        if seconds is not None or now.looked is not None:
            self.counters[id] = Counter(cpu_seconds=seconds, at=at, begun=now.begun, looked=now.looked)
        return Measured(
            gpus=held.gpus,
            tells=self.holdings.tells(may_be),
            memory_bytes=held.memory_bytes,
            utilization_percent=held.utilization_percent,
            cpu_percent=percent,
            host_memory_bytes=usage.memory_bytes if usage else None,
            quiet_since=now.since,
            idle_since=now.idle_since,
        )


def running(measured: Measured) -> WorkloadState:
    """IDLE or RUNNING, of a workload that is known to live."""
    return WorkloadState.RUNNING if measured.idle_since is None else WorkloadState.IDLE


def same_time(one: float | None, other: float | None) -> bool:
    """Whether two times are one, after any storing; an unknown one contradicts nothing."""
    return one is None or other is None or abs(one - other) < _SAME


def remembering(owner: Owner, before: tuple[Evidence, ...]) -> Owner:
    """`owner` with what the kernel said before, where it says nothing about a person now."""
    if any(of_a_person(one) for one in owner.evidence[:1]):
        return owner
    kept = [one for one in before if of_a_person(one)]
    return decided([*kept, *owner.evidence]) if kept else owner
