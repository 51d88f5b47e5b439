import re

import pytest

from sentinel.core.errors import UsageError
from sentinel.core.job_notify import MOST, PATTERN, Moment, Wish, wishes


@pytest.mark.parametrize(
    ("given", "entries"),
    [
        ([], []),
        (["mail"], ["mail:end"]),
        (["mail:start,fail", "mail:start"], ["mail:start", "mail:fail"]),
        (["mail:end", "chat-2.x: fail "], ["mail:end", "chat-2.x:fail"]),
    ],
)
def test_what_people_write(given: list[str], entries: list[str]) -> None:
    found = wishes(given)
    assert [one.entry for one in found] == entries
    assert all(re.match(PATTERN, entry) for entry in entries)
    assert wishes(entries) == found


def test_a_wish() -> None:
    assert wishes(["mail:fail"]) == (Wish(channel="mail", moment=Moment.FAIL),)


@pytest.mark.parametrize(
    "text", ["", ":end", "mail:", "mail:never", "mail:end,", "a b", "mail:start:end", "-x"]
)
def test_what_nobody_can_mean(text: str) -> None:
    with pytest.raises(UsageError):
        wishes([text])


def test_not_too_many() -> None:
    with pytest.raises(UsageError, match="at most"):
        wishes([f"c{number}" for number in range(MOST + 1)])
