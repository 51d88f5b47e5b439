"""Jobs in containers of a real Docker and a real Podman, under a real supervisor."""

import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.components.docker_engine import DockerEngine
from tests.components.podman_service import PodmanService
from tests.e2e.workstation import Workstation, eventually
from tests.supervisor.supervised import Agent, Supervised

from sentinel.supervisor.stage import stage_of

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.slow]

# Without them runc wants to raise limits, which not every machine that runs tests allows.
LIMITS = {"nofile": 1000, "nproc": 500}
PATIENCE = 40.0


@dataclass(frozen=True)
class EngineUnderTest:
    """`program`: its command line for an engine of the test's own."""

    name: str
    image: str
    program: Path

    def ask(self, *arguments: str) -> str:
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=30)
        return done.stdout.strip()

    def containers(self) -> list[str]:
        return self.ask("ps", "--all", "--format", "{{.Names}}").split()

    def state(self, name: str, field: str) -> str:
        return self.ask("container", "inspect", "--format", f"{{{{{field}}}}}", name)


def script(path: Path, command: list[str], environment: dict[str, str]) -> Path:
    words = " ".join(f"'{word}'" for word in command)
    exports = "".join(f"export {name}='{value}'\n" for name, value in environment.items())
    path.write_text(f'#!/bin/sh\n{exports}exec {words} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, EngineUnderTest]]:
    folder = tmp_path_factory.mktemp("engines")
    with DockerEngine.running() as docker, PodmanService.running() as podman:
        of_docker = script(folder / "docker", ["docker", "-H", docker.host], docker.env)
        of_podman = script(folder / "podman", podman._command, podman._env)
        yield {
            "docker": EngineUnderTest("docker", "box", of_docker),
            "podman": EngineUnderTest("podman", "localhost/box", of_podman),
        }


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest, engines: dict[str, EngineUnderTest]) -> EngineUnderTest:
    return engines[request.param]


class InContainers(Supervised):
    """Its jobs run in containers, those of alice as Unix user nobody."""

    def __init__(self, engine: EngineUnderTest) -> None:
        super().__init__()
        table = self.folder / "users.toml"
        table.write_text('[users]\nalice = "nobody"\n')
        self.options: tuple[str, ...] = (f"--{engine.name}", str(engine.program), "--users", str(table))
        self.engine = engine
        self.work = self.folder / "work"
        self.work.mkdir()
        self.work.chmod(0o777)

    def message(self, *command: str, **fields: Any) -> dict[str, Any]:
        more: dict[str, Any] = {
            "image": self.engine.image,
            "engine": self.engine.name,
            "limits": LIMITS,
            "gpus": [],
        }
        return super().message(*command, **{"cwd": str(self.work), **more, **fields})

    def name(self, number: int | None = None) -> str:
        return f"sentinel-job{number or self._count}-1"

    def close(self) -> None:
        super().close()
        for name in self.engine.containers():
            self.engine.ask("rm", "--force", "--volumes", name)


@pytest.fixture
def node(engine: EngineUnderTest) -> Iterator[InContainers]:
    new = InContainers(engine)
    yield new
    new.close()


@pytest.fixture
def agent(node: InContainers) -> Agent:
    return node.start()


def runs(node: InContainers, agent: Agent, *command: str, **fields: Any) -> str:
    token = node.launch(agent, *command, **fields)
    event = agent.until(token, "running", "exited", "refused", seconds=PATIENCE)
    assert event["event"] == "running", event
    return token


def written(node: InContainers, text: str) -> None:
    eventually(lambda: text in node.log(), f"{text!r} in the log", 20)


def nothing_is_left(node: InContainers) -> None:
    stage = Path(stage_of(str(node.dir / "containers")))
    eventually(lambda: not node.engine.containers(), "the container is removed", 20)
    eventually(lambda: not stage.exists(), "nothing stays mounted", 10)
    eventually(lambda: not list((node.dir / "containers").iterdir()), "no file stays", 5)


