"""When the driver is asked where GPUs are, and what counts meanwhile."""

import io
import threading
from collections.abc import Sequence

from tests.e2e.workstation import eventually

from sentinel.agent.link.topology import Topology
from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import Gpu, unnamed
from sentinel.core.notify import Journal
from sentinel.ports.gpu_topology import GpuPlace


def gpus(*names: str) -> list[Gpu]:
    return [Gpu(index=at, uuid=name) for at, name in enumerate(names)]


class Driver:
    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[list[str]] = []
        self.trouble = ""
        self.hold = threading.Event()
        self.hold.set()
        self.news = 0
        self.written = io.StringIO()
        self.topology = Topology(self.read, Journal(self.written), lambda: self.now, self.known)

    def read(self, gpus: Sequence[Gpu]) -> dict[str, GpuPlace]:
        self.asked.append([gpu.uuid for gpu in gpus])
        assert self.hold.wait(10.0)
        if self.trouble:
            raise GpuReadError(self.trouble)
        return {gpu.uuid: GpuPlace(island=len(gpus)) for gpu in gpus}

    def known(self) -> None:
        self.news += 1

    def settles(self, *names: str) -> dict[str, int | None]:
        """What is known once nobody asks any more."""
        self.topology.of(gpus(*names))
        eventually(lambda: not self.topology._asking, "it has been asked", 5.0)
        return {uuid: place.island for uuid, place in self.topology.of(gpus(*names)).items()}


def test_once_and_again_when_there_are_others() -> None:
    driver = Driver()
    assert driver.topology.of([]) == {} and not driver.asked
    assert driver.settles("a", "b") == {"a": 2, "b": 2} and driver.topology.settled
    for _ in range(5):
        driver.settles("b", "a")
    assert driver.asked == [["a", "b"]] and driver.news == 1
    assert driver.settles("a") == {"a": 1}
    assert driver.asked[1:] == [["a"]] and driver.news == 2


def test_while_it_hangs_it_is_not_asked_again_and_what_was_known_counts() -> None:
    driver = Driver()
    driver.settles("a")
    driver.hold.clear()
    driver.topology.of(gpus("a", "b"))
    driver.now += 10_000
    assert driver.topology.of(gpus("a", "b", "c")) == {"a": GpuPlace(island=1)}
    driver.hold.set()
    assert driver.settles("a", "b", "c").keys() >= {"a", "b"}
    assert len(driver.asked) <= 3


def test_links_that_come_up_after_the_agent_are_found_in_the_end() -> None:
    driver = Driver()
    driver.settles("a")
    driver.now += 599
    driver.settles("a")
    assert len(driver.asked) == 1
    driver.now += 1
    driver.settles("a")
    assert len(driver.asked) == 2 and driver.news == 1, "and there was nothing new"


def test_trouble_is_said_once_and_it_is_tried_again() -> None:
    driver = Driver()
    driver.trouble = "no driver"
    assert driver.settles("a") == {} and driver.topology.settled and driver.news == 1
    driver.now += 60
    driver.settles("a")
    assert len(driver.asked) == 2 and driver.written.getvalue().count("no driver") == 1
    driver.trouble = ""
    driver.now += 60
    assert driver.settles("a") == {"a": 1} and driver.news == 2


def test_a_card_too_sick_to_tell_its_name_is_not_asked_about() -> None:
    driver = Driver()
    driver.topology.of([Gpu(index=0, uuid=unnamed(0))])
    assert driver.settles("a") == {"a": 1}
    assert driver.asked == [["a"]]
