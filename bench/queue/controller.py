"""A controller of our own to measure, in a temporary folder. Used by the benchmarks here."""

import contextlib
import getpass
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.workstation.arbiter import BenchmarkError
from sentinel.client import Client

COMMANDS = Path(sys.executable).parent
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """A running one. `env` leads clients to it; `pid` is the parent of its processes."""

    folder: Path
    pid: int
    env: dict[str, str]

    @property
    def url(self) -> str:
        return self.env["SENTINEL_URL"]

    def client(self) -> Client:
        """A client of the admin's."""
        return Client(self.url, token=self.env["SENTINEL_TOKEN"], ca=self.env["SENTINEL_CA"])


@contextlib.contextmanager
def controller(gpus: str = "simulated:8") -> Generator[Controller, None, None]:
    """One with an agent on this machine and these GPUs; it, its agent and its jobs have ended afterwards."""
    options = ["--gpus", gpus, "--run-jobs-as", getpass.getuser(), "--arbiter", "none"]
    with _started("up", options) as one, one.client() as client:
        end = time.monotonic() + _PATIENCE
        while not any(node["state"] == "up" and node["gpus"] for node in client.nodes()):
            if time.monotonic() > end:
                raise BenchmarkError("no node came up")
            time.sleep(0.05)
        yield one


@contextlib.contextmanager
def server(*options: str) -> Generator[Controller, None, None]:
    """One without any agent."""
    with _started("server", options) as one:
        yield one


@contextlib.contextmanager
def _started(command: str, options: Sequence[str]) -> Generator[Controller, None, None]:
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        data, log = folder / "data", folder / "log"
        # A home of its own: what is measured writes nothing into the user's.
        env = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
        sentinel = str(COMMANDS / "sentinel")
        argv = [sentinel, command, "--data-dir", str(data), "--listen", f"127.0.0.1:{_port()}", *options]
        with log.open("wb") as sink:
            process = subprocess.Popen(argv, stdout=sink, stderr=sink, env=env, start_new_session=True)
        try:
            yield Controller(folder=data, pid=process.pid, env=_settings(process, data, log))
        finally:
            down = [sentinel, "down", "--data-dir", str(data)]
            subprocess.run(down, capture_output=True, timeout=_PATIENCE, check=False, env=env)
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait(10)


def _settings(process: "subprocess.Popen[bytes]", data: Path, log: Path) -> dict[str, str]:
    found, end = data / "client.env", time.monotonic() + _PATIENCE
    while not found.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise BenchmarkError(f"the controller did not come up: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.05)
    lines = [line.removeprefix("export ") for line in found.read_text().splitlines() if "=" in line]
    return {name: value.strip("\"'") for name, value in (line.split("=", 1) for line in lines)}


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
