"""GPUs that are not there yet, and machines that have none."""

import pytest

from sentinel.agent.gpus import LazyGpus, absent_or_unknown
from sentinel.core.errors import GpuReadError, SourceAbsent
from sentinel.core.gpu import GpuReading

READING = GpuReading(source="test", gpus=())


class Source:
    def __init__(self) -> None:
        self.closed = 0

    def read(self) -> GpuReading:
        return READING

    def close(self) -> None:
        self.closed += 1


class Driver:
    """Opens once it is `loaded`; `opened` is what it gave."""

    def __init__(self) -> None:
        self.loaded = False
        self.opened: list[Source] = []

    def open(self) -> Source:
        if not self.loaded:
            raise GpuReadError("the driver is not loaded")
        self.opened.append(Source())
        return self.opened[-1]


def failing() -> GpuReading:
    raise GpuReadError("the driver is not loaded")


def test_nothing_is_opened_before_it_is_read() -> None:
    driver = Driver()
    gpus = LazyGpus(driver.open)
    gpus.close()
    assert driver.opened == []


def test_it_is_opened_when_the_driver_has_come_and_then_kept() -> None:
    driver = Driver()
    gpus = LazyGpus(driver.open)
    for _ in range(3):
        with pytest.raises(GpuReadError):
            gpus.read()
    driver.loaded = True
    assert gpus.read() is gpus.read() is READING
    assert len(driver.opened) == 1


def test_closed_it_can_be_read_again() -> None:
    driver = Driver()
    driver.loaded = True
    gpus = LazyGpus(driver.open)
    gpus.read()
    gpus.close()
    gpus.close()
    assert [one.closed for one in driver.opened] == [1]
    assert gpus.read() is READING
    assert len(driver.opened) == 2


def test_a_failure_is_unknown_where_there_is_something_and_absent_where_there_is_not() -> None:
    with pytest.raises(GpuReadError, match="not loaded"):
        absent_or_unknown(failing, lambda: True)
    with pytest.raises(SourceAbsent, match="no NVIDIA GPU"):
        absent_or_unknown(failing, lambda: False)


def test_what_can_be_read_needs_no_other_trace() -> None:
    assert absent_or_unknown(lambda: READING, lambda: False) is READING
