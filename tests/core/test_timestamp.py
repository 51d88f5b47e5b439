"""Times that others wrote, and our own there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.clock import rfc3339
from sentinel.core.timestamp import epoch


@given(st.integers(0, 4_000_000_000_000))
def test_what_we_write_we_read_as_the_same_millisecond(milliseconds: int) -> None:
    text = rfc3339(milliseconds / 1000)
    found = epoch(text)
    assert found is not None and rfc3339(found) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T02:00:10.5+02:00", 10.5),
        ("1970-01-01T00:00:00.123456789Z", 0.123456),
        ("0001-01-01T00:00:00Z", None),  # Go's "never"
        ("1970-01-01T00:00:10", None),  # whose time?
        ("yesterday", None),
        ("", None),
    ],
)
def test_what_others_write(text: str, seconds: float | None) -> None:
    found = epoch(text)
    assert found == (None if seconds is None else pytest.approx(seconds, abs=1e-6))


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none(text: str) -> None:
    assert epoch(text) is None or isinstance(epoch(text), float)
