"""kill -9 of each process of the queue in each part of a job's life: no job is lost, none runs twice, and
every exit code is the real one."""

import json
import signal
import time
from collections.abc import Iterator

import pytest
from tests.faults.queue.checker import How, check
from tests.faults.queue.world import ADOPTED_CODES, Held, World, alive, eventually, kill, words_of

pytestmark = pytest.mark.slow
ROLES = ("api", "loops", "parent", "agent", "supervisor")
Codes = dict[str, list[How]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("killed")) as world:
        yield world


@pytest.fixture(scope="module")
def codes() -> Codes:
    """How those jobs ended that did not end by themselves."""
    return {}


def kill_role(world: World, role: str, *, wait: bool = True) -> None:
    """And starts again what nobody else would. `wait`: until a new supervisor has taken over."""
    kill(world.pid(role))
    if role == "parent":
        world.server.stop(signal.SIGKILL)
        world.start()
    elif role == "supervisor" and wait:
        world.supervisor_serves()


@pytest.mark.parametrize("role", ROLES)
def test_while_a_job_waits(world: World, codes: Codes, role: str) -> None:
    first = world.submit(gate=f"q-{role}", gpus=4, code=3)
    world.begun(first)
    second = world.submit(gpus=4, code=4)
    assert world.becomes(second, "QUEUED")["reason"]
    kill_role(world, role)
    world.open_gate(f"q-{role}")
    assert world.ended(first)["attempt"] == world.ended(second)["attempt"] == 1
    check(world, codes=codes, unknown=not ADOPTED_CODES)


@pytest.mark.parametrize("role", ROLES)
def test_while_a_job_is_given_its_gpus(world: World, codes: Codes, role: str) -> None:
    agent = world.pid("agent")
    world.pid("supervisor")
    with Held(agent):
        id = world.submit(code=5)
        world.becomes(id, "ALLOCATED")
        kill_role(world, role, wait=False)
        if alive(agent):
            assert world.job(id)["state"] == "ALLOCATED"
    world.ended(id)
    check(world, codes=codes, unknown=not ADOPTED_CODES)


@pytest.mark.parametrize("role", ROLES)
def test_while_a_job_is_launched(world: World, codes: Codes, role: str) -> None:
    """Its agent has told the supervisor, which has not done anything yet."""
    supervisor = world.pid("supervisor")
    with Held(supervisor):
        id = world.submit(code=6)
        world.becomes(id, "ALLOCATED")
        time.sleep(0.2)  # more than the agent needs to hear and to say it
        kill_role(world, role, wait=False)
    world.ended(id)
    check(world, codes=codes, unknown=not ADOPTED_CODES)


@pytest.mark.parametrize("role", ROLES)
def test_while_a_job_runs(world: World, codes: Codes, role: str) -> None:
    id = world.submit(gate=f"r-{role}", code=7)
    world.begun(id)
    [leader, *_] = world.job_pids(id)
    kill_role(world, role)
    world.open_gate(f"r-{role}")
    assert world.ended(id)["attempt"] == 1 and not alive(leader)
    check(world, codes=codes, unknown=not ADOPTED_CODES)


@pytest.mark.parametrize("role", ROLES)
def test_while_a_job_is_being_ended(world: World, codes: Codes, role: str) -> None:
    id = world.submit(seconds=60, slow_end=1.0)
    world.begun(id)
    world.becomes(id, "RUNNING")
    world.client.cancel(id)
    eventually(lambda: _last_sleep(world, id, 1))
    kill_role(world, role)
    job = world.ended(id)
    assert job["state"] == "CANCELED" and world.marked(id, "E"), job
    check(world, codes=codes, unknown=not ADOPTED_CODES)


@pytest.mark.parametrize("role", ROLES)
def test_while_a_job_makes_room(world: World, codes: Codes, role: str) -> None:
    """It is stopped once, queued again once, and ends once."""
    id = world.submit(seconds=1.5, gpus=4, slow_end=1.0, code=11, preemptible=True)
    world.begun(id)
    world.becomes(id, "RUNNING")
    urgent = world.submit(gpus=1, priority=5)
    eventually(lambda: _last_sleep(world, id, 1))
    kill_role(world, role)
    assert world.ended(urgent)["attempt"] == 1
    job = world.ended(id)
    assert (job["attempt"], job["preemptions"], job["exit_code"]) == (2, 1, 11)
    told = [event["type"].removeprefix("sentinel.job.") for event in world.client.job_events(id)]
    assert [told.count(one) for one in ("preempt-requested", "requeued", "failed")] == [1, 1, 1]
    check(world, codes=codes, unknown=not ADOPTED_CODES)


