"""Whose turn it is: patience, priority, soft limits, shares, age."""

import pytest
from tests.scheduling.cluster import begun, job, limits, node, placed, snapshot, where

from sentinel.core.account import Scope, Usage
from sentinel.core.account_json import USAGE, account_key, usage_json
from sentinel.ports.store import Document
from sentinel.scheduling.order import PATIENCE
from sentinel.scheduling.placement import place
from sentinel.scheduling.snapshot import Snapshot
from sentinel.scheduling.turns import Turns

NOW = 10_000.0


def turns(s: Snapshot, now: float = NOW, resting: tuple[str, ...] = ()) -> list[str]:
    """Whose turn it is, one after the other, when each finds a place and nothing is charged for it."""
    found, order = Turns(s, now, resting), list[str]()
    while (turn := found.next()) is not None:
        order.append(turn[1])
        found.placed(*turn)
    return order


def used(scope: Scope, name: str, seconds: float, at: float = NOW) -> Document:
    usage = Usage(scope=scope, name=name, decayed=seconds, at=at)
    return Document(kind=USAGE, key=account_key(scope, name), data=usage_json(usage))


def test_by_priority_then_age() -> None:
    s = snapshot(job("a"), job("b", priority=-1), job("c", 2), job("d", priority=5), job("e"))
    assert turns(s) == ["d", "a", "c", "e", "b"]


def test_who_has_had_less_comes_first_at_the_same_priority() -> None:
    s = snapshot(
        job("a1"),
        job("a2"),
        job("b1", owner="bob"),
        job("c1", owner="carol", priority=-1),
        used(Scope.USER, "alice", 100.0),
    )
    assert turns(s) == ["b1", "a1", "a2", "c1"]
    s.take(documents=[limits(Scope.USER, "alice", weight=1e6)])
    assert turns(s) == ["b1", "a1", "a2", "c1"], "bob has had nothing at all"
    s.take(documents=[used(Scope.USER, "bob", 100.0)])
    assert turns(s) == ["a1", "a2", "b1", "c1"]


def test_what_was_used_long_ago_counts_for_less() -> None:
    week = 7 * 86400.0
    s = snapshot(
        job("a", submitted_at=1.0),
        job("b", owner="bob", submitted_at=2.0),
        used(Scope.USER, "alice", 100.0, at=NOW),
        used(Scope.USER, "bob", 150.0, at=NOW - week),
    )
    assert turns(s) == ["b", "a"]


def test_groups_come_before_users() -> None:
    s = snapshot(
        job("small", owner="ann", account="g"),
        job("other", owner="bob", account="h"),
        used(Scope.GROUP, "g", 500.0),
        used(Scope.GROUP, "h", 100.0),
        used(Scope.USER, "bob", 100.0),
    )
    assert turns(s) == ["other", "small"], "ann has had nothing, but her group has"


def test_what_is_given_counts_at_once() -> None:
    s = snapshot(
        node("n", 4), *(job(f"a{n}") for n in range(4)), *(job(f"b{n}", owner="bob") for n in range(4))
    )
    assert list(where(place(s, NOW))) == ["a0", "b0", "a1", "b1"]


def test_within_a_soft_limit_comes_before_above_it_and_late_hours_come_last() -> None:
    s = snapshot(
        node("n", 3),
        limits(Scope.USER, "alice", running_gpus_soft=1),
        job("a1"),
        job("a2", submitted_at=0.5),
        job("wide", 2, submitted_at=0.1),
        *(job(f"b{n}", owner="bob") for n in range(3)),
        used(Scope.USER, "bob", 1e6),
    )
    assert list(where(place(s, NOW))) == ["a2", "b0", "b1"], "then alice would be borrowing"
    s.take(documents=[limits(Scope.USER, "bob", gpu_hours_soft=0.0)])
    found = place(s, NOW)
    assert list(where(found)) == ["a2", "wide"]


def test_a_job_of_higher_priority_comes_first_though_it_borrows() -> None:
    s = snapshot(
        node("n", 1),
        limits(Scope.USER, "alice", running_gpus_soft=0),
        job("a", priority=1),
        job("b", owner="bob"),
    )
    assert list(where(place(s, NOW))) == ["a"]


def test_one_that_rests_is_passed_over_and_the_next_of_its_line_comes() -> None:
    s = snapshot(job("a"), job("b"), job("c"))
    assert turns(s, resting=("a", "b")) == ["c"]


def test_after_patience_each_users_oldest_comes_before_everybody_else() -> None:
    s = snapshot(
        job("old", priority=-100, submitted_at=1.0),
        job("older-2", priority=-100, submitted_at=2.0),
        job("bobs", priority=-50, owner="bob", submitted_at=3.0),
        job("new", priority=100, submitted_at=PATIENCE),
    )
    assert turns(s, PATIENCE + 1.0) == ["new", "bobs", "old", "older-2"]
    assert turns(s, PATIENCE + 1.5) == ["old", "new", "bobs", "older-2"]
    assert turns(s, PATIENCE + 5.0) == ["old", "bobs", "new", "older-2"]


def test_one_that_was_stopped_to_make_room_does_not_take_it_back_at_once() -> None:
    s = snapshot(
        job("stopped", priority=-1, submitted_at=1.0, preemptions=1), job("new", submitted_at=PATIENCE)
    )
    assert turns(s, 2 * PATIENCE) == ["new", "stopped"]
    s.take(jobs=[job("old", priority=-2, submitted_at=2.0)])
    assert turns(s, PATIENCE + 5.0) == ["old", "new", "stopped"], "and is in no other's way"


def test_what_runs_counts_while_it_runs() -> None:
    s = snapshot(node("n", 4), job("a1"), job("a2"), job("b1", owner="bob", submitted_at=1e9))
    s.take(jobs=[placed("ra", "n", ["n-0"], allocated_at=NOW - 5.0)])
    assert turns(s) == ["b1", "a1", "a2"]
    begun(s, place(s, NOW, most=1), NOW)
    assert next(iter(where(place(s, NOW + 1.0)))) == "a1", "bob's began just now"


@pytest.mark.parametrize("scope", [Scope.USER, Scope.DEFAULT])
def test_a_limit_of_everybody_holds_for_each(scope: Scope) -> None:
    s = snapshot(
        node("n", 8),
        limits(scope, "alice" if scope is Scope.USER else "", running_gpus=1),
        *(job(f"{who[0]}{n}", owner=who) for who in ("alice", "bob") for n in range(2)),
    )
    given = sorted(where(place(s, NOW)))
    assert given == (["a0", "b0", "b1"] if scope is Scope.USER else ["a0", "b0"])
