"""`sentinel dev seed` on a controller's folder: what is in store and history then, and what is refused."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.server.controller import Controller, command, eventually

from sentinel.core.clock import wall
from sentinel.core.identity import Role
from sentinel.core.job import JobState
from sentinel.core.node import Node, NodeState
from sentinel.core.series import Aggregate, Selector
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.stores.opening import open_store
from sentinel.ports.store import JobFilter, Page, Reader, Store
from sentinel.server.__main__ import _parser, main
from sentinel.server.folders import Folders
from sentinel.server.seeding.seed import SeedOptions

SMALL = ("--nodes", "4", "--gpus", "4", "--days", "0.2", "--jobs", "60")


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTINEL_DATABASE", raising=False)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Store]:
    store = open_store(Folders(root=folder).database_url(), migrate=False)
    try:
        yield store
    finally:
        store.close()


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[Reader]:
    with opened(folder) as store, store.read() as reader:
        yield reader


def seed(folder: Path, *words: str) -> int:
    return main(["seed", "--data-dir", str(folder), *SMALL, *words])


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeded")
    assert seed(folder, "--alerts") == 0
    return folder


def test_the_store_has_the_fleet(seeded: Path) -> None:
    with reading(seeded) as reader:
        nodes = reader.nodes()
        assert [node.name for node in nodes] == ["sim-001", "sim-002", "sim-003", "sim-004"]
        assert Counter(node.state for node in nodes) == {NodeState.UP: 3, NodeState.SILENT: 1}
        running = reader.count_jobs(JobFilter(states=(JobState.RUNNING, JobState.LOST)))
        leases = reader.leases()
        assert len(leases) == sum(running.values()) > 0
        jobs, _ = reader.find_jobs(JobFilter(), Page(limit=1000))
        by_token = {job.placement.token: job for job in jobs if job.placement is not None}
        assert {lease.token for lease in leases} == by_token.keys()
        assert {job.state for job in jobs} >= {JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED}
        for job in jobs:
            assert reader.environment(job.id) == {}
        groups = {user.group for user in reader.users() if user.role is Role.MEMBER}
        assert len(groups) > 3 and reader.user("admin") is not None
        assert reader.documents("usage")
        assert len(reader.documents("node-findings")) == 1


def test_events_are_in_order_and_those_of_a_job_tell_its_life(seeded: Path) -> None:
    with reading(seeded) as reader:
        events = reader.events(0, 10_000, types=("sentinel.job.submitted", "sentinel.job.running"))
        times = [event.time for event in events]
        assert times and times == sorted(times)


def test_what_is_seen_on_the_nodes_is_what_holds_their_gpus(seeded: Path) -> None:
    with reading(seeded) as reader:
        for node in reader.nodes():
            held = {gpu for lease in reader.leases(node=node.id) for gpu in lease.gpus}
            blocked = {
                gpu.uuid for gpu in node.gpus or () if gpu.blocked and gpu.blocked.kind.value == "unmanaged"
            }
            seen = {gpu for one in reader.workloads(node=node.id) for gpu in one.data["gpus"]}
            assert seen == held | blocked


def test_the_history_has_its_past(seeded: Path) -> None:
    with reading(seeded) as reader:
        now = max(node.last_seen_at or 0 for node in reader.nodes())
        silent = next(node.name for node in reader.nodes() if node.state is NodeState.SILENT)
    history = EmbeddedHistory(str(Folders(root=seeded).history))
    try:
        fresh = history.latest(Selector(metric="gpu_utilization_percent"), now, 60)
        assert len(fresh) == 12
        assert silent not in {dict(labels)["node"] for labels, _, _ in fresh}
        used = history.query(
            Selector(metric="gpu_utilization_percent"), now - 4 * 3600, now, 60, Aggregate.AVG
        )
        assert len(used) == 16
        known = [value is not None for value in dict(used[0].points).values()]
        assert sum(known) >= len(known) - 2
        hot = history.latest(Selector(metric="gpu_temperature_celsius"), now, 60)
        assert sum(value > 88 for _, _, value in hot) == 1
        held = history.query(Selector(metric="gpu_held"), now - 600, now, 60, Aggregate.AVG)
        assert {value for one in held for _, value in one.points} <= {1.0, None}
    finally:
        history.close()


def test_it_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert seed(tmp_path, "--json") == 0
    out, err = capsys.readouterr()
    found: dict[str, Any] = json.loads(out)
    assert (found["nodes"], found["gpus"], found["days"], found["history"]) == (4, 16, 0.2, "kept")
    assert sum(found["jobs"].values()) > 30 and found["events"] > 100
    assert "history of 4 of 4 nodes" in err
    with reading(tmp_path) as reader:
        assert sum(reader.count_jobs(JobFilter()).values()) == sum(found["jobs"].values())


def test_twice_is_refused(seeded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert seed(seeded) == 2
    assert "4 simulated nodes are there already: --live" in capsys.readouterr().err


def test_real_nodes_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = Folders(root=tmp_path)
    open_store(folders.database_url(), migrate=True).close()
    with opened(tmp_path) as store:
        real = Node(id="n", name="gpu1", joined_at=1.0, agent_version="1.0")
        store.write(lambda tx: tx.put_node(real))
    assert seed(tmp_path) == 2
    assert "real nodes (gpu1)" in capsys.readouterr().err
    with reading(tmp_path) as reader:
        assert [node.name for node in reader.nodes()] == ["gpu1"]
    assert seed(tmp_path, "--force") == 0
    with reading(tmp_path) as reader:
        assert len(reader.nodes()) == 5


@pytest.mark.parametrize(
    "words",
    [("--nodes", "0"), ("--gpus", "99"), ("--days", "0"), ("--days", "nan"), ("--jobs", "-1"),
     ("--every", "0"), ("--nodes", "x")],
)  # fmt: skip
def test_what_is_out_of_bounds(tmp_path: Path, words: tuple[str, str]) -> None:
    with contextlib.suppress(SystemExit):  # argparse's way
        assert seed(tmp_path, *words) == 2
    assert not Folders(root=tmp_path).database.exists()


def test_live_needs_a_controller_that_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert seed(tmp_path, "--live") == 2
    assert "sentinel server --data-dir" in capsys.readouterr().err


def test_a_prometheus_keeps_no_past_from_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[history]\nbackend = "prometheus"\nurl = "http://127.0.0.1:9"\n')
    assert seed(tmp_path / "data", "--json", "--config", str(config)) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["history"] == "elsewhere"
    assert "takes no past" in err


def test_the_parser_has_every_option() -> None:
    found = vars(_parser().parse_args(["seed"]))
    assert SeedOptions.__slots__ and set(SeedOptions.__slots__) <= found.keys()
    assert (found["nodes"], found["gpus"], found["jobs"]) == (128, 8, 2000)


def test_live_on_a_controller_that_runs(tmp_path: Path) -> None:
    """Nodes are heard of, with samples; jobs that are placed there run; what is cancelled ends."""
    with Controller(tmp_path) as controller:
        words = ("seed", "--data-dir", str(controller.data), *SMALL, "--live", "--every", "0.5")
        with (tmp_path / "seed.log").open("w") as log:
            feeding = subprocess.Popen(command(*words), env={**os.environ, "HOME": str(tmp_path)}, stderr=log,
                                       stdout=log)  # fmt: skip
        try:

            def nodes() -> list[dict[str, Any]]:
                return controller.ask("GET", "/api/v1/nodes").json()["items"]

            def all_alive() -> list[dict[str, Any]]:
                found = nodes()
                return found if len(found) == 4 and all(node["samples"] for node in found) else []

            found = eventually(all_alive)
            assert {node["state"] for node in found} == {"up"}
            for node in found:
                assert {one["uuid"] for one in node["samples"]} == {gpu["uuid"] for gpu in node["gpus"]}
            running = controller.ask("GET", "/api/v1/jobs?state=RUNNING").json()["items"]
            assert running
            first = running[0]["id"]
            controller.ask("POST", f"/api/v1/jobs/{first}/cancel", json={"why": "room"})
            assert eventually(lambda: controller.job(first)["state"] == "CANCELED")
            mine = controller.submit(priority=1000, node=running[0]["node"])
            assert eventually(lambda: controller.job(mine)["state"] == "RUNNING")
            history = EmbeddedHistory(str(Folders(root=controller.data).history))
            try:

                def pushed() -> bool:
                    told = history.query(
                        Selector(metric="gpu_utilization_percent"),
                        wall() - 4,
                        wall(),
                        0.5,
                        Aggregate.LAST,
                    )
                    return len(told) == 16

                assert eventually(pushed)
            finally:
                history.close()
            feeding.send_signal(signal.SIGINT)
            assert feeding.wait(20) == 0, (tmp_path / "seed.log").read_text()
        finally:
            if feeding.poll() is None:
                feeding.kill()
                feeding.wait()
        assert "Traceback" not in (tmp_path / "seed.log").read_text()


def test_the_modules_need_nothing_that_the_server_has_not() -> None:
    code = "import sentinel.server.seeding.seed, sys; sys.exit('typer' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
