"""An independent judge of what a pass of placement decides. Used by the scheduler's machines.

It counts for itself who holds what, from the nouns alone, and shares no code with the scheduler: a fault
there is none here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from sentinel.core.account import Account, Limits, Scope
from sentinel.core.job import WHOLE, Job, JobSpec, JobState
from sentinel.core.node import Node, NodeGpu, NodeState, Sharing
from sentinel.core.reservation import Reservation
from sentinel.scheduling.verdict import Chosen, Pass, Stop, Word


@dataclass(slots=True, kw_only=True)
class Scene:
    """All that there is: what has not ended, the machines, the rules."""

    now: float
    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    reservations: dict[str, Reservation] = field(default_factory=dict[str, Reservation])
    accounts: dict[tuple[Scope, str], Account] = field(default_factory=dict[tuple[Scope, str], Account])

    def holding(self) -> Iterator[Job]:
        return (job for job in self.jobs.values() if job.placement is not None)

    def limits(self, owner: str, group: str | None) -> list[tuple[Scope, str, Limits]]:
        """Those that hold for a user in a group."""
        own = self.accounts.get((Scope.USER, owner)) or self.accounts.get((Scope.DEFAULT, ""))
        found = [] if own is None else [(Scope.USER, owner, own.limits)]
        of_group = None if group is None else self.accounts.get((Scope.GROUP, group))
        if group is not None and of_group is not None:
            found.append((Scope.GROUP, group, of_group.limits))
        return found

    def running(self, scope: Scope, name: str) -> int:
        """Thousandths of GPUs that jobs of a user or a group hold."""
        return sum(
            milli(job)
            for job in self.holding()
            if (job.owner if scope is Scope.USER else job.account) == name
        )


def milli(job: Job) -> int:
    return job.spec.gpus * job.spec.gpu_milli * job.spec.nodes


def suits(spec: JobSpec, gpu: NodeGpu) -> bool:
    if spec.gpu_memory_bytes is not None and (gpu.memory_total_bytes or 0) < spec.gpu_memory_bytes:
        return False
    parts = [part.strip().lower() for part in (spec.gpu_model or "").split(",") if part.strip()]
    return not parts or any(part in (gpu.model or "").lower() for part in parts)


class Ledger:
    """Who holds what of the nodes, and what each pass adds."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.gpus: dict[str, int] = {}  # thousandths taken
        self.cpus: dict[str, int] = {}
        self.memory: dict[str, int] = {}
        for job in scene.holding():
            assert job.placement is not None
            self.add(job.spec, job.placement.node, job.placement.gpus)

    def add(self, spec: JobSpec, node: str, gpus: Sequence[str]) -> None:
        for gpu in gpus:
            self.gpus[gpu] = self.gpus.get(gpu, 0) + spec.gpu_milli
            assert self.gpus[gpu] <= WHOLE, f"GPU {gpu} is given away more than once"
        self.cpus[node] = self.cpus.get(node, 0) + (spec.cpus or 0)
        self.memory[node] = self.memory.get(node, 0) + (spec.memory_bytes or 0)

    def place(self, job: Job, node_id: str, gpus: Sequence[str]) -> None:
        spec, node = job.spec, self.scene.nodes[node_id]
        assert node.state is NodeState.UP, f"{job.id} is placed on {node.state} {node.name}"
        assert node.drained is None, f"{job.id} is placed on drained {node.name}"
        assert spec.node in (None, node.name)
        assert len(gpus) == len(set(gpus)) == spec.gpus
        known = {gpu.uuid: gpu for gpu in node.gpus or ()}
        for uuid in gpus:
            assert known[uuid].blocked is None, f"{job.id} is placed on blocked {uuid}"
            assert suits(spec, known[uuid]), f"{uuid} does not suit {job.id}"
        if spec.gpu_milli < WHOLE:
            assert node.sharing is not Sharing.NO, f"{job.id} shares a GPU of {node.name}"
        self.add(spec, node_id, gpus)
        if spec.cpus is not None:
            assert node.cpus is not None and self.cpus[node_id] <= node.cpus
        if spec.memory_bytes is not None:
            assert node.memory_bytes is not None and self.memory[node_id] <= node.memory_bytes


def judge(scene: Scene, found: Pass) -> None:
    """That nothing is placed which may not be there."""
    ledger = Ledger(scene)
    taken: dict[tuple[Scope, str], int] = {}
    tasks: dict[str, int] = {}
    seen: set[str] = set()
    for chosen in found.chosen:
        job = scene.jobs[chosen.job]
        assert job.state is JobState.QUEUED and job.id not in seen
        assert not job.after
        seen.add(job.id)
        assert len(chosen.seats) == job.spec.nodes, "a gang is placed whole"
        assert len({seat.node for seat in chosen.seats}) == job.spec.nodes, "on as many nodes"
        for seat in chosen.seats:
            ledger.place(job, seat.node, seat.gpus)
        _judge_reservations(scene, job, chosen)
        _judge_quotas(scene, job, taken)
        _judge_array(scene, job, tasks)
        _judge_singleton(scene, job)
    for stop in found.stops:
        _judge_stop(scene, found, stop)


def _judge_reservations(scene: Scene, job: Job, chosen: Chosen) -> None:
    end = inf if job.spec.time_limit is None else scene.now + job.spec.time_limit
    for seat in chosen.seats:
        name = scene.nodes[seat.node].name
        for one in scene.reservations.values():
            meant = job.owner in one.users or job.account in one.groups
            if (not one.nodes or name in one.nodes) and not (meant and one.kind == "reserved"):
                overlaps = scene.now < one.end and one.start < end
                assert not overlaps, f"{job.id} could run into {one.id} on {name}"


