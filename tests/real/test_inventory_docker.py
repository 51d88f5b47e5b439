"""The inventory on a real dockerd: fifty containers of all origins, while they come, change and go."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.components.docker_engine import DockerEngine
from tests.e2e.node import Node
from tests.e2e.workstation import eventually
from tests.fakes.cards import Occupant

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.cc]

GPU = {"PathOnHost": "/dev/null", "PathInContainer": "/dev/nvidia0", "CgroupPermissions": "rwm"}
KINDS: dict[str, dict[str, Any]] = {
    "raw-docker": {},
    "ds01-managed": {"Labels": {"ds01.managed": "true", "ds01.user": "ann"}},
    "sentinel-managed": {"Labels": {"sentinel.managed": "true"}},
    "devcontainer": {"Labels": {"devcontainer.local_folder": "/home/ann/code"}},
    "docker-compose": {"Labels": {"com.docker.compose.project": "lab", "com.docker.compose.service": "web"}},
}
COMPOSE = """
version: "3"
services:
  web:
    image: box
    command: sleep 1000
    devices: ["/dev/null:/dev/nvidia0"]
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with DockerEngine.running() as running:
        yield running


@pytest.fixture
def node(tmp_path: Path, engine: DockerEngine) -> Iterator[Node]:
    with Node.standing(tmp_path) as standing:
        standing.docker_host = engine.host
        standing.containerd = engine.containerd_address
        yield standing
    engine.remove_all()


def spec(kind: str, number: int, *, gpu: bool) -> dict[str, Any]:
    host = {"HostConfig": {"Devices": [GPU]}} if gpu else {}
    return {"name": f"{kind}-{number}", **KINDS[kind], **host}


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found["workloads"]}


def agrees(node: Node, engine: DockerEngine) -> bool:
    """The inventory shows what the engine does: names, and what runs."""
    real = {
        one["Names"][0][1:]: one["State"] == "running" for one in engine.api("GET", "/containers/json?all=1")
    }
    seen = {one["name"]: one["state"] in ("running", "idle") for one in node.inventory()["workloads"]}
    return real == seen


