"""Quantiles: by hand, and the properties that any of them has."""

import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.telemetry.scrape.quantile import grown, quantile

INF = math.inf


@pytest.mark.parametrize(
    ("q", "expected"),
    [(0.0, 0.0), (0.1, 50.0), (0.2, 100.0), (0.5, 250.0), (0.8, 400.0), (0.9, 400.0), (1.0, 400.0)],
)
def test_within_a_bucket_it_is_spread_evenly(q: float, expected: float) -> None:
    # 2 up to 100, 4 more up to 300, 2 more up to 400, 2 beyond: of those only that they are more is known.
    buckets = {100.0: 2.0, 300.0: 6.0, 400.0: 8.0, INF: 10.0}
    assert quantile(buckets, q) == pytest.approx(expected)


def test_nothing_counted_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None
    assert quantile({1.0: 0.0, INF: 0.0}, 0.5) is None
    assert quantile({1.0: 3.0}, 0.5) is None  # without the last bucket it is not known how many there were
    assert quantile({INF: 3.0}, 0.5) is None  # nor where they are
    assert quantile({1.0: 1.0, INF: math.nan}, 0.5) is None


def test_an_empty_bucket_is_passed_over() -> None:
    assert quantile({1.0: 0.0, 2.0: 0.0, 3.0: 4.0, INF: 4.0}, 0.5) == 2.5
    assert quantile({1.0: 4.0, 2.0: 4.0, 3.0: 4.0, INF: 4.0}, 1.0) == 1.0


def test_buckets_of_slightly_different_moments_do_not_mislead() -> None:
    assert quantile({1.0: 5.0, 2.0: 4.0, INF: 5.0}, 1.0) == 1.0


def test_what_was_counted_in_between() -> None:
    before = {1.0: 1.0, INF: 2.0}
    assert grown(before, {1.0: 1.0, INF: 5.0}) == {1.0: 0.0, INF: 3.0}
    assert grown(before, before) == {1.0: 0.0, INF: 0.0}
    assert grown({}, before) == before  # the first request made the histogram
    assert grown({}, {}) is None
    assert grown(before, {1.0: 0.0, INF: 7.0}) is None  # restarted, and it has counted more already
    assert grown(before, {2.0: 1.0, INF: 9.0}) is None  # other buckets: another version
    assert grown(before, {}) is None
    assert grown(before, {1.0: math.nan, INF: 7.0}) is None


@given(
    st.lists(
        st.tuples(st.floats(0.001, 1e6), st.integers(0, 1000)),
        min_size=1,
        max_size=12,
        unique_by=lambda one: one[0],
    ),
    st.integers(0, 50),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_it_is_in_the_bucket_where_that_one_is(
    each: list[tuple[float, int]], beyond: int, q: float, r: float
) -> None:
    each.sort()
    bounds = [bound for bound, _ in each]
    counts = list(accumulate(count for _, count in each))
    total = counts[-1] + beyond
    buckets = {**dict(zip(bounds, map(float, counts), strict=True)), INF: float(total)}
    found = quantile(buckets, q)
    if total == 0:
        assert found is None
        return
    assert found is not None
    assert 0 <= found <= bounds[-1]
    # So many are at most that, or they are beyond the last bound.
    upper = next((bound for bound in bounds if bound >= found), bounds[-1])
    assert buckets[upper] >= q * total - 1e-9 or found == bounds[-1]
    other = quantile(buckets, r)
    assert other is not None and (found <= other if q <= r else other <= found)
