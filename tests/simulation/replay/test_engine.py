"""Small traces whose replay can be worked out by hand, and what holds for all of them."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulation.replay.made import by_id, job, replayed, times

from sentinel.core.account import Account, Limits, Scope
from sentinel.core.errors import SentinelError
from sentinel.scheduling import loop
from sentinel.simulation.replay import engine
from sentinel.simulation.replay.engine import Replayed
from sentinel.simulation.replay.policies import POLICIES
from sentinel.simulation.replay.trace import TraceJob

EACH = sorted(POLICIES)


@pytest.mark.parametrize("policy", EACH)
def test_a_job_begins_when_it_is_submitted_where_there_is_room(policy: str) -> None:
    found = replayed([job("a", 5, 10, 4), job("b", 20, 10, 2), job("c", 21, 3, 2)], policy=policy)
    assert times(found) == {"a": (5, 15), "b": (20, 30), "c": (21, 24)}
    assert by_id(found)["b"].nodes == ("node-00000",)
    assert len(by_id(found)["a"].gpus) == 4


def test_fifo_lets_nobody_overtake_the_first_in_line() -> None:
    jobs = [job("a", 0, 100, 3), job("wide", 1, 10, 4), job("small", 2, 5, 1)]
    assert times(replayed(jobs, policy="fifo")) == {"a": (0, 100), "wide": (100, 110), "small": (110, 115)}


def test_backfill_lets_those_overtake_that_are_over_in_time() -> None:
    jobs = [
        job("a", 0, 100, 3, limit=100),
        job("wide", 1, 10, 4, limit=10),
        job("short", 2, 50, 1, limit=90),
        job("long", 3, 50, 1, limit=200),
    ]
    found = times(replayed(jobs, policy="fifo-backfill"))
    assert found == {"a": (0, 100), "wide": (100, 110), "short": (2, 52), "long": (110, 160)}


def test_greedy_keeps_nothing_for_a_wide_job() -> None:
    jobs = [job("a", 0, 100, 3), job("wide", 1, 10, 4), job("b", 2, 150, 1), job("c", 3, 300, 1)]
    assert times(replayed(jobs, policy="fair-greedy"))["wide"] == (400, 410)


def test_fair_share_gives_the_next_turn_to_who_has_had_least() -> None:
    many = [job(f"ada{n}", n, 100, 4) for n in range(4)]
    jobs = [*many, job("bob", 50, 100, 4, owner="bob")]
    assert times(replayed(jobs, policy="fifo"))["bob"] == (400, 500)
    assert times(replayed(jobs))["bob"] == (100, 200)


def test_weight_decides_how_much_is_ones_fair_share() -> None:
    jobs = [job(f"ada{n}", n, 100, 4) for n in range(12)]
    jobs += [job(f"bob{n}", n + 0.5, 100, 4, owner="bob") for n in range(12)]
    heavy = Account(scope=Scope.USER, name="bob", weight=3.0)
    first = sorted(replayed(jobs, accounts=[heavy]).ran, key=lambda one: one.first or 0)[:12]
    assert sum(one.job.owner == "bob" for one in first) == 9


def test_a_quota_holds() -> None:
    quota = Account(scope=Scope.USER, name="ada", limits=Limits(running_gpus=2))
    found = replayed([job("a", 0, 10, 2), job("b", 1, 10, 2)], accounts=[quota])
    assert times(found) == {"a": (0, 10), "b": (10, 20)}


def test_what_no_quota_ever_allows_never_begins_and_the_replay_ends() -> None:
    quota = Account(scope=Scope.USER, name="ada", limits=Limits(running_gpus=1, gpu_hours=1000))
    found = replayed([job("a", 0, 10, 2), job("b", 5, 10, owner="bob")], accounts=[quota])
    assert times(found) == {"a": (None, None), "b": (5, 15)}
    assert found.series.at[-1] == 15


def test_hours_that_are_used_up_come_back_when_their_day_leaves_the_window() -> None:
    quota = Account(scope=Scope.USER, name="ada", limits=Limits(gpu_hours=1))
    found = times(replayed([job("a", 0, 4000), job("b", 5000, 10)], accounts=[quota]))
    assert found == {"a": (0, 4000), "b": (30 * 86400, 30 * 86400 + 10)}


def test_a_gang_begins_on_all_its_nodes_at_once() -> None:
    jobs = [job("a", 0, 100, 1), job("gang", 1, 10, 4, nodes=2), job("wide", 2, 10, 8)]
    found = replayed(jobs, nodes="2x4")
    assert times(found) == {"a": (0, 100), "gang": (100, 110), "wide": (110, 120)}
    assert by_id(found)["gang"].nodes == ("node-00000", "node-00001")
    assert len(by_id(found)["wide"].gpus) == 8
    assert by_id(found)["gang"].held == 80


def test_shares_of_one_gpu_run_beside_each_other() -> None:
    jobs = [job(f"s{n}", n, 100, milli=400) for n in range(3)]
    found = replayed(jobs, nodes="1x1")
    assert times(found) == {"s0": (0, 100), "s1": (1, 101), "s2": (100, 200)}
    assert max(found.series.used) == 800


def test_what_makes_room_loses_its_work_and_comes_again() -> None:
    jobs = [
        job("low", 0, 100, 4, preemptible=True, priority=-10),
        job("high", 40, 50, 4, limit=50, owner="bob"),
    ]
    found = replayed(jobs)
    # Told at 40, gone 30 s later; then 50 s of the other one, and 100 s from the beginning.
    assert times(found) == {"low": (0, 220), "high": (70, 120)}
    low = by_id(found)["low"]
    assert (low.preemptions, low.lost, low.held, low.start) == (1, 280.0, 680.0, 120)


def test_with_a_checkpoint_only_the_grace_is_lost() -> None:
    jobs = [
        job("low", 0, 100, 4, preemptible=True, checkpoints=True, priority=-10),
        job("high", 40, 50, 4, limit=50, owner="bob"),
    ]
    found = replayed(jobs)
    assert times(found)["low"] == (0, 180)
    assert by_id(found)["low"].lost == 120.0


def test_what_ends_by_itself_before_it_has_made_room_has_ended() -> None:
    jobs = [
        job("low", 0, 100, 4, preemptible=True, priority=-10),
        job("high", 90, 1000, 4, limit=1000, owner="bob"),
    ]
    found = replayed(jobs)
    assert times(found) == {"low": (0, 100), "high": (100, 1100)}
    assert by_id(found)["low"].preemptions == 0


def test_what_the_cluster_is_too_small_for_is_named_and_holds_up_nobody() -> None:
    found = replayed([job("a", 0, 10, 8, nodes=1), job("b", 1, 10)], policy="fifo")
    assert found.too_large == ("a",)
    assert times(found) == {"b": (1, 11)}


def test_a_limit_ends_a_job() -> None:
    assert times(replayed([job("a", 0, 100, limit=60)])) == {"a": (0, 60)}


def test_a_replay_of_thousands_of_years_is_refused() -> None:
    with pytest.raises(SentinelError, match="thousands of years"):
        replayed([job(f"j{n}", 0, 9e10) for n in range(4)], nodes="1x1")


@pytest.mark.parametrize("policy", EACH)
def test_jobs_of_years_are_waited_for(policy: str) -> None:
    year = 366 * 86400.0
    found = replayed([job(f"j{n}", 0, year, 4) for n in range(3)], policy=policy)
    assert sorted(times(found).values()) == [(0, year), (year, 2 * year), (2 * year, 3 * year)]


def test_the_same_jobs_give_the_same_replay() -> None:
    jobs = [job(f"j{n}", n * 3.0, 50 + n % 7 * 20, 1 + n % 4, owner=f"u{n % 3}") for n in range(60)]
    assert replayed(jobs, nodes="2x4") == replayed(jobs, nodes="2x4")


def test_bookings_are_looked_at_anew_as_often_as_by_the_controller() -> None:
    assert engine.LOOK_ANEW == loop.LOOK_ANEW


@st.composite
def any_job(draw: st.DrawFn) -> TraceJob:
    run, limit = draw(st.integers(0, 300)), draw(st.sampled_from([None, 0, 50]))
    return job(
        f"j{draw(st.integers(0, 10**6))}",
        float(draw(st.integers(0, 500))),
        float(run),
        draw(st.sampled_from([1, 1, 1, 2, 3, 4, 8, 6])),
        owner=draw(st.sampled_from(["ada", "bob", "eve"])),
        priority=draw(st.sampled_from([0, 0, 5])),
        limit=None if limit is None else float(run + limit),
        preemptible=draw(st.booleans()),
        checkpoints=draw(st.booleans()),
    )


@settings(max_examples=60)
@given(jobs=st.lists(any_job(), max_size=25), policy=st.sampled_from(EACH))
def test_nothing_begins_too_early_and_no_gpu_is_there_twice(jobs: Sequence[TraceJob], policy: str) -> None:
    found = replayed(jobs, nodes="2x4,1x2", policy=policy)
    assert not found.too_large
    for one in found.ran:
        assert one.first is not None
        assert one.start is not None
        assert one.end is not None
        assert one.job.submit <= one.first <= one.start <= one.end
        assert one.held == pytest.approx(one.job.work + one.lost)
        assert one.preemptions or one.end - one.first == pytest.approx(one.job.run)
    assert all(0 <= used <= 10_000 for used in found.series.used)
    _nobody_shares(found)


def _nobody_shares(found: Replayed) -> None:
    """Last attempts, of which all is known, do not overlap on any GPU."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for one in found.ran:
        for gpu in one.gpus:
            spans.setdefault(gpu, []).append((one.start or 0.0, one.end or 0.0))
    for some in spans.values():
        some.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(some))
