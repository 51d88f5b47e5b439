"""How many seconds a sample stands for, worked out from how many there are."""

import pytest

from sentinel.telemetry.rhythm import DAY, HOUR, MINUTE, of_days, of_hours, of_minutes


def hours(*counts: float) -> dict[float, float]:
    return {nth * HOUR: count for nth, count in enumerate(counts) if count}


def minutes(*counts: float) -> dict[float, float]:
    return {nth * MINUTE: count for nth, count in enumerate(counts) if count}


@pytest.mark.parametrize(
    ("counts", "seconds"),
    [
        ((360, 360, 360), (10, 10, 10)),
        ((359, 361, 120), (3600 / 359, 3600 / 361, 3600 / 361)),  # the last one has a gap
        ((240, 239, 60), (15, 3600 / 239, 3600 / 239)),
        ((60, 60, 60, 360, 100), (60, 60, 60, 10, 10)),
        ((100, 360, 60, 60), (10, 10, 60, 60)),
        ((50,), (10,)),  # nothing to go by
        ((700,), (3600 / 700,)),  # more than fit: it looked more often
        ((100, 0, 100), (10, 10)),  # each day at the same time: that is no rhythm
    ],
)
def test_hours(counts: tuple[float, ...], seconds: tuple[float, ...]) -> None:
    found = of_hours(hours(*counts))
    assert [found[at] for at in sorted(found)] == pytest.approx(list(seconds))


@pytest.mark.parametrize(
    ("counts", "seconds"),
    [
        ((6, 6, 6), (10, 10, 10)),
        ((3, 6, 6, 2), (10, 10, 10, 10)),  # begins and ends within a minute
        ((6, 7, 5, 6), (60 / 7, 60 / 7, 12, 10)),
        ((1, 1, 1, 0, 1), (60, 60, 60, 60)),
        ((6,), (10,)),
        ((1, 0, 1), (120, 120)),  # as the hour says
        ((8, 0, 2), (7.5, 10)),
    ],
)
def test_minutes(counts: tuple[float, ...], seconds: tuple[float, ...]) -> None:
    usual = {0.0: 120.0} if counts == (1, 0, 1) else {}
    found = of_minutes(minutes(*counts), usual)
    assert [found[at] for at in sorted(found)] == pytest.approx(list(seconds))


def test_a_day_is_the_mean_of_its_hours() -> None:
    known = hours(360, 360, 60, 60)
    found = of_days({0.0: 840.0, DAY: 10.0}, known, of_hours(known), DAY)
    assert found == {0.0: pytest.approx(4 * HOUR / 840), DAY: 10.0}
