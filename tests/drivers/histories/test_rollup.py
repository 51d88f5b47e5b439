"""Packing, rolling up and putting together, against the same done one by one."""

import math
import statistics
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.core.series import Aggregate, reduced
from sentinel.drivers.histories.blocks import (
    SMALL,
    SOON,
    Raw,
    Slots,
    pack_raw,
    pack_rollup,
    raw_from,
    unpack_raw,
    unpack_rollup,
)
from sentinel.drivers.histories.rollup import answered, coarser, line_of, slotted

START = 1_700_000_000_000
VALUES = st.one_of(st.just(math.nan), st.floats(-1000, 1000, width=32))
Told = dict[int, dict[int, float]]
"""By series: time and value."""


def told(raw: Raw) -> Told:
    """What is known in it."""
    return {
        id: {at: value for at, value in zip(raw.times, values, strict=True) if value == value}
        for id, values in raw.columns.items()
    }


@st.composite
def raws(draw: st.DrawFn, span: int = 3_600_000) -> Raw:
    times = sorted(draw(st.sets(st.integers(START, START + span - 1), max_size=12)))
    ids = draw(st.sets(st.integers(1, 5), max_size=3))
    values = st.lists(VALUES, min_size=len(times), max_size=len(times))
    return Raw(times, {id: array("f", draw(values)) for id in ids})


@given(raws(), st.sampled_from([SOON, SMALL]))
def test_raw_values_are_unpacked_as_they_were(raw: Raw, level: int) -> None:
    packed = pack_raw(raw, START, level)
    found = unpack_raw(packed, START)
    assert found.times == raw.times and told(found) == told(raw)
    assert told(unpack_raw(packed, START, {1, 9})) == {id: one for id, one in told(raw).items() if id == 1}


@given(st.lists(raws(span=40), min_size=1, max_size=5))
def test_what_is_told_later_holds(parts: list[Raw]) -> None:
    wanted: Told = {}
    whole = Raw()
    for part in parts:
        before = told(part)
        whole.add(part)
        assert told(part) == before, "what is taken in is not changed"
        for id, known in before.items():
            if part.times:
                wanted.setdefault(id, {}).update(known)
    assert {id: one for id, one in told(whole).items() if one} == {
        id: one for id, one in wanted.items() if one
    }
    assert whole.times == sorted(set(whole.times))
    assert all(len(values) == len(whole.times) for values in whole.columns.values())


@given(st.lists(st.tuples(st.integers(0, 20), VALUES), max_size=12))
def test_times_in_any_order_are_put_into_theirs(measured: list[tuple[int, float]]) -> None:
    raw = raw_from([at / 1000 for at, _ in measured], {1: array("f", [value for _, value in measured])})
    assert told(raw)[1] == {at: value for at, value in measured if value == value}
    assert raw.times == sorted({at for at, _ in measured})


@settings(deadline=None)
@given(raws(span=600_000), st.sampled_from([5_000, 10_000, 60_000]))
def test_slots_are_what_was_measured_in_them(raw: Raw, width: int) -> None:
    check(raw, START, width, 600_000 // width)


@pytest.mark.parametrize("size", [1, 2, 6])
@pytest.mark.parametrize("missing", [(), (0,), (7, 8, 9, 10, 11)])
def test_even_samples(size: int, missing: tuple[int, ...]) -> None:
    times = [START + nth * 60_000 // size for nth in range(10 * size)]
    values = [math.nan if nth in missing else float(nth * 37 % 101) for nth in range(10 * size)]
    check(Raw(times, {1: array("f", values)}), START, 60_000, 10)
    check(Raw(times, {1: array("f", values)}), START + 120_000, 60_000, 5)


def values_of(slots: Slots, how: Aggregate, size: int = 1) -> list[float | None]:
    return answered(line_of(slots, how), slots.counts, size, how)


def check(raw: Raw, first: int, width: int, count: int) -> None:
    for id, slots in slotted(raw, first, width, count).items():
        for how in Aggregate:
            found = values_of(slots, how)
            assert len(found) == count
            for slot, value in enumerate(found):
                start = first + slot * width
                known = [one for at, one in told(raw)[id].items() if start <= at < start + width]
                wanted = reduced(known, how)
                assert value == (None if wanted is None else pytest.approx(wanted, rel=1e-5, abs=1e-3))


def test_averages_are_weighted_with_how_many_they_are_of() -> None:
    raw = Raw(
        [START, START + 1000, START + 2000, START + 61_000],
        {1: array("f", [1, 2, 3, 10])},
    )
    (one,) = slotted(raw, START, 60_000, 4).values()
    whole = coarser(one, 4)
    assert values_of(whole, Aggregate.AVG) == [4.0]
    assert statistics.fmean([2.0, 10.0]) == 6.0, "which is what it is not"
    assert values_of(coarser(one, 2), Aggregate.COUNT) == [4.0, None]
    assert values_of(whole, Aggregate.LAST) == [10.0]


@settings(deadline=None)
@given(raws(span=240_000))
def test_rolling_up_twice_is_rolling_up_once(raw: Raw) -> None:
    once, fine = slotted(raw, START, 240_000, 1), slotted(raw, START, 60_000, 4)
    for id, slots in once.items():
        for how in Aggregate:
            (wanted,) = values_of(slots, how)
            for found in (values_of(coarser(fine[id], 4), how), values_of(fine[id], how, 4)):
                assert found == [None if wanted is None else pytest.approx(wanted, rel=1e-5, abs=1e-3)]


@given(raws(span=600_000))
def test_roll_ups_are_unpacked_as_they_were(raw: Raw) -> None:
    series = slotted(raw, START, 60_000, 10)
    assert repr(unpack_rollup(pack_rollup(series, 10))) == repr(series)


def test_what_is_known_from_more_values_stays() -> None:
    def slots(*values: tuple[float, int]) -> Slots:
        columns = (array("f", [value for value, _ in values]) for _ in range(4))
        return Slots(*columns, array("H", [count for _, count in values]))  # pyright: ignore

    known = slots((1, 6), (2, 3), (math.nan, 0), (4, 6))
    known.better(1, slots((20, 2), (30, 1)))
    assert list(known.counts) == [6, 3, 1, 6] and list(known.lasts) == [1, 2, 30, 4]
    known.better(0, slots((9, 6), (8, 7)))
    assert list(known.counts) == [6, 7, 1, 6] and list(known.lasts) == [9, 8, 30, 4]
