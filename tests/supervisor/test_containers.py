"""Jobs in containers of an engine that does what a real one does, and fails when it is told to."""

import json
import os
import shutil
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.workstation import eventually
from tests.supervisor.fake_engine import install
from tests.supervisor.supervised import Agent, Supervised

from sentinel.core.clock import boottime


class InContainers(Supervised):
    """`engine`: the folder that holds the engine's state."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = self.folder / "engine"
        self.program = install(self.engine)
        self.options: tuple[str, ...] = (*self.options, "--docker", str(self.program))

    def message(self, *command: str, **fields: Any) -> dict[str, Any]:
        return super().message(*command, **{"image": "box", "engine": "docker", "gpus": [], **fields})

    def calls(self, kind: str) -> list[list[str]]:
        path = self.engine / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [call for line in lines if (call := json.loads(line))[0] == kind]

    def down(self, down: bool = True) -> None:
        if down:
            (self.engine / "down").touch()
        else:
            (self.engine / "down").unlink()

    def containers(self) -> list[str]:
        return [entry.name for entry in self.engine.iterdir() if entry.is_dir()]


@pytest.fixture
def node() -> Iterator[InContainers]:
    new = InContainers()
    yield new
    new.close()


@pytest.fixture
def agent(node: InContainers) -> Agent:
    return node.start()


UNTIL_GO = "echo one; while ! test -e go; do sleep 0.02; done; echo two; exit 9"


def begun(node: InContainers, agent: Agent, script: str = UNTIL_GO, **fields: Any) -> str:
    token = node.launch(agent, "sh", "-c", script, **fields)
    assert agent.until(token, "running", "exited", "refused")["event"] == "running"
    return token


def test_it_runs_and_leaves_nothing(node: InContainers, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", "echo $A; exit 3", environment={"A": "hush"})
    event = agent.ended(token)
    assert (event["exit_code"], event["stopped"], event["why"]) == (3, False, "")
    kinds = [event["event"] for event in agent.events if event["token"] == token]
    assert kinds == ["starting", "running", "exited"]
    assert node.log() == "hush\n"
    eventually(lambda: not node.containers())
    assert not list((node.dir / "containers").iterdir())
    assert "hush" not in (node.engine / "calls").read_text()
    assert "hush" not in (node.dir / "journal").read_text()


def test_its_environment_lies_in_a_file_of_ours_while_it_is_made(node: InContainers, agent: Agent) -> None:
    (node.engine / "slow-create").write_text("1")
    token = node.launch(agent, "true", environment={"A": "hush"})
    path = node.dir / "containers" / "sentinel-job1-1.environment"
    eventually(path.exists)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert agent.ended(token)["exit_code"] == 0
    assert not path.exists()


def test_an_engine_that_does_not_answer_at_its_end_is_asked_again(node: InContainers, agent: Agent) -> None:
    """Unknown is not ended, and not any exit code."""
    token = begun(node, agent)
    node.down()
    os.kill(agent.until(token, "running")["pid"], signal.SIGKILL)
    (node.folder / "go").touch()
    time.sleep(1.5)
    assert node.connect().records[token]["phase"] == "running"
    agent = node.connect()
    node.down(False)
    assert agent.ended(token, 15)["exit_code"] == 9


@pytest.mark.root  # who sees all processes
def test_one_that_is_to_end_while_its_engine_is_down_is_killed_without(
    node: InContainers, agent: Agent
) -> None:
    token = begun(node, agent)
    node.down()
    agent.say(cmd="stop", token=token, why="canceled", grace=0.2)
    event = agent.ended(token, 20)
    assert (event["exit_code"], event["signal"], event["stopped"]) == (None, None, True)
    assert event["why"].startswith("canceled; its processes were killed, and its engine does not answer: ")
    assert not node.processes(token)


def test_one_that_somebody_else_removed_has_ended_as_nobody_knows(node: InContainers, agent: Agent) -> None:
    token = begun(node, agent)
    shutil.rmtree(node.engine / "sentinel-job1-1")
    (node.folder / "go").touch()
    event = agent.ended(token)
    assert (event["exit_code"], event["why"]) == (None, "its container was removed by somebody else")


def test_a_node_without_an_engine(node: InContainers, agent: Agent) -> None:
    node.program.unlink()
    event = agent.ended(node.launch(agent, "true"))
    assert (event["event"], event["final"]) == ("refused", True)
    assert event["why"].startswith("node gpu1 has no docker; an admin installs it")


def test_an_engine_that_is_down_is_another_try(node: InContainers, agent: Agent) -> None:
    node.down()
    event = agent.ended(node.launch(agent, "true"))
    assert (event["event"], event["final"]) == ("refused", False)
    assert event["why"].startswith("node gpu1: docker does not answer: Cannot connect to the Docker daemon")
    node.down(False)
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0
    node.down()  # believed for a while, but not against what it says itself
    event = agent.ended(node.launch(agent, "true"))
    assert (event["event"], event["final"]) == ("refused", False)


def test_what_the_engine_cannot_make_is_refused_in_its_words(node: InContainers, agent: Agent) -> None:
    (node.engine / "fail-create").write_text("Error response from daemon: pull access denied for box.")
    event = agent.ended(node.launch(agent, "true"))
    assert (event["event"], event["final"]) == ("refused", True)
    assert event["why"] == "node gpu1 cannot make a container of box with docker: pull access denied for box"
    assert not (node.dir / "containers" / "sentinel-job1-1.environment").exists()


def test_one_whose_image_is_long_in_coming_can_be_stopped(node: InContainers, agent: Agent) -> None:
    (node.engine / "slow-create").write_text("30")
    token = node.launch(agent, "true")
    eventually(lambda: node.calls("create"))
    agent.say(cmd="stop", token=token, why="canceled", grace=30)
    event = agent.ended(token, 5)
    assert (event["event"], event["why"], event["final"]) == ("refused", "canceled", False)
    assert not node.processes(token)
    eventually(lambda: not list((node.dir / "containers").iterdir()))


def test_one_whose_lease_ran_out_meanwhile_does_not_begin(node: InContainers, agent: Agent) -> None:
    (node.engine / "slow-create").write_text("0.6")
    late = node.launch(agent, "touch", "begun", fence_at=boottime() + 0.4)
    event = agent.ended(late)
    assert (event["why"], event["final"]) == ("its lease ran out before it began", False)
    assert not (node.folder / "begun").exists()
    eventually(lambda: not node.containers())
    renewed = node.launch(agent, "true", fence_at=boottime() + 0.4)
    agent.until(renewed, "starting")
    agent.say(cmd="renew", fences={renewed: boottime() + 60})
    assert agent.ended(renewed)["exit_code"] == 0


def test_a_supervisor_that_is_killed_meanwhile_launches_nothing(node: InContainers, agent: Agent) -> None:
    (node.engine / "slow-create").write_text("0.6")
    token = node.launch(agent, "touch", "begun")
    eventually(lambda: node.calls("create"))
    agent = node.restart()
    record = agent.records[token]
    event = record if record["phase"] == "refused" else agent.ended(token)
    assert (event["why"], event["final"]) == ("the supervisor was restarted before its container ran", False)
    time.sleep(1)
    assert not (node.folder / "begun").exists()
    assert not node.containers()
    assert not list((node.dir / "containers").iterdir()), "no environment stays"


def test_a_stop_goes_to_the_container(node: InContainers, agent: Agent) -> None:
    token = begun(
        node,
        agent,
        "trap 'echo heard; exit 4' USR1; echo ready; while :; do sleep 0.02; done",
        stop_signal="USR1",
    )
    eventually(lambda: "ready" in node.log())
    agent.say(cmd="stop", token=token, why="canceled", grace=30)
    event = agent.ended(token)
    assert (event["exit_code"], event["stopped"]) == (4, True)
    assert node.calls("kill") == [["kill", "--signal", "SIGUSR1", "sentinel-job1-1"]]


def test_a_time_limit_counts_from_the_first_leader(node: InContainers, agent: Agent) -> None:
    token = begun(node, agent, time_limit=2.0)
    os.kill(agent.until(token, "running")["pid"], signal.SIGKILL)
    event = agent.ended(token)
    assert event["why"] == "over its time limit of 2 s"
    assert event["ended_at"] - event["started_at"] < 3


def test_ending_with_all_jobs_removes_their_containers(node: InContainers, agent: Agent) -> None:
    begun(node, agent)
    agent.say(cmd="end", jobs=True)
    assert node.process
    node.process.wait(15)
    assert not node.containers()


def test_nothing_is_left_behind_in_the_supervisor(node: InContainers, agent: Agent) -> None:
    assert node.process
    pid = node.process.pid
    agent.ended(node.launch(agent, "true"))
    eventually(lambda: not node.containers())

    def descriptors() -> int:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))

    eventually(lambda: not Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    before = descriptors()
    (node.engine / "fail-create").write_text("no")
    agent.ended(node.launch(agent, "true"))
    (node.engine / "fail-create").unlink()
    agent.ended(node.launch(agent, "true", mounts=["/none"]))
    agent.ended(node.launch(agent, "true", pty=True))
    eventually(lambda: descriptors() == before, "no descriptor more")
    eventually(lambda: not Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
