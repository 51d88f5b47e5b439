"""Quiet becomes idle by time that was really watched."""

from sentinel.inventory.attribution.idle import NOT_QUIET, Quiet, Reading, quiet
from sentinel.inventory.observation import Settings

SETTINGS = Settings(idle_after=600.0, longest_gap=300.0)


def after(*looks: tuple[float, Reading]) -> Quiet:
    now = NOT_QUIET
    for boottime, reading in looks:
        now = quiet(reading, now, 5000.0 + boottime, boottime, SETTINGS)
    return now


def steps(first: int, last: int, reading: Reading = Reading.QUIET) -> list[tuple[float, Reading]]:
    return [(float(second), reading) for second in range(first, last + 1, 200)]


def test_idle_after_long_enough_since_the_beginning() -> None:
    assert after(*steps(0, 400)) == Quiet(since=5000.0, begun=0.0, looked=400.0)
    assert after(*steps(0, 600)) == Quiet(since=5000.0, idle_since=5000.0, begun=0.0, looked=600.0)


def test_use_ends_it() -> None:
    assert after(*steps(0, 600), (610.0, Reading.BUSY)) == NOT_QUIET


def test_a_gap_starts_anew() -> None:
    assert after((0.0, Reading.QUIET), (301.0, Reading.QUIET)).since == 5301.0
    assert after((0.0, Reading.QUIET), (300.0, Reading.QUIET)).since == 5000.0


def test_unknown_neither_counts_nor_starts_anew() -> None:
    before = after(*steps(0, 600))
    assert after(*steps(0, 600), (700.0, Reading.UNKNOWN)) == before
    assert after(*steps(0, 400), (690.0, Reading.UNKNOWN)).idle_since is None
    assert after((0.0, Reading.QUIET), (200.0, Reading.UNKNOWN), (300.0, Reading.QUIET)).since == 5000.0


def test_unknown_for_too_long_is_a_gap() -> None:
    assert after(*steps(0, 600), (901.0, Reading.UNKNOWN)) == NOT_QUIET


def test_the_clock_of_the_wall_may_jump() -> None:
    now = quiet(Reading.QUIET, NOT_QUIET, 5000.0, 0.0, SETTINGS)
    now = quiet(Reading.QUIET, now, 99_000.0, 200.0, SETTINGS)
    assert (now.since, now.idle_since) == (5000.0, None)
