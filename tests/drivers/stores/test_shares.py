"""Shares of GPUs where the database has the last word, whatever the code above it missed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.components.postgresql import PostgreSQL
from tests.contracts.test_store import together
from tests.drivers.stores.cases import Case, job, lease, overshared, postgresql, rows, sqlite

from sentinel.core.errors import StoreConflict
from sentinel.drivers.stores.sql.transaction import SqlTransaction


@pytest.fixture(params=[sqlite, pytest.param(postgresql, marks=pytest.mark.real)])
def case(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: Callable[[], PostgreSQL]
) -> Iterator[Case]:
    made: Case = request.param(tmp_path, postgresql)
    yield made
    made.close()


def test_the_last_share_that_is_freed_leaves_nothing_of_it(case: Case) -> None:
    store = case.store
    store.write(lambda tx: [tx.take_lease(lease(f"t{n}", "GPU-1", milli=250)) for n in range(4)])
    store.write(lambda tx: tx.take_lease(lease("t9", "GPU-2")))
    assert rows(case, "SELECT gpu, milli FROM lease_gpus ORDER BY gpu") == [("GPU-1", 1000), ("GPU-2", 1000)]
    together(store, *[lambda tx, n=n: tx.free_lease(f"t{n}") for n in (0, 1, 2, 0)])
    assert rows(case, "SELECT gpu, milli FROM lease_gpus ORDER BY gpu") == [("GPU-1", 250), ("GPU-2", 1000)]
    store.write(lambda tx: [tx.free_lease("t3"), tx.free_lease("")])
    assert rows(case, "SELECT gpu, milli FROM lease_gpus") == [("GPU-2", 1000)]


def test_what_the_code_misses_the_check_and_the_key_find(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    store = case.store
    store.write(
        lambda tx: [tx.take_lease(lease("t1", "GPU-1", milli=600)), tx.take_lease(lease("t2", "GPU-2"))]
    )
    monkeypatch.setattr(SqlTransaction, "_taken", lambda *_: ("", 0))
    futures = together(
        store,
        lambda tx: [tx.add_job(job("j1"), {}), tx.take_lease(lease("t3", "GPU-1", milli=401))],
        lambda tx: [tx.add_job(job("j2"), {}), tx.take_lease(lease("t4", "GPU-1", milli=400))],
        lambda tx: [tx.add_job(job("j3"), {}), tx.take_lease(lease("t5", "GPU-1"))],
        lambda tx: [tx.add_job(job("j4"), {}), tx.take_lease(lease("t6", "GPU-2", milli=1))],
        lambda tx: [tx.add_job(job("j5"), {}), tx.take_lease(lease("t7", "GPU-3", milli=1))],
    )
    assert [type(each.exception()) for each in futures] == [
        *(StoreConflict, type(None), StoreConflict, StoreConflict, type(None))
    ]
    with store.read() as view:
        assert sorted(view.jobs(["j1", "j2", "j3", "j4", "j5"])) == ["j2", "j5"]
        assert sorted(each.token for each in view.leases()) == ["t1", "t2", "t4", "t7"]
    assert overshared(case) == []


def test_two_stores_share_a_gpu_no_further_than_it_goes(case: Case) -> None:
    """As two processes would: each has looked, and each takes what it saw free."""
    stores = [case.store, case.another()]
    for turn in range(10):
        futures = [
            store.submit(
                lambda tx, token=f"t{turn}-{who}", gpu=f"GPU-{turn}": tx.take_lease(
                    lease(token, gpu, milli=400)
                )
            )
            for who, store in enumerate(stores * 2)
        ]
        errors = [type(future.exception(10)) for future in futures]
        assert sorted(each.__name__ for each in errors) == [*["NoneType"] * 2, *["StoreConflict"] * 2]
        kept = [f"t{turn}-{who}" for who, error in enumerate(errors) if error is type(None)]
        stores[turn % 2].write(lambda tx, kept=kept: tx.free_lease(kept[0]))
        stores[1 - turn % 2].write(
            lambda tx, gpu=f"GPU-{turn}", token=f"t{turn}": tx.take_lease(lease(token, gpu, milli=600))
        )
    assert overshared(case) == []


def test_a_plain_job_has_no_rows_beside_its_own(case: Case) -> None:
    case.store.write(lambda tx: tx.add_job(job(), {}))
    case.store.write(lambda tx: tx.put_job(job(reason="x")))
    assert rows(case, "SELECT array_id, part_of, more FROM jobs") == [(None,) * 3]
    assert rows(case, "SELECT * FROM job_waits") == []
