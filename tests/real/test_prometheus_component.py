"""The Prometheus that other tests rely on: it scrapes what it is told to, answers PromQL, and ends."""

import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.components.prometheus import Prometheus, check_metrics, promtool, scrape

pytestmark = pytest.mark.real

METRICS = """\
# HELP gpu_temperature_celsius How hot the GPU is.
# TYPE gpu_temperature_celsius gauge
gpu_temperature_celsius{gpu="0"} 61
gpu_temperature_celsius{gpu="1"} 70.5
"""


@pytest.fixture(scope="module")
def exporter() -> Iterator[str]:
    """HOST:PORT of something that serves METRICS."""

    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(METRICS.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_it_scrapes_and_answers_promql_and_ends(exporter: str) -> None:
    nobody = "127.0.0.1:9"
    with Prometheus.running(scrape("gpus", exporter, nobody, interval="200ms")) as prometheus:
        hot = prometheus.await_query("gpu_temperature_celsius > 65")
        assert [(series["metric"]["gpu"], series["value"][1]) for series in hot] == [("1", "70.5")]
        assert prometheus.value("avg(gpu_temperature_celsius)") == pytest.approx(65.75)
        assert prometheus.query("no_such_metric") == []
        with pytest.raises(ValueError, match="parse error"):
            prometheus.query("{{")
        prometheus.await_query(f'up{{instance="{nobody}"}} == 0')
        health = {target["labels"]["instance"]: target["health"] for target in prometheus.targets()}
        assert health == {exporter: "up", nobody: "down"}
        declared = prometheus.metadata()["gpu_temperature_celsius"]
        assert declared == [{"type": "gauge", "help": "How hot the GPU is.", "unit": ""}]
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{prometheus.url}/-/ready", timeout=1)
    assert not prometheus.folder.exists()


def test_promtool_tells_good_names_from_bad_ones() -> None:
    assert check_metrics(METRICS) == []
    (complaint,) = check_metrics(METRICS.replace("gpu_temperature_celsius", "gpuTemperature"))
    assert "camelCase" in complaint or "snake_case" in complaint
    assert any(
        "milliseconds" in line
        for line in check_metrics("# HELP a_milliseconds A.\n# TYPE a_milliseconds gauge\na_milliseconds 1\n")
    )
    assert check_metrics("no metrics at all\n")


def test_promtool_for_other_checks() -> None:
    assert promtool("check", "config", "/nonexistent").returncode != 0
