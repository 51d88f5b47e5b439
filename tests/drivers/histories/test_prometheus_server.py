"""Asking a Prometheus that refuses, is slow, is none, or sends us elsewhere."""

import json
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.series import Aggregate, Selector
from sentinel.drivers.histories import prometheus_server, promql
from sentinel.drivers.histories.prometheus import PrometheusHistory
from sentinel.drivers.histories.prometheus_server import PrometheusServer
from sentinel.ports.history import HistoryUnavailable

SECRET = "a-token-of-which-nobody-may-hear"
EMPTY: dict[str, Any] = {"status": "success", "data": {"resultType": "matrix", "result": []}}


@dataclass
class Fake:
    """What it answers next, and what it was asked: path, headers and parameters."""

    status: int = 200
    body: bytes = json.dumps(EMPTY).encode()
    location: str = ""
    hangs: threading.Event | None = None
    asked: list[tuple[str, dict[str, str], dict[str, list[str]]]] = field(default_factory=list[Any])
    url: str = ""


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.asked.append((self.path, headers, urllib.parse.parse_qs(body)))
            if made.hangs:
                made.hangs.wait(10)
            self.send_response(made.status)
            if made.location and self.path != "/elsewhere":
                self.send_header("Location", made.location)
            self.send_header("Content-Length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield made
    if made.hangs:
        made.hangs.set()
    server.shutdown()
    server.server_close()
    thread.join()


def query(server: PrometheusServer) -> object:
    return PrometheusHistory(server).query(Selector(metric="m"), 0, 600, 60, Aggregate.AVG)


def failure(server: PrometheusServer, kind: type[SentinelError] = HistoryUnavailable) -> str:
    with pytest.raises(kind) as caught:
        query(server)
    assert SECRET not in caught.value.message
    return caught.value.message


def test_the_token_is_read_anew_from_its_file(fake: Fake, tmp_path: Path) -> None:
    file = tmp_path / "token"
    server = PrometheusServer(f"{fake.url}/prefix/", token_file=str(file))
    assert "cannot be read" in failure(server)
    file.write_text(" \n")
    assert "no token" in failure(server)
    for token in (SECRET, SECRET[::-1]):
        file.write_text(f"{token}\n")
        assert query(server) == []
        path, headers, asked = fake.asked[-1]
        assert path == "/prefix/api/v1/query_range"
        assert headers["authorization"] == f"Bearer {token}"
        assert asked["query"] == ["avg_over_time(m{}[60000ms])"]
        assert (asked["start"], asked["end"], asked["step"]) == (["59.999"], ["599.999"], ["60.000"])


def test_the_token_is_not_taken_elsewhere(fake: Fake, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    fake.status, fake.location = 302, "/elsewhere"
    failure(PrometheusServer(fake.url, token_file=str(file)))
    (_, first, _), (path, second, _) = fake.asked[:2]
    assert "authorization" in first
    assert path == "/elsewhere" and "authorization" not in second


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, b"", HistoryUnavailable, "name a file with a token"),
        (403, b"", HistoryUnavailable, "HTTP 403"),
        (503, b"<html>", HistoryUnavailable, "HTTP 503"),
        (400, b'{"error": "parse error"}', HistoryUnavailable, "parse error"),
        (400, b'{"error": "exceeded maximum resolution of 11,000"}', UsageError, "longer step"),
        (422, b'{"error": "query processing would load too many samples"}', UsageError, "fewer series"),
        (200, b"hello", HistoryUnavailable, "as a Prometheus does"),
        (200, b"[]", HistoryUnavailable, "as a Prometheus does"),
        (200, b'{"status": "error"}', HistoryUnavailable, "as a Prometheus does"),
        (200, b'{"status": "success"}', HistoryUnavailable, "is the address"),
    ],
)
def test_refusals_say_what_to_do(
    fake: Fake, status: int, body: bytes, kind: type[SentinelError], words: str
) -> None:
    fake.status, fake.body = status, body
    assert words in failure(PrometheusServer(fake.url), kind)


def test_it_is_not_waited_for_long(fake: Fake) -> None:
    fake.hangs = threading.Event()
    assert "does not answer" in failure(PrometheusServer(fake.url, timeout=0.1))


def test_nobody_there() -> None:
    message = failure(PrometheusServer("http://127.0.0.1:9"))
    assert "does not answer" in message and "127.0.0.1:9" in message


def test_an_answer_without_end(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus_server, "LONGEST_ANSWER", 10)
    assert "too long" in failure(PrometheusServer(fake.url), UsageError)


def test_a_query_in_many_parts_has_an_end(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promql, "MOST_IN_ONE", 1)
    history = PrometheusHistory(PrometheusServer(fake.url), wait_seconds=-1)
    with pytest.raises(HistoryUnavailable, match="too long"):
        history.query(Selector(metric="m"), 0, 600, 60, Aggregate.AVG)
    assert len(fake.asked) == 0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "prometheus:9090",
        "ftp://host",
        "file:///etc/passwd",
        "http://",
        "http://h/?q",
        f"http://me:{SECRET}@h",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        PrometheusServer(url)
    assert SECRET not in caught.value.message


def test_certificates_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="certificates"):
        PrometheusServer("https://h", ca_file=str(tmp_path / "none.pem"))


def test_what_agents_send_is_not_kept_here(fake: Fake) -> None:
    history = PrometheusHistory(PrometheusServer(fake.url))
    assert history.append([]).elsewhere == 0
    assert history.purge(0) == 0
    history.close()
    assert fake.asked == []
