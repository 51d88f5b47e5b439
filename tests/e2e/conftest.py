"""A workstation per test: real processes on simulated GPUs, a folder and a socket of its own."""

from collections.abc import Iterator

import pytest
from tests.e2e.workstation import Workstation


@pytest.fixture
def workstation() -> Iterator[Workstation]:
    """Nothing runs yet: a test writes the config it wants, then calls `start`."""
    place = Workstation()
    yield place
    place.close()


@pytest.fixture
def arbiter(workstation: Workstation) -> Workstation:
    """The arbiter runs, and so does its inference service."""
    workstation.start()
    return workstation.ready()
