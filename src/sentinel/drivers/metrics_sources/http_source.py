"""Metrics over HTTP or HTTPS, with the standard library alone. Opened by the wiring of agent and server.

The other side is trusted with nothing: no proxy is honoured, no redirection to another server is followed,
and neither a long answer nor one that dribbles in can hold us for longer than said (but for what the system
takes to look up a name). The token is read from its file each time, so that it may be changed while we run;
it is in no message.
"""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from sentinel.core.clock import boottime
from sentinel.core.errors import UsageError
from sentinel.core.units import show_duration, show_size
from sentinel.ports.metrics_source import MOST_BYTES, Page, ScrapeError

TIMEOUT = 5.0
MOST_REDIRECTIONS = 3
_REDIRECTIONS = (301, 302, 303, 307, 308)
_ACCEPT = "text/plain;version=0.0.4, application/openmetrics-text;q=0.5, */*;q=0.1"
_PORTS = {"http": 80, "https": 443}
_CHUNK = 2**18


class HttpSource:
    """Implements ports.metrics_source.MetricsSource. Without a path of its own, `url` is that of its
    /metrics. UsageError when it is none, or the certificates in `ca_file` cannot be read."""

    def __init__(
        self,
        url: str,
        *,
        token_file: str | None = None,
        ca_file: str | None = None,
        timeout: float = TIMEOUT,
        now: Callable[[], float] = boottime,
    ) -> None:
        parts = _address(url)
        self._path = parts.path if parts.path.strip("/") else "/metrics"
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._host, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._token_file, self._timeout, self._now = token_file, timeout, now
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            try:
                self._tls = ssl.create_default_context(cafile=ca_file)
            except OSError as error:
                raise UsageError(f"the certificates in {ca_file} cannot be read: {error}") from None

    def get(self, path: str | None = None) -> Page:
        until = self._now() + self._timeout
        wanted = self._path if path is None else path
        for _ in range(MOST_REDIRECTIONS + 1):
            answer, location = self._ask(wanted, until)
            if answer.status not in _REDIRECTIONS or location is None:
                return answer
            wanted = self._within(wanted, location)
        raise ScrapeError(f"{self._base}: it sends us from one place to the next")

    # -------------------------------------------------------------- one request

    def _ask(self, path: str, until: float) -> tuple[Page, str | None]:
        """The answer, and where it sends us."""
        what = f"{self._base}{path.partition('?')[0]}"
        headers = {"Accept": _ACCEPT, "Accept-Encoding": "identity", "Connection": "close"}
        if self._token_file is not None:
            headers["Authorization"] = f"Bearer {_token(self._token_file)}"
        line = _Line(self._timeout)
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        connection.default_port = 443 if self._tls is not None else 80
        try:
            connection.sock = line.connected(self._host, self._port, self._tls, until - self._now())
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = _whole(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            slow = line.cut or isinstance(error, TimeoutError)
            why = f"no answer within {show_duration(self._timeout)}" if slow else _reason(error)
            raise ScrapeError(f"{what}: {why}") from None
        finally:
            line.close()
            connection.close()
        if line.cut:  # an answer of no announced length just ends when it is cut
            raise ScrapeError(f"{what}: no whole answer within {show_duration(self._timeout)}")
        if len(body) > MOST_BYTES:
            raise ScrapeError(f"{what}: the answer is longer than {show_size(MOST_BYTES)}")
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ScrapeError(f"{what}: it answers compressed, although not asked to")
        page = Page(status=answer.status, content_type=answer.headers.get("Content-Type", ""), body=body)
        return page, answer.headers.get("Location")

    def _within(self, path: str, location: str) -> str:
        """The path that `location` means, on this server. ScrapeError where it is another's."""
        try:
            parts = urlsplit(urljoin(f"{self._base}{path}", location))
            host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError:
            raise ScrapeError(f"{self._base}: it sends us to no address") from None
        if (f"{parts.scheme}://", host, port) != (
            f"{self._base.partition('//')[0]}//",
            self._host,
            self._port,
        ):
            raise ScrapeError(
                f"{self._base}: it sends us to another server, {host!r}; if that is right, name its address"
            )
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class _Line:
    """A connection that is cut when its time is over: a timeout of the socket's begins anew at every byte."""

    def __init__(self, seconds: float) -> None:
        self.cut = False
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self._seconds = seconds

    def connected(self, host: str, port: int, tls: ssl.SSLContext | None, left: float) -> socket.socket:
        raw = socket.create_connection((host, port), timeout=max(left, 0.01))
        self._socket = raw
        self._timer = threading.Timer(max(left, 0.01), self._hang_up)
        self._timer.daemon = True
        self._timer.start()
        if tls is None:
            return raw
        secured = tls.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
        self._socket = secured
        secured.do_handshake()
        return secured

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._socket.close()

    def _hang_up(self) -> None:
        self.cut = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Not through TLS: that would wait for the other side.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _whole(answer: http.client.HTTPResponse) -> bytes:
    """The body; of one that is too long, a little more than is allowed."""
    chunks: list[bytes] = []
    size = 0
    while size <= MOST_BYTES and (chunk := answer.read(_CHUNK)):
        chunks.append(chunk)
        size += len(chunk)
    if answer.length and size <= MOST_BYTES:
        raise http.client.IncompleteRead(b"", answer.length)
    return b"".join(chunks)


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        good = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise UsageError(f"{_shown(url)} is no address: write it like https://HOST:9400/metrics") from None
    if not good or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(f"{_shown(url)} is no address: write it like https://HOST:9400/metrics")
    if parts.username is not None or parts.query:
        raise UsageError(f"{_shown(url)}: no password and no query belongs there; name a file with a token")
    return parts


def _token(path: str) -> str:
    try:
        token = Path(path).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not plain text"
        raise ScrapeError(f"the token in {path} cannot be read: {why}") from None
    if not token or not token.isprintable() or " " in token:
        raise ScrapeError(f"there is no token in {path}: it is one word on one line")
    return token


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); name its authority as ca_file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"no HTTP ({type(error).__name__})"


def _shown(url: str) -> str:
    """Without what may be a password."""
    return ascii(url.rpartition("@")[2].partition("?")[0][:200])
