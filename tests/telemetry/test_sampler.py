"""Samples, and whose the processes are: on real processes, with the clock as an argument."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from tests.telemetry.samples import gpu, process

from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import GpuReading
from sentinel.core.process import ProcessId
from sentinel.drivers.processes.facts import ProcessFactsReader
from sentinel.telemetry.pinned import PinnedProcesses
from sentinel.telemetry.sample import Owner
from sentinel.telemetry.sampler import REMEMBER_SECONDS, UNKNOWN_SECONDS, Sampler

ADA = Owner(user="ada", workload_id="process:1:1:x")


class Gpus:
    """A source that shows what the test says."""

    def __init__(self, *pids: int) -> None:
        self.pids = pids
        self.broken = False
        self.closed = False

    def read(self) -> GpuReading:
        if self.broken:
            raise GpuReadError("the driver is gone")
        return GpuReading(source="test", gpus=(gpu(0, *map(process, self.pids)), gpu(1, processes=None)))

    def close(self) -> None:
        self.closed = True


class Desk:
    """A sampler with everything that a test turns."""

    def __init__(self, *pids: int, owner: Owner | None = ADA) -> None:
        self.gpus = Gpus(*pids)
        self.now = 100.0
        self.owner = owner
        self.asked: list[ProcessId] = []
        self.sampler = Sampler(
            self.gpus,
            self._owner,
            ProcessFactsReader().identify,
            node="node1",
            now=lambda: self.now,
            today=lambda: 1e9 + self.now,
        )

    def _owner(self, process: ProcessId) -> Owner | None:
        self.asked.append(process)
        return self.owner


@contextmanager
def running() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"])
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def test_a_sample() -> None:
    desk = Desk(os.getpid(), 2**22 + 7)
    taken = desk.sampler.take()
    assert (taken.node, taken.at, taken.boottime, taken.duration) == ("node1", 1e9 + 100, 100, 0)
    assert taken.owners == {os.getpid(): ADA}
    assert desk.sampler.watch.sample is taken
    assert desk.sampler.watch.sources == {"gpus": True}
    desk.sampler.close()
    assert desk.gpus.closed


def test_an_owner_is_asked_for_once() -> None:
    desk = Desk(os.getpid())
    for _ in range(10):
        desk.now += 1
        assert desk.sampler.take().owners
    assert len(desk.asked) == 1
    desk.now += 2 * REMEMBER_SECONDS
    desk.owner = Owner(user="bob")
    assert desk.sampler.take().owners == {os.getpid(): Owner(user="bob")}
    desk.sampler.close()


@pytest.mark.parametrize("unknown", [None, Owner(container="c"), Owner(user="uid 1001")])
def test_an_unknown_owner_is_asked_for_soon_again(unknown: Owner | None) -> None:
    desk = Desk(os.getpid(), owner=unknown)
    assert desk.sampler.take().owners == ({} if unknown is None else {os.getpid(): unknown})
    desk.owner = ADA
    desk.now += UNKNOWN_SECONDS
    assert desk.sampler.take().owners == {os.getpid(): ADA}
    desk.sampler.close()


def test_a_process_that_ended_has_no_owner() -> None:
    with running() as child:
        desk = Desk(child.pid)
        assert child.pid in desk.sampler.take().owners
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        # A zombie that the driver still lists.
        assert desk.sampler.take().owners == {}
        child.wait()
        assert desk.sampler.take().owners == {}
        desk.sampler.close()


def test_a_failed_reading_keeps_the_last_sample_as_old_as_it_is() -> None:
    desk = Desk()
    taken = desk.sampler.take()
    desk.gpus.broken = True
    desk.now += 30
    for failures in (1, 2):
        with pytest.raises(GpuReadError):
            desk.sampler.take()
        assert desk.sampler.watch.failures == failures
    watch = desk.sampler.watch
    assert watch.sources == {"gpus": False}
    assert watch.sample is taken
    assert watch.age(desk.now) == 30
    assert watch.fresh(desk.now, 15) is None
    desk.gpus.broken = False
    desk.sampler.take()
    assert (desk.sampler.watch.sources, desk.sampler.watch.failures) == ({"gpus": True}, 2)
    desk.sampler.close()


class Table:
    """Who is who, as /proc would say; counts the looks."""

    def __init__(self) -> None:
        self.reader = ProcessFactsReader()
        self.looks = 0

    def identify(self, pid: int) -> ProcessId | None:
        self.looks += 1
        return self.reader.identify(pid)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_pinned_processes_are_looked_at_once() -> None:
    table = Table()
    pinned = PinnedProcesses(table.identify)
    with ExitStack() as stack:
        pids = [stack.enter_context(running()).pid for _ in range(5)]
        first = pinned.who(pids)
        assert {one.pid for one in first.values()} == set(pids)
        assert table.looks == 5
        for _ in range(3):
            assert pinned.who(pids) == first
        assert table.looks == 5
    assert pinned.who(pids) == {}
    pinned.close()


def test_what_is_not_asked_for_is_let_go() -> None:
    before = open_files()
    pinned = PinnedProcesses(Table().identify)
    with ExitStack() as stack:
        pids = [stack.enter_context(running()).pid for _ in range(5)]
        pinned.who(pids)
        assert open_files() == before + 6
        pinned.who(pids[:2])
        assert open_files() == before + 3
        assert set(pinned.who(pids)) == set(pids)
        pinned.close()
    assert open_files() == before


def test_pidfds_are_bounded_and_the_rest_looked_at_each_time() -> None:
    table = Table()
    before = open_files()
    pinned = PinnedProcesses(table.identify, most=2)
    with ExitStack() as stack:
        pids = [stack.enter_context(running()).pid for _ in range(5)]
        for round_ in (5, 8):
            assert set(pinned.who(pids)) == set(pids)
            assert table.looks == round_
        assert open_files() == before + 3
    pinned.close()


def test_without_pidfds_every_look_is_a_fresh_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", none)
    table = Table()
    pinned = PinnedProcesses(table.identify)
    with running() as child:
        assert pinned.who([child.pid]) == pinned.who([child.pid])
        assert table.looks == 2
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert pinned.who([child.pid]) == {}
    pinned.close()


def test_a_pid_that_is_nobodys() -> None:
    before = open_files()
    pinned = PinnedProcesses(Table().identify)
    assert pinned.who([2**22 + 7, 0]) == {}
    assert open_files() == before + 1
    pinned.close()
