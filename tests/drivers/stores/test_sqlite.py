"""What is SQLite's own: the file and its place, backups, full disks, locks, and a file that goes away."""

import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.drivers.stores.cases import event, job, lease

from sentinel.core.errors import StoreConflict, StoreUnavailable, UsageError
from sentinel.core.job import JobState
from sentinel.drivers.stores.opening import open_store
from sentinel.drivers.stores.sql.migrating import bring_up_to_date
from sentinel.drivers.stores.sql.sqlite import SqliteDatabase
from sentinel.drivers.stores.sql.sqlite_wire import LANGUAGE
from sentinel.drivers.stores.sql.statements import Statements
from sentinel.drivers.stores.sql.store import SqlStore, statements_of
from sentinel.drivers.stores.sql.wire import Statement
from sentinel.ports.store import JobFilter, Page, Store

BIG = {"FILLER": "x" * 20_000}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "controller.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{path}")
    yield made
    made.close()


def total(store: Store) -> int:
    with store.read() as view:
        return sum(view.count_jobs(JobFilter()).values())


def test_its_files_are_its_owners_alone_also_after_a_loose_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        path.touch()
        store = open_store(f"sqlite:///{path}")
        store.write(lambda tx: tx.add_job(job(), {"A": "secret"}))
        modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert modes.keys() == {"controller.db", "controller.db-wal", "controller.db-shm", "controller.db.lock"}
    assert set(modes.values()) == {0o600}


def test_every_connection_syncs_each_commit(path: Path) -> None:
    database = SqliteDatabase(str(path))
    connection = database.raw()
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()
    database.close()


def test_a_network_file_system_is_refused_with_what_to_do(path: Path) -> None:
    mounts = f"21 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 21 0:30 / {path.parent} rw - nfs4 server:/home rw"
    with pytest.raises(UsageError, match=r"nfs4.*local disk.*postgresql://"):
        SqliteDatabase(str(path), mountinfo=mounts)
    assert not path.exists()


def test_a_link_to_a_network_file_system_is_refused_too(path: Path) -> None:
    (path.parent / "far").mkdir()
    (path.parent / "near").symlink_to(path.parent / "far")
    mounts = f"30 21 0:30 / {path.parent}/far rw - nfs server:/home rw"
    with pytest.raises(UsageError, match="nfs"):
        SqliteDatabase(f"{path.parent}/near/controller.db", mountinfo=mounts)


def test_a_folder_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(UsageError, match=f"make the folder {path.parent}/no first"):
        open_store(f"sqlite:///{path.parent}/no/controller.db")


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("my thesis " * 1000)
    with pytest.raises(UsageError, match="no database"):
        open_store(f"sqlite:///{path}")
    assert path.read_text().startswith("my thesis")


# ------------------------------------------------------------------------- backups


def test_a_backup_is_whole_while_others_write(store: Store, tmp_path: Path) -> None:
    """Every work adds a job, its environment and its event: no copy has one without the others."""
    done = threading.Event()

    def writes() -> None:
        number = 0
        while not done.is_set():
            number += 1
            made = job(f"j{number}")
            store.write(
                lambda tx, made=made: [tx.add_job(made, {"ID": made.id}), tx.add_event(event(made.id))]
            )

    thread = threading.Thread(target=writes)
    thread.start()
    copies = [tmp_path / f"copy{number}.db" for number in range(5)]
    for copy in copies:
        store.backup(str(copy))
    done.set()
    thread.join(10)
    counts: list[int] = []
    for copy in copies:
        assert copy.stat().st_mode & 0o777 == 0o600
        restored = open_store(f"sqlite:///{copy}")
        with restored.read() as view:
            jobs, _ = view.find_jobs(JobFilter(), Page(limit=100_000))
            assert {each.subject for each in view.events(0, 100_000)} == {each.id for each in jobs}
            assert all(view.environment(each.id) == {"ID": each.id} for each in jobs)
            assert view.revision() == 2 * len(jobs)
            counts.append(len(jobs))
        restored.write(lambda tx: tx.add_job(job("more"), {}))
        restored.close()
    assert counts == sorted(counts)
    assert counts[-1] > 0
    assert {each.name for each in tmp_path.iterdir() if each.name.startswith(".")} == set()


def test_a_backup_replaces_no_file(store: Store, tmp_path: Path) -> None:
    there = tmp_path / "copy.db"
    there.write_text("an older one")
    with pytest.raises(UsageError, match="exists already"):
        store.backup(str(there))
    assert there.read_text() == "an older one"
    with pytest.raises(UsageError, match="folder that exists"):
        store.backup(str(tmp_path / "no" / "copy.db"))


# ---------------------------------------------------------------- disks, locks, files


