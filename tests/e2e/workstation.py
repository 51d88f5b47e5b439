"""A workstation with simulated GPUs and real processes: the arbiter, an inference server, clients.

Used by tests/arbiter, tests/faults and tests/e2e through their `arbiter` fixture. Everything lives in
one folder of its own, by which `close` also finds whatever a test left running.
"""

import contextlib
import getpass
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

INFERENCE = Path(__file__).with_name("inference.py")
PROGRAMS = {
    name: [sys.executable, "-m", f"sentinel.arbiter.{module}"]
    for name, module in {
        "sentinel-request": "request",
        "sentinel-status": "status",
        "sentinel-admin": "admin",
    }.items()
}
HOLD = [sys.executable, "-m", "sentinel.drivers.gpus.simulated", "hold"]
GIB = 2**30


def eventually(check: Callable[[], T], what: str = "", seconds: float = 6.0) -> T:
    """The first truthy answer. Fails, saying `what`, when none comes in time."""
    end = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what or check}"
        time.sleep(0.01)
    return found


def always(check: Callable[[], object], seconds: float, what: str = "") -> None:
    """Fails as soon as the answer is not truthy."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert check(), f"did not stay true: {what or check}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Client:
    """A raw connection to the arbiter's socket."""

    def __init__(self, path: Path, timeout: float = 6.0) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        try:
            self.sock.connect(str(path))
        except OSError:
            self.sock.close()
            raise
        self._lines = self.sock.makefile("rb")

    def send(self, message: dict[str, Any] | bytes, *, end: bytes = b"\n") -> None:
        data = message if isinstance(message, bytes) else json.dumps(message).encode() + end
        self.sock.sendall(data)

    def receive(self) -> dict[str, Any]:
        """The next message; {} when the arbiter hung up."""
        return json.loads(self._lines.readline() or b"{}")

    def ask(self, message: dict[str, Any] | bytes, *, end: bytes = b"\n") -> dict[str, Any]:
        self.send(message, end=end)
        return self.receive()

    def last_word(self) -> dict[str, Any]:
        """What an acquire leads to, after the "waiting" messages."""
        while (answer := self.receive()).get("event") == "waiting":
            pass
        return answer

    def close(self) -> None:
        self._lines.close()
        self.sock.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Workstation:
    """`start` runs the arbiter on the config that `configure` wrote last (or the default one)."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sentinel-test-"))
        self.folder.chmod(0o755)
        self.socket = self.folder / "s.sock"
        self.config = self.folder / "config.toml"
        self.state_file = self.folder / "state.json"
        self.claims = self.folder / "claims"
        self.claims.mkdir()
        self.log = self.folder / "arbiter.log"
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("SENTINEL_", "CUDA_"))},
            "SENTINEL_SOCKET": str(self.socket),
            "SENTINEL_SIMULATED_DIR": str(self.claims),
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        }
        self.arbiter: subprocess.Popen[bytes] | None = None
        self._clients: list[subprocess.Popen[str]] = []
        self.configure()

    # ------------------------------------------------------------------ config

    def configure(self, *services: str, arbiter: str = "", rest: str = "", gpus: str = "simulated:2") -> None:
        """Writes the config. `services`: whole [[service]] tables; by default one, "chat", on both GPUs.

        `arbiter`: further lines of [arbiter], which replace the default of the same key.
        """
        lines = {
            "gpus": f'gpus = "{gpus}"',
            "state_file": f'state_file = "{self.state_file}"',
            "resume_delay": "resume_delay = 0.15",
            "grant_timeout": "grant_timeout = 5",
            "poll_interval": "poll_interval = 0.1",
            "evict_grace": "evict_grace = 0.3",
        }
        for line in arbiter.splitlines():
            lines[line.partition("=")[0].strip()] = line
        body = "\n".join(lines.values())
        tables = services or (self.service("chat"),)
        self.config.write_text(f"[arbiter]\n{body}\n{rest}\n" + "\n".join(tables))

    def service(self, name: str, *habits: str, gpus: str = "[0, 1]", more: str = "") -> str:
        """A [[service]] that runs the tiny inference server."""
        command = json.dumps(
            [sys.executable, "-I", "-S", str(INFERENCE), str(self.folder / f"{name}.sock"), *habits]
        )
        return (
            f'[[service]]\nname = "{name}"\ndriver = "process"\ncommand = {command}\n'
            f'user = "{getpass.getuser()}"\nlog = "{self.folder}/{name}.log"\ngpus = {gpus}\n'
            f'simulated_memory = "20GiB"\nsettle = 0.2\nstop_timeout = 0.3\n'
            f'env = {{ WORKSTATION = "{self.folder}" }}\n{more}\n'
        )

    # ------------------------------------------------------------------ the arbiter

    def start(self, *, wait: bool = True, env: dict[str, str] | None = None, **popen: Any) -> None:
        """Runs the arbiter and waits until it answers."""
        assert self.arbiter is None or self.arbiter.poll() is not None, "it runs already"
        with self.log.open("ab") as log:
            self.arbiter = subprocess.Popen(
                [*self.arbiter_command()], env={**self.env, **(env or {})}, stderr=log, stdout=log, **popen
            )
        if wait:
            eventually(self._answers_or_died, "the arbiter answers")

    def arbiter_command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "sentinel.arbiter"),
            *("--config", str(self.config), "--socket", str(self.socket)),
        ]

    def _answers_or_died(self) -> bool:
        assert self.arbiter
        assert self.arbiter.poll() is None, f"the arbiter ended: {self.journal()}"
        with contextlib.suppress(OSError):
            return bool(self.status())
        return False

    def ready(self) -> "Workstation":
        """Waits until every service runs."""
        eventually(lambda: all(s["state"] == "running" for s in self.status()["services"]), "services run")
        return self

    def kill(self) -> None:
        """kill -9 of the arbiter."""
        assert self.arbiter
        self.arbiter.kill()
        self.arbiter.wait()

    def stop(self, patience: float = 8.0) -> int:
        """Ends the arbiter politely; its exit code."""
        assert self.arbiter
        self.arbiter.terminate()
        return self.arbiter.wait(patience)

    def journal(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    # ------------------------------------------------------------------ clients

    def connect(self, timeout: float = 6.0) -> Client:
        return Client(self.socket, timeout)

    def status(self) -> dict[str, Any]:
        with self.connect() as client:
            return client.ask({"v": 1, "cmd": "status"})["status"]

    def admin(self, cmd: str, **fields: Any) -> dict[str, Any]:
        with self.connect() as client:
            return client.ask({"v": 1, "cmd": cmd, **fields})

    def acquire(self, client: Client, **fields: Any) -> dict[str, Any]:
        """The last word on a lease that this very process asks for."""
        client.send({"v": 1, "cmd": "acquire", "binding": "connection", **fields})
        return client.last_word()

    def popen(self, program: str, *args: str, env: dict[str, str] | None = None, **popen: Any) -> Any:
        """Starts one of our commands, or any other program, with this workstation's environment."""
        argv = [*PROGRAMS.get(program, [program]), *args]
        options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(argv, env={**self.env, **(env or {})}, **{**options, **popen})
        self._clients.append(process)
        return process

    def request(self, *args: str, **popen: Any) -> Any:
        return self.popen("sentinel-request", *args, **popen)

    def python(self, code: str, *args: str, **popen: Any) -> Any:
        return self.popen(sys.executable, "-c", code, *args, **popen)

    def run(self, program: str, *args: str, seconds: float = 8.0, **popen: Any) -> "Done":
        process = self.popen(program, *args, **popen)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{program} {args} does not end; so far: {out!r} {err!r}") from None
        return Done(process.returncode, out, err)

    def hold(self, *args: str, gpu: int = 0, memory: str = "4GiB") -> Any:
        """A process that uses a GPU without asking anyone; returns once it does."""
        process = self.popen(*HOLD, "--gpu", str(gpu), "--memory", memory, *args)
        assert "holds" in process.stdout.readline()
        return process

    def granted(self, *args: str, command: tuple[str, ...] = ("sleep", "60"), **popen: Any) -> Any:
        """A sentinel-request whose command runs; returns once it has its lease."""
        process = self.request(*args, "--", *command, **popen)
        eventually(lambda: process.pid in [le["pid"] for le in self.status()["leases"]], "its lease")
        return process

    # ------------------------------------------------------------------ looking

    def service_now(self, name: str = "chat") -> dict[str, Any]:
        return next(s for s in self.status()["services"] if s["name"] == name)

    def is_now(self, *states: str, name: str = "chat") -> bool:
        return self.service_now(name)["state"] in states

    def answers(self, name: str = "chat") -> bool:
        """Whether the inference server answers."""
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.settimeout(2)
            client.connect(str(self.folder / f"{name}.sock"))
            return client.recv(2) == b"42"
        return False

    def starts(self, name: str = "chat") -> list[int]:
        """The pids that the inference server has had, in order."""
        path = self.folder / f"{name}.sock.starts"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def check_invariants(self) -> None:
        """No lease without a living process; no service off its GPUs without a reason.

        What has only just ended may be seen a moment longer.
        """
        end = time.monotonic() + 0.5
        while found := self._violations():
            assert time.monotonic() < end, found
            time.sleep(0.02)

    def _violations(self) -> list[str]:
        status = self.status()
        found: list[str] = []
        for lease in status["leases"]:
            pids = [lease["pid"], *(s["pid"] for s in lease["survivors"])]
            if not any(alive(pid) for pid in pids):
                found.append(f"lease without a living process: {lease}")
        for service in status["services"]:
            if service["state"] != "running" and not service["why"]:
                found.append(f"no reason stated: {service}")
        return found

    def heals(self, seconds: float = 8.0) -> None:
        """In the end no lease is left and every service runs again."""

        def healthy() -> bool:
            self.check_invariants()
            now = self.status()
            quiet = not now["leases"] and not now["queue"] and now["state"] == "IDLE"
            return quiet and all(s["state"] == "running" for s in now["services"])

        eventually(healthy, f"inference is back: {self.journal()[-1500:]}", seconds)

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        if self.arbiter:
            self.arbiter.kill()
            self.arbiter.wait()
        for process in self._clients:
            process.kill()
        for pid in self._left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._clients:
            process.communicate()  # what still holds its pipes is gone by now
        shutil.rmtree(self.folder, ignore_errors=True)

    def _left(self) -> Iterator[int]:
        """Processes that carry this workstation's folder in their environment."""
        mark = str(self.folder).encode()
        for entry in Path("/proc").iterdir():
            if re.fullmatch(r"\d+", entry.name) and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if mark in (entry / "environ").read_bytes():
                        yield int(entry.name)


class Done:
    """How a program ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit {self.code}, stdout {self.out!r}, stderr {self.err!r}"
