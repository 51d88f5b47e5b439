"""The scheduler's step: what it writes, when it wants to be called again, what it costs in between."""

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import pytest
from tests.scheduling.cluster import job, node, reservation

from sentinel.core.errors import StoreConflict, StoreUnavailable
from sentinel.core.job import Cancel, Job, JobState
from sentinel.core.job_lease import JobLease
from sentinel.core.node import Drain, Node, NodeState
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import Transaction
from sentinel.scheduling import desk, loop
from sentinel.scheduling.loop import RETRY, Scheduler, Step
from sentinel.scheduling.mirror import RESTORED_AT, Mirror
from sentinel.scheduling.order import PATIENCE
from sentinel.scheduling.placement import place
from sentinel.scheduling.reports import report_from
from sentinel.scheduling.site import Start
from sentinel.scheduling.verdict import Booking, Chosen, Pass, Seat


class Between:
    """A store in whose next write somebody else comes first."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.first: Callable[[Transaction], object] | None = None
        self.writes = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    def write(self, work: Callable[[Transaction], object]) -> object:
        first, self.first = self.first, None
        if first is not None:
            self.store.write(first)
        self.writes += 1
        return self.store.write(work)


class Queue:
    def __init__(self, *nodes: Node, most: int = 256) -> None:
        self.store = MemoryStore()
        self.between = Between(self.store)
        self.now = 1000.0
        self.tokens = 0
        self.keep(*nodes)
        self.mirror = Mirror(self.store)
        self.loop = Scheduler(
            self.between,  # type: ignore[arg-type]
            self.mirror,
            now=lambda: self.now,
            today=lambda: 5.0,
            new_token=self.new_token,
            most=most,
        )

    def new_token(self) -> str:
        self.tokens += 1
        return f"t{self.tokens}"

    def keep(self, *things: Node | Job) -> None:
        def work(tx: Transaction) -> None:
            for thing in things:
                if isinstance(thing, Node):
                    tx.put_node(thing)
                else:
                    desk.submit(tx, thing, {}, key=None, digest="", now=1.0)

        self.store.write(work)

    def job(self, id: str) -> Job:
        with self.store.read() as view:
            found = view.job(id)
        assert found is not None
        return found

    def beat(self, *names: str) -> None:
        self.store.write(
            lambda tx: tx.beat(dict.fromkeys(names, 5.0), [lease.token for lease in tx.leases()])
        )

    def refuse(self, id: str, why: str = "no") -> None:
        placement = self.job(id).placement
        assert placement is not None
        body = {"token": placement.token, "job": id, "attempt": 1, "kind": "refused", "why": why}

        def work(tx: Transaction) -> object:
            found = tx.node(placement.node)
            assert found is not None
            return desk.told(tx, found, [report_from(body)], 5.0)

        self.store.write(work)


@pytest.fixture
def q() -> Generator[Queue]:
    found = Queue(node("n", 2))
    yield found
    found.store.close()


def test_a_job_is_placed_with_its_lease_and_its_event(q: Queue) -> None:
    q.keep(job("j", 2))
    step = q.loop.step()
    assert step == Step(placed=("j",), again_in=5.0)
    found = q.job("j")
    assert (found.state, found.attempt, found.node, found.gpus) == (
        JobState.ALLOCATED,
        1,
        "n",
        ("n-0", "n-1"),
    )
    with q.store.read() as view:
        (lease,) = view.leases()
        events = view.events(0, 10, subject="j")
    assert (lease.token, lease.job, lease.gpus, lease.owner) == ("t1", "j", ("n-0", "n-1"), "alice")
    assert [event.type for event in events] == ["sentinel.job.submitted", "sentinel.job.allocated"]
    assert events[-1].source == "/controller"


def test_nothing_changed_nothing_is_written_and_little_is_spent(q: Queue) -> None:
    q.keep(*(job(f"j{n}", 1 + n % 2) for n in range(5000)))
    q.loop.step()
    q.loop.step()
    writes, tokens = q.between.writes, q.tokens
    began = time.process_time()
    for _ in range(200):
        assert q.loop.step().placed == ()
    assert time.process_time() - began < 2.0, (
        "the store in memory looks at all jobs each time; the loop does not"
    )
    assert q.between.writes == writes
    assert q.tokens == tokens


def test_no_more_than_so_many_in_one_transaction_and_the_rest_at_once() -> None:
    q = Queue(node("n", 8), most=3)
    q.keep(*(job(f"j{n}") for n in range(9)))
    steps = [q.loop.step() for _ in range(4)]
    assert [(len(step.placed), step.again_in) for step in steps] == [(3, 0.0), (3, 0.0), (2, 5.0), (0, 5.0)]
    q.store.close()


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda tx: desk.cancel(tx, "j", Cancel(by="bob", at=1.0), 1.0),
        lambda tx: desk.drain(tx, "n", Drain(by="root", at=1.0), 1.0),
        lambda tx: tx.put_node(node("n", 2, state=NodeState.SILENT)),
        lambda tx: tx.put_node(node("n", None)),
    ],
)
def test_what_was_decided_is_held_against_the_store_once_more(
    q: Queue, meanwhile: Callable[[Transaction], object]
) -> None:
    q.keep(job("j"))
    q.between.first = meanwhile
    assert q.loop.step() == Step(again_in=RETRY)
    with q.store.read() as view:
        assert view.leases() == []
    assert q.loop.step().again_in == 5.0


def test_a_gpu_that_another_took_meanwhile_is_the_others_and_the_rest_is_placed(q: Queue) -> None:
    stranger = JobLease(
        token="x", job="x", attempt=1, node="n", gpus=("n-0",), owner="eve", tenant="default", taken_at=0.0
    )
    q.keep(job("j1"), job("j2"))
    q.between.first = lambda tx: tx.take_lease(stranger)
    step = q.loop.step()
    assert step.placed == ("j2",)
    assert step.again_in == RETRY
    assert q.job("j1").state is JobState.QUEUED
    q.store.write(lambda tx: tx.free_lease("x"))
    assert q.loop.step().placed == ("j1",)


def test_shares_of_one_pass_count_with_what_another_took_meanwhile() -> None:
    q = Queue(node("n", 1))
    stranger = JobLease(
        token="x",
        job="x",
        attempt=1,
        node="n",
        gpus=("n-0",),
        owner="eve",
        tenant="default",
        taken_at=0.0,
        milli=300,
    )
    q.keep(job("j1", gpu_milli=500), job("j2", gpu_milli=500))
    q.between.first = lambda tx: tx.take_lease(stranger)
    assert q.loop.step().placed == ("j1",)
    assert q.job("j2").state is JobState.QUEUED
    q.store.close()


def test_when_a_reservation_changes_all_bookings_are_worked_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def watched(*args: Any, **options: Any) -> Pass:
        asked.append(options["changed"])
        return place(*args, **options)

    monkeypatch.setattr(loop, "place", watched)
    q = Queue(node("n", 1))
    q.keep(job("j"), job("k"))
    q.loop.step()
    q.now += 1.0
    q.loop.step()
    assert asked[-1] is not None
    document = reservation("m", 100.0, 200.0)
    q.store.write(lambda tx: tx.put_document(document.kind, document.key, document.data))
    q.now += 1.0
    q.loop.step()
    assert asked[-1] is None
    q.store.close()


def test_after_a_pass_that_stopped_early_what_is_in_the_way_of_the_new_is_not_booked() -> None:
    def booked(job: str, site: str) -> Booking:
        return Booking(job=job, starts=(Start(50.0, site, (0,), (f"{site}-0",), 60.0),), at=50.0)

    before = {id: booked(id, site) for id, site in (("x", "a"), ("y", "b"), ("z", "c"))}
    chosen = (Chosen(job="w", seats=(Seat(node="c", gpus=("c-1",)),)),)
    passed = Pass(chosen=chosen, bookings={"v": booked("v", "a")}, more=True)
    carried = loop._carried(before, passed)  # pyright: ignore[reportPrivateUsage]
    assert sorted(carried) == ["v", "y"]


def test_where_a_promise_was_given_up_another_pass_follows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = iter([Pass(unsettled=True), Pass()])
    monkeypatch.setattr(loop, "place", lambda *_args, **_options: next(passes))
    q = Queue(node("n", 1))
    q.keep(job("j"))
    assert q.loop.step().again_in == 0.0
    assert q.loop.step().again_in == 5.0
    q.store.close()


def test_a_refused_job_waits_and_the_loop_wants_to_be_called_then(q: Queue) -> None:
    q.keep(job("j"), job("k"))
    q.loop.step()
    q.refuse("j")
    q.now += 1.0
    assert q.loop.step() == Step(again_in=4.0)
    q.now += 4.0
    q.beat("n")
    step = q.loop.step()
    assert (step.placed, step.again_in) == ((), 1.0), "it was refused a second after the loop began to look"
    q.now += 1.0
    assert q.loop.step().placed == ("j",)


def test_without_nodes_there_is_nothing_to_wait_for() -> None:
    q = Queue()
    q.keep(job("j"))
    step = q.loop.step()
    over = q.job("j").submitted_at + PATIENCE - 5.0
    assert (step.placed, step.again_in) == ((), over), "not before its patience is over"
    q.keep(node("n", 1))
    assert q.loop.step().placed == ("j",)
    q.store.close()


def test_a_silent_node_is_marked_and_gets_nothing(q: Queue) -> None:
    q.loop.step()
    for _ in range(7):
        q.now += 5.0
        step = q.loop.step()
    assert step.moved == 1
    with q.store.read() as view:
        assert view.nodes()[0].state is NodeState.SILENT
        (event,) = view.events(0, 10, subject="n")
    assert (event.type, event.data["why"]) == ("sentinel.node.silent", "no beat for 35 s")
    q.keep(job("j"))
    assert q.loop.step().placed == ()
    q.store.write(lambda tx: desk.update_node(tx, node("n", 2), 1.0))
    assert q.loop.step().placed == ("j",)


def test_a_beat_between_the_look_and_the_write_counts(q: Queue) -> None:
    q.keep(job("j"))
    q.loop.step()
    for _ in range(14):
        q.now += 5.0
        q.loop.step()
    q.now += 5.0
    q.between.first = lambda tx: tx.beat({"n": 5.0}, ["t1"])
    assert q.loop.step().moved == 0
    assert q.between.first is None, "there was something to write"
    assert q.job("j").state is JobState.ALLOCATED


def test_a_report_between_the_look_and_the_write_counts(q: Queue) -> None:
    q.keep(job("j"))
    q.loop.step()
    for _ in range(14):
        q.now += 5.0
        q.loop.step()
    q.now += 5.0
    body = {"token": "t1", "job": "j", "attempt": 1, "kind": "starting"}
    q.between.first = lambda tx: desk.told(tx, node("n", 2), [report_from(body)], 1.0)
    q.loop.step()
    assert q.between.first is None, "there was something to write"
    assert q.job("j").state is JobState.STARTING
    q.now += 5.0
    q.loop.step()
    assert q.job("j").state is JobState.STARTING, "the report made the lease fresh"


def test_a_step_that_failed_is_made_up_for(q: Queue) -> None:
    q.keep(job("j"))

    def fail(tx: Transaction) -> None:
        raise StoreUnavailable("the disk is full")

    q.between.first = fail
    with pytest.raises(StoreUnavailable):
        q.loop.step()
    assert q.loop.step().placed == ("j",)


def test_beats_that_could_not_be_kept_are_not_missed(q: Queue) -> None:
    """While nobody can write, nobody can say that a node is silent, nor for a lease's time after that."""
    q.keep(job("j"))
    q.loop.step()

    def fail(tx: Transaction) -> None:
        raise StoreUnavailable("the disk is full")

    failed = 0
    for _ in range(40):
        q.now += 5.0
        q.between.first = fail
        try:
            q.loop.step()
        except StoreUnavailable:
            failed += 1
    q.between.first = None
    assert failed
    q.now += 5.0
    q.loop.step()
    assert q.job("j").state is JobState.ALLOCATED


