"""How a job finds itself: folder, user, limits, descriptors, signals; and what is said when it cannot be."""

import json
import resource
import shlex
import socket
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.workstation import eventually
from tests.supervisor.supervised import Agent, Supervised

from sentinel.core.clock import boottime

root = pytest.mark.root
# The cheap way, and that of the forked child: what a job finds is the same.
WAYS = pytest.mark.parametrize("way", [{}, {"limits": {"core": 0}}], ids=["spawned", "forked"])
SYSTEM_PATH = "/usr/bin:/bin"  # what other users may execute, too
LIBC = 0b11 << 31  # signals 32 and 33 are glibc's own; its posix_spawn leaves them ignored
LOOK = """
import json, os, resource, signal
ignored = [s for s in signal.valid_signals() if signal.getsignal(s) == signal.SIG_IGN]
print(json.dumps({
    "pid": os.getpid(), "sid": os.getsid(0), "group": os.getpgid(0), "cwd": os.getcwd(),
    "umask": os.umask(0), "uids": os.getresuid(), "gids": os.getresgid(), "groups": sorted(os.getgroups()),
    "fds": {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if int(fd) < 3},
    "more": [fd for fd in os.listdir("/proc/self/fd") if int(fd) > 2 and os.path.exists(f"/dev/fd/{fd}")],
    "blocked": [int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
    "ignored": [int(s) for s in ignored], "nofile": resource.getrlimit(resource.RLIMIT_NOFILE),
    "core": resource.getrlimit(resource.RLIMIT_CORE),
}))
"""


def look(node: Supervised, agent: Agent, **fields: Any) -> dict[str, Any]:
    path = {"PATH": SYSTEM_PATH}
    token = node.launch(agent, "python3", "-I", "-S", "-c", LOOK, environment=path, **fields)
    ended = agent.ended(token)
    assert ended.get("exit_code") == 0, (ended, node.log())
    return json.loads(node.log().splitlines()[-1])


@WAYS
def test_a_job_has_a_session_of_its_own_and_nothing_of_ours(
    node: Supervised, agent: Agent, way: dict[str, Any]
) -> None:
    found = look(node, agent, umask=0o027, **way)
    assert found["pid"] == found["sid"] == found["group"]
    assert found["cwd"] == str(node.folder)
    assert found["umask"] == 0o027
    assert found["fds"]["0"] == "/dev/null"
    assert found["fds"]["1"] == found["fds"]["2"] == str(node.dir / "logs/job1.1.log")
    assert found["more"] == []
    assert found["blocked"] == []
    # Python itself ignores these two.
    assert set(found["ignored"]) <= {13, 25}


def test_signals_that_the_starter_ignored_are_not_ignored_by_jobs(node: Supervised) -> None:
    shell = f"trap '' TERM HUP USR1 PIPE; exec 7</etc/passwd; exec {shlex.join(node.command())}"
    assert subprocess.run(["sh", "-c", shell], timeout=20).returncode == 0
    agent = node.connect()
    try:
        token = node.launch(agent, "grep", "-E", "Sig(Ign|Blk)", "/proc/self/status")
        agent.ended(token)
        assert [int(line.split()[1], 16) & ~LIBC for line in node.log().splitlines()] == [0, 0]
        assert look(node, agent)["more"] == []
    finally:
        agent.say(cmd="end", jobs=True)
        assert agent.receive() is not None


@WAYS
def test_an_environment_holds_what_was_submitted_and_what_is_due_and_nothing_else(
    node: Supervised, monkeypatch: pytest.MonkeyPatch, way: dict[str, Any]
) -> None:
    monkeypatch.setenv("OUR_SECRET", "x")
    agent = node.start()
    agent.ended(node.launch(agent, "env", environment={"MINE": "a b=c", "PATH": "/usr/bin:/bin"}, **way))
    found = dict(line.split("=", 1) for line in node.log().splitlines())
    assert found.pop("MINE") == "a b=c"
    assert found.pop("SENTINEL_JOB") == node.tokens[-1]
    assert set(found) == {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL"),
        *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "SENTINEL_JOB_ID", "SENTINEL_ATTEMPT"),
    }


@WAYS
def test_a_command_is_found_in_the_jobs_own_path_and_folder(
    node: Supervised, agent: Agent, way: dict[str, Any]
) -> None:
    for folder, word in (("bin", "first"), ("other", "second")):
        (node.folder / folder).mkdir()
        script = node.folder / folder / "tool"
        script.write_text(f"#!/bin/sh\necho {word}\n")
        script.chmod(0o755)
    (node.folder / "bin/tool").chmod(0o644)  # not executable: the next one is taken
    path = f"{node.folder}/none:{node.folder}/bin:{node.folder}/other"
    agent.ended(node.launch(agent, "tool", environment={"PATH": path}, **way))
    assert node.log() == "second\n"
    agent.ended(node.launch(agent, "./other/tool", **way))
    assert node.log() == "second\n"
    agent.ended(node.launch(agent, "tool", environment={"PATH": "other"}, **way))
    assert node.log() == "second\n"


