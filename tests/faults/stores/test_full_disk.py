"""Disks without room, the controller's and a node's: clear refusals, nothing half, all goes on after that."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.workstation import eventually
from tests.faults.stores.site import Site, fill, patiently, small_disk

from sentinel.core.errors import ApiError

pytestmark = [pytest.mark.root, pytest.mark.slow]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", "16m") as mount:
        yield mount


@pytest.fixture
def site(tmp_path: Path, small: Path) -> Iterator[Site]:
    """Its controller is on the small disk, its node is not."""
    with Site.made(tmp_path, data=small / "data") as made:
        made.start()
        made.add_node("gpu1")
        yield made


def fed_until_refused(site: Site, keys: str, most: int = 5000) -> tuple[dict[str, str], ApiError]:
    """Ids of jobs that are taken until one is refused, by their keys, and how it was: room that the
    write-ahead log had before takes a few."""
    kept: dict[str, str] = {}
    for number in range(most):
        key = f"{keys}{number}"
        try:
            kept[key] = feed(site, key)
        except ApiError as error:
            return kept, error
    raise AssertionError("the disk is not full")


def feed(site: Site, key: str) -> str:
    """A job that puts down its key, and its id."""
    command = ["sh", "-c", f"echo {key} >>fed"]
    return str(site.client().submit(command, cwd=str(site.folder), gpus=1, key=key)["id"])


def test_a_controller_without_room(site: Site, small: Path) -> None:
    gate = site.gate()
    jobs = [site.submit(f"echo out; {gate.wait}; echo {code} >>ended; exit {code}") for code in (7, 8)]
    site.await_state("RUNNING", *jobs)
    ballast = fill(small)
    kept, refusal = fed_until_refused(site, "a")
    assert (refusal.status, refusal.kind, refusal.retry) == (503, "store-unavailable", True)
    assert "disk is full" in refusal.message and "make room" in refusal.message
    assert "nothing was kept" in refusal.hint
    known = {job["id"] for job in site.client().jobs(limit=None)}
    assert known == {*jobs, *kept.values()}, "answered ones are there, the refused one is not"

    gate.open()
    ended = site.folder / "ended"
    eventually(lambda: ended.exists() and len(ended.read_text().split()) == 2, "they end on their node")
    for pid in (site.child("api_process"), site.child("loops_process")):
        site.send(pid, signal.SIGKILL)
    site.await_answer()
    more, refusal = fed_until_refused(site, "b")
    assert refusal.status == 503
    kept |= more

    ballast.unlink()
    assert site.codes(jobs) == [7, 8]
    key = f"b{len(more)}"
    kept[key] = patiently(lambda: feed(site, key), "the one that was refused is taken")
    assert set(site.codes(list(kept.values()))) == {0}
    assert sorted((site.folder / "fed").read_text().split()) == sorted(kept)
    assert sorted(site.ran()) == sorted(jobs)
    for id in jobs:
        patiently(lambda id=id: b"".join(site.client().logs(id)) == b"out\n", "its log")
    assert "Traceback" not in site.log.read_text() + site.nodes[0].log.read_text()


def test_a_controller_that_is_started_without_room(site: Site, small: Path) -> None:
    gate = site.gate()
    job = site.submit(f"{gate.wait}; exit 7")
    site.await_state("RUNNING", job)
    ballast = fill(small)
    site.stop(signal.SIGKILL)
    gate.open()
    site.start()
    _, refusal = fed_until_refused(site, "a")
    assert refusal.status == 503
    ballast.unlink()
    assert site.codes([job]) == [7]


def ends_until_refused(site: Site) -> tuple[list[str], str]:
    """Jobs that end on the node as they do, until there is no room for the next one; that one. (The last
    page of the node's journal takes a few. The end of one may find no room any more; it is told later.)"""
    ended: list[str] = []

    def refused(job: str) -> bool:
        now = site.job(job)
        return now["state"] == "QUEUED" and now["attempt"] == 1

    def over(job: str) -> bool:
        return job in site.ran() and (site.job(job)["exit_code"] is not None or ended_long_ago(job))

    def ended_long_ago(job: str) -> bool:
        return time.monotonic() - began > 3.0 and site.job(job)["state"] == "RUNNING"

    for _ in range(200):
        job, began = site.submit("exit 6"), time.monotonic()
        patiently(lambda job=job: refused(job) or over(job), "its end, or that it is refused")
        if refused(job):
            return ended, job
        ended.append(job)
    raise AssertionError("the disk is not full")


def test_a_node_without_room(tmp_path: Path, small: Path) -> None:
    with Site.made(tmp_path) as site:
        site.start()
        node = site.add_node("gpu1", folder=small / "node", gpus=8)
        gate = site.gate()
        old = site.submit(f"{gate.wait}; echo >>ended; exit 5")
        site.await_state("RUNNING", old)
        ballast = fill(small)
        ended, new = ends_until_refused(site)
        why = site.client().why(new)
        assert why["blocking"] == "backoff"
        assert "node gpu1 can launch nothing" in why["reason"] and "No space left on device" in why["reason"]
        gate.open()
        eventually((site.folder / "ended").exists, "it ends")
        node.kill()
        node.start()
        patiently(lambda: node.is_up() and site.job(new)["attempt"] == 1, "an agent that starts without room")
        assert site.job(old)["state"] == "RUNNING", "what no disk has is not told"
        ballast.unlink()
        assert site.codes([old, new]) == [5, 6]
        assert site.codes(ended) == [6] * len(ended)
        assert sorted(site.ran()) == sorted([old, new, *ended])
        assert "Traceback" not in node.log.read_text() + (node.folder / "supervisor.log").read_text()
