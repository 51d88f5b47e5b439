"""A workstation in a temporary folder: an arbiter of our own and what runs around it.

demo.workstation tells the story on it. Everything started here is ended when the stage is left, however
that happens, and every wait has an end.
"""

import contextlib
import json
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

COMMANDS = Path(sys.executable).parent
PATIENCE = 30.0  # seconds; every wait of the demo ends after this at the latest

CONFIG = """\
[arbiter]
gpus = "simulated:2"
resume_delay = 1.0
poll_interval = 1.0
state_file = {state_file}

[[service]]
name = "chat"
driver = "process"
command = [{python}, "-m", "http.server", "{port}", "--bind", "127.0.0.1", "--directory", {pages}]
{user}gpus = [0, 1]
evict = ["stop"]
simulated_memory = "20GiB"
"""

Found = TypeVar("Found")


class Trouble(Exception):
    """The demo did not go as it should; the message says what was expected."""


def wait_until(look: Callable[[], Found | None], what: str, seconds: float = PATIENCE) -> Found:
    """What `look` returns once that is true. Trouble when it is not within `seconds`."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise Trouble(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)
    return found


class Child:
    """A process of the demo, in a session of its own so that Ctrl-C reaches the demo alone."""

    def __init__(
        self, argv: Sequence[str], *, folder: Path, env: dict[str, str], log: Path | None = None
    ) -> None:
        with contextlib.ExitStack() as opened:
            sink = opened.enter_context(log.open("wb")) if log else subprocess.PIPE
            self.process = subprocess.Popen(
                argv,
                cwd=folder,
                env=os.environ | env,
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT if log else None,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def read_line(self, seconds: float = PATIENCE) -> str:
        """The next line that it prints."""
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline().decode().strip() if ready else ""
        if not line:
            raise Trouble(f"{Path(str(self.process.args)).name} printed nothing within {seconds:g} s")
        return line

    def say(self, line: str) -> None:
        """Hands it a line on its standard input."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def exit_code(self, seconds: float = PATIENCE) -> int:
        """Waits for its end."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Trouble(f"process {self.pid} did not end within {seconds:g} s") from None

    def end(self, seconds: float = 10.0) -> None:
        """Politely first. Harmless when it is gone."""
        for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
            if self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(patience)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()


class Stage:
    """The running workstation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "arbiter.log"
        self.gpu_folder = folder / "gpus"
        self.env = {
            "PATH": f"{COMMANDS}:{os.environ.get('PATH', os.defpath)}",
            "SENTINEL_SOCKET": str(folder / "sentinel.sock"),
            "SENTINEL_SIMULATED_DIR": str(self.gpu_folder),
        }
        self._children: list[Child] = []

    def start_arbiter(self) -> None:
        pages = self.folder / "pages"
        pages.mkdir()
        (pages / "index.html").write_text("Hello, I am the inference server.\n")
        self.gpu_folder.mkdir()
        config = self.folder / "config.toml"
        config.write_text(
            CONFIG.format(
                state_file=_quoted(self.folder / "state.json"),
                python=_quoted(sys.executable),
                port=self.port,
                pages=_quoted(pages),
                user=_user_line(),
            )
        )
        socket_path = self.env["SENTINEL_SOCKET"]
        argv = ["sentinel-arbiter", "--config", str(config), "--socket", socket_path]
        arbiter = self.start(argv, log=self.log)

        def up() -> bool:
            if arbiter.process.poll() is not None:
                raise Trouble(f"the arbiter ended with exit code {arbiter.process.returncode}")
            return Path(socket_path).exists()

        wait_until(up, "the arbiter's socket")

    def start(self, argv: Sequence[str], log: Path | None = None) -> Child:
        child = Child(argv, folder=self.folder, env=self.env, log=log)
        self._children.append(child)
        return child

    def answers(self) -> bool:
        """Whether the inference server answers a request."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2) as reply:
                return reply.status == 200
        except OSError:
            return False

    def status(self) -> dict[str, Any]:
        """What `sentinel-status --json` prints."""
        argv = ["sentinel-status", "--json"]
        try:
            done = subprocess.run(
                argv, env=os.environ | self.env, capture_output=True, text=True, timeout=PATIENCE, check=True
            )
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            raise Trouble(f"sentinel-status: {error} {error.stderr or ''}") from None
        return json.loads(done.stdout)

    def log_tail(self, lines: int = 15) -> list[str]:
        if not self.log.exists():
            return []
        return self.log.read_text(errors="replace").splitlines()[-lines:]

    def close(self) -> None:
        """Ends everything, the arbiter last started first to go; its own children too if it left any."""
        family = [pid for child in self._children for pid in _descendants(child.pid)]
        for child in reversed(self._children):
            child.end()
        for pid, started in family:
            if _started(pid) == started:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def workstation() -> Generator[Stage, None, None]:
    """A stage, empty at first; whatever was started on it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="sentinel-demo-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder))
        try:
            yield stage
        finally:
            stage.close()


def _quoted(text: object) -> str:
    """`text` as a TOML basic string."""
    return json.dumps(str(text))


def _user_line() -> str:
    """The config line that says who the service runs as; none where this uid has no name."""
    with contextlib.suppress(KeyError):
        return f"user = {_quoted(pwd.getpwuid(os.geteuid()).pw_name)}\n"
    return ""


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started(pid: int) -> str | None:
    """When `pid` started, as the kernel counts it; None when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def _descendants(pid: int) -> list[tuple[int, str]]:
    """Every living process below `pid`, with its start."""
    below: list[tuple[int, str]] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                if started := _started(child):
                    below += [(child, started), *_descendants(child)]
    return below
