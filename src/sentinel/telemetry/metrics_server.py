"""Serves `/metrics`, `/healthz` and `/readyz` over HTTP or HTTPS, to Prometheus and to whoever looks.

Called by the agent's wiring. What is served names people, so beyond this machine it takes a token or TLS.
A client may be slow or hostile: connections are few, each ends after a while whatever it does, and nothing
but GET and HEAD of four paths is understood.
"""

import contextlib
import gzip
import hmac
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import Any, cast

from sentinel.core.errors import UsageError
from sentinel.telemetry.metrics_access import TlsFiles, check_listen, tls_context

DEFAULT_LISTEN = ("127.0.0.1", 9400)
MOST_CONNECTIONS = 16
SOCKET_SECONDS = 10.0  # without a byte
CONNECTION_SECONDS = 30.0  # in all: a connection is for one request
_GZIP_FROM = 1024
_INDEX = (
    b"<!doctype html><title>Sentinel</title><h1>Sentinel</h1>"
    b'<p><a href="/metrics">metrics</a> <a href="/healthz">healthz</a> <a href="/readyz">readyz</a>\n'
)
_HTML, _TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"

Render = Callable[[str], tuple[bytes, str]]
"""From the `Accept` header to a body and its content type. Called by several threads at once."""
Ready = Callable[[], str | None]
"""None when there is something new to serve, else why not."""


class MetricsServer:
    """One listening socket. `start` and `close` are for one thread."""

    def __init__(
        self,
        listen: tuple[str, int],
        render: Render,
        ready: Ready,
        token: str | None = None,
        tls: TlsFiles | None = None,
        *,
        most_connections: int = MOST_CONNECTIONS,
        socket_seconds: float = SOCKET_SECONDS,
        connection_seconds: float = CONNECTION_SECONDS,
    ) -> None:
        """Port 0 is any. Raises UsageError for a combination that is refused, or an address in use."""
        check_listen(listen, token=token, tls=tls)
        context = tls_context(tls) if tls else None
        self._server = _Server(
            _listening(listen),
            _Site(render=render, ready=ready, token=token.encode() if token else None),
            context,
            _Bounds(most_connections, socket_seconds, connection_seconds),
        )
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        name = self._server.socket.getsockname()
        return name[0], name[1]

    def start(self) -> None:
        """Serves from a thread of its own."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 60.0}, name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stops listening. Connections that are open end by themselves, soon. Idempotent."""
        if self._thread is not None:
            # Wakes the thread, so that it need not wake by itself to see whether it should end.
            with contextlib.suppress(OSError):
                self._server.socket.shutdown(socket.SHUT_RDWR)
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()


def _listening(listen: tuple[str, int]) -> socket.socket:
    host, port = listen
    try:
        info = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return socket.create_server((host, port), family=info[0][0], backlog=MOST_CONNECTIONS)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    render: Render
    ready: Ready
    token: bytes | None


@dataclass(frozen=True, slots=True)
class _Bounds:
    connections: int
    socket_seconds: float
    connection_seconds: float


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, listening: socket.socket, site: _Site, tls: ssl.SSLContext | None, bounds: _Bounds
    ) -> None:
        super().__init__(listening.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.site, self.bounds, self._tls = site, bounds, tls
        self._room = threading.BoundedSemaphore(bounds.connections)

    def process_request(self, request: Any, client_address: Any) -> None:
        # Who comes when all places are taken is turned away: to wait would be to hold a file for them.
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            request.settimeout(self.bounds.socket_seconds)
            self._serve(request, client_address)
        finally:
            self._room.release()

    def _serve(self, plain: socket.socket, client_address: Any) -> None:
        # The handshake is in this thread and not in accept(), where one slow client would stop everybody.
        request = plain
        if self._tls:
            request = self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        # A byte every nine seconds is no timeout, but ends all the same.
        ender = threading.Timer(self.bounds.connection_seconds, _cut, (request,))
        ender.daemon = True
        ender.start()
        try:
            if isinstance(request, ssl.SSLSocket):
                request.do_handshake()
            super().process_request_thread(request, client_address)
        except OSError:
            self.shutdown_request(request)
        finally:
            ender.cancel()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is no news."""


def _cut(request: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not through TLS: that would wait for the other side.
        socket.socket.shutdown(request, socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sentinel"
    sys_version = ""
    error_content_type = _TEXT
    error_message_format = "%(code)d %(message)s\n"

    def do_GET(self) -> None:
        """The four paths."""
        site = self._site
        path = self.path.partition("?")[0]
        match path:
            case "/":
                self._answer(HTTPStatus.OK, _INDEX, _HTML)
            case "/healthz":
                self._answer(HTTPStatus.OK, b"ok\n", _TEXT)
            case "/readyz":
                why = site.ready()
                status = HTTPStatus.OK if why is None else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, f"{why or 'ok'}\n".encode(), _TEXT)
            case "/metrics" if self._may_see():
                body, content_type = site.render(self.headers.get("Accept", ""))
                self._answer(HTTPStatus.OK, body, content_type)
            case "/metrics":
                self._refuse()
            case _:
                self._answer(HTTPStatus.NOT_FOUND, b"there is /metrics, /healthz and /readyz\n", _TEXT)

    do_HEAD = do_GET

    def send_error(self, code: int, *_: object, **__: object) -> None:
        """Says what the status means and nothing of what was sent; methods besides GET and HEAD are a 405."""
        super().send_error(HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else code)

    def version_string(self) -> str:
        """No version for those who collect them."""
        return self.server_version

    def log_message(self, format: str, *args: Any) -> None:
        """One scrape every few seconds is nothing to log."""

    @property
    def _site(self) -> _Site:
        return cast("_Server", self.server).site

    def _may_see(self) -> bool:
        token = self._site.token
        if token is None:
            return True
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        # Both in bytes: compare_digest takes no other text than ASCII.
        right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token)
        return right and scheme.lower() == "bearer"

    def _refuse(self) -> None:
        self._answer(
            HTTPStatus.UNAUTHORIZED,
            b"this takes the header: Authorization: Bearer TOKEN\n",
            _TEXT,
            {"WWW-Authenticate": 'Bearer realm="metrics"'},
        )

    def _answer(
        self, status: HTTPStatus, body: bytes, content_type: str, more: dict[str, str] | None = None
    ) -> None:
        headers = {
            "Content-Type": content_type,
            "Cache-Control": "no-store",
            "Vary": "Accept, Accept-Encoding",
        }
        if len(body) >= _GZIP_FROM and _takes_gzip(self.headers.get("Accept-Encoding", "")):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        headers |= {"Content-Length": str(len(body)), "X-Content-Type-Options": "nosniff"} | (more or {})
        self.send_response(status)
        # Connections are few, so none is kept for a next time.
        self.close_connection = True
        headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _takes_gzip(header: str) -> bool:
    for part in header.split(","):
        name, _, weight = part.strip().lower().partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
