"""What keeps a job waiting beside busy GPUs, what `why` says of it, and that what it suggests is true."""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from tests.e2e.people import People
from tests.faults.queue.checker import check
from tests.faults.queue.world import World, eventually

from sentinel.core.clock import rfc3339
from sentinel.core.errors import ApiError

pytestmark = pytest.mark.slow
_NUMBERS = count()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two nodes with two GPUs each."""
    with World(tmp_path_factory.mktemp("limits"), alone=True) as world:
        for name in "ab":
            world.node(name, 2)
        yield world


@pytest.fixture(scope="module")
def people(world: World) -> Iterator[People]:
    with People(world) as people:
        for name, group in (("ada", "ml"), ("bob", "vision"), ("cyd", None)):
            people.add(name, group=group)
        yield people


@pytest.fixture(autouse=True)
def empty(world: World) -> Iterator[str]:
    """A gate of the test's own; the queue is empty after it, and nobody has limits."""
    gate = f"g{next(_NUMBERS)}"
    yield gate
    world.open_gate(gate)
    for account in world.client.accounts():
        world.client.remove_account(account["scope"], account["name"])
    for reservation in world.client.reservations():
        world.client.remove_reservation(reservation["id"])
    for id in list(world.submitted):
        world.ended(id)
    check(world)


def suggested(world: World, people: People, id: str) -> list[tuple[dict[str, Any], str]]:
    """Each change that would have it start now, and what is said. Each is tried: a job like it, but for that,
    starts at once in its stead."""
    job, found = world.job(id), world.client.why(id)["would_start_now_if"]
    world.client.cancel(id)
    for one in found:
        asks = {name: job["spec"][name] for name in ("gpus", "nodes", "node", "time_limit", "gpu_model")}
        asks = {name: value for name, value in {**asks, **one["change"]}.items() if value is not None}
        other = people.submit(job["owner"], seconds=0.1, **asks)
        eventually(lambda other=other: world.job(other)["attempt"] == 1, 3)
        world.ended(other)
    return [(one["change"], one["says"]) for one in found]


def busy(world: World, people: People, gate: str, gpus: int, name: str = "cyd", **spec: Any) -> list[str]:
    """So many jobs of one GPU run until the gate is opened."""
    ids = [people.submit(name, gate=gate, **spec) for _ in range(gpus)]
    for id in ids:
        world.becomes(id, "RUNNING")
    return ids


# ------------------------------------------------------------------ quotas


def test_a_hard_quota(world: World, people: People, empty: str) -> None:
    world.client.put_account("user", "ada", limits={"running_gpus": 1, "queued_jobs": 2})
    busy(world, people, empty, 1, "ada")
    waits, wide = people.submit("ada", gate=empty), people.submit("ada", gpus=2)
    found = world.client.why(waits)
    assert found["blocking"] == "quota"
    assert found["reason"] == "user ada may have 1 GPU at once, and has 1; this job asks for 1"
    assert found["would_start_now_if"] == []
    with pytest.raises(ApiError, match="ada") as refused:
        people.submit("ada")
    assert refused.value.status in (403, 409, 429)
    assert people.submit("bob") and world.ended(people.submit("bob"))["state"] == "SUCCEEDED"
    assert world.job(waits)["state"] == world.job(wide)["state"] == "QUEUED"
    world.client.put_account("user", "ada", limits={"running_gpus": 2})
    assert world.becomes(waits, "RUNNING") and world.job(wide)["state"] == "QUEUED"
    world.client.remove_account("user", "ada")
    world.ended(wide)


def test_a_group_has_a_quota_too(world: World, people: People, empty: str) -> None:
    world.client.put_account("group", "ml", limits={"running_gpus": 1})
    wide = people.submit("ada", gpus=2)
    found = world.client.why(wide)
    assert (found["blocking"], found["reason"]) == (
        "quota",
        "group ml may have 1 GPU at once, and has 0; this job asks for 2",
    )
    assert suggested(world, people, wide) == [({"gpus": 1}, "it would start now with 1 GPU instead of 2")]


def test_used_up_gpu_hours(world: World, people: People, empty: str) -> None:
    world.ended(people.submit("ada", seconds=0.5))
    world.client.put_account("user", "ada", limits={"gpu_hours": 0.0001})
    waits = people.submit("ada")
    found = world.client.why(waits)
    assert found["blocking"] == "quota" and "may use 0 GPU-hours in 30 days" in found["reason"], found
    world.client.put_account("user", "ada", limits={"gpu_hours": 100})
    world.ended(waits)


