"""A workstation for the tests here: a booted systemd with Sentinel installed by install.sh, a real inference
server as a unit, and a user who is not root."""

import json
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.components.llm_server import LlmServer
from tests.components.systemd_machine import Machine

INSTALL = str(Path(__file__).parents[2] / "install.sh")
CONFIG = "/etc/sentinel/config.toml"
STUBBORN = """\
ExecStart=/bin/sh -c "trap '' TERM; while :; do sleep 60 & wait; done"
Restart=always
TimeoutStopSec=3s"""
BRITTLE = 'ExecStart=/bin/sh -c "test -e /run/brittle-may-start && exec sleep infinity; exit 3"'

SERVICES = """
[[service]]
name = "chat"
driver = "systemd"
unit = "chat.service"
gpus = [0]
simulated_memory = "20GiB"
"""
MORE_SERVICES = """
[[service]]
name = "stubborn"
driver = "systemd"
unit = "stubborn.service"
gpus = [1]
stop_timeout = "1s"
simulated_memory = "8GiB"

[[service]]
name = "brittle"
driver = "systemd"
unit = "brittle.service"
gpus = [1]
simulated_memory = "4GiB"
"""


class Workstation:
    """The machine with what the tests ask of it. Commands run as ada unless they say otherwise."""

    def __init__(self, machine: Machine, llm: LlmServer) -> None:
        self.machine, self.llm = machine, llm
        self._started: list[subprocess.Popen[str]] = []

    def prepare(self) -> None:
        """Users, units, config; nothing of Sentinel's runs yet."""
        for user in ("ada", "bob"):
            self.machine.run("useradd", "--create-home", user)
        command = " ".join(self.llm.command)
        self.machine.add_unit("chat", f"ExecStart={command}\nRestart=always\nRestartSec=100ms", reload=False)
        self.machine.add_unit("stubborn", STUBBORN, reload=False)
        self.machine.add_unit("brittle", BRITTLE)
        self.write_config()

    def write_config(self, *, resume_delay: str = "300ms", services: str = SERVICES + MORE_SERVICES) -> None:
        arbiter = (
            f'[arbiter]\ngpus = "simulated:2"\nresume_delay = "{resume_delay}"\npoll_interval = "500ms"\n'
        )
        self.machine.write(CONFIG, arbiter + services)

    def rest(self) -> None:
        """Back to a day's beginning: no research, every service up, the arbiter fresh."""
        self.end_research()
        self.machine.write("/run/brittle-may-start", "")
        self.machine.run("systemctl", "stop", "sentinel", check=False)
        self.machine.run("rm", "-f", "/var/lib/sentinel/state.json")
        self.write_config()
        self.machine.run("systemctl", "reset-failed")
        self.machine.run("systemctl", "start", "chat", "stubborn", "brittle")
        self.machine.run("systemctl", "start", "sentinel")
        self.llm.await_answer()
        self.await_states(chat="running", stubborn="running", brittle="running")

    def end_research(self) -> None:
        """Everything that ada and bob run in there ends."""
        self.machine.run("pkill", "-KILL", "-u", "ada,bob", check=False)
        for process in self._started:
            if process.stdout and not process.stdout.closed:
                process.communicate(timeout=10)
        self._started.clear()

    # ------------------------------------------------------------------ asking

    def run(
        self, *argv: str, user: str | None = "ada", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        return self.machine.run(*argv, user=user, check=check)

    def start(self, *argv: str, user: str = "ada") -> subprocess.Popen[str]:
        """Runs it in the background, until end_research at the latest."""
        self._started.append(self.machine.start(*argv, user=user))
        return self._started[-1]

    def research(self, seconds: float = 600, user: str = "ada") -> subprocess.Popen[str]:
        """Research that holds the GPUs in the background; returns once it runs."""
        mark = f"/tmp/running-{time.monotonic_ns()}"
        script = f"touch {mark}; exec sleep {seconds}"
        process = self.start("sentinel-request", "--", "sh", "-c", script, user=user)
        self.wait(lambda: (self.machine.root / mark.lstrip("/")).exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        return process

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("sentinel-status", "--json").stdout)

    def services(self) -> dict[str, dict[str, Any]]:
        return {service["name"]: service for service in self.status()["services"]}

    def await_states(self, *, seconds: float = 20, **wanted: str) -> dict[str, dict[str, Any]]:
        """Waits until each named service is in that state; the status of all services then."""
        seen: dict[str, dict[str, Any]] = {}

        def reached() -> bool:
            seen.update(self.services())
            return all(seen[name]["state"] == state for name, state in wanted.items())

        self.wait(reached, seconds, lambda: str(seen))
        return seen

    def wait(
        self, condition: Callable[[], object], seconds: float = 20, say: Callable[[], str] = lambda: ""
    ) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, say() or "it never came to be"
            time.sleep(0.05)


def free_port() -> int:
    """A loopback port that nobody uses; the machine shares the host's network."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
