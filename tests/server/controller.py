"""A real controller for tests: its processes in a folder of the test's, and nodes that join it by hand.

with Controller(tmp_path) as controller:
    node = Node(controller); node.beat(held=[])
    controller.ask("GET", "/api/v1/nodes").json()
"""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sentinel.client.connection import Answer, Connection
from sentinel.client.env_file import read_env_file
from sentinel.client.tls import client_context
from sentinel.core.errors import ApiError, SentinelError
from sentinel.drivers.certificates.request import new_key, signing_request

SECONDS = 30.0
GPUS = [
    {"uuid": f"GPU-{i}", "index": i, "model": "Sim", "memory_total_bytes": 1 << 34, "blocked": None}
    for i in range(2)
]


def eventually(what: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """What `what` returns once it is true. AssertionError when it never is."""
    until = time.monotonic() + seconds
    while True:
        try:
            if found := what():
                return found
        except (SentinelError, OSError, AssertionError):
            pass
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sentinel.server", *words]


def run(*words: str, home: Path, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
    """One that ends by itself."""
    return subprocess.run(
        command(*words),
        env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": ""},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


class Controller:
    """`sentinel-server server` in `folder`/data; `words` instead of that, if given."""

    def __init__(self, folder: Path, *words: str, listen: str = "127.0.0.1:0") -> None:
        self.home, self.data = folder, folder / "data"
        self._words = words or ("server",)
        self._listen = listen
        self.process: subprocess.Popen[str] | None = None
        self.log = folder / "controller.log"

    def __enter__(self) -> Self:
        return self.start()

    def start(self, *, fresh: bool = True) -> Self:
        """Until its API answers. `fresh`: without an earlier client.env."""
        env = self.data / "client.env"
        if fresh:
            env.unlink(missing_ok=True)
        before = env.read_text() if env.exists() else None
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command(*self._words, "--data-dir", str(self.data), "--listen", self._listen),
                env={**os.environ, "HOME": str(self.home), "XDG_CONFIG_HOME": ""},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        process = self.process
        eventually(lambda: env.read_text() != before or process.poll() is not None)
        assert process.poll() is None, self.log.read_text()
        self.environment = read_env_file(self.data / "client.env")
        self.url = self.environment["SENTINEL_URL"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.stop()

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Ends it; how long that took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(SECONDS)
        return time.monotonic() - began

    def child(self, module: str) -> int:
        """The pid of the child that runs that module."""
        assert self.process is not None
        pid = self.process.pid

        def find() -> int | None:
            for child in children_of(pid):
                if module in Path(f"/proc/{child}/cmdline").read_bytes().decode():
                    return child
            return None

        return eventually(find)

    def connection(self, **more: Any) -> Connection:
        context = client_context(ca_file=self.environment["SENTINEL_CA"])
        headers = {"Authorization": f"Bearer {self.environment['SENTINEL_TOKEN']}"}
        return Connection(self.url, context=context, headers=headers, timeout=SECONDS, **more)

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        connection = self.connection()
        try:
            return connection.ask(method, path, **more)
        finally:
            connection.close()

    def submit(self, **fields: Any) -> str:
        body = {"command": ["true"], "cwd": "/", "environment": {"SECRET": "s3cret"}, **fields}
        return str(self.ask("POST", "/api/v1/jobs", json=body).json()["id"])

    def job(self, id: str) -> dict[str, Any]:
        return self.ask("GET", f"/api/v1/jobs/{id}").json()

    def join_token(self) -> str:
        return str(self.ask("POST", "/api/v1/tokens", json={"label": "t", "kind": "join"}).json()["token"])


class Node:
    """A scripted agent."""

    def __init__(self, controller: Controller, name: str = "gpu1", token: str | None = None) -> None:
        self.controller, self.name = controller, name
        self.key = new_key()
        anonymous = Connection(
            controller.url, context=client_context(ca_file=controller.environment["SENTINEL_CA"])
        )
        body = {
            "token": token or controller.join_token(),
            "csr": signing_request(self.key, name).decode(),
            "name": name,
            "boot_id": "boot",
            "agent_version": "1",
        }
        try:
            answer = anonymous.ask("POST", "/api/v1/agent/join", json=body).json()
        finally:
            anonymous.close()
        self.id, self.certificate = str(answer["node"]), str(answer["certificate"]).encode()
        assert answer["ca"] == (controller.data / "pki/ca.pem").read_text()

    def context(self) -> ssl.SSLContext:
        folder = self.controller.home / self.id
        folder.mkdir(exist_ok=True)
        (folder / "node.pem").write_bytes(self.certificate)
        (folder / "node.key").write_bytes(self.key)
        return client_context(
            ca_file=self.controller.environment["SENTINEL_CA"],
            certificate=folder / "node.pem",
            key=folder / "node.key",
        )

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        with self.connected() as connection:
            return connection.ask(method, f"/api/v1/agent{path}", **more)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        connection = Connection(self.controller.url, context=self.context(), timeout=SECONDS)
        try:
            yield connection
        finally:
            connection.close()

    def beat(self, **changes: Any) -> dict[str, Any]:
        body = {"boot_id": "boot", "agent_version": "1", "gpus": GPUS, "held": [], "seen": 0, **changes}
        return self.ask("POST", "/beat", json=body).json()

    def desired(self, seen: int = 0, wait: float = 0) -> dict[str, Any]:
        return self.ask("GET", f"/desired?seen={seen}&wait={wait:g}").json()

    def report(self, *reports: dict[str, Any]) -> list[str]:
        return self.ask("POST", "/reports", json={"reports": list(reports)}).json()["results"]

    def given(self, job: str) -> dict[str, Any]:
        """The job as the node is told to run it, once it is."""

        def look() -> dict[str, Any] | None:
            return next((one for one in self.desired()["jobs"] if one["job"] == job), None)

        return eventually(look)


def refused(ask: Callable[[], Any]) -> ApiError:
    """The refusal."""
    try:
        found = ask()
    except ApiError as error:
        return error
    raise AssertionError(f"it was not refused: {found}")
