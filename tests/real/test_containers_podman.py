"""What a real Podman tells through its Docker-compatible socket, where that is not what Docker tells."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.components.podman_service import RUN_OPTIONS, SLEEP, PodmanService

from sentinel.core.container import Container, ContainerState, Device
from sentinel.drivers.containers.docker import DockerEngine

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.slow]

CDI = Path("/var/run/cdi/sentinel-test.json")
SPEC = """{"cdiVersion": "0.3.0", "kind": "sentinel-test.example/gpu", "devices": [{"name": "0",
"containerEdits": {"deviceNodes": [{"path": "/dev/nvidia0", "type": "c", "major": 1, "minor": 3}]}}]}"""


@pytest.fixture(scope="module")
def service() -> Iterator[PodmanService]:
    with PodmanService.running() as started:
        yield started


@pytest.fixture
def podman(service: PodmanService) -> Iterator[DockerEngine]:
    source = DockerEngine(name="podman", host=service.host)
    yield source
    source.close()
    service.podman("rm", "--all", "--force", "--time", "0")


@pytest.fixture
def a_cdi_device() -> Iterator[str]:
    made = not CDI.parent.exists()
    CDI.parent.mkdir(exist_ok=True)
    CDI.write_text(SPEC)
    yield "sentinel-test.example/gpu=0"
    CDI.unlink()
    if made:
        CDI.parent.rmdir()


def told(podman: DockerEngine, id: str) -> Container:
    found = podman.inspect(id)
    assert found is not None
    return found


def test_everything_that_tells_whose_it_is_and_what_it_may_use(
    service: PodmanService, podman: DockerEngine
) -> None:
    options = ["--name", "one", "--user", "1000:1000", "--device", "/dev/null:/dev/nvidia0", "--label", "a=b"]
    options += ["-e", "USER=alice", "-e", "SECRET=hush", "-v", "/tmp:/mnt"]
    found = told(podman, service.run(options=options))
    assert (found.engine, found.name, found.labels["a"]) == ("podman", "one", "b")
    assert found.devices == (Device(host="/dev/null", container="/dev/nvidia0"),)
    assert found.device_requests == ()
    assert found.variables == {"USER": "alice"}
    assert (found.user, found.user_is_image_default) == ("1000:1000", False)
    assert [(one.kind, one.source, one.destination) for one in found.mounts] == [("bind", "/tmp", "/mnt")]
    assert found.oci_runtime is None  # it says "oci", whatever runs it
    assert found.id in Path(f"/proc/{found.pid}/cgroup").read_text()


def test_a_device_by_cdi_is_told_as_the_nodes_that_it_gave(
    service: PodmanService, podman: DockerEngine, a_cdi_device: str
) -> None:
    found = told(podman, service.run(options=["--device", a_cdi_device]))
    assert [one.container for one in found.devices] == ["/dev/nvidia0"]
    assert found.device_requests == ()


def test_a_life_in_podmans_words(service: PodmanService, podman: DockerEngine) -> None:
    id = service.podman("create", *RUN_OPTIONS, "--name", "first", "localhost/box", *SLEEP)
    assert podman.containers()[0].state is told(podman, id).state is ContainerState.CREATED
    assert told(podman, id).pid is None
    service.podman("init", id)  # "initialized": a process that does not yet run what it is for
    assert podman.containers()[0].state is told(podman, id).state is ContainerState.CREATED
    service.podman("start", id)
    first = told(podman, id)
    assert first.state is ContainerState.RUNNING
    service.podman("rename", "first", "second")
    assert podman.containers()[0].name == told(podman, id).name == "second"
    service.podman("pause", id)
    assert podman.containers()[0].state is told(podman, id).state is ContainerState.PAUSED
    service.podman("unpause", id)
    service.podman("restart", "-t", "0", id)
    assert told(podman, id).pid != first.pid
    service.podman("stop", "-t", "0", id)
    assert podman.containers()[0].state is told(podman, id).state is ContainerState.EXITED
    service.podman("rm", id)
    assert podman.inspect(id) is None
