"""The whole queue on a real PostgreSQL, which stops, crashes and loses backends in the middle of the work."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.components.postgresql import PostgreSQL
from tests.faults.stores.site import Site, patiently, refused

from sentinel.core.errors import ApiError

pytestmark = [pytest.mark.real, pytest.mark.slow]

PASSWORD = "n0b0dys-business"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with PostgreSQL.running() as running:
        yield running


@pytest.fixture
def site(server: PostgreSQL, tmp_path: Path) -> Iterator[Site]:
    database = server.make_database().replace("sentinel@", f"sentinel:{PASSWORD}@")
    with Site.made(tmp_path, database=database) as made:
        made.start()
        made.add_node("gpu1", gpus=4)
        yield made


class Stream:
    """Submits one job after the other, each once, until it is told to stop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._over = threading.Event()
        self.ids: list[str] = []
        self.refused = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Stream":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _run(self) -> None:
        client = self._site.client()
        command = ["sh", "-c", "echo $SENTINEL_JOB_ID >>ran; exit 3"]
        number = 0
        while not self._over.is_set():
            try:
                job = client.submit(command, cwd=str(self._site.folder), gpus=1, key=f"stream{number}")
            except ApiError as error:
                assert error.retry, error
                self.refused += 1
                time.sleep(0.05)
                continue
            self.ids.append(job["id"])
            number += 1
            time.sleep(0.005)


def kill_a_backend(server: PostgreSQL) -> None:
    """PostgreSQL ends all the others, too, and recovers."""
    busy = "SELECT pid FROM pg_stat_activity WHERE application_name = 'sentinel' LIMIT 1"
    os.kill(int(server.psql(busy)), signal.SIGKILL)


def restart(how: signal.Signals) -> Callable[[PostgreSQL], None]:
    def done(server: PostgreSQL) -> None:
        server.stop(how)
        time.sleep(2)
        server.start()

    return done


def test_jobs_run_and_are_kept(site: Site, server: PostgreSQL) -> None:
    jobs = [site.submit(f"echo out; exit {code}") for code in range(5)]
    assert site.codes(jobs) == [0, 1, 2, 3, 4]
    assert b"".join(site.client().logs(jobs[0])) == b"out\n"
    assert not (site.data / "controller.db").exists()
    site.stop()
    site.start()
    assert site.codes(jobs) == [0, 1, 2, 3, 4]
    for pid in (site.parent, *site.children()):
        assert PASSWORD.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize(
    "trouble",
    [restart(signal.SIGINT), restart(signal.SIGQUIT), kill_a_backend],
    ids=["stopped for a while", "crashed", "a backend is killed"],
)
def test_nothing_is_lost_and_nothing_done_twice(
    site: Site, server: PostgreSQL, trouble: Callable[[PostgreSQL], None]
) -> None:
    gate = site.gate()
    old = site.submit(f"{gate.wait}; exit 5")
    site.await_state("RUNNING", old)
    children = site.children()
    with Stream(site) as stream:
        patiently(lambda: len(stream.ids) > 20)
        threading.Timer(0.5, gate.open).start()
        trouble(server)
        before = len(stream.ids)
        patiently(lambda: len(stream.ids) > before + 20, "it is taken up again")
    ids = [*stream.ids, old]
    assert site.codes(ids, seconds=60) == [3] * len(stream.ids) + [5]
    known = [job["id"] for job in site.client().jobs(limit=None)]
    assert sorted(known) == sorted(ids), "none lost, none made twice"
    ran = (site.folder / "ran").read_text().split()
    assert sorted(ran) == sorted([*stream.ids, old, "1"]), "each once"
    assert site.children() == children, "no process had to die of it"
    assert "Traceback" not in site.log.read_text() + site.nodes[0].log.read_text()


def test_while_it_is_away_that_is_said(site: Site, server: PostgreSQL) -> None:
    server.stop()
    try:
        for ask in (lambda: site.submit("true"), lambda: site.client().jobs()):
            refusal = refused(ask)
            assert (refusal.status, refusal.kind, refusal.retry) == (503, "store-unavailable", True)
            assert "is it running" in refusal.message
            assert PASSWORD not in refusal.message
        site.stop()
        started = site.command("server", "--listen", f"127.0.0.1:{site.port}", check=False)
        assert started.returncode == 1, "its unit tries again"
        assert "is it running" in started.stderr and "Traceback" not in started.stderr
        assert PASSWORD not in started.stderr + site.log.read_text()
    finally:
        server.start()
    site.start()
    assert site.codes([site.submit("exit 3")]) == [3]
