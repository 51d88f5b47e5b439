"""What is polled: into a real history, as the node's that the config names, and nothing twice."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.fakes.metrics_source import FakeSource
from tests.telemetry.scrape.pages import vllm

from sentinel.core.errors import UsageError
from sentinel.core.sample_batch import Batch
from sentinel.core.series import Aggregate, Selector, Series
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.ports.history import Appended, History, HistoryUnavailable
from sentinel.ports.metrics_source import MetricsSource, Page
from sentinel.server.observing import Endpoint, ScrapeTarget
from sentinel.server.scraping import ELSEWHERE, Scraping

START = 1_700_000_000.0
POD = """\
# TYPE gpu_temperature_celsius gauge
gpu_temperature_celsius{node="4f1c",gpu="0",uuid="GPU-1"} 60
gpu_process_memory_bytes{node="4f1c",gpu="0",pid="7",name="python"} 1
sentinel_jobs{state="queued"} 99
"""


def target(name: str = "pod-1", every: float = 10.0) -> ScrapeTarget:
    return ScrapeTarget(name=name, endpoint=Endpoint(url="https://pod.example.org"), every=every)


class Site:
    """A controller's history, and pods by name."""

    def __init__(self, history: History, *targets: ScrapeTarget) -> None:
        self.now = START
        self.history = history
        self.sources: dict[str, MetricsSource] = {one.name: FakeSource(POD) for one in targets}
        self.scraping = Scraping(
            targets, history, lambda one: self.sources[one.name], lambda: self.now, lambda: self.now
        )

    @property
    def pod(self) -> FakeSource:
        source = self.sources["pod-1"]
        assert isinstance(source, FakeSource)
        return source

    def poll(self, page: str | None = None) -> float:
        self.pod.page = page or self.pod.page
        pause = self.scraping.poll(0)
        self.now += 10
        return pause

    def series(self, metric: str) -> Sequence[Series]:
        return self.history.query(Selector(metric=metric), START, self.now, 10, Aggregate.LAST)

    def points(self, metric: str) -> list[float | None]:
        (one,) = self.series(metric)
        return [value for _, value in one.points]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    clock: list[Site] = []
    history = EmbeddedHistory(str(tmp_path / "history"), clock=lambda: clock[0].now if clock else START)
    one = Site(history, target())
    clock.append(one)
    yield one
    history.close()


def test_a_page_goes_into_the_history_as_that_nodes(site: Site) -> None:
    assert site.poll() == 10
    (one,) = site.series("gpu_temperature_celsius")
    assert one.labels == (("gpu", "0"), ("node", "pod-1"), ("uuid", "GPU-1"))
    assert one.points == ((START, 60.0),)
    assert site.points("sentinel_scrape_up") == [1]
    assert {metric for metric, _ in site.history.series()} == {
        "gpu_temperature_celsius",
        "sentinel_scrape_up",
    }


