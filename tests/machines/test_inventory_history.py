"""Any history of a machine, seen through sources that fail: what the inventory says of it stays true.

Hypothesis moves the world; after every look the invariants are checked against the world itself.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from tests.fakes.sightings import (
    SETTINGS,
    START,
    USERS,
    UUIDS,
    a_container,
    a_gpu,
    a_process,
    an_engine,
    gpus,
    on_gpu,
    scope,
)

from sentinel.core.container import Container, ContainerState
from sentinel.core.event import DETECTED, EXITED, Event
from sentinel.core.inventory import Inventory, SourceState
from sentinel.core.process_facts import ProcessFacts, Usage
from sentinel.core.workload import Category, Origin, Trust, Workload, WorkloadState
from sentinel.core.workload_json import inventory_from, inventory_json
from sentinel.inventory.attribution.attribute import Memory, attribute, memory_from, memory_json
from sentinel.inventory.attribution.joining import wanted_pids
from sentinel.inventory.diff import diff
from sentinel.inventory.observation import Absent, Answer, Observation, Seen, Unknown

T = TypeVar("T")

PREFIX = {"docker": "docker", "podman": "libpod", "containerd": "cri-containerd"}
DRAWERS = {
    Origin.SENTINEL: {Category.MANAGED},
    Origin.DS01: {Category.MANAGED},
    Origin.HOST: {Category.HOST},
    Origin.SYSTEM: {Category.HOST},
    Origin.SLURM: {Category.HOST, Category.CONTAINER},
    Origin.UNKNOWN: {Category.HOST, Category.CONTAINER},
}
LABELS = st.sampled_from(
    [{}, {"ds01.user": "bob"}, {"ds01.managed": "true"}, {"com.docker.compose.project": "web"}]
)
LETTERS = st.sampled_from("abcd")


@dataclass(slots=True)
class Box:
    """A container of the world."""

    id: str
    engine: str
    uid: int
    labels: dict[str, str]
    name: str
    state: ContainerState = ContainerState.CREATED
    pid: int | None = None
    started: float | None = None
    helpers: list[int] = field(default_factory=list)  # more processes in it


@dataclass(slots=True)
class Task:
    """A process of the world."""

    pid: int
    ticks: int
    uid: int
    cgroup: str
    gpus: set[int] = field(default_factory=set)
    busy: bool = False


class Histories(RuleBasedStateMachine):
    """The world, the eyes on it, and what was said of it."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.jump, self.boots, self.boot_at = 100.0, 0.0, 0, 0.0
        self.boxes: dict[str, Box] = {}
        self.tasks: dict[int, Task] = {}
        self.next_pid, self.made = 1000, 0
        self.down: set[str] = set()
        self.absent: set[str] = set()
        self.blind_gpu: int | None = None
        self.last: Inventory | None = None
        self.memory: Memory | None = None
        self.told: Counter[tuple[str, str, str]] = Counter()
        self.lives: set[tuple[str, str]] = set()

    # ------------------------------------------------------------------ the world

    def _fork(self, uid: int, cgroup: str) -> Task:
        self.next_pid += 1
        # Pids come round again, as they do; start times do not.
        pid = 1000 + self.next_pid % 12
        while pid in self.tasks:
            self.next_pid += 1
            pid = 1000 + self.next_pid % 12 if len(self.tasks) < 12 else 1000 + self.next_pid
        self.tasks[pid] = Task(pid, int(self._boottime() * 100), uid, cgroup)
        return self.tasks[pid]

    def _boottime(self) -> float:
        return self.clock - self.boot_at

    @rule(
        letter=LETTERS, engine=st.sampled_from(sorted(PREFIX)), labels=LABELS, uid=st.sampled_from([0, 1001])
    )
    def create(self, letter: str, engine: str, labels: dict[str, str], uid: int) -> None:
        if letter not in self.boxes:
            self.made += 1
            self.boxes[letter] = Box(f"{self.made:064x}", engine, uid, labels, letter)

    @precondition(lambda self: self.boxes)
    @rule(data=st.data(), on=st.sets(st.sampled_from([0, 1])))
    def start(self, data: st.DataObject, on: set[int]) -> None:
        letter = data.draw(st.sampled_from(sorted(self.boxes)))
        box = self.boxes[letter]
        self._stop(box)
        self.clock += 0.5
        task = self._fork(box.uid, scope(box.id, PREFIX[box.engine]))
        task.gpus = set(on)
        box.state, box.pid, box.started = ContainerState.RUNNING, task.pid, START + self.clock

    @precondition(lambda self: any(one.pid for one in self.boxes.values()))
    @rule(data=st.data(), uid=st.sampled_from([0, 1001, 1002]))
    def exec(self, data: st.DataObject, uid: int) -> None:
        letter = data.draw(st.sampled_from(sorted(k for k, one in self.boxes.items() if one.pid)))
        task = self._fork(uid, scope(self.boxes[letter].id, PREFIX[self.boxes[letter].engine]))
        task.gpus = {0}
        self.boxes[letter].helpers.append(task.pid)

    def _stop(self, box: Box) -> None:
        for pid in (box.pid, *box.helpers):
            if pid is not None:
                self.tasks.pop(pid, None)
        box.pid, box.helpers = None, []
        if box.state is not ContainerState.CREATED:
            box.state = ContainerState.EXITED

    @precondition(lambda self: self.boxes)
    @rule(data=st.data(), what=st.sampled_from(["stop", "remove", "pause", "restarting", "rename"]))
    def change(self, data: st.DataObject, what: str) -> None:
        letter = data.draw(st.sampled_from(sorted(self.boxes)))
        box = self.boxes[letter]
        if what == "rename":
            box.name += "x"
        elif what == "pause" and box.pid:
            box.state = ContainerState.PAUSED
        elif what in ("stop", "remove"):
            self._stop(box)
            if what == "remove":
                del self.boxes[letter]
        elif what == "restarting" and box.pid:
            self._stop(box)
            box.state = ContainerState.RESTARTING

    @rule(
        uid=st.sampled_from([0, 1001, 1002]),
        job=st.sampled_from([None, "7"]),
        on=st.sets(st.integers(0, 1), min_size=1),
    )
    def launch(self, uid: int, job: str | None, on: set[int]) -> None:
        self.clock += 0.5
        slice_ = f"user.slice/user-{uid}.slice/session-1.scope" if uid else "system.slice/x.service"
        where = f"system.slice/slurmstepd.scope/job_{job}/step_0/user/task_0" if job else slice_
        self._fork(uid, f"0::/{where}").gpus = set(on)

    @precondition(lambda self: self.tasks)
    @rule(data=st.data(), what=st.sampled_from(["end", "gpus", "busy"]), on=st.sets(st.integers(0, 1)))
    def process(self, data: st.DataObject, what: str, on: set[int]) -> None:
        pid = data.draw(st.sampled_from(sorted(self.tasks)))
        first = next((box for box in self.boxes.values() if box.pid == pid), None)
        if what == "gpus":
            self.tasks[pid].gpus = set(on)
        elif what == "busy":
            self.tasks[pid].busy = not self.tasks[pid].busy
        elif first is not None:
            self._stop(first)
        else:
            del self.tasks[pid]

    @rule(
        source=st.sampled_from(["gpus", "docker", "podman", "containerd", "processes"]), how=st.integers(0, 2)
    )
    def source_fails_or_heals(self, source: str, how: int) -> None:
        self.down.discard(source)
        self.absent.discard(source)
        if how == 1:
            self.down.add(source)
        elif how == 2 and source != "processes":
            self.absent.add(source)

    @rule(gpu=st.sampled_from([None, 0, 1]))
    def card_goes_blind(self, gpu: int | None) -> None:
        self.blind_gpu = gpu

    @rule(seconds=st.sampled_from([0.5, 30.0, 200.0, 301.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock += seconds

    @rule(seconds=st.sampled_from([-7200.0, 0.0, 3600.0]))
    def clock_is_set(self, seconds: float) -> None:
        self.jump = seconds

    @rule()
    def reboot(self) -> None:
        for box in self.boxes.values():
            self._stop(box)
        self.tasks.clear()
        self.boots, self.boot_at, self.clock = self.boots + 1, self.clock, self.clock + 20.0

    @rule()
    def agent_restarts(self) -> None:
        """Whatever it knew, it knows from its files."""
        if self.last is not None and self.memory is not None:
            self.last = inventory_from(inventory_json(self.last))
            self.memory = memory_from(memory_json(self.memory))

    # ------------------------------------------------------------------ looking

    def _facts(self, task: Task) -> ProcessFacts:
        # What the clock says of a start moves with the clock, as with the kernel's boot time.
        at = START + self.boot_at + task.ticks / 100 + self.jump
        return a_process(task.pid, uid=task.uid, cgroup=task.cgroup, started=task.ticks, started_at=at)

    def _observe(self) -> Observation:
        cards = [
            a_gpu(
                index,
                *(
                    on_gpu(t.pid, utilization_percent=60.0 if t.busy else 0.0)
                    for t in self.tasks.values()
                    if index in t.gpus
                ),
            )
            for index in (0, 1)
        ]
        if self.blind_gpu is not None:
            cards[self.blind_gpu] = replace(cards[self.blind_gpu], processes=None)
        answers = {
            name: an_engine(*(self._inspected(one) for one in self.boxes.values() if one.engine == name))
            for name in PREFIX
        }
        engines = {name: self._answer(name, seen) for name, seen in answers.items()}
        reading = self._answer("gpus", gpus(*cards))
        boot_id = f"b{self.boots:07d}-0000"
        wanted = wanted_pids(reading, engines, self.last, boot_id)
        seen = (
            {}
            if "processes" in self.down
            else {p: self._facts(t) for p, t in self.tasks.items() if p in wanted}
        )
        return Observation(
            at=START + self.clock + self.jump,
            boottime=self._boottime(),
            boot_id=boot_id,
            node="lab1",
            gpus=reading,
            processes=seen,
            process_usage={p: Usage(cpu_seconds=self._boottime(), memory_bytes=1) for p in seen},
            engines=engines,
            users=USERS,
            blind="hidden" if "processes" in self.down else None,
        )

    def _answer(self, name: str, seen: Seen[T]) -> Answer[T]:
        if name in self.down:
            return Unknown("it hangs")
        return Absent("no socket") if name in self.absent else seen

    def _inspected(self, box: Box) -> Container:
        more = {"name": box.name, "state": box.state, "pid": box.pid, "started_at": box.started}
        return a_container(box.id, engine=box.engine, labels=box.labels, user="", **more)

    @rule()
    def look(self) -> None:
        observation = self._observe()
        inventory, memory = attribute(observation, self.last, self.memory, SETTINGS)
        events = diff(self.last, inventory)
        self._check_events(events, inventory)
        self._check_inventory(observation, inventory)
        again, _ = attribute(observation, inventory, memory, SETTINGS)
        assert diff(inventory, again) == ()
        assert inventory_from(inventory_json(inventory)) == inventory
        assert inventory_json(inventory_from(inventory_json(inventory))) == inventory_json(inventory)
        self.last, self.memory = inventory, memory

    @rule()
    def watch(self) -> None:
        """Long enough for something to be called idle."""
        for _ in range(5):
            self.clock += 200.0
            self.look()

    # ------------------------------------------------------------------ what must hold

    def _check_events(self, events: tuple[Event, ...], after: Inventory) -> None:
        assert len({one.id for one in events}) == len(events)
        before = {one.id: one for one in self.last.workloads} if self.last else {}
        for event in events:
            run = (event.subject, _run(event))
            if event.type == DETECTED:
                assert event.subject not in {subject for subject, _ in self.lives}, f"twice: {event}"
                self.lives.add(run)
                self.told[(DETECTED, *run)] += 1
                assert self.told[(DETECTED, *run)] == 1 or run[1] == "?"
            elif event.type == EXITED:
                mine = {one for one in self.lives if one[0] == event.subject}
                assert mine, f"never detected: {event}"
                self.lives -= mine
                self.told[(EXITED, *run)] += 1
                assert self.told[(EXITED, *run)] == 1 or run[1] == "?"
                self._check_exit(event, before[event.subject], after)

    def _check_exit(self, event: Event, was: Workload, after: Inventory) -> None:
        reboot = self.last is not None and self.last.boot_id != after.boot_id
        if was.source in PREFIX or not reboot:
            assert after.sources[was.source or ""].state is SourceState.OK, event
        if was.process is None or reboot or "part_of" in event.data:
            return
        task = self.tasks.get(was.process.pid)
        alive = task is not None and task.ticks == was.process.started
        assert not alive, f"it lives: {event}"

    def _check_inventory(self, observation: Observation, inventory: Inventory) -> None:
        seen = Counter(
            pid for one in inventory.workloads for pid in one.pids if one.last_seen_at == inventory.scanned_at
        )
        listed = {pid for pid, task in self.tasks.items() for index in task.gpus if index != self.blind_gpu}
        if not {"gpus"} & (self.down | self.absent):
            assert all(seen[pid] == 1 for pid in listed), (listed, seen)
        assert len({one.id for one in inventory.workloads}) == len(inventory.workloads)
        for one in inventory.workloads:
            assert one.category in DRAWERS.get(one.origin, {Category.CONTAINER})
            people = [e for e in one.user_evidence if e.trust is Trust.KERNEL and e.value in ("ann", "bob")]
            assert not people or one.user_evidence[0].trust is Trust.KERNEL
            assert one.user == (one.user_evidence[0].value if one.user_evidence else None)
            assert one.idle_since is None or one.idle_since == one.quiet_since
            assert one.state is not WorkloadState.IDLE or one.idle_since is not None
            assert one.gpus is None or set(one.gpus) <= set(UUIDS)
        self._check_sources(inventory)

    def _check_sources(self, inventory: Inventory) -> None:
        now = {one.id: one for one in inventory.workloads}
        for name in self.down - {"processes"}:
            assert inventory.sources[name].state is SourceState.UNKNOWN
        for was in self.last.workloads if self.last else ():
            silent = inventory.sources[was.source or ""].state is SourceState.UNKNOWN
            if silent and (was.source in PREFIX or self.last.boot_id == inventory.boot_id):
                assert was.id in now, f"lost: {was}"
        for box in self.boxes.values():
            if inventory.sources[box.engine].state is SourceState.OK:
                one = now[box.id]
                assert one.name == box.name
                assert (one.pid, one.started_at) == (box.pid, box.started)
                assert one.state.stopped == (box.state in (ContainerState.CREATED, ContainerState.EXITED))


def _run(event: Event) -> str:
    """What tells runs of one id apart; "?" where nothing does."""
    workload = event.data["workload"]
    if not event.subject.startswith("process:"):
        return workload["started_at"] or "?"
    return "?" if ":0:" in event.subject else ""  # a process that could not be looked at has no start


Histories.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestHistories = Histories.TestCase
