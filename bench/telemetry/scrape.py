"""What a scrape of a full node takes, over a real socket, while samples are taken each second."""

import gzip
import http.client
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

from bench.figure import Figure, percentile, spread
from bench.telemetry.full_node import CARDS, PROCESSES, full_node, surroundings
from sentinel.core.clock import boottime
from sentinel.drivers.gpus.opening import open_source
from sentinel.drivers.processes.facts import ProcessFactsReader
from sentinel.telemetry.exposition import not_ready, own_names, render
from sentinel.telemetry.metrics_server import MetricsServer
from sentinel.telemetry.sample import Owner, Sample
from sentinel.telemetry.sampler import Sampler
from sentinel.telemetry.text_format import text_format

SCRAPES, WRITINGS, TARGET_MS = 200, 50, 20.0
_HEADERS = {  # Prometheus' own
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}


def measure(quick: bool) -> list[Figure]:
    """The server and the sampler in this process, the client too: its share counts against us."""
    count = 40 if quick else SCRAPES
    with full_node() as nvml:
        os.environ.update(surroundings(nvml))
        nvml.load_here()
        facts = ProcessFactsReader()
        sampler = Sampler(
            open_source("nvml", full=True),
            lambda process: Owner(
                user=facts.user_name(os.getuid()),
                container=f"of-{process.pid}",
                workload_id=str(process.pid),
            ),
            facts.identify,
            node="bench",
        )
        server = MetricsServer(
            ("127.0.0.1", 0),
            lambda accept: render(accept, sampler.watch, boottime()),
            lambda: not_ready(sampler.watch, boottime()),
        )
        stop = threading.Event()
        thread = threading.Thread(target=_sample, args=(sampler, stop))
        sampler.take()
        server.start()
        thread.start()
        try:
            _scrape(server.address)
            waits, bodies = zip(*(_timed(server.address) for _ in range(count)), strict=True)
            ours, theirs = _writers(sampler.take())
        finally:
            stop.set()
            thread.join()
            server.close()
            sampler.close()
    lines = gzip.decompress(bodies[-1]).splitlines()
    series = sum(not line.startswith(b"#") for line in lines)
    return [
        Figure(
            name="a scrape of a full node, p99",
            value=round(percentile(waits, 99), 2),
            unit="ms",
            target=TARGET_MS,
            how=f"{count} in a row by OpenMetrics and gzip over a new connection each, {series} series of"
            f" {CARDS} cards with {PROCESSES} processes each, a sample taken every second meanwhile",
            detail=spread(waits) | {"series": series, "bytes": len(bodies[-1])},
        ),
        Figure(
            name="its text alone, written by us",
            value=round(ours, 2),
            unit="ms",
            how=f"median of {WRITINGS}; the same by prometheus_client's generate_latest: {theirs:.2f} ms",
            detail={"prometheus_client": theirs},
        ),
    ]


class _Collector:
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _writers(sample: Sample) -> tuple[float, float]:
    """Milliseconds to write one sample's families as text: by us, and by prometheus_client."""
    families = list(own_names(sample))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(families))
    return (
        _median(lambda: text_format(families, openmetrics=False)),
        _median(lambda: generate_latest(registry)),
    )


def _median(write: Callable[[], bytes]) -> float:
    times: list[float] = []
    for _ in range(WRITINGS):
        began = time.perf_counter()
        write()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def _sample(sampler: Sampler, stop: threading.Event) -> None:
    while not stop.wait(1.0):
        sampler.take()


def _scrape(address: tuple[str, int]) -> bytes:
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("GET", "/metrics", headers=_HEADERS)
    answer = connection.getresponse()
    body = answer.read()
    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
    connection.close()
    return body


def _timed(address: tuple[str, int]) -> tuple[float, bytes]:
    began = time.perf_counter()
    body = _scrape(address)
    return (time.perf_counter() - began) * 1000, body
