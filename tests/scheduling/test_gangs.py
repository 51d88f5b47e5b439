"""A gang by what its parts do: placed all at once, stopped together, and one end that says whose fault it
was."""

from collections.abc import Generator
from dataclasses import replace

import pytest
from tests.scheduling.cluster import gpu, job, node
from tests.scheduling.gang_world import G, Worlds

from sentinel.core.errors import StoreConflict
from sentinel.core.job import After, AfterKind, ArrayTask, IfLost, JobState, Rank
from sentinel.scheduling import desk
from sentinel.scheduling.gangs import gang_faults, part_named, parts_of
from sentinel.scheduling.lifecycle import Allocate, move
from sentinel.scheduling.reports import Verdict
from sentinel.scheduling.writing import place_gang

QUEUED, ALLOCATED, STARTING, RUNNING = (
    JobState.QUEUED,
    JobState.ALLOCATED,
    JobState.STARTING,
    JobState.RUNNING,
)
SUCCEEDED, FAILED, CANCELED, LOST = (
    JobState.SUCCEEDED,
    JobState.FAILED,
    JobState.CANCELED,
    JobState.LOST,
)


@pytest.fixture
def world() -> Generator[Worlds]:
    found = Worlds()
    yield found
    for one in found.made:
        one.check()
        one.close()


# ------------------------------------------------------------------ placed


def test_a_part_is_the_gang_on_one_node() -> None:
    waiting = job(
        G,
        2,
        nodes=2,
        singleton=True,
        retries=3,
        account="lab",
        array=ArrayTask(id="arr", index=3, size=9),
        awaited=True,
    )
    made = move(waiting, Allocate(placement=None, node_name="n1,n2", gpus=()), 7.0)
    assert made is not None
    first, second = (replace(node(n, 2), address=a) for n, a in (("n1", "10.0.0.1"), ("n2", "")))
    parts = parts_of(
        made.job,
        [(first, ("n1-0", "n1-1")), (second, ("n2-0", "n2-1"))],
        ["t1", "t2"],
        {"HOME": "/h", "RANK": "7", "MASTER_PORT": "4711"},
        7.0,
    )
    (zero, its), (one, others) = parts
    assert (zero.id, one.id) == (f"{G}.1.0", f"{G}.1.1")
    assert one.part == Rank(of=G, rank=1, size=2)
    assert (one.state, one.attempt, one.node, one.gpus) == (ALLOCATED, 1, "n2", ("n2-0", "n2-1"))
    assert one.placement is not None
    assert (one.placement.node, one.placement.token, one.allocated_at) == ("n2", "t2", 7.0)
    assert one.spec == replace(waiting.spec, nodes=1, singleton=False)
    assert (one.owner, one.account, one.submitted_at) == ("alice", "lab", waiting.submitted_at)
    assert (one.array, one.awaited) == (None, False)
    assert its == {
        "HOME": "/h",
        "MASTER_ADDR": "10.0.0.1",
        "MASTER_PORT": "4711",
        "WORLD_SIZE": "2",
        "RANK": "0",
        "NODE_RANK": "0",
        "LOCAL_RANK": "0",
        "SENTINEL_GANG_ID": G,
        "SENTINEL_NODES": "n1,n2",
        "SENTINEL_HOSTS": "10.0.0.1,n2",
    }
    assert others == {**its, "RANK": "1", "NODE_RANK": "1"}


def test_each_attempt_meets_on_a_port_of_its_own(world: Worlds) -> None:
    w = world()
    ports: list[str] = []
    for _ in range(2):
        w.place()
        with w.store.read() as view:
            ports.append(view.environment(w.part(1).id)["MASTER_PORT"])
        w.tell(w.had(0), "refused", why="no room")
        w.tell(w.had(1), "refused", why="called off")
    assert len(set(ports)) == 2
    assert all(20_000 <= int(port) < 30_000 for port in ports)


