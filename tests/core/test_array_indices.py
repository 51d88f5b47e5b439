import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.array_indices import MOST_INDEX, MOST_TASKS, PATTERN, parse_array
from sentinel.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "indices", "limit"),
    [
        ("0-9", tuple(range(10)), None),
        ("7", (7,), None),
        ("1,3,5-7", (1, 3, 5, 6, 7), None),
        ("5-7,1,3", (1, 3, 5, 6, 7), None),
        ("0-99%4", tuple(range(100)), 4),
        ("3-3%1", (3,), 1),
        (" 1 , 2 % 2", (1, 2), 2),
        (f"{MOST_INDEX}", (MOST_INDEX,), None),
        (f"1-{MOST_TASKS}", tuple(range(1, MOST_TASKS + 1)), None),
    ],
)
def test_what_can_be_written(text: str, indices: tuple[int, ...], limit: int | None) -> None:
    assert parse_array(text) == (indices, limit)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no index and no range"),
        ("a", "no index and no range"),
        ("-1", "no index and no range"),
        ("1-", "no index and no range"),
        ("1,,2", "no index and no range"),
        ("1.5", "no index and no range"),
        ("1000000", "no index and no range"),
        ("٣", "no index and no range"),
        ("0-9:2", "no index and no range"),
        ("9-0", "write 0-9"),
        ("1,2,1", "index 1 is in it twice"),
        ("0-5,3", "index 3 is in it twice"),
        ("0-10000", "at most 10000 tasks"),
        ("0-999999", "at most 10000 tasks"),
        ("0-9999,10000", "at most 10000 tasks"),
        ("0-9%", "after the %"),
        ("0-9%0", "after the %"),
        ("0-9%x", "after the %"),
        ("0-9%2%3", "after the %"),
    ],
)
def test_what_cannot_and_what_to_write(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_array(text)


@given(
    st.sets(st.integers(0, MOST_INDEX), min_size=1, max_size=50),
    st.none() | st.integers(1, MOST_INDEX),
)
def test_every_list_of_indices_can_be_written(wanted: set[int], limit: int | None) -> None:
    text = ",".join(str(index) for index in wanted) + ("" if limit is None else f"%{limit}")
    assert re.search(PATTERN, text)
    assert parse_array(text) == (tuple(sorted(wanted)), limit)


@given(st.text(alphabet="0123456789-,% ", max_size=12))
def test_what_is_taken_is_no_surprise(text: str) -> None:
    try:
        indices, limit = parse_array(text)
    except UsageError:
        return
    assert 0 < len(indices) <= MOST_TASKS
    assert list(indices) == sorted(set(indices))
    assert limit is None or limit > 0
    assert re.search(PATTERN, text.replace(" ", ""))