def test_a_poll_that_fails_leaves_that_it_failed(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.poll()
    site.pod.trouble = "https://pod.example.org/metrics: nobody listens there"
    for _ in range(6):
        site.poll()
    site.pod.trouble = None
    site.poll(POD.replace("60", "61"))
    assert site.points("sentinel_scrape_up") == [1, 0, 0, 0, 0, 0, 0, 1]
    temperatures = site.points("gpu_temperature_celsius")
    assert temperatures[0] == 60 and temperatures[-1] == 61 and temperatures[3:7] == [None] * 4
    assert [record.getMessage() for record in caplog.records] == [
        "pod-1 cannot be polled: https://pod.example.org/metrics: nobody listens there",
        "pod-1 is polled again",
    ]


@pytest.mark.parametrize(
    ("status", "page", "says"),
    [
        (401, "", "lets nobody in (HTTP 401): name a file with a token"),
        (404, "", "HTTP 404: is that the address of its metrics?"),
        (200, "<html>", "line 1 is no sample"),
        (200, "a 1\n" * 20_001, "more than 20000 samples"),
    ],
)
def test_an_answer_that_is_no_page_is_a_failure(
    site: Site, caplog: pytest.LogCaptureFixture, status: int, page: str, says: str
) -> None:
    class Answers(FakeSource):
        def get(self, path: str | None = None) -> Page:
            return Page(status=status, content_type="text/plain", body=page.encode())

    site.scraping = Scraping(
        [target()], site.history, lambda _: Answers(), lambda: site.now, lambda: site.now
    )
    site.scraping.poll(0)
    site.now += 10
    assert site.points("sentinel_scrape_up") == [0]
    assert says in caplog.text


def test_an_inference_server_is_a_workload_of_its_node(site: Site) -> None:
    site.poll(vllm([], running=1))
    site.poll(vllm([0.6, 0.7], running=2))
    assert site.points("workload_inference_running_requests") == [1, 2]
    found = site.series("workload_inference_latency_ms")
    assert [(one.label("p"), one.points[-1][1]) for one in found] == [("50", 750), ("95", 975), ("99", 995)]
    assert {one.label("workload") for one in found} == {"pod-1"}
    assert not [metric for metric, _ in site.history.series() if metric.endswith("_bucket")]


def test_a_pod_that_tells_of_its_own_servers_is_taken_at_its_word(site: Site) -> None:
    site.poll('workload_inference_up{node="x",workload="chat"} 1\n')
    (one,) = site.series("workload_inference_up")
    assert one.labels == (("node", "pod-1"), ("workload", "chat"))


def test_more_series_than_there_is_room_for_are_said_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    page = POD + "".join(f"x{n} 1\n" for n in range(2100))
    site.poll(page)
    site.poll(page)
    assert len(site.history.series()) == 2001
    assert site.points("gpu_temperature_celsius") == [60, 60]
    assert caplog.text.count("more than 2000 series; the last 101 of its page") == 1


def test_a_number_that_the_history_cannot_hold_is_unknown(site: Site) -> None:
    site.poll(POD + "huge 1e300\n")
    assert site.series("huge") == []
    assert site.points("gpu_temperature_celsius") == [60]


class Elsewhere:
    """A history of which only `append` is asked."""

    def __init__(self, trouble: str | None = None) -> None:
        self.trouble = trouble
        self.told: list[Batch] = []

    def append(self, batches: Sequence[Batch]) -> Appended:
        if self.trouble is not None:
            raise HistoryUnavailable(self.trouble)
        self.told += batches
        return Appended(elsewhere=len(batches))


def test_where_a_prometheus_keeps_the_history_it_is_left_to_that(caplog: pytest.LogCaptureFixture) -> None:
    site = Site(Elsewhere(), target())  # type: ignore[arg-type]
    assert site.poll() == ELSEWHERE
    assert "have that one scrape it" in caplog.text


def test_a_history_that_is_away_is_said_once_and_nothing_is_told_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = Elsewhere("the history is full")
    site = Site(away, target())  # type: ignore[arg-type]
    assert site.poll() == 10
    assert site.poll() == 10
    assert caplog.text.count("what pod-1 said is not kept: the history is full") == 1
    away.trouble = None
    site.poll()
    assert [batch.times for batch in away.told] == [(START + 20,)]


def test_batches_are_told_apart() -> None:
    history = Elsewhere()
    site = Site(history, target())  # type: ignore[arg-type]
    for _ in range(3):
        site.scraping.poll(0)
        site.now += 0.05
    assert len({(batch.node, batch.sequence, batch.times[0]) for batch in history.told}) == 3


def test_one_that_cannot_be_opened_is_tried_again(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    trouble = ["the certificates in /ca.pem cannot be read"]

    def opened(_: ScrapeTarget) -> MetricsSource:
        if trouble:
            raise UsageError(trouble[0])
        return site.pod

    site.scraping = Scraping([target()], site.history, opened, lambda: site.now, lambda: site.now)
    assert site.poll() == 10
    trouble.clear()
    site.poll()
    assert site.points("sentinel_scrape_up") == [0, 1]
    assert "pod-1 cannot be polled: the certificates in /ca.pem" in caplog.text


def test_the_pace_is_kept_however_long_an_answer_takes(site: Site) -> None:
    class Slow(FakeSource):
        def get(self, path: str | None = None) -> Page:
            site.now += 4
            return super().get(path)

    site.scraping = Scraping(
        [target()], site.history, lambda _: Slow(POD), lambda: site.now, lambda: site.now
    )
    assert site.scraping.poll(0) == 6


def test_one_that_hangs_keeps_no_other_waiting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    gate = threading.Event()

    class Hanging(FakeSource):
        def get(self, path: str | None = None) -> Page:
            self.asked.append(path)
            gate.wait(10)
            return super().get(path)

    history = EmbeddedHistory(str(tmp_path / "history"))
    hanging, other = Hanging(POD), FakeSource(POD)
    sources = {"a": hanging, "b": other}
    scraping = Scraping([target("a", 0.05), target("b", 0.05)], history, lambda one: sources[one.name])
    scraping.start()
    deadline = time.monotonic() + 10
    while len(other.asked) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    assert len(hanging.asked) == 1
    scraping.stop()
    gate.set()
    while any(one.name.startswith("scrape-") for one in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    history.close()


def test_without_targets_there_is_nothing_to_do() -> None:
    scraping = Scraping([], Elsewhere(), lambda _: FakeSource())  # type: ignore[arg-type]
    scraping.start()
    scraping.stop()