def test_it_is_placed_all_at_once_or_not_at_all(world: Worlds) -> None:
    w = world()
    taken = [(w.machine("a"), ("a-0",)), (w.machine("b"), ("a-0",)), (w.machine("a"), ("a-0",))]
    gang = w.gang()
    with pytest.raises(StoreConflict):
        w.do(lambda tx: place_gang(tx, gang, taken, ["x", "y", "z"], 1.0))
    assert (w.gang().state, w.parts()) == (QUEUED, [])
    w.place()
    assert w.states() == [ALLOCATED, ALLOCATED, ALLOCATED]
    placed = w.gang()
    assert (placed.node, placed.gpus, placed.placement) == ("a,b", ("a-0", "b-0"), None)
    assert w.types() == ["submitted", "allocated"]
    assert w.types(f"{G}.1.1") == ["allocated"]
    with w.store.read() as view:
        assert {lease.job for lease in view.leases()} == {f"{G}.1.0", f"{G}.1.1"}


@pytest.mark.parametrize(
    ("id", "name"),
    [("abc.1.0", ("abc", 1, 0)), ("abc_3.12.7", ("abc_3", 12, 7)), ("abc", None), ("abc.1", None)]
    + [(id, None) for id in ("abc.01.0", "abc.1.x", "abc.1.0.2", "a.²" + ".1", "a.1." + "9" * 30, ".")],
)
def test_the_name_of_a_part(id: str, name: object) -> None:
    assert part_named(id) == name


# ------------------------------------------------------------------ a good life


def test_it_starts_when_all_have_begun_and_runs_when_all_run(world: Worlds) -> None:
    w = world()
    w.place()
    w.tell(w.had(0), "starting")
    assert w.gang().state is ALLOCATED
    w.tell(w.had(1), "starting")
    assert w.gang().state is STARTING
    w.tell(w.had(0), "running")
    assert w.gang().state is STARTING
    w.tell(w.had(1), "running")
    assert (w.gang().state, w.gang().started_at) == (RUNNING, w.at)
    w.exit(0)
    assert w.states() == [RUNNING, SUCCEEDED, RUNNING]
    w.exit(1)
    done = w.gang()
    assert (done.state, done.exit_code, done.ended_at, done.reason) == (SUCCEEDED, 0, w.at, "")
    assert w.types() == ["submitted", "allocated", "starting", "running", "succeeded"]


def test_what_the_arbiter_of_a_node_says_is_shown(world: Worlds) -> None:
    w = world()
    w.place()
    w.tell(w.had(1), "waiting", why="chat steps aside")
    assert w.gang().reason == "rank 1 on b: chat steps aside"
    w.tell(w.had(1), "starting")
    assert w.gang().reason == ""


# ------------------------------------------------------------------ ends


def test_one_that_fails_by_itself_has_the_others_stopped_and_is_named(world: Worlds) -> None:
    w = world(3)
    w.place()
    w.run(0, 1, 2)
    w.exit(1, 3)
    for rank in (0, 2):
        cancel = w.part(rank).cancel
        assert cancel is not None
        assert (cancel.by, cancel.why) == ("controller", "rank 1 on b: exit code 3")
    assert (w.gang().state, w.gang().reason) == (RUNNING, "rank 1 on b: exit code 3")
    w.exit(0, 1)  # it lost its peer
    assert w.gang().reason == "rank 1 on b: exit code 3", "what was first"
    w.exit(2, None, signal=15, stopped=True)
    ended = w.gang()
    assert (ended.state, ended.exit_code, ended.reason) == (FAILED, 3, "rank 1 on b: exit code 3")
    assert w.states()[1:] == [FAILED, FAILED, CANCELED]


