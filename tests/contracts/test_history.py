"""What every history owes its port, run against each: the embedded one, and a real Prometheus."""

from collections.abc import Iterator, Sequence

import pytest
from tests.drivers.histories.cases import (
    END,
    HOSTILE,
    HOUR,
    MEASURED,
    POWER,
    START,
    TEMPERATURE,
    batches,
    begun,
    embedded,
    expected,
    of,
    prometheus,
)

from sentinel.core.errors import UsageError
from sentinel.core.series import Aggregate, Selector, Series
from sentinel.ports.history import MOST_POINTS, History


@pytest.fixture(scope="module", params=[embedded, pytest.param(prometheus, marks=pytest.mark.real)])
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    with request.param(tmp_path_factory.mktemp("history")) as made:
        yield made


def selector(metric: str = TEMPERATURE, **matches: str | tuple[str, ...]) -> Selector:
    named = {name: (value,) if isinstance(value, str) else value for name, value in matches.items()}
    return Selector(metric=metric, matches=named)


def same(found: Sequence[Series], wanted: Sequence[Series]) -> None:
    assert [(one.metric, one.labels) for one in found] == [(one.metric, one.labels) for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert [round(at, 3) for at, _ in one.points] == [round(at, 3) for at, _ in other.points]
        gaps = [round(at, 3) for at, value in one.points if value is None]
        assert gaps == [round(at, 3) for at, value in other.points if value is None]
        values = [value for _, value in one.points if value is not None]
        assert values == pytest.approx([value for _, value in other.points if value is not None], rel=1e-5)


@pytest.mark.parametrize("how", Aggregate)
@pytest.mark.parametrize("step", [5, 10, 30, 60, 90, 300, 3600])
def test_it_answers_what_was_measured(history: History, step: float, how: Aggregate) -> None:
    same(history.query(selector(), START, END, step, how), expected(selector(), START, END, step, how))


@pytest.mark.parametrize("step", [10, 60, 3600])
def test_a_range_that_stands_on_no_grid(history: History, step: float) -> None:
    start, end = START + 1234.5, START + 3 * HOUR + 77
    found = history.query(selector(), start, end, step, Aggregate.AVG)
    first, last = found[0].points[0][0], found[0].points[-1][0]
    assert first <= start < first + step and last < end <= last + step
    # The last slot is whole, though the range ends within it.
    same(found, expected(selector(), start, end, step, Aggregate.AVG))


@pytest.mark.parametrize(
    "chosen",
    [
        selector(gpu="0"),
        selector(node=("a", "b"), gpu="0"),
        selector(sku=HOSTILE),
        selector(sku=(HOSTILE, "A100", "H.*")),
        selector(sku=".*"),
        selector(sku=()),
        selector(user=""),
        selector(user="anna"),
        selector(POWER),
        selector("gpu_of_no_kind"),
    ],
    ids=repr,
)
def test_labels_choose(history: History, chosen: Selector) -> None:
    found = history.query(chosen, START, START + 600, 60, Aggregate.MAX)
    same(found, expected(chosen, START, START + 600, 60, Aggregate.MAX))


def test_a_gap_is_unknown_and_a_late_sample_is_none(history: History) -> None:
    def values(start: float, end: float, **matches: str) -> list[float | None]:
        (one,) = history.query(selector(**matches), start, end, 10, Aggregate.AVG)
        return [value for _, value in one.points]

    assert values(START + 1190, START + 1270, node="a", gpu="1").count(None) == 6
    assert None not in values(START, START + HOUR, node="c")
    over_an_hour = history.query(selector(node="a", gpu="1"), START, START + 3 * HOUR, 3600, Aggregate.AVG)
    assert [value is None for _, value in over_an_hour[0].points] == [False, True, False]


def test_what_knows_nothing_of_the_time_is_no_series(history: History) -> None:
    found = history.query(selector(), END - 600, END, 60, Aggregate.AVG)
    assert [one.label("node") for one in found] == ["a", "c", "a"]
    assert list(history.query(selector(), START - 7200, START - 3600, 60, Aggregate.AVG)) == []
    assert list(history.query(selector(), START, START, 60, Aggregate.AVG)) == []


def test_the_latest_values(history: History) -> None:
    now = START + 2.5 * HOUR + 20
    found = history.latest(selector(), now, 60)
    wanted = {
        labels: max((at, value) for at, value in measured if at <= now)
        for (metric, labels), measured in MEASURED.items()
        if metric == TEMPERATURE
    }
    assert found == [(labels, *wanted[labels]) for labels in sorted(wanted)]
    later = history.latest(selector(), now + 120, 60)
    assert [dict(labels)["node"] for labels, _, _ in later] == ["a", "c", "a"], "that one is silent"
    assert history.latest(selector(), END + HOUR, 60) == []
    assert [one[0] for one in history.latest(selector(gpu="1"), END, 60)] == [of("a", "1", sku="H100")]


def test_told_again_it_is_told_once(history: History) -> None:
    told = batches()
    before = history.query(selector(), START, END, 10, Aggregate.SUM)
    for again in (told[5], begun(told[5], 2)):
        found = history.append([again])
        assert (found.kept, found.known + found.elsewhere, found.refused) in ((0, 1, 0), (1, 0, 0))
    assert history.query(selector(), START, END, 10, Aggregate.SUM) == before


def test_what_there_is(history: History) -> None:
    assert history.series(TEMPERATURE) == [one for one in sorted(MEASURED) if one[0] == TEMPERATURE]
    assert history.series() == sorted(MEASURED)
    assert history.series("gpu_of_no_kind") == []


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [
        (START, END, 0),
        (START, END, -1),
        (START, END, float("nan")),
        (START, float("inf"), 60),
        (START, START + MOST_POINTS + 1, 1),
    ],
)
def test_a_grid_that_cannot_be_is_refused(history: History, start: float, end: float, step: float) -> None:
    with pytest.raises(UsageError):
        history.query(selector(), start, end, step, Aggregate.AVG)
