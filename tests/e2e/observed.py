"""A controller that watches its nodes, and somebody who is told: all of it real processes, on simulated GPUs.

Used by the tests of alerts and of the history, here and in tests/real. `sentinel up` is a controller with an
agent of its own; more nodes may join. Everything ends with the test, whatever it leaves running.

    with Observed.running(tmp_path) as observed:
        observed.cli("alert", "list")
        eventually(lambda: observed.told("gpu-hot"), "somebody is told", PATIENCE)
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.drivers.notifiers.receiver import Receiver
from tests.drivers.notifiers.test_webhook import signed_by
from tests.e2e.workstation import eventually
from tests.faults.stores.site import Site

from sentinel.client import Client
from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError
from sentinel.core.timestamp import epoch

PATIENCE = 60.0
"""Seconds, on a busy machine. What is waited for takes a few."""
SECRET = "a-key-for-signing"
CHANNEL = "ops"
WATCH = "sentinel.server.watch_process"
_AT_ONCE = {"group_wait": 0, "group_interval": 0, "repeat_interval": 0}
_CONFIG = """\
[server]
lease_seconds = 12
[inventory]
docker = false
podman = false
containerd = false
kubernetes = false
[telemetry]
listen = "127.0.0.1:{port}"
{more}
"""
WARM = """\
name: {name}
metric: gpu_temperature_celsius
op: '>'
threshold: {threshold}
for: {hold}
severity: critical
labels: {{team: {team}}}
scope: {{node: [{node}], gpu: ['0']}}
no_data: {no_data}
annotations:
  summary: 'GPU {{gpu}} of {{node}} is at {{value}} °C'
  next_step: Look at its fans
