"""A controller and nodes as the real processes, each of which may be killed, or put on a disk of its own.

Everything is on a leash: whatever a test leaves running ends with it.

    with Site.made(tmp_path) as site:
        site.start(); node = site.add_node("gpu1"); job = site.submit("true"); site.ended(job)
"""

import contextlib
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.components.leash import Leash
from tests.e2e.workstation import alive, eventually

from sentinel.client import Client
from sentinel.client.env_file import read_env_file
from sentinel.core.errors import ApiError, SentinelError

PYTHON = [sys.executable, "-m"]
SECONDS = 30.0


class Node:
    """An agent, and the supervisor that it starts. `folder` is the node's own."""

    def __init__(self, site: "Site", name: str, folder: Path, gpus: int) -> None:
        self.site, self.name, self.folder, self._gpus = site, name, folder, gpus
        self.log = site.folder / f"{name}.log"
        self.agent = 0

    def start(self) -> None:
        """Its agent; joins first, if need be."""
        site = self.site
        token = site.folder / f"{self.name}.token"
        if not token.exists():
            token.write_text(site.client().create_token("test", kind="join")["token"])
        words = ["run", "--node-dir", str(self.folder), "--state-dir", str(self.folder / "inventory")]
        words += ["--controller", site.url, "--join-token-file", str(token), "--name", self.name]
        words += [
            "--config",
            str(site.config),
            "--gpus",
            f"simulated:{self._gpus}",
            "--arbiter",
            "none",
            "--listen",
            "none",
        ]
        words += ["--run-jobs-as", "root"] if os.geteuid() == 0 else []
        self.agent = site.run("sentinel.agent", *words, log=self.log)

    def is_up(self) -> bool:
        return bool(self.site.client().node(self.name)["state"] == "up")

    @property
    def supervisor(self) -> int:
        return int((self.folder / "supervisor.lock").read_text())

    def kill(self, *, supervisor: bool = False) -> None:
        """The agent, and the supervisor too."""
        for pid in (self.agent, self.supervisor) if supervisor else (self.agent,):
            self.site.send(pid, signal.SIGKILL)


