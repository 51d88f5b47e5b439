"""Rows that become a batch, and when a minute is over."""

import math

import pytest
from tests.agent.record.rows import AT, NODE, POWER, minute, row

from sentinel.agent.record.minute import LONGEST, ROWS, Minute, batch_of
from sentinel.core.sample_batch import decode, encode

HEAT = ("gpu_temperature_celsius", POWER[1])


def test_a_minute_has_so_many_rows_and_lasts_so_long() -> None:
    begun = Minute(sequence=1, began=100.0, rows=(row(),))
    assert begun.takes(100.0 + LONGEST - 1) and not begun.takes(100.0 + LONGEST)
    for nth in range(1, ROWS):
        assert not begun.whole
        begun = begun.with_row(row(nth))
    assert begun.whole and not begun.takes(110.0)


def test_what_a_row_does_not_know_is_unknown() -> None:
    rows = (row(0), row(1, {HEAT: 40.0, POWER: 2.0}), row(2, {}))
    found = decode(encode(batch_of(Minute(sequence=3, began=0.0, rows=rows), NODE)))
    assert (found.node, found.sequence, found.times) == (NODE, 3, (AT, AT + 10, AT + 20))
    told = {one.metric: [None if math.isnan(v) else v for v in one.values] for one in found.columns}
    assert told == {POWER[0]: [0.0, 2.0, None], HEAT[0]: [None, 40.0, None]}


def test_the_order_of_the_series_is_the_same_whoever_came_first() -> None:
    one = Minute(sequence=1, began=0.0, rows=(row(0, {HEAT: 1.0}), row(1, {POWER: 1.0})))
    other = Minute(sequence=2, began=0.0, rows=(row(0, {POWER: 1.0, HEAT: 1.0}),))
    series = [[column.metric for column in batch_of(each, NODE).columns] for each in (one, other)]
    assert series[0] == series[1] == sorted(series[0])


@pytest.mark.parametrize("value", [1e39, -1e39, math.inf, math.nan])
def test_what_four_bytes_cannot_hold_is_unknown(value: float) -> None:
    (found,) = batch_of(Minute(sequence=1, began=0.0, rows=(row(0, {POWER: value}),)), NODE).columns
    assert math.isnan(found.values[0])


def test_more_series_than_a_batch_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel.agent.record.minute.MOST_SERIES", 1)
    rows = (row(0, {POWER: 1.0}), row(1, {HEAT: 1.0}))
    found = batch_of(Minute(sequence=1, began=0.0, rows=rows), NODE)
    assert [one.metric for one in found.columns] == [POWER[0]]
    assert len(batch_of(minute(), NODE).times) == ROWS
