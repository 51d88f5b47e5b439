"""The scheduler over long random histories of a cluster: what it decides is held against an independent judge
(tests.machines.judge) at every pass, and every pass against the same one told of in another order."""

from dataclasses import replace
from itertools import count
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.machines.scheduler_world import GIB, SchedulerWorld
from tests.scheduling.cluster import gpu, node

from sentinel.core.account import Account, Limits, Scope
from sentinel.core.job import ArrayTask, Job, JobSpec, JobState
from sentinel.core.node import Block, BlockKind, Drain, Node, NodeState, Sharing
from sentinel.core.reservation import Reservation, ReservationKind
from sentinel.scheduling import placement, turns
from sentinel.scheduling.site import OVERRUN

PICK = st.integers(0, 30)
LENGTHS = st.sampled_from([60.0, 300.0, 300.0, 1000.0, 1000.0, 5000.0])
LIMITS = st.one_of(LENGTHS, LENGTHS, st.none())
MOST_WAITING = 14


def machines(kind: int) -> list[Node]:
    """Small clusters of different makes."""
    more: dict[str, Any] = {"cpus": 16, "memory_bytes": 64 * GIB}
    if kind == 0:
        return [node("a", 4, **more), node("b", 4, **more)]
    linked = [gpu("b", i, island=i // 2, numa=i // 2) for i in range(4)]
    older = [gpu("c", i, gib=40, model="NVIDIA A100") for i in range(2)]
    found = [node("a", 3, **more), node("b", linked, **more), node("c", older, sharing=Sharing.NO, cpus=8)]
    return (
        found if kind == 1 else [*found, node("d", 4, **more), node("e", [gpu("e", 0, model=None, gib=None)])]
    )


FEATURES = st.sampled_from(
    [
        *({"priority": priority} for priority in (-5, 5, 10)),
        *({"preemptible": True, "grace": grace} for grace in (5.0, 30.0, 300.0)),
        {"preemptible": True, "priority": -5, "checkpoint": ("save",)},
        *({"gpu_milli": milli} for milli in (250, 500, 600)),
        {"nodes": 2},
        {"nodes": 3},
        *({"gpu_model": model} for model in ("h100", "a100", "a100,h100", "nvidia")),
        {"gpu_memory_bytes": 60 * GIB},
        *({"cpus": count} for count in (1, 8, 12)),
        {"memory_bytes": 40 * GIB},
        {"singleton": True, "name": "x"},
        {"name": "x"},
        {"node": "a"},
        {"node": "nowhere"},
    ]
)
GPUS = st.sampled_from([1, 1, 1, 2, 2, 3, 4])
PLAIN = st.fixed_dictionaries(
    {
        "gpus": GPUS,
        "time_limit": LIMITS,
        "priority": st.sampled_from([0, 0, 0, 5]),
        "nodes": st.sampled_from([1, 1, 2]),
    }
)
ANY_SPEC = st.builds(
    lambda gpus, limit, features: (
        {"gpus": gpus, "time_limit": limit} | {k: v for one in features for k, v in one.items()}
    ),
    GPUS,
    LIMITS,
    st.lists(FEATURES, max_size=3),
)


class SchedulerMachine(RuleBasedStateMachine):
    """One owner, or several in two groups."""

    world: SchedulerWorld
    owners: tuple[tuple[str, str | None], ...] = (
        ("alice", None),
        ("bob", "g"),
        ("carol", "g"),
        ("dave", "h"),
    )

    @initialize(kind=st.integers(0, 2), seed=st.integers(0, 1000), limited=st.booleans())
    def begin(self, kind: int, seed: int, limited: bool) -> None:
        self.world = SchedulerWorld(machines(kind), seed)
        self.ids = count()
        if limited and len(self.owners) > 1:
            self.world.put_account(Account(scope=Scope.DEFAULT, name="", limits=Limits(running_gpus=3)))
            self.world.put_account(Account(scope=Scope.GROUP, name="g", limits=Limits(running_gpus_soft=2)))

    def job(self, who: int, fields: dict[str, Any]) -> Job:
        owner, group = self.owners[who % len(self.owners)]
        fields = dict(fields)
        if fields.get("gpu_milli"):
            fields |= {"gpus": 1, "nodes": 1}
        spec = JobSpec(command=("true",), cwd="/", **fields)
        n = next(self.ids)
        return Job(
            id=f"j{n:03}", owner=owner, account=group, spec=spec, submitted_at=self.world.scene.now + n * 1e-3
        )

    # ------------------------------------------------------------------ people

    @precondition(lambda self: len(self.world.waiting()) < MOST_WAITING)
    @rule(who=PICK, specs=st.lists(ANY_SPEC, min_size=1, max_size=3))
    def submit(self, who: int, specs: list[dict[str, Any]]) -> None:
        self.world.submit(*(self.job(who, spec) for spec in specs))
        self.world.settle()

    @precondition(lambda self: len(self.world.waiting()) < MOST_WAITING)
    @rule(who=PICK, spec=ANY_SPEC, size=st.integers(2, 4), limit=st.integers(1, 2))
    def submit_an_array(self, who: int, spec: dict[str, Any], size: int, limit: int) -> None:
        first = self.job(who, spec)
        self.world.submit(
            *(
                replace(
                    first,
                    id=f"{first.id}_{index}",
                    submitted_at=first.submitted_at + index * 1e-6,
                    array=ArrayTask(id=first.id, index=index, size=size, limit=limit),
                )
                for index in range(size)
            )
        )
        self.world.settle()

    @precondition(lambda self: len(self.world.waiting()) < MOST_WAITING)
    @rule(
        who=PICK,
        gpus=GPUS,
        limit=LIMITS,
        nodes=st.sampled_from([1, 1, 2]),
        grace=st.sampled_from([5.0, 30.0]),
    )
    def one_that_may_be_stopped(
        self, who: int, gpus: int, limit: float | None, nodes: int, grace: float
    ) -> None:
        fields = {"gpus": gpus, "time_limit": limit, "nodes": nodes, "grace": grace}
        self.world.submit(self.job(who, fields | {"preemptible": True, "priority": -5}))
        self.world.settle()

    @precondition(lambda self: len(self.world.waiting()) < MOST_WAITING)
    @rule(who=PICK, gpus=GPUS, limit=LIMITS, nodes=st.sampled_from([1, 1, 2]))
    def an_urgent_one(self, who: int, gpus: int, limit: float | None, nodes: int) -> None:
        self.world.submit(self.job(who, {"gpus": gpus, "time_limit": limit, "nodes": nodes, "priority": 10}))
        self.world.settle()

    @precondition(lambda self: self.world.waiting())
    @rule(which=PICK)
    def a_waiting_job_is_canceled(self, which: int) -> None:
        waiting = self.world.waiting()
        self.world.end(waiting[which % len(waiting)].id, state=JobState.CANCELED)
        self.world.settle()

    @precondition(lambda self: self.world.placed())
    @rule(which=PICK)
    def a_job_ends_early(self, which: int) -> None:
        placed = self.world.placed()
        self.world.end(placed[which % len(placed)].id)
        self.world.settle()

    @rule(seconds=st.sampled_from([1.0, 30.0, 100.0, 1000.0, 10_000.0]))
    def time_goes_by(self, seconds: float) -> None:
        self.world.advance(seconds)

    # ------------------------------------------------------------------ operators and machines

    @rule(which=PICK)
    def a_node_is_drained_or_resumed(self, which: int) -> None:
        nodes = list(self.world.scene.nodes.values())
        old = nodes[which % len(nodes)]
        drained = None if old.drained else Drain(by="root", at=0.0)
        self.world.put_node(replace(old, drained=drained))
        self.world.settle()

    @rule(which=PICK)
    def a_node_dies_or_comes_back(self, which: int) -> None:
        nodes = list(self.world.scene.nodes.values())
        old = nodes[which % len(nodes)]
        if old.state is not NodeState.UP:
            self.world.put_node(replace(old, state=NodeState.UP))
        else:
            self.world.put_node(replace(old, state=NodeState.DEAD))
            had = [
                job for job in self.world.scene.holding() if job.placement and job.placement.node == old.id
            ]
            for id in sorted({job.id if job.part is None else job.part.of for job in had}):
                self.world.queue_again(id, preempted=False)
        self.world.settle()

    @rule(which=PICK, card=PICK)
    def a_gpu_is_blocked_or_free_again(self, which: int, card: int) -> None:
        nodes = list(self.world.scene.nodes.values())
        old = nodes[which % len(nodes)]
        gpus = list(old.gpus or ())
        at = card % len(gpus)
        blocked = None if gpus[at].blocked else Block(kind=BlockKind.UNMANAGED, why="python")
        gpus[at] = replace(gpus[at], blocked=blocked)
        self.world.put_node(replace(old, gpus=tuple(gpus)))
        self.world.settle()

    @rule(
        id=st.sampled_from(["r1", "r2"]),
        after=st.sampled_from([0, 100, 600, 4000]),
        lasts=st.sampled_from([100, 2000]),
        nodes=st.sampled_from([(), ("a",), ("b", "a")]),
        whose=st.sampled_from([(), ("alice",), ("bob",)]),
    )
    def a_reservation_is_made_or_removed(
        self, id: str, after: int, lasts: int, nodes: tuple[str, ...], whose: tuple[str, ...]
    ) -> None:
        world = self.world
        if id in world.scene.reservations:
            world.remove_reservation(id)
        else:
            start = float(int(world.scene.now) + after)
            kind = ReservationKind.RESERVED if whose else ReservationKind.MAINTENANCE
            world.put_reservation(
                Reservation(
                    id=id, name=id, kind=kind, start=start, end=start + lasts, nodes=nodes, users=whose
                )
            )
        world.settle()

    @rule(
        whose=st.sampled_from(
            [(Scope.USER, "alice"), (Scope.USER, "bob"), (Scope.GROUP, "g"), (Scope.DEFAULT, "")]
        ),
        hard=st.sampled_from([None, None, 0, 2, 5]),
        soft=st.sampled_from([None, 1, 3]),
        weight=st.sampled_from([1.0, 4.0]),
    )
    def limits_are_others(
        self, whose: tuple[Scope, str], hard: int | None, soft: int | None, weight: float
    ) -> None:
        limits = Limits(running_gpus=hard, running_gpus_soft=soft)
        self.world.put_account(Account(scope=whose[0], name=whose[1], weight=weight, limits=limits))
        self.world.settle()


class OneUserMachine(SchedulerMachine):
    """All jobs are of one user, nothing is special about them, and machines and rules stay as they are: so
    whose turn it is depends on priority and age alone, and a start that is moved to a later time is seen."""

    owners = (("alice", None),)

    @precondition(lambda self: len(self.world.waiting()) < MOST_WAITING)
    @rule(who=PICK, specs=st.lists(PLAIN, min_size=1, max_size=4))
    def submit(self, who: int, specs: list[dict[str, Any]]) -> None:
        self.world.submit(*(self.job(who, spec) for spec in specs))
        self.world.settle()

    @precondition(lambda self: self.world.placed())
    @rule(which=PICK)
    def another_job_ends_early(self, which: int) -> None:
        self.a_job_ends_early(which)

    submit_an_array = None
    one_that_may_be_stopped = None
    an_urgent_one = None
    a_node_is_drained_or_resumed = None
    a_node_dies_or_comes_back = None
    a_gpu_is_blocked_or_free_again = None
    a_reservation_is_made_or_removed = None
    limits_are_others = None


EXAMPLES = settings(
    max_examples=150,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestScheduler = SchedulerMachine.TestCase
TestScheduler.settings = EXAMPLES
TestOneUser = OneUserMachine.TestCase
TestOneUser.settings = EXAMPLES


# ------------------------------------------------------------------ nobody starves

SHORT_PATIENCE = 600.0
LONGEST = 1000.0
ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 3),  # whose
        st.integers(1, 4),  # GPUs
        st.sampled_from([1, 1, 2]),  # nodes
        st.sampled_from([100.0, 400.0, LONGEST]),  # time limit
        st.sampled_from([-10, 0, 0, 10, 10]),  # priority
    ),
    min_size=3,
    max_size=25,
)


