"""What a misbehaving server on this machine can do to us over HTTP: nothing."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sentinel.core.errors import ServiceError, UsageError
from sentinel.drivers.services import loopback
from sentinel.drivers.services.loopback import Loopback, Unreachable

Serve = Callable[..., Loopback]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server that answers each connection with these pieces, `pause` seconds apart."""
    listeners: list[socket.socket] = []

    def one(*pieces: bytes, pause: float = 0.0) -> Loopback:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            try:
                while True:
                    client, _ = listener.accept()
                    with client:
                        client.recv(65536)
                        for piece in pieces:
                            client.sendall(piece)
                            time.sleep(pause)
            except OSError:
                return

        threading.Thread(target=run, daemon=True).start()
        return Loopback(host="127.0.0.1", port=listener.getsockname()[1])

    yield one
    for listener in listeners:
        listener.close()


def test_an_answer(serve: Serve) -> None:
    server = serve(b'HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\n{"a":1}')
    answer = server.ask("POST", "/", {"x": 1})
    assert (answer.status, answer.json()) == (201, {"a": 1})


@pytest.mark.parametrize(
    "body", [b"[1]", b"nonsense", b"", b"[" * 100_000], ids=["list", "text", "none", "deep"]
)
def test_what_is_no_json_object_is_an_empty_one(serve: Serve, body: bytes) -> None:
    assert serve(b"HTTP/1.0 200 OK\r\n\r\n" + body).ask("GET", "/").json() == {}


def test_a_redirect_is_not_followed(serve: Serve) -> None:
    server = serve(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n")
    assert server.ask("GET", "/").status == 302


def test_proxies_in_the_environment_are_not_honoured(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert serve(b"HTTP/1.0 204 No\r\n\r\n").ask("GET", "/").status == 204


@pytest.mark.parametrize(
    "pieces",
    [(b"H",) * 40, (b"HTTP/1.0 200 OK\r\nX: " + b"y",) * 40, (b"HTTP/1.0 200 OK\r\n\r\n", *[b"x"] * 40)],
)
def test_one_that_dribbles_is_given_up_on_time(serve: Serve, pieces: tuple[bytes, ...]) -> None:
    began = time.monotonic()
    with pytest.raises(ServiceError, match="within 200 ms"):
        serve(*pieces, pause=0.05).ask("GET", "/slow", seconds=0.2)
    assert time.monotonic() - began < 1


def test_one_that_never_ends_is_cut_off(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "MOST_BYTES", 1000)
    with pytest.raises(ServiceError, match="longer than 1000 B"):
        serve(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 5000).ask("GET", "/")


@pytest.mark.parametrize(
    "said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"]
)
def test_what_is_no_http_is_an_error(serve: Serve, said: bytes) -> None:
    with pytest.raises(ServiceError, match="GET http://127"):
        serve(said).ask("GET", "/", seconds=1)


def test_nobody_there_has_an_error_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable, match="nobody listens"):
        Loopback(host="127.0.0.1", port=port).ask("GET", "/")


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1", 8000),
        ("http://localhost/", "localhost", 80),
        ("http://[::1]:11434", "::1", 11434),
    ],
)
def test_addresses_of_this_machine(url: str, host: str, port: int) -> None:
    assert Loopback.of(url) == Loopback(host=host, port=port)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1",
        "http://example.org:8000",
        "http://192.168.1.5:8000",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:8000/v1",
        "http://me@127.0.0.1",
        "127.0.0.1:8000",
        "",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match=r"write it like|like http|no address"):
        Loopback.of(url)
