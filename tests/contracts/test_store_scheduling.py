"""What the scheduler builds upon in every store: gangs, arrays, what jobs wait for, shares, documents.

As in test_store, against each: memory, SQLite, PostgreSQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contracts.test_store import (
    Broken,
    Work,
    adds,
    breaks,
    case,
    ids,
    postgresql_server,
    store,
    together,
)
from tests.drivers.stores.cases import job, lease, node

from sentinel.core.errors import StoreConflict
from sentinel.core.identity import Role, User
from sentinel.core.job import (
    After,
    AfterKind,
    ArrayTask,
    Cancel,
    IfLost,
    Job,
    JobSpec,
    JobState,
    Placement,
    Rank,
)
from sentinel.core.job_lease import JobLease
from sentinel.core.node import NodeGpu, Sharing
from sentinel.ports.store import Document, JobFilter, Page, Store, Transaction

__all__ = ["case", "postgresql_server", "store"]


def nothing(_tx: Transaction) -> None:
    """Reads nothing in between: all of the commit's works stay in memory together."""


def reads_changes(tx: Transaction) -> None:
    tx.changes(0)


def reads_documents(tx: Transaction) -> None:
    tx.documents("a")


# ------------------------------------------------------------- what is written is read

text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=5)
texts = st.lists(text, max_size=3).map(tuple)
small = st.integers(0, 9999)
times = st.floats(-1e10, 1e10)
cancels = st.builds(Cancel, by=text, at=times, why=text)

SPEC: Mapping[str, st.SearchStrategy[Any]] = {
    "command": texts,
    "cwd": text,
    "gpus": small,
    "nodes": small,
    "gpu_milli": small,
    "priority": st.integers(-1000, 1000),
    "name": text,
    "time_limit": st.none() | times,
    "gpu_model": st.none() | text,
    "gpu_memory_bytes": st.none() | st.integers(0, 1 << 50),
    "cpus": st.none() | small,
    "memory_bytes": st.none() | st.integers(0, 1 << 50),
    "node": st.none() | text,
    "preemptible": st.booleans(),
    "checkpoint": texts,
    "stop_signal": text,
    "retries": small,
    "retry_codes": st.lists(st.integers(0, 255), max_size=2).map(tuple),
    "singleton": st.booleans(),
    "image": st.none() | text,
    "engine": st.none() | text,
    "mounts": texts,
    "setup": texts,
    "if_lost": st.sampled_from(IfLost),
    "grace": times,
    "umask": st.integers(0, 0o777),
    "limits": st.dictionaries(text, small, max_size=2),
    "pty": st.booleans(),
    "notify": texts,
}
JOB: Mapping[str, st.SearchStrategy[Any]] = {
    "owner": text,
    "spec": st.builds(JobSpec, **SPEC),
    "submitted_at": times,
    "tenant": text,
    "state": st.sampled_from(JobState),
    "reason": text,
    "attempt": small,
    "placement": st.none() | st.builds(Placement, node=text, gpus=texts, token=text),
    "refusals": small,
    "cancel": st.none() | cancels,
    "node": st.none() | text,
    "gpus": texts,
    "started_at": st.none() | times,
    "ended_at": st.none() | times,
    "exit_code": st.none() | st.integers(0, 255),
    "signal": st.none() | st.integers(1, 64),
    "allocated_at": st.none() | times,
    "account": st.none() | text,
    "after": st.lists(st.builds(After, job=text, kind=st.sampled_from(AfterKind)), max_size=3).map(tuple),
    "awaited": st.booleans(),
    "array": st.none() | st.builds(ArrayTask, id=text, index=small, size=small, limit=st.none() | small),
    "part": st.none() | st.builds(Rank, of=text, rank=small, size=small),
    "preempt": st.none() | cancels,
    "preemptions": small,
    "failures": small,
    "again": st.booleans(),
}


def test_the_round_trip_below_has_every_field() -> None:
    assert SPEC.keys() == {each.name for each in fields(JobSpec)}
    assert JOB.keys() | {"id", "revision"} == {each.name for each in fields(Job)}


