"""How jobs end: by themselves, when told to, over a limit; and that nothing of them stays."""

import os
import signal
import time
from pathlib import Path

import pytest
from tests.e2e.workstation import alive, eventually
from tests.supervisor.supervised import Agent, Supervised

from sentinel.core.clock import boottime

IGNORES_TERM = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


def written(node: Supervised, text: str) -> None:
    eventually(lambda: text in node.log(), f"{text!r} in the log")


@pytest.mark.parametrize(
    ("command", "code", "number"),
    [("true", 0, None), ("exit 3", 3, None), ("kill -9 $$", None, 9), ("kill -SEGV $$", None, 11)],
)
def test_an_end_is_told_as_it_was(
    node: Supervised, agent: Agent, command: str, code: int | None, number: int | None
) -> None:
    event = agent.ended(node.launch(agent, "sh", "-c", command))
    assert (event["exit_code"], event["signal"], event["stopped"], event["why"]) == (code, number, False, "")
    assert event["started_at"] <= event["ended_at"] <= time.time() + 0.001, "it is told in milliseconds"


def test_an_exit_code_of_127_is_the_jobs_own(node: Supervised, agent: Agent) -> None:
    event = agent.ended(node.launch(agent, "sh", "-c", "no-such-command"))
    assert (event["event"], event["exit_code"]) == ("exited", 127)


