"""One request over HTTP, bounded in time and size, for all notifiers that speak it.

No redirection is followed, as a message is for the host that people wrote and nobody else; no proxy is taken
from the environment. Name resolution alone is not bounded in time: it is the system's.
"""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sentinel.core.errors import UsageError
from sentinel.ports.notifier import NotifyError, place

MOST_BYTES = 2**16
_CHUNK = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`retry_after` and `location` are the headers as they came."""

    status: int
    body: bytes
    retry_after: str | None = None
    location: str | None = None


def trusting(ca_file: str | None) -> ssl.SSLContext:
    """Checks servers against the system's authorities, or those in `ca_file` alone. UsageError."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        why = error.strerror or "it holds no certificate in PEM"
        raise UsageError(f"the certificates in {ca_file} cannot be read: {why}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    tls: ssl.SSLContext,
    timeout: float,
    now: Callable[[], float],
    most: int = MOST_BYTES,
) -> Answer:
    """`now` is a clock that never jumps. NotifyError when there is no answer in time."""
    until = now() + timeout
    why = "does not answer as HTTP does: is that its address?"
    try:
        return _exchange(method, url, headers, body, tls, until, now, most)
    except ssl.SSLCertVerificationError as error:
        why = f"has a certificate that is not trusted ({error.verify_message}): is `ca_file` right?"
    except socket.gaierror as error:
        why = f"has a name that leads nowhere ({error.strerror}): is its address right?"
    except OSError as error:
        why = f"does not answer ({_reason(error)}): is it up, and the address right?"
    except http.client.HTTPException:
        pass
    if now() >= until:  # whatever that broke
        why = f"did not answer within {timeout:g} s: is it up, and the address right?"
    raise NotifyError(f"{place(url)} {why}", retry=True)


def _reason(error: OSError) -> str:
    """Never its whole text: nobody knows what is in that."""
    return error.strerror or type(error).__name__


def _exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    tls: ssl.SSLContext,
    until: float,
    now: Callable[[], float],
    most: int,
) -> Answer:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    connected = _connected(host, port, until, now)
    # The timeout of a socket is for each piece; however slowly those come, this ends the whole.
    ender = threading.Timer(max(until - now(), 0.0), _cut, (connected,))
    ender.daemon = True
    ender.start()
    connection = http.client.HTTPConnection(host, port)
    try:
        if secure:
            connection = http.client.HTTPSConnection(host, port, context=tls)
            connected = tls.wrap_socket(connected, server_hostname=host)
        connection.sock = connected
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body=body, headers=dict(headers))
        response = connection.getresponse()
        said = _read(response, most)
        if now() >= until:
            raise TimeoutError  # an answer of no announced length just ends when it is cut
        return Answer(
            status=response.status,
            body=said,
            retry_after=response.getheader("Retry-After"),
            location=response.getheader("Location"),
        )
    finally:
        ender.cancel()
        connection.close()
        connected.close()


def _connected(host: str, port: int, until: float, now: Callable[[], float]) -> socket.socket:
    last: OSError = TimeoutError()
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        left = until - now()
        if left <= 0:
            raise TimeoutError
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(left)
            made.connect(address)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            made.close()
            last = error
        else:
            return made
    raise last


def _read(response: http.client.HTTPResponse, most: int) -> bytes:
    """At most `most` bytes: what a notifier is answered is for people, and longer is of no use to them."""
    chunks: list[bytes] = []
    left = most
    while left > 0 and (chunk := response.read(min(left, _CHUNK))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _cut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not through TLS: that would wait for the other side.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