@WAYS
def test_what_cannot_be_launched_says_which_path_and_is_final(
    node: Supervised, agent: Agent, way: dict[str, Any]
) -> None:
    (node.folder / "file").write_text("no program\n")
    (node.folder / "text").write_text("no program\n")
    (node.folder / "text").chmod(0o755)
    (node.folder / "script").write_text("#!/no/such/interpreter\n")
    (node.folder / "script").chmod(0o755)
    (node.folder / "dir").mkdir()
    cases = [
        (["true"], {"cwd": "/no/such/dir"}, "cwd /no/such/dir does not exist on node gpu1"),
        (["true"], {"cwd": f"{node.folder}/file"}, f"cwd {node.folder}/file is no folder on node gpu1"),
        (["/no/such"], {"cwd": "/no/such"}, "cwd /no/such does not exist on node gpu1"),
        (
            [f"{node.folder}/dir"],
            {"cwd": f"{node.folder}/dir"},
            f"command {node.folder}/dir cannot be executed",
        ),
        (["no-such-tool"], {}, "command no-such-tool is not in PATH ("),
        (["./none"], {}, "command ./none: there is no such file on node gpu1"),
        (["./file"], {}, "command ./file cannot be executed by user"),
        (["./script"], {}, "command ./script: there is no such file on node gpu1, or not the program that"),
        (["./text"], {}, "command ./text is no program for node gpu1; a script begins with #!"),
        (["true", "x" * 200_000], {}, "command true and its environment are too long"),
    ]
    for command, fields, why in cases:
        event = agent.ended(node.launch(agent, *command, **fields, **way))
        assert event["event"] == "refused", event
        assert event["final"] is True
        assert event["why"].startswith(why), event["why"]
    assert node.process is not None
    assert node.process.poll() is None
    assert Path(f"/proc/{node.process.pid}/cwd").readlink() == Path("/")


def test_text_that_no_program_can_be_given_is_refused(node: Supervised, agent: Agent) -> None:
    event = agent.ended(node.launch(agent, "true", "\ud800"))
    assert (event["event"], event["final"]) == ("refused", True)
    event = agent.ended(node.launch(agent, "true", "\ud800", limits={"core": 0}))
    assert event["event"] == "refused"


def test_limits(node: Supervised, agent: Agent) -> None:
    found = look(node, agent, limits={"nofile": 77, "core": 0})
    assert found["nofile"] == [77, 77]
    event = agent.ended(node.launch(agent, "true", limits={"nofiles": 77}))
    assert (event["final"], event["why"][:31]) == (True, "limit 'nofiles' is none of as, ")
    event = agent.ended(node.launch(agent, "true", limits={"nofile": 2**40}))
    assert event["final"]
    assert event["why"].startswith(f"limit nofile={2**40} is above what node gpu1 allows, ")
    assert look(node, agent)["nofile"] != [77, 77]


def test_one_that_comes_too_late_does_not_begin(node: Supervised, agent: Agent) -> None:
    event = agent.ended(node.launch(agent, "touch", "begun", begin_by=boottime() - 0.001))
    assert (event["event"], event["final"]) == ("refused", False)
    event = agent.ended(node.launch(agent, "touch", "begun", fence_at=boottime() - 0.001))
    assert (event["event"], event["final"]) == ("refused", False)
    assert not (node.folder / "begun").exists()


def test_a_launch_that_cannot_be_understood_is_refused_for_good(node: Supervised, agent: Agent) -> None:
    message = node.message("true")
    del message["spec"]["command"]
    agent.say(**message)
    event = agent.ended(message["token"])
    assert event["final"]
    assert event["why"] == "its launch cannot be understood: spec is none: 'command'"


def test_a_log_is_appended_to_and_only_ours(node: Supervised, agent: Agent) -> None:
    agent.ended(node.launch(agent, "sh", "-c", "echo out; echo err >&2; echo more"))
    assert node.log() == "out\nerr\nmore\n"
    assert stat.S_IMODE((node.dir / "logs").stat().st_mode) == 0o700
    assert stat.S_IMODE((node.dir / "logs/job1.1.log").stat().st_mode) == 0o600


def test_a_log_that_cannot_be_opened_is_another_try(node: Supervised, agent: Agent) -> None:
    (node.dir / "logs/job1.1.log").mkdir()
    event = agent.ended(node.launch(agent, "true"))
    assert (event["event"], event["final"]) == ("refused", False)
    assert "cannot open its log: Is a directory" in event["why"]


# ------------------------------------------------------------------ other users


