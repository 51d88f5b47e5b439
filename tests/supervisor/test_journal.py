"""The journal on a disk that is torn, full and broken, and the book that is kept by it."""

import errno
import json
import os
from pathlib import Path

import pytest

from sentinel.supervisor import journal as journal_module
from sentinel.supervisor.attempts import Attempt, Ends, Phase, Refused, Runs, Starting, Stop, Waiting
from sentinel.supervisor.book import MOST_GONE, Book
from sentinel.supervisor.journal import Journal, read_journal
from sentinel.supervisor.records import attempt_from

RUNS = Runs(pid=7, began=100.0, by=100.1, started_at=1e9)


def attempt(token: str, phase: Phase | None = None, fence_at: float | None = None) -> Attempt:
    return Attempt(
        job=f"job-{token}",
        attempt=1,
        token=token,
        gpus=("G",),
        grace=5.0,
        time_limit=None,
        fence_at=fence_at,
        phase=phase or Starting(),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def book(path: Path) -> Book:
    new = Book(Journal(path, "boot"))
    assert new.settle()
    return new


def reread(path: Path) -> dict[str, Attempt]:
    found = read_journal(path)
    assert found.boot_id == "boot"
    assert found.unreadable == 0
    return {token: attempt_from(fields) for token, fields in found.attempts.items()}


def told(book: Book) -> list[tuple[str, str]]:
    return [(e["token"], e["event"]) for e in map(json.loads, book.flush())]


class Disk:
    """What the disk does from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: int | None = None
        self.syncs = True
        self._write, self._sync = os.write, os.fdatasync
        monkeypatch.setattr(journal_module.os, "write", self.write)
        monkeypatch.setattr(journal_module.os, "fdatasync", self.sync)
        monkeypatch.setattr(journal_module, "replace_file", self.replace)
        self._replace = _replace_file

    def write(self, fd: int, data: bytes) -> int:
        if self.room is not None:
            if self.room == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            data = data[: self.room]
            self.room -= len(data)
        return self._write(fd, data)

    def sync(self, fd: int) -> None:
        if not self.syncs:
            raise OSError(errno.EIO, "Input/output error")
        self._sync(fd)

    def replace(self, path: Path, data: bytes) -> None:
        if self.room is not None:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._replace(path, data)


def _replace_file(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_what_was_begun_is_in_the_file_before_anything_is_flushed(book: Book, path: Path) -> None:
    assert book.begin([attempt("a"), attempt("b")])
    assert {token: type(one.phase) for token, one in reread(path).items()} == {"a": Starting, "b": Starting}


def test_a_successor_reads_what_was_told(book: Book, path: Path) -> None:
    book.begin([attempt("a"), attempt("b"), attempt("c", fence_at=50.0)])
    book.move("a", RUNS)
    book.move("a", Stop(why="canceled", kill_at=120.0))
    book.move("b", RUNS)
    book.move("b", Ends(exit_code=3))
    book.renew({"c": 80.0, "a": 99.0, "nobody": 1.0})
    assert told(book) == [
        *[("a", "starting"), ("b", "starting"), ("c", "starting")],
        *[("a", "running"), ("b", "running"), ("b", "exited")],
    ]
    assert reread(path) == book.attempts
    assert book.attempts["c"].fence_at == 80.0
    assert book.attempts["a"].fence_at is None  # it never asked to be fenced


def test_a_time_once_told_is_not_taken_back(book: Book) -> None:
    book.begin([attempt("c", fence_at=50.0)])
    book.renew({"c": 40.0})
    assert book.attempts["c"].fence_at == 50.0


def test_only_what_ended_is_forgotten_and_its_end_is_told_again(book: Book, path: Path) -> None:
    book.begin([attempt("a"), attempt("b")])
    book.move("a", RUNS)
    book.move("a", Ends(exit_code=3))
    book.flush()
    assert [one.token for one in book.forget(["a", "b", "c"])] == ["a"]
    assert set(book.attempts) == {"b"}
    assert book.tell_again("a")
    assert not book.tell_again("never")
    assert [json.loads(line)["exit_code"] for line in book.flush()] == [3]
    assert set(reread(path)) == {"b"}
    assert read_journal(path).gone["a"]["exit_code"] == 3


def test_what_is_remembered_of_forgotten_ones_has_an_end(book: Book) -> None:
    for number in range(MOST_GONE + 10):
        book.take(attempt(f"t{number}", Refused(why="no")))
        book.forget([f"t{number}"])
    assert not book.tell_again("t9")
    assert book.tell_again("t10")


def test_waiting_is_on_no_disk(book: Book, path: Path) -> None:
    book.take(attempt("a", Waiting(why="for the arbiter")))
    assert told(book) == [("a", "waiting")]
    assert reread(path) == {}
    book.settle()
    assert reread(path) == {}
    book.move("a", Refused(why="busy"))
    assert told(book) == [("a", "refused")]
    assert reread(path) == book.attempts


def test_a_torn_last_line_is_as_if_it_had_not_been(book: Book, path: Path) -> None:
    book.begin([attempt("a")])
    book.move("a", RUNS)
    book.flush()
    whole = path.read_bytes()
    book.move("a", Ends(exit_code=0))
    book.flush()
    for length in range(len(whole), len(path.read_bytes()) - 1):
        torn = path.with_name("torn")
        torn.write_bytes(path.read_bytes()[:length])
        assert read_journal(torn).attempts["a"]["phase"] == "running"
        assert read_journal(torn).unreadable == 0


def test_a_line_that_is_none_is_left_out_and_counted(book: Book, path: Path) -> None:
    book.begin([attempt("a")])
    with path.open("ab") as file:
        file.write(b'\0\0\0\n{"token": "x", "fence_at": 1}\n[1]\n"token"\n')
    found = read_journal(path)
    assert set(found.attempts) == {"a"}
    assert found.unreadable == 4


def test_on_a_full_disk_nothing_is_begun_and_nothing_half_is_left(book: Book, path: Path, disk: Disk) -> None:
    book.begin([attempt("a")])
    before = path.read_bytes()
    disk.room = 10
    assert not book.begin([attempt("b")])
    assert "No space left" in book.journal.error
    assert path.read_bytes() == before
    assert set(book.attempts) == {"a"}
    disk.room = None
    assert book.begin([attempt("b")])
    assert set(reread(path)) == {"a", "b"}
    assert book.journal.error == ""


def test_ends_wait_in_memory_until_there_is_room_and_are_told_only_then(
    book: Book, path: Path, disk: Disk
) -> None:
    book.begin([attempt("a")])
    book.move("a", RUNS)
    book.flush()
    disk.room = 30
    book.move("a", Ends(exit_code=4))
    assert book.flush() == []
    assert [record["phase"] for record in book.records()] == ["running"]
    assert read_journal(path).attempts["a"]["phase"] == "running"
    disk.room = None
    assert told(book) == [("a", "exited")]
    assert [record["phase"] for record in book.records()] == ["exited"]
    assert reread(path) == book.attempts


def test_after_a_failed_flush_the_journal_is_written_anew(book: Book, path: Path, disk: Disk) -> None:
    book.begin([attempt("a")])
    disk.syncs = False
    assert book.flush() == []
    assert not book.begin([attempt("b")])
    path.write_bytes(b"")  # the kernel dropped it
    disk.syncs = True
    assert told(book) == [("a", "starting")]
    assert reread(path) == book.attempts


def test_a_large_journal_is_written_anew_without_what_was_forgotten(
    book: Book, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "LARGE", 5000)
    for number in range(60):
        book.begin([attempt(f"t{number}")])
        book.move(f"t{number}", RUNS)
        book.move(f"t{number}", Ends(exit_code=0))
        book.flush()
        book.forget([f"t{number}"])
        monkeypatch.setattr("sentinel.supervisor.book.MOST_GONE", 5)
    book.begin([attempt("last")])
    book.flush()
    assert path.stat().st_size < 10000
    assert set(reread(path)) >= {"last"}


def test_a_successor_without_room_goes_on_with_the_old_file(path: Path, disk: Disk) -> None:
    first = Book(Journal(path, "boot"))
    assert first.settle()
    first.begin([attempt("a")])
    first.move("a", RUNS)
    first.flush()
    with path.open("ab") as file:
        file.write(b'{"token": "b", "pha')
    disk.room = 0
    second = Book(Journal(path, "boot"))
    second.restore(attempt_from(read_journal(path).attempts["a"]))
    assert not second.settle()
    second.go_on()
    second.move("a", Ends(exit_code=0))
    assert second.flush() == []
    disk.room = None
    assert told(second) == [("a", "exited")]
    assert reread(path) == second.attempts


def test_each_deadline_is_told_once_and_again_when_it_moves(book: Book) -> None:
    book.begin([attempt("a", fence_at=50.0)])
    book.move("a", RUNS)
    for until in range(60, 200, 10):
        book.renew({"a": float(until)})
    assert book.next_deadline() == 50.0
    assert list(book.due(55.0)) == []
    assert book.next_deadline() == 190.0
    assert [one.token for one in book.due(190.0)] == ["a"]
    assert book.next_deadline() is None
