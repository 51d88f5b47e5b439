"""Lines of shell before a job's command: what they make is there, and one that fails is named."""

import signal
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.workstation import eventually
from tests.supervisor.supervised import Agent, Supervised

from sentinel.supervisor.setup_lines import find_shell, script, why_it_failed, with_setup_inside

WAYS = pytest.mark.parametrize("way", [{}, {"limits": {"core": 0}}], ids=["spawned", "forked"])


def words(node: Supervised) -> list[str]:
    return node.log().splitlines()


@WAYS
def test_what_they_make_is_there_and_the_command_is_as_it_was(
    node: Supervised, agent: Agent, way: dict[str, Any]
) -> None:
    (node.folder / "tool").mkdir()
    setup = ["export A='b  c'", f"cd {node.folder}/tool", "f() { return 3; }; f || true"]
    command = ["sh", "-c", 'echo "$A|$1|$2"; pwd; umask; exit 7', "x", "a  b", "$A"]
    event = agent.ended(node.launch(agent, *command, setup=setup, umask=0o027, **way))
    assert (event["exit_code"], event["why"]) == (7, "")
    assert words(node)[-3:] == ["b  c|a  b|$A", f"{node.folder}/tool", "0027"]


def test_a_line_that_fails_ends_the_job_and_is_the_reason(node: Supervised, agent: Agent) -> None:
    cases = [
        (["true", "false", "echo no"], 1, "setup line 2 failed (exit code 1): false"),
        (["no-such-tool  'a'"], 127, "setup line 1 failed (exit code 127): no-such-tool 'a'"),
        (["exit 0"], 1, "setup line 1 failed (exit code 0): exit 0"),
        (["echo ok", "if"], 2, "setup line 2 failed (exit code 2): if"),
    ]
    for setup, code, why in cases:
        event = agent.ended(node.launch(agent, "touch", "begun", setup=setup))
        assert (event["event"], event["exit_code"], event["why"]) == ("exited", code, why)
        assert words(node)[-1] == f"sentinel: {why}"
    assert not (node.folder / "begun").exists()


def test_a_command_that_fails_is_not_the_setup(node: Supervised, agent: Agent) -> None:
    event = agent.ended(node.launch(agent, "no-such-command", setup=["true"]))
    assert (event["event"], event["exit_code"], event["why"]) == ("exited", 127, "")


def test_the_command_takes_the_shells_place(node: Supervised, agent: Agent) -> None:
    """So signals reach it, and how it ended is its own."""
    token = node.launch(agent, "sh", "-c", "echo here; kill -SEGV $$", setup=["true"])
    assert agent.ended(token)["signal"] == signal.SIGSEGV
    token = node.launch(agent, "sleep", "60", setup=["true"])
    pid = agent.until(token, "running")["pid"]
    eventually(lambda: b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes())
    agent.say(cmd="stop", token=token, why="canceled", grace=30)
    assert agent.ended(token)["signal"] == signal.SIGTERM


def test_the_path_of_the_submit_goes_before_that_of_the_profiles(node: Supervised, agent: Agent) -> None:
    path = "/first/bin:/usr/bin:/bin"
    agent.ended(node.launch(agent, "sh", "-c", 'echo "$PATH"', setup=["true"], environment={"PATH": path}))
    assert words(node)[-1].startswith(f"{path}:")


def test_their_text_is_nobodys_but_the_shells() -> None:
    text = script(["echo 'it''s' \"$A\" `x`", "y" * 300], 0o022)
    assert "y" * 300 in text
    assert "sentinel_l=" + "y" * 200 + "…" in text.replace("'", "")
    inside = with_setup_inside(["true"], ["cmd", "a b"], umask=0o022)
    assert inside[-2:] == ("cmd", "a b")


def test_which_shell() -> None:
    assert find_shell("/bin/zsh").endswith(("bash", "sh"))
    assert find_shell("/bin/bash") == "/bin/bash"
    assert find_shell("/no/such/bash") != "/no/such/bash"


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        (b"", ""),
        (b"x\nsentinel: setup line 3 failed (exit code 1): a\n", "setup line 3 failed (exit code 1): a"),
        (b"sentinel: setup line 3 failed (exit code 1): a\nmore\n", ""),
        (b"sentinel: setup lines\n", ""),
    ],
)
def test_the_end_of_a_log_says_it(tail: bytes, why: str) -> None:
    assert why_it_failed(tail) == why
