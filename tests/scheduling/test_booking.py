"""What is kept for a waiting job, and what is promised to it: backfill never delays it."""

from dataclasses import replace

import pytest
from tests.scheduling.cluster import gang, gpu, job, node, placed, reservation, snapshot, where

from sentinel.core.job import JobState
from sentinel.core.node import Block, BlockKind, Node
from sentinel.scheduling import booking
from sentinel.scheduling.placement import place
from sentinel.scheduling.snapshot import Snapshot
from sentinel.scheduling.verdict import Pass

NOW = 10_000.0


def starts(found: Pass) -> dict[str, float | None]:
    return {job: one.at for job, one in found.bookings.items()}


def after(s: Snapshot, before: Pass, now: float) -> Pass:
    """The next pass, as the loop asks for it."""
    changed = frozenset(s.changed)
    s.changed.clear()
    return place(s, now, before.bookings, changed=changed)


def test_a_job_that_waits_is_promised_when_enough_comes_free() -> None:
    s = snapshot(
        node("a", 2),
        placed("r1", "a", ["a-0"], started_at=NOW - 100.0, time_limit=400.0),
        placed("r2", "a", ["a-1"], started_at=NOW - 100.0, time_limit=600.0),
        job("two", 2, time_limit=50.0),
        job("one", 1, time_limit=50.0),
    )
    assert starts(place(s, NOW)) == {"two": NOW + 500.0, "one": NOW + 300.0}, (
        "it is over before the other begins"
    )


def test_what_is_over_by_then_runs_before_it() -> None:
    s = snapshot(
        node("a", 2),
        placed("r", "a", ["a-0"], started_at=NOW, time_limit=300.0),
        job("two", 2),
        job("long", time_limit=301.0),
        job("endless"),
        job("short", time_limit=300.0),
    )
    found = place(s, NOW)
    assert where(found) == {"short": ("a-1",)}
    assert starts(found)["two"] == NOW + 300.0


def test_a_promise_is_kept_when_those_behind_it_could_start_sooner_without_it() -> None:
    s = snapshot(
        node("a", 2),
        node("b", 1),
        placed("ra", "a", ["a-0"], started_at=NOW, time_limit=300.0),
        placed("rb", "b", ["b-0"], started_at=NOW, time_limit=200.0),
        job("two", 2, time_limit=100.0),
        job("long", time_limit=1000.0),
    )
    first = place(s, NOW)
    assert starts(first) == {"two": NOW + 300.0, "long": NOW + 200.0}
    s.take(jobs=[job("rb", state=JobState.SUCCEEDED)])
    second = after(s, first, NOW + 10.0)
    assert where(second) == {"long": ("b-0",)}
    assert starts(second) == {"two": NOW + 300.0}


def test_it_is_promised_a_sooner_start_where_one_turns_up() -> None:
    s = snapshot(
        node("a", 2),
        placed("r1", "a", ["a-0"], started_at=NOW, time_limit=300.0),
        placed("r2", "a", ["a-1"], started_at=NOW, time_limit=600.0),
        job("two", 2),
    )
    first = place(s, NOW)
    s.take(jobs=[job("r2", state=JobState.FAILED)])
    assert starts(after(s, first, NOW + 10.0)) == {"two": NOW + 300.0}
    s.take(nodes=[node("b", 2)])
    assert where(after(s, first, NOW + 20.0)) == {"two": ("b-0", "b-1")}


def test_a_job_over_its_time_has_the_start_move_on_and_nobody_slip_in() -> None:
    s = snapshot(
        node("a", 2),
        placed("r", "a", ["a-0"], started_at=NOW, time_limit=300.0),
        job("two", 2),
        job("one", time_limit=61.0),
    )
    first = place(s, NOW)
    assert where(first) == {"one": ("a-1",)}
    s.take(jobs=[job("one", state=JobState.SUCCEEDED), job("next", time_limit=61.0)])
    late = after(s, first, NOW + 310.0)
    assert starts(late)["two"] == NOW + 370.0
    assert where(late) == {}


def test_a_promise_on_a_gpu_that_is_lost_is_made_anew() -> None:
    s = snapshot(
        node("a", 3),
        placed("r", "a", ["a-2"], started_at=NOW, time_limit=300.0),
        job("three", 3),
        job("two", 2),
    )
    first = place(s, NOW)
    assert starts(first) == {"three": NOW + 300.0}
    cards = [gpu("a", n) for n in range(3)]
    cards[1] = replace(cards[1], blocked=Block(kind=BlockKind.QUARANTINED, why="Xid 79"))
    s.take(nodes=[node("a", cards)])
    second = after(s, first, NOW + 1.0)
    assert "three" not in second.bookings
    assert starts(second) == {"two": NOW + 300.0}


