"""A snapshot is what its jobs and nodes are, in whatever order it heard of them."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scheduling.cluster import gpu, job, node, placed, snapshot

from sentinel.core.job import Job, JobState
from sentinel.core.node import BlockKind, Node, NodeState
from sentinel.scheduling.need import need_of
from sentinel.scheduling.snapshot import Snapshot


def told(s: Snapshot) -> object:
    """All that can be asked of it."""
    return (
        s.jobs,
        s.nodes,
        {id: sorted(g.uuid for g in free) for id, free in s.rooms.items()},
        [j.id for j in s.queued()],
        {id: sorted(j.id for j in s.on_node(id)) for id in s.nodes},
        {id: dict(s.holders(id)) for id in s.nodes},
    )


def test_a_gpu_that_changes_hands_is_its_new_holders_in_either_order() -> None:
    old, new = placed("old", "n", ["n-0"]), placed("new", "n", ["n-0"])
    ended = replace(old, state=JobState.FAILED, placement=None)
    for order in ([ended, new], [new, ended]):
        s = snapshot(node("n", 2), old)
        s.take(jobs=order)
        assert s.holders("n") == {"n-0": "new"}
        assert [g.uuid for g in s.rooms["n"]] == ["n-1"]


def test_a_job_that_moves_to_another_node_leaves_the_first_one_free() -> None:
    s = snapshot(node("a", 1), node("b", 1), placed("j", "a", ["a-0"]))
    assert list(s.rooms) == ["b"]
    s.take(jobs=[placed("j", "b", ["b-0"])])
    assert list(s.rooms) == ["a"]
    assert not list(s.on_node("a"))


def test_jobs_may_come_before_their_node() -> None:
    s = snapshot(placed("j", "n", ["n-0"]))
    s.take(nodes=[node("n", 2)])
    assert [g.uuid for g in s.rooms["n"]] == ["n-1"]


def test_what_could_ever_run_follows_the_machines() -> None:
    s = snapshot(node("n", 2))
    need = need_of(job("j", 4).spec)
    assert not s.could_ever_run(need)
    s.take(nodes=[node("n", 4)])
    assert s.could_ever_run(need)
    s.take(nodes=[node("n", 4, state=NodeState.SILENT)])
    assert s.could_ever_run(need)
    s.take(removed=["n"])
    assert not s.could_ever_run(need)
    assert s.rooms == {}


def test_how_many_are_ahead() -> None:
    jobs = [job("a"), job("b", 2), job("c", priority=1), job("d", 2)]
    s = snapshot(*jobs)
    assert {j.id: s.lines.ahead_of(j) for j in jobs} == {"c": 0, "a": 1, "b": 2, "d": 3}
    assert len(s.lines) == 4


NODES = [
    node(name, cards, **more)
    for name in ("a", "b")
    for cards in (None, 2, [gpu(name, 0, gib=40), gpu(name, 1), gpu(name, 2)])
    for more in ({}, {"state": NodeState.SILENT}, {"drained": "x"}, {"blocked": {1: (BlockKind.LEASED, "y")}})
]
CHANGES = st.one_of(
    st.sampled_from(NODES),
    st.builds(lambda id: job(id, 2), st.sampled_from("jkl")),
    st.builds(lambda id: job(id, state=JobState.FAILED), st.sampled_from("jkl")),
    st.builds(
        lambda id, on, i: placed(id, on, [f"{on}-{i}"]),
        st.sampled_from("jkl"),
        st.sampled_from("ab"),
        st.integers(0, 2),
    ),
)


def free_up(jobs: dict[str, Job], newcomer: Job) -> list[Job]:
    """A store has no GPU in two leases: whoever had one of `newcomer`'s has ended by then."""
    wanted = newcomer.placement
    return [
        replace(old, state=JobState.FAILED, placement=None)
        for old in jobs.values()
        if old.id != newcomer.id
        and wanted is not None
        and old.placement is not None
        and old.placement.node == wanted.node
        and not set(old.placement.gpus).isdisjoint(wanted.gpus)
    ]


@settings(max_examples=300)
@given(
    batches=st.lists(st.lists(CHANGES, max_size=5), max_size=10), shuffle=st.randoms(use_true_random=False)
)
def test_kept_up_to_date_it_is_as_if_made_anew(batches: list[list[Job | Node]], shuffle: Random) -> None:
    s = Snapshot()
    jobs: dict[str, Job] = {}
    nodes: dict[str, Node] = {}
    for batch in batches:
        changed: set[str] = set()
        for thing in batch:
            if isinstance(thing, Node):
                nodes[thing.id] = thing
                continue
            for now in (*free_up(jobs, thing), thing):
                jobs[now.id] = now
                changed.add(now.id)
        order = sorted(changed)
        shuffle.shuffle(order)
        s.take(jobs=[jobs[id] for id in order], nodes=[thing for thing in batch if isinstance(thing, Node)])
    fresh = Snapshot()
    fresh.take(nodes=nodes.values(), jobs=jobs.values())
    assert told(s) == told(fresh)