class Site:
    """One controller and its nodes."""

    def __init__(self, folder: Path, leash: Leash, data: Path, database: str | None) -> None:
        self.folder, self.data, self._leash = folder, data, leash
        self.log = folder / "controller.log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"https://127.0.0.1:{self.port}"
        self.claims = folder / "claims"
        self.claims.mkdir()
        self.config = folder / "config.toml"
        self.config.write_text("")
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "SENTINEL_SIMULATED_DIR": str(self.claims),
            **({} if database is None else {"SENTINEL_DATABASE": database}),
        }
        self.parent = 0
        self.nodes: list[Node] = []
        self._clients: list[Client] = []

    @classmethod
    @contextlib.contextmanager
    def made(cls, folder: Path, *, data: Path | None = None, database: str | None = None) -> Iterator["Site"]:
        """Nothing runs yet. `data`: the controller's folder. At the end nothing of it runs any more."""
        own = folder / "site"
        own.mkdir()
        with Leash.held(own) as leash:
            site = cls(own, leash, data or own / "data", database)
            try:
                yield site
            except BaseException:
                for log in sorted(own.glob("*.log")):  # pytest shows it with the failure
                    print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}")
                raise
            finally:
                for client in site._clients:
                    client.close()

    # ------------------------------------------------------------------ processes

    def run(self, module: str, *words: str, log: Path) -> int:
        """One in the background; its pid."""
        return self._leash.start(*PYTHON, module, *words, log=log, env=self.env)

    def send(self, pid: int, number: int = signal.SIGTERM) -> None:
        """And waits for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        eventually(lambda: not alive(pid), f"the end of {pid}", SECONDS)

    def start(self, *, wait: bool = True) -> None:
        """The controller; until its API answers."""
        words = ("server", "--data-dir", str(self.data), "--listen", f"127.0.0.1:{self.port}")
        self.parent = self.run("sentinel.server", *words, *self._config(), log=self.log)
        if wait:
            self.await_answer()

    def await_answer(self, seconds: float = SECONDS) -> None:
        eventually(self.answers, "the controller's answer", seconds)

    def answers(self) -> bool:
        try:
            return bool(self.client().health()["status"] == "ok")
        except (SentinelError, OSError):
            return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        """The controller; jobs and nodes go on."""
        children = self.children()
        self.send(self.parent, number)
        for pid in children:
            eventually(lambda pid=pid: not alive(pid), "its children's end")

    def _config(self) -> tuple[str, str]:
        return "--config", str(self.config)

    def children(self) -> list[int]:
        with contextlib.suppress(OSError):
            return [
                int(pid)
                for pid in Path(f"/proc/{self.parent}/task/{self.parent}/children").read_text().split()
            ]
        return []

    def child(self, module: str) -> int:
        """The controller's process that runs that module."""
        (found,) = [
            pid for pid in self.children() if module in Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        ]
        return found

    def command(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """One of the controller's that end by themselves: backup, restore, down."""
        done = subprocess.run(
            [*PYTHON, "sentinel.server", *words, "--data-dir", str(self.data), *self._config()],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def add_node(self, name: str, *, folder: Path | None = None, gpus: int = 2) -> Node:
        """One that has joined and is up."""
        node = Node(self, name, folder or self.folder / name, gpus)
        node.start()
        self.nodes.append(node)
        eventually(lambda: _quietly(node.is_up), f"node {name}", SECONDS)
        return node

    # ------------------------------------------------------------------ asking

    def client(self, *, token: str | None = None, patience: float = 0.0, timeout: float = 30.0) -> Client:
        """A new one, by default the admin's and an impatient one."""
        known = read_env_file(self.data / "client.env")
        made = Client(
            self.url,
            token=known["SENTINEL_TOKEN"] if token is None else token,
            ca=known["SENTINEL_CA"],
            patience=patience,
            timeout=timeout,
        )
        self._clients.append(made)
        return made

    def submit(self, script: str, **fields: Any) -> str:
        """A job of one GPU that runs this in a shell, and first puts down in `ran` that it does."""
        ran = f'echo "$SENTINEL_JOB_ID $SENTINEL_ATTEMPT" >>{self.folder}/ran; '
        return str(
            self.client().submit(["sh", "-c", ran + script], cwd=str(self.folder), **{"gpus": 1, **fields})[
                "id"
            ]
        )

    def job(self, id: str) -> dict[str, Any]:
        return self.client().job(id)

    def await_state(self, state: str, *ids: str, seconds: float = SECONDS) -> None:
        """Fails at once when one has ended otherwise."""
        seen: dict[str, str] = {}

        def reached() -> bool:
            with contextlib.suppress(SentinelError):
                seen.update({id: self.job(id)["state"] for id in ids})
            return len(seen) == len(ids) and all(now == state for now in seen.values())

        try:
            eventually(reached, f"{state} of {len(ids)}", seconds)
        except AssertionError as error:
            raise AssertionError(
                f"{error}; {[self.job(id) for id in ids if seen.get(id) != state]}"
            ) from None

    def codes(self, ids: Sequence[str], seconds: float = SECONDS) -> list[int | None]:
        """Exit codes, once all have ended."""
        return [job["exit_code"] for job in self.client(patience=seconds).wait(*ids, timeout=seconds)]

    def ran(self) -> list[str]:
        """Which job began, with its attempt: in that order."""
        file = self.folder / "ran"
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def gate(self) -> "Gate":
        """What a job may wait for."""
        return Gate(self.folder / f"gate-{secrets.token_hex(4)}")

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.data / "pki/ca.pem"))


class Gate:
    """A job's script waits at `wait` until the test opens it; jobs that wait are many or none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wait = f"while [ ! -e {path} ]; do sleep 0.05; done"

    def open(self) -> None:
        self.path.touch()


def refused(ask: Callable[[], object]) -> ApiError:
    """How it was."""
    try:
        found = ask()
    except ApiError as error:
        return error
    raise AssertionError(f"it was not refused: {found}")


def fill(folder: Path) -> Path:
    """Not a byte is free there afterwards. What to remove to have room again."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as out:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    out.write(b"x" * size)
    return ballast


@contextlib.contextmanager
def small_disk(mount: Path, size: str) -> Iterator[Path]:
    """A file system of that size. Takes root."""
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", mount], check=True)
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", mount], check=False)


def _quietly(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except SentinelError:
        return False


def patiently(check: Callable[[], object], what: str = "", seconds: float = SECONDS) -> Any:
    """As `eventually`; a refusal is no answer yet."""

    def look() -> object:
        try:
            return check()
        except SentinelError:
            return None

    return eventually(look, what, seconds)


def elapsed(since: float) -> float:
    return time.monotonic() - since