def test_it_runs_as_its_user_in_its_folder_and_its_end_is_told(node: InContainers, agent: Agent) -> None:
    look = "busybox pwd; busybox id -u; busybox id -g; busybox grep -E 'CapEff|NoNewPrivs' /proc/self/status"
    token = node.launch(
        agent, "sh", "-c", f"{look}; umask; echo made >file; echo bad >&2; exit 7", umask=0o027
    )
    event = agent.ended(token, PATIENCE)
    assert event["event"] == "exited", (event, node.log())
    assert (event["exit_code"], event["signal"], event["stopped"]) == (7, None, False), node.log()
    assert event["started_at"] <= event["ended_at"]
    assert "bad" in node.log().split(), "the two streams come by ways of their own"
    said = [line.split() for line in node.log().splitlines() if line != "bad"]
    assert said[:3] == [[str(node.work)], ["65534"], ["65534"]], node.log()
    assert ["CapEff:", "0000000000000000"] in said
    assert ["NoNewPrivs:", "1"] in said
    assert ["0027"] in said
    made = (node.work / "file").stat()
    assert (made.st_uid, stat.S_IMODE(made.st_mode)) == (65534, 0o640)
    nothing_is_left(node)


def test_its_environment_is_in_no_argument_list_and_is_the_jobs_alone(
    node: InContainers, agent: Agent
) -> None:
    environment = {
        "SECRET": 'hush # it\'s "so" $HOME',
        "LD_PRELOAD": "/evil.so",
        "DOCKER_HOST": "unix:///evil",
        "PATH": "/host/bin",
        "BASH_FUNC_module%%": "() {\n x\n}",
    }
    seen: set[bytes] = set()
    token = node.launch(agent, "sh", "-c", "env; sleep 1", environment=environment)
    end = time.monotonic() + PATIENCE
    while not agent_ended(agent, token) and time.monotonic() < end:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    seen.add((entry / "cmdline").read_bytes())
                except OSError:
                    continue
    assert agent.ended(token)["exit_code"] == 0, node.log()
    assert any(b"create" in one and node.name().encode() in one for one in seen), "it was looked at"
    assert not [one for one in seen if b"hush" in one]
    found = dict(line.split("=", 1) for line in node.log().splitlines() if "=" in line)
    assert found["SECRET"] == environment["SECRET"]
    assert found["PATH"] == "/bin", "the image's own"
    assert found["HOME"] == str(node.work)
    assert found["SENTINEL_JOB_ID"] == "job1"
    assert found["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert "BASH_FUNC_module%%" not in found


def agent_ended(agent: Agent, token: str) -> bool:
    try:
        event = agent.receive(0.01)
    except TimeoutError:
        return False
    agent.events.append(event)
    return event.get("token") == token and event["event"] in ("exited", "refused")


def test_its_limits_and_labels(node: InContainers, agent: Agent) -> None:
    token = runs(
        node, agent, "sh", "-c", "ulimit -n; ulimit -c; exec sleep 1000", limits={**LIMITS, "core": 0}
    )
    written(node, "0\n")
    assert node.log().split()[:2] == ["1000", "0"]
    labels = node.engine.state(node.name(), "json .Config.Labels")
    for text in ('"sentinel.job":"job1"', '"sentinel.attempt":"1"', '"sentinel.owner":"alice"'):
        assert text in labels
    agent.say(cmd="stop", token=token, why="canceled", grace=0)
    assert agent.ended(token, PATIENCE)["exit_code"] in (137, 143)
    event = agent.ended(node.launch(agent, "true", limits={"as": 5}))
    assert (event["event"], event["final"]) == ("refused", True)
    assert "limit as is none that a container can have" in event["why"]


def test_a_stop_signal_reaches_the_job_and_its_exit_code_stays(node: InContainers, agent: Agent) -> None:
    caught = "trap 'echo caught; exit 5' USR1; echo ready; while :; do sleep 0.1; done"
    token = runs(node, agent, "sh", "-c", caught, stop_signal="USR1")
    written(node, "ready")
    agent.say(cmd="stop", token=token, why="canceled by bob", grace=30)
    event = agent.ended(token, PATIENCE)
    assert (event["exit_code"], event["stopped"], event["why"]) == (5, True, "canceled by bob")
    assert "caught" in node.log()
    nothing_is_left(node)


def test_one_that_ignores_it_is_killed_after_its_grace(node: InContainers, agent: Agent) -> None:
    token = runs(node, agent, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    written(node, "ready")
    began = time.monotonic()
    agent.say(cmd="stop", token=token, why="canceled", grace=1)
    event = agent.ended(token, PATIENCE)
    assert time.monotonic() - began >= 1
    assert (event["exit_code"], event["stopped"]) == (137, True)
    nothing_is_left(node)


@pytest.mark.parametrize("leader_too", [False, True], ids=["supervisor", "supervisor-and-leader"])
def test_a_killed_supervisor_ends_nothing_and_loses_no_end(
    node: InContainers, agent: Agent, leader_too: bool
) -> None:
    script = "echo one; while ! busybox test -e go; do sleep 0.1; done; echo two; exit 9"
    token = runs(node, agent, "sh", "-c", script)
    written(node, "one")
    leader = agent.until(token, "running")["pid"]
    node.kill()
    if leader_too:
        os.kill(leader, signal.SIGKILL)
    assert node.engine.state(node.name(), ".State.Status") == "running"
    agent = node.start()
    assert agent.records[token]["phase"] == "running"
    if leader_too:  # the rest of the output needs somebody who is attached
        written(node, "is not here")
        time.sleep(0.5)
    (node.work / "go").touch()
    event = agent.ended(token, PATIENCE)
    assert (event["exit_code"], event["why"]) == (9, "")
    assert node.log().rstrip().endswith("two")
    nothing_is_left(node)


def test_an_end_while_nobody_looked_is_told_with_its_code(node: InContainers, agent: Agent) -> None:
    token = runs(node, agent, "sh", "-c", "sleep 1; exit 9")
    node.kill()
    eventually(lambda: node.engine.state(node.name(), ".State.ExitCode") == "9", "it has ended", 15)
    agent = node.start()
    event = (
        agent.ended(token, PATIENCE) if agent.records[token]["phase"] != "exited" else agent.records[token]
    )
    assert (event["exit_code"], event["why"]) == (9, "")
    nothing_is_left(node)


def test_a_killed_leader_is_not_the_jobs_end(node: InContainers, agent: Agent) -> None:
    token = runs(node, agent, "sh", "-c", "echo one; while ! busybox test -e go; do sleep 0.1; done; exit 4")
    written(node, "one")
    os.kill(agent.until(token, "running")["pid"], signal.SIGKILL)
    written(node, "is not here")
    assert node.engine.state(node.name(), ".State.Status") == "running"
    (node.work / "go").touch()
    assert agent.ended(token, PATIENCE)["exit_code"] == 4


def test_a_supervisor_that_is_killed_while_it_makes_one_leaves_none(node: InContainers, agent: Agent) -> None:
    for pause in (0.0, 0.05, 0.15, 0.3, 0.5):
        token = node.launch(agent, "sleep", "1000")
        time.sleep(pause)
        agent = node.restart()
        record = agent.records.get(token)
        if record is None:
            continue  # it had not come to it
        if record["phase"] == "starting":
            record = agent.until(token, "running", "refused", "exited", seconds=PATIENCE)
        if record.get("event", record.get("phase")) == "running":
            agent.say(cmd="stop", token=token, why="canceled", grace=0)
            assert agent.ended(token, PATIENCE)["stopped"]
        else:
            assert not record.get("final"), record
    nothing_is_left(node)


def test_one_that_is_stopped_while_it_is_made(node: InContainers, agent: Agent) -> None:
    for pause in (0.0, 0.05, 0.1, 0.2, 0.4):
        token = node.launch(agent, "sleep", "1000")
        time.sleep(pause)
        agent.say(cmd="stop", token=token, why="canceled", grace=0)
        event = agent.ended(token, PATIENCE)
        assert event["why"] == "canceled", event
    nothing_is_left(node)


def test_what_cannot_be_made_or_started_says_why_and_is_final(node: InContainers, agent: Agent) -> None:
    cases = [
        (["true"], {"image": "no-such-image:1"}, "cannot make a container of no-such-image:1 with"),
        (["true"], {"cwd": "/no/such"}, "cwd /no/such does not exist on node gpu1"),
        (["true"], {"cwd": "/"}, "cwd / would hide the image"),
        (["true"], {"mounts": ["/no/such"]}, "mount /no/such does not exist on node gpu1"),
        (["true"], {"mounts": ["relative"]}, "mount relative: both paths begin with /"),
        (["true"], {"image": "--privileged"}, "spec.image is the name of an image"),
        (["true"], {"image": "docker-archive:/root/image.tar"}, "spec.image is the name of an image"),
    ]
    for command, fields, why in cases:
        event = agent.ended(node.launch(agent, *command, **fields), PATIENCE)
        assert (event["event"], event["final"]) == ("refused", True), event
        assert why in event["why"], event["why"]
    event = agent.ended(node.launch(agent, "no-such-command"), PATIENCE)
    # An engine with a process 1 of its own begins it, and that says so.
    assert event["event"] == "refused" or event["exit_code"] == 127, event
    assert "no-such-command" in event["why"] or "no-such-command" in node.log()
    nothing_is_left(node)


def test_mounts_are_what_the_user_can_read_himself(node: InContainers, agent: Agent) -> None:
    closed = node.folder / "closed"
    (closed / "open").mkdir(parents=True)
    (closed / "open" / "file").write_text("secret\n")
    closed.chmod(0o700)
    data = node.folder / "data"
    data.mkdir()
    (data / "file").write_text("shared\n")
    (node.work / "link").symlink_to(closed / "open")
    for mount in (f"{closed}/open:/mnt", f"{node.work}/link:/mnt", f"{closed}:/mnt", "/etc/shadow:/mnt"):
        event = agent.ended(node.launch(agent, "cat", "/mnt/file", mounts=[mount]), PATIENCE)
        assert (event["event"], event["final"]) == ("refused", True), (event, node.log())
        assert "cannot be read by user nobody" in event["why"]
    mounts = [f"{data}:/in:ro", f"{data}/file:/one"]
    words = "cat /in/file /one; echo x >/in/new"
    event = agent.ended(node.launch(agent, "sh", "-c", words, mounts=mounts), PATIENCE)
    assert event["exit_code"] == 1
    # Engines pass stdout and stderr on apart: either may come first.
    assert [line for line in node.log().splitlines() if "ead-only" not in line] == ["shared", "shared"]
    assert "ead-only" in node.log()
    nothing_is_left(node)
    assert (data / "file").read_text() == "shared\n"


def test_a_path_that_is_exchanged_meanwhile_leads_nowhere_else(node: InContainers, agent: Agent) -> None:
    """The engine mounts as root: between the check and the mount, a user could put a link into the path."""
    closed = node.folder / "closed"
    (closed / "open").mkdir(parents=True)
    (closed / "open" / "file").write_text("secret\n")
    closed.chmod(0o700)
    (node.work / "mine").mkdir()
    (node.work / "mine" / "file").write_text("mine\n")
    swap = f"""
import os, time
end = time.monotonic() + 20
while time.monotonic() < end:
    os.rename("{node.work}/mine", "{node.work}/kept"); os.symlink("{closed}/open", "{node.work}/mine")
    time.sleep(0.001)
    os.unlink("{node.work}/mine"); os.rename("{node.work}/kept", "{node.work}/mine")
    time.sleep(0.001)
"""
    swapping = subprocess.Popen(["python3", "-I", "-S", "-c", swap])
    try:
        for _ in range(4):
            token = node.launch(agent, "cat", "/mnt/file", mounts=[f"{node.work}/mine:/mnt"])
            event = agent.ended(token, PATIENCE)
            assert event["event"] == "refused" or node.log() == "mine\n", (event, node.log())
    finally:
        swapping.kill()
        swapping.wait()


def test_setup_lines_run_in_it(node: InContainers, agent: Agent) -> None:
    setup = ["export A='b c'", "cd /tmp"]
    command = ["sh", "-c", 'echo "$A|$1|$PATH|$(busybox pwd)"; umask; exit 3', "x", "a  b"]
    event = agent.ended(node.launch(agent, *command, setup=setup, umask=0o077), PATIENCE)
    assert event["exit_code"] == 3, node.log()
    assert node.log().splitlines()[-2:] == ["b c|a  b|/bin:/bin|/tmp", "0077"] or "/bin:" in node.log()
    event = agent.ended(node.launch(agent, "true", setup=["true", "no-such-tool"]), PATIENCE)
    assert event["exit_code"] == 127
    assert "setup line 2 failed (exit code 127): no-such-tool" in event["why"]


def test_a_checkpoint_runs_in_it(node: InContainers, agent: Agent) -> None:
    job = "trap 'echo told; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    checkpoint = ["sh", "-c", "echo saving $SENTINEL_JOB_PID $(busybox id -u) $(busybox pwd); echo x >saved"]
    token = runs(node, agent, "sh", "-c", job, checkpoint=checkpoint)
    written(node, "ready")
    agent.say(cmd="stop", token=token, why="it makes room", grace=30, preempt=True)
    event = agent.ended(token, PATIENCE)
    assert (event["exit_code"], event["stopped"], event["why"]) == (0, True, "it makes room")
    assert node.log().splitlines()[-2:] == [f"saving 1 65534 {node.work}", "told"]
    assert (node.work / "saved").exists()


def test_a_terminal(node: InContainers, agent: Agent) -> None:
    token = runs(node, agent, "sh", "-c", "read word; echo got $word; busybox stty size", pty=True)
    peer = node.connect(hello=False)
    peer.say(cmd="attach", token=token)
    assert peer.receive()["event"] == "attached"
    peer.sock.sendall(b"r\0\0\0\4\0\x28\0\x64" + b"d\0\0\0\6hello\n")
    assert agent.ended(token, PATIENCE)["exit_code"] == 0
    assert "got hello" in node.log()


def test_a_user_of_root_gets_root(engine: EngineUnderTest) -> None:
    node = InContainers(engine)
    node.options = ("--run-as", "root", f"--{engine.name}", str(engine.program))
    try:
        agent = node.start()
        event = agent.ended(node.launch(agent, "busybox", "id", "-u"), PATIENCE)
        assert (event["exit_code"], node.log()) == (0, "0\n")
    finally:
        node.close()


def test_the_arbiters_lease_is_the_jobs_and_ends_with_its_container(engine: EngineUnderTest) -> None:
    node, arbiter = InContainers(engine), Workstation()
    try:
        arbiter.start()
        gpu = arbiter.ready().status()["gpus"][0]["uuid"]
        node.options = (*node.options, "--arbiter", str(arbiter.socket))
        agent = node.start()
        token = runs(node, agent, "sh", "-c", "env; exec sleep 1000", gpus=[gpu])
        (lease,) = arbiter.status()["leases"]
        written(node, f"SENTINEL_LEASE={lease['id']}")
        assert f"CUDA_VISIBLE_DEVICES={gpu}" in node.log()
        assert lease["user"] in ("nobody", 65534), lease
        agent.say(cmd="stop", token=token, why="canceled", grace=5)
        assert agent.ended(token, PATIENCE)["stopped"]
        eventually(lambda: not arbiter.status()["leases"], "the lease is over", 20)
    finally:
        node.close()
        arbiter.close()
