"""Starting a supervisor: out of the starter's session, one for each folder, clear words when it cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.workstation import alive, eventually
from tests.supervisor.supervised import Supervised


def start(node: Supervised, *more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(node.command(*more), capture_output=True, text=True, timeout=20)


def test_it_returns_once_it_serves_and_serves_elsewhere(node: Supervised) -> None:
    done = start(node)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    agent = node.connect()
    pid = agent.hello["pid"]
    assert os.getsid(pid) not in (os.getsid(0), pid)
    assert os.getpgid(pid) != os.getpgid(0)
    assert Path(f"/proc/{pid}/environ").read_bytes() is not None
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    agent.say(cmd="end", jobs=True)
    eventually(lambda: not alive(pid))


def test_started_again_it_does_nothing(node: Supervised) -> None:
    assert start(node).returncode == 0
    agent = node.connect()
    token = node.launch(agent, "sleep", "60")
    agent.until(token, "running")
    done = start(node)
    assert (done.returncode, done.stderr) == (0, "")
    agent.say(cmd="stop", token=token, why="x", grace=1)
    assert agent.ended(token)["stopped"]
    done = start(node, "--foreground")
    assert done.returncode == 1
    assert done.stderr == f"sentinel-supervisor: another supervisor uses {node.dir}; nothing is done\n"
    agent.say(cmd="end", jobs=True)
    eventually(lambda: not alive(agent.hello["pid"]))


def test_one_of_many_started_at_once_serves(node: Supervised) -> None:
    starts = [subprocess.Popen(node.command(), stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [one.communicate(timeout=30)[1] for one in starts]
    assert [one.returncode for one in starts].count(0) >= 1, said
    agent = node.connect()
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0
    agent.say(cmd="end", jobs=True)
    eventually(lambda: not alive(agent.hello["pid"]))


def test_it_survives_the_end_of_its_starters_group(node: Supervised) -> None:
    shell = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess as s, time; s.run({node.command()!r}); time.sleep(60)"],
        start_new_session=True,
    )
    try:
        agent = node.connect()
    finally:
        os.killpg(shell.pid, 9)
        shell.wait()
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0
    agent.say(cmd="end", jobs=True)
    eventually(lambda: not alive(agent.hello["pid"]))


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--dir", "/proc/nowhere"], 2, "choose another --dir"),
        (["--log-cap", "many"], 2, "is no size"),
        (["--run-as", "a", "--users", "b"], 2, "not allowed with"),
    ],
)
def test_what_cannot_be_is_said(node: Supervised, options: list[str], code: int, words: str) -> None:
    node.options = ()
    done = start(node, *options)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    if options[1].startswith("/tmp/x"):
        import shutil

        shutil.rmtree(options[1])


def test_its_help_says_how_to_start_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sentinel.supervisor", "--help"], capture_output=True, text=True, timeout=20
    )
    assert "--dir DIR" in done.stdout
