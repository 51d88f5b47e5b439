"""The bell: it wakes the others, and never itself, blocks nobody and survives the dead."""

import select
import socket
import time
from pathlib import Path

from sentinel.core.bell import Bell


def test_it_wakes_all_others_and_not_the_one_who_rang(tmp_path: Path) -> None:
    bells = [Bell(tmp_path) for _ in range(3)]
    try:
        bells[0].ring()
        ready = select.select([bell.fileno() for bell in bells], [], [], 0)[0]
        assert ready == [bells[1].fileno(), bells[2].fileno()]
        assert [bell.drain() for bell in bells] == [False, True, True]
        assert not bells[1].drain()
    finally:
        for bell in bells:
            bell.close()


def test_many_rings_never_block_and_are_heard(tmp_path: Path) -> None:
    one, other = Bell(tmp_path), Bell(tmp_path)
    for _ in range(5000):
        one.ring()
    assert other.drain() and not other.drain()
    one.close()
    other.close()


def test_a_deep_folder_is_no_trouble(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    one, other = Bell(deep), Bell(deep)
    one.ring()
    assert other.drain()
    one.close()
    other.close()


def test_what_the_dead_left_behind_is_taken_away(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    dead.bind(str(tmp_path / "9-9.bell"))
    dead.close()
    bell = Bell(tmp_path)
    bell.ring()
    assert not (tmp_path / "9-9.bell").exists()
    bell.close()


def test_who_comes_later_is_heard_of(tmp_path: Path) -> None:
    one = Bell(tmp_path)
    one.ring()
    time.sleep(0.02)  # the clock of file systems is coarse
    later = Bell(tmp_path)
    one.ring()
    assert later.drain()
    later.close()
    one.ring()
    one.close()


def test_closing_takes_the_socket_away_and_ringing_goes_on(tmp_path: Path) -> None:
    one, other = Bell(tmp_path), Bell(tmp_path)
    other.close()
    other.close()
    one.ring()
    assert len(list(tmp_path.iterdir())) == 1
    one.close()


def test_ringing_after_the_folder_went_away_is_harmless(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    bell = Bell(folder)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    bell.ring()
    bell.close()