@settings(max_examples=25)
@given(arrivals=ARRIVALS, often=st.sampled_from([60.0, 200.0]), seed=st.integers(0, 1000))
def test_every_job_begins_within_the_bound(
    arrivals: list[tuple[int, int, int, float, int]], often: float, seed: int
) -> None:
    """While jobs of higher priority keep coming, and each has a time limit: when its PATIENCE is over, a job
    begins after as many times the longest time limit, and OVERRUN, as older jobs wait then, and once more for
    what runs; whatever was promised to others, or is submitted later. That does not hold for one whose user's
    quota is used up, whose nodes are lost or reserved, or that was stopped to make room."""
    with (
        patch.object(turns, "PATIENCE", SHORT_PATIENCE),
        patch.object(placement, "PATIENCE", SHORT_PATIENCE),
    ):
        world = SchedulerWorld([node("a", 4), node("b", 4)], seed, thorough=False)
        bound: dict[str, float] = {}
        for n in count():
            if n < 60:
                whose, gpus, nodes, limit, priority = arrivals[n % len(arrivals)]
                owner, group = SchedulerMachine.owners[whose]
                spec = JobSpec(
                    command=("true",), cwd="/", gpus=gpus, nodes=nodes, time_limit=limit, priority=priority
                )
                now = world.scene.now
                world.submit(Job(id=f"j{n:03}", owner=owner, account=group, spec=spec, submitted_at=now))
                world.settle()
            elif not world.waiting():
                break
            world.advance(often)
            for one in world.waiting():
                if one.id not in bound and world.scene.now > one.submitted_at + SHORT_PATIENCE:
                    ahead = sum(other.submitted_at < one.submitted_at for other in world.waiting())
                    bound[one.id] = world.scene.now + (ahead + 1) * (LONGEST + OVERRUN)
        assert not {id: world.began[id] - at for id, at in bound.items() if world.began[id] > at}
