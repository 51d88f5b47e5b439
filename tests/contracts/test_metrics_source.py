"""What every source of metrics owes its port: the fake, and the one over HTTP."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.fakes.metrics_source import TEXT, FakeSource

from sentinel.drivers.metrics_sources.http_source import HttpSource
from sentinel.ports.metrics_source import MetricsSource, Page, ScrapeError


@dataclass
class Case:
    """A source whose address answers "a 1", /health 204 with nothing, and 404 for all else."""

    source: MetricsSource
    leave: Callable[[], object]


def fake_case() -> Iterator[Case]:
    fake = FakeSource("a 1\n", {"/health": (204, "")})
    yield Case(fake, lambda: setattr(fake, "trouble", "nobody listens there"))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = {"/metrics": (200, b"a 1\n"), "/health": (204, b"")}.get(
            self.path, (404, b"not found")
        )
        self.send_response(status)
        self.send_header("Content-Type", TEXT)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def http_case() -> Iterator[Case]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def leave() -> None:
        server.shutdown()
        server.server_close()

    yield Case(HttpSource(f"http://127.0.0.1:{server.server_address[1]}"), leave)
    leave()


@pytest.fixture(params=[fake_case, http_case], ids=["fake", "http"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    yield from request.param()


def test_the_page_at_the_address(case: Case) -> None:
    assert case.source.get() == Page(status=200, content_type=TEXT, body=b"a 1\n")
    assert case.source.get() == case.source.get()


def test_another_page_of_the_same_server(case: Case) -> None:
    assert (case.source.get("/health").status, case.source.get("/health").body) == (204, b"")
    assert case.source.get("/x").status == 404


def test_where_nobody_answers_it_is_told(case: Case) -> None:
    case.leave()
    with pytest.raises(ScrapeError, match="nobody listens there"):
        case.source.get()
