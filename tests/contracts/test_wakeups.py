"""What every source of hints owes its port, run against each: the fake, inotify, the process connector."""

import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.wakeups import FakeWakeups

from sentinel.drivers.wakeups.inotify import watch_device_nodes
from sentinel.drivers.wakeups.netlink import listen_to_processes
from sentinel.ports.wakeups import Hint, Unavailable, Wakeups


@dataclass
class Case:
    """`stir` makes something happen and says how to recognize it. `alone`: nobody else stirs it."""

    source: Wakeups
    stir: Callable[[], Callable[[Hint], bool]]
    alone: bool = True


def fake(_folder: Path) -> Case:
    source = FakeWakeups()

    def stir() -> Callable[[Hint], bool]:
        source.tell(Hint(opened=frozenset({"nvidia0"}), opens=1))
        return lambda hint: "nvidia0" in hint.opened

    return Case(source, stir)


def inotify(folder: Path) -> Case:
    node = folder / "nvidia0"
    node.touch()
    source = watch_device_nodes(str(folder))
    assert not isinstance(source, Unavailable), source

    def stir() -> Callable[[Hint], bool]:
        node.read_bytes()
        return lambda hint: "nvidia0" in hint.opened

    return Case(source, stir)


def netlink(_folder: Path) -> Case:
    source = listen_to_processes()
    if isinstance(source, Unavailable):
        pytest.skip(source.why)

    def stir() -> Callable[[Hint], bool]:
        child = subprocess.Popen(["true"])
        child.wait()
        return lambda hint: child.pid in hint.executed

    return Case(source, stir, alone=False)


@pytest.fixture(params=[fake, inotify, pytest.param(netlink, marks=pytest.mark.root)])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    made: Case = request.param(tmp_path)
    yield made
    made.source.close()


def readable(source: Wakeups, seconds: float = 0.0) -> bool:
    return bool(select.select([source], [], [], seconds)[0])


def drain_until(source: Wakeups, wanted: Callable[[Hint], bool]) -> bool:
    deadline = time.monotonic() + 2
    while readable(source, max(0.0, deadline - time.monotonic())):
        if wanted(source.drain()):
            return True
    return False


def test_it_names_itself_and_sees_everything(case: Case) -> None:
    assert case.source.name.isidentifier()
    assert case.source.blind_spot is None


def test_draining_when_nothing_happened_learns_nothing_and_does_not_block(case: Case) -> None:
    if case.alone:
        assert not readable(case.source)
        assert case.source.drain() == Hint()
    else:
        case.source.drain()


def test_what_happens_makes_it_readable_until_it_is_drained(case: Case) -> None:
    number = case.source.fileno()
    for _ in range(3):
        wanted = case.stir()
        assert readable(case.source, 1)
        assert drain_until(case.source, wanted)
        if case.alone:
            assert not readable(case.source)
    assert case.source.fileno() == number


def test_what_happened_many_times_comes_in_one_hint(case: Case) -> None:
    case.source.drain()
    tests = [case.stir() for _ in range(5)]
    hint = case.source.drain()
    assert all(test(hint) for test in tests)


def test_closing_is_idempotent_and_silences_it(case: Case) -> None:
    case.stir()
    number = case.source.fileno()
    case.source.close()
    case.source.close()
    assert case.source.fileno() == -1
    assert case.source.drain() == Hint()
    with pytest.raises(OSError):
        os.fstat(number)


def test_no_child_inherits_it(case: Case) -> None:
    assert not os.get_inheritable(case.source.fileno())
