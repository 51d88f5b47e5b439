"""A real PostgreSQL on loopback, for the tests marked `real`.

It runs from a folder of its own, on a free port, as the user `postgres` (it refuses root). If it is missing,
Debian's apt installs it: that takes root. What cannot be had raises: nothing is skipped. Text is sorted as
English is by default there, so that whoever relies on the order of code points is found out.

    with PostgreSQL.running() as server:
        url = server.make_database()
        server.stop()
        server.start()
"""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.components.debian import install_packages
from tests.components.leash import PATH, Leash
from tests.components.missing import ComponentMissing

START_SECONDS = 30.0
BIN = Path("/usr/lib/postgresql/15/bin")
PACKAGES = ["postgresql-15"]


class PostgreSQL:
    """A running one, or one that was stopped and may be started again."""

    def __init__(self, folder: Path, port: int, leash: Leash) -> None:
        self.folder, self.port = folder, port
        self._leash = leash
        self._pid = 0
        self._names = count(1)

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator["PostgreSQL"]:
        """Starts one, and ends it. Raises ComponentMissing."""
        require_postgresql()
        folder = Path(tempfile.mkdtemp(prefix="sentinel-postgresql-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with Leash.held(folder) as leash:
            server = cls(folder, port, leash)
            server._init()
            server.start()
            yield server

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://sentinel@127.0.0.1:{self.port}/{database}"

    def make_database(self, template: str = "template0") -> str:
        """The URL of a new one."""
        name = f"queue{next(self._names)}"
        self.psql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def psql(self, sql: str, database: str = "postgres") -> str:
        """What it prints, without a table around it."""
        argv = [str(BIN / "psql"), "-XAtqd", self.url(database), "-v", "ON_ERROR_STOP=1", "-c", sql]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self) -> None:
        self._pid = self._leash.start(
            *_as_postgres(),
            str(BIN / "postgres"),
            *("-D", f"{self.folder}/data", "-p", str(self.port), "-h", "127.0.0.1", "-k", ""),
            *("-c", "recovery_init_sync_method=syncfs"),  # after a crash; else it opens every file
            log=self.folder / "log",
        )
        deadline = time.monotonic() + START_SECONDS
        ready = [str(BIN / "pg_isready"), "-qh", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, timeout=10).returncode:
            if not self._leash.runs(self._pid) or time.monotonic() > deadline:
                raise ComponentMissing(f"PostgreSQL does not start:\n{self.log()}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT breaks connections off; SIGQUIT is a crash, from which the next start recovers."""
        os.kill(self._pid, how)
        deadline = time.monotonic() + START_SECONDS
        while self._leash.runs(self._pid):
            assert time.monotonic() < deadline, f"PostgreSQL does not end:\n{self.log()}"
            time.sleep(0.02)

    def log(self) -> str:
        """The end of it."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def _init(self) -> None:
        if os.geteuid() == 0:
            subprocess.run(["chown", "postgres:", str(self.folder)], check=True)
        argv = [*_as_postgres(), str(BIN / "initdb"), "-D", f"{self.folder}/data", "-U", "sentinel"]
        text = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
        done = subprocess.run(
            [*argv, *text, "--auth=trust", "--no-sync"],
            capture_output=True,
            text=True,
            timeout=60,
            cwd="/",
            env={"PATH": PATH, "LANG": "C.UTF-8"},
        )
        if done.returncode:
            raise ComponentMissing(f"initdb failed:\n{(done.stdout + done.stderr)[-2000:]}")


def _as_postgres() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


def require_postgresql() -> None:
    """Its programs, installed if need be."""
    if not (BIN / "postgres").exists() or not (BIN / "psql").exists():
        install_packages(PACKAGES, "PostgreSQL")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], PostgreSQL]]:
    """Gives the one that all share, started by the first who asks: tests on other databases start nothing."""
    with contextlib.ExitStack() as stack:
        started: list[PostgreSQL] = []

        def server() -> PostgreSQL:
            if not started:
                started.append(stack.enter_context(PostgreSQL.running()))
            return started[0]

        yield server
