"""The history in a real Prometheus, beyond the contract: what it scrapes itself, and limits."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.components.prometheus import Prometheus, scrape
from tests.drivers.histories.cases import END, START, TEMPERATURE, FilledPrometheus, expected
from tests.e2e.workstation import eventually

from sentinel.core.series import Aggregate, Selector
from sentinel.drivers.histories.prometheus import PrometheusHistory
from sentinel.drivers.histories.prometheus_server import PrometheusServer
from sentinel.drivers.histories.promql import MOST_IN_ONE

pytestmark = pytest.mark.real

PAGE = """\
# TYPE gpu_temperature_celsius gauge
gpu_temperature_celsius{node="a",gpu="0",job="17"} 61
gpu_temperature_celsius{node="a",gpu="1"} NaN
"""


class Agent:
    """Something that serves PAGE, until `page` is None."""

    page: bytes | None = PAGE.encode()


@pytest.fixture
def agent() -> Iterator[tuple[Agent, str]]:
    made = Agent()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if made.page is not None else 500)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(made.page or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield made, f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("honor_labels", [True, False])
def test_what_it_scraped(agent: tuple[Agent, str], honor_labels: bool) -> None:
    made, target = agent
    chosen = Selector(metric=TEMPERATURE, matches={"gpu": ("0",)})
    with Prometheus.running(
        scrape("sentinel", target, interval="200ms", honor_labels=honor_labels)
    ) as running:
        history = PrometheusHistory(PrometheusServer(running.url), scrape_seconds=0.2)
        running.await_query(TEMPERATURE)
        ((labels, at, value),) = history.latest(chosen, time.time(), 60)
        assert (labels, value) == ((("gpu", "0"), ("job", "17"), ("node", "a")), 61)
        assert time.time() - 30 < at <= time.time()
        assert [one[0] for one in history.latest(Selector(metric=TEMPERATURE), time.time(), 60)] == [labels]
        assert (TEMPERATURE, labels) in history.series(TEMPERATURE)
        assert (TEMPERATURE, labels) in history.series()
        began = time.time()
        eventually(lambda: time.time() > began + 2, "a while", 10)
        made.page = None  # it ends: a gap, not the value before
        ended = time.time()
        eventually(lambda: time.time() > ended + 3, "a while", 10)
        (one,) = history.query(chosen, began + 1, ended + 3, 1, Aggregate.AVG)
        assert (one.points[0][1], one.points[-1][1]) == (61, None)


def test_more_points_than_it_answers_at_once() -> None:
    with FilledPrometheus.running() as running:
        history = PrometheusHistory(PrometheusServer(running.url))
        chosen = Selector(metric=TEMPERATURE, matches={"node": ("a",), "gpu": ("1",)})
        wanted = expected(chosen, START, END, 1, Aggregate.LAST)
        found = history.query(chosen, START, END, 1, Aggregate.LAST)
        assert len(found[0].points) > MOST_IN_ONE + 1000
        assert [value for _, value in found[0].points] == [value for _, value in wanted[0].points]
