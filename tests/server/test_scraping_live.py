"""A rented machine's agent, polled over TLS with a token: the real endpoint, source and history."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.telemetry.samples import ADA, gpu, process, sample, watch

from sentinel.core.series import Selector
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.metrics_sources.http_source import HttpSource
from sentinel.server.observing import Endpoint, ScrapeTarget
from sentinel.server.scraping import Scraping
from sentinel.telemetry.exposition import render
from sentinel.telemetry.metrics_access import TlsFiles
from sentinel.telemetry.metrics_server import MetricsServer

TOKEN = "a-token-of-enough-characters"
NOW = 1_700_000_000.0


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    made = trustme.CA()
    own = made.issue_cert("127.0.0.1")
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    own.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    return tmp_path / "ca.pem"


@pytest.fixture
def pod(authority: Path) -> Iterator[MetricsServer]:
    taken = watch(sample(gpu(0, process(7), process(8)), gpu(1), owners={7: ADA}))
    own = authority.with_name("own.pem")
    server = MetricsServer(
        ("127.0.0.1", 0),
        lambda accept: render(accept, taken, 100.0),
        lambda: None,
        TOKEN,
        TlsFiles(certificate=own, key=own),
    )
    server.start()
    yield server
    server.close()


def test_its_gpus_are_in_the_history_as_that_nodes(
    pod: MetricsServer, authority: Path, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    target = ScrapeTarget(
        name="pod-1",
        endpoint=Endpoint(url=f"https://127.0.0.1:{pod.address[1]}", token_file=token, ca_file=authority),
    )

    def opened(one: ScrapeTarget) -> HttpSource:
        at = one.endpoint
        return HttpSource(at.url, token_file=str(at.token_file), ca_file=str(at.ca_file))

    history = EmbeddedHistory(str(tmp_path / "history"), clock=lambda: NOW)
    scraping = Scraping([target], history, opened, lambda: NOW, lambda: 0.0)
    try:
        scraping.poll(0)
        found = history.latest(Selector(metric="gpu_temperature_celsius"), NOW, 60)
        assert [(dict(labels)["node"], dict(labels)["gpu"], value) for labels, _, value in found] == [
            ("pod-1", "0", 40.0),
            ("pod-1", "1", 40.0),
        ]
        metrics = {metric for metric, _ in history.series()}
        assert {"gpu_user_memory_bytes", "sentinel_source_up", "sentinel_scrape_up"} <= metrics
        assert not any("pid" in dict(labels) for _, labels in history.series())
    finally:
        history.close()


def test_a_token_that_is_not_right_is_said(
    pod: MetricsServer, authority: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = tmp_path / "token"
    token.write_text("another-one-of-enough-characters")
    at = Endpoint(url=f"https://127.0.0.1:{pod.address[1]}", token_file=token, ca_file=authority)
    history = EmbeddedHistory(str(tmp_path / "history"), clock=lambda: NOW)
    source = HttpSource(at.url, token_file=str(token), ca_file=str(authority))
    scraping = Scraping(
        [ScrapeTarget(name="pod-1", endpoint=at)], history, lambda _: source, lambda: NOW, lambda: 0.0
    )
    try:
        scraping.poll(0)
        ((_, _, up),) = history.latest(Selector(metric="sentinel_scrape_up"), NOW, 60)
        assert up == 0
    finally:
        history.close()
    assert "lets nobody in (HTTP 401): is the token right?" in caplog.text
    assert "another-one" not in caplog.text