@root
def test_a_job_of_another_user_is_that_user_whole(node: Supervised) -> None:
    node.options = ("--run-as", "nobody")
    agent = node.start()
    found = look(node, agent, umask=0o077)
    assert set(found["uids"]) == {65534}
    assert len(set(found["gids"])) == 1
    assert 0 not in found["groups"]
    assert 0 not in found["gids"]
    assert found["pid"] == found["sid"]
    assert found["more"] == []
    assert found["umask"] == 0o077
    agent.ended(node.launch(agent, "sh", "-c", "echo $HOME $USER; echo again >>/dev/stderr"))
    assert node.log().startswith("/nonexistent nobody\nagain\n")


@root
def test_a_folder_is_entered_as_the_jobs_user(node: Supervised) -> None:
    node.options = ("--run-as", "nobody")
    agent = node.start()
    (node.folder / "roots").mkdir(mode=0o700)
    event = agent.ended(node.launch(agent, "true", cwd=f"{node.folder}/roots"))
    assert event["why"] == f"cwd {node.folder}/roots cannot be entered by user nobody on node gpu1"
    assert event["final"]
    (node.folder / "tool").write_text("#!/bin/sh\n")
    (node.folder / "tool").chmod(0o700)
    event = agent.ended(node.launch(agent, "./tool"))
    assert event["why"] == "command ./tool cannot be executed by user nobody on node gpu1"


@root
def test_no_code_of_a_user_is_loaded_before_it_is_that_user(node: Supervised) -> None:
    node.options = ("--run-as", "nobody")
    agent = node.start()
    agent.ended(
        node.launch(agent, "id", "-u", environment={"LD_PRELOAD": "/no/such.so", "PATH": "/usr/bin:/bin"})
    )
    assert node.log().splitlines()[-1] == "65534"


@root
def test_the_table_of_users_is_obeyed(node: Supervised) -> None:
    table = node.folder / "users.toml"
    table.write_text('[users]\nalice = "nobody"\nrob = "root"\ndee = "daemon"\n')
    node.options = ("--users", str(table))
    agent = node.start()
    agent.ended(node.launch(agent, "id", "-un"))
    assert node.log() == "nobody\n"
    for owner in ("rob", "dee", "carl"):
        event = agent.ended(node.launch(agent, "touch", "begun", owner=owner))
        assert (event["event"], event["final"]) == ("refused", True)
        assert str(table) in event["why"]
        assert owner in event["why"]
    assert not (node.folder / "begun").exists()
    table.write_text('[users]\ncarl = "nobody"\n')
    assert agent.ended(node.launch(agent, "true", owner="carl"))["event"] == "exited"


@root
def test_a_user_that_the_node_does_not_have_ends_it_at_once(node: Supervised) -> None:
    done = subprocess.run(
        node.command("--run-as", "no-such-user"), capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 2
    assert "which this node does not have" in done.stderr


def test_a_job_that_is_stopped_at_once_has_either_run_or_not(node: Supervised, agent: Agent) -> None:
    for number in range(30):
        script = f"echo >begun{number}; sleep 60"
        token = node.launch(agent, "sh", "-c", script, limits={"core": 0})
        time.sleep(number * 0.0002)
        agent.say(cmd="stop", token=token, why="canceled", grace=5)
        event = agent.ended(token)
        assert event["why"] == "canceled"
        if event["event"] == "refused":
            assert not (node.folder / f"begun{number}").exists()
        else:
            assert event["stopped"]
    eventually(lambda: not node.processes(), "nothing of them is left")


def test_a_job_without_gpus_needs_no_arbiter(node: Supervised) -> None:
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(node.folder / "arbiter"))
        node.options = (*node.options, "--arbiter", str(node.folder / "arbiter"))
        agent = node.start()
        assert agent.ended(node.launch(agent, "true", gpus=[]))["exit_code"] == 0
        assert "does not answer" in agent.ended(node.launch(agent, "true"))["why"]


@pytest.mark.parametrize(
    "fields", [{}, {"limits": {"core": 0}}, {"pty": True}], ids=["spawned", "forked", "pty"]
)
def test_without_descriptors_it_is_another_try_and_nothing_is_lost(
    node: Supervised, agent: Agent, fields: dict[str, Any]
) -> None:
    assert node.process
    used = len(list(Path(f"/proc/{node.process.pid}/fd").iterdir()))
    _, hard = resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE)
    for spare in range(8):
        resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, (used + spare, hard))
        token = node.launch(agent, "true", **fields)
        event = agent.ended(token)
        assert event["event"] == "exited" or event["final"] is False, event
    resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
    assert agent.ended(node.launch(agent, "true", **fields))["exit_code"] == 0
    eventually(lambda: not node.processes())
    pid = node.process.pid
    eventually(lambda: len(list(Path(f"/proc/{pid}/fd").iterdir())) == used, "no descriptor is lost")
