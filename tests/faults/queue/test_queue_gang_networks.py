"""Gangs over machines of their own, as far as the network is concerned: their parts find each other, and
cables are pulled out between them and their controller."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.queue.checker import check
from tests.faults.queue.networks import Cables
from tests.faults.queue.world import World, alive, eventually, free_port

pytestmark = [pytest.mark.root, pytest.mark.slow]
LEASE = 7.0
RENDEZVOUS = Path(__file__).with_name("rendezvous.py")


@pytest.fixture
def cables() -> Iterator[Cables]:
    with Cables() as cables:
        yield cables


@pytest.fixture
def world(tmp_path: Path, cables: Cables) -> Iterator[World]:
    with World(tmp_path, alone=True, lease=LEASE, listen=f"{cables.address}:{free_port()}") as world:
        yield world


def plug(world: World, cables: Cables, names: str, gpus: int = 1) -> None:
    for name in names:
        world.node(name, gpus, prefix=cables.plug(name))


def meet(world: World, codes: tuple[int, ...], code: int = 0) -> str:
    """A gang whose parts add up their ranks."""
    words = [sys.executable, str(RENDEZVOUS), ",".join(map(str, codes))]
    id = str(world.client.submit(words, cwd="/", nodes=len(codes))["id"])
    world.submitted[id] = code
    return id


def said(world: World, id: str, rank: int) -> bytes:
    return b"".join(world.client.logs(id, rank=rank))


def both_run(world: World, id: str, attempt: int = 1) -> None:
    for rank in range(2):
        world.begun(world.part(id, rank, attempt))
    world.becomes(id, "RUNNING")


def silent(world: World, *gangs: str) -> list[str]:
    """The parts of those, which write no marks."""
    return [part["id"] for gang in gangs for part in world.client.jobs(part_of=gang, limit=None)]


def test_three_meet_and_one_fails(world: World, cables: Cables) -> None:
    """Each has an address that the others reach, and of each there is a log."""
    plug(world, cables, "abc")
    net = cables.address.removesuffix(".255.1")
    first, second = meet(world, (0, 0, 0)), meet(world, (0, 7, 0), code=7)
    assert world.ended(first)["state"] == "SUCCEEDED"
    assert world.job(first)["node"] == "a,b,c"
    hosts = [f"{net}.{n}.2" for n in (1, 2, 3)]
    for rank in range(3):
        found = json.loads(said(world, first, rank))
        assert (found["rank"], found["size"], found["sum"]) == (rank, 3, 3)
        assert found["heard"] == (hosts[1:] if rank == 0 else [hosts[rank]])
        assert (found["SENTINEL_NODES"], found["SENTINEL_HOSTS"]) == (["a", "b", "c"], hosts)
        assert (found["NODE_RANK"], found["LOCAL_RANK"]) == (str(rank), "0")
        assert found["SENTINEL_GANG_ID"] == first
        assert found["net"] == world.nodes["abc"[rank]].net()
    job = world.ended(second)
    assert (job["state"], job["reason"]) == ("FAILED", "rank 1 on b: exit code 7")
    check(world, silent=silent(world, first, second))


def test_one_that_fails_has_the_others_stopped(world: World, cables: Cables) -> None:
    plug(world, cables, "ab")
    id = world.submit(nodes=2, seconds=(300, 0.5), codes=(0, 3), code=3)
    job = world.ended(id)
    assert (job["state"], job["exit_code"], job["attempt"]) == ("FAILED", 3, 1)
    assert job["reason"] == "rank 1 on b: exit code 3"
    first, second = (world.job(world.part(id, rank)) for rank in range(2))
    assert (first["state"], second["state"]) == ("CANCELED", "FAILED")
    assert not world.job_pids(id)
    check(world, codes={first["id"]: [(None, 15)]})


def test_cut_off_and_back(world: World, cables: Cables) -> None:
    """One of its nodes is not heard of; both of its parts go on all the time."""
    plug(world, cables, "ab")
    id = world.submit(nodes=2, gate="x", code=3)
    both_run(world, id)
    cables.pull("b")
    job = world.becomes(id, "LOST", seconds=LEASE + 12)
    assert job["reason"].startswith("rank 1 on b: ") and "has not been heard of" in job["reason"]
    assert world.job(world.part(id, 0))["state"] == "RUNNING"
    cables.mend("b")
    assert world.becomes(id, "RUNNING")["attempt"] == 1
    world.open_gate("x")
    assert world.ended(id)["attempt"] == 1
    check(world)


def test_declared_dead(world: World, cables: Cables) -> None:
    """The node burns. The other part is stopped, and new ones begin, elsewhere."""
    plug(world, cables, "ab")
    id = world.submit(nodes=2, gate="x", code=3)
    both_run(world, id)
    world.node("c", 1, prefix=cables.plug("c"))
    [leader, *_] = world.job_pids(world.part(id, 0))
    cables.pull("b")
    world.nodes["b"].end()
    eventually(lambda: world.client.node("b")["state"] == "silent", LEASE + 5)
    world.client.declare_dead("b", "the machine room burns")
    both_run(world, id, attempt=2)
    assert not alive(leader)
    assert world.job(id)["node"] == "a,c" and world.job(id)["attempt"] == 2
    again = world.job(world.part(id, 1))
    assert again["state"] == "FAILED" and "burns" in again["reason"]
    world.open_gate("x")
    assert world.ended(id)["attempt"] == 2
    check(world)


def test_fenced(world: World, cables: Cables) -> None:
    """The part that is cut off ends itself; once that is certain, all begins anew without its node."""
    plug(world, cables, "ab")
    id = world.submit(nodes=2, gate="x", code=3, if_lost="fence", grace=1)
    both_run(world, id)
    world.node("c", 1, prefix=cables.plug("c"))
    leaders = [world.job_pids(world.part(id, rank))[0] for rank in range(2)]
    cables.pull("b")
    both_run(world, id, attempt=2)
    assert not any(map(alive, leaders)) and world.job(id)["node"] == "a,c"
    cables.mend("b")
    world.is_up("b")
    world.open_gate("x")
    assert world.ended(id)["attempt"] == 2
    check(world)


def test_canceled_while_one_is_cut_off(world: World, cables: Cables) -> None:
    """What can be told is told at once, the rest when its node is heard of."""
    plug(world, cables, "ab")
    id = world.submit(nodes=2, gate="x", code=3)
    both_run(world, id)
    cables.pull("b")
    world.becomes(id, "LOST", seconds=LEASE + 12)
    world.client.cancel(id)
    world.ended(world.part(id, 0))
    assert world.job(id)["state"] == "LOST" and world.job_pids(world.part(id, 1))
    cables.mend("b")
    assert world.ended(id)["state"] == "CANCELED"
    assert not world.job_pids(id)
    check(world, codes={id: [(None, None)]})
