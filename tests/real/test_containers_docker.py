"""What a real dockerd tells of its containers: the facts that the inventory builds on."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.components.docker_engine import DockerEngine as DockerDaemon
from tests.e2e.workstation import eventually

from sentinel.core.container import Container, ContainerState, Device, Mount
from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.drivers.containers.containerd import Containerd, ContainerdContainers
from sentinel.drivers.containers.docker import DockerEngine

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.slow]

MARK = {"sentinel.detected": "true", "sentinel.user": "alice", "sentinel.time": "2026-01-31T23:59:59.250Z"}
COMPOSE = """
version: "2.4"
services:
  trainer:
    image: box
    command: sleep 1000
    network_mode: none
    user: "1234:1234"
    devices: ["/dev/null:/dev/nvidia1"]
    environment: {NVIDIA_VISIBLE_DEVICES: "0,1"}
"""


@pytest.fixture(scope="module")
def daemon() -> Iterator[DockerDaemon]:
    with DockerDaemon.running() as engine:
        engine.add_image("jupyter", "USER jovyan", "ENV NB_USER=jovyan")
        yield engine


@pytest.fixture
def docker(daemon: DockerDaemon) -> Iterator[DockerEngine]:
    source = DockerEngine(host=daemon.host)
    yield source
    source.close()
    daemon.remove_all()
    cgroups = Path("/sys/fs/cgroup")
    for cgroup in (*cgroups.glob("sentinel-test"), *cgroups.glob("*/sentinel-test")):  # dockerd leaves it
        cgroup.rmdir()


@pytest.fixture
def labeller(daemon: DockerDaemon) -> Containerd:
    return Containerd(address=daemon.containerd_address)


def told(docker: DockerEngine, id: str) -> Container:
    found = docker.inspect(id)
    assert found is not None
    return found


def test_an_ordinary_container_has_null_device_requests_and_a_process(
    daemon: DockerDaemon, docker: DockerEngine
) -> None:
    id = daemon.run(options=["--name", "plain"])
    assert daemon.api("GET", f"/containers/{id}/json")["HostConfig"]["DeviceRequests"] is None
    found = told(docker, id)
    assert (found.name, found.image, found.command) == ("plain", "box", ("sleep", "100000"))
    assert found.device_requests == found.devices == found.device_rules == ()
    assert (found.oci_runtime, found.privileged, found.user, found.labels) == ("runc", False, "", {})
    assert id in Path(f"/proc/{found.pid}/cgroup").read_text()
    assert found.created_at is not None and found.started_at is not None
    assert time.time() - 30 < found.created_at <= found.started_at <= time.time()


def test_everything_that_tells_whose_it_is_and_what_it_may_use(
    daemon: DockerDaemon, docker: DockerEngine
) -> None:
    options = [
        *("--user", "1000:1000", "-v", "/tmp:/mnt:ro", "--cgroup-parent", "/sentinel-test"),
        *("--device", "/dev/null:/dev/nvidia0", "--device-cgroup-rule", "c 195:* rwm"),
        *("-e", "USER=alice", "-e", "NVIDIA_VISIBLE_DEVICES=all", "-e", "AWS_SECRET_ACCESS_KEY=hush"),
        *("--label", "devcontainer.local_folder=/home/alice/code", "--label", "devcontainer.metadata=[]"),
    ]
    found = told(docker, daemon.run(options=options))
    assert found.user == "1000:1000"
    assert found.user_is_image_default is False
    assert found.devices == (Device(host="/dev/null", container="/dev/nvidia0"),)
    assert found.device_rules == ("c 195:* rwm",)
    assert found.mounts == (Mount(kind="bind", source="/tmp", destination="/mnt"),)
    assert found.variables == {"USER": "alice", "NVIDIA_VISIBLE_DEVICES": "all"}
    assert found.cgroup_parent == "/sentinel-test"
    assert found.labels["devcontainer.local_folder"] == "/home/alice/code"
    assert "hush" not in repr(found)


def test_a_user_that_the_image_brings_is_told_from_one_that_was_chosen(
    daemon: DockerDaemon, docker: DockerEngine
) -> None:
    specs = [
        {"Image": "jupyter"},
        {"Image": "jupyter", "User": "root"},
        {"User": "1:1"},
        {"Image": "jupyter"},
    ]
    ids = daemon.run_many(specs, started=False)
    before = docker.calls
    found = [told(docker, id) for id in ids]
    assert [(one.user, one.user_is_image_default) for one in found] == [
        ("jovyan", True),
        ("root", None),
        ("1:1", False),
        ("jovyan", True),
    ]
    assert docker.calls - before == 4 + 2  # each image was asked about once
    assert found[0].state is ContainerState.CREATED
    assert found[0].pid is None and found[0].started_at is None


def test_compose_says_which_project_and_folder(
    daemon: DockerDaemon, docker: DockerEngine, tmp_path: Path
) -> None:
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    daemon.program("docker-compose", "-p", "lab", "up", "-d", cwd=str(tmp_path))
    (summary,) = docker.containers()
    assert summary.name == "lab_trainer_1"
    assert summary.labels["com.docker.compose.project"] == "lab"
    found = told(docker, summary.id)
    assert found.labels["com.docker.compose.service"] == "trainer"
    assert found.labels["com.docker.compose.project.working_dir"] == str(tmp_path)
    assert found.devices[0].container == "/dev/nvidia1"
    assert found.variables == {"NVIDIA_VISIBLE_DEVICES": "0,1"}
    assert (found.user, found.user_is_image_default) == ("1234:1234", False)


def test_a_life_as_the_list_and_the_inspection_tell_it(daemon: DockerDaemon, docker: DockerEngine) -> None:
    id = daemon.run(options=["--name", "first"])
    first = told(docker, id)
    daemon.docker("rename", "first", "second")
    assert docker.containers()[0].name == told(docker, id).name == "second"

    daemon.docker("pause", id)
    assert docker.containers()[0].state is told(docker, id).state is ContainerState.PAUSED
    assert told(docker, id).pid == first.pid
    daemon.docker("unpause", id)

    daemon.docker("restart", "-t", "0", id)
    again = told(docker, id)
    assert again.state is ContainerState.RUNNING
    assert again.pid != first.pid
    assert again.started_at is not None and first.started_at is not None
    assert again.started_at > first.started_at
    assert again.created_at == first.created_at

    daemon.docker("kill", id)
    assert docker.containers()[0].state is told(docker, id).state is ContainerState.EXITED
    assert told(docker, id).pid is None
    daemon.docker("rm", id)
    assert docker.containers() == ()
    assert docker.inspect(id) is None


def test_listing_fifty_is_one_call_on_one_connection(daemon: DockerDaemon, docker: DockerEngine) -> None:
    ids = daemon.run_many(({"Labels": {"n": str(n)}} for n in range(50)), started=False)
    before = docker.calls
    assert {one.id: one.labels["n"] for one in docker.containers()} == {
        id: str(n) for n, id in enumerate(ids)
    }
    assert docker.calls - before == 1


class Listener(threading.Thread):
    """Notes when `changes` told of which container."""

    def __init__(self, docker: DockerEngine) -> None:
        super().__init__(daemon=True)
        self.docker, self.heard = docker, list[tuple[float, str]]()
        self.error: Exception | None = None
        self.start()
        time.sleep(0.2)

    def run(self) -> None:
        try:
            for id in self.docker.changes():
                self.heard.append((time.monotonic(), id))
        except Exception as error:
            self.error = error

    def delay(self, id: str, act: Callable[[], object]) -> float:
        """Seconds from the end of `act` until it is told of."""
        seen = len(self.heard)
        act()
        done = time.monotonic()
        while time.monotonic() < done + 5:
            if times := [at for at, which in self.heard[seen:] if which == id]:
                return max(0.0, times[0] - done)
            time.sleep(0.002)
        return 5.0


def test_changes_are_told_within_a_second_and_end_with_the_daemon(
    daemon: DockerDaemon, docker: DockerEngine
) -> None:
    id = daemon.run(options=["--name", "watched"])
    listener = Listener(docker)
    moves = [
        ("rename", id, "renamed"),
        ("pause", id),
        ("unpause", id),
        ("restart", "-t", "0", id),
        ("kill", id),
    ]
    delays = {move[0]: listener.delay(id, lambda move=move: daemon.docker(*move)) for move in moves}
    delays["destroy"] = listener.delay(id, lambda: daemon.docker("rm", id))
    assert max(delays.values()) < 1, delays

    other = daemon.run()
    time.sleep(0.3)
    quiet = len(listener.heard)
    daemon.docker("exec", other, "true")
    daemon.docker("top", other)
    time.sleep(0.3)
    assert listener.heard[quiet:] == []

    daemon.stop()
    listener.join(5)
    assert not listener.is_alive()
    assert listener.error is None
    daemon.start()


def test_closing_ends_changes_from_another_thread(docker: DockerEngine) -> None:
    listener = Listener(docker)
    docker.close()
    listener.join(5)
    assert not listener.is_alive()
    assert listener.error is None


def test_a_daemon_that_stops_in_mid_use_is_unknown_and_comes_back(
    daemon: DockerDaemon, docker: DockerEngine
) -> None:
    id = daemon.run()
    before = told(docker, id)
    daemon.stop()
    with pytest.raises(SourceUnknown, match=r"its socket has gone; is it stopped\? look at `systemctl"):
        docker.containers()
    with pytest.raises(SourceUnknown):
        docker.inspect(id)
    with pytest.raises(SourceAbsent, match="if its socket is elsewhere"):
        DockerEngine(host=daemon.host).containers()
    daemon.start()
    assert [one.id for one in docker.containers()] == [id]
    assert told(docker, id) == before


def test_a_daemon_that_crashed_leaves_its_socket_and_is_unknown(
    daemon: DockerDaemon, docker: DockerEngine
) -> None:
    daemon.stop(signal.SIGKILL)
    try:
        with pytest.raises(SourceUnknown, match="nobody listens there; is it stopped"):
            docker.containers()
    finally:
        daemon.start()
    assert docker.containers() == ()


def stopped(pid: int) -> bool:
    """All of its threads: a signal reaches them one after another."""
    states = [
        path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return set(states) == {"T"}


def test_a_daemon_that_hangs_is_unknown_in_time(daemon: DockerDaemon, docker: DockerEngine) -> None:
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        eventually(lambda: stopped(daemon.pid))
        began = time.monotonic()
        with pytest.raises(SourceUnknown, match="no answer within 500 ms"):
            DockerEngine(host=daemon.host, timeout=0.5).containers()
        assert time.monotonic() - began < 2
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    assert docker.containers() == ()


def test_whoever_may_not_speak_to_the_socket_is_told_who_may(daemon: DockerDaemon) -> None:
    code = (
        "from sentinel.drivers.containers.docker import DockerEngine\n"
        f"try: DockerEngine(host={daemon.host!r}).containers()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    source = Path(__file__).parents[2] / "src"
    become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    python = [
        "/usr/bin/python3",
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, {str(source)!r})\n{code}",
    ]
    mode = daemon.folder.stat().st_mode
    daemon.folder.chmod(0o755)
    try:
        done = subprocess.run([*become, *python], capture_output=True, text=True)
    finally:
        daemon.folder.chmod(mode)
    assert done.stdout.startswith("SourceUnknown"), done.stderr
    assert "you may not speak to it; run this with sudo" in done.stdout


def test_marks_are_set_lost_by_a_restart_and_set_again(
    daemon: DockerDaemon, docker: DockerEngine, labeller: Containerd
) -> None:
    id = daemon.run(options=["--label", "own=label"])
    assert labeller.set_labels(id, MARK) is True
    assert labeller.set_labels(id, MARK) is True
    found = labeller.labels(id)
    assert found is not None
    assert found.items() >= MARK.items()
    assert told(docker, id).labels == {"own": "label"}  # Docker does not show them

    daemon.docker("restart", "-t", "0", id)
    found = labeller.labels(id)
    assert found is not None
    assert not found.keys() & MARK.keys()
    assert labeller.set_labels(id, MARK) is True
    assert (labeller.labels(id) or {}).items() >= MARK.items()

    daemon.docker("kill", id)
    daemon.docker("wait", id)
    assert labeller.labels(id) is None
    assert labeller.set_labels(id, MARK) is False


def test_labels_that_would_be_something_else_are_refused(daemon: DockerDaemon, labeller: Containerd) -> None:
    id = daemon.run()
    for bad in ({"--help": "x"}, {"a=b": "c"}, {"": "x"}, {"a": ""}, {"a": "x\n"}, {"a": "x" * 4096}):
        assert labeller.set_labels(id, {"fine": "yes", **bad}) is False, bad
    assert "fine" not in (labeller.labels(id) or {})
    assert labeller.set_labels(id, {"a": "$(id) `id` --x, y=z"}) is True
    assert (labeller.labels(id) or {})["a"] == "$(id) `id` --x, y=z"
    assert labeller.set_labels("--help", {"a": "b"}) is False
    assert labeller.labels("--help") is None


def test_dockers_own_containers_are_left_to_docker(daemon: DockerDaemon) -> None:
    id = daemon.run()
    source = ContainerdContainers(address=daemon.containerd_address)
    assert id not in {one.id for one in source.containers()}
    assert source.inspect(id) is None


def test_the_containerd_of_a_daemon_that_stopped_is_not_one_without_containers(
    daemon: DockerDaemon, labeller: Containerd
) -> None:
    id = daemon.run()
    assert labeller.labels(id) is not None
    daemon.stop()
    try:
        for source in (labeller, Containerd(address=daemon.containerd_address, timeout=1)):
            with pytest.raises((SourceUnknown, SourceAbsent)):
                source.labels(id)
    finally:
        daemon.start()
    assert labeller.labels(id) is not None


def test_a_hostile_name_stays_data(daemon: DockerDaemon, docker: DockerEngine) -> None:
    labels = {"evil": "\x1b[2J\u202e $(reboot)", "long": "x" * 100_000, "half": "\ud800"}
    (id,) = daemon.run_many([{"Labels": labels, "Cmd": ["sleep", "1000", "\x1b]0;x\x07"]}])
    found = told(docker, id)
    assert found.labels["evil"] == labels["evil"]
    assert len(found.labels["long"]) == 4096
    json.dumps(found.labels, ensure_ascii=False).encode()