def test_fifty_containers_of_all_origins(node: Node, engine: DockerEngine) -> None:
    specs = [spec(kind, number, gpu=number % 2 == 0) for kind in KINDS for number in range(9)]
    engine.run_many(specs)
    project = node.folder / "lab"
    project.mkdir()
    (project / "docker-compose.yml").write_text(COMPOSE)
    engine.program("docker-compose", "up", "-d", "--scale", "web=5", cwd=str(project), timeout=60)
    done = node.scan("--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["events"]) == 50
    found = by_name(node.inventory())
    assert len(found) == 50
    for one in specs:
        kind, number = one["name"].rsplit("-", 1)
        workload = found[one["name"]]
        assert workload["origin"] == kind, workload
        assert workload["gpu_access"] is (int(number) % 2 == 0), workload
        assert workload["managed"] is kind.endswith("-managed")
    composed = [one for name, one in found.items() if name.startswith("lab_web")]
    assert len(composed) == 5
    assert all(one["origin"] == "docker-compose" and one["gpu_access"] for one in composed)
    assert json.loads(node.scan("--json").stdout)["events"] == []


def test_a_process_on_the_gpu_is_joined_to_its_container(node: Node, engine: DockerEngine) -> None:
    id = engine.run(options=["--name", "trainer", "-u", "4242:4242", "--label", "ds01.user=bob"])
    pid = engine.api("GET", f"/containers/{id}/json")["State"]["Pid"]
    node.card = node.card.having(Occupant(pid=pid, memory_mib=2048, while_alive=True))
    node.nvml.show([node.card])
    node.scan()
    workload = by_name(node.inventory())["trainer"]
    assert (workload["id"], workload["origin"], workload["pids"]) == (id, "raw-docker", [pid])
    assert workload["gpu_memory_bytes"] == 2048 * 2**20
    assert workload["user"] == "uid 4242", "the kernel's word stands over a label's"
    assert any("bob" in one for one in workload["conflicts"]), "and the contradiction is shown"
    assert workload["gpu_access"] is True and workload["memory_bytes"] > 0


def test_created_renamed_restarted_and_killed_while_it_looks(node: Node, engine: DockerEngine) -> None:
    ids = engine.run_many([spec("raw-docker", number, gpu=True) for number in range(12)])
    node.start()
    stop, dice = threading.Event(), random.Random(3)

    def disturb(id: str) -> None:
        while not stop.is_set():
            act = dice.choice(("restart?t=0", "rename", "kill", "start", "pause", "unpause"))
            path = f"rename?name=n{dice.randrange(10**9)}" if act == "rename" else act
            try:
                engine.api("POST", f"/containers/{id}/{path}")
            except AssertionError:
                time.sleep(0.02)  # not in that state now

    with ThreadPoolExecutor(4) as pool:
        for id in ids[:4]:
            pool.submit(disturb, id)
        more = engine.run_many([spec("ds01-managed", number, gpu=False) for number in range(6)])
        engine.remove(more[:3])
        time.sleep(6)
        stop.set()
    for id in ids[:4]:
        state = engine.api("GET", f"/containers/{id}/json")["State"]["Status"]
        if state != "running":
            engine.api("POST", f"/containers/{id}/{'unpause' if state == 'paused' else 'start'}")
    eventually(lambda: agrees(node, engine), "it shows what the engine shows", 15)
    events = node.events()
    assert len({one["id"] for one in events}) == len(events), "none is told twice"
    told: Counter[str] = Counter()
    for event in events:
        if event["type"].endswith(".detected"):
            told[event["subject"]] += 1
        elif event["type"].endswith(".exited"):
            told[event["subject"]] -= 1
        assert told[event["subject"]] in (0, 1), "each run begins before it ends, and ends before the next"
    assert {subject for subject, running in told.items() if running} == {
        one["id"] for one in node.inventory()["workloads"]
    }
    assert all(node.told("exited").count(id) == 0 for id in ids[4:]), "what nobody touched never ended"


def test_an_engine_that_is_stopped_in_mid_scan(node: Node, engine: DockerEngine) -> None:
    node.config = 'scan_timeout = "2s"\n'
    ids = engine.run_many([spec("raw-docker", number, gpu=True) for number in range(10)])
    node.start()
    eventually(lambda: agrees(node, engine), "all are there", 15)
    os.kill(engine.pid, signal.SIGSTOP)  # it hangs, with a question open
    eventually(lambda: node.inventory()["sources"]["docker"] == "unknown", "it is unknown", 25)
    assert len(node.inventory()["workloads"]) == 10 and node.told("exited") == []
    os.kill(engine.pid, signal.SIGCONT)
    eventually(lambda: node.inventory()["sources"]["docker"] == "ok", "it is back", 25)
    engine.stop()
    eventually(lambda: node.inventory()["sources"]["docker"] == "unknown", "it is unknown again", 25)
    assert len(node.inventory()["workloads"]) == 10
    engine.start()
    eventually(lambda: node.inventory()["sources"]["docker"] == "ok", "it is back again", 45)
    assert sorted(node.told("detected")) == sorted(ids) and node.told("exited") == []


def test_marks_in_containerd_are_written_lost_and_written_again(node: Node, engine: DockerEngine) -> None:
    id, managed = engine.run_many([spec("raw-docker", 1, gpu=True), spec("ds01-managed", 1, gpu=True)])
    plain = engine.run()

    def labels(container: str) -> dict[str, str]:
        shown = engine.program(
            "ctr", "-a", engine.containerd_address, "-n", "moby", "containers", "info", container
        )
        found: dict[str, str] = json.loads(shown)["Labels"]
        return {key: value for key, value in found.items() if key.startswith("sentinel.")}

    node.scan()
    assert labels(id)["sentinel.detected"] == "true"
    assert labels(id)["sentinel.detected.user"] == "unknown" and "sentinel.detected.time" in labels(id)
    assert labels(managed) == {} == labels(plain)
    assert by_name(node.inventory())["raw-docker-1"]["mark"]["written_to"] == "containerd"
    first = labels(id)
    engine.docker("restart", "-t", "0", id)
    assert labels(id) == {}, "a restart loses them"
    node.scan()
    assert labels(id) == first, "and they are written again, as they were"


def test_the_agent_sees_a_new_container_at_once(node: Node, engine: DockerEngine) -> None:
    node.start()
    delays: list[float] = []
    for number in range(10):
        began = time.monotonic()
        engine.run_many([spec("raw-docker", number, gpu=True)])
        eventually(lambda number=number: f"raw-docker-{number}" in by_name(node.inventory()), "seen", 5)
        delays.append(time.monotonic() - began)
    print(f"container asked for → in the inventory: worst of {len(delays)} {max(delays):.2f} s")
    assert max(delays) < 3.0


def test_the_command_as_the_contract_has_it(node: Node, engine: DockerEngine) -> None:
    engine.run(options=["--name", "one"])
    command = [sys.executable, "-m", "sentinel.cli.main"]
    state = ["--state-dir", str(node.state)]
    scan = subprocess.run(
        [*command, "scan", "--json", "--docker-host", engine.host, *state],
        env=node.environment,
        capture_output=True,
        text=True,
    )
    assert [one["type"] for one in json.loads(scan.stdout)["events"]] == ["sentinel.workload.detected"]
    shown = subprocess.run([*command, "workloads", "--json", *state], capture_output=True, text=True)
    found = json.loads(shown.stdout)
    assert found["sources"]["docker"] == "ok"
    assert [one["name"] for one in found["workloads"]] == ["one"]
