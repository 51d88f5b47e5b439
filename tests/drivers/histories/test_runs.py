"""Many roll-ups read at once say what each of them says."""

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.series import Aggregate
from sentinel.drivers.histories.blocks import Slots, pack_rollup
from sentinel.drivers.histories.rollup import PART, Piece, answered, answered_piecewise, line_of
from sentinel.drivers.histories.runs import runs, unpack_run

SLOTS = 6
COUNTS = st.lists(st.sampled_from([0, 0, 1, 6, 300]), min_size=SLOTS, max_size=SLOTS)


@st.composite
def blocks(draw: st.DrawFn) -> list[tuple[int, dict[int, Slots]]]:
    """Starts, and the series of each; some are missing, some have other series."""
    found: list[tuple[int, dict[int, Slots]]] = []
    for nth in range(draw(st.integers(1, 6))):
        if draw(st.integers(0, 4)):
            ids = draw(st.sampled_from([(1, 2), (1, 2), (2, 3), (7,)]))
            found.append((nth * 60, {id: slots(draw(COUNTS), nth * 10 + id) for id in ids}))
    return found


def slots(counts: list[int], seed: int) -> Slots:
    columns = (
        array("f", [part * 100 + seed + nth if count else math.nan for nth, count in enumerate(counts)])
        for part in range(4)
    )
    return Slots(*columns, array("H", counts))  # pyright: ignore


def told(start: int, values: "array[float]", counts: "array[int]") -> dict[int, tuple[float, int]]:
    """By the second: what is known."""
    return {
        start + 10 * nth: (values[nth] if values else 0.0, count) for nth, count in enumerate(counts) if count
    }


@given(blocks(), st.sets(st.sampled_from([1, 2, 3, 7, 9])), st.sampled_from([0, 1, 2, 3, None]))
def test_runs_say_what_their_blocks_say(
    many: list[tuple[int, dict[int, Slots]]], wanted: set[int], part: int | None
) -> None:
    packed = [(start, pack_rollup(series, SLOTS)) for start, series in many]
    found: dict[int, dict[int, tuple[float, int]]] = {}
    seen: list[bytes] = []
    for start, run in runs(packed, 60):
        seen += run
        for id, first, values, counts in unpack_run(run, part, wanted):
            assert counts[0] and counts[-1], "only what is known"
            assert len(values) == (0 if part is None else len(counts))
            found.setdefault(id, {}).update(told(start + 10 * first, values, counts))
    assert seen == [body for _, body in packed]
    expected: dict[int, dict[int, tuple[float, int]]] = {}
    for start, series in many:
        for id, one in series.items():
            if id in wanted and any(one.counts):
                line = array("f") if part is None else line_of(one, _how(part))
                expected.setdefault(id, {}).update(told(start, line, one.counts))
    assert found == expected


def _how(part: int) -> Aggregate:
    return next(how for how in Aggregate if PART[how] == part)


def test_a_run_ends_where_a_block_is_missing_or_has_other_series() -> None:
    one, other = (pack_rollup({id: slots([1] * SLOTS, 0)}, SLOTS) for id in (1, 2))
    found = list(runs([(0, one), (60, one), (120, other), (240, other), (300, other)], 60))
    assert [(start, len(run)) for start, run in found] == [(0, 2), (120, 1), (240, 2)]


LINES = st.integers(1, 4).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(st.sampled_from([0, 0, 0, 1, 6]), max_size=40).map(lambda c: c[: len(c) // size * size]),
    )
)


@given(LINES, st.sampled_from(Aggregate))
def test_few_known_slots_are_answered_as_many_are(line: tuple[int, list[int]], how: Aggregate) -> None:
    size, counts = line
    one = slots(counts, 3)
    found = answered(line_of(one, how), one.counts, size, how)
    wanted: list[float | None] = []
    for at in range(0, len(counts), size):
        pairs = [
            (one_value, count)
            for one_value, count in zip(
                line_of(one, how)[at : at + size], counts[at : at + size], strict=True
            )
            if count
        ]
        total = sum(count for _, count in pairs)
        values = [value for value, _ in pairs]
        whole = sum(value * count for value, count in pairs)
        wanted.append(
            None
            if not pairs
            else {
                Aggregate.AVG: whole / total,
                Aggregate.SUM: whole,
                Aggregate.COUNT: total,
                Aggregate.MIN: min(values),
                Aggregate.MAX: max(values),
                Aggregate.LAST: values[-1],
            }[how]
        )
    assert len(found) == len(wanted)
    for got, want in zip(found, wanted, strict=True):
        assert (got is None) == (want is None)
        assert got is None or want is None or math.isclose(got, want, rel_tol=1e-6)


PIECES = st.lists(st.tuples(st.integers(0, 9), COUNTS), max_size=4)


@given(PIECES, st.sampled_from([2, 3, 5, 24]), st.integers(-8, 8), st.sampled_from(Aggregate))
def test_pieces_are_answered_as_the_whole_line_is(
    told: list[tuple[int, list[int]]], size: int, before: int, how: Aggregate
) -> None:
    """Pieces may begin before the asked time and end after it."""
    count = 8 * size
    counts, line = array("H", bytes(2 * count)), array("f", [math.nan]) * count
    pieces: list[Piece] = []
    at = before
    for nth, (gap, some) in enumerate(told):
        at += gap
        one = slots(some, nth)
        pieces.append((at, line_of(one, how), one.counts))
        for slot, number in enumerate(some, at):
            if 0 <= slot < count:
                counts[slot], line[slot] = number, line_of(one, how)[slot - at]
        at += SLOTS
    found = answered_piecewise(pieces, count, size, how)
    if found is None:
        return  # not so little, or one value of two pieces: then it is answered as a whole
    left, values = found
    whole: list[float | None] = [None] * left + values
    wanted = answered(line, counts, size, how)
    assert whole + [None] * (len(wanted) - len(whole)) == [
        None if value is None else pytest.approx(value, rel=1e-6) for value in wanted
    ]


def test_little_that_is_known_is_answered_piece_by_piece() -> None:
    one = slots([0, 6, 6, 0, 0, 0], 1)
    found = answered_piecewise(
        [(24, one.averages, one.counts), (99, one.averages, one.counts)], 240, 24, Aggregate.COUNT
    )
    assert found == (1, [12.0, None, None, 12.0])
    touching = [(18, one.averages, one.counts), (30, one.averages, one.counts)]
    assert answered_piecewise(touching, 240, 48, Aggregate.AVG) is None
    assert answered_piecewise([(0, one.averages, one.counts)], 12, 2, Aggregate.AVG) is None
