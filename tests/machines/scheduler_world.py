"""A cluster and a clock for the scheduler's machines: jobs come, run and end, nodes fail, rules change; after
each of these passes are run as the loop runs them, and judged. Pure: there is no store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from unittest.mock import patch

from tests.machines.judge import Scene, broken, judge, loss, milli, unit
from tests.scheduling.cluster import GIB

from sentinel.core.account import Account, Scope
from sentinel.core.account_json import account_json
from sentinel.core.job import WHOLE, Cancel, Job, JobState, Placement, Rank
from sentinel.core.node import Node
from sentinel.core.reservation import Reservation
from sentinel.core.reservation_json import reservation_json
from sentinel.ports.store import Document
from sentinel.scheduling import placement
from sentinel.scheduling.placement import place
from sentinel.scheduling.snapshot import Snapshot
from sentinel.scheduling.verdict import Booking, Pass

MOST_PASSES = 12
CONTROLLER = "controller"


class SchedulerWorld:
    """`scene` is what is true, `snapshot` what the scheduler knows of it. `promised`: who was told when it
    starts. `upset`: something happened since that no promise outlives."""

    def __init__(self, nodes: Sequence[Node], seed: int = 0, *, thorough: bool = True) -> None:
        """`thorough`: passes are compared with others over the same; and promises are held against the order
        of priority and age, so nobody's patience may be over."""
        self.thorough = thorough
        self.scene = Scene(now=1_000_000.0)
        self.snapshot = Snapshot()
        self.random = Random(seed)
        self.bookings: Mapping[str, Booking] = {}
        self.promised: dict[str, float] = {}
        self.upset = True
        self.anew = True  # all bookings are worked out anew
        self.ends: dict[str, float] = {}  # by job or gang: when it will really have ended
        self.began: dict[str, float] = {}  # when it was placed first
        self.again_at: float | None = None
        self.passes = 0
        self.last = Pass()
        for node in nodes:
            self.put_node(node)
        self.settle()

    # ------------------------------------------------------------------ what happens

    def put_node(self, node: Node) -> None:
        self.scene.nodes[node.id] = node
        self.snapshot.take(nodes=[node])
        self.upset = True

    def put_reservation(self, one: Reservation) -> None:
        self.scene.reservations[one.id] = one
        self.tell(Document(kind="reservation", key=one.id, data=reservation_json(one)))

    def remove_reservation(self, id: str) -> None:
        del self.scene.reservations[id]
        self.tell(Document(kind="reservation", key=id, data=None))

    def put_account(self, account: Account) -> None:
        self.scene.accounts[account.scope, account.name] = account
        self.tell(Document(kind="account", key=f"{account.scope}:{account.name}", data=account_json(account)))

    def remove_account(self, scope: Scope, name: str) -> None:
        del self.scene.accounts[scope, name]
        self.tell(Document(kind="account", key=f"{scope}:{name}", data=None))

    def tell(self, document: Document) -> None:
        self.anew |= document.kind == "reservation"
        self.snapshot.take(documents=[document])
        self.upset = True

    def submit(self, *jobs: Job) -> None:
        self.keep(*jobs)

    def keep(self, *jobs: Job) -> None:
        for job in jobs:
            if job.state.ended:
                self.scene.jobs.pop(job.id, None)
            else:
                self.scene.jobs[job.id] = job
        self.snapshot.take(jobs=jobs)

    def end(self, id: str, *, state: JobState = JobState.SUCCEEDED) -> None:
        """A job, or a gang with all its parts, has ended."""
        job = self.scene.jobs[id]
        self.ends.pop(id, None)
        parts = self.let_go(id)
        self.keep(
            *(replace(part, state=state, placement=None, allocated_at=None) for part in parts),
            replace(job, state=state, placement=None, allocated_at=None),
        )

    def queue_again(self, id: str, *, preempted: bool) -> None:
        job = self.scene.jobs[id]
        self.ends.pop(id, None)
        parts = self.let_go(id)
        self.keep(
            *(replace(part, state=JobState.FAILED, placement=None, allocated_at=None) for part in parts),
            replace(
                job,
                state=JobState.QUEUED,
                placement=None,
                allocated_at=None,
                started_at=None,
                preempt=None,
                preemptions=job.preemptions + preempted,
            ),
        )

    def let_go(self, id: str) -> list[Job]:
        """Its parts, where it is a gang. A GPU that was blocked while they had it is lost from now on."""
        blocked = {
            gpu.uuid
            for node in self.scene.nodes.values()
            for gpu in node.gpus or ()
            if gpu.blocked is not None
        }
        had = unit(self.scene, id)
        self.upset |= any(
            job.placement is not None and not blocked.isdisjoint(job.placement.gpus) for job in had
        )
        return [part for part in had if part.part is not None]

    def placed(self) -> list[Job]:
        """Jobs and gangs, without parts."""
        return [job for job in self.scene.jobs.values() if job.state.placed and job.part is None]

    def waiting(self) -> list[Job]:
        return [job for job in self.scene.jobs.values() if job.state is JobState.QUEUED]

    def advance(self, seconds: float) -> None:
        """Time goes by; after each thing that happens meanwhile, passes are run."""
        until = self.scene.now + seconds
        while (at := self.next_event()) is not None and at <= until:
            self.scene.now = at
            for id in sorted(id for id, end in self.ends.items() if end <= at):
                job = self.scene.jobs[id]
                if job.preempt is not None:
                    self.queue_again(id, preempted=True)
                else:
                    self.end(id)
            self.settle()
        self.scene.now = until
        self.settle()

    def next_event(self) -> float | None:
        """When something ends, is late, was promised, or the last pass wanted another."""
        now = self.scene.now
        moments = [*self.ends.values(), *(at for at in self.promised.values() if at > now)]
        if self.again_at is not None:
            moments.append(self.again_at)
        return min((at for at in moments if at > now), default=None)

    # ------------------------------------------------------------------ passes

    def settle(self) -> None:
        """Passes until there is nothing more to do, as the loop runs them."""
        for _ in range(MOST_PASSES):
            self.one_pass()
            last = self.last
            if not (last.chosen or last.stops or last.more or last.unsettled):
                break
        else:
            raise AssertionError("it does not come to rest")
        again = place(self.snapshot, self.scene.now, self.bookings, changed=())
        assert not again.chosen, "a pass leaves nothing that the next one finds, though nothing happened"
        assert not again.stops
        assert again.bookings == self.bookings, "nor are bookings others"

    def one_pass(self) -> None:
        scene, snapshot = self.scene, self.snapshot
        self.note_overruns()
        before, changed = self.bookings, None if self.anew else frozenset(snapshot.changed)
        found = self.last = place(snapshot, scene.now, before, changed=changed)
        self.passes += 1
        judge(scene, found)
        if self.thorough:
            self.judge_the_same(found, before, changed)
        self.judge_gain(found, before, changed)
        if self.thorough and not self.upset and not found.stops:
            assert not (late := broken(scene, self.promised, found)), late
        snapshot.changed.clear()
        self.anew = False
        self.bookings = found.bookings
        self.again_at = found.again_at
        self.promised = {id: one.at for id, one in found.bookings.items() if one.at is not None}
        self.upset = False
        self.apply(found)

    def note_overruns(self) -> None:
        """What is over its time, or over the time in which it was to make room, breaks promises."""
        for job in self.scene.holding():
            limit, began = job.spec.time_limit, job.started_at
            if limit is not None and began is not None and began + limit <= self.scene.now:
                self.upset = True

    def apply(self, found: Pass) -> None:
        for chosen in found.chosen:
            self.begin(chosen.job, [(seat.node, seat.gpus) for seat in chosen.seats])
        for stop in found.stops:
            cancel = Cancel(by=CONTROLLER, at=self.scene.now, why=stop.why)
            job = self.scene.jobs[stop.job]
            self.keep(
                *(
                    replace(one, preempt=cancel)
                    for one in {j.id: j for j in (*unit(self.scene, job.id), job)}.values()
                )
            )
            self.ends[job.id] = min(
                self.ends[job.id], self.scene.now + self.random.choice([0.0, 0.5, 1.0]) * job.spec.grace
            )
            self.upset = True

    def begin(self, id: str, seats: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        now = self.scene.now
        job = self.scene.jobs[id]
        attempt = job.attempt + 1
        began = replace(job, state=JobState.RUNNING, attempt=attempt, allocated_at=now, started_at=now)
        if len(seats) == 1:
            ((node, gpus),) = seats
            began = replace(
                began, placement=Placement(node=node, gpus=gpus, token=f"{id}-{attempt}"), node=node
            )
            self.keep(began)
        else:
            parts = [
                replace(
                    began,
                    id=f"{id}.{attempt}.{rank}",
                    spec=replace(job.spec, nodes=1, singleton=False),
                    part=Rank(of=id, rank=rank, size=len(seats)),
                    array=None,
                    placement=Placement(node=node, gpus=gpus, token=f"{id}-{attempt}-{rank}"),
                    node=node,
                )
                for rank, (node, gpus) in enumerate(seats)
            ]
            self.keep(replace(began, allocated_at=None), *parts)
        self.began.setdefault(id, now)
        self.ends[id] = now + self.lasts(job)

    def lasts(self, job: Job) -> float:
        """How long it really runs: some end early, most at their limit, a few a little later."""
        limit = job.spec.time_limit
        if limit is None:
            return self.random.choice([100.0, 1000.0, 20_000.0])
        return self.random.choice([limit, limit, limit, limit / 2, limit / 10, limit + 20.0])

    # ------------------------------------------------------------------ judged by other passes

    def rebuilt(self) -> Snapshot:
        """The same snapshot, told of in another order."""
        fresh = Snapshot()
        scene = self.scene
        things: list[Callable[[], None]] = [
            *(lambda n=n: fresh.take(nodes=[n]) for n in scene.nodes.values()),
            *(lambda j=j: fresh.take(jobs=[j]) for j in scene.jobs.values()),
            *(
                lambda r=r: fresh.take(
                    documents=[Document(kind="reservation", key=r.id, data=reservation_json(r))]
                )
                for r in scene.reservations.values()
            ),
            *(
                lambda a=a: fresh.take(
                    documents=[Document(kind="account", key=f"{a.scope}:{a.name}", data=account_json(a))]
                )
                for a in scene.accounts.values()
            ),
        ]
        self.random.shuffle(things)
        for thing in things:
            thing()
        return fresh

    def judge_the_same(
        self, found: Pass, before: Mapping[str, Booking], changed: frozenset[str] | None
    ) -> None:
        """The same input has the same output. A pass that looks at everything anew keeps the same rules.

        Who is placed does not depend on what is known to have changed, as long as only single nodes are
        booked, and all for a known time. For a gang the other pass may find a sooner start, of nodes that did
        not change and one that did; and which GPUs are kept for a start that nobody knows may differ."""
        again = place(self.rebuilt(), self.scene.now, before, changed=changed)
        assert again == found, "the same, told in another order"
        anew = place(self.snapshot, self.scene.now, before, changed=None)
        kept = [*before.values(), *found.bookings.values(), *anew.bookings.values()]
        judge(self.scene, anew)
        if not self.upset and not anew.stops:
            assert not (late := broken(self.scene, self.promised, anew)), late
        if all(booking.at is not None and len(booking.starts) == 1 for booking in kept):
            placed = [one.job for one in found.chosen]
            assert [one.job for one in anew.chosen] == placed, "as with everything looked at anew"

    def judge_gain(self, found: Pass, before: Mapping[str, Booking], changed: frozenset[str] | None) -> None:
        """Nothing is stopped that loses more than it gains."""
        if not found.stops:
            return
        first = found.stops[0].makes_room_for
        stops = [stop for stop in found.stops if stop.makes_room_for == first]
        asking, gone = self.scene.jobs[first], found.bookings[first].at
        graces = [job.spec.grace for stop in stops for job in unit(self.scene, stop.job)]
        assert gone is not None and gone >= self.scene.now + max(graces)
        with nobody_stopped():
            without = place(self.snapshot, self.scene.now, before, changed=changed).bookings.get(first)
        if without is not None and without.at is not None:
            assert loss(self.scene, stops) <= (without.at - gone) * milli(asking) / WHOLE


@contextmanager
def nobody_stopped() -> Iterator[None]:
    """Passes that stop nobody."""
    with patch.object(placement, "make_room", lambda *_: None):
        yield


__all__ = ["GIB", "SchedulerWorld", "nobody_stopped"]
