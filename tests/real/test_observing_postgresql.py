"""Alerts with the store in a real PostgreSQL, which goes away in the middle: told once, as ever."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.components.postgresql import PostgreSQL
from tests.e2e.observed import Observed, patiently

from sentinel.core.clock import wall

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with PostgreSQL.running() as running:
        yield running


@pytest.fixture
def observed(server: PostgreSQL, tmp_path: Path) -> Iterator[Observed]:
    with Observed.running(tmp_path, database=server.make_database()) as observed:
        observed.add_channel()
        yield observed


def restart(observed: Observed, server: PostgreSQL, how: signal.Signals) -> None:
    """And somebody has looked for alerts since."""
    server.stop(how)
    server.start()
    observed.looked_since(wall())


def test_told_once_whatever_becomes_of_the_database(observed: Observed, server: PostgreSQL) -> None:
    assert not (observed.site.data / "controller.db").exists()
    observed.warm("warm", hold="3s")
    observed.alert("warm", "pending")
    restart(observed, server, signal.SIGINT)
    observed.becomes("warm", "firing")
    restart(observed, server, signal.SIGQUIT)
    observed.settled()
    observed.kill_watch()
    observed.settled()
    observed.becomes("warm", "firing")
    id = observed.alert("warm")["fingerprint"]
    observed.cli("alert", "ack", id, "--why", "on it")
    patiently(lambda: observed.client.alert(id)["ack"], "it is kept there")
    observed.warm("warm", threshold=90)
    observed.becomes("warm", "firing", "resolved")
    job = observed.client.submit(["true"], cwd="/", notify=["ops:end"])["id"]
    observed.client.wait(job, timeout=60)
    observed.becomes("job", "resolved")
