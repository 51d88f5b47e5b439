"""What only a real PostgreSQL can show: restarts and crashes under the store, commits whose answer is lost,
others' locks, and text as another language sorts it. That it does as every store is in tests/contracts.
"""

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from tests.components.postgresql import PostgreSQL
from tests.drivers.stores.cases import event, job, node

from sentinel.core.errors import StoreUnavailable, UsageError
from sentinel.drivers.stores.opening import open_store
from sentinel.drivers.stores.sql.postgresql_wire import PostgresWire
from sentinel.ports.store import JobFilter, Page, Store

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with PostgreSQL.running() as running:
        yield running


@pytest.fixture
def url(server: PostgreSQL) -> str:
    return server.make_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    made = open_store(url)
    yield made
    made.close()


def there(store: Store) -> list[str]:
    with store.read() as view:
        return sorted(each.id for each in view.find_jobs(JobFilter(), Page(limit=10_000))[0])


def test_the_server_sorts_text_unlike_us(server: PostgreSQL, store: Store) -> None:
    """Else the tests on order would show nothing."""
    assert server.psql("SELECT 'B' < 'a'") == "f"
    store.write(lambda tx: [tx.put_node(node("n1", name="a")), tx.put_node(node("n2", name="B"))])
    with store.read() as view:
        assert [each.name for each in view.nodes()] == ["B", "a"]


def test_commits_are_on_the_disk_whatever_the_database_says(server: PostgreSQL, url: str) -> None:
    name = url.rpartition("/")[2]
    server.psql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    store = open_store(url)
    store.write(lambda tx: tx.add_job(job(), {}))
    wire: Any = store.__dict__["_wire"]
    assert wire._connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    store.close()
    server.psql(f"ALTER DATABASE {name} SET synchronous_commit = remote_apply")
    store = open_store(url)
    store.write(lambda tx: tx.revision())
    wire = store.__dict__["_wire"]
    assert wire._connection.execute("SHOW synchronous_commit").fetchone() == ("remote_apply",)
    store.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_is_restarted(server: PostgreSQL, store: Store, how: signal.Signals) -> None:
    store.write(lambda tx: tx.add_job(job("before"), {"A": "1"}))
    assert there(store) == ["before"]
    server.stop(how)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="is it running"):
            store.write(lambda tx: tx.add_job(job("while"), {}))
        with pytest.raises(StoreUnavailable):
            there(store)
    server.start()
    store.write(lambda tx: tx.add_job(job("after"), {}))
    assert there(store) == ["after", "before"]


def test_a_restart_between_two_calls_is_not_noticed(server: PostgreSQL, store: Store) -> None:
    store.write(lambda tx: tx.add_job(job("before"), {}))
    assert there(store) == ["before"]
    server.stop()
    server.start()
    assert there(store) == ["before"]
    store.write(lambda tx: tx.add_job(job("after"), {}))
    assert there(store) == ["after", "before"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_restarts_under_load_lose_nothing_and_do_nothing_twice(
    server: PostgreSQL, store: Store, how: signal.Signals
) -> None:
    """Every answered work is there once; one that failed with StoreUnavailable is not there."""
    done = threading.Event()
    answered: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    store.write(lambda tx: [tx.add_job(job(name), {}) for name in answered])

    def client(name: str) -> None:
        number = 0
        while not done.is_set():
            number += 1

            def work(tx: Any, number: int = number) -> None:
                found = tx.job(name)
                tx.put_job(replace(found, reason=f"{found.reason} {number}"))
                tx.add_event(event(name, "put", data={"number": number}))

            try:
                store.write(work)
            except StoreUnavailable:
                time.sleep(0.01)
            else:
                answered[name].append(number)

    threads = [threading.Thread(target=client, args=(name,)) for name in answered]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.3)
        server.stop(how)
        server.start()
    time.sleep(0.3)
    done.set()
    for thread in threads:
        thread.join(30)
    with store.read() as view:
        for name, numbers in answered.items():
            assert len(numbers) > 10
            found = view.job(name)
            assert found is not None
            assert found.reason.split() == [str(number) for number in numbers]
            told = [each.data["number"] for each in view.events(0, 100_000, subject=name)]
            assert told == numbers


class Cut:
    """A connection whose COMMIT loses its way: there, or on the way back."""

    def __init__(self, real: "psycopg.Connection[Any]", *, committed: bool) -> None:
        self._real, self._committed = real, committed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, sql: str, *more: Any) -> Any:
        if sql != "COMMIT":
            return self._real.execute(sql, *more)
        if self._committed:
            self._real.execute("COMMIT")
        self._real.close()
        raise psycopg.OperationalError("the connection is lost")

    @property
    def broken(self) -> bool:
        return self._real.closed


