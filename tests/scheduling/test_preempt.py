"""Who is stopped for whom: those that may be, with the least to lose, where that gains more than it loses."""

import pytest
from tests.scheduling.cluster import gang, job, limits, node, placed, reservation, snapshot, where

from sentinel.core.account import Scope
from sentinel.core.job import Cancel, JobState
from sentinel.scheduling.placement import place
from sentinel.scheduling.site import OVERRUN
from sentinel.scheduling.verdict import Pass

NOW = 10_000.0
STOPPED = Cancel(by="controller", at=NOW)


def stops(found: Pass) -> dict[str, str]:
    """Who is stopped → for whom."""
    return {stop.job: stop.makes_room_for for stop in found.stops}


def test_a_job_that_said_so_makes_room_for_one_of_higher_priority() -> None:
    s = snapshot(
        node("n", 2),
        placed("may", "n", ["n-0"], preemptible=True, started_at=NOW - 50.0, grace=10.0),
        placed("may-not", "n", ["n-1"]),
        job("high", priority=1),
    )
    found = place(s, NOW)
    (stop,) = found.stops
    assert (stop.job, stop.makes_room_for, stop.loses) == ("may", "high", 50.0)
    assert stop.why == "makes room for job high (alice), of higher priority"
    (start,) = found.bookings["high"].starts
    assert (start.gpus, start.at) == (("n-0",), NOW + 10.0 + OVERRUN)


@pytest.mark.parametrize("more", [{"priority": 0}, {"priority": -1}])
def test_not_for_one_of_the_same_priority_or_less(more: dict[str, int]) -> None:
    s = snapshot(node("n", 1), placed("may", "n", ["n-0"], preemptible=True), job("j", **more))
    assert stops(place(s, NOW)) == {}


def test_those_with_the_least_to_lose_are_stopped_and_no_more_than_need_be() -> None:
    s = snapshot(
        node("a", 3),
        *(
            placed(f"a{n}", "a", [f"a-{n}"], preemptible=True, started_at=NOW - 100.0 * (n + 1))
            for n in range(3)
        ),
        node("b", 3),
        placed("b0", "b", ["b-0"], preemptible=True, started_at=NOW - 10.0),
        placed("b1", "b", ["b-1", "b-2"], preemptible=True, started_at=NOW - 150.0),
        job("two", 2, priority=1),
    )
    assert stops(place(s, NOW)) == {"a0": "two", "a1": "two"}, (
        "300 GPU-seconds, and b1 alone as much, by name"
    )
    s.take(jobs=[placed("b1", "b", ["b-1", "b-2"], preemptible=True, started_at=NOW - 149.0)])
    assert stops(place(s, NOW)) == {"b1": "two"}, "without it b0 would be stopped in vain"


def test_one_with_a_checkpoint_loses_nothing() -> None:
    s = snapshot(
        node("n", 2),
        placed("saves", "n", ["n-0"], preemptible=True, started_at=0.0, checkpoint=("save",)),
        placed("young", "n", ["n-1"], preemptible=True, started_at=NOW - 1.0),
        job("high", priority=1),
    )
    (stop,) = place(s, NOW).stops
    assert (stop.job, stop.loses) == ("saves", 0.0)


@pytest.mark.parametrize(("ends", "stopped"), [(90.0 + 1000.0, True), (90.0 + 999.0, False)])
def test_nothing_is_stopped_that_loses_more_than_it_gains(ends: float, stopped: bool) -> None:
    """What is gained begins when it is gone: thirty seconds of grace and a minute from now."""
    s = snapshot(
        node("n", 2),
        placed("may", "n", ["n-0"], preemptible=True, started_at=NOW - 1000.0),
        placed("other", "n", ["n-1"], started_at=NOW, time_limit=ends),
        job("high", priority=1),
    )
    assert stops(place(s, NOW)) == ({"may": "high"} if stopped else {})


def test_nobody_is_stopped_for_a_start_that_is_as_soon_without() -> None:
    s = snapshot(
        node("n", 2),
        placed("may", "n", ["n-0"], preemptible=True, started_at=NOW),
        placed("goes", "n", ["n-1"], started_at=NOW, preempt=STOPPED),
        job("high", priority=1),
    )
    found = place(s, NOW)
    assert stops(found) == {}
    assert found.bookings["high"].at == NOW + 30.0 + OVERRUN


def test_nobody_is_stopped_for_a_job_that_would_run_into_a_reservation_then() -> None:
    s = snapshot(
        node("n", 1),
        placed("may", "n", ["n-0"], preemptible=True, started_at=NOW),
        reservation("m", NOW + 400.0, NOW + 500.0),
        job("high", priority=1, time_limit=350.0),
    )
    assert stops(place(s, NOW)) == {}
    s.take(jobs=[job("high", priority=1, time_limit=310.0)])
    assert stops(place(s, NOW)) == {"may": "high"}


def test_a_gang_is_stopped_whole_and_loses_the_work_of_all_its_parts() -> None:
    s = snapshot(
        node("a", 1),
        node("b", 1),
        *gang("g", {"a": ["a-0"], "b": ["b-0"]}, preemptible=True, started_at=NOW - 100.0),
        job("high", priority=1),
    )
    (stop,) = place(s, NOW).stops
    assert (stop.job, stop.loses) == ("g", 200.0)


