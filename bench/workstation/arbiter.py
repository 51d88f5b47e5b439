"""An arbiter of our own to measure, and a client that speaks to its socket. Used by the benchmarks here."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentinel.core.codec import MAX_REPLY, LineReader, decode, encode

COMMANDS = Path(sys.executable).parent
PATIENCE = 30.0
NOTHING_TO_EVICT = 'gpus = "simulated:2"\nresume_delay = 0.0'


class BenchmarkError(Exception):
    """What was to be measured did not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arbiter:
    """A running arbiter. `env` leads the commands to it."""

    pid: int
    socket_path: str
    env: dict[str, str]


@contextlib.contextmanager
def arbiter(settings: str, env: dict[str, str] | None = None) -> Generator[Arbiter, None, None]:
    """One with `settings` as the lines of its [arbiter] table; it has ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as folder:
        path, log = f"{folder}/sentinel.sock", Path(folder, "log")
        config = Path(folder, "config.toml")
        config.write_text(f'[arbiter]\nstate_file = "{folder}/state.json"\n{settings}\n')
        whole = os.environ | (env or {}) | {"SENTINEL_SOCKET": path}
        argv = [str(COMMANDS / "sentinel-arbiter"), "--config", str(config), "--socket", path]
        with log.open("wb") as sink:
            process = subprocess.Popen(argv, env=whole, stdout=sink, stderr=sink, start_new_session=True)
        try:
            _wait_for(process, path, log)
            yield Arbiter(pid=process.pid, socket_path=path, env=whole)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def _wait_for(process: subprocess.Popen[bytes], path: str, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), Client(path) as client:
            status = client.ask({"v": 1, "cmd": "status"}).get("status", {})
            if status.get("gpus"):
                return
        time.sleep(0.05)
    raise BenchmarkError(
        f"no arbiter with GPUs on {path}; it said:\n{log.read_text(errors='replace')[-2000:]}"
    )


class Client:
    """A connection of protocol version 1."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(path)
        self._lines = LineReader(MAX_REPLY)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: dict[str, Any]) -> None:
        self._socket.sendall(encode(message))

    def pump(self) -> list[dict[str, Any]]:
        """Reads once, blocking; every whole message that came so far."""
        data = self._socket.recv(65536)
        if not data:
            raise BenchmarkError("the arbiter closed the connection")
        self._lines.feed(data)
        messages: list[dict[str, Any]] = []
        while (line := self._lines.next_line()) is not None:
            messages.append(decode(line))
        return messages

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """The one answer to a message that has one."""
        self.send(message)
        while not (messages := self.pump()):
            pass
        return messages[0]

    def acquire(self, message: dict[str, Any]) -> str:
        """The lease that is granted, past any word about waiting."""
        self.send(message)
        while True:
            for reply in self.pump():
                if lease := granted(reply):
                    return lease

    def release(self, lease: str) -> None:
        reply = self.ask({"v": 1, "cmd": "release", "lease": lease})
        if not reply.get("ok"):
            raise BenchmarkError(f"not released: {reply}")


def granted(reply: dict[str, Any]) -> str | None:
    """The lease in `reply`; None while it says to wait."""
    if reply.get("event") == "waiting":
        return None
    if reply.get("event") != "granted":
        raise BenchmarkError(f"not granted: {reply}")
    return str(reply["lease"])