def test_a_stop_ends_the_whole_group(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", "sleep 60 & sleep 60 & wait")
    agent.until(token, "running")
    eventually(lambda: len(node.processes(token)) == 3)
    agent.say(cmd="stop", token=token, why="canceled by bob", grace=30)
    event = agent.ended(token)
    assert (event["signal"], event["stopped"], event["why"]) == (15, True, "canceled by bob")
    eventually(lambda: not node.processes(token))


def test_one_that_ignores_it_is_killed_after_its_grace(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", IGNORES_TERM)
    written(node, "ready")
    began = time.monotonic()
    agent.say(cmd="stop", token=token, why="canceled", grace=0.3)
    event = agent.ended(token)
    assert 0.3 <= time.monotonic() - began < 3
    assert (event["signal"], event["stopped"]) == (9, True)


def test_a_second_stop_may_be_less_patient(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", IGNORES_TERM)
    written(node, "ready")
    agent.say(cmd="stop", token=token, why="canceled", grace=600)
    agent.say(cmd="stop", token=token, why="now", grace=0)
    event = agent.ended(token, seconds=3)
    assert (event["signal"], event["why"]) == (9, "canceled")


def test_one_that_cleans_up_when_told_keeps_its_exit_code(node: Supervised, agent: Agent) -> None:
    script = "trap 'echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    token = node.launch(agent, "sh", "-c", script)
    written(node, "ready")
    agent.say(cmd="stop", token=token, why="canceled", grace=30)
    event = agent.ended(token)
    assert (event["exit_code"], event["stopped"]) == (0, True)
    assert "cleaned" in node.log()


def test_a_stopped_process_hears_it_too(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sleep", "60")
    os.kill(agent.until(token, "running")["pid"], signal.SIGSTOP)
    agent.say(cmd="stop", token=token, why="canceled", grace=30)
    assert agent.ended(token, seconds=3)["signal"] == 15


def test_the_rest_of_the_group_goes_with_its_leader(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", "sleep 60 & sleep 61 & sleep 0.1")
    assert agent.ended(token)["exit_code"] == 0
    eventually(lambda: not node.processes(token), "the group is gone", 2)


def test_a_rest_that_ignores_it_is_killed(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", f'(sh -c "{IGNORES_TERM}") & sleep 0.3')
    assert agent.ended(token)["exit_code"] == 0
    assert node.processes(token)
    eventually(lambda: not node.processes(token), "the rest is killed", 6)


def test_what_left_the_group_and_its_parents_goes_with_the_job(node: Supervised, agent: Agent) -> None:
    daemon = "setsid sh -c 'setsid sleep 60 & sleep 61' & sleep 0.3; echo ready"
    token = node.launch(agent, "sh", "-c", daemon)
    assert agent.ended(token)["exit_code"] == 0
    eventually(lambda: not node.processes(token), "the daemons are gone", 3)


def test_what_left_the_group_and_hides_its_mark_is_found_by_its_session(
    node: Supervised, agent: Agent
) -> None:
    script = "set -m; env -i /bin/sleep 60 & echo $! ; sleep 0.2"
    agent.ended(node.launch(agent, "bash", "-c", script))
    pid = int(node.log().split()[0])
    eventually(lambda: not alive(pid), "it is gone", 3)


def test_a_daemon_of_a_job_that_runs_is_left_alone(node: Supervised, agent: Agent) -> None:
    other = node.launch(agent, "sh", "-c", "(setsid sleep 60 &) ; exec sleep 61")
    agent.until(other, "running")
    eventually(lambda: len(node.processes(other)) == 2)
    for _ in range(3):
        agent.ended(node.launch(agent, "true"))
    assert len(node.processes(other)) == 2
    agent.say(cmd="stop", token=other, why="canceled", grace=1)
    agent.ended(other)
    eventually(lambda: not node.processes(other), "both are gone", 3)


def test_after_the_grace_daemons_are_killed_as_well(node: Supervised, agent: Agent) -> None:
    daemon = f"trap '' TERM; (setsid sh -c \"{IGNORES_TERM}\" &) ; while :; do sleep 0.05; done"
    token = node.launch(agent, "sh", "-c", daemon)
    written(node, "ready")
    agent.say(cmd="stop", token=token, why="canceled", grace=0.2)
    assert agent.ended(token)["signal"] == 9
    eventually(lambda: not node.processes(token), "all are killed", 1)


def test_a_time_limit(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sleep", "60", time_limit=0.5)
    event = agent.ended(token)
    assert 0.48 <= event["ended_at"] - event["started_at"] < 3
    assert (event["signal"], event["stopped"]) == (15, True)
    assert event["why"] == "over its time limit of 500 ms"
    assert not event["gone"]


def test_a_lease_that_is_not_renewed_ends_its_job(node: Supervised, agent: Agent) -> None:
    fenced = node.launch(agent, "sleep", "60", fence_at=boottime() + 0.4)
    renewed = node.launch(agent, "sleep", "60", fence_at=boottime() + 0.4)
    agent.until(renewed, "running")
    agent.say(cmd="renew", fences={renewed: boottime() + 60, "nobody": 5})
    event = agent.ended(fenced)
    assert (event["signal"], event["stopped"]) == (15, True)
    assert event["why"] == "its lease ran out: the controller was not heard of in time"
    assert event["gone"]
    assert node.processes(renewed)
    assert not [e for e in agent.events if e["token"] == renewed and e["event"] == "exited"]


def test_a_fence_needs_no_agent(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sleep", "60", fence_at=boottime() + 0.4)
    agent.until(token, "running")
    agent.close()
    eventually(lambda: not node.processes(token))
    assert node.connect().records[token]["why"].startswith("its lease ran out")


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_nothing_is_left_behind_in_the_supervisor(node: Supervised, agent: Agent) -> None:
    assert node.process
    agent.ended(node.launch(agent, "true"))
    fds = descriptors(node.process.pid)
    for way in ({}, {"limits": {"core": 0}}, {"pty": True}, {"cwd": "/none", "limits": {"core": 0}}):
        agent.ended(node.launch(agent, "sh", "-c", "(setsid sleep 0.1 &)", **way))

    def as_before() -> bool:
        assert node.process
        children = Path(f"/proc/{node.process.pid}/task/{node.process.pid}/children").read_text()
        return not children.split() and descriptors(node.process.pid) == fds

    eventually(as_before, "no child and no descriptor more")


def test_a_burst_runs_each_once(node: Supervised, agent: Agent) -> None:
    tokens = [node.launch(agent, "sh", "-c", "echo $SENTINEL_JOB >>ran") for _ in range(60)]
    assert all(agent.ended(token)["exit_code"] == 0 for token in tokens)
    assert sorted((node.folder / "ran").read_text().split()) == sorted(tokens)
