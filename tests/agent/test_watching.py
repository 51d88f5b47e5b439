"""Listening to an engine that changes, stops, comes back and is left."""

import threading
import time
from collections.abc import Iterator

import pytest
from tests.e2e.workstation import eventually
from tests.fakes.containers import FakeContainers
from tests.fakes.process_facts import FakeProcessFacts

from sentinel.agent import watching
from sentinel.agent.watching import EngineWatch
from sentinel.core.errors import SourceUnknown
from sentinel.inventory.engines import EngineView

PATIENCE = 10.0


class Desk:
    """An engine with one container, a watch on it, and how often the watch said that something changed."""

    def __init__(self) -> None:
        self.docker = FakeContainers()
        self.container = self.docker.add("trainer")
        self.view = EngineView(self.docker, FakeProcessFacts())
        self.told = 0
        self.watch = EngineWatch(self.view, self._changed)

    def _changed(self) -> None:
        self.told += 1

    def listens(self) -> None:
        eventually(lambda: self.docker.listeners == 1, "it listens", PATIENCE)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(watching, "_SHORTEST", 0.01)
    monkeypatch.setattr(watching, "_LONGEST", 0.02)
    desk = Desk()
    yield desk
    desk.watch.close()


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("watch-")]


def test_a_change_is_told_and_inspected_at_the_next_look(desk: Desk) -> None:
    desk.docker.end(desk.container.id)  # stopped: a second look takes the first one's word
    desk.view.look()
    desk.view.look()
    assert len(desk.docker.inspected) == 1
    desk.watch.start()
    desk.listens()
    desk.docker.tell(desk.container.id)
    eventually(lambda: desk.told == 1, "it is told", PATIENCE)
    desk.view.look()
    assert desk.docker.inspected == [desk.container.id] * 2


def test_an_engine_that_hangs_up_is_a_change_and_listened_to_again(desk: Desk) -> None:
    desk.watch.start()
    for round_ in (1, 2, 3):
        desk.listens()
        desk.docker.hang_up()
        eventually(lambda round_=round_: desk.told >= round_, "it is told", PATIENCE)
    desk.listens()


def test_an_engine_that_is_away_is_no_news_and_found_when_it_is_back(desk: Desk) -> None:
    desk.docker.trouble = SourceUnknown("it does not answer")
    desk.watch.start()
    time.sleep(0.2)  # many tries
    assert desk.told == 0, "the scan meets the same trouble, and says so"
    desk.docker.trouble = None
    desk.listens()
    desk.docker.tell(desk.container.id)
    eventually(lambda: desk.told == 1, "it is told", PATIENCE)


def test_it_ends_while_it_listens(desk: Desk) -> None:
    desk.watch.start()
    desk.listens()
    assert threads() == ["watch-docker"]
    desk.watch.close()
    assert threads() == [] and desk.docker.closed


def test_it_ends_while_it_waits_to_try_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_SHORTEST", 600.0)
    monkeypatch.setattr(watching, "_LONGEST", 600.0)
    desk.docker.trouble = SourceUnknown("it does not answer")
    desk.watch.start()
    began = time.monotonic()
    desk.watch.close()
    assert threads() == [] and time.monotonic() - began < 2.0


def test_one_that_was_never_started_is_closed_all_the_same(desk: Desk) -> None:
    desk.watch.close()
    assert desk.docker.closed
