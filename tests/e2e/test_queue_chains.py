"""Jobs that wait for others, arrays, retries and singletons, while their controller is killed and started."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.queue.checker import How, check
from tests.faults.queue.world import World, eventually

from sentinel.core.errors import ApiError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("chains"), gpus=4) as world:
        yield world


@pytest.fixture(scope="module")
def silent() -> list[str]:
    """The jobs that write no marks."""
    return []


@pytest.fixture(scope="module")
def codes() -> dict[str, list[How]]:
    """How those jobs ended that did not end by themselves."""
    return {}


def restart(world: World) -> None:
    """All of it at once, but for the supervisor and the jobs."""
    world.server.stop(signal.SIGKILL, group=True)
    world.start()


def after(*ids: str, kind: str = "ok") -> list[dict[str, str]]:
    return [{"job": id, "kind": kind} for id in ids]


def test_what_waits_for_others(world: World) -> None:
    """Five jobs that wait for two, directly or not: what can never begin any more is canceled at once."""
    good, bad = world.submit(gate="deps"), world.submit(gate="deps", code=3)
    for id in (good, bad):
        world.becomes(id, "RUNNING")
    follows = world.submit(after=after(good))
    both = world.submit(after=after(good, bad))
    clears_up = world.submit(after=after(bad, kind="notok"))
    whatever = world.submit(after=after(good, bad, kind="any"))
    last = world.submit(after=after(both))
    found = world.client.why(both)
    assert found["blocking"] == "dependency"
    assert found["reason"] == f"waits for job {good} (RUNNING), job {bad} (RUNNING)", found
    restart(world)
    world.open_gate("deps")
    for id in (follows, clears_up, whatever):
        assert world.ended(id)["state"] == "SUCCEEDED"
    for id, of, how in ((both, bad, "FAILED"), (last, both, "was CANCELED")):
        job = world.ended(id)
        assert (job["state"], job["attempt"]) == ("CANCELED", 0)
        assert job["reason"] == f"job {of}, which it waits for, {how}"
    with pytest.raises(ApiError, match="would never begin") as refused:
        world.submit(after=after(bad))
    assert refused.value.status == 409
    assert world.ended(world.submit(after=after(good, clears_up)))["state"] == "SUCCEEDED"
    check(world)


def test_an_array_and_what_waits_for_it(world: World) -> None:
    """No more than two at once, whatever is restarted; the last of them lets go who waits for all."""
    array, tasks = world.submit_array("1-6%2", seconds=0.4)
    summary = world.submit(after=after(array))
    assert tasks == [f"{array}_{index}" for index in range(1, 7)]
    world.begun(tasks[1])
    found = world.client.why(tasks[5])
    assert (found["blocking"], found["reason"]) == (
        "array-limit",
        f"2 of array {array} hold GPUs, as many as may at once",
    )
    restart(world)
    assert world.ended(summary)["state"] == "SUCCEEDED"
    running = 0
    for mark in sorted((m for m in world.marks() if m.job in tasks), key=lambda m: m.at):
        running += 1 if mark.kind == "S" else -1
        assert 0 <= running <= 2
    for id in tasks:
        assert world.job(id)["state"] == "SUCCEEDED"
        [environment] = [world.client.environment(id)]
        assert environment["SENTINEL_ARRAY_INDEX"] == id.rpartition("_")[2]
    assert world.client.find(array)["states"] == {"SUCCEEDED": 6}
    check(world)


def test_an_array_is_canceled_whole(world: World, codes: dict[str, list[How]]) -> None:
    array, tasks = world.submit_array("0-4%2", gate="array")
    waits = world.submit(after=after(array))
    world.begun(tasks[1])
    restart(world)
    assert sorted(world.client.cancel(array)["jobs"]) == tasks
    for id in (*tasks, waits):
        assert world.ended(id)["state"] == "CANCELED"
    codes.update({id: [(None, 15), (None, None)] for id in tasks})
    check(world, codes=codes)


def test_what_fails_is_tried_again(
    world: World, codes: dict[str, list[How]], silent: list[str], tmp_path: Path
) -> None:
    """A little later each time; what fails in another way is not."""
    id = world.submit(code=3, retries=1, retry_codes=[3, 4])
    once = world.submit(code=5, retries=2, retry_codes=[3, 4])
    second_time = ["sh", "-c", '[ "$SENTINEL_ATTEMPT" = 2 ]']
    lucky = world.client.submit(second_time, cwd=str(tmp_path), retries=3)["id"]
    world.submitted[lucky] = 0
    eventually(lambda: world.job(id)["failures"] == 1)
    found = world.client.why(id)
    assert found["blocking"] == "backoff" and found["reason"].startswith("exit code 3; tried again ("), found
    restart(world)
    job = world.ended(id)
    assert (job["state"], job["attempt"], job["failures"], job["exit_code"]) == ("FAILED", 2, 1, 3)
    assert world.begun(id, 2).at - world.begun(id).at > 4.5
    assert world.ended(once)["attempt"] == 1
    assert (world.ended(lucky)["state"], world.job(lucky)["attempt"]) == ("SUCCEEDED", 2)
    silent.append(lucky)
    check(world, codes=codes, silent=silent)


def test_a_singleton(world: World, codes: dict[str, list[How]], silent: list[str]) -> None:
    """One after the other, by age, although there is room for all."""
    names = {"name": "tidy", "singleton": True}
    first = world.submit(gate="one", **names)
    second, third = world.submit(seconds=0.2, **names), world.submit(**names)
    other = world.submit(name="other", singleton=True)
    assert world.ended(other)["attempt"] == 1
    found = world.client.why(third)
    assert found["blocking"] == "dependency"
    assert found["reason"] == "waits until no earlier job of admin that is called tidy is left"
    restart(world)
    world.begun(first)
    eventually(lambda: world.client.node(world.client.nodes()[0]["name"])["state"] == "up")
    assert world.job(second)["state"] == world.job(third)["state"] == "QUEUED"
    world.open_gate("one")
    world.ended(third)
    ends = [m for m in world.marks() if m.job in (first, second, third)]
    assert [(m.job, m.kind) for m in ends] == [(id, k) for id in (first, second, third) for k in "SE"]
    check(world, codes=codes, silent=silent)
