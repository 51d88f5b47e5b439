"""Every figure of a small replay, against what a person works out."""

import pytest
from tests.simulation.replay.made import job, replayed

from sentinel.simulation.replay.figures import figures_of, jain, percentile, spread


def test_a_replay_of_three_jobs() -> None:
    # Four GPUs. a has 3 until 100; b waits for 4 from 10 until 100; c, of bob, for 1 from 20 until 110.
    jobs = [job("a", 0, 100, 3), job("b", 10, 10, 4), job("c", 20, 30, 1, owner="bob")]
    found = figures_of(replayed(jobs, policy="fifo"))
    assert (found.policy, found.cluster, found.gpus, found.jobs) == ("fifo", "1x4", 4, 3)
    assert found.makespan == 140
    assert found.waiting is not None
    assert found.waiting.mean == pytest.approx((0 + 90 + 90) / 3)
    assert (found.waiting.p50, found.waiting.max) == (90, 90)
    assert found.completion is not None
    assert found.completion.mean == pytest.approx((100 + 100 + 120) / 3)
    assert found.slowdown is not None
    assert found.slowdown.mean == pytest.approx((1 + 10 + 4) / 3)
    assert found.longest_queue == 2
    assert found.utilisation == pytest.approx(100 * (300 + 40 + 30) / (4 * 140))
    # Somebody waits from 10 to 110: 3 of 4 in use until 100, then all 4.
    assert found.busy_utilisation == pytest.approx(100 * (270 + 40) / 400)
    assert found.idle == pytest.approx(100 * 90 / 400)
    assert found.fragmented == 0  # the first in line asks for 4, and 1 is free
    # ada: 340 GPU-seconds in 110 s; bob: 30 in 120 s.
    ada, bob = 340 / 110, 30 / 120
    assert found.fairness == pytest.approx((ada + bob) ** 2 / (2 * (ada**2 + bob**2)))
    assert (found.worst_slowdown, found.worst_user) == (pytest.approx(5.5), "ada")
    assert (found.preemptions, found.lost_gpu_hours, found.never_began, found.too_large) == (0, 0, 0, 0)


def test_free_gpus_that_are_enough_but_apart_are_fragmented() -> None:
    apart = figures_of(
        replayed(
            [
                job("a", 0, 100, 2, limit=200),
                job("b", 0, 60, 1, limit=200),
                job("c", 0, 100, 1, limit=200),
                job("e", 0, 60, 1, limit=200),
                job("f", 0, 100, 1, limit=200),
                job("d", 70, 10, 2, nodes=1, limit=200),
            ],
            nodes="3x2",
            policy="fifo",
        )
    )
    # b and e were on nodes of their own beside c and f: from 70 to 100 two of six GPUs are free, apart.
    assert apart.fragmented == pytest.approx(100 * 2 / 6)
    assert apart.idle == pytest.approx(100 * 2 / 6)


def test_weights_count_in_fairness() -> None:
    jobs = [job("a", 0, 100, 3), job("b", 0, 100, 1, owner="bob")]
    found = replayed(jobs)
    assert figures_of(found).fairness == pytest.approx(16 / 20)
    assert figures_of(found, {"ada": 3.0, "bob": 1.0}).fairness == pytest.approx(1.0)


def test_time_in_which_a_user_has_nothing_does_not_count() -> None:
    jobs = [job("a", 0, 100, 2), job("b", 1000, 100, 2), job("c", 0, 1100, 2, owner="bob")]
    assert figures_of(replayed(jobs)).fairness == pytest.approx(1.0)


def test_nothing_to_tell_is_none_and_not_zero() -> None:
    found = figures_of(replayed([job("a", 0, 100, 8, nodes=1)]))
    assert (found.too_large, found.jobs) == (1, 0)
    assert found.waiting is None
    assert found.utilisation is None
    assert found.busy_utilisation is None
    assert found.idle is None
    assert found.fairness is None
    assert found.worst_user is None


def test_percentiles_are_values_that_were_there() -> None:
    assert percentile([1, 2, 3, 4], 50) == 2
    assert percentile([1, 2, 3, 4], 95) == 4
    assert spread([]) is None
    one = spread([7.0])
    assert one is not None
    assert (one.mean, one.p50, one.p99, one.max) == (7, 7, 7, 7)


def test_jain() -> None:
    assert jain([2, 2, 2]) == pytest.approx(1)
    assert jain([6, 0, 0]) == pytest.approx(1 / 3)
    assert jain([0, 0]) is None
