"""The simulated nodes as they live on, on a clock of the test's: what begins, ends, waits and is measured."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sentinel.api.beats import beat_from, node_workloads
from sentinel.core.job import Cancel, Job, JobState, Placement
from sentinel.core.node import Node
from sentinel.core.series import Aggregate, Selector
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import JobFilter, Page
from sentinel.scheduling import desk
from sentinel.scheduling.lifecycle import Allocate, move
from sentinel.scheduling.writing import take_lease, write_move
from sentinel.server.seeding.fleet import nodes
from sentinel.server.seeding.life import Life
from sentinel.server.seeding.live import _Feed
from sentinel.server.seeding.seed import SeedOptions, _made
from sentinel.server.seeding.writing import write_fleet

NOW = 1_800_000_040.0  # a minute is over 20 s later


class World:
    def __init__(self, *, alerts: bool = False) -> None:
        self.store = MemoryStore()
        options = SeedOptions(nodes=4, gpus=4, days=0.2, jobs=60, seed=1, alerts=alerts, live=True, every=1.0,
                              force=False, as_json=False)  # fmt: skip
        self.made = _made(options, NOW)
        told: list[str] = []
        write_fleet(self.store, self.made.nodes, self.made.timeline, self.made.findings, NOW, told.append)
        assert told == ["4 nodes", f"{len(self.made.timeline.jobs)} jobs", told[2]]
        self.life = Life(self.store, NOW)

    def jobs(self, *states: JobState) -> Sequence[Job]:
        with self.store.read() as reader:
            return reader.find_jobs(JobFilter(states=states), Page(limit=1000))[0]

    def job(self, id: str) -> Job:
        with self.store.read() as reader:
            found = reader.job(id)
        assert found is not None
        return found

    def place(self, job: Job, node: Node, at: float) -> None:
        """As the scheduler does."""
        placement = Placement(node=node.id, gpus=tuple(gpu.uuid for gpu in node.gpus or ()), token="t")
        made = move(job, Allocate(placement=placement, node_name=node.name), at)
        assert made is not None
        self.store.write(lambda tx: take_lease(tx, write_move(tx, made, "/controller", at), at))


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.store.close()


def test_what_runs_ends_at_some_time_and_others_are_submitted(world: World) -> None:
    before = {job.id for job in world.jobs(JobState.RUNNING)}
    world.life.go_on(NOW + 1)
    assert {job.id for job in world.jobs(JobState.RUNNING)} == before
    world.life.go_on(NOW + 6 * 3600)
    assert not world.jobs(JobState.RUNNING)
    assert {world.job(id).state for id in before} <= {JobState.SUCCEEDED, JobState.FAILED}
    with world.store.read() as reader:
        assert not reader.leases()
    for job in world.jobs(JobState.QUEUED):
        desk_cancel(world, job)
    assert not world.jobs(JobState.QUEUED)
    world.life.go_on(NOW + 6 * 3600 + 1)
    assert len(world.jobs(JobState.QUEUED)) == 1


def desk_cancel(world: World, job: Job) -> None:
    asked = Cancel(by="admin", at=NOW)
    world.store.write(lambda tx: desk.cancel(tx, job.id, asked, NOW))


def test_what_is_placed_runs_and_what_is_cancelled_ends(world: World) -> None:
    world.life.go_on(NOW + 6 * 3600)  # nothing runs any more
    waiting, node = world.jobs(JobState.QUEUED)[0], world.made.nodes[0]
    world.place(waiting, node, NOW + 6 * 3600)
    world.life.go_on(NOW + 6 * 3600 + 1)
    running = world.job(waiting.id)
    assert (running.state, running.started_at) == (JobState.RUNNING, NOW + 6 * 3600 + 1)
    assert world.life.tokens(node.id) == ["t"]
    held = [one for one in world.life.stints(node) if one.end is None and one.key == waiting.id]
    assert [one.gpus for one in held] == [(0, 1, 2, 3)]
    desk_cancel(world, running)
    world.life.go_on(NOW + 6 * 3600 + 2)
    assert world.job(waiting.id).state is JobState.CANCELED
    ended = [one for one in world.life.stints(node) if one.key == waiting.id]
    assert [one.end for one in ended] == [NOW + 6 * 3600 + 2]
    world.life.forget(NOW + 6 * 3600 + 60)
    assert not [one for one in world.life.stints(node) if one.key == waiting.id]


def test_a_node_that_is_to_stay_silent_does() -> None:
    world = World(alerts=True)
    world.life.go_on(NOW + 1)
    assert {node.name for node in world.life.nodes} == {node.name for node in world.made.nodes} - set(
        world.made.silent
    )
    world.store.close()


def test_real_nodes_are_not_spoken_for(world: World) -> None:
    (other,) = nodes(Random(7), count=1, gpus=1, joined_at=NOW, now=NOW)
    fields = {name: getattr(other, name) for name in Node.__slots__}
    real = Node(**fields | {"name": "gpu1", "agent_version": "1.0"})
    world.store.write(lambda tx: tx.put_node(real))
    world.life.go_on(NOW + 1)
    assert len(world.life.nodes) == 4


class Heard:
    """Instead of beats over the network."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Mapping[str, Any]]] = []

    def send(self, ids: Sequence[str], body: Callable[[str], Mapping[str, Any]]) -> list[str]:
        self.bodies.append({id: body(id) for id in ids})
        return []


def test_beats_are_what_the_api_takes_and_samples_get_into_the_history(world: World, tmp_path: Path) -> None:
    at = [NOW]
    history = EmbeddedHistory(str(tmp_path / "history.db"), clock=lambda: at[0])
    heard, told = Heard(), list[str]()
    feed = _Feed(
        world.life,
        heard,
        history,
        every=1.0,
        now=NOW,
        hot=frozenset(),
        tell=told.append,  # type: ignore[arg-type]
    )
    for second in range(59):  # nothing ends within a minute
        at[0] = NOW + second
        feed.turn(at[0])
    with world.store.read() as reader:
        leases = {node.id: {one.token for one in reader.leases(node=node.id)} for node in reader.nodes()}
    first, last = heard.bodies[0], heard.bodies[-1]
    for node in world.life.nodes:
        beat = beat_from(dict(first[node.id]))
        assert beat.held == leases[node.id] and beat.gpus == node.gpus
        assert len(beat.samples or ()) == 4
        assert node_workloads(node, beat.workloads or ())
        assert beat_from(dict(last[node.id])).workloads is None  # as before
    series = history.query(Selector(metric="gpu_power_watts"), NOW + 1, NOW + 50, 1, Aggregate.COUNT)
    assert len(series) == 16
    for one in series:
        assert all(count == 1 for _, count in one.points), one.labels
    held = history.latest(Selector(metric="gpu_held"), at[0], 15)
    blocked = sum(gpu.blocked is not None for node in world.life.nodes for gpu in node.gpus or ())
    assert len(held) == blocked + sum(len(job.gpus) for job in world.jobs(JobState.RUNNING))
    assert told == []
    history.close()
