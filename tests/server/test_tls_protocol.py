"""Requests have an end: who sends one too slowly, or for ever, loses the connection. Real uvicorn, no TLS."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from tests.e2e.workstation import eventually

from sentinel.server import tls_protocol
from sentinel.server.tls_protocol import NodeProtocol

WITHIN = 0.5
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once, before it has read anything."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(tls_protocol, "ARRIVES_WITHIN", WITHIN)
    config = uvicorn.Config(app, http=NodeProtocol, lifespan="off", log_config=None, timeout_keep_alive=30)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            eventually(lambda: server.started)
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(10)


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        yield connection


def seconds_until_it_ends(connection: socket.socket, drip: bytes = b"") -> float:
    began = time.monotonic()
    connection.settimeout(0.05)
    while time.monotonic() < began + 5 * WITHIN:
        try:
            connection.sendall(drip)
            if not connection.recv(1000):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("sent", "drip"),
    [(b"", b""), (b"", b"\r\n"), (HEAD[:-2], b"x"), (HEAD, b""), (HEAD + b"12345", b"")],
    ids=["nothing", "blank lines", "half a head", "no body", "half a body"],
)
def test_a_request_that_never_arrives_is_given_up(port: int, sent: bytes, drip: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(sent)
        assert WITHIN * 0.9 < seconds_until_it_ends(connection, drip) < 3 * WITHIN


def test_the_second_request_of_a_connection_too(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(HEAD + b"0123456789" + HEAD[:-2])
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        assert WITHIN * 0.9 < seconds_until_it_ends(connection) < 3 * WITHIN


def test_between_requests_there_is_more_time(port: int) -> None:
    with connected(port) as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"0123456789")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            time.sleep(1.5 * WITHIN)


def test_a_request_without_end_is_cut_off(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(HEAD.replace(b"Content-Length: 10", b"Transfer-Encoding: chunked"))
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 64 << 20:
                connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
        assert tls_protocol.MOST_REQUEST <= sent < 3 * tls_protocol.MOST_REQUEST