def test_for_a_gang_free_nodes_and_those_of_others_are_taken_together() -> None:
    s = snapshot(
        node("a", 1),
        node("b", 1),
        placed("may", "a", ["a-0"], preemptible=True, started_at=NOW),
        job("g", nodes=2, priority=1),
    )
    found = place(s, NOW)
    assert stops(found) == {"may": "g"}
    assert {start.site for start in found.bookings["g"].starts} == {"a", "b"}


def test_a_gang_with_a_part_nobody_knows_of_and_jobs_of_drained_nodes_are_left_alone() -> None:
    parts = gang("g", {"a": ["a-0"], "b": ["b-0"]}, preemptible=True, started_at=NOW)
    lost = [
        *parts[:-1],
        placed("g.1.1", "b", ["b-0"], state=JobState.LOST, part=parts[-1].part, preemptible=True),
    ]
    s = snapshot(node("a", 1), node("b", 1), *lost, job("high", priority=1))
    assert stops(place(s, NOW)) == {}
    s = snapshot(
        node("a", 1, drained="x"),
        node("b", 1),
        placed("ra", "a", ["a-0"], preemptible=True),
        placed("rb", "b", ["b-0"]),
        job("high", priority=1),
    )
    assert stops(place(s, NOW)) == {}


def test_no_job_is_stopped_twice_in_a_pass_nor_while_it_is_about_to_end() -> None:
    s = snapshot(
        node("n", 2),
        placed("may", "n", ["n-0"], preemptible=True, started_at=NOW),
        placed("goes", "n", ["n-1"], preemptible=True, started_at=NOW, preempt=STOPPED),
        job("high", priority=1),
        job("other", priority=1, time_limit=1e5),
    )
    found = place(s, NOW)
    assert len(found.stops) == len(stops(found)) <= 1
    assert "goes" not in stops(found)


# ------------------------------------------------------------------ borrowing


def test_what_is_borrowed_is_given_back_to_who_is_within_its_own() -> None:
    s = snapshot(
        node("n", 3),
        limits(Scope.USER, "alice", running_gpus_soft=1),
        *(placed(f"a{n}", "n", [f"n-{n}"], started_at=NOW - 300.0 + n) for n in range(3)),
        job("b", owner="bob"),
    )
    (stop,) = place(s, NOW).stops
    assert (stop.job, stop.why) == ("a2", "gives back borrowed GPUs to job b (bob)")
    s.take(jobs=[job("b2", owner="bob", time_limit=1e5), job("b3", owner="bob", time_limit=1e6)])
    assert stops(place(s, NOW)) == {"a2": "b", "a1": "b2"}, "the first one is alice's own"


def test_not_for_less_priority_nor_for_another_borrower() -> None:
    held = [placed(f"a{n}", "n", [f"n-{n}"], started_at=NOW, priority=1) for n in range(2)]
    s = snapshot(node("n", 2), limits(Scope.DEFAULT, "", running_gpus_soft=0), *held)
    s.take(jobs=[job("b", owner="bob", priority=1)])
    assert stops(place(s, NOW)) == {}, "bob would borrow, too"
    s.take(documents=[limits(Scope.USER, "bob")])
    assert stops(place(s, NOW)) == {"a0": "b"}
    s.take(jobs=[job("b", owner="bob")])
    assert stops(place(s, NOW)) == {}


def test_one_that_said_so_and_borrows_gives_back_as_well() -> None:
    s = snapshot(
        node("n", 1),
        limits(Scope.USER, "alice", running_gpus_soft=0),
        placed("a", "n", ["n-0"], started_at=NOW, preemptible=True),
        job("b", owner="bob"),
    )
    assert stops(place(s, NOW)) == {"a": "b"}, "to have said so is no shelter"


def test_a_gang_borrows_whole() -> None:
    s = snapshot(
        node("a", 1),
        node("b", 1),
        limits(Scope.USER, "alice", running_gpus_soft=1),
        *gang("g", {"a": ["a-0"], "b": ["b-0"]}, started_at=NOW - 100.0),
        job("b", owner="bob"),
    )
    (stop,) = place(s, NOW).stops
    assert (stop.job, stop.loses) == ("g", 200.0)


def test_what_is_about_to_end_counts_as_given_back() -> None:
    s = snapshot(
        node("n", 2),
        limits(Scope.USER, "alice", running_gpus_soft=1),
        placed("goes", "n", ["n-0"], started_at=NOW - 10.0, preempt=STOPPED, grace=600.0),
        placed("stays", "n", ["n-1"], started_at=NOW - 5.0),
        job("b", owner="bob"),
    )
    assert stops(place(s, NOW)) == {}


def test_a_borrower_by_two_accounts_loses_its_work_once() -> None:
    s = snapshot(
        node("n", 1),
        limits(Scope.USER, "alice", running_gpus_soft=0),
        limits(Scope.GROUP, "g", running_gpus_soft=0),
        placed("a", "n", ["n-0"], account="g", started_at=NOW - 100.0),
        job("b", owner="bob"),
    )
    (stop,) = place(s, NOW).stops
    assert stop.loses == 100.0


def test_room_that_was_made_is_taken_by_whom_it_was_made_for() -> None:
    """The one that was stopped has waited for longer than anybody, and does not take it back."""
    s = snapshot(
        node("n", 1),
        placed("may", "n", ["n-0"], preemptible=True, started_at=1e6, submitted_at=1.0),
        job("high", priority=1, submitted_at=1e6),
    )
    first = place(s, 1e6)
    assert stops(first) == {"may": "high"}
    s.take(jobs=[job("may", preemptible=True, submitted_at=1.0, preemptions=1)])
    assert where(place(s, 1e6 + 5.0, first.bookings)) == {"high": ("n-0",)}