def test_a_limit_on_file_sizes_is_said_and_healed(store: Store, path: Path) -> None:
    store.write(lambda tx: tx.add_job(job("before"), {}))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = Path(f"{path}-wal")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 20_000, hard))
        with pytest.raises(StoreUnavailable, match=r"controller\.db.*(full|I/O)"):
            for number in range(100):
                store.write(lambda tx, id=f"j{number}": tx.add_job(job(id), BIG))
        kept = total(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store.write(lambda tx: tx.add_job(job("after"), {}))
    assert total(store) == kept + 1
    with store.read() as view:
        assert view.revision() == kept + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = tmp_path / "disk"
    mount.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount], capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk here: {done.stderr.decode().strip()}")
    yield mount
    subprocess.run(["umount", "-l", mount], check=False)


@pytest.mark.root
def test_a_disk_without_room_is_said_and_healed(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 300_000)
    store = open_store(f"sqlite:///{small_disk}/controller.db")
    kept: list[str] = []

    def fill() -> None:
        for number in range(200):
            id = f"j{number}"
            store.write(lambda tx, id=id: tx.add_job(job(id), {**BIG, "ID": id}))
            kept.append(id)

    with pytest.raises(StoreUnavailable, match="make room"):
        fill()
    with pytest.raises(StoreUnavailable):
        store.write(lambda tx: tx.add_job(job("more"), BIG))
    assert kept
    with store.read() as view:
        assert sorted(view.jobs([*kept, "more", f"j{len(kept)}"])) == sorted(kept)
    ballast.unlink()
    store.write(lambda tx: tx.add_job(job("after"), {}))
    store.close()
    store = open_store(f"sqlite:///{small_disk}/controller.db")
    with store.read() as view:
        assert sorted(view.jobs([*kept, "after"])) == sorted([*kept, "after"])
        assert {view.environment(id)["ID"] for id in kept} == set(kept)
    store.close()


def test_a_database_that_another_program_locks(path: Path) -> None:
    database = SqliteDatabase(str(path), busy_seconds=0.05)
    bring_up_to_date(database, migrate=True)
    store = SqlStore(database, LANGUAGE)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    futures = [store.submit(lambda tx, id=f"j{n}": tx.add_job(job(id), {})) for n in range(3)]
    for future in futures:
        assert isinstance(future.exception(5), StoreUnavailable)
    assert total(store) == 0, "readers do not wait for it"
    other.execute("ROLLBACK")
    other.close()
    store.write(lambda tx: tx.add_job(job(), {}))
    assert total(store) == 1
    store.close()


def test_opened_twice_in_one_process_it_keeps_its_locks(store: Store, path: Path) -> None:
    """Else the next program that lets go of the file takes the log away, as nobody seems to use it."""
    store.write(lambda tx: tx.add_job(job(), {}))
    open_store(f"sqlite:///{path}").close()
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM jobs').fetchall()"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=30)
    assert path.with_name("controller.db-wal").exists()
    store.write(lambda tx: tx.add_job(job("b"), {}))
    other = open_store(f"sqlite:///{path}")
    try:
        assert total(other) == total(store) == 2
    finally:
        other.close()


def test_a_database_that_was_replaced_is_noticed_before_anything_is_written(store: Store, path: Path) -> None:
    store.write(lambda tx: tx.add_job(job("j1"), {}))
    assert total(store) == 1
    store.backup(f"{path}.copy")
    aside = path.rename(path.with_name("aside.db"))
    with pytest.raises(StoreUnavailable, match="moved or replaced"):
        store.write(lambda tx: tx.add_job(job("j2"), {}))
    with pytest.raises(StoreUnavailable):
        total(store)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    shutil.copy(f"{path}.copy", path)
    store.write(lambda tx: tx.add_job(job("j3"), {}))
    with store.read() as view:
        assert sorted(view.jobs(["j1", "j2", "j3"])) == ["j1", "j3"]


# ------------------------------------------------------------- the last line of defence


def test_the_database_itself_refuses_a_gpu_in_two_leases(store: Store, path: Path) -> None:
    store.write(lambda tx: tx.take_lease(lease("t1")))
    with sqlite3.connect(path) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO lease_gpus (node, gpu, token) VALUES ('n1', 'GPU-1', 't2')")
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lease_gpus SET milli = milli + 401",
        "UPDATE lease_gpus SET milli = milli - 600",
        "INSERT INTO lease_gpus (node, gpu, token) VALUES ('n1', 'GPU-1', 't2')",
    ],
)
def test_the_database_itself_refuses_to_share_more_than_there_is(
    store: Store, path: Path, statement: str
) -> None:
    store.write(lambda tx: tx.take_lease(lease("t1", milli=600)))
    with sqlite3.connect(path) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()


