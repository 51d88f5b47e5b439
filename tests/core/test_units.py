"""Sizes and durations: as people write them, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.errors import UsageError
from sentinel.core.units import parse_duration, parse_size, show_duration, show_size

UNITS = {"B": 0, "KiB": 1, "MiB": 2, "GiB": 3, "TiB": 4}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("512", 512),
        ("512b", 512),
        ("1k", 1024),
        ("20GiB", 20 * 2**30),
        ("20G", 20 * 2**30),
        ("20g", 20 * 2**30),
        ("20GB", 20 * 10**9),
        ("1.5MiB", 3 * 2**19),
        (" 1 TiB ", 2**40),
        ("2PiB", 2**51),
        ("9007199254740993", 2**53 + 1),  # more than a float can tell apart
    ],
)
def test_sizes(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize(
    "text", ["", "x", "GiB", "-1", "1e3", "1,5G", "1 2", "1GiBB", "nan", "9" * 400, "1EiB"]
)
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="write it like 20GiB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5m", 90),
        ("2h", 7200),
        ("250ms", 0.25),
        ("1d", 86400),
        ("0", 0),
        (" 3 S", 3),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "1w", "1h30m", "inf", "nan", "9" * 400])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="write it like 30s"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "unknown"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (20 * 2**30, "20 GiB"),
        (int(19.5 * 2**30), "19.5 GiB"),
        (700 * 2**20, "700 MiB"),
        (2 * 2**40, "2 TiB"),
        (3000 * 2**40, "3000 TiB"),
    ],
)
def test_sizes_for_people(count: int | None, text: str) -> None:
    assert show_size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.85, "850 ms"),
        (1, "1 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (7205, "2 h"),
        (4 * 86400, "4 d"),
    ],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


@given(st.integers(0, 10**18 - 1))
def test_bytes_in_digits_are_exact(count: int) -> None:
    assert parse_size(str(count)) == count


@given(st.integers(0, 2**50))
def test_what_is_shown_parses_back_to_nearly_the_same(count: int) -> None:
    assert parse_size(show_size(count)) == pytest.approx(count, rel=0.01, abs=512)


@given(st.floats(0, 1e8))
def test_a_duration_shown_is_never_far_off_and_has_two_units_at_most(seconds: float) -> None:
    words = show_duration(seconds).split()
    scale = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}
    total = sum(float(n) * scale[unit] for n, unit in zip(words[::2], words[1::2], strict=True))
    assert len(words) <= 4
    assert total == pytest.approx(seconds, rel=0.05, abs=0.6)


@given(st.text(max_size=20))
def test_any_text_is_a_size_or_a_usage_error(text: str) -> None:
    for parse in (parse_size, parse_duration):
        try:
            assert parse(text) >= 0
        except UsageError as error:
            assert repr(text) in error.message
