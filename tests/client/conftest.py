from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.client.fake_controller import FakeController, controller

from sentinel.client.connection import Connection
from sentinel.client.sync import Client
from sentinel.client.tls import client_context


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeController]:
    with controller(tmp_path) as found:
        yield found


@pytest.fixture
def connection(fake: FakeController) -> Iterator[Connection]:
    found = Connection(
        fake.url,
        context=client_context(ca_file=fake.ca),
        headers={"Authorization": "Bearer snt_x"},
        timeout=5,
    )
    yield found
    found.close()


@pytest.fixture
def client(fake: FakeController) -> Iterator[Client]:
    with Client(fake.url, token="snt_x", ca=str(fake.ca), timeout=5, patience=5) as found:
        yield found
