"""The NumPy form of the rule agrees with the scheduler's own, to the last digit, and chooses the same."""

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.scheduling.fragmentation import SCALE, WHOLE, Ask, Mix
from sentinel.simulation.openb.fleet import Fleet, Ints, shares
from sentinel.simulation.openb.policies import POLICIES
from sentinel.simulation.openb.reading import TraceNode
from sentinel.simulation.openb.tables import Tables

MODELS = ("A", "B", None)
milli = st.integers(1, 20).map(lambda part: part * 50)
asks = st.builds(
    Ask,
    gpus=st.integers(0, 4),
    cpu_milli=st.integers(0, 40).map(lambda part: part * 450),
    memory_mib=st.integers(0, 4),
    models=st.one_of(st.none(), st.sampled_from([frozenset({"A"}), frozenset({"A", "B"})])),
) | st.builds(
    Ask,
    gpus=st.just(1),
    milli=milli,
    cpu_milli=st.integers(0, 40).map(lambda part: part * 450),
    memory_mib=st.integers(0, 4),
)
lists = st.lists(asks, min_size=1, max_size=12).filter(lambda found: any(ask.gpus for ask in found))
nodes = st.builds(
    TraceNode,
    name=st.just("node"),
    cpu_milli=st.integers(0, 64_000),
    memory_mib=st.integers(0, 8),
    gpus=st.integers(0, 5),
    model=st.sampled_from(MODELS),
)
fleets = st.lists(nodes, min_size=1, max_size=6).filter(lambda found: any(node.gpus for node in found))


@st.composite
def used(draw: st.DrawFn) -> Fleet:
    """A cluster on which something runs."""
    fleet = Fleet(draw(fleets))
    for row in range(len(fleet.nodes)):
        for gpu in range(int(fleet.gpus[row])):
            fleet.free[row, gpu] -= draw(st.one_of(st.just(0), milli))
    return fleet


@settings(max_examples=60)
@given(fleet=used(), wanted=lists)
def test_what_the_next_ask_strands_is_the_same(fleet: Fleet, wanted: list[Ask]) -> None:
    mix = Mix.of((ask, 1) for ask in wanted)
    expected = [mix.stranded(fleet.room(row)) for row in range(len(fleet.nodes))]
    assert Tables(mix, fleet).stranded().tolist() == expected


@settings(max_examples=80)
@given(fleet=used(), wanted=lists, data=st.data())
def test_every_way_costs_the_same(fleet: Fleet, wanted: list[Ask], data: st.DataObject) -> None:
    mix = Mix.of((ask, 1) for ask in wanted)
    ask = data.draw(st.sampled_from(wanted))
    rows = fitting(fleet, ask)
    ways = Tables(mix, fleet).ways(rows, ask)
    for way in range(len(ways.row)):
        room = fleet.room(int(rows[ways.row[way]]))
        if ways.gpu is not None:
            gpus = (int(ways.gpu[way]),)
        else:
            gpus = tuple(gpu for gpu, left in enumerate(room.free) if left == WHOLE)[: ask.gpus]
        after = room.without(ask, gpus)
        assert ways.stranded[way] == mix.stranded(after) - mix.stranded(room)
        assert ways.short[way] == mix.short(after) - mix.short(room)
        grown = int(ways.stranded[way]) * SCALE + int(ways.short[way]) * mix.total
        assert mix.cost(room, ask, gpus).stranded == grown // (mix.total * SCALE)
    if shares(ask):
        assert len(ways.row) == sum(
            len({left for left in fleet.room(int(row)).free if left >= ask.milli}) for row in rows
        )


@settings(max_examples=80)
@given(fleet=used(), wanted=lists, data=st.data())
def test_both_choose_the_same_node_and_gpus(fleet: Fleet, wanted: list[Ask], data: st.DataObject) -> None:
    mix = Mix.of((ask, 1) for ask in wanted)
    ask = data.draw(st.sampled_from(wanted))
    rows = fitting(fleet, ask)
    choices = [(row, mix.choose(fleet.room(int(row)), ask)) for row in rows]
    if not len(rows):
        return
    best, choice = min(choices, key=lambda found: found[1].cost if found[1] else ())
    scorer = POLICIES["sentinel"].make(fleet, wanted, Random(0))
    scores = scorer.scores(rows, ask)
    assert rows[int(np.argmax(scores))] == best
    assert choice is not None
    assert scorer.gpus(int(best), ask) == choice.gpus


def fitting(fleet: Fleet, ask: Ask) -> Ints:
    found = [row for row in range(len(fleet.nodes)) if fleet.room(row).fits(ask)]
    rows: Ints = np.array(found, dtype=np.int64)
    # What the arrays say fits is what the scheduler says fits.
    every: Ints = np.arange(len(fleet.nodes), dtype=np.int64)
    assert np.flatnonzero(fleet.suiting(ask) & fleet.fitting(every, ask)).tolist() == found
    return rows