def test_every_field_of_a_job_comes_back_as_it_was(store: Store) -> None:
    names = map("j{}".format, count())
    jobs = st.builds(Job, id=st.just(""), **JOB)

    def look(written: Job) -> None:
        with store.read() as view:
            assert view.job(written.id) == replace(written, revision=view.revision())

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(jobs, jobs)
    def check(before: Job, after: Job) -> None:
        id = next(names)
        before, after = replace(before, id=id), replace(after, id=id)
        store.write(lambda tx: tx.add_job(before, {}))
        look(before)
        for each in (after, before):
            store.write(lambda tx, each=each: tx.put_job(each))
            look(each)

    check()


@pytest.mark.parametrize(
    "facts",
    [
        {"address": "10.0.0.7"},
        {"cpus": 128, "memory_bytes": 2 << 40},
        {"cpus": 0, "memory_bytes": 0, "sharing": Sharing.NO},
        {"address": "n1.lab", "cpus": 8, "memory_bytes": 1 << 34, "sharing": Sharing.MPS},
        {"gpus": (NodeGpu(uuid="GPU-1", index=0, island=0, numa=1), NodeGpu(uuid="GPU-2", index=1))},
    ],
)
def test_what_is_known_of_a_node_comes_back_and_may_be_unknown_again(
    store: Store, facts: dict[str, Any]
) -> None:
    for number, written in enumerate((node(**facts), node()), start=1):
        store.write(lambda tx, written=written: tx.put_node(written))
        with store.read() as view:
            expected = replace(written, revision=number)
            assert (view.node("n1"), view.nodes()) == (expected, [expected])
            assert view.changes(0).nodes == (expected,)


def test_a_users_group_comes_back(store: Store) -> None:
    users = [
        User(name="ann", role=Role.MEMBER, created_at=1.0, group="vision"),
        User(name="bob", role=Role.MEMBER, created_at=2.0),
    ]
    for written in (users, [replace(users[0], group=None), replace(users[1], group="nlp")]):
        store.write(lambda tx, written=written: [tx.put_user(each) for each in written])
        with store.read() as view:
            assert view.users() == written
            assert view.user("ann") == written[0]


# ------------------------------------------------------------------ gangs and arrays


def task(index: int, of: str = "arr", **changes: Any) -> Job:
    array = ArrayTask(id=of, index=index, size=3)
    return job(f"{of}_{index}", array=array, submitted_at=10.0 + index, **changes)


def part(rank: int, of: str = "gang", attempt: int = 1, **changes: Any) -> Job:
    rank_of = Rank(of=of, rank=rank, size=2)
    return job(f"{of}.{attempt}.{rank}", part=rank_of, submitted_at=20.0 + rank, **changes)


LIST = [
    job("plain", submitted_at=1.0, node="b"),
    job("gang", submitted_at=2.0, node="n1.lab,b,n2.lab", state=JobState.RUNNING),
    part(0, node="n1.lab", state=JobState.RUNNING),
    part(1, node="b", state=JobState.SUCCEEDED),
    part(0, of="gang2"),
    task(0, node="n1_lab"),
    task(1, owner="bob"),
    task(2, state=JobState.SUCCEEDED),
    task(0, of="arr2"),
]
WANTED: list[tuple[JobFilter, list[str]]] = [
    (JobFilter(oldest_first=True), ["plain", "gang", "arr2_0", "arr_0", "arr_1", "arr_2"]),
    (JobFilter(array="arr"), ["arr_2", "arr_1", "arr_0"]),
    (JobFilter(array="arr", owner="bob"), ["arr_1"]),
    (JobFilter(array="arr", states=(JobState.QUEUED,), oldest_first=True), ["arr_0", "arr_1"]),
    (JobFilter(array="gang"), []),
    (JobFilter(array=""), []),
    (JobFilter(part_of="gang"), ["gang.1.1", "gang.1.0"]),
    (JobFilter(part_of="gang", states=(JobState.RUNNING,)), ["gang.1.0"]),
    (JobFilter(part_of="plain"), []),
    (JobFilter(part_of=""), []),
    (JobFilter(id_prefix="arr"), ["arr_2", "arr_1", "arr_0", "arr2_0"]),
    (JobFilter(id_prefix="arr_"), ["arr_2", "arr_1", "arr_0"]),
    (JobFilter(id_prefix="gang"), ["gang"]),
    (JobFilter(states=(JobState.RUNNING, JobState.SUCCEEDED)), ["arr_2", "gang"]),
    (JobFilter(node="b"), ["gang", "plain"]),
    (JobFilter(node="n1.lab"), ["gang"]),
    (JobFilter(node="n2.lab", owner="ann"), ["gang"]),
    (JobFilter(node="n1_lab"), ["arr_0"]),
    (JobFilter(node="N1.lab"), []),
    (JobFilter(node="lab"), []),
    (JobFilter(node="%"), []),
    (JobFilter(node="b", part_of="gang"), ["gang.1.1"]),
]


