"""HTTP over a Unix socket when the other end is slow, silent, torn off or no HTTP at all."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes.container_engine import FakeEngine

from sentinel.drivers.containers import unix_http
from sentinel.drivers.containers.unix_http import BadAnswer, UnixHttp

Make = Callable[..., UnixHttp]


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    yield fake
    fake.close()


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[UnixHttp] = []

    def one(path: str | Path, timeout: float = 5.0) -> UnixHttp:
        made.append(UnixHttp(str(path), timeout=timeout))
        return made[-1]

    yield one
    for one_made in made:
        one_made.close()


@pytest.fixture
def says(tmp_path: Path) -> Iterator[Callable[[bytes], Path]]:
    """A server that answers each connection with these bytes and hangs up."""
    listeners: list[socket.socket] = []

    def serve(raw: bytes) -> Path:
        path = tmp_path / "s.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        listeners.append(listener)

        def loop() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(raw)

        threading.Thread(target=loop, daemon=True).start()
        return path

    yield serve
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_many_questions_take_one_connection(engine: FakeEngine, make: Make) -> None:
    http = make(engine.path)
    assert {http.get("/_ping").status for _ in range(10)} == {200}
    assert http.get("/nonesuch").status == 404
    assert engine.connections == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_opened_anew_without_a_word(
    engine: FakeEngine, make: Make
) -> None:
    http = make(engine.path)
    http.get("/_ping")
    engine.hang_up()
    assert http.get("/_ping").status == 200
    engine.hang_up_after = 1  # it takes the second question, and hangs up instead of an answer
    assert http.get("/_ping").status == 200
    assert engine.connections == 3


def test_a_new_connection_that_is_closed_is_no_answer_and_not_tried_again(
    engine: FakeEngine, make: Make
) -> None:
    engine.hang_up_after = 0
    with pytest.raises(ConnectionResetError):
        make(engine.path).get("/_ping")
    assert engine.calls["/_ping"] == 1


def test_the_time_limit_is_for_the_whole_answer(engine: FakeEngine, make: Make) -> None:
    engine.drip = 0.05  # each byte well within the limit
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        make(engine.path, timeout=0.3).get("/nonesuch")
    assert 0.3 <= time.monotonic() - began < 0.8


def test_an_answer_that_comes_late_is_not_taken_for_the_next_one(engine: FakeEngine, make: Make) -> None:
    http = make(engine.path, timeout=0.2)
    engine.hung.set()
    with pytest.raises(TimeoutError):
        http.get("/containers/late/json")
    engine.hung.clear()
    assert http.get("/_ping").json() == "OK"


@pytest.mark.parametrize("head", [b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_too_long_an_answer_is_refused(
    head: bytes, says: Callable[[bytes], Path], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix_http, "MOST_BYTES", 100)
    body = b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n" if b"chunked" in head else b"x" * 1000
    with pytest.raises(BadAnswer, match="longer than 100 B"):
        make(says(b"HTTP/1.1 200 OK\r\n" + head + body)).get("/")


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"\xff" * 100_000,
    ],
)
def test_no_http_is_said_to_be_none(raw: bytes, says: Callable[[bytes], Path], make: Make) -> None:
    with pytest.raises((BadAnswer, ConnectionResetError)):
        make(says(raw)).get("/")


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,2",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n[1,2",
    ],
)
def test_an_answer_that_is_torn_off_is_none(raw: bytes, says: Callable[[bytes], Path], make: Make) -> None:
    with pytest.raises(ConnectionResetError, match="in mid-answer"):
        make(says(raw)).get("/")


@pytest.mark.parametrize("raw", [b"", b"{", b"[" * 100_000, b"\xff\xfe{}", b"1" * 10_000])
def test_what_is_no_json_is_said_to_be_none(raw: bytes, engine: FakeEngine, make: Make) -> None:
    engine.answer = raw
    with pytest.raises(BadAnswer, match="no JSON"):
        make(engine.path).get("/").json()


def test_lines_come_one_by_one_and_end_with_the_connection(engine: FakeEngine, make: Make) -> None:
    lines = make(engine.path).lines("/events")
    threading.Timer(0.1, lambda: (engine.say(b"one\ntw"), engine.say(b"o\n"), engine.stop())).start()
    assert list(lines) == [b"one\n", b"two\n"]


def test_lines_that_are_refused_say_so(engine: FakeEngine, make: Make) -> None:
    engine.status = 500
    with pytest.raises(BadAnswer, match="HTTP 500"):
        next(make(engine.path).lines("/events"))


def test_waiting_for_a_line_has_no_time_limit_but_its_beginning_has(engine: FakeEngine, make: Make) -> None:
    http = make(engine.path, timeout=0.1)
    threading.Timer(0.4, engine.say, [b"late\n"]).start()
    lines = http.lines("/events")
    assert next(lines) == b"late\n"
    engine.hung.set()
    with pytest.raises(TimeoutError):
        next(http.lines("/events"))


def test_closing_brings_back_whoever_waits(engine: FakeEngine, make: Make) -> None:
    http = make(engine.path)
    http.get("/_ping")
    engine.hung.set()
    ended: list[str] = []

    def ask() -> None:
        try:
            http.get("/_ping")
        except OSError:
            ended.append("get")

    def listen() -> None:
        ended.extend(f"line {line!r}" for line in http.lines("/events"))
        ended.append("lines")

    threads = [threading.Thread(target=one, daemon=True) for one in (ask, listen)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 2
    while engine.calls["/_ping"] < 2 or engine.calls["/events"] < 1:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    http.close()
    for thread in threads:
        thread.join(2)
    assert sorted(ended) == ["get", "lines"]
    with pytest.raises(OSError, match="has been closed"):
        http.get("/_ping")
