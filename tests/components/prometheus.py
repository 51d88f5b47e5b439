"""A real Prometheus on loopback, and its promtool, for the tests marked `real`.

It runs from a folder of its own, on a free port. If it is missing, Debian's apt installs it: that takes root.
What cannot be had raises: nothing is skipped. The first scrape comes some five seconds after the start, as
Prometheus looks for targets every five seconds.

    with Prometheus.running(scrape("sentinel", "127.0.0.1:9400")) as prometheus:
        prometheus.await_query('gpu_utilization_percent{gpu="0"}')
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.components.debian import install_packages
from tests.components.leash import PATH, Leash
from tests.components.missing import ComponentMissing

START_SECONDS = 15.0
PROGRAMS = ("prometheus", "promtool")


def scrape(job: str, *targets: str, interval: str = "500ms", **more: object) -> dict[str, object]:
    """An entry of `scrape_configs`: HOST:PORT of each target; `more` as Prometheus calls it."""
    times = {"scrape_interval": interval, "scrape_timeout": interval}
    return {"job_name": job, "static_configs": [{"targets": targets}], **times, **more}


class Prometheus:
    """A running one, at `url`."""

    def __init__(self, folder: Path, port: int, leash: Leash) -> None:
        self.folder, self.port = folder, port
        self.url = f"http://127.0.0.1:{port}"
        self._leash, self._pid = leash, 0

    @classmethod
    @contextlib.contextmanager
    def running(cls, *scrape_configs: Mapping[str, object]) -> Iterator["Prometheus"]:
        """Starts one with these `scrape_configs` (see `scrape`), and ends it. Raises ComponentMissing."""
        require_prometheus()
        folder = Path(tempfile.mkdtemp(prefix="sentinel-prometheus-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with Leash.held(folder) as leash:
            prometheus = cls(folder, port, leash)
            prometheus._configure(scrape_configs)
            prometheus.start()
            yield prometheus

    def start(self) -> None:
        """After a `stop`: with all that it knew."""
        self._pid = self._leash.start(
            "prometheus",
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            log=self.folder / "log",
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if not self._leash.runs(self._pid) or time.monotonic() > deadline:
                raise ComponentMissing(f"Prometheus does not start:\n{self.log()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Until `start`."""
        os.kill(self._pid, signal.SIGTERM)
        deadline = time.monotonic() + START_SECONDS
        while self._leash.runs(self._pid):
            assert time.monotonic() < deadline, f"Prometheus does not end:\n{self.log()}"
            time.sleep(0.02)

    def query(self, promql: str) -> list[dict[str, Any]]:
        """The series that PromQL answers with now: [{"metric": {label: …}, "value": [time, text]}, …].

        Raises ValueError with Prometheus' words when it cannot be answered.
        """
        return self._ask("query", {"query": promql})["result"]

    def value(self, promql: str) -> float:
        """Of the one series that PromQL answers with."""
        (series,) = self.query(promql)
        return float(series["value"][1])

    def await_query(self, promql: str, *, timeout: float = 15.0) -> list[dict[str, Any]]:
        """As `query`, once there is an answer that is not empty."""
        deadline = time.monotonic() + timeout
        while not (found := self.query(promql)):
            assert time.monotonic() < deadline, f"nothing for {promql}; targets: {self.targets()}"
            time.sleep(0.1)
        return found

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes: "scrapeUrl", "health" ("up", "down", "unknown"), "lastError", "labels", …"""
        return self._ask("targets", {"state": "active"})["activeTargets"]

    def metadata(self) -> dict[str, list[dict[str, str]]]:
        """Metric → its "type", "help" and "unit", as its targets declare them."""
        return self._ask("metadata", {})

    def log(self) -> str:
        """The end of it."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def _ask(self, what: str, parameters: Mapping[str, str]) -> Any:
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(json.load(error)["error"]) from None

    def _configure(self, scrape_configs: Sequence[Mapping[str, object]]) -> None:
        config = self.folder / "prometheus.yml"
        config.write_text(json.dumps({"scrape_configs": scrape_configs}))  # JSON is YAML
        done = promtool("check", "config", str(config))
        assert done.returncode == 0, done.stdout + done.stderr

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                return True
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        return False


def promtool(*argv: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs promtool. Raises ComponentMissing."""
    require_prometheus()
    return subprocess.run(["promtool", *argv], input=stdin, capture_output=True, text=True, timeout=30)


def check_metrics(exposition: str) -> Sequence[str]:
    """What `promtool check metrics` has to say against it, a line each; nothing when all is well."""
    done = promtool("check", "metrics", stdin=exposition)
    complaints = (done.stdout + done.stderr).splitlines()
    assert bool(complaints) == bool(done.returncode), (done.returncode, complaints)
    return complaints


def require_prometheus() -> None:
    """Prometheus and promtool, installed if need be."""
    if all(shutil.which(program, path=PATH) for program in PROGRAMS):
        return
    install_packages(["prometheus"], "Prometheus")
