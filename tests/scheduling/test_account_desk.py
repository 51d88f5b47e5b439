"""Accounts, the limit of queued jobs, and usage, as the store has them afterwards."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from sentinel.core.account import Account, Limits, Scope
from sentinel.core.account_json import USAGE
from sentinel.core.identity import Role, User
from sentinel.core.job import Job, JobSpec, JobState
from sentinel.core.job_lease import JobLease
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import Transaction
from sentinel.scheduling import account_desk
from sentinel.scheduling.account_desk import NoSuchAccount, OverQuota
from sentinel.scheduling.usage import DAY

T = TypeVar("T")
NOW = 1_800_000_000.0
BY: dict[str, Any] = {"by": "root", "tenant": "default", "now": NOW}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def put(store: MemoryStore, scope: Scope, name: str = "", weight: float = 1.0, **limits: Any) -> bool:
    account = Account(scope=scope, name=name, weight=weight, limits=Limits(**limits))
    return store.write(lambda tx: account_desk.put_account(tx, account, **BY))


def written(store: MemoryStore, work: Callable[[Transaction], T]) -> T:
    return store.write(work)


def events(store: MemoryStore) -> list[tuple[str, str, str | None]]:
    with store.read() as reader:
        return [(event.type, event.subject, event.owner) for event in reader.events(0, 100)]


def queue(store: MemoryStore, owner: str, count: int, state: JobState = JobState.QUEUED) -> None:
    def add(tx: Transaction) -> None:
        for n in range(count):
            spec = JobSpec(command=("true",), cwd="/")
            tx.add_job(
                Job(
                    id=f"{owner}{state.value.lower()}{n}",
                    owner=owner,
                    spec=spec,
                    submitted_at=NOW,
                    state=state,
                ),
                {},
            )

    store.write(add)


def check(store: MemoryStore, owner: str, group: str | None, more: int) -> None:
    with store.read() as reader:
        account_desk.check_queue(reader, owner, group, more)


# ------------------------------------------------------------------ accounts


def test_setting_and_removing_are_told_once(store: MemoryStore) -> None:
    assert put(store, Scope.USER, "ada", running_gpus=8)
    assert not put(store, Scope.USER, "ada", running_gpus=8)
    assert put(store, Scope.USER, "ada", running_gpus=4)
    assert put(store, Scope.GROUP, "ml", weight=2)
    with store.read() as reader:
        found = account_desk.accounts(reader)
        assert account_desk.find_account(reader, Scope.USER, "ada").limits.running_gpus == 4
    assert [(one.scope, one.name) for one in found] == [(Scope.GROUP, "ml"), (Scope.USER, "ada")]
    written(store, lambda tx: account_desk.remove_account(tx, Scope.USER, "ada", **BY))
    with store.read() as reader, pytest.raises(NoSuchAccount, match="user ada"):
        account_desk.find_account(reader, Scope.USER, "ada")
    with pytest.raises(NoSuchAccount):
        written(store, lambda tx: account_desk.remove_account(tx, Scope.USER, "ada", **BY))
    assert events(store) == [
        ("sentinel.account.set", "user:ada", "ada"),
        ("sentinel.account.set", "user:ada", "ada"),
        ("sentinel.account.set", "group:ml", None),
        ("sentinel.account.removed", "user:ada", "ada"),
    ]


def test_whoever_gets_a_name_later_inherits_nothing(store: MemoryStore) -> None:
    put(store, Scope.USER, "ada", running_gpus=0)
    charge(store)
    written(store, lambda tx: account_desk.forget_user(tx, "ada", **BY))
    written(store, lambda tx: account_desk.forget_user(tx, "nobody", **BY))
    with store.read() as reader:
        assert [kept.key for kept in reader.documents(USAGE)] == ["group:ml"]
        assert account_desk.accounts(reader) == []


# ------------------------------------------------------------------ the limit of queued jobs


def test_without_an_account_any_number_waits(store: MemoryStore) -> None:
    check(store, "ada", "ml", 1_000_000)


def test_what_waits_counts_and_what_runs_does_not(store: MemoryStore) -> None:
    put(store, Scope.USER, "ada", queued_jobs=3)
    queue(store, "ada", 2)
    queue(store, "ada", 5, JobState.RUNNING)
    queue(store, "bob", 5)
    check(store, "ada", None, 1)
    with pytest.raises(OverQuota, match=r"user ada may have 3 jobs waiting, and has 2: these 2 are too many"):
        check(store, "ada", None, 2)
    queue(store, "ada", 1, JobState.SUCCEEDED)
    check(store, "ada", None, 1)


def test_a_users_own_account_takes_the_place_of_the_default(store: MemoryStore) -> None:
    put(store, Scope.DEFAULT, queued_jobs=0)
    put(store, Scope.USER, "ada", weight=2)
    check(store, "ada", None, 10)
    with pytest.raises(OverQuota, match="user bob may have 0 jobs waiting, and has 0: this one is too many"):
        check(store, "bob", None, 1)


def test_a_groups_limit_counts_all_of_its_members(store: MemoryStore) -> None:
    for name, group in (("ada", "ml"), ("bob", "ml"), ("eve", None)):
        user = User(name=name, role=Role.MEMBER, created_at=NOW, group=group)
        store.write(lambda tx, user=user: tx.put_user(user))
        queue(store, name, 2)
    put(store, Scope.GROUP, "ml", queued_jobs=5)
    check(store, "ada", "ml", 1)
    with pytest.raises(OverQuota, match="group ml may have 5 jobs waiting, and has 4"):
        check(store, "ada", "ml", 2)
    check(store, "eve", None, 10)


# ------------------------------------------------------------------ usage


def charge(store: MemoryStore, milli: int = 2000, seconds: float = 3600.0, now: float = NOW) -> None:
    written(
        store,
        lambda tx: account_desk.charge_usage(
            tx, owner="ada", group="ml", milli=milli, seconds=seconds, now=now
        ),
    )


def test_a_lease_counts_for_its_owner_and_the_group(store: MemoryStore) -> None:
    charge(store)
    charge(store, milli=500)
    with store.read() as reader:
        found = account_desk.books(reader).standings(NOW)
    assert [(one.scope, one.name, round(one.used)) for one in found] == [
        (Scope.USER, "ada", 9000),
        (Scope.GROUP, "ml", 9000),
    ]


def test_without_a_group_it_counts_for_the_user_alone(store: MemoryStore) -> None:
    written(
        store,
        lambda tx: account_desk.charge_usage(tx, owner="ada", group=None, milli=1000, seconds=1, now=NOW),
    )
    with store.read() as reader:
        assert [kept.key for kept in reader.documents(USAGE)] == ["user:ada"]


@pytest.mark.parametrize(("milli", "seconds"), [(0, 10.0), (1000, 0.0), (1000, -10.0), (1000, float("nan"))])
def test_nothing_used_writes_nothing(store: MemoryStore, milli: int, seconds: float) -> None:
    charge(store, milli, seconds)
    with store.read() as reader:
        assert (list(reader.documents(USAGE)), reader.revision()) == ([], 0)


def test_what_has_faded_is_forgotten(store: MemoryStore) -> None:
    charge(store, seconds=1.0)
    assert written(store, lambda tx: account_desk.forget_usage(tx, NOW)) == 0
    assert written(store, lambda tx: account_desk.forget_usage(tx, NOW + 20 * DAY)) == 0
    assert written(store, lambda tx: account_desk.forget_usage(tx, NOW + 31 * DAY)) == 2
    with store.read() as reader:
        assert list(reader.documents(USAGE)) == []


def test_what_runs_is_in_the_books(store: MemoryStore) -> None:
    job = Job(
        id="abcdefghjk",
        owner="ada",
        spec=JobSpec(command=("true",), cwd="/", gpus=2),
        submitted_at=NOW,
        account="ml",
    )
    leases = [
        JobLease(
            token=f"t{n}",
            job=job_id,
            attempt=1,
            node="n1",
            gpus=gpus,
            owner=owner,
            tenant="default",
            taken_at=NOW,
            milli=milli,
        )
        for n, (job_id, owner, gpus, milli) in enumerate(
            [("abcdefghjk", "ada", ("a", "b"), 1000), ("gone", "bob", ("c",), 250), ("none", "eve", (), 1000)]
        )
    ]

    def add(tx: Transaction) -> None:
        tx.add_job(job, {})
        for lease in leases:
            tx.take_lease(lease)

    store.write(add)
    with store.read() as reader:
        found = account_desk.books(reader)
    assert (found.running(Scope.USER, "ada"), found.running(Scope.GROUP, "ml")) == (2000, 2000)
    assert (found.running(Scope.USER, "bob"), found.running(Scope.USER, "eve")) == (250, 0)
    used = {one.name: one.used for one in found.standings(NOW + 3600)}
    assert used == {"ada": 7200, "ml": 7200, "bob": 900}
