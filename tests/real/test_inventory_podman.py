"""The inventory on a real Podman, by its Docker-compatible socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.components.podman_service import PodmanService
from tests.e2e.node import Node
from tests.e2e.workstation import eventually
from tests.fakes.cards import Occupant

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.cc, pytest.mark.slow]

GPU = ("--device", "/dev/null:/dev/nvidia0")
PATIENCE = 30.0


class PodmanNode(Node):
    """A node that has this Podman, and no Docker."""

    podman = ""

    @property
    def options(self) -> list[str]:
        return [*super().options, "--podman-host", self.podman]


@pytest.fixture(scope="module")
def service() -> Iterator[PodmanService]:
    with PodmanService.running() as started:
        yield started


@pytest.fixture
def node(tmp_path: Path, service: PodmanService) -> Iterator[Node]:
    with PodmanNode.standing(tmp_path) as standing:
        assert isinstance(standing, PodmanNode)
        standing.podman = service.host
        standing.docker_host = f"unix://{tmp_path}/no-docker.sock"
        yield standing
    service.podman("rm", "--all", "--force", "--time", "0")


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found["workloads"]}


def pid_of(service: PodmanService, id: str) -> int:
    return int(service.podman("inspect", "--format", "{{.State.Pid}}", id))


def test_containers_with_and_without_a_gpu(node: Node, service: PodmanService) -> None:
    with_gpu = service.run(options=["--name", "trainer", *GPU])
    without = service.run(options=["--name", "web"])
    compose = ("--label", "com.docker.compose.project=lab", "--label", "com.docker.compose.service=web")
    service.run(options=["--name", "composed", *compose])
    service.run(options=["--name", "managed", "--label", "ds01.managed=true"])
    done = node.scan("--json")
    assert done.returncode == 0, done.stderr
    found = by_name(node.inventory())
    assert node.inventory()["sources"]["podman"] == "ok"
    assert {name: one["origin"] for name, one in found.items()} == {
        "trainer": "podman",
        "web": "podman",
        "composed": "docker-compose",
        "managed": "ds01-managed",
    }
    assert (found["trainer"]["id"], found["trainer"]["gpu_access"]) == (with_gpu, True)
    assert (found["web"]["id"], found["web"]["gpu_access"]) == (without, False)
    assert all(one["source"] == one["runtime"] == "podman" for one in found.values())
    assert found["trainer"]["category"] == "unmanaged-container" and found["managed"]["managed"] is True
    assert any("/dev/nvidia0" in str(one) for one in found["trainer"]["gpu_evidence"])
    assert node.scan("--json").returncode == 0
    assert sorted(node.told("detected")) == sorted(one["id"] for one in found.values()), "each once"


def test_a_process_on_the_gpu_is_joined_to_its_container(node: Node, service: PodmanService) -> None:
    id = service.run(options=["--name", "trainer", "--user", "4242:4242", *GPU])
    pid = pid_of(service, id)
    node.card = node.card.having(Occupant(pid=pid, memory_mib=2048, while_alive=True))
    node.nvml.show([node.card])
    assert node.scan().returncode == 0
    (workload,) = node.inventory()["workloads"]
    assert (workload["id"], workload["origin"], workload["pids"]) == (id, "podman", [pid])
    assert workload["gpu_memory_bytes"] == 2048 * 2**20
    assert workload["user"] == "uid 4242"
    assert workload["gpus"] == [node.card.uuid]


def test_the_agent_sees_them_come_change_and_go(node: Node, service: PodmanService) -> None:
    node.start()
    id = service.run(options=["--name", "trainer", *GPU])
    eventually(lambda: node.workload(name="trainer"), "it is there", PATIENCE)
    service.podman("rename", id, "better")
    eventually(lambda: node.workload(name="better"), "by its new name", PATIENCE)
    service.podman("pause", id)
    eventually(lambda: (node.workload(name="better") or {}).get("state") == "paused", "paused", PATIENCE)
    service.podman("unpause", id)
    service.podman("kill", id)
    eventually(lambda: node.told("exited") == [id], "its end is told", PATIENCE)
    service.podman("rm", id)
    eventually(lambda: not node.inventory()["workloads"], "it is gone", PATIENCE)
    assert node.told("detected") == node.told("exited") == [id]


def test_a_service_that_stops_is_unknown_and_nothing_has_exited(node: Node, service: PodmanService) -> None:
    ids = [service.run(options=["--name", f"trainer-{number}", *GPU]) for number in range(3)]
    node.start()
    eventually(lambda: sorted(node.told("detected")) == sorted(ids), "all are told of", PATIENCE)
    service.stop()
    try:
        eventually(lambda: node.inventory()["sources"]["podman"] == "unknown", "it is unknown", PATIENCE)
        note = node.inventory()["source_notes"]["podman"]
        assert note["why"] and note["since"]
        assert len(node.inventory()["workloads"]) == 3 and node.told("exited") == []
        service.podman("rm", "--force", "--time", "0", ids[0])  # while nobody can tell us
    finally:
        service.start()
    eventually(lambda: node.inventory()["sources"]["podman"] == "ok", "it is back", PATIENCE)
    eventually(lambda: node.told("exited") == [ids[0]], "what ended meanwhile is told then", PATIENCE)
    assert sorted(node.told("detected")) == sorted(ids), "and nothing twice"
    assert "Traceback" not in node.journal()
