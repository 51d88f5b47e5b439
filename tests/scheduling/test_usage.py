from datetime import UTC, datetime
from math import inf, isfinite, nan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentinel.core.account import HALF_LIFE, WINDOW_DAYS, Scope, Usage
from sentinel.scheduling.usage import (
    DAY,
    MOST_SECONDS,
    charged,
    decayed_at,
    faded,
    iso_day,
    sane_seconds,
    within_window,
)

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
NONE = Usage(scope=Scope.USER, name="ada", at=NOON)
TIMES = st.floats(0, 4e9)
ANY = st.floats(allow_nan=True, allow_infinity=True)


def test_a_lease_within_a_day_counts_for_that_day() -> None:
    used = charged(NONE, 2000, 3600, NOON)
    assert used.days == {"2026-11-26": 7200.0}
    assert used.decayed == pytest.approx(7200, rel=0.01)
    assert used.decayed < 7200  # it began to fade while it ran
    assert within_window(used, NOON) == 7200


def test_a_lease_over_midnight_counts_for_both_days() -> None:
    used = charged(NONE, 1000, 13 * 3600, NOON)
    assert used.days == {"2026-11-25": 3600.0, "2026-11-26": 12 * 3600.0}


def test_a_share_of_a_gpu_counts_as_such() -> None:
    assert charged(NONE, 250, 3600, NOON).days == {"2026-11-26": 900.0}


def test_what_was_used_counts_half_after_the_half_life() -> None:
    used = charged(NONE, 1000, 3600, NOON)
    assert decayed_at(used, NOON + HALF_LIFE) == pytest.approx(used.decayed / 2)
    again = charged(used, 0, 0, NOON + HALF_LIFE)
    assert again.decayed == pytest.approx(used.decayed / 2)


def test_one_long_lease_counts_as_many_short_ones_in_its_place() -> None:
    whole = charged(NONE, 1000, 10 * DAY, NOON + 10 * DAY)
    parts = NONE
    for n in range(1, 241):
        parts = charged(parts, 1000, 3600, NOON + n * 3600)
    assert parts.decayed == pytest.approx(whole.decayed)
    assert parts.days == pytest.approx(whole.days)


def test_days_leave_the_window() -> None:
    used = charged(NONE, 1000, 60, NOON)
    last = NOON + (WINDOW_DAYS - 1) * DAY
    assert within_window(used, last) == 60
    assert within_window(used, last + DAY) == 0
    assert charged(used, 1000, 60, last).days == {"2026-11-26": 60.0, "2026-12-25": 60.0}
    assert charged(used, 1000, 60, last + DAY).days == {"2026-12-26": 60.0}


def test_days_that_are_still_to_come_are_not_believed() -> None:
    ahead = charged(NONE, 1000, 60, NOON + 400 * DAY)
    assert within_window(ahead, NOON) == 0
    assert list(charged(ahead, 1000, 60, NOON).days) == ["2026-11-26"]


def test_a_clock_that_jumped_charges_the_window_at_most() -> None:
    used = charged(NONE, 1000, 5 * 365 * DAY, NOON)
    assert within_window(used, NOON) <= MOST_SECONDS
    assert used.decayed < 10.1 * DAY  # all that ever counts of one GPU
    assert charged(NONE, 1000, -5, NOON).decayed == 0


def test_a_clock_that_went_back_gives_nothing_back() -> None:
    used = charged(NONE, 1000, 3600, NOON)
    assert decayed_at(used, NOON - DAY) == used.decayed
    later = charged(used, 1000, 3600, NOON - DAY)
    assert later.at == NOON - DAY  # and fades from there on
    assert later.decayed > used.decayed


@given(milli=st.integers(-5000, 100_000), seconds=ANY, now=TIMES, at=TIMES, decayed=st.floats(0, 1e15))
@example(milli=8000, seconds=DAY, now=0.0, at=0.0, decayed=0.0)
@example(milli=8000, seconds=inf, now=4e9, at=0.0, decayed=1e15)
@example(milli=8000, seconds=nan, now=4e9, at=5e9, decayed=0.0)
def test_usage_is_never_negative_whatever_the_clocks(
    milli: int, seconds: float, now: float, at: float, decayed: float
) -> None:
    before = Usage(scope=Scope.USER, name="ada", at=at, decayed=decayed, days={iso_day(at): 5.0})
    used = charged(before, milli, seconds, now)
    assert isfinite(used.decayed)
    assert used.decayed >= decayed_at(before, now) >= 0
    assert all(isfinite(found) and found >= 0 for found in used.days.values())
    assert len(used.days) <= WINDOW_DAYS
    gpu_seconds = max(0, milli) / 1000 * sane_seconds(seconds)
    assert within_window(used, now) <= 5 + gpu_seconds + 0.001 * WINDOW_DAYS


@given(seconds=st.floats(0, MOST_SECONDS), now=st.floats(1e9, 4e9))
def test_no_second_within_the_window_is_lost(seconds: float, now: float) -> None:
    used = charged(Usage(scope=Scope.USER, name="ada"), 1000, seconds, now)
    inside = min(seconds, now - (now // DAY - WINDOW_DAYS + 1) * DAY)
    assert within_window(used, now) == pytest.approx(inside, abs=0.1)


@given(st.floats(0, 1e12))
def test_fading_only_takes_away(seconds: float) -> None:
    assert 0 <= faded(seconds) <= seconds + 1e-6
