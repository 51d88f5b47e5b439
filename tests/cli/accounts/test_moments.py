import time
from collections.abc import Iterator

import pytest

from sentinel.cli.accounts.moments import parse_moment
from sentinel.core.errors import UsageError

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", NOW),
        ("in 2h", NOW + 7200),
        ("+2h", NOW + 7200),
        ("+ 90m", NOW + 5400),
        ("2027-01-15 09:00", NOW),  # an hour ahead of UTC
        ("2027-01-15 09:00:30", NOW + 30),
        ("2027-01-15T09:00", NOW),
        ("2027-07-15 10:00", NOW + 181 * 86400),  # two in summer
        ("2027-01-15T08:00:00Z", NOW),
        (" 2027-01-15T10:00:00+02:00 ", NOW),
    ],
)
def test_times(text: str, at: float) -> None:
    assert parse_moment(text, NOW) == at


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2027-01-15", "2027-02-30 09:00", "in", "in two hours", "+", "1800000000", "09:00",
     "1969-01-01 09:00", "+999999999999999d"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="write it like"):
        parse_moment(text, NOW)
