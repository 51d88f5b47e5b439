"""Somebody else holds the database: answers wait, or say so; leases stay safe; nothing is lost."""

import contextlib
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.stores.site import Site, elapsed, patiently, refused

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.made(tmp_path) as made:
        made.config.write_text("[server]\nlease_seconds = 5\n")
        made.start()
        made.add_node("gpu1")
        yield made


@contextlib.contextmanager
def held(site: Site) -> Iterator[None]:
    """As an administrator with the sqlite3 command might."""
    other = sqlite3.connect(site.data / "controller.db", isolation_level=None, timeout=10)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("COMMIT")
    finally:
        other.close()


def test_a_short_while_is_waited_for(site: Site) -> None:
    jobs: list[str] = []
    with held(site):
        asking = threading.Thread(target=lambda: jobs.append(site.submit("exit 3")))
        asking.start()
        time.sleep(1.5)
        assert site.client().jobs() == [], "who only looks is answered"
        assert not jobs
    asking.join(20)
    assert site.codes(jobs) == [3]


LIVES = "trap '' TERM; while :; do echo $SENTINEL_ATTEMPT $(date +%s.%N) >>lives; sleep 0.1; done"


def lives(site: Site) -> dict[str, tuple[float, float]]:
    """Attempt → when it was first and last seen alive."""
    found: dict[str, tuple[float, float]] = {}
    for line in (site.folder / "lives").read_text().splitlines():
        attempt, at = line.split()
        found[attempt] = (found.get(attempt, (float(at), 0.0))[0], float(at))
    return found


def test_a_long_while_is_said_and_leases_stay_safe(site: Site) -> None:
    """Longer than a lease, and the process that heard the beats meanwhile dies at the end of it."""
    fenced = site.submit(LIVES, if_lost="fence", grace=2.0)
    site.await_state("RUNNING", fenced)
    site.client().drain("gpu1", "its next attempt is to be elsewhere")
    site.add_node("gpu2")
    gate = site.gate()
    old = site.submit(f"{gate.wait}; echo >>ended; exit 5")
    site.await_state("RUNNING", old)
    time.sleep(2)  # until gpu1 has told all there is to tell: from then on its beats alone are to be kept
    began = time.monotonic()
    with held(site):
        gate.open()
        refusal = refused(lambda: site.submit("true"))
        assert 9 < elapsed(began) < 14
        assert (refusal.status, refusal.hint) == (503, "nothing was kept; ask again in a moment")
        assert "another program holds it for too long" in refusal.message
        assert {job["id"]: job["state"] for job in site.client().jobs()} == {
            old: "RUNNING",
            fenced: "RUNNING",
        }
        site.send(site.child("api_process"), signal.SIGKILL)
    assert site.codes([old]) == [5]
    patiently(
        lambda: site.job(fenced)["attempt"] == 2 and site.job(fenced)["state"] == "RUNNING",
        "its next attempt",
    )
    time.sleep(1)  # for the first one to show itself again, if it could
    first, second = lives(site)["1"], lives(site)["2"]
    assert first[1] < second[0], "never twice at once"
    assert "Traceback" not in site.log.read_text()
