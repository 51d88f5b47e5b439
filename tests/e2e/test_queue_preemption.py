"""Jobs that make room: what is done to them, in which order, and that they come back."""

import getpass
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.people import People
from tests.faults.queue.checker import check
from tests.faults.queue.world import World, eventually

pytestmark = pytest.mark.slow
TRAINING = """
trap 'echo signal >>seen; exit 9' USR1
echo "began as $(id -un)" >>seen
while [ ! -e enough ]; do sleep 0.05; done
exit 3
"""
CHECKPOINT = 'echo "checkpoint in $PWD as $(id -un) of $SENTINEL_JOB_ID" >>seen; sleep 0.5; echo saved >>seen'


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may write to."""
    with tempfile.TemporaryDirectory(prefix="sentinel-test-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, gpus=2) as world:
        yield world


@pytest.mark.parametrize("user", [None, pytest.param("nobody", marks=pytest.mark.root)])
def test_it_saves_its_state_and_goes_on_later(tmp_path: Path, folder: Path, user: str | None) -> None:
    with World(tmp_path, gpus=2, jobs_as=user) as world:
        name = user or getpass.getuser()
        (folder / "train.sh").write_text(TRAINING)
        id = world.client.submit(
            ["sh", "train.sh"],
            cwd=str(folder),
            gpus=2,
            preemptible=True,
            checkpoint=["sh", "-c", CHECKPOINT],
            stop_signal="USR1",
        )["id"]
        world.submitted[id] = 3
        seen = folder / "seen"
        eventually(seen.exists)
        world.becomes(id, "RUNNING")
        urgent = world.client.submit(["true"], cwd="/", gpus=1, priority=10)["id"]
        world.submitted[urgent] = 0
        assert world.ended(urgent)["attempt"] == 1
        saved = [f"checkpoint in {folder} as {name} of {id}", "saved", "signal"]
        again = [f"began as {name}"]
        eventually(lambda: seen.read_text().splitlines() == [*again, *saved, *again])
        (folder / "enough").touch()
        job = world.ended(id)
        assert (job["state"], job["exit_code"], job["attempt"]) == ("FAILED", 3, 2)
        assert (job["preemptions"], job["failures"], job["preempt"]) == (1, 0, None)
        [requeued] = [e for e in world.client.job_events(id) if e["type"].endswith(".requeued")]
        wanted = f"makes room for job {urgent} (admin), of higher priority"
        assert requeued["data"]["reason"] == wanted
        check(world, silent=[id, urgent])


def test_nobody_else_is_touched(world: World) -> None:
    """Neither who did not say that it may be stopped, nor more of those who did than it takes."""
    plain, willing = world.submit(gate="x"), world.submit(gate="x", preemptible=True)
    for id in (plain, willing):
        world.becomes(id, "RUNNING")
    equal = world.submit(preemptible=True)
    found = world.client.why(equal)
    assert found["blocking"] == "gpus-busy" and {held["job"] for held in found["held_by"]} == {plain, willing}
    urgent = world.submit(priority=1)
    assert world.ended(urgent)["attempt"] == 1
    too_much = world.submit(priority=1, gpus=2)
    world.open_gate("x")
    for id in (plain, willing, equal, too_much):
        world.ended(id)
    assert (world.job(plain)["attempt"], world.job(plain)["preemptions"]) == (1, 0)
    assert world.job(willing)["attempt"] == world.job(willing)["preemptions"] + 1 >= 2
    check(world)


def test_what_was_borrowed_is_given_back(world: World) -> None:
    """Bob has more than his soft limit while nobody else wants it."""
    with People(world) as people:
        people.add("ada")
        people.add("bob")
        for name in ("ada", "bob"):
            world.client.put_account("user", name, limits={"running_gpus_soft": 1})
        first = people.submit("bob", gate="x")
        world.becomes(first, "RUNNING")
        second = people.submit("bob", gate="x")
        world.becomes(second, "RUNNING")
        adas = people.submit("ada", gate="a")
        world.begun(adas)
        job = world.becomes(second, "QUEUED")
        assert job["preemptions"] == 1
        assert world.job(first)["attempt"] == 1 and world.job(first)["state"] == "RUNNING"
        more = people.submit("ada")  # would be borrowed, too: nobody is stopped for that
        assert world.client.why(more)["blocking"] == "gpus-busy"
        world.open_gate("a")
        world.open_gate("x")
        for id in (first, second, adas, more):
            world.ended(id)
        [requeued] = [e for e in world.client.job_events(second) if e["type"].endswith(".requeued")]
        assert requeued["data"]["reason"] == f"gives back borrowed GPUs to job {adas} (ada)"
        assert world.job(first)["preemptions"] == 0
        check(world)
