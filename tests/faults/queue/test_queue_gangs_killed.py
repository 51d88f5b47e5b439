"""kill -9 of each process of the queue in each part of a gang's life, on two nodes: it is never half placed,
its parts are ended together, and its end is the real one."""

import time
from collections.abc import Iterator

import pytest
from tests.faults.queue.books import Watching
from tests.faults.queue.checker import How, check
from tests.faults.queue.world import ADOPTED_CODES, Held, World, alive, eventually, kill

pytestmark = pytest.mark.slow
ROLES = ("api", "loops", "agent", "supervisor", "parent")
Codes = dict[str, list[How]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("gangs"), alone=True) as world:
        for name in "ab":
            world.node(name, 2)
        with Watching(world):
            yield world


@pytest.fixture(scope="module")
def codes() -> Codes:
    """How those jobs and parts ended that did not end by themselves."""
    return {}


def kill_role(world: World, role: str, *, wait: bool = True) -> None:
    """Of the second node, where it is a node's. Starts again what nobody else would. `wait`: until a new
    supervisor has taken over."""
    node = world.nodes["b"]
    if role == "parent":
        kill(world.pid("parent"))
        world.start()
    elif role == "agent":
        kill(node.pids("agent")[0])
        node.start()
    elif role == "supervisor":
        kill(eventually(lambda: node.pids("supervisor"))[0])
        if wait:
            world.supervisor_serves(node.folder / "dir")
    else:
        kill(world.pid(role))


def begun(world: World, id: str, attempt: int = 1) -> None:
    for rank in range(2):
        world.begun(world.part(id, rank, attempt))


def runs(world: World, id: str) -> None:
    begun(world, id)
    world.becomes(id, "RUNNING")


def checked(world: World, codes: Codes) -> None:
    check(world, codes=codes, unknown=not ADOPTED_CODES)


@pytest.mark.parametrize("role", ROLES)
def test_while_it_waits(world: World, codes: Codes, role: str) -> None:
    """For one of its nodes alone: nothing of it is placed on the other."""
    first = world.submit(gate=f"q-{role}", gpus=2, code=3, node="b")
    world.begun(first)
    second = world.submit(nodes=2, gpus=2, code=4)
    assert "1 has that free now" in world.becomes(second, "QUEUED")["reason"]
    kill_role(world, role)
    assert not world.client.jobs(part_of=second)
    world.open_gate(f"q-{role}")
    assert world.ended(first)["attempt"] == world.ended(second)["attempt"] == 1
    checked(world, codes)


@pytest.mark.parametrize("role", ROLES)
def test_while_one_node_has_not_begun(world: World, codes: Codes, role: str) -> None:
    """The other part has, and runs meanwhile."""
    agent = world.nodes["b"].pids("agent")[0]
    with Held(agent):
        id = world.submit(nodes=2, gate=f"a-{role}", code=5)
        world.begun(world.part(id, 0))
        assert world.becomes(id, "ALLOCATED")["attempt"] == 1
        kill_role(world, role, wait=False)
    runs(world, id)
    world.open_gate(f"a-{role}")
    assert world.ended(id)["attempt"] == 1
    checked(world, codes)


@pytest.mark.parametrize("role", ROLES)
def test_while_one_part_is_launched(world: World, codes: Codes, role: str) -> None:
    """Its agent has told the supervisor, which has not done anything yet."""
    supervisor = eventually(lambda: world.nodes["b"].pids("supervisor"))[0]
    with Held(supervisor):
        id = world.submit(nodes=2, gate=f"l-{role}", code=6)
        world.begun(world.part(id, 0))
        time.sleep(0.2)  # more than the agent needs to hear and to say it
        kill_role(world, role, wait=False)
    runs(world, id)
    world.open_gate(f"l-{role}")
    assert world.ended(id)["attempt"] == 1
    checked(world, codes)


@pytest.mark.parametrize("role", ROLES)
def test_while_it_runs(world: World, codes: Codes, role: str) -> None:
    id = world.submit(nodes=2, gpus=2, gate=f"r-{role}", code=7)
    runs(world, id)
    leaders = [world.job_pids(world.part(id, rank))[0] for rank in range(2)]
    kill_role(world, role)
    world.open_gate(f"r-{role}")
    assert world.ended(id)["attempt"] == 1 and not any(map(alive, leaders))
    checked(world, codes)


@pytest.mark.parametrize("role", ROLES)
def test_while_it_is_being_ended(world: World, codes: Codes, role: str) -> None:
    id = world.submit(nodes=2, seconds=60, slow_end=1.0)
    runs(world, id)
    world.client.cancel(id)
    kill_role(world, role)
    assert world.ended(id)["state"] == "CANCELED"
    codes[id] = [(None, None)]
    assert all(world.marked(world.part(id, rank), "E") for rank in range(2))
    checked(world, codes)


@pytest.mark.parametrize("role", ROLES)
def test_while_one_part_has_failed(world: World, codes: Codes, role: str) -> None:
    """The other one has been told to end, and takes its time."""
    id = world.submit(nodes=2, seconds=(60, 0.1), codes=(0, 9), code=9, slow_end=1.0)
    failed = world.ended(world.part(id, 1))
    assert (failed["state"], failed["exit_code"]) == ("FAILED", 9)
    kill_role(world, role)
    job = world.ended(id)
    assert (job["state"], job["attempt"]) == ("FAILED", 1)
    assert job["reason"] == "rank 1 on b: exit code 9"
    assert not world.job_pids(id)
    checked(world, codes)


@pytest.mark.parametrize("role", ROLES)
def test_while_it_makes_room(world: World, codes: Codes, role: str) -> None:
    """For one job on one of its nodes: both of its parts end, and it runs again after that."""
    id = world.submit(nodes=2, gpus=2, seconds=2.5, slow_end=0.5, code=4, preemptible=True)
    runs(world, id)
    urgent = world.submit(gpus=1, seconds=0.3, priority=5)
    eventually(lambda: world.job(id)["preempt"])
    kill_role(world, role)
    assert world.ended(urgent)["attempt"] == 1
    job = world.ended(id)
    assert (job["attempt"], job["preemptions"], job["exit_code"]) == (2, 1, 4)
    checked(world, codes)


@pytest.mark.parametrize("role", ROLES)
def test_while_nobody_hears_of_its_end(world: World, codes: Codes, role: str) -> None:
    id = world.submit(nodes=2, gate=f"e-{role}", code=8)
    runs(world, id)
    with Held(world.pid("api")):
        world.open_gate(f"e-{role}")
        eventually(lambda: all(world.marked(world.part(id, rank), "E") for rank in range(2)))
        eventually(lambda: not world.job_pids(id))
        kill_role(world, role)
    assert world.ended(id)["attempt"] == 1
    checked(world, codes)
