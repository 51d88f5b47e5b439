import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.drivers.kernel_log import log_file
from sentinel.drivers.kernel_log.log_file import LONGEST, LogFile, open_log_file
from sentinel.ports.kernel_log import Lines, Unavailable

XID = b"[1.0] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."


def opened(path: Path, *wanted: bytes, follow: bool = False) -> LogFile:
    log = open_log_file(str(path), wanted=wanted, follow=follow)
    assert isinstance(log, LogFile), log
    return log


def whole(log: LogFile) -> tuple[list[bytes], str | None]:
    found: list[bytes] = []
    lost: str | None = None
    while True:
        got = log.read()
        found += got.lines
        lost = got.lost or lost
        if not got.more:
            log.close()
            return found, lost


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\r\n\n" + XID)
    assert whole(opened(path)) == ([b"one", b"", XID], None)
    assert whole(opened(path, b"Xid")) == ([XID], None)


def test_gzip_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(gzip.compress(b"noise\n" * 1000 + XID + b"\n"))
    assert whole(opened(path, b"Xid")) == ([XID], None)


def test_a_cut_off_gzip_gives_what_there_is_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    noise = b"".join(os.urandom(30).hex().encode() + b"\n" for _ in range(40_000))
    path.write_bytes(gzip.compress(XID + b"\n" + noise)[:-2000])
    found, lost = whole(opened(path, b"Xid"))
    assert found == [XID]
    assert lost is not None
    assert "damaged" in lost


def test_what_is_no_log_file_says_what_to_do(tmp_path: Path) -> None:
    packed, pipe = tmp_path / "log.zst", tmp_path / "pipe"
    packed.write_bytes(b"\x28\xb5\x2f\xfd\x00")
    os.mkfifo(pipe)
    for path, said in (
        (packed, "zstd -d"),
        (pipe, "no regular file"),
        (tmp_path, "no regular file"),
        (tmp_path / "missing", "journalctl -k > FILE"),
    ):
        got = open_log_file(str(path))
        assert isinstance(got, Unavailable)
        assert said in got.why
        assert str(path) in got.why


def test_a_very_long_line_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"Xid" + b"x" * 3_000_000 + b"\n" + XID + b"\n" + b"y" * 3_000_000)
    found, lost = whole(opened(path))
    assert [len(line) for line in found] == [LONGEST + 1, len(XID), LONGEST + 1]
    assert lost is None
    assert whole(opened(path, b"Xid"))[0] == [found[0], XID]


def test_a_followed_file_waits_for_the_end_of_its_line(tmp_path: Path) -> None:
    path = tmp_path / "kern.log"
    path.write_bytes(XID[:20])
    log = opened(path, b"Xid", follow=True)
    assert log.read() == Lines()
    with path.open("ab") as file:
        file.write(XID[20:] + b"\n")
    assert log.read().lines == (XID,)
    log.close()


@pytest.mark.parametrize("how", ["rotated", "cut down"])
def test_a_followed_file_that_begins_anew_is_read_from_its_beginning(tmp_path: Path, how: str) -> None:
    path = tmp_path / "kern.log"
    path.write_bytes(b"before, and of some length Xid\n")
    log = opened(path, b"Xid", follow=True)
    assert len(log.read().lines) == 1
    if how == "rotated":
        path.rename(tmp_path / "kern.log.1")
    path.write_bytes(b"a new Xid\n")
    first = log.read()
    assert first.more
    assert first.lost is None
    assert log.read().lines == (b"a new Xid",)
    log.close()


@given(
    lines=st.lists(
        st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"").replace(b"\r", b"")), max_size=30
    ),
    piece=st.integers(1, 64),
)
def test_every_line_comes_once_wherever_the_pieces_end(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], piece: int
) -> None:
    path = tmp_path_factory.mktemp("pieces") / "log"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    if path.read_bytes()[:2] == b"\x1f\x8b" or any(path.read_bytes().startswith(m) for m in log_file._OTHERS):
        return
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(log_file, "_PIECE", piece)
        assert whole(opened(path))[0] == lines
        assert whole(opened(path, b"\x00", b"a"))[0] == [
            one for one in lines if b"\x00" in one or b"a" in one
        ]
