"""The sampling thread: its pace, what makes it look sooner, and drivers that fail or hang."""

import threading
import time
from collections.abc import Iterator

import pytest
from tests.e2e.workstation import eventually
from tests.telemetry.samples import gpu, process

from sentinel.agent import sampling
from sentinel.agent.sampling import SampleLoop
from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import GpuReading
from sentinel.telemetry.sampler import Sampler

PATIENCE = 10.0
NEVER = 3600.0


class Gpus:
    """One driver, read in full by the sampler and for its list by the loop."""

    def __init__(self) -> None:
        self.pids: tuple[int, ...] = ()
        self.trouble: str | None = None
        self.hung = threading.Event()
        self.freed = threading.Event()

    def source(self) -> "Source":
        return Source(self)


class Source:
    def __init__(self, gpus: Gpus) -> None:
        self._gpus = gpus
        self.reads = 0
        self.closed = False

    def read(self) -> GpuReading:
        self.reads += 1
        if self._gpus.hung.is_set():
            self._gpus.freed.wait(60)
        if self._gpus.trouble is not None:
            raise GpuReadError(self._gpus.trouble)
        return GpuReading(source="test", gpus=(gpu(0, *map(process, self._gpus.pids)),))

    def close(self) -> None:
        self.closed = True


class Desk:
    """A loop that samples every `interval` seconds; `moved` counts what it told."""

    def __init__(self, interval: float) -> None:
        self.gpus = Gpus()
        self.full, self.lists = self.gpus.source(), self.gpus.source()
        self.moved = 0
        sampler = Sampler(self.full, lambda _: None, lambda _: None, node="here")
        self.loop = SampleLoop(sampler, self.lists, interval, self._moved)

    def _moved(self) -> None:
        self.moved += 1

    def started(self) -> "Desk":
        self.loop.start()
        eventually(lambda: self.moved == 1, "the first sample is taken", PATIENCE)
        return self

    def on_gpus(self) -> set[int]:
        (one,) = self.loop.reading(NEVER).gpus
        return {process.pid for process in one.processes or ()}


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk(NEVER)
    yield desk
    desk.gpus.freed.set()
    desk.loop.close()


@pytest.fixture
def unhinted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a hint makes it look."""
    monkeypatch.setattr(sampling, "_UNHINTED", NEVER)


def test_before_the_first_sample_the_gpus_are_unknown(desk: Desk) -> None:
    assert desk.loop.latest is None
    assert not desk.loop.runs({1})
    with pytest.raises(GpuReadError, match="no sample has been taken yet"):
        desk.loop.reading(NEVER)


def test_the_first_sample_is_taken_at_once(desk: Desk) -> None:
    desk.gpus.pids = (10, 11)
    desk.started()
    assert desk.on_gpus() == {10, 11}
    assert desk.loop.runs({11, 99}) and not desk.loop.runs({99}) and not desk.loop.runs(())


def test_who_comes_is_found_without_a_hint_and_while_nobody_does_no_sample_is_taken(desk: Desk) -> None:
    desk.started()
    eventually(lambda: desk.lists.reads >= 2, "it looks by itself", PATIENCE)
    assert (desk.full.reads, desk.moved) == (1, 1)
    desk.gpus.pids = (10,)
    eventually(lambda: desk.moved == 2, "it is told", PATIENCE)
    assert desk.on_gpus() == {10} and desk.full.reads == 2
    desk.gpus.pids = ()
    eventually(lambda: desk.moved == 3, "that it has gone, too", PATIENCE)


@pytest.mark.usefixtures("unhinted")
@pytest.mark.parametrize("hint", [SampleLoop.look_soon, SampleLoop.look_some_time])
def test_a_hint_makes_it_look(desk: Desk, hint: object) -> None:
    desk.started()
    desk.gpus.pids = (10,)
    assert callable(hint)
    hint(desk.loop)
    eventually(lambda: desk.moved == 2, "it is found", PATIENCE)
    assert desk.on_gpus() == {10}


@pytest.mark.usefixtures("unhinted")
def test_after_a_hint_it_looks_more_than_once_as_the_driver_needs_a_moment(desk: Desk) -> None:
    desk.started()
    desk.loop.look_soon()
    eventually(lambda: desk.lists.reads >= 2, "it looked and found nothing", PATIENCE)
    assert desk.moved == 1
    desk.gpus.pids = (10,)
    eventually(lambda: desk.moved == 2, "it is found at a later look", PATIENCE)


@pytest.mark.usefixtures("unhinted")
def test_many_hints_are_few_looks(desk: Desk) -> None:
    desk.started()
    began = time.monotonic()
    while time.monotonic() - began < 0.5:
        desk.loop.look_soon()
        desk.loop.look_some_time()
        time.sleep(0.001)
    looks = desk.lists.reads
    assert looks <= (time.monotonic() - began) / 0.05 + 2


def test_it_samples_at_its_pace_though_nothing_moves() -> None:
    desk = Desk(0.05)
    desk.loop.start()
    try:
        eventually(lambda: desk.full.reads >= 5, "several samples", PATIENCE)
        assert desk.moved == 1
    finally:
        desk.loop.close()


def test_a_driver_that_fails_is_told_once_and_so_is_its_return() -> None:
    desk = Desk(0.02)
    desk.loop.start()
    try:
        eventually(lambda: desk.moved == 1, "the first sample", PATIENCE)
        desk.gpus.trouble = "the driver is gone"
        eventually(lambda: desk.moved == 2, "it is told", PATIENCE)
        before = desk.full.reads
        eventually(lambda: desk.full.reads >= before + 3, "it tries again", PATIENCE)
        assert desk.moved == 2
        assert not desk.loop.runs({10})
        with pytest.raises(GpuReadError, match="the driver is gone"):
            desk.loop.reading(0.0)
        desk.gpus.trouble = None
        eventually(lambda: desk.moved == 3, "it is back", PATIENCE)
        assert desk.loop.reading(NEVER).gpus
    finally:
        desk.loop.close()


def test_a_driver_that_hangs_holds_up_nobody_else() -> None:
    desk = Desk(0.02)
    desk.loop.start()
    eventually(lambda: desk.moved == 1, "the first sample", PATIENCE)
    desk.gpus.hung.set()
    before = desk.full.reads
    eventually(lambda: desk.full.reads > before, "it is being asked", PATIENCE)
    began = time.monotonic()
    desk.loop.look_soon()
    assert desk.loop.reading(NEVER).gpus, "the last one, for who is content with it"
    with pytest.raises(GpuReadError, match="has not answered for"):
        desk.loop.reading(0.0)
    assert time.monotonic() - began < 1.0
    desk.loop.close()
    assert time.monotonic() - began < 8.0, "it is left behind"
    assert not desk.full.closed, "as it is still in use"
    desk.gpus.freed.set()
    eventually(lambda: desk.full.closed and desk.lists.closed, "it lets go in the end", PATIENCE)


def test_closed_it_lets_go_of_the_driver(desk: Desk) -> None:
    desk.started()
    desk.loop.close()
    assert desk.full.closed and desk.lists.closed
    assert "sample" not in [one.name for one in threading.enumerate()]
