"""A controller, two nodes and three people: what the tests of the web dashboard look at. All real processes.

One for the package (`house` in conftest), so a test leaves it as it found it: nothing drained, no job that
still runs. The GPUs are simulated, of each node its own. Everything ends with the tests, whatever they leave.

    with House.running(folder) as house:
        house.client("ann").submit(...); house.cut(); house.restore()
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

from tests.components.leash import Leash
from tests.components.missing import ComponentMissing
from tests.faults.stores.site import PYTHON, Site, patiently

from sentinel.client import Client

PATIENCE = 60.0
"""Seconds, on a busy machine. What is waited for takes a few."""
PROJECT = Path(__file__).parents[3]
ROLES = {"ann": "member", "vic": "viewer"}
CONFIG = """\
[server]
lease_seconds = 20
[inventory]
docker = false
podman = false
containerd = false
kubernetes = false
[alerting]
every = 0.5
"""


class House:
    """`url`, `passwords` by name (admin, ann: a member, vic: a viewer), `names` of its nodes."""

    def __init__(self, site: Site, leash: Leash) -> None:
        self.site, self._leash = site, leash
        self.url = site.url
        self.passwords: dict[str, str] = {}
        self.names: list[str] = []
        self._clients: dict[str, Client] = {}
        self._tokens: dict[str, str] = {}

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder: Path) -> Generator["House"]:
        """With lab1 (four GPUs) and lab2 (two), both up."""
        dashboard = built_dashboard()
        nodes = folder / "nodes"
        nodes.mkdir()
        with Site.made(folder) as site, Leash.held(nodes) as leash:
            site.config.write_text(CONFIG)
            site.env["SENTINEL_DASHBOARD"] = str(dashboard)
            house = cls(site, leash)
            site.start()
            house._let_people_in()
            for name, gpus in (("lab1", 4), ("lab2", 2)):
                house.add_node(name, gpus)
            yield house

    def _let_people_in(self) -> None:
        admin = self.client()
        me = str(admin.whoami()["user"])
        self.passwords["admin"] = secrets.token_urlsafe(12)
        if me == "admin":
            admin.set_user(me, password=self.passwords["admin"])
        else:
            admin.add_user("admin", "admin", password=self.passwords["admin"])
        for name, role in ROLES.items():
            self.passwords[name] = secrets.token_urlsafe(12)
            admin.add_user(name, role, password=self.passwords[name])

    # ------------------------------------------------------------------ asking

    def client(self, user: str = "admin") -> Client:
        """That user's, who waits while the controller is away."""
        if user not in self._clients:
            token = None if user == "admin" else self.token(user)
            self._clients[user] = self.site.client(token=token, patience=PATIENCE)
        return self._clients[user]

    def token(self, user: str) -> str:
        """One of theirs, for as long as the house stands."""
        if user not in self._tokens:
            self._tokens[user] = str(self.client().create_token("test", owner=user)["token"])
        return self._tokens[user]

    def environment_of(self, user: str) -> dict[str, str]:
        """In which `sentinel …` speaks as they (see `words_of_python`)."""
        given = {"SENTINEL_URL": self.url, "SENTINEL_CA": str(self.site.data / "pki/ca.pem")}
        return {**self.site.env, **given, "SENTINEL_TOKEN": self.token(user)}

    def until_job(self, id: str, state: str) -> None:
        patiently(lambda: self.client().job(id)["state"] == state, f"{id} is {state}", PATIENCE)

    def submit(self, script: str, user: str = "admin", **fields: Any) -> str:
        """A job that runs this in a shell, on one GPU if nothing else is said; its id."""
        asked: dict[str, Any] = {"gpus": 1, "cwd": str(self.site.folder), **fields}
        return str(self.client(user).submit(["sh", "-c", script], **asked)["id"])

    # ------------------------------------------------------------------ the link

    def cut(self) -> None:
        """The controller ends; nodes and jobs go on."""
        self.site.stop(signal.SIGTERM)

    def restore(self) -> None:
        """It runs again, at the same address."""
        self.site.start(wait=False)
        self.site.await_answer(PATIENCE)

    # ------------------------------------------------------------------ nodes

    def add_node(self, name: str, gpus: int, *, arbiter: str = "none", claims: Path | None = None) -> int:
        """An agent that has joined and is up; its pid. `claims`: see `claims_of`."""
        token = self.site.folder / f"{name}.token"
        token.write_text(str(self.client().create_token("test", kind="join")["token"]))
        words = ["--controller", self.url, "--join-token-file", str(token)]
        pid = self.run_agent(name, *words, gpus=gpus, arbiter=arbiter, claims=claims)
        self.is_up(name)
        return pid

    def run_agent(
        self, name: str, *words: str, gpus: int, arbiter: str = "none", claims: Path | None = None
    ) -> int:
        """An agent in the background; its pid. It has joined already, or `words` say what."""
        folder = self.folder_of(name)
        folder.mkdir(exist_ok=True)
        claims = claims or self.claims_of(name)
        claims.mkdir(exist_ok=True)
        argv = [*PYTHON, "sentinel.agent", "run", *words, "--name", name, "--node-dir", str(folder)]
        argv += ["--state-dir", str(folder / "inventory"), "--config", str(self.site.config)]
        argv += ["--gpus", f"simulated:{gpus}", "--arbiter", arbiter, "--listen", "none"]
        argv += ["--run-jobs-as", "root"] if os.geteuid() == 0 else []
        env = {**self.site.env, "SENTINEL_SIMULATED_DIR": str(claims)}
        self.names.append(name)
        return self._leash.start(*argv, log=self.log_of(name), env=env)

    def is_up(self, name: str) -> None:
        def up() -> bool:
            found = self.client().node(name)
            return found["state"] == "up" and bool(found["gpus"])

        patiently(up, f"node {name} is up: {self.log_of(name)}", PATIENCE)

    def remove_node(self, name: str, pid: int) -> None:
        """Its agent ends, and it is forgotten."""
        self.site.send(pid)
        self.names.remove(name)
        patiently(lambda: self.client().remove_node(name) is None, f"{name} is forgotten", PATIENCE)

    def folder_of(self, name: str) -> Path:
        return self.site.folder / name

    def log_of(self, name: str) -> Path:
        return self.site.folder / f"{name}.log"

    def claims_of(self, name: str) -> Path:
        """What holds memory of that node's simulated GPUs without asking says so there."""
        return self.site.folder / f"claims-{name}"

    def hold(self, name: str, gpu: int, memory: str = "4GiB") -> int:
        """A process that uses a GPU of that node and has asked nobody; its pid."""
        argv = [*PYTHON, "sentinel.drivers.gpus.simulated", "hold", "--gpu", str(gpu), "--memory", memory]
        env = {**self.site.env, "SENTINEL_SIMULATED_DIR": str(self.claims_of(name))}
        return self._leash.start(*argv, log=self.site.folder / "hold.log", env=env)


def built_dashboard() -> Path:
    """The folder that a controller serves: SENTINEL_DASHBOARD as it is, else the package's.

    That is built anew when its sources are younger. Raises ComponentMissing.
    """
    if given := os.environ.get("SENTINEL_DASHBOARD"):
        return Path(given)
    done = subprocess.run(
        ["sh", "requirements/dashboard.sh", "build"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode:
        raise ComponentMissing((done.stdout + done.stderr)[-3000:])
    return PROJECT / "src/sentinel/dashboard_files"


def words_of_python() -> list[str]:
    """How `sentinel …` is run without being installed."""
    return [sys.executable, "-m", "sentinel.cli.main"]