@pytest.mark.parametrize(("wanted", "found"), WANTED)
def test_parts_are_found_by_their_gang_alone_and_tasks_by_their_array(
    store: Store, wanted: JobFilter, found: list[str]
) -> None:
    store.write(adds(*LIST))
    with store.read() as view:
        assert ids(view.find_jobs(wanted, Page())[0]) == found
        states = [each.state for each in LIST if each.id in found]
        assert view.count_jobs(wanted) == {state: states.count(state) for state in states}


def test_parts_are_jobs_all_the_same(store: Store) -> None:
    store.write(adds(*LIST))
    with store.read() as view:
        assert view.job("gang.1.0") is not None
        assert ids(view.changes(0).jobs) == ids(LIST)


def test_what_a_job_belongs_to_can_be_replaced(store: Store) -> None:
    store.write(adds(job("j1"), job("j2", array=ArrayTask(id="a", index=0, size=1))))
    store.write(lambda tx: tx.put_job(job("j1", part=Rank(of="g", rank=0, size=1))))
    store.write(lambda tx: tx.put_job(job("j2", array=ArrayTask(id="b", index=0, size=1))))
    with store.read() as view:
        assert ids(view.find_jobs(JobFilter(part_of="g"), Page())[0]) == ["j1"]
        assert ids(view.find_jobs(JobFilter(array="b"), Page())[0]) == ["j2"]
        assert ids(view.find_jobs(JobFilter(), Page())[0]) == ["j2"]
        assert view.find_jobs(JobFilter(array="a"), Page()) == ([], None)


# -------------------------------------------------------------------- what jobs wait for


def waits(id: str, *others: str, **changes: Any) -> Job:
    return job(id, after=tuple(After(job=other) for other in others), **changes)


def waiting(store: Store, *named: str) -> list[list[str]]:
    with store.read() as view:
        return [ids(view.waiting_for(each)) for each in named]


def test_who_waits_for_a_job_is_known_until_they_do_not(store: Store) -> None:
    store.write(
        adds(
            job("j0"),
            waits("j3", "j0", submitted_at=3.0),
            waits("j2", "j0", "j1", submitted_at=2.0),
            waits("j1", "j0", "j0", submitted_at=2.0),
            waits("j4", "j0", state=JobState.CANCELED),
        )
    )
    assert waiting(store, "j0", "j1", "j2", "nobody") == [["j1", "j2", "j3"], ["j2"], [], []]
    with store.read() as view:
        assert view.waiting_for("j1") == [view.job("j2")]
    store.write(lambda tx: tx.put_job(waits("j2", "j1")))
    assert waiting(store, "j0", "j1") == [["j1", "j3"], ["j2"]]
    store.write(lambda tx: tx.put_job(job("j1")))
    store.write(lambda tx: tx.put_job(waits("j3", "j0", state=JobState.CANCELED)))
    store.write(lambda tx: tx.put_job(waits("j0", "j9")))
    assert waiting(store, "j0", "j1", "j9") == [[], ["j2"], ["j0"]]


