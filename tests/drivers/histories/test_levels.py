"""Which roll-up answers a query, and why."""

import pytest

from sentinel.core.errors import UsageError
from sentinel.drivers.histories.levels import DAY, HOUR, Level, Plan, Retention, Why, plan
from sentinel.ports.history import MOST_POINTS

NOW = 1_700_000_000.0 // HOUR * HOUR
KEPT = Retention()


@pytest.mark.parametrize(
    ("age", "step", "level", "width", "why"),
    [
        (HOUR, 10, Level.RAW, 10, Why.COARSEST),
        (HOUR, 0.5, Level.RAW, 0.5, Why.COARSEST),
        (HOUR, 59, Level.RAW, 59, Why.COARSEST),
        (HOUR, 60, Level.MINUTE, 60, Why.COARSEST),
        (HOUR, 90, Level.RAW, 90, Why.COARSEST),
        (HOUR, 300, Level.MINUTE, 300, Why.COARSEST),
        (HOUR, 3600, Level.HOUR, 3600, Why.COARSEST),
        (DAY, 86400, Level.HOUR, 86400, Why.COARSEST),
        (DAY, 5400, Level.MINUTE, 5400, Why.COARSEST),
        (3 * DAY, 10, Level.MINUTE, 60, Why.AGED),
        (3 * DAY, 90, Level.MINUTE, 120, Why.AGED),
        (3 * DAY, 60, Level.MINUTE, 60, Why.COARSEST),
        (31 * DAY, 60, Level.HOUR, 3600, Why.AGED),
        (31 * DAY, 5400, Level.HOUR, 7200, Why.AGED),
        (5000 * DAY, 86400, Level.HOUR, 86400, Why.COARSEST),
    ],
)
def test_the_coarsest_that_answers_and_is_still_there(
    age: float, step: float, level: Level, width: float, why: Why
) -> None:
    found = plan(NOW - age, NOW - age + HOUR, step, NOW, KEPT)
    assert (found.level, found.step, found.why) == (level, width * 1000, why)
    assert found.first % found.step == 0
    assert found.first <= (NOW - age) * 1000 < found.first + found.step
    assert found.end - found.step < (NOW - age + HOUR) * 1000 <= found.end


def test_an_empty_range_has_no_points() -> None:
    assert plan(NOW, NOW, 60, NOW, KEPT).count == 0
    assert plan(NOW, NOW - HOUR, 60, NOW, KEPT).count == 0
    assert plan(-5, 60, 3600, NOW, KEPT) == Plan(
        level=Level.HOUR, first=0, step=3_600_000, count=1, why=Why.COARSEST
    )


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [
        (NOW - 1, NOW, 0),
        (NOW - 1, NOW, -60),
        (NOW - 1, NOW, float("inf")),
        (float("nan"), NOW, 60),
        (NOW, NOW + MOST_POINTS + 1, 1),
        (0, 1e15, 3.6e12),
        (NOW - 29 * DAY, NOW + 29 * DAY, 300),
    ],
)
def test_what_would_be_too_much_is_refused(start: float, end: float, step: float) -> None:
    with pytest.raises(UsageError):
        plan(start, end, step, NOW, KEPT)


def test_what_is_coarser_is_kept_longer() -> None:
    with pytest.raises(UsageError, match="retention"):
        Retention(raw=3 * DAY, minute=2 * DAY)
    with pytest.raises(UsageError, match="retention"):
        Retention(raw=60)
