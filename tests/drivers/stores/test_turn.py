"""Turns at writing: one at a time, nobody left out, nobody waits for ever, and the dead hold nothing."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel.core.clock import boottime
from sentinel.core.errors import StoreUnavailable
from sentinel.drivers.stores.sql.turn import Turn


class Time:
    """Goes on only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def lock(tmp_path: Path) -> str:
    return str(tmp_path / "db.lock")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def turn(lock: str, time: Time) -> Iterator[Turn]:
    made = Turn(lock, seconds=2.0, clock=time.clock, sleep=time.sleep)
    yield made
    made.close()


def test_the_second_waits_for_a_while_and_says_what_to_do(lock: str, turn: Turn, time: Time) -> None:
    other = Turn(lock, seconds=2.0, clock=time.clock, sleep=time.sleep)
    turn.take()
    with pytest.raises(StoreUnavailable, match=r"db\.lock for more than 2 s.*fuser"):
        other.take()
    assert 2.0 < sum(time.slept) < 2.1
    assert time.slept[0] < 0.001
    turn.give()
    time.slept.clear()
    other.take()
    assert time.slept == []
    other.close()
    turn.take()


def test_whoever_waits_is_next(lock: str, turn: Turn) -> None:
    """The one that writes all the time cannot take its turn again before the one that waits has had its."""
    order: list[str] = []
    waits = threading.Event()

    def sleep(_seconds: float) -> None:
        waits.set()

    def second() -> None:
        other = Turn(lock, seconds=20.0, clock=boottime, sleep=sleep)
        other.take()
        order.append("second")
        other.close()

    turn.take()
    thread = threading.Thread(target=second)
    thread.start()
    assert waits.wait(5)
    busy = Turn(lock, seconds=20.0, clock=boottime, sleep=lambda _seconds: None)
    turn.give()
    busy.take()
    order.append("first again")
    thread.join(5)
    busy.close()
    assert order == ["second", "first again"]


def test_the_dead_hold_nothing(lock: str, turn: Turn) -> None:
    code = (
        "import sys, time; from sentinel.core.clock import boottime; "
        "from sentinel.drivers.stores.sql.turn import Turn; "
        "Turn(sys.argv[1], seconds=1, clock=boottime, sleep=time.sleep).take(); "
        "print('has it', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == "has it\n"
        with pytest.raises(StoreUnavailable):
            turn.take()
        holder.send_signal(signal.SIGKILL)
        holder.wait(5)
    turn.take()


def test_the_file_is_its_owners_and_closing_is_idempotent(lock: str, turn: Turn) -> None:
    assert Path(lock).stat().st_mode & 0o777 == 0o600
    turn.give()
    turn.take()
    turn.close()
    turn.close()
