"""A supervisor per test, with real processes and a folder of its own."""

from collections.abc import Iterator

import pytest
from tests.supervisor.supervised import Agent, Supervised


@pytest.fixture
def node() -> Iterator[Supervised]:
    """Nothing runs yet."""
    supervised = Supervised()
    yield supervised
    supervised.close()


@pytest.fixture
def agent(node: Supervised) -> Agent:
    """The supervisor runs, and this is its agent."""
    return node.start()
