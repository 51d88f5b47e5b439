"""The watch's duty about Slurm: what of each look is kept where, and when nothing is."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.slurm import CLUSTER, SILENT, FakeSlurm

from sentinel.api.slurm_kept import KEY, KIND, LOOKED
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.series import Selector
from sentinel.core.slurm import Part, SlurmJob, SlurmReading
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.server.observing import SlurmConfig
from sentinel.server.slurm_watch import MOST_NAMES, SlurmWatch, summed_up

START = 1_800_000_000.0


class World:
    def __init__(self, folder: Path) -> None:
        self.at = START
        self.store = MemoryStore()
        self.history = EmbeddedHistory(str(folder / "history.db"), clock=lambda: self.at)
        self.slurm = FakeSlurm()
        self.watch = self.new_watch()

    def new_watch(self) -> SlurmWatch:
        return SlurmWatch(
            SlurmConfig(enabled=True, every=10.0),
            self.store,
            self.history,
            lambda: self.at,
            lambda _: self.slurm,
            measured=lambda: self.at,
        )

    def look(self, after: float = 10.0) -> None:
        self.at += after
        self.watch.look()

    def newest(self, metric: str) -> dict[str, float]:
        """Value by the labels beside the node."""
        found = self.history.latest(Selector(metric=metric), self.at, 15.0)
        return {
            " ".join(value for name, value in labels if name != "node"): value for labels, _, value in found
        }

    def kept(self) -> Any:
        with self.store.read() as reader:
            document = reader.document(KIND, KEY)
        return None if document is None else document.data

    def revision(self) -> int:
        with self.store.read() as reader:
            return reader.revision()

    def looked(self) -> Any:
        with self.store.read() as reader:
            return json.loads(reader.meta(LOOKED) or "null")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.history.close()
    world.store.close()


def test_a_look_is_in_history_as_the_exporter_would_show_it(world: World) -> None:
    world.look()
    assert world.newest("slurm_up") == {"": 1.0}
    assert world.newest("slurm_nodes") == {"mixed": 1.0, "drained": 1.0, "idle": 1.0}
    assert world.newest("slurm_gpus")["allocated h100"] == 3.0
    assert world.newest("slurm_scheduler_jobs_started_total") == {"": 7.0}
    labels = {dict(labels)["node"] for _, labels in world.history.series()}
    assert labels == {"slurm"}


def test_each_look_is_a_moment_of_its_own(world: World) -> None:
    world.look()
    world.slurm.reading = replace(CLUSTER, jobs=())
    world.look()
    found = world.history.latest(Selector(metric="slurm_up"), world.at, 5.0)
    assert [time for _, time, _ in found] == [START + 20]
    assert world.newest("slurm_job_arrays_uncounted") == {"": 0.0}


def test_what_the_store_has_of_it(world: World) -> None:
    world.look()
    found = world.kept()
    assert found["version"] == "22.05.8"
    assert found["nodes"] == {"mixed": 1, "drained": 1, "idle": 1}
    assert found["cpus"] == {"allocated": 3, "idle": 17, "down": 8}
    assert found["gpus"] == [
        {"type": "", "total": 1, "allocated": 0, "idle": 0, "down": 1},
        {"type": "h100", "total": 12, "allocated": 3, "idle": 6, "down": 3},
    ]
    assert found["queue"] == {
        "by_state": {"pending": 31, "running": 1},
        "by_user": {"ann": {"pending": 30, "running": 1}, "bob": {"pending": 1}},
        "by_account": {"": {"pending": 1}, "physics": {"pending": 30, "running": 1}},
        "uncounted_arrays": 0,
    }
    assert found["scheduler"]["jobs_started"] == 7 and "rpcs" not in found["scheduler"]
    looked = world.looked()
    assert (looked["at"], looked["tried_at"], looked["error"]) == (world.at, world.at, None)
    assert looked["sources"] == ["restd"]


def test_the_document_is_written_when_it_is_another_one_and_seldom(world: World) -> None:
    world.look()
    before = world.revision()
    world.look()
    assert world.revision() == before
    assert world.looked()["at"] == world.at  # the same is as good as new
    world.slurm.reading = replace(CLUSTER, jobs=())
    right = world.at
    world.look()
    assert world.revision() == before
    assert world.looked()["at"] == right  # since then it is another one, which is not written yet
    world.look(10.0)
    assert world.revision() > before
    assert world.kept()["queue"]["by_state"] == {}
    assert world.looked()["at"] == world.at


def test_a_cluster_that_does_not_answer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.look()
    right = world.at
    world.slurm.reading = SILENT
    world.look(20.0)
    world.look(20.0)
    assert world.newest("slurm_up") == {"": 0.0}
    assert world.newest("slurm_nodes") == {}  # never the values before it
    assert world.newest("slurm_sample_failures_total") == {"": 2.0}
    assert (world.looked()["at"], world.looked()["error"]) == (right, "it is down")
    assert world.kept()["nodes"] == {"mixed": 1, "drained": 1, "idle": 1}
    world.slurm.reading = CLUSTER
    world.look()
    assert [record.message for record in caplog.records] == ["Slurm: it is down", "Slurm answers again"]
    assert world.looked()["at"] == world.at


def test_a_part_that_is_not_answered_is_unknown(world: World) -> None:
    world.slurm.lose(Part.JOBS)
    world.look()
    assert world.kept()["queue"] is None and world.kept()["nodes"] is not None
    assert world.looked()["error"] == "lost"
    assert world.newest("slurm_jobs") == {}


def test_after_a_restart_it_is_known_how_old_it_is(world: World) -> None:
    world.look()
    right = world.at
    world.slurm.reading = SILENT
    world.watch = world.new_watch()
    world.look()
    assert world.looked()["at"] == right


def test_a_config_that_cannot_be_followed_is_said(world: World) -> None:
    def refuse(_: SlurmConfig) -> FakeSlurm:
        raise UsageError("ftp:// is no slurmrestd; write unix:///PATH")

    world.watch = SlurmWatch(SlurmConfig(enabled=True), world.store, world.history, lambda: world.at, refuse)
    with pytest.raises(UsageError):
        world.watch.look()
    assert world.looked()["error"].startswith("ftp://")
    assert world.looked()["at"] is None and world.kept() is None


def test_a_history_that_is_away_keeps_nothing_from_the_store(world: World) -> None:
    world.history.close()
    with pytest.raises(SentinelError):
        world.look()
    assert world.kept()["nodes"] == {"mixed": 1, "drained": 1, "idle": 1}


def test_names_are_bounded() -> None:
    jobs = tuple(
        SlurmJob(state="running", user=f"u{number:04}", account=f"a{number:04}", tasks=1 + (number < 5))
        for number in range(MOST_NAMES + 50)
    )
    queue = summed_up(SlurmReading(jobs=jobs))["queue"]
    for names in (queue["by_user"], queue["by_account"]):
        assert len(names) == MOST_NAMES + 1
        assert names["(other)"] == {"running": 50}
        assert sum(states["running"] for states in names.values()) == MOST_NAMES + 55


def test_it_looks_in_a_thread_until_it_is_stopped(world: World) -> None:
    looked = threading.Event()

    class Slurm(FakeSlurm):
        def read(self) -> SlurmReading:
            looked.set()
            return super().read()

    world.slurm = Slurm()
    world.watch.start()
    assert looked.wait(10)
    world.watch.stop()
    world.watch._thread.join(10)
    assert not world.watch._thread.is_alive()
    assert world.newest("slurm_up") == {"": 1.0}
