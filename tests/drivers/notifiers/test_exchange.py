"""One request: whatever the other side does, it ends in time, and says what went wrong in words."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.drivers.notifiers.receiver import Receiver

from sentinel.core.clock import boottime
from sentinel.core.errors import UsageError
from sentinel.drivers.notifiers.exchange import MOST_BYTES, Answer, exchange, trusting
from sentinel.ports.notifier import NotifyError


@contextlib.contextmanager
def talking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does `talk` with its one caller, in place of HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                caller, _ = server.accept()
                with caller:
                    talk(caller)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.close()
        thread.join(5)


def ask(url: str, timeout: float = 5.0) -> Answer:
    return exchange("POST", url, {}, b"{}", tls=trusting(None), timeout=timeout, now=boottime)


def failure(url: str, timeout: float = 5.0) -> str:
    with pytest.raises(NotifyError) as caught:
        ask(url, timeout)
    assert caught.value.retry
    return caught.value.message


def drip(beginning: bytes, caller: socket.socket) -> None:
    caller.sendall(beginning)
    for _ in range(100):
        caller.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
    ],
)
def test_an_answer_in_drips_ends_in_time(beginning: bytes) -> None:
    begun = time.monotonic()
    with talking(lambda caller: drip(beginning, caller)) as place:
        assert "0.3 s" in failure(f"http://{place}/", 0.3)
    assert time.monotonic() - begun < 4


def test_a_handshake_in_drips_as_well() -> None:
    begun = time.monotonic()
    with talking(lambda caller: drip(b"\x16\x03\x03\x40\x00", caller)) as place:
        assert "is it up" in failure(f"https://{place}/", 0.3)
    assert time.monotonic() - begun < 4


def test_what_is_no_http() -> None:
    def greet(caller: socket.socket) -> None:
        caller.recv(65536)
        caller.sendall(b"220 smtp.example ESMTP\r\n")

    with talking(greet) as place:
        assert "as HTTP does" in failure(f"http://{place}/")


def test_a_hang_up() -> None:
    with talking(lambda caller: None) as place:
        assert place in failure(f"http://{place}/secret") and "secret" not in failure(
            f"http://{place}/secret"
        )


def test_plain_http_where_tls_is_asked_for() -> None:
    with Receiver.running() as receiver:
        assert "?" in failure(receiver.url.replace("http:", "https:"))


def test_an_endless_answer_is_read_no_further() -> None:
    with Receiver.running() as receiver:
        receiver.body = b"x" * (MOST_BYTES + 1000)
        assert len(ask(receiver.url).body) == MOST_BYTES


def test_a_name_that_leads_nowhere() -> None:
    assert "name" in failure("http://no-such-host.invalid/x")


def test_an_authority_that_cannot_be_read(tmp_path: object) -> None:
    for file in ("/nonexistent.pem", __file__):
        with pytest.raises(UsageError, match="cannot be read"):
            trusting(file)
