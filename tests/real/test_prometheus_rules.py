"""What deploy/ has for Prometheus and Grafana, held to a real Prometheus: its promtool checks and tests the
rules, and the server answers every question of every dashboard from what the code exposes."""

import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.api.in_process import Api
from tests.components.prometheus import Prometheus, check_metrics, promtool, scrape
from tests.test_deploy_metrics import DASHBOARDS, PROMETHEUS, RULES, everything

from sentinel.core.identity import Role
from sentinel.telemetry.text_format import text_format

pytestmark = pytest.mark.real

UNIT_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))


@pytest.mark.parametrize("name", RULES)
def test_the_rules_are_sound(name: str) -> None:
    done = promtool("check", "rules", str(PROMETHEUS / name))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_do_what_they_say() -> None:
    assert len(UNIT_TESTS) >= 2
    done = promtool("test", "rules", *map(str, UNIT_TESTS))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("alerts.yml", "gpu_temperature_celsius > 88", "gpu_temperature_celsius > 92"),
        ("alerts.yml", "for: 120s", "for: 20s"),
        ("rules.yml", "[1h:1m])) / 60", "[1h:1m])) / 30"),
    ],
)
def test_a_rule_that_does_something_else_is_noticed(
    file: str, before: str, after: str, tmp_path: Path
) -> None:
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    text = (tmp_path / "prometheus" / file).read_text()
    assert before in text
    (tmp_path / "prometheus" / file).write_text(text.replace(before, after))
    done = promtool("test", "rules", *map(str, sorted((tmp_path / "prometheus" / "tests").glob("*.yml"))))
    assert done.returncode != 0


def test_what_the_controller_exposes_is_good_practice() -> None:
    with Api() as api:
        answer = api.ask("GET", "/metrics", token=api.token("ada", Role.VIEWER))
    assert answer.status == 200
    assert check_metrics(answer.body.decode()) == []
    assert "sentinel_jobs{" in answer.body.decode()


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    """One that scrapes all that there is to be exposed."""
    body = text_format(everything(), openmetrics=False)

    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    target = f"127.0.0.1:{server.server_address[1]}"
    with Prometheus.running(scrape("sentinel", target, interval="200ms", honor_labels=True)) as made:
        made.await_query("count_over_time(gpu_up[1m]) > 12")
        yield made
    server.shutdown()
    server.server_close()


EMPTY = {"gpu_temperature_margin_celsius"}
"""The simulated card lacks what it takes."""


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_panel_has_an_answer(name: str, prometheus: Prometheus) -> None:
    silent: list[str] = []
    for panel in DASHBOARDS[name]["panels"]:
        for target in panel.get("targets", ()):
            # It has been scraped for seconds only: looks a minute apart would see nothing yet.
            expr = target["expr"].replace("$__rate_interval", "1m").replace("$__range:1m", "5m:1s")
            expr = re.sub(r"\$(node|sku|workload)\b", ".*", expr)
            assert "$" not in expr
            if not prometheus.query(expr) and not any(one in expr for one in EMPTY):
                silent.append(f"{panel['title']}: {expr}")
    assert silent == []


def test_every_rule_has_an_expression_that_it_understands(prometheus: Prometheus) -> None:
    for content in RULES.values():
        for group in content["groups"]:
            for rule in group["rules"]:
                prometheus.query(rule["expr"])
