"""A supervisor with real processes, and an agent that speaks to it. Used by tests/supervisor and
tests/faults.

Everything lives in one folder of its own; `close` ends the supervisor and whatever carries the mark of its
jobs.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.workstation import eventually

from sentinel.core.clock import boottime
from sentinel.core.job import JobSpec
from sentinel.core.job_json import spec_json

SOURCE = Path(__file__).parents[2] / "src"
START = (
    f"import sys; sys.path.insert(0, {str(SOURCE)!r});"
    " from sentinel.supervisor.__main__ import main; sys.exit(main())"
)
PYTHON = [sys.executable, "-I", "-S", "-c", START]


class Agent:
    """One connection to the supervisor."""

    def __init__(self, path: Path, *, hello: bool = True) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        try:
            self.sock.connect(str(path))
        except OSError:
            self.sock.close()
            raise
        self._in = b""
        self.events: list[dict[str, Any]] = []
        self.records: dict[str, dict[str, Any]] = {}
        if hello:
            self._say_hello()

    def _say_hello(self) -> None:
        try:
            self.say(cmd="hello", v=1)
            self.hello = self.receive()
            self.records = {job["token"]: job for job in self.hello["jobs"]}
        except BaseException:
            self.sock.close()
            raise

    def say(self, **message: Any) -> None:
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, seconds: float = 10.0) -> dict[str, Any]:
        """The next message; {} when the supervisor hung up."""
        self.sock.settimeout(seconds)
        while b"\n" not in self._in:
            data = self.sock.recv(1 << 20)
            if not data:
                return {}
            self._in += data
        text, _, self._in = self._in.partition(b"\n")
        return json.loads(text)

    def until(self, token: str, *kinds: str, seconds: float = 10.0) -> dict[str, Any]:
        """The first event of one of these kinds about that attempt, now or before."""
        end = time.monotonic() + seconds
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event.get("token") == token and event["event"] in kinds:
                    return event
            seen = len(self.events)
            left = end - time.monotonic()
            assert left > 0, f"no {kinds} of {token}; heard {self.events[-8:]}"
            try:
                event = self.receive(left)
            except TimeoutError:
                continue
            assert event, f"it hung up; heard {self.events[-8:]}"
            self.events.append(event)

    def ended(self, token: str, seconds: float = 10.0) -> dict[str, Any]:
        return self.until(token, "exited", "refused", seconds=seconds)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> "Agent":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Supervised:
    """`start` runs a supervisor with these options."""

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sentinel-sup-"))
        self.folder.chmod(0o755)
        self.dir = self.folder / "node"
        self.options = options or ("--run-as", "root") if os.geteuid() == 0 else options
        self.process: subprocess.Popen[bytes] | None = None
        self.agents: list[Agent] = []
        self._count = 0
        self.tokens: list[str] = []

    @property
    def socket(self) -> Path:
        return self.dir / "supervisor.sock"

    def command(self, *more: str) -> list[str]:
        return [*PYTHON, "--dir", str(self.dir), "--node", "gpu1", "--scopes", "never", *self.options, *more]

    def start(self, **popen: Any) -> Agent:
        """Runs it in the foreground and connects once it answers."""
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(self.command("--foreground"), stdout=out, stderr=out, **popen)
        return self.connect()

    def connect(self, *, hello: bool = True) -> Agent:
        def try_it() -> Agent | None:
            assert self.process is None or self.process.poll() is None, self.output()
            with contextlib.suppress(OSError, KeyError):
                return Agent(self.socket, hello=hello)
            return None

        agent = eventually(try_it, "the supervisor answers", 15)
        assert agent is not None
        self.agents.append(agent)
        return agent

    def output(self) -> str:
        return (self.folder / "out").read_text()

    def kill(self) -> None:
        """kill -9."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def restart(self) -> Agent:
        self.kill()
        return self.start()

    def launch(self, agent: Agent, *command: str, **fields: Any) -> str:
        """Launches one; its token."""
        message = self.message(*command, **fields)
        agent.say(**message)
        return message["token"]

    def message(self, *command: str, token: str | None = None, **fields: Any) -> dict[str, Any]:
        """The launch of a new attempt. `fields` of the spec, or of the message itself."""
        self._count += 1
        token = token or f"tok-{os.urandom(6).hex()}"
        self.tokens.append(token)
        spec = {k: fields.pop(k) for k in list(fields) if k in JobSpec.__dataclass_fields__ and k != "gpus"}
        spec = spec_json(JobSpec(**{"command": command, "cwd": str(self.folder), "grace": 1.0, **spec}))
        return {
            "cmd": "launch",
            "job": f"job{self._count}",
            "attempt": 1,
            "token": token,
            "owner": "alice",
            "gpus": ["GPU-1"],
            "spec": spec,
            "environment": {"PATH": os.environ["PATH"]},
            "begin_by": boottime() + 60,
            "fence_at": None,
            **fields,
        }

    def log(self, number: int | None = None) -> str:
        """What the job of that number wrote; by default the last one's."""
        path = self.dir / "logs" / f"job{number or self._count}.1.log"
        return path.read_bytes().decode(errors="replace") if path.exists() else ""

    def processes(self, *tokens: str) -> list[int]:
        """Living processes that carry the mark of one of its jobs."""
        marks = {f"SENTINEL_JOB={token}".encode() for token in tokens or self.tokens}
        found: list[int] = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    words = set((entry / "environ").read_bytes().split(b"\0"))
                    if (
                        marks & words
                        and (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
                    ):
                        found.append(int(entry.name))
        return found

    def close(self) -> None:
        for agent in self.agents:
            agent.close()
        if self.process and self.process.poll() not in (None, 0, -signal.SIGKILL):
            print(self.output())  # pytest shows it beside what failed
        if self.process:
            self.process.kill()
            self.process.wait()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


Wait = Callable[..., Any]