def test_what_only_the_database_finds_is_laid_at_the_right_works_door(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the check of the code wrong, the key of the table would still keep all but that work."""
    from sentinel.drivers.stores.sql.transaction import SqlTransaction

    store.write(lambda tx: tx.take_lease(lease("t1", "GPU-1")))
    monkeypatch.setattr(SqlTransaction, "_taken", lambda *_: ("", 0))
    held = threading.Event()
    store.submit(lambda _tx: held.wait(5))
    futures = [
        store.submit(lambda tx: tx.add_job(job("j1"), {})),
        store.submit(lambda tx: [tx.add_job(job("j2"), {}), tx.take_lease(lease("t2", "GPU-1"))]),
        store.submit(lambda tx: [tx.add_job(job("j3"), {}), tx.take_lease(lease("t3", "GPU-3"))]),
        store.submit(lambda tx: [tx.add_job(job("j4"), {}), tx.take_lease(lease("t4", "GPU-3"))]),
    ]
    held.set()
    errors = [future.exception(5) for future in futures]
    assert (errors[0], errors[2]) == (None, None)
    assert isinstance(errors[1], StoreConflict)
    assert isinstance(errors[3], StoreConflict)
    with store.read() as view:
        assert sorted(view.jobs(["j1", "j2", "j3", "j4"])) == ["j1", "j3"]
        assert [each.token for each in view.leases()] == ["t1", "t3"]
        assert view.count_jobs(JobFilter()) == {JobState.QUEUED: 2}


@pytest.mark.parametrize("reason", ["\ud800", "fine"])
def test_text_that_cannot_be_kept_is_its_works_fault_alone(store: Store, reason: str) -> None:
    held = threading.Event()
    store.submit(lambda _tx: held.wait(5))
    good = store.submit(lambda tx: tx.add_job(job("j1"), {}))
    bad = store.submit(lambda tx: tx.add_job(job("j2", reason=reason), {}))
    held.set()
    assert good.exception(5) is None
    assert isinstance(bad.exception(5), UsageError) == (reason != "fine")
    with pytest.raises(UsageError), store.read() as view:
        view.find_jobs(JobFilter(owner="\ud800"), Page())
    assert total(store) == 1 + (reason == "fine")


# ------------------------------------------------------------------------------- speed


QUEUED = JobFilter(states=(JobState.QUEUED, JobState.RUNNING))
PLANS = {
    "by prefix": (lambda sql: sql.find_jobs(JobFilter(id_prefix="ab"), Page()), "(id>? AND id<?)"),
    "newest": (lambda sql: sql.find_jobs(JobFilter(), Page()), "jobs_by_time"),
    "next page": (
        lambda sql: sql.find_jobs(JobFilter(), Page(after="1.0~a")),
        "jobs_by_time ((submitted_at,id)<(?,?))",
    ),
    "mine": (lambda sql: sql.find_jobs(JobFilter(owner="ann"), Page()), "jobs_by_owner (owner=?)"),
    "live": (lambda sql: sql.find_jobs(QUEUED, Page()), "jobs_live (live=?)"),
    "count of live": (lambda sql: sql.count_jobs(QUEUED), "jobs_live (live=?)"),
    "an array's": (lambda sql: sql.find_jobs(JobFilter(array="a"), Page()), "jobs_by_array (array_id=?)"),
    "a gang's": (lambda sql: sql.find_jobs(JobFilter(part_of="g"), Page()), "jobs_by_gang (part_of=?)"),
    "who waits": (lambda sql: sql.waiters, "PRIMARY KEY (waits_for=?)"),
    "changed documents": (lambda sql: sql.changed_documents, "documents_by_revision (revision>?)"),
    "freed shares": (lambda sql: sql.shares_among, "leases_1 (token=?)"),
    "first look": (lambda sql: sql.changed_live_jobs, "jobs_live (live=?)"),
    "changes": (lambda sql: sql.changed_jobs, "jobs_by_revision (revision>?)"),
    "changed nodes": (lambda sql: sql.changed_nodes, "nodes_by_revision (revision>?)"),
    "a job's events": (
        lambda sql: sql.events(tenant=False, subject=True, types=False, newest=True),
        "events_by_subject (subject=? AND id>?)",
    ),
    "new events": (
        lambda sql: sql.events(tenant=True, subject=False, types=True, newest=False),
        "USING INTEGER PRIMARY KEY (rowid>?)",
    ),
    "old events": (lambda sql: sql.forget_events, "events_by_time (time<?)"),
    "a token's owner": (lambda sql: sql.token_by_hash, "(secret_sha256=?)"),
}


@pytest.mark.parametrize(("statement", "by"), PLANS.values(), ids=PLANS)
def test_what_is_asked_often_is_found_by_an_index(
    store: Store, path: Path, statement: Callable[[Statements], Statement], by: str
) -> None:
    wanted = statement(statements_of(LANGUAGE))
    values = dict.fromkeys(re.findall(r":(\w+)", wanted.sql), "[]") | {"limit": 9} | dict(wanted.fixed)
    with sqlite3.connect(path) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {wanted.sql}", values).fetchall()
    connection.close()
    assert by in " ".join(step[3] for step in plan)
