"""What a placement leaves stranded: small rooms by hand, and rules that hold for any."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.scheduling.fragmentation import CPU_UNIT, SCALE, WHOLE, Ask, Cost, Mix, Room

HALF = Ask(gpus=1, milli=500, cpu_milli=2000)
ONE = Ask(gpus=1, cpu_milli=4000)
TWO = Ask(gpus=2, cpu_milli=8000)
PLAIN = Ask(gpus=0, cpu_milli=4000)


def room(*free: int, cpu: int | None = None, memory: int | None = None, model: str | None = "T4") -> Room:
    return Room(model=model, free=free, cpu=cpu, memory=memory)


# ---------------------------------------------------------------------- the next ask


def test_an_ask_that_fits_strands_only_gpus_too_small_for_it() -> None:
    mix = Mix.of([(HALF, 1)])
    assert mix.stranded(room(500, 300, 0)) == 300


def test_an_ask_that_does_not_fit_strands_all() -> None:
    assert Mix.of([(TWO, 1)]).stranded(room(1000, 300)) == 1300
    assert Mix.of([(HALF, 1)]).stranded(room(1000, cpu=1999)) == 1000
    assert Mix.of([(Ask(gpus=1, memory_mib=10), 1)]).stranded(room(1000, memory=9)) == 1000
    assert Mix.of([(Ask(gpus=1, models=frozenset({"A100"})), 1)]).stranded(room(1000)) == 1000


def test_an_ask_without_a_gpu_strands_all() -> None:
    assert Mix.of([(PLAIN, 1)]).stranded(room(1000, cpu=9000)) == 1000


def test_the_mean_is_weighted_by_how_often_each_is_asked() -> None:
    mix = Mix.of([(HALF, 3), (TWO, 1)])
    assert mix.total == 4
    assert mix.stranded(room(1000)) == 3 * 0 + 1 * 1000


def test_what_is_unknown_never_binds() -> None:
    mix = Mix.of([(ONE, 1)])
    assert mix.stranded(room(1000, cpu=None, memory=None)) == 0
    assert mix.short(room(1000, cpu=None)) == 0


def test_an_unknown_model_suits_only_who_wants_none_in_particular() -> None:
    assert ONE.suits(None)
    assert not Ask(gpus=1, models=frozenset({"T4"})).suits(None)


# ---------------------------------------------------------------------- the CPU runs short


def test_enough_cpu_for_all_gpus_loses_nothing() -> None:
    mix = Mix.of([(ONE, 1)])
    assert mix.short(room(1000, 1000, cpu=8000)) == 0
    assert mix.short(room(1000, 1000, cpu=7999)) == 1000 * SCALE
    assert mix.short(room(1000, 1000, cpu=0)) == 2000 * SCALE
    assert mix.short(room(0, 0, cpu=0)) == 0


def test_a_part_of_a_gpu_loses_that_part() -> None:
    assert Mix.of([(ONE, 1)]).short(room(1000, 250, cpu=4000)) == 250 * SCALE


def test_a_share_counts_by_the_cpu_that_a_whole_gpu_of_them_wants() -> None:
    mix = Mix.of([(HALF, 1)])  # 2 cores for half a GPU
    assert mix.short(room(1000, cpu=4000)) == 0
    assert mix.short(room(1000, cpu=3999)) == 1000 * SCALE


def test_chances_are_those_of_drawing_again_and_again() -> None:
    mix = Mix.of([(Ask(gpus=1, cpu_milli=CPU_UNIT), 1), (Ask(gpus=1, cpu_milli=3 * CPU_UNIT), 2)])
    one, two = mix.chances("T4", 2)[:2]
    assert one == tuple(int(SCALE * part) for part in (0, Fraction(1, 3), Fraction(1, 3), 1))
    thirds = (0, 0, Fraction(1, 9), Fraction(1, 9), Fraction(5, 9), Fraction(5, 9), 1)
    assert two == tuple(int(SCALE * part) for part in thirds)


def test_only_asks_that_suit_the_model_count() -> None:
    greedy = Ask(gpus=1, cpu_milli=50_000, models=frozenset({"A100"}))
    mix = Mix.of([(ONE, 1), (greedy, 9)])
    assert mix.short(room(1000, cpu=4000, model="T4")) == 0
    assert mix.short(room(1000, cpu=4000, model="A100")) > 0


# ---------------------------------------------------------------------- choosing


def test_a_share_goes_where_it_completes_a_gpu() -> None:
    mix = Mix.of([(HALF, 1), (ONE, 1)])
    choice = mix.choose(room(1000, 500, 1000), HALF)
    assert choice is not None
    assert choice.gpus == (1,)
    assert choice.cost.stranded < 0


def test_whole_gpus_are_the_lowest_that_are_idle() -> None:
    choice = Mix.of([(TWO, 1)]).choose(room(300, 1000, 1000, 1000), TWO)
    assert choice is not None and choice.gpus == (1, 2)


def test_what_does_not_fit_is_not_chosen() -> None:
    mix = Mix.of([(TWO, 1)])
    assert mix.choose(room(1000, 300), TWO) is None
    assert mix.choose(room(1000, 1000, cpu=7999), TWO) is None
    assert mix.choose(room(cpu=3999), PLAIN) is None


def test_a_job_without_a_gpu_goes_where_cpu_is_left_over() -> None:
    mix = Mix.of([(ONE, 1), (PLAIN, 1)])
    scarce, ample = room(1000, 1000, cpu=8000), room(1000, 1000, cpu=80_000)
    costs = [choice.cost for at in (scarce, ample) if (choice := mix.choose(at, PLAIN))]
    assert costs[1] < costs[0]


def test_of_equal_ones_the_fuller_node_wins() -> None:
    assert Cost(stranded=1, free=9) < Cost(stranded=2, free=0)
    assert Cost(stranded=1, free=1) < Cost(stranded=1, free=2)


def test_without_a_mix_the_fuller_node_wins() -> None:
    mix = Mix.of([])
    costs = [choice.cost for at in (room(1000, 1000), room(1000)) if (choice := mix.choose(at, ONE))]
    assert costs == [Cost(stranded=0, free=1000), Cost(stranded=0, free=0)]


@pytest.mark.parametrize(
    "wrong", [{"gpus": 2, "milli": 500}, {"gpus": 1, "milli": 0}, {"gpus": 1, "milli": 1001}, {"gpus": -1}]
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"ask|share"):
        Ask(**wrong)


# ---------------------------------------------------------------------- any room

MODELS = ("A", "B")
asks = st.builds(
    Ask,
    gpus=st.integers(0, 4),
    cpu_milli=st.integers(0, 12).map(lambda cores: cores * 500),
    memory_mib=st.integers(0, 4),
    models=st.one_of(st.none(), st.sampled_from([frozenset({"A"}), frozenset({"A", "B"})])),
) | st.builds(Ask, gpus=st.just(1), milli=st.integers(1, 20).map(lambda part: part * 50))
mixes = st.lists(st.tuples(asks, st.integers(1, 5)), min_size=1, max_size=8).map(Mix.of)
rooms = st.builds(
    Room,
    model=st.sampled_from((*MODELS, None)),
    free=st.lists(st.integers(0, 20).map(lambda part: part * 50), max_size=6).map(tuple),
    cpu=st.one_of(st.none(), st.integers(0, 40_000)),
    memory=st.one_of(st.none(), st.integers(0, 8)),
)


@settings(max_examples=150)
@given(mix=mixes, at=rooms)
def test_no_more_is_lost_than_is_free(mix: Mix, at: Room) -> None:
    assert 0 <= mix.stranded(at) <= mix.total * sum(at.free)
    assert 0 <= mix.short(at) <= SCALE * sum(at.free)


@settings(max_examples=150)
@given(mix=mixes, at=rooms, ask=asks)
def test_a_choice_is_one_that_fits_and_the_cheapest(mix: Mix, at: Room, ask: Ask) -> None:
    choice = mix.choose(at, ask)
    assert (choice is None) == (not at.fits(ask))
    if choice is None:
        return
    assert len(set(choice.gpus)) == ask.gpus
    assert all(left >= 0 for left in at.without(ask, choice.gpus).free)
    if ask.gpus == 1 and ask.milli < WHOLE:
        others = [(gpu,) for gpu, left in enumerate(at.free) if left >= ask.milli]
        assert choice.cost == min(mix.cost(at, ask, gpus) for gpus in others)


@settings(max_examples=50)
@given(mix=mixes, at=rooms)
def test_more_cpu_never_loses_more(mix: Mix, at: Room) -> None:
    if at.cpu is None:
        return
    more = Room(model=at.model, free=at.free, cpu=at.cpu + 1000, memory=at.memory)
    assert mix.stranded(more) <= mix.stranded(at)
    assert mix.short(more) <= mix.short(at)
