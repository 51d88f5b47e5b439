"""Several processes on one database: nobody misses a change, and a process that dies keeps nobody from it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.components.postgresql import PostgreSQL
from tests.drivers.stores import writing_process
from tests.drivers.stores.cases import Case, job, lease, overshared, postgresql, sqlite

from sentinel.core.errors import StoreConflict
from sentinel.core.job import Job
from sentinel.drivers.stores.opening import open_store
from sentinel.ports.store import JobFilter, Page, Store

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=[sqlite, pytest.param(postgresql, marks=pytest.mark.real)])
def case(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    postgresql: Callable[[], PostgreSQL],
) -> Iterator[Case]:
    made: Case = request.param(tmp_path, postgresql)
    yield made
    made.close()


@dataclass
class Writing:
    """A running `writing_process`."""

    process: "subprocess.Popen[str]"

    @classmethod
    def start(cls, url: str | None, name: str, count: int, rounds: int) -> "Writing":
        argv = [sys.executable, writing_process.__file__, str(url), name, str(count), str(rounds)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        return cls(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env))

    def answered(self, most: int | None = None) -> list[str]:
        """The lines that it says, to the end or to that number."""
        assert self.process.stdout is not None
        lines: list[str] = []
        while (most is None or len(lines) < most) and (line := self.process.stdout.readline()):
            if line.endswith("\n"):  # the last one of a killed process may be half a line
                lines.append(line.strip())
        return lines

    def ends(self) -> int:
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(30)


def test_a_follower_misses_nothing_of_what_two_processes_write(case: Case) -> None:
    writers = [Writing.start(case.url, name, 15, 30) for name in ("a", "b")]
    followed: dict[str, Job] = {}
    numbers: list[int] = []
    since, last_event = 0, 0
    until = time.monotonic() + 60
    ended = False
    while not ended:
        ended = all(writer.process.poll() is not None for writer in writers)
        assert time.monotonic() < until
        with case.store.read() as view:
            changes = view.changes(since)
            events = view.events(last_event, 100_000)
        followed.update((each.id, each) for each in changes.jobs)
        assert all(each.revision > since for each in changes.jobs)
        numbers += [each.id for each in events]
        since, last_event = changes.revision, events[-1].id if events else last_event
    assert [writer.ends() for writer in writers] == [0, 0]
    with case.store.read() as view:
        there, _ = view.find_jobs(JobFilter(), Page(limit=1000))
        assert followed == {each.id: each for each in there}
        assert numbers == [each.id for each in view.events(0, 100_000)]
        assert view.revision() == 2 * 2 * 15 * 31
    assert len(there) == 30
    assert {each.reason for each in there} == {"29"}


@pytest.mark.parametrize("after", [1, 30, 120])
def test_a_writer_that_is_killed_leaves_whole_works_and_all_that_it_was_answered(
    case: Case, after: int
) -> None:
    writer = Writing.start(case.url, "a", 40, 1000)
    answered = writer.answered(after)
    writer.process.send_signal(signal.SIGKILL)
    answered += writer.answered()
    assert writer.ends() == -signal.SIGKILL
    # The one that comes next need not wait for anything.
    case.store.write(lambda tx: tx.add_job(job("next"), {}))
    with case.store.read() as view:
        there, _ = view.find_jobs(JobFilter(name="train"), Page(limit=1000))
        found = {each.id: each for each in there if each.id != "next"}
        leases = {each.token for each in view.leases()}
        events = view.events(0, 1_000_000)
        environments = view.environments(list(found))
        revision = view.revision()
    assert leases == {*found, *(f"{id}+" for id in found)}
    assert overshared(case) == []
    assert environments == {id: {"ID": id} for id in found}
    assert {each.subject for each in events} == set(found)
    for id, each in found.items():
        rounds = [event.data["round"] for event in events if event.subject == id and event.type == "put"]
        assert rounds == list(range(int(each.reason) + 1))
    for line in answered:
        match line.split():
            case "add", id:
                assert id in found
            case "put", id, round:
                assert int(found[id].reason) >= int(round)
            case _:
                pytest.fail(line)
    numbers = sorted([event.id for event in events] + [each.revision for each in found.values()])
    assert len(set(numbers)) == len(numbers)
    assert numbers[-1] < revision


def test_two_stores_do_not_take_one_gpu(case: Case) -> None:
    """As two processes would: each has looked, and each takes what it saw free."""
    stores = [case.store, case.another()]
    won: list[int] = []
    for turn in range(20):
        futures = [
            store.submit(
                lambda tx, token=f"t{turn}-{who}", gpu=f"GPU-{turn}": tx.take_lease(lease(token, gpu))
            )
            for who, store in enumerate(stores)
        ]
        errors = [future.exception(10) for future in futures]
        assert sorted(type(error).__name__ for error in errors) == ["NoneType", "StoreConflict"]
        won.append(errors.index(None))
    with case.store.read() as view:
        assert sorted(each.token for each in view.leases()) == sorted(
            f"t{n}-{who}" for n, who in enumerate(won)
        )


def test_what_one_store_wrote_the_other_builds_upon(case: Case) -> None:
    one, other = case.store, case.another()
    for _ in range(5):
        for store in (one, other):
            found = store.write(lambda tx: tx.revision())
            store.write(lambda tx, id=f"j{found}": tx.add_job(job(id), {}))
            assert store.write(lambda tx: tx.revision()) == found + 1
    with pytest.raises(StoreConflict):
        other.write(lambda tx: tx.add_job(job("j0"), {}))
    assert seen_by(one) == seen_by(other) == [f"j{number}" for number in range(10)]


def seen_by(store: Store) -> list[str]:
    with store.read() as view:
        return [each.id for each in view.changes(0).jobs]


def test_many_open_a_new_file_at_once(tmp_path: Path) -> None:
    opens_new(f"sqlite:///{tmp_path}/new.db")


@pytest.mark.real
def test_many_open_a_new_postgresql_at_once(postgresql: Callable[[], PostgreSQL]) -> None:
    opens_new(postgresql().make_database())


def opens_new(url: str) -> None:
    """Each finds tables, and one counter: whichever came first has made them."""
    writers = [Writing.start(url, name, 2, 1) for name in "abcd"]
    assert [len(writer.answered()) for writer in writers] == [4] * 4
    assert [writer.ends() for writer in writers] == [0] * 4
    store = open_store(url)
    with store.read() as view:
        assert view.revision() == 4 * 2 * 2 * 2
    store.close()