@pytest.mark.parametrize("role", ROLES)
def test_while_nobody_hears_of_a_jobs_end(world: World, codes: Codes, role: str) -> None:
    id = world.submit(gate=f"e-{role}", code=8)
    world.begun(id)
    world.becomes(id, "RUNNING")
    with Held(world.pid("api")):
        world.open_gate(f"e-{role}")
        eventually(lambda: world.marked(id, "E") and not world.job_pids(id))
        eventually(lambda: _is_written(world, id))
        kill_role(world, role)
    assert world.ended(id)["attempt"] == 1
    check(world, codes=codes, unknown=not ADOPTED_CODES)


@pytest.mark.parametrize(("which", "how"), [(0, (None, 9)), (1, (137, None))], ids=["leader", "child"])
def test_a_process_of_a_job_that_runs(world: World, codes: Codes, which: int, how: How) -> None:
    id = world.submit(seconds=60)
    world.begun(id)
    pids = eventually(lambda: (found := world.job_pids(id)) and len(found) == 2 and found)
    kill(pids[which])
    codes[id] = [how]
    job = world.ended(id)
    assert (job["state"], job["attempt"]) == ("FAILED", 1)
    eventually(lambda: not world.job_pids(id))
    check(world, codes=codes, unknown=not ADOPTED_CODES)


@pytest.mark.parametrize(("which", "how"), [(0, (None, 9)), (1, (0, None))], ids=["leader", "child"])
def test_a_process_of_a_job_that_is_being_ended(world: World, codes: Codes, which: int, how: How) -> None:
    id = world.submit(seconds=60, slow_end=7.0)
    world.begun(id)
    world.becomes(id, "RUNNING")
    world.client.cancel(id)
    child = eventually(lambda: _last_sleep(world, id, 7))
    [leader, *_] = world.job_pids(id)
    kill((leader, child)[which])
    codes[id] = [how]
    assert world.ended(id, 6)["state"] == "CANCELED"
    check(world, codes=codes, unknown=not ADOPTED_CODES)


def test_a_job_that_ends_without_a_supervisor(world: World, codes: Codes) -> None:
    """Nobody saw how it ended, and that is what is said."""
    id = world.submit(gate="unseen", code=12)
    world.begun(id)
    world.becomes(id, "RUNNING")
    with Held(world.pid("agent")):
        kill(world.pid("supervisor"))
        world.open_gate("unseen")
        eventually(lambda: world.marked(id, "E") and not world.job_pids(id))
    job = world.ended(id)
    assert job["state"] == "FAILED" and "nobody saw it end" in job["reason"]
    codes[id] = [(None, None)]
    check(world, codes=codes, unknown=not ADOPTED_CODES)


def test_all_of_up_at_once(world: World, codes: Codes) -> None:
    """As somebody's `kill -9 -PGID` has it, and a crash of all that is not a job."""
    runs, waits = world.submit(gate="all", gpus=4, code=9), world.submit(gpus=4, code=10)
    world.begun(runs)
    supervisor = world.pid("supervisor")
    world.server.stop(signal.SIGKILL, group=True)
    kill(supervisor)
    world.start()
    world.supervisor_serves()
    world.open_gate("all")
    assert world.ended(runs)["attempt"] == world.ended(waits)["attempt"] == 1
    check(world, codes=codes, unknown=not ADOPTED_CODES)


def _last_sleep(world: World, id: str, seconds: int) -> int | None:
    """The process with which it takes its time to end; None until it is told to."""
    return next((pid for pid in world.job_pids(id) if words_of(pid) == [b"sleep", b"%d" % seconds]), None)


def _is_written(world: World, id: str) -> bool:
    """Whether the supervisor's journal has the end of that job."""
    lines = [json.loads(line) for line in (world.data / "node/journal").read_bytes().splitlines()]
    tokens = {line["token"] for line in lines if line.get("job") == id}
    return any(line.get("phase") == "exited" and line.get("token") in tokens for line in lines)
