"""One kept-alive HTTPS connection to the controller. Called by the SDK (`client.pool`) and by the agent.

It is made when first needed and again when it broke. A request is sent again, once, only when the
controller had closed the kept-alive connection before any byte of the answer came, and only when doing it
twice does no harm: GET, or an Idempotency-Key. Anything else that breaks is ApiUnavailable.
"""

import json as json_
import select
import socket
import ssl
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

from sentinel import __version__
from sentinel.client.problem import error_from
from sentinel.client.wire import BadAnswer, Body, Cut, Head, Wire
from sentinel.core.errors import ApiError, ApiUnavailable, UsageError

IDEMPOTENCY_KEY = "Idempotency-Key"
_CONNECT_SECONDS = 10.0
_LONGEST_BODY = 256 * 2**20
_BY_THE_CLOCK = (9, 10)  # OpenSSL's codes: not yet valid, has expired
_CLOSED_BY_OTHER = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError, ssl.SSLEOFError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the controller said. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. ApiError when it is none."""
        try:
            return json_.loads(self.body)
        except ValueError:
            raise ApiError(
                "the controller answered something that is no JSON",
                status=self.status,
                hint="is SENTINEL_URL the address of a controller?",
            ) from None


class Stream:
    """An answer that is read as it comes: an iterator of bytes, each as soon as it is there.

    ApiUnavailable when it breaks before its end, which the caller may want to resume from.
    """

    __slots__ = ("_body", "_sock", "_url", "headers", "status")

    def __init__(self, head: Head, body: Body, url: str, sock: socket.socket) -> None:
        self.status, self.headers = head.status, head.headers
        self._body, self._url, self._sock = body, url, sock

    def set_timeout(self, seconds: float) -> None:
        """How long the next piece may take to come."""
        self._sock.settimeout(seconds)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            piece = self._body.piece()
        except (OSError, Cut, BadAnswer) as error:
            raise ApiUnavailable(f"the stream from {self._url} broke: {_why(error)}") from None
        if not piece:
            raise StopIteration
        return piece


class Connection:
    """For one thread at a time. `headers` go with each request; `timeout` is for each wait for the socket."""

    def __init__(
        self,
        url: str,
        *,
        context: ssl.SSLContext,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> None:
        self.url = url
        self._host, self._port, self._prefix = _address(url)
        self._context = context
        self._timeout = timeout
        host = f"[{self._host}]" if ":" in self._host else self._host
        always = {"Host": host if self._port == 443 else f"{host}:{self._port}"}
        always |= {"User-Agent": f"sentinel/{__version__}", "Accept-Encoding": "identity", **(headers or {})}
        self._always = _header_lines(always)
        self._sock: ssl.SSLSocket | None = None
        self._wire: Wire | None = None
        self._used = False  # an answer came over this connection before

    # Within these two `json` is the parameter's name, as people know it.

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """One request, its whole answer. ApiError for a status from 400 on, ApiUnavailable if nobody answers.

        `path` begins with "/" and is quoted already. `timeout` None: this connection's.
        """
        head, found = self._request(method, path, json, body, headers, timeout)
        try:
            data = found.whole(_LONGEST_BODY)
        except (OSError, Cut, BadAnswer) as error:
            self.close()
            raise self._broken(error, method) from None
        except BaseException:
            self.close()
            raise
        if not head.keeps:
            self.close()
        if head.status >= 400:
            raise error_from(head.status, head.headers, data, method, path)
        return Answer(status=head.status, headers=head.headers, body=data)

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Generator[Stream]:
        """One request, its answer as it comes. Raises as `ask` does before it begins. One that is left
        before its end closes the connection."""
        head, found = self._request(method, path, json, body, headers, timeout)
        try:
            if head.status >= 400:
                try:
                    data = found.whole(_LONGEST_BODY)
                except (OSError, Cut, BadAnswer):
                    data = b""
                raise error_from(head.status, head.headers, data, method, path)
            assert self._sock is not None
            yield Stream(head, found, self.url, self._sock)
        finally:
            if not (found.done and head.keeps):
                self.close()

    def interrupt(self) -> None:
        """From another thread: whoever waits for an answer here gets ApiUnavailable at once."""
        if (sock := self._sock) is not None:
            with suppress(OSError):
                # ssl's own would take it from under whoever reads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Lets go of the connection; the next request makes a new one. Idempotent."""
        sock, self._sock, self._wire = self._sock, None, None
        if sock is not None:
            with suppress(OSError):
                sock.close()

    # ------------------------------------------------------------------ inside

    def _request(
        self,
        method: str,
        path: str,
        json: Any,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        timeout: float | None,
    ) -> tuple[Head, Body]:
        data = self._bytes(method, path, json, body, headers)
        harmless = method in ("GET", "HEAD") or (headers is not None and IDEMPOTENCY_KEY in headers)
        limit = self._timeout if timeout is None else timeout
        try:
            wire = self._ready(limit)
            kept = self._used
            try:
                head = self._exchange(wire, data, method)
            except (*_CLOSED_BY_OTHER, Cut) as error:
                if not (kept and harmless) or (isinstance(error, Cut) and error.begun):
                    raise
                self.close()
                head = self._exchange(wire := self._ready(limit), data, method)
        except (OSError, Cut, BadAnswer) as error:
            self.close()
            raise self._broken(error, method) from None
        except BaseException:
            self.close()  # an answer may be on its way that nobody would read
            raise
        self._used = True
        return head, Body(wire, head)

    def _exchange(self, wire: Wire, data: bytes, method: str) -> Head:
        assert self._sock is not None
        self._sock.sendall(data)
        return wire.head(method)

    def _bytes(
        self, method: str, path: str, json: Any, body: bytes | None, headers: Mapping[str, str] | None
    ) -> bytes:
        if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
            raise UsageError(f"{path!r} is no path of an address")
        lines = [f"{method} {self._prefix}{path} HTTP/1.1\r\n", self._always]
        if json is not None:
            body = json_.dumps(json, separators=(",", ":")).encode()
            lines.append("Content-Type: application/json\r\n")
        if headers:
            lines.append(_header_lines(headers))
        if body is not None or method not in ("GET", "HEAD", "DELETE"):
            lines.append(f"Content-Length: {len(body or b'')}\r\n")
        lines.append("\r\n")
        # Head and body are one TLS record and one system call.
        return "".join(lines).encode("latin-1") + (body or b"")

    def _ready(self, timeout: float) -> Wire:
        """A connection that the other side has not closed, as far as can be told without a request."""
        sock, wire = self._sock, self._wire
        if sock is not None and self._used and select.select([sock], [], [], 0)[0]:
            # Nothing was asked, so what can be read is its end.
            self.close()
            sock = None
        if sock is None or wire is None:
            sock = self._connect(min(timeout, _CONNECT_SECONDS))
            self._sock, self._wire, self._used = sock, (wire := Wire(sock)), False
        sock.settimeout(timeout)
        return wire

    def _connect(self, timeout: float) -> ssl.SSLSocket:
        plain = socket.create_connection((self._host, self._port), timeout)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A stream may be silent for hours; that the other machine is gone shows all the same.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
            return self._context.wrap_socket(plain, server_hostname=self._host)
        except BaseException:
            plain.close()
            raise

    def _broken(self, error: Exception, method: str) -> ApiUnavailable:
        return ApiUnavailable(
            f"no controller answers at {self.url}: {_why(error)}", hint=_hint(error, self._host, method)
        )


