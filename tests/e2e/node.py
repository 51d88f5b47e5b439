"""A real agent process on a stand-in driver and a stand-in engine, and real processes on the "GPU"."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.e2e.workstation import eventually
from tests.fakes.cards import Card, Occupant, cards
from tests.fakes.container_engine import FakeEngine
from tests.fakes.nvml_stand_in import NvmlStandIn

from sentinel.core.arbiter_client import Channel

PATIENCE = 20.0


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Node:
    """`folder` is a short path. `agent` runs between `start` and `stop`."""

    folder: Path
    nvml: NvmlStandIn
    engine: FakeEngine
    port: int = field(default_factory=a_free_port)
    card: Card = field(default_factory=lambda: cards(1)[0])
    agent: "subprocess.Popen[bytes] | None" = None
    sleepers: "list[subprocess.Popen[bytes]]" = field(default_factory=list["subprocess.Popen[bytes]"])
    docker_host: str = ""
    containerd: str = ""
    config: str = ""
    kernel_log: Path | None = None
    arbiter_socket: Path | None = None

    @classmethod
    @contextlib.contextmanager
    def standing(cls, folder: Path) -> Iterator["Node"]:
        """Everything but the agent; all of it ends afterwards."""
        node = cls(folder=folder, nvml=NvmlStandIn(folder / "nvml"), engine=FakeEngine())
        node.docker_host = node.engine.host
        node.nvml.show([node.card])
        try:
            yield node
        finally:
            node.kill()
            for process in node.sleepers:
                process.kill()
                process.wait()
            node.engine.close()

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        socket = str(self.arbiter_socket or self.folder / "no-arbiter.sock")
        return {**os.environ, **self.nvml.environment, "SENTINEL_SOCKET": socket}

    @property
    def options(self) -> list[str]:
        path = self.folder / "config.toml"
        containerd = json.dumps(self.containerd or False)
        path.write_text(
            f"[inventory]\npodman = false\nkubernetes = false\ncontainerd = {containerd}\n{self.config}"
        )
        return ["--config", str(path), "--state-dir", str(self.state), "--docker-host", self.docker_host]

    # -------------------------------------------------------------- the agent

    def start(self) -> None:
        command = [sys.executable, "-m", "sentinel.agent", "run", "--standalone", *self.options]
        with (self.folder / "journal").open("ab") as journal:
            self.agent = subprocess.Popen(
                [*command, "--listen", f"127.0.0.1:{self.port}"], env=self.environment, stderr=journal
            )
        eventually(lambda: self.agent_is_up(), "the agent is up", PATIENCE)

    def agent_is_up(self) -> bool:
        assert self.agent is not None and self.agent.poll() is None, self.journal()
        with contextlib.suppress(OSError):
            return self.get("/readyz").startswith("ok") and (self.state / "inventory.json").exists()
        return False

    def stop(self) -> int:
        assert self.agent is not None
        self.agent.terminate()
        return self.agent.wait(PATIENCE)

    def kill(self) -> None:
        if self.agent is not None:
            self.agent.send_signal(signal.SIGKILL)
            self.agent.wait()

    def scan(self, *more: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "sentinel.agent", "scan", *self.options, *more]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)

    @contextlib.contextmanager
    def arbiter(self) -> Iterator[Callable[..., dict[str, Any]]]:
        """A real arbiter on the same card; gives what asks it: `ask("status")`."""
        socket, config = self.folder / "a.sock", self.folder / "arbiter.toml"
        config.write_text(f'[arbiter]\ngpus = "nvml"\nstate_file = "{self.folder}/arbiter.json"\n')
        command = [sys.executable, "-m", "sentinel.arbiter", "--config", str(config), "--socket", str(socket)]
        self.arbiter_socket = socket

        def ask(cmd: str, **more: Any) -> dict[str, Any]:
            channel = Channel(str(socket))
            try:
                return channel.ask({"cmd": cmd, **more})
            finally:
                channel.close()

        with (self.folder / "journal").open("ab") as journal:
            process = subprocess.Popen(command, env=self.environment, stderr=journal)
        try:
            eventually(socket.exists, "the arbiter listens", PATIENCE)
            eventually(lambda: ask("status")["status"]["gpus"], "it has read the card", PATIENCE)
            yield ask
        finally:
            process.kill()
            process.wait()

    # -------------------------------------------------------------- what runs

    def run(self, memory_mib: int = 1024) -> int:
        """A real process, listed on the card as long as it lives: its pid."""
        process = subprocess.Popen(["sleep", "600"])
        self.sleepers.append(process)
        one = Occupant(pid=process.pid, memory_mib=memory_mib, while_alive=True)
        self.card = replace(self.card, occupants=(*self.card.occupants, one))
        self.nvml.show([self.card])
        return process.pid

    def end(self, pid: int) -> None:
        process = next(one for one in self.sleepers if one.pid == pid)
        process.kill()
        process.wait()

    # -------------------------------------------------------------- what is known of it

    def inventory(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.state / "inventory.json").read_text())
        return found

    def workload(self, *, pid: int | None = None, name: str | None = None) -> dict[str, Any] | None:
        return next(
            (
                one
                for one in self.inventory()["workloads"]
                if (pid is not None and pid in one["pids"]) or (name is not None and one["name"] == name)
            ),
            None,
        )

    def events(self) -> list[dict[str, Any]]:
        path = self.state / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def told(self, kind: str) -> list[str]:
        """Subjects of the events of that kind, in order."""
        return [one["subject"] for one in self.events() if one["type"] == f"sentinel.workload.{kind}"]

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def journal(self) -> str:
        path = self.folder / "journal"
        return path.read_text() if path.exists() else ""
