"""The supervisor and a real arbiter on simulated GPUs; then the words an arbiter could say."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.workstation import Workstation, eventually
from tests.supervisor.supervised import Agent, Supervised

from sentinel.core.errors import ProtocolError
from sentinel.supervisor.arbiter import Granted, No, Waits, word_from


@pytest.fixture
def arbiter() -> Iterator[Workstation]:
    place = Workstation()
    place.start()
    yield place.ready()
    place.close()


@pytest.fixture
def gpus(arbiter: Workstation) -> list[str]:
    return [gpu["uuid"] for gpu in arbiter.status()["gpus"]]


@pytest.fixture
def agent(node: Supervised, arbiter: Workstation) -> Agent:
    node.options = (*node.options, "--arbiter", str(arbiter.socket))
    return node.start()


def leases(arbiter: Workstation) -> list[dict[str, Any]]:
    return arbiter.status()["leases"]


def test_inference_steps_aside_for_a_job_and_comes_back(
    node: Supervised, agent: Agent, arbiter: Workstation, gpus: list[str]
) -> None:
    token = node.launch(agent, "sh", "-c", "env; exec sleep 60", gpus=gpus[:1], cwd="/")
    assert agent.until(token, "waiting")["why"]
    running = agent.until(token, "running")
    kinds = [
        event["event"] for event in agent.events if event["token"] == token and event["event"] != "waiting"
    ]
    assert kinds == ["starting", "running"]
    (lease,) = leases(arbiter)
    assert lease["pid"] == running["pid"]
    assert not arbiter.answers()
    eventually(lambda: "SENTINEL_LEASE=" in node.log() and node.log().endswith("\n"))  # it has just begun
    found = dict(line.split("=", 1) for line in node.log().splitlines())
    assert found["SENTINEL_LEASE"] == lease["id"]
    assert found["CUDA_VISIBLE_DEVICES"] == gpus[0]
    agent.say(cmd="stop", token=token, why="canceled", grace=5)
    agent.ended(token)
    arbiter.heals()


def test_a_job_waits_for_a_lease_of_somebody_else(
    node: Supervised, agent: Agent, arbiter: Workstation, gpus: list[str]
) -> None:
    holder = arbiter.granted("--gpus", "1", command=("sleep", "60"))
    taken = leases(arbiter)[0]["gpus"][0]
    uuid = taken["uuid"] if isinstance(taken, dict) else taken
    token = node.launch(agent, "true", gpus=[uuid])
    agent.until(token, "waiting")
    eventually(lambda: arbiter.status()["queue"])
    agent = node.connect()
    assert agent.records[token]["phase"] == "waiting"
    assert agent.records[token]["why"].startswith("the arbiter of this node: ")
    holder.kill()
    holder.wait()
    assert agent.ended(token, seconds=15)["exit_code"] == 0


def test_one_that_waits_can_be_stopped(
    node: Supervised, agent: Agent, arbiter: Workstation, gpus: list[str]
) -> None:
    arbiter.granted("--gpus", "2", command=("sleep", "60"))
    token = node.launch(agent, "touch", "begun", gpus=gpus[:1])
    agent.until(token, "waiting")
    agent.say(cmd="stop", token=token, why="canceled", grace=5)
    event = agent.ended(token)
    assert (event["event"], event["why"], event["final"]) == ("refused", "canceled", False)
    eventually(lambda: not arbiter.status()["queue"])
    assert not (node.folder / "begun").exists()


def test_a_refusal_is_another_try(node: Supervised, agent: Agent, arbiter: Workstation) -> None:
    token = node.launch(agent, "true", gpus=["GPU-none-such"])
    event = agent.ended(token)
    assert (event["event"], event["final"]) == ("refused", False)
    assert event["why"].startswith("the arbiter of this node refused: ")


def test_an_eviction_ends_that_job_and_no_other(
    node: Supervised, agent: Agent, arbiter: Workstation, gpus: list[str]
) -> None:
    tokens = [node.launch(agent, "sleep", "60", gpus=[gpu]) for gpu in gpus]
    pids = [agent.until(token, "running")["pid"] for token in tokens]
    lease = next(lease for lease in leases(arbiter) if lease["pid"] == pids[0])
    assert arbiter.admin("evict", lease=lease["id"])["ok"]
    assert agent.ended(tokens[0])["signal"] == 15
    assert node.processes(tokens[1])
    assert agent.ended(node.launch(agent, "true", gpus=gpus[:1]), seconds=15)["exit_code"] == 0


def test_a_lease_lasts_as_long_as_anything_of_its_job(
    node: Supervised, agent: Agent, arbiter: Workstation, gpus: list[str]
) -> None:
    deaf = "(setsid sh -c \"trap '' TERM; while :; do sleep 0.1; done\" &); sleep 0.3"
    token = node.launch(agent, "sh", "-c", deaf, gpus=gpus[:1])
    agent.ended(token)
    assert node.processes(token)
    assert len(leases(arbiter)) == 1
    eventually(lambda: not node.processes(token))
    eventually(lambda: not leases(arbiter))


def test_it_lasts_when_supervisor_and_arbiter_are_killed(
    node: Supervised, agent: Agent, arbiter: Workstation, gpus: list[str]
) -> None:
    token = node.launch(agent, "sleep", "60", gpus=gpus[:1])
    pid = agent.until(token, "running")["pid"]
    arbiter.kill()
    agent = node.restart()
    arbiter.start()
    assert [lease["pid"] for lease in leases(arbiter)] == [pid]
    agent.say(cmd="stop", token=token, why="canceled", grace=5)
    agent.ended(token)
    eventually(lambda: not leases(arbiter))


def test_killed_while_a_job_waits_the_successor_knows_nothing_of_it_and_may_launch_it(
    node: Supervised, agent: Agent, arbiter: Workstation, gpus: list[str]
) -> None:
    holder = arbiter.granted("--gpus", "2", command=("sleep", "60"))
    message = node.message("sh", "-c", "echo ran >>ran", gpus=gpus[:1])
    agent.say(**message)
    agent.until(message["token"], "waiting")
    agent = node.restart()
    assert agent.records == {}
    eventually(lambda: not arbiter.status()["queue"])
    holder.kill()
    holder.wait()
    agent.say(**message)
    assert agent.ended(message["token"], seconds=15)["exit_code"] == 0
    assert (node.folder / "ran").read_text() == "ran\n"


def test_an_arbiter_that_is_not_there_is_not_needed_and_one_that_does_not_answer_is(
    node: Supervised, agent: Agent, arbiter: Workstation, gpus: list[str]
) -> None:
    arbiter.kill()
    token = node.launch(agent, "true", gpus=gpus[:1])
    event = agent.ended(token)
    assert (event["event"], event["final"]) == ("refused", False)
    assert "does not answer" in event["why"]
    arbiter.socket.unlink()
    assert agent.ended(node.launch(agent, "true", gpus=gpus[:1]))["exit_code"] == 0


def test_an_arbiter_that_goes_away_while_a_job_waits(
    node: Supervised, agent: Agent, arbiter: Workstation, gpus: list[str]
) -> None:
    arbiter.granted("--gpus", "2", command=("sleep", "60"))
    token = node.launch(agent, "true", gpus=gpus[:1])
    agent.until(token, "waiting")
    eventually(lambda: arbiter.status()["queue"])
    arbiter.kill()
    event = agent.ended(token)
    assert (event["event"], event["final"]) == ("refused", False)
    assert event["why"] == "the arbiter went away before it answered"


def test_what_cannot_be_launched_gives_its_gpus_back(
    node: Supervised, agent: Agent, arbiter: Workstation, gpus: list[str]
) -> None:
    event = agent.ended(node.launch(agent, "true", cwd="/no/such", gpus=gpus[:1]))
    assert (event["final"], event["why"]) == (True, "cwd /no/such does not exist on node gpu1")
    eventually(lambda: not leases(arbiter))


@pytest.mark.root
def test_the_lease_is_the_jobs_users(node: Supervised, arbiter: Workstation, gpus: list[str]) -> None:
    node.options = ("--run-as", "nobody", "--arbiter", str(arbiter.socket))
    agent = node.start()
    token = node.launch(agent, "sleep", "60", gpus=gpus[:1])
    agent.until(token, "running")
    assert leases(arbiter)[0]["user"] == "nobody"
    assert os.getuid() == 0


# ------------------------------------------------------------------ words


def test_words() -> None:
    assert word_from({"event": "waiting", "why": "w"}) == Waits("the arbiter of this node: w")
    assert word_from({"event": "refused", "message": "m"}) == No("the arbiter of this node refused: m")
    assert word_from({"ok": False, "error": "e"}) == No("the arbiter of this node refused: e")
    gpus = [{"uuid": "G1", "devices": ["MIG-1", "MIG-2"]}, {"uuid": "G2"}]
    assert word_from({"event": "granted", "lease": "L", "gpus": gpus}) == Granted(
        "L", ("MIG-1", "MIG-2", "G2")
    )


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"event": "granted"},
        {"event": "granted", "lease": "L", "gpus": [5]},
        {"event": "granted", "lease": "L", "gpus": [{}]},
    ],
)
def test_what_no_arbiter_says(raw: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        word_from(raw)