def _address(url: str) -> tuple[str, int, str]:
    """Host, port and prefix of the path."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        _no_address(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
        _no_address(url)
    prefix = parts.path.rstrip("/")
    if not prefix.isascii() or not prefix.isprintable() or " " in prefix:
        _no_address(url)
    return parts.hostname, port, prefix


def _no_address(url: str) -> NoReturn:
    raise UsageError(f"{url!r} is no address of a controller; write it like https://gpu-01:8443")


def _header_lines(headers: Mapping[str, str]) -> str:
    for name, value in headers.items():
        if not value.isprintable() or not name.isprintable():
            raise UsageError(f"the value for the header {name!r} has characters that no header can have")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _BY_THE_CLOCK:
            return f"by this machine's clock its {error.verify_message}"
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ssl.SSLEOFError | Cut):
        return "the connection was closed"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {error.reason or error}"
    if isinstance(error, BadAnswer):
        return f"what came is no HTTP answer: {error}"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _hint(error: Exception, host: str, method: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _BY_THE_CLOCK:
            return "is the clock right? `date` shows it"
        return "does SENTINEL_CA name the ca.pem of that controller?"
    if isinstance(error, socket.gaierror | ssl.SSLError | BadAnswer):
        closed = isinstance(error, ssl.SSLEOFError)
        return "try again in a moment" if closed else "is SENTINEL_URL right?"
    if isinstance(error, ConnectionRefusedError):
        return f"is `sentinel up` or `sentinel server` running on {host}?"
    if method not in ("GET", "HEAD") and isinstance(error, Cut | ConnectionResetError | TimeoutError):
        return "it may have been done all the same; look before you ask again"
    return "try again in a moment"