def test_a_failure_is_tried_again_as_a_whole(world: Worlds) -> None:
    w = world(retries=1, retry_codes=(3,))
    for attempt in (1, 2):
        w.place()
        assert w.gang().attempt == attempt
        w.run(0, 1)
        w.exit(0, 3)
        w.exit(1, 143, stopped=True)
        if attempt == 1:
            again = w.gang()
            assert (again.state, again.failures, again.exit_code) == (QUEUED, 1, None)
            assert again.reason == "rank 0 on a: exit code 3; tried again (1 of 1)"
    assert (w.gang().state, w.gang().exit_code) == (FAILED, 3)
    assert [part.state for part in w.parts(of=1)] == [FAILED, CANCELED]


def test_a_failure_after_a_refusal_counts_as_a_failure_alone(world: Worlds) -> None:
    w = world(retries=1)
    w.place()
    w.tell(w.had(1), "refused", why="no room")
    w.tell(w.had(0), "refused", why="called off")
    w.place()
    w.run(0)
    w.exit(0, 3)
    w.tell(w.had(1), "refused", why="called off")
    assert (w.gang().state, w.gang().refusals, w.gang().failures) == (QUEUED, 0, 1)


@pytest.mark.parametrize("told", [{"code": 4}, {"code": 143, "stopped": True, "why": "time limit"}])
def test_what_is_not_tried_again(world: Worlds, told: dict[str, object]) -> None:
    w = world(retries=1, retry_codes=(3, 143))
    w.place()
    w.run(0, 1)
    w.exit(0, **told)  # pyright: ignore[reportArgumentType]
    w.exit(1, None, signal=15, stopped=True)
    assert w.gang().state is FAILED


def test_a_refusal_after_others_run_queues_all_of_them_again(world: Worlds) -> None:
    w = world(3)
    for times in (1, 2):
        w.place()
        w.run(0)
        w.tell(w.had(1), "refused", why="GPU 0 is busy")
        assert w.states() == [ALLOCATED, RUNNING, FAILED, ALLOCATED]
        w.tell(w.had(2), "refused", why="called off")
        w.exit(0, None, signal=15, stopped=True)
        back = w.gang()
        assert (back.state, back.refusals, back.reason) == (QUEUED, times, "rank 1 on b: GPU 0 is busy")
    w.place()
    w.run(0, 1, 2)
    assert w.gang().refusals == 0


def test_a_final_refusal_fails_it(world: Worlds) -> None:
    w = world(retries=3)
    w.place()
    w.tell(w.had(1), "refused", why="no such folder", final=True)
    w.tell(w.had(0), "refused", why="called off")
    assert (w.gang().state, w.gang().reason) == (FAILED, "rank 1 on b: no such folder")
    assert w.gang().exit_code is None


def test_a_node_that_reboots_queues_it_again(world: Worlds) -> None:
    w = world()
    w.place()
    w.run(0, 1)
    w.reboot("b")
    assert w.states() == [RUNNING, RUNNING, FAILED]
    w.exit(0, 1)  # it lost its peer before it was told to stop
    back = w.gang()
    assert (back.state, back.refusals, back.failures) == (QUEUED, 0, 0)
    assert back.reason == "rank 1 on b: b is heard of, and does not have it"
    w.place()
    assert [part.id for part in w.parts() if part.state.placed] == [f"{G}.2.0", f"{G}.2.1"]


def test_one_that_is_never_to_run_again_has_failed(world: Worlds) -> None:
    w = world(if_lost=IfLost.KEEP)
    w.place()
    w.run(0, 1)
    w.reboot("b")
    w.exit(0, None, signal=15, stopped=True)
    assert w.gang().state is FAILED
    assert w.gang().reason.startswith("rank 1 on b: how it ended is not known")


def test_a_lost_part_makes_it_lost_until_it_is_heard_of(world: Worlds) -> None:
    w = world()
    w.place()
    w.tell(w.had(0), "starting")
    w.silence(f"{G}.1.1")
    assert (w.gang().state, w.gang().reason) == (LOST, "rank 1 on b: no beat")
    w.tell(w.had(1), "starting")
    assert w.gang().state is STARTING
    w.run(0, 1)
    w.silence(f"{G}.1.1")
    assert w.gang().state is LOST
    w.beat("b")
    assert w.states() == [RUNNING, RUNNING, RUNNING]