def test_a_transaction_sees_who_waits_by_what_it_wrote(store: Store) -> None:
    store.write(adds(job("j0"), waits("j1", "j0"), waits("j2", "j0")))

    def releases(tx: Transaction) -> None:
        tx.add_job(waits("j3", "j0"), {})
        assert ids(tx.waiting_for("j0")) == ["j1", "j2", "j3"]
        tx.put_job(job("j1"))
        assert ids(tx.waiting_for("j0")) == ["j2", "j3"]
        tx.find_jobs(JobFilter(), Page())
        assert ids(tx.waiting_for("j0")) == ["j2", "j3"]
        tx.put_job(job("j3"))
        assert ids(tx.waiting_for("j0")) == ["j2"]

    with pytest.raises(Broken):
        store.write(breaks(releases))
    assert waiting(store, "j0") == [["j1", "j2"]]
    store.write(releases)
    assert waiting(store, "j0") == [["j2"]]


@pytest.mark.parametrize("looks", [nothing, reads_changes])
def test_works_of_one_commit_see_who_waits_by_those_before_them(store: Store, looks: Work) -> None:
    seen: list[Sequence[str]] = []
    futures = together(
        store,
        lambda tx: [tx.add_job(job("j0"), {}), tx.add_job(waits("j1", "j0"), {})],
        breaks(adds(waits("j2", "j0")), looks, lambda tx: tx.put_job(job("j1"))),
        lambda tx: seen.append(ids(tx.waiting_for("j0"))),
        lambda tx: [looks(tx), tx.put_job(job("j1")), tx.add_job(waits("j3", "j0"), {}), looks(tx)],
        lambda tx: seen.append(ids(tx.waiting_for("j0"))),
    )
    assert [type(each.exception()) for each in futures] == [type(None), Broken, *[type(None)] * 3]
    assert seen == [["j1"], ["j3"]]
    assert waiting(store, "j0") == [["j3"]]


# -------------------------------------------------------------------- shares of GPUs


def share(token: str, milli: int, gpu: str = "GPU-1", **changes: Any) -> JobLease:
    return lease(token, gpu, milli=milli, **changes)


def takes(*leases: JobLease) -> Work:
    return lambda tx: [tx.take_lease(each) for each in leases]


def frees(*tokens: str) -> Work:
    return lambda tx: [tx.free_lease(each) for each in tokens]


def tokens(store: Store) -> list[str]:
    with store.read() as view:
        return [each.token for each in view.leases()]


def test_the_shares_of_a_gpu_are_at_most_the_whole_of_it(store: Store) -> None:
    store.write(takes(share("t1", 500), share("t2", 300), share("t3", 999, "GPU-2")))
    with pytest.raises(StoreConflict, match="200 thousandths"):
        store.write(takes(share("t4", 201)))
    store.write(takes(share("t4", 200), share("t5", 999, node="n2")))
    with pytest.raises(StoreConflict, match="GPU-1"):
        store.write(takes(share("t6", 1)))
    with store.read() as view:
        assert view.leases(node="n2") == [share("t5", 999, node="n2")]
        assert [each.milli for each in view.leases(node="n1")] == [500, 300, 999, 200]
    store.write(frees("t2"))
    with pytest.raises(StoreConflict, match="300 thousandths"):
        store.write(takes(share("t6", 301)))
    store.write(takes(share("t6", 300)))
    assert tokens(store) == ["t1", "t3", "t4", "t5", "t6"]


def test_a_gpu_is_shared_or_in_a_whole_lease(store: Store) -> None:
    store.write(takes(share("t1", 1), share("t2", 1), lease("t3", "GPU-2")))
    for bad in (lease("t4", "GPU-1"), share("t4", 1, "GPU-2"), lease("t4", "GPU-3", "GPU-1")):
        with pytest.raises(StoreConflict):
            store.write(takes(bad))
    store.write(frees("t1"))
    with pytest.raises(StoreConflict):
        store.write(takes(lease("t4", "GPU-1")))
    store.write(frees("t2", "t3"))
    store.write(takes(lease("t4", "GPU-1"), share("t5", 999, "GPU-2")))
    store.write(frees("t4", "t5", "t5"))
    store.write(takes(lease("t6", "GPU-1", "GPU-2")))
    assert tokens(store) == ["t6"]


@pytest.mark.parametrize("milli", [0, -1, 1001])
def test_no_lease_is_of_nothing_or_of_more_than_there_is(store: Store, milli: int) -> None:
    with pytest.raises(StoreConflict):
        store.write(takes(share("t1", milli)))
    store.write(takes(lease("t1")))


