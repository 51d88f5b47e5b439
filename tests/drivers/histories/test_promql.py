"""Selectors as PromQL: nothing that a label holds is ever more than text."""

from typing import Any

import pytest

from sentinel.core.errors import UsageError
from sentinel.core.series import Aggregate, Labels, Selector
from sentinel.drivers.histories.promql import (
    MOST_IN_ONE,
    chunks,
    labels_read,
    over_time,
    result_of,
    selector_text,
)
from sentinel.ports.history import HistoryUnavailable


@pytest.mark.parametrize(
    ("matches", "text"),
    [
        ({}, "m{}"),
        ({"node": ("a",)}, 'm{node="a"}'),
        ({"user": ("",)}, 'm{user=""}'),
        ({"node": ("a", "b"), "gpu": ("0",)}, 'm{gpu="0",node=~"a|b"}'),
        ({"node": ('a"} or x{y="',)}, 'm{node="a\\"} or x{y=\\""}'),
        ({"node": ("a\\",)}, 'm{node="a\\\\"}'),
        ({"node": ("a\nb\r",)}, 'm{node="a\\nb\\r"}'),
        ({"node": ("a.*", "(b")}, 'm{node=~"a\\\\.\\\\*|\\\\(b"}'),
        ({"node": ("é", "日本")}, 'm{node=~"é|日本"}'),
        ({"node": ()}, None),
    ],
)
def test_selectors(matches: dict[str, tuple[str, ...]], text: str | None) -> None:
    assert selector_text(Selector(metric="m", matches=matches)) == text


@pytest.mark.parametrize(
    "odd",
    [
        Selector(metric=""),
        Selector(metric="m or x"),
        Selector(metric='{__name__=~".*"}'),
        Selector(metric="m", matches={"node-1": ("a",)}),
        Selector(metric="m", matches={"__name__": ("a",)}),
        Selector(metric="m", matches={"": ("a",)}),
        Selector(metric="m", matches={"node": ("\ud800",)}),
    ],
)
def test_what_cannot_be_said_is_refused(odd: Selector) -> None:
    with pytest.raises(UsageError):
        selector_text(odd)


def test_values_are_carried_only_where_steps_are_finer_than_samples() -> None:
    assert over_time("m{}", 60_000, Aggregate.AVG, 15_000) == "avg_over_time(m{}[60000ms])"
    fine = over_time("m{}", 5_000, Aggregate.MAX, 15_000)
    assert fine == "max_over_time(m{}[5000ms]) or max without () (last_over_time(m{}[15000ms]))"
    assert over_time("m{}", 5_000, Aggregate.SUM, 15_000) == "sum_over_time(m{}[5000ms])"


def test_a_long_grid_is_asked_in_parts() -> None:
    assert chunks(0, 10, 0) == []
    assert chunks(100, 10, 3) == [(100, 120)]
    assert chunks(0, 10, MOST_IN_ONE) == [(0, 10 * (MOST_IN_ONE - 1))]
    parts = chunks(0, 10, 2 * MOST_IN_ONE + 1)
    points = [at for first, last in parts for at in range(first, last + 1, 10)]
    assert points == [10 * nth for nth in range(2 * MOST_IN_ONE + 1)]
    assert max((last - first) // 10 + 1 for first, last in parts) == MOST_IN_ONE


@pytest.mark.parametrize(
    ("metric", "labels"),
    [
        ({"__name__": "m", "node": "a", "instance": "x:1", "job": "sentinel"}, (("node", "a"),)),
        ({"node": "a", "job": "7"}, (("job", "7"), ("node", "a"))),
        ({"job": "sentinel", "exported_job": "7"}, (("job", "7"),)),
        ({"job": "other", "exported_job": "7"}, (("job", "7"),)),
        ({"job": "sentinel", "exported_instance": "7"}, (("instance", "7"),)),
    ],
)
def test_labels_are_as_the_agent_wrote_them(metric: dict[str, str], labels: Labels) -> None:
    assert labels_read(metric, "sentinel") == labels


def test_no_number_is_unknown() -> None:
    values = [[1, "1.5"], [2, "NaN"], [3, "+Inf"], [4, "-Inf"]]
    data = {"resultType": "matrix", "result": [{"metric": {"node": "a"}, "values": values}]}
    assert result_of(data, "matrix") == [({"node": "a"}, [(1, 1.5), (2, None), (3, None), (4, None)])]


ODD: list[Any] = [
    None,
    [],
    {},
    {"resultType": "vector", "result": []},
    {"resultType": "matrix", "result": [{}]},
    {"resultType": "matrix", "result": [{"metric": {}, "values": [[1]]}]},
    {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "x"]]}]},
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_answers_are_no_answers(odd: object) -> None:
    with pytest.raises(HistoryUnavailable):
        result_of(odd, "matrix")
