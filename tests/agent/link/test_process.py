"""The agent as a process, started with its controller: at once, and killed at the worst moment."""

import contextlib
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.link import wants
from tests.agent.link.fake_controller import FakeController
from tests.agent.link.test_real_supervisor import job
from tests.e2e.workstation import eventually

PATIENCE = 15.0
USER = pwd.getpwuid(os.geteuid()).pw_name


class AgentProcess:
    def __init__(self, folder: Path) -> None:
        (folder / "c").mkdir()
        self.controller = FakeController(folder / "c").start()
        self.folder = folder
        (folder / "token").write_text(self.controller.join_token())
        (folder / "config.toml").write_text(
            "[inventory]\ndocker = false\npodman = false\ncontainerd = false\nkubernetes = false\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        command = [sys.executable, "-m", "sentinel.agent", "run"]
        command += ["--controller", self.controller.url, "--join-token-file", str(self.folder / "token")]
        command += ["--config", str(self.folder / "config.toml"), "--state-dir", str(self.folder / "state")]
        command += ["--node-dir", str(self.folder / "node"), "--gpus", "simulated:8", "--listen", "none"]
        command += ["--run-jobs-as", USER, "--arbiter", "none", *more]
        environment = {**os.environ, "SENTINEL_SIMULATED_DIR": str(self.folder / "claims")}
        with (self.folder / "journal").open("ab") as journal:
            self.process = subprocess.Popen(command, env=environment, stderr=journal)

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def journal(self) -> str:
        return (self.folder / "journal").read_text()

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(str(self.folder / "node" / "supervisor.sock"))
            sock.sendall(json.dumps({"cmd": "end", "jobs": True}).encode() + b"\n")
            sock.recv(1)
        self.controller.stop()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    agent = AgentProcess(tmp_path)
    yield agent
    agent.close()


def test_it_joins_beats_and_has_its_gpus_free(agent: AgentProcess) -> None:
    agent.start()
    eventually(lambda: agent.controller.beats, "it beats", PATIENCE)
    first: dict[str, Any] = agent.controller.beats[0]
    assert len(first["gpus"]) == 8 and first["held"] == []
    assert {one["blocked"] for one in first["gpus"]} == {None}
    assert [(one["island"], one["numa"]) for one in first["gpus"]] == [(0, at // 4) for at in range(8)]
    facts = first["facts"]
    assert facts["sharing"] == "unenforced" and facts["cpus"] > 0 and facts["memory_bytes"] > 0
    assert not facts["address"].startswith("127."), "of no use to others"
    began = time.monotonic()
    assert agent.kill(signal.SIGTERM) == 0
    assert time.monotonic() - began < 5
    assert "Traceback" not in agent.journal() and "warning" not in agent.journal()


def test_killed_its_job_runs_on_and_the_next_one_tells_how_it_ended(agent: AgentProcess) -> None:
    go = agent.folder / "go"
    agent.start()
    agent.controller.want(job("j1", f"while [ ! -e {go} ]; do sleep 0.05; done; echo done; exit 7"))
    eventually(lambda: "running" in agent.controller.kinds("t-j1"), "it runs", PATIENCE)
    agent.kill()
    go.touch()
    agent.controller.want(job("j1", "x", state="RUNNING"))
    agent.start()
    eventually(lambda: "exited" in agent.controller.kinds("t-j1"), "its end is told", PATIENCE)
    assert agent.controller.reports[-1]["exit_code"] == 7
    eventually(lambda: ("j1", 1) in agent.controller.complete, "its output is complete", PATIENCE)
    assert bytes(agent.controller.logs["j1", 1]) == b"done\n"
    assert len(agent.controller.joins) == 1
    assert wants.raw()["environment"]["SECRET"] not in agent.journal()