def test_one_part_lost_and_back_while_another_has_not_begun(world: Worlds) -> None:
    w = world()
    w.place()
    w.tell(w.had(0), "starting")
    w.silence(f"{G}.1.0")
    w.tell(w.had(0), "running")
    assert w.states() == [STARTING, RUNNING, ALLOCATED]


def test_a_lost_part_is_waited_for_when_another_fails(world: Worlds) -> None:
    w = world()
    w.place()
    w.run(0, 1)
    w.silence(f"{G}.1.1")
    w.exit(0, 3)
    assert w.states() == [LOST, FAILED, LOST]
    w.reboot("b")
    assert w.states() == [FAILED, FAILED, CANCELED]
    assert w.gang().exit_code == 3


def test_a_dead_node_queues_it_again(world: Worlds) -> None:
    w = world()
    w.place()
    w.run(0, 1)
    w.silence(f"{G}.1.1")
    w.declare_dead("b")
    assert w.states() == [RUNNING, RUNNING, FAILED]
    w.exit(0, None, signal=15, stopped=True)
    assert w.gang().state is QUEUED
    assert "root declared b dead" in w.gang().reason


def test_told_twice_and_late_changes_nothing(world: Worlds) -> None:
    w = world()
    w.place()
    w.run(0, 1)
    first = w.had(0)
    assert w.exit(0, 3) is Verdict.APPLIED
    second = w.had(1)
    assert w.exit(1, None, signal=15, stopped=True) is Verdict.APPLIED
    before = w.gang()
    for name, had in (("a", first), ("b", second)):
        w.nodes[name].has[had.id] = had
        assert w.repeat(had) is Verdict.KNOWN
    assert w.gang() == before
    w.nodes["a"].has[first.id] = first
    assert w.tell(first, "running") is Verdict.FENCED


# ------------------------------------------------------------------ cancel and preempt


def test_a_waiting_gang_is_canceled_at_once(world: Worlds) -> None:
    w = world()
    assert w.cancel().state is CANCELED
    with pytest.raises(desk.AlreadyEnded):
        w.cancel()


@pytest.mark.parametrize("named", [G, f"{G}.1.1"])
def test_a_cancel_goes_to_all_parts_that_are_left(world: Worlds, named: str) -> None:
    w = world(3)
    w.place()
    w.run(0, 1)
    w.exit(0)
    asked = w.cancel(named)
    assert (asked.id, asked.state) == (G, ALLOCATED)
    assert [part.cancel is not None for part in w.parts()] == [False, True, True]
    w.exit(1, None, signal=15, stopped=True)
    assert w.gang().state is ALLOCATED
    with pytest.raises(desk.AlreadyEnded):
        w.cancel(f"{G}.1.0")
    w.tell(w.had(2), "refused", why="called off")
    assert w.states() == [CANCELED, SUCCEEDED, CANCELED, CANCELED]
    assert w.gang().reason == "canceled by bob"
    with pytest.raises(desk.AlreadyEnded):
        w.cancel(f"{G}.1.1")


def test_a_cancel_that_came_too_late_is_no_cancel(world: Worlds) -> None:
    w = world(retries=5)
    w.place()
    w.run(0, 1)
    w.cancel()
    w.exit(0)
    w.exit(1)
    assert w.gang().state is SUCCEEDED


def test_a_cancel_ends_the_trying_again(world: Worlds) -> None:
    w = world(retries=5)
    w.place()
    w.run(0, 1)
    w.exit(0, 3)
    w.cancel()
    w.exit(1, None, signal=15, stopped=True)
    assert (w.gang().state, w.gang().exit_code) == (FAILED, 3)


