"""A snapshot is what its jobs and nodes are, in whatever order it heard of them."""

from dataclasses import replace
from itertools import permutations
from math import inf
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scheduling.cluster import GIB, gpu, job, node, placed, snapshot

from sentinel.core.job import WHOLE, After, ArrayTask, Job, JobState, Rank
from sentinel.core.node import BlockKind, Node, NodeState
from sentinel.scheduling.need import need_of
from sentinel.scheduling.snapshot import Snapshot


def left(s: Snapshot, id: str) -> dict[str, int]:
    """Thousandths of each GPU of a node on which jobs may be placed."""
    site = s.sites[id]
    return {gpu.uuid: milli for gpu, milli in zip(site.gpus, site.left.gpus, strict=True)}


def free(s: Snapshot, id: str) -> list[str]:
    return [uuid for uuid, milli in left(s, id).items() if milli == WHOLE]


def told(s: Snapshot) -> object:
    """All that can be asked of it."""
    return (
        s.jobs,
        s.nodes,
        {id: left(s, id) for id in s.sites},
        {shape: alike for shape, alike in s.shapes.items() if alike},
        {kind: list(line) for kind, line in s.lines.by_kind.items()},
        {who: list(heads) for who, heads in s.lines.heads.items()},
        s.lines.limits,
        s.lines.oldest(),
        {id: s.in_array(id) for id in ("A",)},
        set(s.preemptible),
        s.accounts.standings(1e6),
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
        assert free(s, "n") == ["n-1"]


def test_a_job_that_moves_to_another_node_leaves_the_first_one_free() -> None:
    s = snapshot(node("a", 1), node("b", 1), placed("j", "a", ["a-0"]))
    assert (free(s, "a"), free(s, "b")) == ([], ["b-0"])
    s.take(jobs=[placed("j", "b", ["b-0"])])
    assert (free(s, "a"), free(s, "b")) == (["a-0"], [])
    assert not list(s.on_node("a"))


def test_jobs_may_come_before_their_node() -> None:
    s = snapshot(placed("j", "n", ["n-0"]))
    s.take(nodes=[node("n", 2)])
    assert free(s, "n") == ["n-1"]


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
    assert s.sites == {}


def test_the_line_is_by_priority_then_age() -> None:
    jobs = [job("a"), job("b", 2), job("c", priority=1), job("d", 2)]
    s = snapshot(*jobs)
    assert list(s.lines) == ["c", "a", "b", "d"] == [j.id for j in s.queued()]
    assert len(s.lines) == 4


def test_a_share_leaves_the_rest_and_a_whole_gpu_nothing() -> None:
    s = snapshot(
        node("n", 3),
        placed("one", "n", ["n-0"], gpu_milli=300),
        placed("two", "n", ["n-0"], gpu_milli=500),
        placed("whole", "n", ["n-1"]),
    )
    assert left(s, "n") == {"n-0": 200, "n-1": 0, "n-2": 1000}
    s.take(jobs=[job("one", state=JobState.SUCCEEDED)])
    assert left(s, "n")["n-0"] == 500


def test_the_rest_of_a_gpu_that_is_shared_and_blocked_is_nobodys() -> None:
    blocked = {0: (BlockKind.QUARANTINED, "Xid 79")}
    s = snapshot(node("n", 1, blocked=blocked), placed("one", "n", ["n-0"], gpu_milli=300))
    assert left(s, "n") == {"n-0": 0}


def test_cpus_and_memory_are_reserved_with_the_gpus() -> None:
    s = snapshot(
        node("n", 2, cpus=16, memory_bytes=64 * GIB),
        placed("r", "n", ["n-0"], cpus=10, memory_bytes=40 * GIB),
    )
    assert (s.sites["n"].left.cpus, s.sites["n"].left.memory) == (6, 24 * GIB)


def test_who_waits_for_another_job_is_not_in_line() -> None:
    s = snapshot(job("first"), job("second", after=(After(job="first"),)))
    assert list(s.lines) == ["first"]
    s.take(jobs=[job("second")])
    assert list(s.lines) == ["first", "second"]


def test_a_singleton_waits_for_those_of_its_name_in_whatever_order_they_are_told_of() -> None:
    first, second, third = (job(id, singleton=True, name="x") for id in ("first", "second", "third"))
    for order in permutations([first, second, third, job("other", singleton=True, name="y")]):
        s = Snapshot()
        for one in order:
            s.take(jobs=[one])
        assert sorted(s.lines) == ["first", "other"], [one.id for one in order]
        running = replace(first, state=JobState.RUNNING, placement=None)
        s.take(jobs=[running])
        assert list(s.lines) == ["other"]
        s.take(jobs=[replace(first, state=JobState.FAILED)])
        assert sorted(s.lines) == ["other", "second"]
        s.take(jobs=[replace(second, state=JobState.CANCELED)])
        assert sorted(s.lines) == ["other", "third"]


def test_an_earlier_job_that_is_no_singleton_is_waited_for_too() -> None:
    plain, single = job("plain", name="x"), job("single", name="x", singleton=True)
    s = snapshot(single)
    assert list(s.lines) == ["single"]
    s.take(jobs=[plain])
    assert list(s.lines) == ["plain"]


def test_a_gang_counts_once_against_the_limit_of_its_array() -> None:
    task = ArrayTask(id="A", index=0, size=2, limit=1)
    gang = job("A_0", array=task, nodes=2, state=JobState.ALLOCATED)
    parts = [
        placed(f"A_0.1.{rank}", name, [f"{name}-0"], part=Rank(of="A_0", rank=rank, size=2))
        for rank, name in enumerate("ab")
    ]
    s = snapshot(node("a", 1), node("b", 1), gang, *parts)
    assert s.in_array("A") == 1
    s.take(jobs=[replace(gang, state=JobState.SUCCEEDED)])
    assert s.in_array("A") == 0


def test_when_enough_comes_free_at_the_soonest() -> None:
    s = snapshot(
        node("a", 2),
        placed("ra", "a", ["a-0"], started_at=100.0, time_limit=50.0),
        node("b", 2),
        placed("rb", "b", ["b-0"], started_at=100.0, time_limit=10.0),
        placed("rc", "b", ["b-1"], started_at=100.0, time_limit=90.0),
        node("c", 1),
    )
    one, two = need_of(job("j", 1).spec), need_of(job("j", 2).spec)
    assert s.soonest(two) == [(150.0, "a", "a"), (190.0, "b", "b")]
    assert [id for _, _, id in s.soonest(one)] == ["a", "c", "b"]
    s.take(jobs=[job("ra", state=JobState.SUCCEEDED)], nodes=[node("d", 3)], removed=["b"])
    assert [id for _, _, id in s.soonest(two)] == ["a", "d"]
    assert s.soonest_among(two, ["b", "a"]) == [(-inf, "a")]


NODES = [
    node(name, cards, **more)
    for name in ("a", "b")
    for cards in (None, 2, [gpu(name, 0, gib=40), gpu(name, 1), gpu(name, 2)])
    for more in ({}, {"state": NodeState.SILENT}, {"drained": "x"}, {"blocked": {1: (BlockKind.LEASED, "y")}})
]
TASK = ArrayTask(id="A", index=0, size=3, limit=1)
NAMES = {"j": ("x", 1.0), "k": ("x", 2.0), "l": ("y", 3.0)}  # what never changes: name, age
STATES = st.sampled_from(
    [
        {},
        {"gpus": 2, "priority": 1},
        {"singleton": True, "preemptible": True},
        {"state": JobState.FAILED},
        {"state": JobState.ALLOCATED, "nodes": 2, "array": TASK},
        {"preemptions": 1},
        {"after": (After(job="z"),)},
    ]
)


def like(id: str, made: Job) -> Job:
    name, submitted_at = NAMES[id]
    return replace(made, spec=replace(made.spec, name=name), submitted_at=submitted_at)


CHANGES = st.one_of(
    st.sampled_from(NODES),
    st.builds(lambda id, state: like(id, job(id, **state)), st.sampled_from("jkl"), STATES),
    st.builds(
        lambda id, on, i: like(id, placed(id, on, [f"{on}-{i}"], preemptible=True)),
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
