"""Minutes in files: there after a restart, bounded, and no end of anything when the disk is full or bad."""

import io
from pathlib import Path

import pytest
from tests.agent.record.rows import NODE, minute
from tests.faults.stores.site import fill, small_disk

from sentinel.agent.record import spool as spools
from sentinel.agent.record.minute import batch_of
from sentinel.agent.record.spool import MOST_ASIDE, Spool
from sentinel.core.notify import Journal
from sentinel.core.sample_batch import encode


class Site:
    def __init__(self, folder: Path, **more: int) -> None:
        self.folder = folder / "samples"
        self.written = io.StringIO()
        self.spool = Spool(folder, Journal(self.written), **more)
        self.newest = self.spool.open()

    def put(self, *sequences: int) -> None:
        for sequence in sequences:
            self.spool.put(sequence, data(sequence))

    def files(self) -> list[int]:
        return sorted(int(one.name) for one in self.folder.iterdir() if one.name.isdecimal())

    def drain(self) -> list[int]:
        """What it gives, in its order."""
        given: list[int] = []
        while (found := self.spool.oldest()) is not None:
            sequence, raw = found
            assert raw == data(sequence)
            given.append(sequence)
            self.spool.done(sequence)
        return given


def data(sequence: int) -> bytes:
    return encode(batch_of(minute(sequence), NODE))


def test_first_in_first_out_and_over_a_restart(tmp_path: Path) -> None:
    site = Site(tmp_path)
    assert site.newest == -1 and site.spool.oldest() is None
    site.put(9, 10, 11)
    assert (site.folder.stat().st_mode & 0o777, (site.folder / "9").stat().st_mode & 0o777) == (0o700, 0o600)
    again = Site(tmp_path)
    assert (again.newest, len(again.spool)) == (11, 3)
    again.put(12)
    assert again.drain() == [9, 10, 11, 12]
    assert again.files() == [] and len(again.spool) == 0


def test_what_an_agent_that_was_killed_left_half_written_goes(tmp_path: Path) -> None:
    Site(tmp_path).put(5)
    (tmp_path / "samples/.6.new").write_bytes(b"half")
    (tmp_path / "samples/notes.txt").write_text("somebody's")
    (tmp_path / "samples" / ("9" * 30)).write_text("no number of ours")
    site = Site(tmp_path)
    assert site.newest == 5 and site.drain() == [5]
    assert sorted(one.name for one in site.folder.iterdir()) == ["9" * 30, "notes.txt"]


@pytest.mark.parametrize("damage", [b"", b"noise", data(6)[:-5]])
def test_a_damaged_one_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    site = Site(tmp_path)
    site.put(5, 6, 7)
    (site.folder / "6").write_bytes(damage)
    assert site.drain() == [5, 7]
    assert (site.folder / "aside/6").read_bytes() == damage
    assert "is not sent" in site.written.getvalue() and "aside/6" in site.written.getvalue()


def test_one_that_vanished_is_said(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.put(5, 6)
    (site.folder / "5").unlink()
    assert site.drain() == [6]
    assert "is lost" in site.written.getvalue()


def test_only_so_many_are_set_aside(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for nth in range(MOST_ASIDE + 5):
        site.spool.set_aside(nth, b"refused", "no")
    there = sorted(int(one.name) for one in (site.folder / "aside").iterdir())
    assert there == list(range(5, MOST_ASIDE + 5))


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    site = Site(tmp_path, most_bytes=5 * len(data(1)) + 20)
    site.put(*range(20))
    assert site.files() == list(range(15, 20))
    assert site.written.getvalue().count("the oldest go") == 1, "it is said once"
    site.drain()
    site.put(*range(30, 40))
    assert site.written.getvalue().count("the oldest go") == 2, "and once more the next time"


def test_what_is_older_than_two_days_goes(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.put(100, 200, 100 + 48 * 60)
    assert site.files() == [200, 100 + 48 * 60]
    site.put(200 + 48 * 60)
    assert site.files() == [100 + 48 * 60, 200 + 48 * 60]


def test_all_of_it_goes(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.put(1, 2, 3)
    site.spool.clear()
    assert site.files() == [] and site.spool.oldest() is None


@pytest.mark.root
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "small", "1m") as mount:
        site = Site(mount)
        site.put(1)
        ballast = fill(mount)
        site.put(2, 3)
        assert site.files() == [1] and len(site.spool) == 3
        assert site.written.getvalue().count("make room") == 1
        monkeypatch.setattr(spools, "MOST_IN_MEMORY", 3 * len(data(4)) + 20)
        site.put(4, 5)
        assert len(site.spool) == 4, "the oldest in memory went"
        ballast.unlink()
        site.put(6)
        assert site.files() == [1, 3, 4, 5, 6]
        assert "well again" in site.written.getvalue()
        assert site.drain() == [1, 3, 4, 5, 6]


def test_a_folder_that_cannot_be_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("a file is in its place")
    site = Site(tmp_path)
    site.put(1, 2)
    site.spool.set_aside(3, b"x", "refused")
    assert site.drain() == [1, 2]
    assert "in memory" in site.written.getvalue() and "is lost" in site.written.getvalue()