@pytest.mark.parametrize("named", [G, f"{G}.1.1"])
def test_it_makes_room_as_a_whole(world: Worlds, named: str) -> None:
    w = world()
    w.place()
    w.run(0, 1)
    w.preempt(named)
    assert [one.preempt is not None for one in (w.gang(), *w.parts())] == [True, True, True]
    w.exit(0, 0, stopped=True)
    assert w.part(1).cancel is None, "it may be saving what it has"
    w.exit(1, 1)  # it lost its peer
    back = w.gang()
    assert (back.state, back.preemptions, back.failures, back.preempt) == (QUEUED, 1, 0, None)
    assert back.reason == "rank 0 on a: job x needs its GPUs"
    assert "preempt-requested" in w.types()


def test_one_that_ended_well_before_it_made_room_has_succeeded(world: Worlds) -> None:
    w = world()
    w.place()
    w.run(0, 1)
    w.preempt()
    w.exit(0)
    w.exit(1)
    assert (w.gang().state, w.gang().preemptions) == (SUCCEEDED, 0)


def test_one_that_failed_by_itself_though_it_was_to_make_room_has_failed(world: Worlds) -> None:
    w = world()
    w.place()
    w.run(0, 1)
    w.preempt()
    w.exit(0)
    w.exit(1, 3)
    assert (w.gang().state, w.gang().exit_code) == (FAILED, 3)


# ------------------------------------------------------------------ others that wait for it


def test_a_gang_can_be_waited_for_and_its_parts_cannot(world: Worlds) -> None:
    w = world()
    w.place()
    w.run(0, 1)

    def submit(id: str, after: str) -> None:
        waiting = job(id, after=(After(job=after, kind=AfterKind.OK),))
        w.do(lambda tx: desk.submit(tx, waiting, {}, key=None, digest="", now=w.at))

    submit("next", G)
    with pytest.raises(desk.NoSuchJob, match="wait for that one"):
        submit("other", f"{G}.1.0")
    w.exit(0)
    assert w.job("next").after
    w.exit(1)
    assert w.job("next").after == ()


# ------------------------------------------------------------------ what is charged


def test_each_part_is_charged_to_the_gangs_account(world: Worlds) -> None:
    w = world()
    w.place()
    w.run(0, 1)
    began = w.part(0).allocated_at
    assert began is not None
    w.exit(0)
    with w.store.read() as view:
        used = view.document("usage", "group:lab")
    assert used is not None and used.data is not None
    assert sum(used.data["days"].values()) == pytest.approx(w.at - began)


# ------------------------------------------------------------------ the checker


def test_the_checker_sees_what_is_wrong() -> None:
    gang = replace(job(G, nodes=2), state=RUNNING, attempt=1)
    given = replace(gang, state=ALLOCATED)
    seats = [(node(name, [gpu(name, 0)]), (f"{name}-0",)) for name in "ab"]
    zero, one = (part for part, _ in parts_of(given, seats, ["t0", "t1"], {}, 1.0))
    assert gang_faults(given, [zero, one]) == []
    assert gang_faults(given, [zero]) == ["it is half placed"]
    assert gang_faults(gang, [zero, one]) == ["it runs, and not all of its parts do"]
    assert gang_faults(replace(gang, state=QUEUED), [zero, one]) == [
        "parts hold leases, and the gang does not run"
    ]
    assert gang_faults(replace(given, attempt=2), [zero, one]) == [
        "parts of an earlier attempt hold leases",
        "it is half placed",
    ]
    ended = [replace(part, state=FAILED, placement=None) for part in (zero, one)]
    assert gang_faults(given, ended) == ["all parts have ended, and the gang has not"]
    assert gang_faults(given, [zero, ended[1]]) == ["a part goes on though another ended badly"]
    assert gang_faults(given, [replace(zero, state=LOST), one]) == ["a part is lost, and the gang is not"]
