"""Stop signals of a job's own choice, and checkpoints: what a job gets before it has to make room."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.workstation import eventually
from tests.supervisor.supervised import Agent, Supervised

# Says what it hears, and ends when it is told to.
JOB = "trap 'echo told; exit 5' TERM; trap 'echo usr1' USR1; echo ready; while :; do sleep 0.02; done"
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.02; done"


def written(node: Supervised, text: str) -> None:
    eventually(lambda: text in node.log(), f"{text!r} in the log")


def said(node: Supervised) -> list[str]:
    """Its lines, without what its shell says of the `sleep` that hears the signal, too."""
    return [
        line for line in node.log().splitlines() if not line.endswith(("Terminated", "User defined signal 1"))
    ]


def ended(agent: Agent, token: str) -> dict[str, Any]:
    """How it ended, also if that was before this agent came."""
    record = agent.records.get(token, {})
    return record if record.get("phase") == "exited" else agent.ended(token)


def begun(node: Supervised, agent: Agent, *command: str, job: str = JOB, **fields: object) -> str:
    """A job with that checkpoint command."""
    token = node.launch(agent, "sh", "-c", job, checkpoint=command, **fields)
    written(node, "ready")
    return token


def preempt(agent: Agent, token: str, grace: float = 30.0) -> None:
    agent.say(cmd="stop", token=token, why="it makes room", grace=grace, preempt=True)


@pytest.mark.parametrize("preempted", [False, True])
def test_a_stop_signal_of_its_own(node: Supervised, agent: Agent, preempted: bool) -> None:
    job = "trap 'echo told; exit 4' USR2; echo ready; while :; do sleep 0.02; done"
    token = begun(node, agent, job=job, stop_signal="USR2")
    agent.say(cmd="stop", token=token, why="canceled", grace=30, preempt=preempted)
    event = agent.ended(token)
    assert (event["exit_code"], event["stopped"]) == (4, True)
    assert "told" in node.log()


def test_a_stop_signal_that_does_not_end_it_is_followed_by_kill(node: Supervised, agent: Agent) -> None:
    token = begun(node, agent, stop_signal="USR1")
    began = time.monotonic()
    agent.say(cmd="stop", token=token, why="canceled", grace=0.4)
    event = agent.ended(token)
    assert time.monotonic() - began >= 0.4
    assert event["signal"] == 9
    assert "usr1" in node.log()


def test_a_checkpoint_comes_first_beside_the_job(node: Supervised, agent: Agent) -> None:
    checkpoint = (
        'kill -USR1 "$SENTINEL_JOB_PID"; sleep 0.2; echo "saved $A $SENTINEL_JOB_ID"; pwd; umask; exit 3'
    )
    token = begun(
        node,
        agent,
        *("sh", "-c", checkpoint),
        job="export A=made-by-the-job; " + JOB,
        environment={"PATH": "/usr/bin:/bin", "A": "submitted"},
        umask=0o027,
    )
    preempt(agent, token)
    event = agent.ended(token)
    assert (event["exit_code"], event["stopped"], event["why"]) == (5, True, "it makes room")
    assert said(node)[:2] == ["ready", "usr1"]
    assert said(node)[2:] == [
        "saved submitted job1",
        str(node.folder),
        "0027",
        "sentinel: its checkpoint command ended with exit code 3",
        "told",
    ]


def test_it_finds_what_setup_lines_made(node: Supervised, agent: Agent) -> None:
    token = begun(node, agent, "sh", "-c", "echo saved $MADE", setup=["export MADE=here"])
    preempt(agent, token)
    agent.ended(token)
    assert "saved here\n" in node.log()


def test_told_twice_it_runs_once(node: Supervised, agent: Agent) -> None:
    token = begun(node, agent, "sh", "-c", "echo saving; sleep 0.3")
    preempt(agent, token)
    written(node, "saving")
    preempt(agent, token)
    assert agent.ended(token)["exit_code"] == 5
    assert said(node) == ["ready", "saving", "told"]


def test_a_plain_stop_makes_none(node: Supervised, agent: Agent) -> None:
    token = begun(node, agent, "touch", "saved")
    agent.say(cmd="stop", token=token, why="canceled", grace=30)
    assert agent.ended(token)["exit_code"] == 5
    assert not (node.folder / "saved").exists()


def test_a_cancel_does_not_wait_for_it(node: Supervised, agent: Agent) -> None:
    token = begun(node, agent, "sh", "-c", "echo saving; sleep 60; echo never")
    preempt(agent, token)
    written(node, "saving")
    agent.say(cmd="stop", token=token, why="canceled", grace=30)
    event = agent.ended(token)
    assert (event["exit_code"], event["why"]) == (5, "it makes room")
    eventually(lambda: not node.processes(token), "the checkpoint is ended, too")
    assert "never" not in node.log()


def test_the_grace_is_the_end_of_both(node: Supervised, agent: Agent) -> None:
    token = begun(node, agent, "sh", "-c", STUBBORN.replace("ready", "saving"), job=STUBBORN)
    began = time.monotonic()
    preempt(agent, token, grace=0.5)
    event = agent.ended(token)
    assert 0.5 <= time.monotonic() - began < 4
    assert event["signal"] == 9
    eventually(lambda: not node.processes(token))


def test_a_checkpoint_that_ends_the_job_is_ended_with_it(node: Supervised, agent: Agent) -> None:
    token = begun(node, agent, "sh", "-c", "kill -TERM $SENTINEL_JOB_PID; exec sleep 60")
    preempt(agent, token)
    event = agent.ended(token)
    assert (event["exit_code"], event["stopped"]) == (5, True)
    eventually(lambda: not node.processes(token), "nothing of it stays", 5)


@pytest.mark.parametrize("command", [["no-such-command"], ["./none"]])
def test_one_that_cannot_be_run_is_said_and_the_job_told(
    node: Supervised, agent: Agent, command: list[str]
) -> None:
    token = begun(node, agent, *command)
    preempt(agent, token)
    assert agent.ended(token)["exit_code"] == 5
    assert "sentinel: its checkpoint command ended with exit code 127\n" in node.log()


def test_a_killed_supervisor_waits_for_the_same_one(node: Supervised, agent: Agent) -> None:
    script = "echo saving; while ! test -e go; do sleep 0.02; done; echo saved"
    token = begun(node, agent, "sh", "-c", script)
    preempt(agent, token)
    written(node, "saving")
    agent = node.restart()
    assert agent.records[token]["phase"] == "running"
    preempt(agent, token)  # as an agent does that finds it still running
    time.sleep(0.3)
    assert "told" not in node.log()
    (node.folder / "go").touch()
    event = ended(agent, token)
    assert (event["stopped"], event["why"].split(";")[0]) == (True, "it makes room")
    assert said(node) == ["ready", "saving", "saved", "told"]


def test_one_that_ended_while_there_was_no_supervisor_is_not_run_again(
    node: Supervised, agent: Agent
) -> None:
    script = "echo saving; while ! test -e go; do sleep 0.02; done; echo saved"
    token = begun(node, agent, "sh", "-c", script)
    preempt(agent, token)
    written(node, "saving")
    node.kill()
    (node.folder / "go").touch()
    written(node, "saved")
    eventually(lambda: len(node.processes(token)) <= 2)
    agent = node.start()
    assert ended(agent, token)["stopped"]
    assert said(node) == ["ready", "saving", "saved", "told"]


def test_the_deadline_outlives_the_supervisor(node: Supervised, agent: Agent) -> None:
    token = begun(node, agent, "sh", "-c", "echo saving; exec sleep 60", job=STUBBORN)
    preempt(agent, token, grace=1.5)
    written(node, "saving")
    agent = node.restart()
    agent.ended(token)
    eventually(lambda: not node.processes(token), "both are killed", 5)


@pytest.mark.root
def test_it_runs_as_the_jobs_user_also_after_a_restart(node: Supervised) -> None:
    table = node.folder / "users.toml"
    table.write_text('[users]\nalice = "nobody"\n')
    node.options = ("--users", str(table))
    agent = node.start()
    path = {"PATH": "/usr/bin:/bin"}
    for restart in (False, True):
        token = node.launch(agent, "sh", "-c", JOB, checkpoint=["id", "-un"], environment=path)
        written(node, "ready")
        table.write_text('[users]\nalice = "games"\n')  # who it was begun as counts
        if restart:
            agent = node.restart()
        preempt(agent, token)
        agent.ended(token)
        assert said(node) == ["ready", "nobody", "told"]
        table.write_text('[users]\nalice = "nobody"\n')


def test_a_job_that_wrote_over_its_environment_still_has_a_checkpoint(node: Supervised, agent: Agent) -> None:
    over = (
        "import ctypes, os, signal, time\n"
        "found = open('/proc/self/stat').read().rpartition(')')[2].split()\n"
        "start, end = int(found[47]), int(found[48])\n"
        "ctypes.memset(start, 0, end - start)\n"
        "signal.signal(signal.SIGTERM, lambda *_: os._exit(6))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(0.02)\n"
    )
    token = node.launch(
        agent, "python3", "-I", "-c", over, checkpoint=["sh", "-c", "echo saved $SENTINEL_JOB_ID"]
    )
    written(node, "ready")
    pid = agent.until(token, "running")["pid"]
    assert b"SENTINEL_JOB=" not in Path(f"/proc/{pid}/environ").read_bytes()
    preempt(agent, token)
    assert agent.ended(token)["exit_code"] == 6
    assert "saved job1\n" in node.log()


def test_nothing_of_it_is_left_in_the_supervisor(node: Supervised, agent: Agent) -> None:
    assert node.process
    fds = f"/proc/{node.process.pid}/fd"
    for round in range(3):
        token = begun(node, agent, "true")
        preempt(agent, token)
        agent.ended(token)
        if round == 0:
            before = len(os.listdir(fds))  # noqa: PTH208
    eventually(lambda: len(os.listdir(fds)) == before, "no descriptor more")  # noqa: PTH208
