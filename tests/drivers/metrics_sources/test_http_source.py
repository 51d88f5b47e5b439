"""HTTP as others speak it: what is followed, what is refused, how long it may take, what is never told."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from sentinel.core.errors import UsageError
from sentinel.drivers.metrics_sources import http_source
from sentinel.drivers.metrics_sources.http_source import HttpSource
from sentinel.ports.metrics_source import ScrapeError

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """`answers` by path; `asked` are the paths and headers of the requests."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, dict(self.headers)))
                outer.answers.get(self.path, reply(404, b"no"))(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def reply(status: int, body: bytes, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.close()


def test_a_page_comes_with_its_status_and_kind(server: Server) -> None:
    server.answers["/metrics"] = reply(200, b"a 1\n", Content_Type="text/plain; version=0.0.4")
    page = HttpSource(server.url).get()
    assert (page.status, page.content_type, page.body) == (200, "text/plain; version=0.0.4", b"a 1\n")
    assert HttpSource(f"{server.url}/").get("/health").status == 404
    assert [path for path, _ in server.asked] == ["/metrics", "/health"]
    (_, headers), *_ = server.asked
    assert headers["Host"] == f"127.0.0.1:{server.port}"
    assert headers["Accept"].startswith("text/plain;version=0.0.4")
    assert "Authorization" not in headers


def test_a_path_of_its_own_is_kept(server: Server) -> None:
    server.answers["/a/prometheus"] = reply(200, b"")
    assert HttpSource(f"{server.url}/a/prometheus").get().status == 200


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "host:9400",
        "http://",
        "http://host:port",
        "http://host:0",
        "http://host:70000",
        "http://host/a b",
        "http://höst/",
        "http://host/\r\nX: y",
        "http://ann:secret@host/",
        "http://host/?token=secret",
        "http://host/#x",
    ],
)
def test_what_is_no_address_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        HttpSource(url)
    assert "secret" not in refused.value.message


def test_no_proxy_of_the_environment_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.answers["/metrics"] = reply(200, b"a 1\n")
    assert HttpSource(server.url).get().status == 200


# ------------------------------------------------------------------ tokens


def test_a_token_is_read_each_time_and_sent(server: Server, tmp_path: Path) -> None:
    server.answers["/metrics"] = reply(200, b"")
    file = tmp_path / "token"
    source = HttpSource(server.url, token_file=str(file))
    for token in ("first", "second\n"):
        file.write_text(token)
        source.get()
    sent = [headers["Authorization"] for _, headers in server.asked]
    assert sent == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("content", ["", "\n", "two words", "a\r\nX: y", "caf\xe9"])
def test_what_is_no_token_is_named_and_not_told(server: Server, tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(ScrapeError, match="token") as refused:
        HttpSource(server.url, token_file=str(file)).get()
    assert not content.strip() or content.strip() not in refused.value.message
    assert server.asked == []
    file.unlink()
    with pytest.raises(ScrapeError, match="No such file"):
        HttpSource(server.url, token_file=str(file)).get()


# ------------------------------------------------------------------ redirections


def test_a_redirection_on_the_same_server_is_followed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    server.answers["/metrics"] = reply(302, b"", Location="/real/metrics?x=1")
    server.answers["/real/metrics?x=1"] = reply(308, b"", Location=f"{server.url}/there")
    server.answers["/there"] = reply(200, b"a 1\n")
    assert HttpSource(server.url, token_file=str(tmp_path / "token")).get().body == b"a 1\n"
    assert {headers["Authorization"] for _, headers in server.asked} == {"Bearer t"}


@pytest.mark.parametrize(
    "to",
    [
        "http://localhost:{port}/x",
        "//127.0.0.2:{port}/",
        "https://127.0.0.1:{port}/",
        "http://127.0.0.1:1/",
        "file:///etc/passwd",
        "http://[::1/",
    ],
)
def test_one_to_another_server_is_not(server: Server, to: str) -> None:
    server.answers["/metrics"] = reply(301, b"", Location=to.format(port=server.port))
    with pytest.raises(ScrapeError, match="it sends us to"):
        HttpSource(server.url).get()
    assert len(server.asked) == 1


def test_one_that_goes_in_circles_ends(server: Server) -> None:
    server.answers["/metrics"] = reply(302, b"", Location="/metrics")
    with pytest.raises(ScrapeError, match="from one place to the next"):
        HttpSource(server.url).get()
    assert len(server.asked) == 4


# ------------------------------------------------------------------ answers that do not end


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ScrapeError, match=f"http://127.0.0.1:{port}/metrics: nobody listens there"):
        HttpSource(f"http://127.0.0.1:{port}").get()