def test_who_has_less_is_next(world: World, people: People, empty: str) -> None:
    """Bob had the GPUs for longer, and asked first."""
    held = busy(world, people, empty, 4, "bob")
    bobs = [people.submit("bob", gpus=2, seconds=0.2) for _ in range(2)]
    adas = people.submit("ada", gpus=2, seconds=0.2, node="a")
    bobs_on_a = people.submit("bob", gpus=2, seconds=0.2, node="a")
    found = world.client.why(adas)
    assert found["blocking"] == "gpus-busy" and {one["job"] for one in found["held_by"]} < set(held)
    world.open_gate(empty)
    ends = {id: world.ended(id)["started_at"] for id in (*bobs, adas, bobs_on_a)}
    assert ends[adas] < ends[bobs_on_a], ends
    [used] = [one for one in world.client.usage() if (one["scope"], one["name"]) == ("user", "bob")]
    assert used["running_gpus"] == 0 and used["gpu_hours"] > 0


# ------------------------------------------------------------------ reservations


def keep(world: World, begins: float, lasts: float, **spec: Any) -> None:
    now = time.time()
    start, end = rfc3339(now + begins), rfc3339(now + begins + lasts)
    world.client.add_reservation("course", start=start, end=end, **spec)


def test_before_a_reservation(world: World, people: People, empty: str) -> None:
    """Who would be in its way waits; who is over before, or for whom it is, does not."""
    keep(world, 3600, 3600, groups=["ml"])
    waits, over = people.submit("bob"), people.submit("bob", time_limit=600)
    assert world.ended(over)["attempt"] == 1 and world.ended(people.submit("ada"))["attempt"] == 1
    found = world.client.why(waits)
    assert found["blocking"] == "reservation"
    assert found["reason"].startswith("reservation course keeps nodes from ")
    assert found["reason"].endswith(", and it has no time limit")
    [(change, says)] = suggested(world, people, waits)
    assert 3500 < change["time_limit"] <= 3600 and "instead of none" in says


def test_maintenance_of_one_node(world: World, people: People, empty: str) -> None:
    """It has begun. Nobody's job starts there, and the node is as good as any after it."""
    running = people.submit("cyd", gate=empty, node="b")
    world.becomes(running, "RUNNING")
    keep(world, -1, 3600, kind="maintenance", nodes=["b"])
    waits = people.submit("ada", node="b")
    found = world.client.why(waits)
    assert found["blocking"] == "reservation"
    assert "maintenance course keeps nodes" in found["reason"] and "not for this job" in found["reason"]
    assert world.job(running)["state"] == "RUNNING"
    assert suggested(world, people, waits) == [({"node": None}, "it would start now on another node than b")]
    again = people.submit("ada", node="b")
    world.client.remove_reservation("course")
    assert world.ended(again)["node"] == "b"


# ------------------------------------------------------------------ busy GPUs


def test_fewer_gpus_and_another_node(world: World, people: People, empty: str) -> None:
    busy(world, people, empty, 1, node="a")
    busy(world, people, empty, 1, node="b")
    wide = people.submit("ada", gpus=2)
    found = world.client.why(wide)
    assert found["blocking"] == "gpus-busy" and found["estimated_start"] is None
    assert "has no time limit" in found["basis"]
    assert suggested(world, people, wide) == [({"gpus": 1}, "it would start now with 1 GPU instead of 2")]
    busy(world, people, empty, 1, node="a")
    there = people.submit("ada", node="a")
    assert world.client.why(there)["blocking"] == "gpus-busy"
    assert suggested(world, people, there) == [({"node": None}, "it would start now on another node than a")]


def test_a_gang_that_is_too_wide(world: World, people: People, empty: str) -> None:
    wide = people.submit("ada", nodes=3)
    found = world.client.why(wide)
    assert found["blocking"] == "too-large" and "2 nodes could hold such a part" in found["reason"]
    assert suggested(world, people, wide) == [({"nodes": 2}, "it would start now on 2 nodes instead of 3")]


def test_what_is_kept_for_who_is_ahead(world: World, people: People, empty: str) -> None:
    """A shorter one goes first: backfill."""
    busy(world, people, empty, 1, node="a", time_limit=3000)
    ahead = people.submit("ada", gpus=2, node="a")
    assert world.client.why(ahead)["estimated_start"] is not None
    behind = people.submit("ada", node="a")
    found = world.client.why(behind)
    assert found["blocking"] == "ahead" and found["held_by"][-1]["job"] == ahead, found
    changes = suggested(world, people, behind)
    fields = [field for change, _ in changes for field in change]
    assert fields == ["node", "time_limit"], changes
    world.client.cancel(ahead)
