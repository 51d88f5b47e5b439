"""When silences are in force: from and to, and by the clock on the wall where clocks are changed."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.alerting.silencing import in_force_until
from sentinel.core.alert import Silence, Weekly

BERLIN, APIA = "Europe/Berlin", "Pacific/Apia"
ALWAYS = {"start": 0.0, "end": 4e9}


def at(text: str) -> float:
    """ "2026-03-29T01:30+01:00": an offset must be given."""
    return datetime.fromisoformat(text).timestamp()


def utc(found: float | None) -> str | None:
    return None if found is None else datetime.fromtimestamp(found, UTC).strftime("%m-%dT%H:%M")


def silence(weekly: Weekly | None = None, **more: Any) -> Silence:
    return Silence(id="s", matches={"node": ("a",)}, by="ann", why="x", weekly=weekly, **(ALWAYS | more))


def hours(days: str, begin: str = "00:00", end: str = "00:00", zone: str = BERLIN) -> Weekly:
    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    return Weekly(days=tuple(map(int, days)), begin=minutes(begin), end=minutes(end), zone=zone)


def test_from_its_start_until_before_its_end() -> None:
    plain = silence(start=100.0, end=200.0)
    assert [in_force_until(plain, now) for now in (99.9, 100.0, 199.9, 200.0)] == [None, 200.0, 200.0, None]


def test_a_weekend_in_berlin_is_not_one_in_utc() -> None:
    weekend = silence(hours("56"))
    assert in_force_until(weekend, at("2026-07-03T21:59+00:00")) is None
    assert utc(in_force_until(weekend, at("2026-07-03T22:00+00:00"))) == "07-05T22:00", (
        "two days, one silence"
    )
    assert in_force_until(weekend, at("2026-07-05T21:59+00:00")) is not None
    assert in_force_until(weekend, at("2026-07-05T22:00+00:00")) is None
    assert in_force_until(weekend, at("2026-01-09T22:30+00:00")) is None, "in winter an hour later"
    assert utc(in_force_until(weekend, at("2026-01-09T23:00+00:00"))) == "01-11T23:00"


def test_the_end_of_the_silence_ends_its_hours() -> None:
    cut = silence(hours("56"), end=at("2026-07-04T12:00+00:00"))
    assert utc(in_force_until(cut, at("2026-07-04T00:00+00:00"))) == "07-04T12:00"
    assert in_force_until(cut, at("2026-07-05T00:00+00:00")) is None


def test_hours_over_midnight_belong_to_the_day_on_which_they_begin() -> None:
    night = silence(hours("4", "22:00", "06:00"))
    assert utc(in_force_until(night, at("2026-07-04T05:59+02:00"))) == "07-04T04:00"
    assert in_force_until(night, at("2026-07-04T22:30+02:00")) is None
    assert in_force_until(night, at("2026-07-03T05:00+02:00")) is None


def test_weekend_of_the_day_with_23_hours_and_of_the_one_with_25() -> None:
    sunday = silence(hours("6"))
    assert utc(in_force_until(sunday, at("2026-03-29T12:00+02:00"))) == "03-29T22:00"
    assert in_force_until(sunday, at("2026-03-28T23:00+00:00")) is not None
    assert utc(in_force_until(sunday, at("2026-10-25T12:00+01:00"))) == "10-25T23:00"
    assert in_force_until(sunday, at("2026-10-24T22:00+00:00")) is not None


@pytest.mark.parametrize(
    ("begin", "end", "first", "last"),
    [
        (
            "01:00",
            "02:30",
            "2026-10-24T23:00",
            "2026-10-25T01:30",
        ),  # ends the second time it is half past two
        ("02:30", "04:00", "2026-10-25T00:30", "2026-10-25T03:00"),  # begins the first time
        ("02:15", "02:45", "2026-10-25T00:15", "2026-10-25T01:45"),
        ("01:00", "02:30", "2026-03-29T00:00", "2026-03-29T01:00"),  # ends at the jump
        ("02:30", "04:00", "2026-03-29T01:00", "2026-03-29T02:00"),  # begins at the jump
    ],
)
def test_hours_that_begin_or_end_while_clocks_are_changed(
    begin: str, end: str, first: str, last: str
) -> None:
    one = silence(hours("6", begin, end))
    start, over = at(f"{first}+00:00"), at(f"{last}+00:00")
    assert [in_force_until(one, now) for now in (start - 1, start, over - 1, over)] == [
        None,
        over,
        over,
        None,
    ]


def test_hours_that_lie_in_the_hour_left_out_do_not_take_place() -> None:
    one = silence(hours("6", "02:15", "02:45"))
    day = at("2026-03-29T00:00+01:00")
    assert not [now for now in range(int(day), int(day) + 23 * 3600, 300) if in_force_until(one, now)]


def test_a_day_that_a_zone_left_out_altogether_is_nobodys() -> None:
    # Samoa went from Thursday, 29 December 2011, to Saturday, 31 December.
    friday = silence(hours("4", zone=APIA))
    around = range(int(at("2011-12-29T00:00-10:00")), int(at("2011-12-31T20:00+14:00")), 1800)
    assert not [now for now in around if in_force_until(friday, now)]


def test_a_zone_with_half_an_hour_of_summer_time() -> None:
    one = silence(hours("6", "01:45", "03:00", zone="Australia/Lord_Howe"))
    # 2026-04-05: at 02:00 (+11:00) clocks go back to 01:30 (+10:30).
    start, over = at("2026-04-05T01:45+11:00"), at("2026-04-05T03:00+10:30")
    assert [in_force_until(one, now) for now in (start - 1, start, over - 1, over)] == [
        None,
        over,
        over,
        None,
    ]


def test_all_week_is_without_a_break() -> None:
    now = at("2026-07-04T12:00+00:00")
    until = in_force_until(silence(hours("0123456")), now)
    assert until is not None and until - now > 6 * 86400


def test_an_unknown_zone_silences_nobody() -> None:
    assert in_force_until(silence(hours("0123456", zone="Mars/Olympus")), 1e9) is None
    assert in_force_until(silence(hours("0123456", zone="../etc/passwd")), 1e9) is None


ZONES = st.sampled_from([BERLIN, APIA, "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
MINUTES = st.integers(0, 24 * 60 - 1)


@settings(max_examples=150)
@given(
    ZONES,
    st.sets(st.integers(0, 6), min_size=1),
    MINUTES,
    MINUTES,
    st.integers(1_200_000_000, 2_000_000_000),
    st.data(),
)
def test_it_is_what_the_clock_on_the_wall_says_wherever_no_clock_is_changed_near(
    zone: str, days: set[int], begin: int, end: int, now: int, data: st.DataObject
) -> None:
    local = datetime.fromtimestamp(now, ZoneInfo(zone))
    offsets = {datetime.fromtimestamp(now + h * 3600, ZoneInfo(zone)).utcoffset() for h in (-50, -25, 0, 25)}
    one = silence(Weekly(days=tuple(days), begin=begin, end=end, zone=zone))
    until, minute = in_force_until(one, now), local.hour * 60 + local.minute
    if len(offsets) == 1:
        today = local.weekday() in days and begin <= minute and (minute < end or end <= begin)
        tonight = (local.weekday() - 1) % 7 in days and end <= begin and minute < end
        assert (until is not None) == (today or tonight)
    if until is not None and len(days) < 7:
        inside = data.draw(st.floats(now, until, exclude_max=True))
        assert in_force_until(one, inside) == until
