"""Logs: what is cut out of them, where that cannot be done, and what is removed when."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.supervisor.logs import KEPT_SECONDS, Cut, Logs, cut

CAP = 1024 * 1024
KIB = 1024


@given(st.integers(0, 10**9), st.integers(64 * KIB, 10**9))
def test_a_cut_keeps_the_beginning_and_the_newest(size: int, cap: int) -> None:
    found = cut(size, size, cap)
    if size <= cap:
        assert found is None
    elif found is not None:
        assert found.start >= cap // 8
        assert found.start % 4096 == 0
        assert size - (found.start + found.length) >= cap * 5 // 8
        assert size - found.length <= cap


def test_what_is_cut_out_already_does_not_count() -> None:
    assert cut(100 * CAP, CAP // 2, CAP) is None


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path / "logs", cap=CAP, total=4 * CAP)


def write(logs: Logs, job: str, data: bytes) -> Path:
    fd = logs.open(job, 1, None)
    os.write(fd, data)
    path = Path(f"/proc/self/fd/{fd}").readlink()
    os.close(fd)
    return path


def test_a_log_over_the_cap_loses_its_middle_and_no_offset(logs: Logs) -> None:
    data = b"".join(b"%07d\n" % number for number in range(400_000))
    path = write(logs, "j", data)
    logs.keep_small("j", 1)
    found = path.read_bytes()
    assert len(found) == len(data)
    assert path.stat().st_blocks * 512 <= CAP
    assert found[: CAP // 8] == data[: CAP // 8]
    assert found[-CAP // 2 :] == data[-CAP // 2 :]
    middle = slice(CAP // 8 + 4096, len(data) - CAP * 5 // 8 - 4096)
    assert set(found[middle]) == {0}


def test_appending_goes_on_behind_the_hole(logs: Logs) -> None:
    path = write(logs, "j", b"x" * (2 * CAP))
    logs.keep_small("j", 1)
    write(logs, "j", b"after")
    assert path.stat().st_size == 2 * CAP + 5
    assert path.read_bytes().endswith(b"xafter")


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOSYS])
def test_where_no_hole_can_be_punched_all_but_the_beginning_goes(tmp_path: Path, number: int) -> None:
    def cannot(_fd: int, _start: int, _length: int) -> None:
        raise OSError(number, os.strerror(number))

    logs = Logs(tmp_path / "logs", cap=CAP, punch=cannot)
    path = write(logs, "j", b"x" * (3 * CAP))
    logs.keep_small("j", 1)
    found = path.read_bytes()
    assert len(found) == 3 * CAP
    assert found[: CAP // 8] == b"x" * (CAP // 8)
    assert set(found[CAP // 8 :]) == {0}
    assert path.stat().st_blocks * 512 < CAP


def test_a_log_that_did_not_grow_is_not_looked_into(tmp_path: Path) -> None:
    cuts: list[Cut] = []
    logs = Logs(tmp_path / "logs", cap=CAP, punch=lambda _fd, start, length: cuts.append(Cut(start, length)))
    write(logs, "j", b"x" * (2 * CAP))
    logs.keep_small("j", 1)
    logs.keep_small("j", 1)
    assert len(cuts) == 1
    write(logs, "j", b"x")
    logs.keep_small("j", 1)
    assert len(cuts) == 2


def test_only_its_owner_can_read_a_log(logs: Logs) -> None:
    path = write(logs, "j", b"x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_link_in_the_folder_is_not_followed(logs: Logs, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    (tmp_path / "logs/j.1.log").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic"):
        logs.open("j", 1, None)


def test_old_logs_of_forgotten_attempts_go(logs: Logs) -> None:
    old, kept, new = (write(logs, job, b"x") for job in ("old", "kept", "new"))
    for path in (old, kept):
        os.utime(path, (1000.0, 1000.0))
    os.utime(new, (1000.0 + KEPT_SECONDS, 1000.0 + KEPT_SECONDS))
    logs.sweep([("kept", 1)], 1001.0 + KEPT_SECONDS)
    assert not old.exists()
    assert kept.exists()
    assert new.exists()


def test_the_oldest_go_while_all_together_hold_too_much(logs: Logs) -> None:
    paths = [write(logs, f"j{number}", b"x" * CAP) for number in range(6)]
    for number, path in enumerate(paths):
        os.utime(path, (1000.0 + number, 1000.0 + number))
    logs.sweep([("j0", 1)], 1010.0)
    assert [path.exists() for path in paths] == [True, False, False, True, True, True]