def test_a_transaction_sees_the_shares_that_it_took_and_freed(store: Store) -> None:
    store.write(takes(share("t1", 600)))

    def work(tx: Transaction) -> None:
        tx.take_lease(share("t2", 400))
        with pytest.raises(StoreConflict):
            tx.take_lease(share("t3", 1))
        tx.free_lease("t2")
        tx.take_lease(share("t3", 300))
        tx.free_lease("t1")
        with pytest.raises(StoreConflict):
            tx.take_lease(share("t4", 701))
        tx.take_lease(share("t4", 700))
        tx.free_lease("t3")
        tx.free_lease("t4")
        tx.take_lease(lease("t5"))
        tx.free_lease("t5")
        tx.take_lease(share("t6", 999))

    with pytest.raises(Broken):
        store.write(breaks(work))
    assert tokens(store) == ["t1"]
    with pytest.raises(StoreConflict, match="400 thousandths"):
        store.write(takes(share("t9", 401)))
    store.write(work)
    with pytest.raises(StoreConflict):
        store.write(takes(share("t9", 2)))
    store.write(takes(share("t9", 1)))
    assert tokens(store) == ["t6", "t9"]


def test_works_of_one_commit_share_a_gpu_no_further_than_it_goes(store: Store) -> None:
    store.write(takes(share("t0", 500)))
    futures = together(
        store,
        takes(share("t1", 400)),
        takes(share("t2", 200)),
        breaks(frees("t0", "t1"), takes(lease("t3"))),
        takes(share("t4", 100)),
        frees("t0"),
        takes(share("t5", 501)),
        takes(share("t6", 500)),
        frees("t1", "t4", "t6"),
        takes(lease("t7")),
        takes(share("t8", 1)),
    )
    none, conflict = type(None), StoreConflict
    assert [type(each.exception()) for each in futures] == [
        *(none, conflict, Broken, none, none),
        *(conflict, none, none, none, conflict),
    ]
    assert tokens(store) == ["t7"]


# ------------------------------------------------------------------------- documents


def test_documents_are_kept_by_kind_and_key(store: Store) -> None:
    given = {"weight": 2.5, "limits": {"gpus": None, "ü": [1, True]}}
    store.write(
        lambda tx: [tx.put_document("account", "user:b", {}), tx.put_document("account", "user:a", given)]
    )
    store.write(lambda tx: tx.put_document("usage", "user:a", {"decayed": 1}))
    with store.read() as view:
        assert view.document("account", "user:a") == Document(
            kind="account", key="user:a", data=given, revision=2
        )
        assert [each.key for each in view.documents("account")] == ["user:a", "user:b"]
        assert [each.revision for each in view.documents("usage")] == [3]
        assert (view.document("account", "x"), view.document("x", "user:a"), view.documents("x")) == (
            None,
            None,
            [],
        )
    store.write(lambda tx: tx.put_document("account", "user:a", {"weight": 1}))
    with store.read() as view:
        found = view.document("account", "user:a")
        assert found is not None
        assert (found.data, found.revision) == ({"weight": 1}, 4)


def test_what_is_left_of_removed_documents_is_dropped_when_nobody_needs_it(store: Store) -> None:
    store.write(lambda tx: [tx.put_document("a", key, {}) for key in ("k1", "k2", "k3")])
    store.write(lambda tx: tx.remove_document("a", "k1"))
    store.write(lambda tx: tx.remove_document("a", "k2"))
    assert store.write(lambda tx: tx.forget_documents(5)) == 1
    with store.read() as view:
        assert [(each.key, each.data) for each in view.changes(3).documents] == [("k2", None)]
        assert [each.key for each in view.documents("a")] == ["k3"]
    assert store.write(lambda tx: tx.forget_documents(6)) == 1
    store.write(lambda tx: tx.put_document("a", "k1", {"n": 1}))
    with store.read() as view:
        assert [each.key for each in view.changes(3).documents] == ["k1"]
        assert view.revision() == 6