def test_a_conflict_of_another_kind_is_not_swallowed(q: Queue) -> None:
    q.keep(job("j"))
    q.loop._new_token = lambda: "t1"  # pyright: ignore[reportPrivateUsage]
    q.loop.step()
    q.keep(job("k"))
    with pytest.raises(StoreConflict):
        q.loop.step()


# ------------------------------------------------------------------ a restored store


def hold(q: Queue) -> None:
    q.store.write(lambda tx: tx.set_meta(RESTORED_AT, "today"))


def test_after_a_restore_jobs_wait_for_every_node_that_is_not_dead() -> None:
    q = Queue(node("a", 1), node("b", 1), replace(node("c", 1), state=NodeState.DEAD))
    hold(q)
    q.keep(job("j"))
    assert q.loop.step() == Step(again_in=1.0)
    q.beat("a")
    q.now += 1.0
    assert q.loop.step().placed == ()
    q.beat("b")
    q.now += 1.0
    assert q.loop.step().again_in == 0.0
    assert q.loop.step().placed == ("j",)
    with q.store.read() as view:
        (event,) = view.events(0, 100, subject="controller")
    assert event.data["why"] == "every node has been heard of since the restore"
    q.store.close()


def test_or_for_two_minutes(q: Queue) -> None:
    hold(q)
    q.keep(job("j"))
    q.loop.step()
    q.now += 119.0
    assert q.loop.step().placed == ()
    q.now += 1.0
    q.loop.step()
    assert q.loop.step().placed == (), "the node is silent by now"
    assert not q.mirror.hold


def test_or_for_an_operator(q: Queue) -> None:
    hold(q)
    q.keep(job("j"))
    assert q.loop.step().placed == ()
    q.store.write(lambda tx: desk.end_hold(tx, "root", "I looked", 1.0))
    assert q.loop.step().placed == ("j",)


def test_a_mirror_of_a_store_that_was_put_back_begins_anew() -> None:
    q = Queue(node("n", 2))
    q.keep(job("old"), *(job(f"j{n}") for n in range(5)))
    q.mirror.refresh()
    other = MemoryStore()
    other.write(lambda tx: tx.put_node(node("m", 1)))
    other.write(lambda tx: tx.set_meta(RESTORED_AT, "today"))
    q.mirror._store = other  # pyright: ignore[reportPrivateUsage]
    changes = q.mirror.refresh()
    assert [found.id for found in changes.nodes] == ["m"]
    assert q.mirror.jobs == {}
    assert list(q.mirror.nodes) == ["m"]
    assert q.mirror.hold
    other.close()
    q.store.close()
