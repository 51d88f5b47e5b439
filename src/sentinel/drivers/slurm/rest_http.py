"""One GET of slurmrestd, over its Unix socket or TCP, bounded in time and size. Called by `restd`."""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from sentinel.core.socket_path import socket_path
from sentinel.drivers.slurm.rest_address import RestAddress

MOST_BYTES = 256 * 2**20
_CHUNK = 2**18


class TooLate(OSError):
    """The answer did not end in time."""


class TooLong(OSError):
    """The answer does not end."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.settimeout(self.timeout)
            with socket_path(Path(self._path)) as name:
                connected.connect(name)
        except OSError:
            connected.close()
            raise
        self.sock = connected


def get(
    address: RestAddress,
    path: str,
    headers: Mapping[str, str],
    *,
    until: float,
    now: Callable[[], float],
    tls: ssl.SSLContext | None = None,
    most: int = MOST_BYTES,
) -> tuple[int, bytes]:
    """Status and body. Follows no redirection. `until` is on the clock of `now`.

    Raises OSError (TooLate, TooLong, …) and http.client.HTTPException.
    """
    connection = _connection(address, max(until - now(), 0.01), tls)
    try:
        connection.connect()
        # The timeout is for each piece of an answer; however slowly those come, this ends the whole.
        ender = threading.Timer(max(until - now(), 0.0), _cut, (connection.sock,))
        ender.daemon = True
        ender.start()
        try:
            connection.request("GET", path, headers=dict(headers))
            response = connection.getresponse()
            body = _whole(response, most)
            if now() >= until:
                raise TooLate  # an answer of no announced length just ends when it is cut
            return response.status, body
        finally:
            ender.cancel()
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, TimeoutError) or (until <= now() and not isinstance(error, TooLong)):
            raise TooLate from error
        raise
    finally:
        connection.close()


def _whole(response: http.client.HTTPResponse, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            raise TooLong
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(chunks)


def _cut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not through TLS: that would wait for the other side.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _connection(
    address: RestAddress, timeout: float, tls: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    if address.socket is not None:
        return _UnixConnection(address.socket, timeout)
    if address.tls:
        return http.client.HTTPSConnection(address.host, address.port, timeout=timeout, context=tls)
    return http.client.HTTPConnection(address.host, address.port, timeout=timeout)
