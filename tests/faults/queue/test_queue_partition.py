"""Nodes that are cut off: network namespaces whose cable is pulled out, real agents, short leases."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.queue.checker import check
from tests.faults.queue.networks import Cables, other_boot
from tests.faults.queue.world import World, alive, eventually, free_port, kill

pytestmark = [pytest.mark.root, pytest.mark.slow]
LEASE = 7.0
LOST_AFTER = LEASE + 2.0


@pytest.fixture
def cables() -> Iterator[Cables]:
    with Cables() as cables:
        yield cables


@pytest.fixture
def world(tmp_path: Path, cables: Cables) -> Iterator[World]:
    with World(tmp_path, alone=True, lease=LEASE, listen=f"{cables.address}:{free_port()}") as world:
        yield world


def test_shorter_than_the_lease(world: World, cables: Cables) -> None:
    world.node("a", 1, prefix=cables.plug("a"))
    id = world.submit(gate="x", code=3, if_lost="fence")
    world.begun(id)
    world.becomes(id, "RUNNING")
    before = len(world.client.job_events(id))
    cables.pull("a")
    eventually(lambda: world.client.node("a")["state"] == "silent", LEASE)
    cables.mend("a")
    world.is_up("a")
    assert len(world.client.job_events(id)) == before and world.job(id)["state"] == "RUNNING"
    world.open_gate("x")
    assert world.ended(id)["attempt"] == 1
    check(world)


def test_longer_than_the_lease(world: World, cables: Cables) -> None:
    """All that can become of a job meanwhile, each of them on a GPU of the node that is cut off."""
    a = world.node("a", 5, prefix=cables.plug("a"))
    goes_on = world.submit(gate="on", code=3)
    kept = world.submit(gate="on", code=4, if_lost="keep")
    ends = world.submit(gate="ends", code=5)
    succeeds = world.submit(gate="ends", if_lost="keep")
    fenced = world.submit(gate="on", code=6, if_lost="fence", grace=1)
    for id in (goes_on, kept, ends, succeeds, fenced):
        world.begun(id)
        world.becomes(id, "RUNNING")
    [leader, *_] = world.job_pids(fenced)
    world.node("b", 1, prefix=cables.plug("b"))

    cables.pull("a")
    kill(a.pids("agent")[0])  # an upgrade gone wrong on top: whoever comes after it is cut off, too
    a.start()
    world.open_gate("ends")
    for id in (goes_on, kept, ends, succeeds):
        job = world.becomes(id, "LOST", seconds=LOST_AFTER + 10)
        assert "has not been heard of for" in job["reason"] and job["node"] == "a"
    assert world.client.node("a")["state"] == "silent"

    second = world.begun(fenced, attempt=2)
    assert not alive(leader) and world.job(fenced)["node"] == "b"
    assert second.net == world.nodes["b"].net()
    assert sorted(world.marked(id, "E") is not None for id in (goes_on, kept, ends, succeeds)) == [
        False,
        False,
        True,
        True,
    ]
    assert {world.job(id)["state"] for id in (goes_on, kept, ends, succeeds)} == {"LOST"}

    cables.mend("a")
    for id in (goes_on, kept):
        assert world.becomes(id, "RUNNING")["attempt"] == 1
    assert (world.ended(ends)["exit_code"], world.ended(succeeds)["exit_code"]) == (5, 0)
    world.open_gate("on")
    for id in (goes_on, kept, fenced):
        world.ended(id)
    eventually(lambda: not a.job_pids())
    check(world)


def test_fenced_and_back_before_that_is_certain(world: World, cables: Cables) -> None:
    """The node has ended the job and says so before the controller may take that for granted."""
    node = world.node("a", 1, prefix=cables.plug("a"))
    id = world.submit(gate="x", code=3, if_lost="fence", grace=60)
    world.begun(id)
    world.becomes(id, "RUNNING")
    cables.pull("a")
    eventually(lambda: not node.job_pids(), LEASE + 5)
    cables.mend("a")
    world.begun(id, attempt=2)
    world.open_gate("x")
    assert world.ended(id)["attempt"] == 2
    check(world)


def test_rebooted_meanwhile(world: World, cables: Cables, tmp_path: Path) -> None:
    """Its processes are gone, its files are there, and the kernel says that it is another boot."""
    boot = tmp_path / "boot-id"
    boot.write_text("11111111-1111-4111-8111-111111111111\n")
    node = world.node("a", 2, prefix=[*cables.plug("a"), *other_boot(str(boot))])
    again, never = world.submit(gate="x", code=3), world.submit(gate="x", code=4, if_lost="keep")
    for id in (again, never):
        world.begun(id)
        world.becomes(id, "RUNNING")
    cables.pull("a")
    node.end()
    world.becomes(again, "LOST", seconds=LOST_AFTER + 10)
    boot.write_text("22222222-2222-4222-8222-222222222222\n")
    cables.mend("a")
    node.start()
    world.begun(again, attempt=2)
    job = world.ended(never)
    assert job["state"] == "FAILED" and job["reason"], job
    world.open_gate("x")
    assert world.ended(again)["attempt"] == 2

    check(world, codes={never: [(None, None)]})


def test_declared_dead_and_back(world: World, cables: Cables) -> None:
    """Somebody vouched and was wrong. What still runs there is ended as soon as the node is heard of."""
    a = world.node("a", 1, prefix=cables.plug("a"))
    id = world.submit(gate="x", code=3)
    world.begun(id)
    world.becomes(id, "RUNNING")
    [leader, *_] = world.job_pids(id)
    world.node("b", 1, prefix=cables.plug("b"))
    cables.pull("a")
    eventually(lambda: world.client.node("a")["state"] == "silent", LEASE)
    world.client.declare_dead("a", "the machine room burns")
    world.begun(id, attempt=2)
    assert "burns" in str(world.client.job_events(id)) and alive(leader)
    cables.mend("a")
    world.is_up("a")
    eventually(lambda: not alive(leader) and not a.job_pids())
    assert world.becomes(id, "RUNNING")["attempt"] == 2
    world.open_gate("x")
    assert world.ended(id)["node"] == "b"
    after = world.submit(code=7, node="a")
    world.ended(after)
    check(world, both_ran=[id])


def test_who_stands_still_begins_nothing_late(world: World, cables: Cables) -> None:
    """An agent and a supervisor that were about to launch a job, and are let go on when it is too late. Of
    what runs already nothing is said meanwhile, and so nothing is concluded."""
    a, b = world.node("a", 1, prefix=cables.plug("a")), world.node("b", 2, prefix=cables.plug("b"))
    runs = world.submit(gate="x", code=5, node="b")
    world.begun(runs)
    world.becomes(runs, "RUNNING")
    still = [a.pids("agent")[0], b.pids("supervisor")[0]]
    for pid in still:
        os.kill(pid, signal.SIGSTOP)
    first, second = world.submit(code=3, node="a"), world.submit(code=4, node="b")
    for id in (first, second):
        world.becomes(id, "ALLOCATED")
    for id in (first, second, runs):
        world.becomes(id, "LOST", seconds=LOST_AFTER + 10)
    assert "cannot say whether it runs" in world.job(runs)["reason"]
    assert world.client.node("b")["state"] == "up"
    for pid in still:
        os.kill(pid, signal.SIGCONT)
    assert world.becomes(runs, "RUNNING")["attempt"] == 1
    for id in (first, second):
        assert world.ended(id)["attempt"] == 2
        assert [mark.attempt for mark in world.marks() if (mark.job, mark.kind) == (id, "S")] == [2]
    world.open_gate("x")
    assert world.ended(runs)["attempt"] == 1
    check(world)