def test_a_promise_follows_its_gpus_when_another_of_the_node_comes_or_goes() -> None:
    s = snapshot(node("a", 4), placed("r", "a", ["a-3"], started_at=NOW, time_limit=300.0))
    s.take(jobs=[job("on-a", 2, on="a", cpus=None), job("wide", 4, time_limit=50.0)])
    first = place(s, NOW)
    s.take(jobs=[replace(s.jobs["on-a"], state=JobState.CANCELED)])
    cards = [gpu("a", n) for n in range(4)]
    s.take(nodes=[node("a", [replace(cards[0], blocked=Block(kind=BlockKind.LEASED, why="x")), *cards[1:]])])
    gone = after(s, first, NOW + 1.0)
    assert where(gone) == {}
    s.take(nodes=[node("a", cards)])
    assert starts(after(s, gone, NOW + 2.0)) == {"wide": NOW + 300.0}


def test_whose_promise_is_broken_takes_its_turn_before_those_behind() -> None:
    """Else it would have to keep clear of a start that was promised only because it was elsewhere."""
    s = snapshot(
        node("a", 2),
        node("b", 2),
        reservation("m", NOW, NOW + 100.0),
        job("first", 2, time_limit=60.0),
        job("second", 2),
    )
    before = place(s, NOW)
    assert starts(before) == {"first": NOW + 100.0, "second": NOW + 100.0}
    assert before.bookings["first"].starts[0].site == "a"
    s.take(removed=["a"])
    found = after(s, before, NOW + 1.0)
    assert starts(found) == {"first": NOW + 100.0, "second": NOW + 160.0}
    assert found.unsettled or starts(after(s, found, NOW + 1.0)) == starts(found)


def test_a_new_reservation_breaks_what_it_is_in_the_way_of() -> None:
    s = snapshot(
        node("a", 1), placed("r", "a", ["a-0"], started_at=NOW, time_limit=300.0), job("j", time_limit=500.0)
    )
    before = place(s, NOW)
    assert starts(before) == {"j": NOW + 300.0}
    s.take(documents=[reservation("m", NOW + 400.0, NOW + 900.0)])
    assert starts(after(s, before, NOW + 1.0)) == {"j": NOW + 900.0}


def test_what_is_only_kept_is_in_nobodys_way_who_comes_before() -> None:
    s = snapshot(node("a", 1), node("b", 1), placed("ra", "a", ["a-0"]), placed("rb", "b", ["b-0"]))
    s.take(jobs=[job("first", priority=1), job("second", on="b")])
    before = place(s, NOW)
    assert starts(before) == {"first": None, "second": None}
    s.take(jobs=[job("rb", state=JobState.SUCCEEDED)])
    assert where(after(s, before, NOW + 1.0)) == {"first": ("b-0",)}


def test_a_gang_is_promised_the_time_when_all_its_nodes_are_free() -> None:
    s = snapshot(
        node("a", 2),
        node("b", 2),
        node("c", 2),
        placed("ra", "a", ["a-0", "a-1"], started_at=NOW, time_limit=300.0),
        placed("rb", "b", ["b-0", "b-1"], started_at=NOW, time_limit=500.0),
        placed("rc", "c", ["c-0", "c-1"]),
        job("g", 2, nodes=2, time_limit=100.0),
        job("fills", 2, time_limit=200.0),
    )
    found = place(s, NOW)
    assert starts(found) == {"g": NOW + 500.0, "fills": NOW + 300.0}
    assert {start.site for start in found.bookings["g"].starts} == {"a", "b"}


def test_a_gang_that_runs_is_waited_for() -> None:
    s = snapshot(
        node("a", 1), node("b", 1), *gang("g", {"a": ["a-0"], "b": ["b-0"]}, started_at=NOW, time_limit=70.0)
    )
    s.take(jobs=[job("j")])
    assert starts(place(s, NOW)) == {"j": NOW + 70.0}


def test_a_promise_stands_where_a_search_would_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many nodes are looked at for a start; one that was found before is not lost by that."""
    nodes: list[Node] = [node(f"n{n}", 2) for n in range(4)]
    s = snapshot(
        *nodes,
        *(
            placed(
                f"r{n}{i}", f"n{n}", [f"n{n}-{i}"], started_at=NOW, time_limit=100.0 + (4 - n) * 10 + 50 * i
            )
            for n in range(4)
            for i in range(2)
        ),
        job("j", 2, time_limit=10.0),
    )
    before = place(s, NOW)
    assert starts(before) == {"j": NOW + 160.0}
    monkeypatch.setattr(booking, "_LOOKED_AT", 0)
    assert starts(place(s, NOW, before.bookings, changed=None)) == {"j": NOW + 160.0}


def test_bookings_are_so_many_and_of_a_user_so_many() -> None:
    s = snapshot(
        node("a", 8), *(placed(f"r{n}", "a", [f"a-{n}"], started_at=NOW, time_limit=100.0) for n in range(8))
    )
    s.take(jobs=[job(f"w{n}", 8, time_limit=10.0 + n) for n in range(7)])
    assert list(place(s, NOW).bookings) == ["w0", "w1", "w2", "w3"]
    s.take(jobs=[job(f"b{n}", 8, owner="bob", time_limit=10.0 + n) for n in range(7)])
    assert len(place(s, NOW).bookings) == 8
    assert len(place(s, NOW, depth=3).bookings) == 3
