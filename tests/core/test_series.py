"""Series: what a selector takes, and many put together into one."""

import pytest

from sentinel.core.series import Aggregate, Labels, Selector, Series, combined, labels_from, reduced


def series(values: list[float | None], *, start: float = 0, **labels: str) -> Series:
    points = tuple((start + 10.0 * nth, value) for nth, value in enumerate(values))
    return Series(metric="m", labels=labels_from(labels), points=points)


def test_labels_are_sorted_and_none_is_empty() -> None:
    assert labels_from({"b": "2", "c": "", "a": "1"}) == (("a", "1"), ("b", "2"))


@pytest.mark.parametrize(
    ("matches", "takes"),
    [
        ({}, True),
        ({"node": ("a",)}, True),
        ({"node": ("b", "a"), "gpu": ("0",)}, True),
        ({"node": ("b",)}, False),
        ({"node": ("a",), "gpu": ("1",)}, False),
        ({"user": ("",)}, True),
        ({"user": ("anna",)}, False),
        ({"node": ()}, False),
    ],
)
def test_a_selector_takes_what_has_one_of_the_values(
    matches: dict[str, tuple[str, ...]], takes: bool
) -> None:
    labels: Labels = (("gpu", "0"), ("node", "a"))
    assert Selector(metric="m", matches=matches).takes(labels) is takes


@pytest.mark.parametrize(
    ("how", "value"),
    [("avg", 3.0), ("min", 1.0), ("max", 6.0), ("sum", 9.0), ("last", 2.0), ("count", 3.0)],
)
def test_unknown_is_left_out(how: str, value: float) -> None:
    assert reduced([None, 1.0, 6.0, None, 2.0, None], Aggregate(how)) == value
    assert reduced([None, None], Aggregate(how)) is None, "never zero"


def test_series_are_put_together_by_their_labels() -> None:
    anna = series([1.0, None, 3.0], user="anna", gpu="0"), series([5.0, None, None], user="anna", gpu="1")
    ben = series([7.0, 8.0, 9.0], user="ben", gpu="2")
    found = combined((ben, *anna), ("user",), Aggregate.SUM)
    assert found == [series([6.0, None, 3.0], user="anna"), series([7.0, 8.0, 9.0], user="ben")]
    (whole,) = combined((ben, *anna), (), Aggregate.COUNT)
    assert whole == series([3.0, 1.0, 2.0])
    assert combined((), ("user",), Aggregate.AVG) == []


def test_series_of_different_grids_are_put_together_by_time() -> None:
    (one,) = combined((series([1.0, 2.0]), series([10.0, 20.0], start=10)), (), Aggregate.SUM)
    assert one.points == ((0.0, 1.0), (10.0, 12.0), (20.0, 20.0))


def test_a_series_says_its_labels() -> None:
    one = series([], node="a")
    assert (one.label("node"), one.label("user")) == ("a", "")
