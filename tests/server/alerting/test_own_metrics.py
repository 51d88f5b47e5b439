from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.scheduling.cluster import job
from tests.server.alerting.watched import World, node

from sentinel.alerting.library.controller import CONTROLLER_METRICS
from sentinel.core.job import After, JobState
from sentinel.core.node import NodeState
from sentinel.core.series import Selector
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.ports.store import NewEvent
from sentinel.scheduling.pass_note import PassNote
from sentinel.server.alerting.own_metrics import OwnMetrics


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def own(world: World) -> OwnMetrics:
    return OwnMetrics(world.store, world.past, now=world.now, today=world.today)


def add(world: World, id: str, state: JobState = JobState.QUEUED, **more: Any) -> None:
    made = replace(job(id, state=state, **more), submitted_at=world.wall)
    world.store.behind.write(lambda tx: tx.add_job(made, {}))


def fails(world: World, id: str, **data: Any) -> None:
    event = NewEvent(time=world.wall, type="sentinel.job.failed", subject=id, data=data, tenant="default")
    world.store.behind.write(lambda tx: tx.add_event(event))


def test_a_controller_without_anything(world: World, own: OwnMetrics) -> None:
    values = own.values([])
    assert values["sentinel_jobs"] == {
        (("state", state),): 0.0 for state in ("queued", "allocated", "starting", "running", "lost")
    }
    assert values["sentinel_jobs_failed_last_hour"] == {(): 0.0}
    assert values["sentinel_node_up"] == {}
    assert "sentinel_queue_oldest_wait_seconds" not in values
    assert "sentinel_scheduler_pass_age_seconds" not in values
    assert values.keys() <= CONTROLLER_METRICS.keys()


def test_what_it_counts(world: World, own: OwnMetrics) -> None:
    add(world, "waits", after=(After(job="first"),))
    world.wait(10.0)
    add(world, "first")
    world.wait(30.0)
    add(world, "runs", JobState.RUNNING)
    add(world, "lost", JobState.LOST)
    add(world, "done", JobState.SUCCEEDED)
    PassNote(world.store.behind, now=world.now, today=world.today).stepped()
    world.store.behind.write(lambda tx: None)
    world.wait(7.0)
    values = own.values([node("a"), node("b", NodeState.SILENT), node("c", NodeState.DEAD)])
    jobs = {labels[0][1]: count for labels, count in values["sentinel_jobs"].items()}
    assert jobs == {"queued": 2, "allocated": 0, "starting": 0, "running": 1, "lost": 1}
    assert values["sentinel_queue_oldest_wait_seconds"] == {(): 37.0}
    assert values["sentinel_scheduler_pass_age_seconds"] == {(): pytest.approx(7.0, abs=0.01)}
    assert values["sentinel_node_up"] == {(("node", "a"),): 1.0, (("node", "b"),): 0.0}
    assert values.keys() == CONTROLLER_METRICS.keys()


def test_it_counts_seldom_but_knows_of_nodes_at_once(world: World, own: OwnMetrics) -> None:
    own.values([])
    add(world, "j1")
    world.wait(4.0)
    assert own.values([node("a")])["sentinel_jobs"][(("state", "queued"),)] == 0.0
    assert own.values([node("a")])["sentinel_node_up"] == {(("node", "a"),): 1.0}
    world.wait(1.0)
    assert own.values([])["sentinel_jobs"][(("state", "queued"),)] == 1.0


def test_what_failed_within_the_last_hour(world: World, own: OwnMetrics) -> None:
    def count() -> float:
        return own.values([])["sentinel_jobs_failed_last_hour"][()]

    fails(world, "old")
    world.wait(3601.0)
    fails(world, "new")
    fails(world, "part", part_of="gang")
    assert count() == 1.0
    world.wait(1800.0)
    fails(world, "newer")
    assert count() == 2.0
    world.wait(1801.0)
    assert count() == 1.0


def test_the_history_gets_them_each_ten_seconds(tmp_path: Path, world: World) -> None:
    history = EmbeddedHistory(str(tmp_path / "history.db"), clock=world.today)
    own = OwnMetrics(world.store, history, now=world.now, today=world.today)
    for _ in range(31):
        own.tell(own.values([node("gpu01")]))
        world.wait(1.0)
    (found,) = history.latest(Selector(metric="sentinel_node_up"), world.wall, 60.0)
    assert found == ((("node", "gpu01"),), pytest.approx(world.wall - 1.0, abs=0.01), 1.0)
    queued = Selector(metric="sentinel_jobs", matches={"state": ("queued",)})
    (found,) = history.latest(queued, world.wall, 60.0)
    assert found[2] == 0.0
    history.close()


def test_a_history_that_does_not_answer_is_said_once(
    world: World, own: OwnMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    world.past.away = "full"
    for _ in range(3):
        own.tell(own.values([node("gpu01")]))
        world.wait(10.0)
    assert len(caplog.records) == 1
    world.past.away = None
    own.tell(own.values([node("gpu01")]))
    assert len(world.past.appended) == 1