def test_one_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(ScrapeError, match="no answer within"):
            HttpSource(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2).get()
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("length", [True, False])
def test_one_that_dribbles_is_given_up(server: Server, length: bool) -> None:
    over = threading.Event()

    def dribble(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if length:
            handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not over.wait(0.02):
            handler.wfile.write(b"#")
            handler.wfile.flush()

    server.answers["/metrics"] = dribble
    began = time.monotonic()
    with pytest.raises(ScrapeError, match="within"):
        HttpSource(server.url, timeout=0.3).get()
    over.set()
    assert time.monotonic() - began < 2


def test_one_that_is_too_long_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_source, "MOST_BYTES", 10_000)
    server.answers["/metrics"] = reply(200, b"#" * 10_000)
    assert len(HttpSource(server.url).get().body) == 10_000
    server.answers["/metrics"] = reply(200, b"#" * 10_001)
    with pytest.raises(ScrapeError, match="longer than"):
        HttpSource(server.url).get()


def test_one_that_is_cut_off_or_compressed_or_no_http_is_refused(server: Server) -> None:
    source = HttpSource(server.url)
    server.answers["/metrics"] = reply(200, b"a 1\n", Content_Length="100")
    with pytest.raises(ScrapeError, match="IncompleteRead"):
        source.get()
    server.answers["/metrics"] = reply(200, b"\x1f\x8b", Content_Encoding="gzip")
    with pytest.raises(ScrapeError, match="compressed"):
        source.get()
    server.answers["/metrics"] = lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n") and None
    with pytest.raises(ScrapeError, match="no HTTP"):
        source.get()


# ------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


@pytest.fixture
def secured(authority: trustme.CA) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    one = Server(context)
    yield one
    one.close()


def test_a_certificate_is_checked(secured: Server, trusted: str) -> None:
    secured.answers["/metrics"] = reply(200, b"a 1\n")
    assert HttpSource(secured.url, ca_file=trusted).get().body == b"a 1\n"
    with pytest.raises(ScrapeError, match=r"not trusted .*ca_file"):
        HttpSource(secured.url).get()
    with pytest.raises(ScrapeError, match="not trusted"):
        HttpSource(secured.url.replace("127.0.0.1", "localhost"), ca_file=trusted).get()


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.pem"):
        HttpSource("https://127.0.0.1", ca_file=str(tmp_path / "none.pem"))
    (tmp_path / "bad.pem").write_text("x")
    with pytest.raises(UsageError, match=r"bad\.pem"):
        HttpSource("https://127.0.0.1", ca_file=str(tmp_path / "bad.pem"))


def test_a_handshake_that_does_not_end_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(ScrapeError, match="within"):
            HttpSource(f"https://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2).get()
        assert time.monotonic() - began < 2


def test_each_request_is_a_connection_of_its_own(server: Server) -> None:
    server.answers["/metrics"] = reply(200, b"a 1\n")
    source = HttpSource(server.url)
    assert [source.get().status for _ in range(3)] == [200, 200, 200]
    assert {headers["Connection"] for _, headers in server.asked} == {"close"}