"""
ALERTING = '[alerting]\nevery = 0.2\nurl = "https://gpu.example.org"\n'


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@dataclass
class Observed:
    """`name` is the node of `up`; its metrics are at `metrics_port`. `client` is the admin's, and patient."""

    site: Site
    receiver: Receiver
    metrics_port: int
    name: str = ""
    made: Client | None = None

    @classmethod
    @contextlib.contextmanager
    def running(
        cls,
        folder: Path,
        config: str = ALERTING,
        *,
        database: str | None = None,
        metrics_port: int | None = None,
    ) -> Generator["Observed"]:
        """`config`: more sections of the config file, which controller and agents read."""
        with Site.made(folder, database=database) as site, Receiver.running() as receiver:
            observed = cls(site, receiver, metrics_port or free_port())
            site.config.write_text(_CONFIG.format(port=observed.metrics_port, more=config))
            observed.start()
            eventually(observed._is_up, "its node is up", PATIENCE)
            yield observed

    # ------------------------------------------------------------------ processes

    def start(self) -> None:
        """`sentinel up`, until its API answers."""
        site, me = self.site, "root" if os.geteuid() == 0 else None
        words = ["up", "--data-dir", str(site.data), "--listen", f"127.0.0.1:{site.port}"]
        words += ["--config", str(site.config), "--gpus", "simulated:2", "--arbiter", "none"]
        words += ["--run-jobs-as", me] if me else []
        site.parent = site.run("sentinel.server", *words, log=site.log)
        site.await_answer(PATIENCE)

    def restart(self, number: int = signal.SIGTERM) -> None:
        """All of `up`; jobs and other nodes go on."""
        began = wall()
        self.site.stop(number)
        self.start()
        self.looked_since(began)

    def kill_watch(self) -> None:
        """kill -9; returns when the next one has looked for alerts."""
        began = wall()
        self.site.send(self.site.child(WATCH), signal.SIGKILL)
        self.looked_since(began)

    def looked_since(self, began: float) -> None:
        """Waits until somebody has looked for alerts after that time."""

        def looked() -> bool:
            watch = self.client.alert_watch()
            return watch is not None and (epoch(watch["round_at"]) or 0.0) > began

        patiently(looked, "a look for alerts")

    def _is_up(self) -> bool:
        self.name = next((one["name"] for one in self.client.nodes() if one["state"] == "up"), "")
        return bool(self.name)

    # ------------------------------------------------------------------ asking

    @property
    def client(self) -> Client:
        if self.made is None:
            self.made = self.site.client(patience=PATIENCE)
        return self.made

    def cli(self, *words: str, code: int = 0, stderr: bool = False) -> str:
        """What `sentinel` prints; on stderr, too, if that is wanted or it is to fail."""
        done = subprocess.run(
            [sys.executable, "-m", "sentinel.cli.main", *words],
            env={**self.site.env, "COLUMNS": "200", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == code and "Traceback" not in done.stderr, (words, done)
        return done.stdout + (done.stderr if code or stderr else "")

    def asked(self, *words: str) -> Any:
        """The same as JSON."""
        return json.loads(self.cli(*words, "--json"))

    def page(self) -> str:
        """/metrics of the node of `up`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=20) as answer:
            return answer.read().decode()

    def file(self, name: str, text: str) -> str:
        """Its path."""
        path = self.site.folder / name
        path.write_text(text)
        return str(path)

    # ------------------------------------------------------------------ who is told

    def add_channel(self, *routes: dict[str, Any]) -> None:
        """CHANNEL, which hears of everything at once. `routes` come first."""
        words = ["--url-file", self.file("url", f"{self.receiver.url}/hook\n")]
        words += ["--secret-file", self.file("key", f"{SECRET}\n")]
        shown = self.cli("alert", "channel", "add", CHANNEL, "--kind", "webhook", *words)
        assert "/hook" not in shown and SECRET not in shown
        written = [
            {"group_by": ["rule"], "channels": [CHANNEL], **_AT_ONCE, **one}
            for one in (*routes, {"name": "rest"})
        ]
        self.cli("alert", "route", "apply", "-f", self.file("routes.json", json.dumps({"routes": written})))

    def warm(
        self,
        name: str,
        *,
        threshold: float = 30,
        hold: str = "0s",
        team: str = "vision",
        no_data: str = "ignore",
    ) -> None:
        """A rule about GPU 0, which is at 35 °C while nobody uses it."""
        fields = {"threshold": threshold, "hold": hold, "team": team, "no_data": no_data}
        self.apply(WARM.format(name=name, node=self.name, **fields))

    def apply(self, rule: str) -> None:
        """Writes that rule (YAML)."""
        self.cli("alert", "rule", "apply", "-f", self.file("rule.yaml", rule))

    def messages(self) -> list[dict[str, Any]]:
        """All that came so far, each with a good signature."""
        told = list(self.receiver.told)
        assert all(signed_by(SECRET, one, time.time()) for one in told)
        found = [json.loads(one.body) for one in told]
        assert [one["key"] for one in found] == [one.headers["idempotency-key"] for one in told]
        return found

    def told(self, rule: str) -> list[dict[str, Any]]:
        """Messages about alerts of that rule; of jobs the rule is "job"."""
        return [one for one in self.messages() if any(alert["rule"] == rule for alert in one["alerts"])]

    def statuses(self, rule: str) -> list[str]:
        return [one["status"] for one in self.told(rule)]

    def becomes(self, rule: str, *statuses: str) -> None:
        """Waits until these were told of that rule, in that order, and nothing else."""
        eventually(lambda: len(self.told(rule)) >= len(statuses), f"{rule} is told as {statuses}", PATIENCE)
        assert self.statuses(rule) == list(statuses)

    def alert(self, rule: str, state: str = "firing") -> dict[str, Any]:
        """The one of that rule, once it is in that state."""

        def look() -> dict[str, Any] | None:
            return next(iter(self.client.alerts(rule=rule, state=[state])), None)

        return patiently(look, f"{rule} is {state}")

    def settled(self) -> None:
        """Waits until all that there is to tell has been told."""
        patiently(lambda: not self.client.deliveries(state=["waiting"]), "nothing waits")

    # ------------------------------------------------------------------ the past

    def series(self, metric: str, **chosen: Any) -> list[dict[str, Any]]:
        return self.client.history(metric, **chosen)["series"]


def patiently(check: Callable[[], Any], what: str) -> Any:
    """As `eventually`, with much patience; a refusal is no answer yet."""

    def look() -> Any:
        try:
            return check()
        except SentinelError:
            return None

    return eventually(look, what, PATIENCE)


def known(series: Sequence[dict[str, Any]]) -> list[float]:
    """All values of these series that are known."""
    return [value for one in series for _, value in one["points"] if value is not None]