def _judge_quotas(scene: Scene, job: Job, taken: dict[tuple[Scope, str], int]) -> None:
    for scope, name, limits in scene.limits(job.owner, job.account):
        if limits.running_gpus is not None:
            sum_ = scene.running(scope, name) + taken.get((scope, name), 0) + milli(job)
            assert sum_ <= limits.running_gpus * WHOLE or not milli(job), f"{scope} {name} is past its quota"
    for key in ((Scope.USER, job.owner), (Scope.GROUP, job.account or "")):
        taken[key] = taken.get(key, 0) + milli(job)


def _judge_array(scene: Scene, job: Job, tasks: dict[str, int]) -> None:
    array = job.array
    if array is None:
        return
    if array.id not in tasks:
        tasks[array.id] = sum(
            other.array is not None and other.array.id == array.id and other.state.placed
            for other in scene.jobs.values()
        )
    tasks[array.id] += 1
    assert array.limit is None or tasks[array.id] <= array.limit, f"array {array.id} is past its limit"


def _judge_singleton(scene: Scene, job: Job) -> None:
    if job.spec.singleton:
        age = job.submitted_at, job.id
        earlier = [
            other.id
            for other in scene.jobs.values()
            if other.part is None and other.owner == job.owner and other.spec.name == job.spec.name
            and (other.submitted_at, other.id) < age
        ]  # fmt: skip
        assert not earlier, f"singleton {job.id} is placed beside {earlier}"


# ------------------------------------------------------------------ preemption


def unit(scene: Scene, id: str) -> list[Job]:
    """What is stopped with the job of this id: itself, or the parts of a gang."""
    return [
        job
        for job in scene.holding()
        if (job.id == id and job.part is None) or (job.part is not None and job.part.of == id)
    ]


def loss(scene: Scene, stops: Iterable[Stop]) -> float:
    """GPU-seconds of work thrown away."""
    total = 0.0
    for stop in stops:
        for job in unit(scene, stop.job):
            if not job.spec.checkpoint and job.started_at is not None:
                total += (scene.now - job.started_at) * milli(job) / WHOLE
    return total


def _judge_stop(scene: Scene, found: Pass, stop: Stop) -> None:
    asking, stopped = scene.jobs[stop.makes_room_for], unit(scene, stop.job)
    assert asking.state is JobState.QUEUED
    assert all(chosen.job != asking.id for chosen in found.chosen), "it is placed: nobody need stop"
    assert stopped, f"{stop.job} holds nothing"
    assert all(job.stop is None for job in stopped), f"{stop.job} is stopped twice"
    assert [other.job for other in found.stops].count(stop.job) == 1
    priority = stopped[0].spec.priority
    said_so = all(job.spec.preemptible for job in stopped) and priority < asking.spec.priority
    assert said_so or (priority <= asking.spec.priority and _gives_back(scene, stopped, asking))


def _gives_back(scene: Scene, stopped: Sequence[Job], asking: Job) -> bool:
    """Whether `stopped`, and what was begun before it, is more than the soft limit of an account that it
    counts against; and `asking` is within all of its own."""
    for scope, name, limits in scene.limits(asking.owner, asking.account):
        soft = limits.running_gpus_soft
        if soft is not None and scene.running(scope, name) + milli(asking) > soft * WHOLE:
            return False
    first = stopped[0]
    for scope, name, limits in scene.limits(first.owner, first.account):
        soft = limits.running_gpus_soft
        until_then = sum(
            milli(job)
            for job in scene.holding()
            if _counts(job, scope, name)
            and job.stop is None
            and (job.started_at or inf) <= (first.started_at or inf)
        )
        if soft is not None and until_then > soft * WHOLE:
            return True
    return False


def _counts(job: Job, scope: Scope, name: str) -> bool:
    return (job.owner if scope is Scope.USER else job.account) == name


# ------------------------------------------------------------------ promises


def comes_before(scene: Scene, one: Job, other: Job) -> bool:
    """Whether `one` may have its turn before `other`: surely not, where its priority is less, or it is of the
    same user and younger, and that one has no soft limit."""
    if one.spec.priority != other.spec.priority:
        return one.spec.priority > other.spec.priority
    if (one.owner, one.account) != (other.owner, other.account):
        return True
    if any(limits.running_gpus_soft is not None for *_, limits in scene.limits(one.owner, one.account)):
        return True
    return (one.submitted_at, one.id) < (other.submitted_at, other.id)


_LIMITED = (Word.QUOTA, Word.ARRAY)


def broken(scene: Scene, before: Mapping[str, float], found: Pass) -> list[str]:
    """Of those that were promised a start, whose start is later by `found`, though nobody who may come before
    them, and had no promise, was given anything. A promise is of GPUs: quotas and limits of arrays are not
    reserved."""
    chosen = {one.job for one in found.chosen}
    new = [scene.jobs[id] for id in {*chosen, *found.bookings} if id not in before]
    worse: list[str] = []
    for id, at in before.items():
        job, booking = scene.jobs.get(id), found.bookings.get(id)
        if job is None or job.state is not JobState.QUEUED or id in chosen:
            continue
        if booking is not None and booking.at is not None and booking.at <= at:
            continue
        if any(verdict.job == id and verdict.word in _LIMITED for verdict in found.verdicts.values()):
            continue
        if not any(comes_before(scene, other, job) for other in new):
            worse.append(f"{id}: {at} → {None if booking is None else booking.at}")
    return worse
