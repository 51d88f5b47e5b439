"""Arrays: submitted, repeated and canceled as one."""

from collections.abc import Generator, Mapping
from typing import Any

import pytest
from tests.scheduling.cluster import job, placed

from sentinel.core.account import Account, Limits, Scope
from sentinel.core.errors import StoreConflict
from sentinel.core.job import After, AfterKind, ArrayTask, Cancel, Job, JobState
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.scheduling import desk
from sentinel.scheduling.account_desk import put_account
from sentinel.scheduling.arrays import live_tasks, tasks_of
from sentinel.scheduling.order import key


@pytest.fixture
def store() -> Generator[MemoryStore]:
    found = MemoryStore()
    yield found
    found.close()


def tasks(array: str, *indices: int, **more: Any) -> list[Job]:
    return [
        job(
            f"{array}_{index}",
            array=ArrayTask(id=array, index=index, size=len(indices), limit=2),
            submitted_at=1.7e9,
            **more,
        )
        for index in indices
    ]


def submit(
    store: MemoryStore,
    jobs: list[Job],
    environment: Mapping[str, str] | None = None,
    *,
    at: str | None = None,
    digest: str = "",
) -> tuple[list[Job], bool]:
    given = environment or {}
    return store.write(lambda tx: desk.submit_array(tx, jobs, given, key=at, digest=digest, now=7.0))


def test_each_task_is_told_which_it_is(store: MemoryStore) -> None:
    kept, new = submit(store, tasks("arr", 11, 2), {"A": "1", "SENTINEL_ARRAY_INDEX": "x"})
    assert ([task.id for task in kept], new) == (["arr_2", "arr_11"], True)
    with store.read() as view:
        assert view.environment("arr_11") == {
            "A": "1",
            "SENTINEL_ARRAY_ID": "arr",
            "SENTINEL_ARRAY_INDEX": "11",
            "SENTINEL_ARRAY_SIZE": "2",
        }
        (event,) = view.events(0, 10, subject="arr_2")
    assert event.type == "sentinel.job.submitted"


def test_the_lower_index_comes_first(store: MemoryStore) -> None:
    kept, _ = submit(store, tasks("arr", *range(120)))
    assert [task.array.index for task in sorted(kept, key=key) if task.array] == list(range(120))


def test_all_tasks_are_found_however_many(store: MemoryStore) -> None:
    submit(store, tasks("arr", *range(2100)))
    with store.read() as view:
        assert [task.id for task in tasks_of(view, "arr")] == [f"arr_{n}" for n in range(2100)]
        assert tasks_of(view, "other") == []
        assert live_tasks(view, "arr") == 2100


def test_a_key_gives_the_same_array_again_and_nothing_else(store: MemoryStore) -> None:
    first, _ = submit(store, tasks("arr", 0, 1), at="k", digest="d")
    again, new = submit(store, tasks("brr", 0, 1), at="k", digest="d")
    assert ([task.id for task in again], new) == ([task.id for task in first], False)
    with pytest.raises(desk.KeyReused, match="arr"):
        submit(store, tasks("crr", 0), at="k", digest="other")
    single = job("j")
    with pytest.raises(desk.KeyReused, match="arr"):
        store.write(lambda tx: desk.submit(tx, single, {}, key="k", digest="d", now=7.0))


def test_all_of_it_is_kept_or_nothing(store: MemoryStore) -> None:
    submit(store, tasks("arr", 1))
    with pytest.raises(StoreConflict):
        submit(store, tasks("arr", 0, 1, 2))
    with store.read() as view:
        assert [task.id for task in tasks_of(view, "arr")] == ["arr_1"]


def test_all_tasks_wait_for_the_same(store: MemoryStore) -> None:
    first = job("first")
    store.write(lambda tx: desk.submit(tx, first, {}, key=None, digest="", now=7.0))
    after = (After(job="first", kind=AfterKind.ANY),)
    kept, _ = submit(store, tasks("arr", 0, 1, after=after))
    assert [task.after for task in kept] == [after, after]
    with pytest.raises(desk.NoSuchJob):
        submit(store, tasks("brr", 0, after=(After(job="nobody"),)))


def test_it_is_canceled_as_one(store: MemoryStore) -> None:
    submit(store, tasks("arr", 0, 1))
    running = placed("arr_2", "n1", ["g"], array=ArrayTask(id="arr", index=2, size=4))
    done = job("arr_3", state=JobState.SUCCEEDED, array=ArrayTask(id="arr", index=3, size=4))
    store.write(lambda tx: (tx.add_job(running, {}), tx.add_job(done, {})))
    asked = Cancel(by="bob", at=8.0, why="a typo")
    found = store.write(lambda tx: desk.cancel_array(tx, "arr", asked, 8.0))
    assert [(task.id, task.state) for task in found] == [
        ("arr_0", JobState.CANCELED),
        ("arr_1", JobState.CANCELED),
        ("arr_2", JobState.RUNNING),
    ]
    assert found[2].cancel == asked
    again = store.write(lambda tx: desk.cancel_array(tx, "arr", asked, 9.0))
    assert [task.id for task in again] == ["arr_2"]
    with pytest.raises(desk.NoSuchJob):
        store.write(lambda tx: desk.cancel_array(tx, "brr", asked, 9.0))


def test_an_array_that_is_over_cannot_be_canceled(store: MemoryStore) -> None:
    submit(store, tasks("arr", 0))
    asked = Cancel(by="bob", at=8.0)
    store.write(lambda tx: desk.cancel_array(tx, "arr", asked, 8.0))
    with pytest.raises(desk.AlreadyEnded):
        store.write(lambda tx: desk.cancel_array(tx, "arr", asked, 9.0))


def test_all_its_tasks_count_against_the_queue(store: MemoryStore) -> None:
    account = Account(scope=Scope.USER, name="alice", limits=Limits(queued_jobs=2))
    store.write(lambda tx: put_account(tx, account, by="root", tenant="default", now=1.0))
    with pytest.raises(desk.OverQuota):
        submit(store, tasks("arr", 0, 1, 2))
    assert submit(store, tasks("arr", 0, 1))[1]
