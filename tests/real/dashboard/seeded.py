"""A controller with six simulated nodes that have a past, and one of each that an admin would have written.

For pictures, and for what holds on every page (`seeded` and `onlooker` in conftest). Nothing real runs on its
nodes: `sentinel dev seed --live` says what would. Jobs begin and end meanwhile, so an address is asked for
when it is opened.
"""

import contextlib
import re
import subprocess
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.drivers.notifiers.receiver import Receiver
from tests.faults.stores.site import PYTHON, Site, patiently
from tests.real.dashboard.house import PATIENCE, built_dashboard

from sentinel.client import Client
from sentinel.client.env_file import read_env_file

NODES, GPUS = 6, 8
SEED = ("--nodes", str(NODES), "--gpus", str(GPUS), "--jobs", "800", "--alerts")
SEED_SECONDS = 300
CONFIG = """\
[inventory]
docker = false
podman = false
containerd = false
kubernetes = false
[alerting]
every = 1.0
"""
RULE = {
    "metric": "gpu_temperature_celsius",
    "op": ">",
    "threshold": 20.0,
    "for": 0.0,
    "severity": "info",
    "scope": {"gpu": ["0"]},
    "annotations": {"summary": "GPU {gpu} of {node} is at {value} °C", "next_step": "Look at its fans."},
}
_UNKNOWN = re.compile(r":(\w+)")


class Seeded:
    """`url`, and the admin's `token`."""

    def __init__(self, site: Site) -> None:
        self.site, self.url = site, site.url
        self.token = ""
        self.client: Client = None  # type: ignore[assignment]  # until the controller has made its tokens

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder: Path) -> Generator["Seeded"]:
        """Once its nodes are alive, jobs run there and something is wrong."""
        with Site.made(folder) as site, Receiver.running() as receiver:
            site.config.write_text(CONFIG)
            site.env["SENTINEL_DASHBOARD"] = str(built_dashboard())
            seeded = cls(site)
            seeded._seed()
            site.start(wait=False)
            site.await_answer(PATIENCE)
            seeded.token = read_env_file(site.data / "client.env")["SENTINEL_TOKEN"]
            seeded.client = site.client(patience=PATIENCE)
            words = (
                "seed",
                "--live",
                "--every",
                "2",
                "--data-dir",
                str(site.data),
                "--config",
                str(site.config),
            )
            site.run("sentinel.server", *words, log=site.folder / "live.log")
            patiently(seeded._is_alive, "nodes, jobs, alerts", PATIENCE)
            seeded._write(receiver)
            yield seeded

    def _seed(self) -> None:
        words = [*PYTHON, "sentinel.server", "seed", *SEED, "--data-dir", str(self.site.data)]
        words += ["--config", str(self.site.config)]
        done = subprocess.run(words, env=self.site.env, capture_output=True, text=True, timeout=SEED_SECONDS)
        assert done.returncode == 0, done.stderr

    def _is_alive(self) -> bool:
        nodes = self.client.nodes()
        up = [one for one in nodes if one["state"] == "up"]
        return len(up) >= NODES - 1 and bool(self._gpu()) and bool(self.client.alerts(state=["firing"]))

    def _write(self, receiver: Receiver) -> None:
        """One of each that people write about alerts: of some pages they are all there is."""
        client = self.client
        client.put_alert_rule("warm", RULE)
        client.put_channel("ops", {"kind": "webhook", "url": f"{receiver.url}/hook"})
        client.put_alert_routes(
            [{"name": "urgent", "matches": {"severity": ["critical"]}, "channels": ["ops"], "group_wait": 0}],
            [],
        )
        end = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        node = str(self._gpu()["node"])
        client.add_silence({"rule": "warm", "node": node}, end=end, why="its fans are changed at noon")
        client.test_channel("ops")
        patiently(lambda: client.alerts(rule="warm", state=["firing"]), "the rule fires", PATIENCE)

    # ------------------------------------------------------------------ where to look

    def _gpu(self) -> dict[str, Any]:
        """One that is held by a job, else nothing."""
        none: dict[str, Any] = {}
        return next((one for one in self.client.gpus() if one["job"]), none)

    def address(self, route: str) -> str:
        """Of a route of the dashboard (`/jobs/:id`), with something that is there now."""
        known: Mapping[str, Callable[[], str]] = {
            "/nodes/:name": lambda: str(self._gpu()["node"]),
            "/gpus/:uuid": lambda: str(self._gpu()["uuid"]),
            "/jobs/:id": lambda: str(self._gpu()["job"]),
            "/alerts/:id": lambda: str(self.client.alerts(state=["firing"])[0]["fingerprint"]),
        }
        return _UNKNOWN.sub(lambda _: quote(known[route](), safe=""), route)