def test_documents_that_changed_or_went_are_among_the_changes(store: Store) -> None:
    store.write(lambda tx: [tx.put_document("a", key, {"n": 1}) for key in ("k1", "k2", "k3")])
    store.write(lambda tx: tx.put_document("a", "k1", {"n": 2}))
    store.write(lambda tx: tx.remove_document("a", "k2"))
    for _ in range(2):
        store.write(lambda tx: [tx.remove_document("a", "k2"), tx.remove_document("a", "nothing")])

    def changed(since: int) -> list[tuple[str, Mapping[str, Any] | None, int]]:
        with store.read() as view:
            assert view.changes(since, live_only=True) == view.changes(since)
            return [(each.key, each.data, each.revision) for each in view.changes(since).documents]

    assert changed(0) == [("k3", {"n": 1}, 3), ("k1", {"n": 2}, 4)]
    assert changed(1) == [("k3", {"n": 1}, 3), ("k1", {"n": 2}, 4), ("k2", None, 5)]
    assert (changed(4), changed(5)) == ([("k2", None, 5)], [])
    with store.read() as view:
        assert (view.revision(), view.document("a", "k2")) == (5, None)
        assert [each.key for each in view.documents("a")] == ["k1", "k3"]
    store.write(lambda tx: tx.put_document("a", "k2", {}))
    assert changed(5) == [("k2", {}, 6)]


def test_a_transaction_sees_its_documents_and_others_do_not_before(store: Store) -> None:
    store.write(lambda tx: tx.put_document("a", "k1", {"n": 1}))

    def n(tx: Transaction, key: str) -> Any:
        found = tx.document("a", key)
        return None if found is None or found.data is None else found.data["n"]

    def work(tx: Transaction) -> None:
        assert (n(tx, "k1"), n(tx, "k2")) == (1, None)
        tx.put_document("a", "k1", {"n": n(tx, "k1") + 1})
        tx.put_document("a", "k2", {"n": 5})
        assert (n(tx, "k1"), n(tx, "k2")) == (2, 5)
        assert [each.key for each in tx.documents("a")] == ["k1", "k2"]
        tx.remove_document("a", "k2")
        assert n(tx, "k2") is None
        assert [each.key for each in tx.documents("a")] == ["k1"]
        assert [each.key for each in tx.changes(0).documents] == ["k1"]

    with pytest.raises(Broken):
        store.write(breaks(work))
    with store.read() as view:
        assert [(each.key, each.data, each.revision) for each in view.documents("a")] == [("k1", {"n": 1}, 1)]
        assert view.revision() == 1
    store.write(work)
    with store.read() as view:
        assert [(each.key, each.data) for each in view.documents("a")] == [("k1", {"n": 2})]


@pytest.mark.parametrize("looks", [nothing, reads_documents])
def test_works_of_one_commit_count_on_in_a_document(store: Store, looks: Work) -> None:
    def counts(tx: Transaction) -> None:
        found = tx.document("a", "k")
        tx.put_document("a", "k", {"n": 1 + (found.data["n"] if found and found.data else 0)})
        looks(tx)

    futures = together(
        store,
        *[counts] * 5,
        breaks(counts, lambda tx: tx.remove_document("a", "k"), looks),
        *[counts] * 5,
        lambda tx: tx.put_document("a", "bad", {"x": object()}),
    )
    assert [type(each.exception()) for each in futures] == [
        *[type(None)] * 5,
        Broken,
        *[type(None)] * 5,
        TypeError,
    ]
    with store.read() as view:
        (found,) = view.documents("a")
        assert (found.data, found.revision, view.revision()) == ({"n": 10}, 10, 10)


def test_a_document_is_kept_as_it_was_when_it_was_given(store: Store) -> None:
    given = {"users": ["ann"]}

    def work(tx: Transaction) -> None:
        tx.put_document("a", "k", given)
        given["users"].append("bob")

    store.write(work)
    with store.read() as view:
        assert view.documents("a")[0].data == {"users": ["ann"]}


def test_others_are_told_of_documents(store: Store) -> None:
    told: list[int] = []
    store.on_commit(lambda: told.append(1))
    store.write(lambda tx: tx.put_document("a", "k", {}))
    store.write(lambda tx: tx.remove_document("a", "k"))
    store.write(lambda tx: tx.remove_document("a", "k"))
    store.write(lambda tx: tx.documents("a"))
    assert told == [1, 1]
