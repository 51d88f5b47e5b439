"""Logs on the controller: what is sent twice, late, with holes or maliciously."""

import os
import stat
from pathlib import Path

import pytest

from sentinel.api import log_store
from sentinel.api.log_store import LogDiskFull, LogSize, LogStore
from sentinel.core.errors import UsageError


@pytest.fixture
def logs(tmp_path: Path) -> LogStore:
    return LogStore(tmp_path / "logs", reserve=0)


def test_appending_and_reading(logs: LogStore) -> None:
    assert logs.size("job1", 1) is None and logs.read("job1", 1, 0, 10) == (0, b"")
    assert logs.append("job1", 1, 0, b"hello ") == 6
    assert logs.append("job1", 1, 6, b"world") == 11
    assert logs.read("job1", 1, 3, 5) == (3, b"lo wo")
    assert logs.read("job1", 1, 11, 5) == (11, b"")
    assert logs.size("job1", 1) == LogSize(size=11, complete=False)


def test_what_is_sent_twice_is_there_once(logs: LogStore) -> None:
    logs.append("job1", 1, 0, b"abcdef")
    assert logs.append("job1", 1, 0, b"XXXX") == 6
    assert logs.append("job1", 1, 4, b"YYghi") == 9
    assert logs.read("job1", 1, 0, 100) == (0, b"abcdefghi")


def test_a_gap_is_a_hole(logs: LogStore, tmp_path: Path) -> None:
    logs.append("job1", 1, 0, b"begin")
    assert logs.append("job1", 1, 50_000_000, b"end") == 50_000_003
    assert logs.read("job1", 1, 4, 3) == (4, b"n\0\0")
    assert (tmp_path / "logs" / "job1" / "1.log").stat().st_blocks * 512 < 1_000_000
    assert logs.append("job1", 1, 60_000_000, b"") == 60_000_000


def test_the_last_word_makes_it_complete_and_may_be_empty(logs: LogStore) -> None:
    assert logs.append("job1", 1, 0, b"", complete=True) == 0
    assert logs.size("job1", 1) == LogSize(size=0, complete=True)
    logs.append("job1", 2, 0, b"x")
    assert logs.append("job1", 2, 1, b"", complete=True) == 1
    assert logs.append("job1", 2, 0, b"x", complete=True) == 1
    assert logs.size("job1", 2) == LogSize(size=1, complete=True)


def test_files_are_nobody_elses(logs: LogStore, tmp_path: Path) -> None:
    logs.append("job1", 1, 0, b"x")
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "logs" / "job1" / "1.log").stat().st_mode) == 0o600


@pytest.mark.parametrize("job", ["4k2m9x0dvh.1.0", "4k2m9x0dvh_17"])
def test_parts_of_gangs_and_tasks_of_arrays_have_logs_of_their_own(logs: LogStore, job: str) -> None:
    assert logs.append(job, 1, 0, b"abc") == 3
    assert logs.read(job, 1, 0, 10) == (0, b"abc") and logs.attempts(job) == [1]
    assert logs.size("4k2m9x0dvh", 1) is None


@pytest.mark.parametrize(
    "job",
    [
        "",
        "..",
        "a/b",
        "../x",
        "JOB",
        "a" * 65,
        "x\0",
        "é",
        ".",
        "a.",
        ".1",
        "a..1",
        "a.b",
        "a_",
        "a.1.2.3",
        "_1",
    ],
)
def test_no_way_out_of_the_folder(logs: LogStore, job: str) -> None:
    for ask in (logs.size, logs.attempts):
        with pytest.raises(UsageError):
            ask(job, 1) if ask == logs.size else ask(job)
    with pytest.raises(UsageError):
        logs.append(job, 1, 0, b"x")


@pytest.mark.parametrize(("attempt", "offset"), [(0, 0), (-1, 0), (1, -1), (1, 1 << 60)])
def test_numbers_that_cannot_be(logs: LogStore, attempt: int, offset: int) -> None:
    with pytest.raises(UsageError):
        logs.append("job1", attempt, offset, b"x")


def test_a_link_is_not_followed(logs: LogStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "logs" / "job1").mkdir()
    (tmp_path / "logs" / "job1" / "1.log").symlink_to(tmp_path / "secret")
    with pytest.raises(Exception, match="symbolic links"):
        logs.append("job1", 1, 0, b"x")
    assert (tmp_path / "secret").read_text() == "secret"


def test_attempts(logs: LogStore) -> None:
    for attempt in (10, 2, 1):
        logs.append("job1", attempt, 0, b"x")
    assert logs.attempts("job1") == [1, 2, 10] and logs.attempts("job2") == []


def test_a_log_that_is_too_big_loses_its_middle(tmp_path: Path) -> None:
    logs = LogStore(tmp_path, most_each=1 << 20, reserve=0)
    piece = bytes(range(1, 256)) * 257  # 65,535 bytes, none of them zero
    for number in range(64):
        logs.append("job1", 1, number * len(piece), piece)
    found = logs.size("job1", 1)
    assert found is not None and found.size == 64 * len(piece)
    assert (tmp_path / "job1" / "1.log").stat().st_blocks * 512 <= 1 << 20
    assert logs.read("job1", 1, 0, 65_535) == (0, piece)
    assert logs.read("job1", 1, 63 * len(piece), len(piece)) == (63 * len(piece), piece)
    at, data = logs.read("job1", 1, 20 * len(piece), 10)
    assert at > 20 * len(piece) and len(data) == 10 and data != b"\0" * 10


def test_the_oldest_of_ended_jobs_go_first(tmp_path: Path) -> None:
    logs = LogStore(tmp_path, most_bytes=320_000, reserve=0)
    for number, job in enumerate(("a1", "b2", "c3", "d4", "e5")):
        logs.append(job, 1, 0, b"x" * 100_000)
        os.utime(tmp_path / job / "1.log", (number, number))
    asked: list[list[str]] = []

    def ended(jobs: object) -> set[str]:
        asked.append(list(jobs))  # type: ignore[call-overload]
        return {"a1", "c3", "d4", "e5"}

    assert logs.purge(ended, batch=2) == ["a1", "c3"]
    assert asked == [["a1", "b2"], ["c3", "d4"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b2", "d4", "e5"]
    assert logs.purge(ended) == []


def test_a_full_disk_is_said_and_leaves_the_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)

    class Full:
        f_bavail, f_blocks, f_frsize = 10, real.f_blocks, 4096

    monkeypatch.setattr(log_store.os, "statvfs", lambda path: Full)
    logs = LogStore(tmp_path)
    with pytest.raises(LogDiskFull, match="nearly full"):
        logs.append("job1", 1, 0, b"x")
    assert logs.append("job1", 1, 0, b"", complete=True) == 0  # that needs no room