@pytest.mark.parametrize("committed", [True, False])
def test_a_commit_whose_answer_is_lost_is_looked_up(
    store: Store, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    store.write(lambda tx: tx.add_job(job("j1", reason="0"), {}))
    runs: list[int] = []
    wire: PostgresWire = store.__dict__["_wire"]
    monkeypatch.setattr(wire, "_connection", Cut(wire.__dict__["_connection"], committed=committed))

    def work(tx: Any) -> str:
        runs.append(1)
        found = tx.job("j1")
        tx.put_job(replace(found, reason=f"{found.reason}+"))
        return "answer"

    assert store.write(work) == "answer"
    assert len(runs) == (1 if committed else 2)
    with store.read() as view:
        found = view.job("j1")
        assert found is not None
        assert (found.reason, view.revision()) == ("0+", 2)
    store.write(lambda tx: tx.add_job(job("j2"), {}))


def test_a_session_that_an_admin_ends_is_opened_again(server: PostgreSQL, store: Store) -> None:
    store.write(lambda tx: tx.add_job(job("j1"), {}))
    assert there(store) == ["j1"]
    server.psql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'sentinel'"
    )
    store.write(lambda tx: tx.add_job(job("j2"), {}))
    assert there(store) == ["j1", "j2"]


def test_works_that_are_cut_off_in_the_middle_are_run_again(server: PostgreSQL, store: Store) -> None:
    runs: list[int] = []

    def work(tx: Any) -> None:
        runs.append(1)
        tx.set_meta("a", "b")
        if len(runs) == 1:
            server.psql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'sentinel' AND state = 'idle in transaction'"
            )
        tx.add_job(job("j1"), {})

    store.write(work)
    assert len(runs) == 2
    assert there(store) == ["j1"]


def test_a_lock_that_somebody_else_holds_for_too_long(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(lambda tx: tx.add_job(job("j1"), {}))
    wire: Any = store.__dict__["_wire"]
    wire._connection.execute("SET lock_timeout = '50ms'")
    with psycopg.connect(url) as other:
        other.execute("SELECT * FROM counter FOR UPDATE")
        with pytest.raises(StoreUnavailable, match="pg_stat_activity"):
            store.write(lambda tx: tx.add_job(job("j2"), {}))
        assert there(store) == ["j1"], "readers do not wait for it"
    store.write(lambda tx: tx.add_job(job("j3"), {}))
    assert there(store) == ["j1", "j3"]


def test_text_that_cannot_be_kept_is_its_works_fault_alone(store: Store) -> None:
    held = threading.Event()
    store.submit(lambda _tx: held.wait(5))
    good = store.submit(lambda tx: tx.add_job(job("j1"), {}))
    bad = store.submit(lambda tx: tx.add_job(job("j2", reason="a\0b"), {}))
    directly = store.submit(lambda tx: tx.set_meta("a", "a\0b"))
    held.set()
    assert good.exception(10) is None
    assert isinstance(bad.exception(10), UsageError)
    assert isinstance(directly.exception(10), UsageError)
    with pytest.raises(UsageError), store.read() as view:
        view.find_jobs(JobFilter(owner="a\0b"), Page())
    assert there(store) == ["j1"]


def test_a_database_in_another_encoding_is_refused(server: PostgreSQL) -> None:
    server.psql("CREATE DATABASE old ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0")
    with pytest.raises(UsageError, match="ENCODING 'UTF8'"):
        open_store(server.url("old"))


def test_a_database_that_is_not_there(server: PostgreSQL) -> None:
    with pytest.raises(StoreUnavailable, match='"nowhere" does not exist'):
        open_store(server.url("nowhere"))


def test_a_role_that_may_not_is_said(server: PostgreSQL, url: str) -> None:
    open_store(url).close()
    server.psql("CREATE ROLE guest LOGIN")
    with pytest.raises(StoreUnavailable, match="permission denied"):
        open_store(url.replace("sentinel@", "guest@")).close()


def idle_connections(server: PostgreSQL) -> int:
    return int(server.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sentinel'"))


def test_connections_are_used_again_and_let_go_of(server: PostgreSQL, url: str) -> None:
    before = idle_connections(server)
    store = open_store(url)
    for number in range(10):
        store.write(lambda tx, id=f"j{number}": tx.add_job(job(id), {}))
        there(store)
    assert idle_connections(server) == before + 2
    store.close()
    until = time.monotonic() + 5
    while idle_connections(server) != before:
        assert time.monotonic() < until
        time.sleep(0.02)
