import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme
from tests.client.fake_controller import FakeController, Reply, Request, problem

from sentinel.client.connection import Connection
from sentinel.client.tls import client_context
from sentinel.core.errors import ApiError, ApiUnavailable, UsageError

KEY = {"Idempotency-Key": "k1"}


def test_asks_over_one_kept_connection(fake: FakeController, connection: Connection) -> None:
    fake.answers["POST jobs"] = lambda request: {"got": request.json, "type": request.headers["Content-Type"]}
    for number in range(3):
        answer = connection.ask("POST", "/api/v1/jobs", json={"n": number, "text": "ü"})
        assert answer.json() == {"got": {"n": number, "text": "ü"}, "type": "application/json"}
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"
    assert fake.connections == 1
    assert fake.requests[0].headers["Authorization"] == "Bearer snt_x"
    assert fake.requests[0].headers["Host"] == f"127.0.0.1:{fake.port}"


def test_chunked_and_empty_answers_leave_the_connection_usable(
    fake: FakeController, connection: Connection
) -> None:
    fake.answers["GET a"] = Reply(pieces=[b'{"a"', b": ", b"1}"])
    fake.answers["DELETE b"] = Reply(status=204)
    fake.answers["GET c"] = Reply(status=304)
    for _ in range(2):
        assert connection.ask("GET", "/api/v1/a").json() == {"a": 1}
        assert connection.ask("DELETE", "/api/v1/b").body == b""
        assert connection.ask("GET", "/api/v1/c").status == 304
    assert fake.connections == 1


def test_sends_raw_bytes(fake: FakeController, connection: Connection) -> None:
    fake.answers["POST logs"] = lambda request: {"size": len(request.body)}
    assert connection.ask("POST", "/api/v1/logs", body=bytes(300_000)).json() == {"size": 300_000}


def test_a_large_answer_comes_whole(fake: FakeController, connection: Connection) -> None:
    fake.answers["GET big"] = Reply(body=b"x" * 3_000_000)
    assert len(connection.ask("GET", "/api/v1/big").body) == 3_000_000


def test_a_no_is_an_error_with_its_hint(fake: FakeController, connection: Connection) -> None:
    fake.answers["POST jobs"] = problem(409, "that key was used", "use another", "key-reused")
    with pytest.raises(ApiError) as caught:
        connection.ask("POST", "/api/v1/jobs", json={})
    error = caught.value
    assert (error.status, error.kind, error.hint) == (409, "key-reused", "use another")
    assert error.message == "that key was used (use another)"
    assert not error.retry
    fake.answers["GET x"] = problem(503, "the database is locked")
    with pytest.raises(ApiError) as caught:
        connection.ask("GET", "/api/v1/x")
    assert caught.value.retry
    assert fake.connections == 1


def test_a_no_that_is_not_ours_says_what_to_look_at(fake: FakeController, connection: Connection) -> None:
    fake.answers["GET x"] = Reply(status=404, body=b"<html>", headers={"Content-Type": "text/html"})
    with pytest.raises(
        ApiError, match=r"answered 404 to GET /api/v1/x .is SENTINEL_URL the address of a con"
    ):
        connection.ask("GET", "/api/v1/x?secret=1")
    fake.answers["GET y"] = Reply(body=b"hello")
    with pytest.raises(ApiError, match="no JSON"):
        connection.ask("GET", "/api/v1/y").json()


# ------------------------------------------------------------------ what breaks


def test_a_connection_that_was_closed_while_idle_is_made_again(
    fake: FakeController, connection: Connection
) -> None:
    fake.answers["POST x"] = Reply(body=b"1", headers={"Connection": "keep-alive"}, cut=True)
    # The answer is whole; the other side closes after it. Even a POST that must not be repeated is safe.
    for count in range(1, 4):
        assert connection.ask("POST", "/api/v1/x", json={}).body == b"1"
        assert fake.connections == count
        _until_readable(connection)


def _until_readable(connection: Connection) -> None:
    sock = connection._sock
    assert sock is not None
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            sock.settimeout(0.05)
            if socket.socket.recv(sock, 1, socket.MSG_PEEK) is not None:
                return
        except TimeoutError:
            continue
    raise AssertionError("the other side did not close")


class Dropping:
    """Answers, but breaks the connection off at the requests with these numbers (from 1)."""

    def __init__(self, *numbers: int, head: bytes = b"") -> None:
        self.numbers, self.head, self.count = numbers, head, 0

    def __call__(self, request: Request) -> Reply:
        self.count += 1
        if self.count in self.numbers:
            if self.head:
                request.connection.sendall(self.head)
            return Reply(silent=True)
        return Reply(body=b"%d" % self.count)


@pytest.mark.parametrize(("method", "headers"), [("GET", None), ("POST", KEY)])
def test_what_does_no_harm_is_sent_again_once(
    fake: FakeController, connection: Connection, method: str, headers: dict[str, str] | None
) -> None:
    fake.answers[f"{method} x"] = Dropping(2)
    assert connection.ask(method, "/api/v1/x", headers=headers).body == b"1"
    assert connection.ask(method, "/api/v1/x", headers=headers).body == b"3"


def test_what_may_do_harm_is_not_sent_again(fake: FakeController, connection: Connection) -> None:
    fake.answers["POST x"] = dropping = Dropping(2)
    connection.ask("POST", "/api/v1/x", json={})
    with pytest.raises(ApiUnavailable, match="it may have been done all the same"):
        connection.ask("POST", "/api/v1/x", json={})
    assert dropping.count == 2
    assert connection.ask("POST", "/api/v1/x", json={}).body == b"3"


def test_not_again_on_a_new_connection_nor_twice(fake: FakeController, connection: Connection) -> None:
    fake.answers["GET x"] = dropping = Dropping(1, 3, 4)
    with pytest.raises(ApiUnavailable):
        connection.ask("GET", "/api/v1/x")
    assert dropping.count == 1
    assert connection.ask("GET", "/api/v1/x").body == b"2"
    with pytest.raises(ApiUnavailable):
        connection.ask("GET", "/api/v1/x")
    assert dropping.count == 4


def test_not_again_once_some_of_the_answer_had_come(fake: FakeController, connection: Connection) -> None:
    fake.answers["GET x"] = dropping = Dropping(2, head=b"HTTP/1.1 2")
    connection.ask("GET", "/api/v1/x")
    with pytest.raises(ApiUnavailable, match="the connection was closed"):
        connection.ask("GET", "/api/v1/x")
    assert dropping.count == 2


def test_an_answer_that_takes_too_long(fake: FakeController, connection: Connection) -> None:
    done = threading.Event()

    def slow(_: Request) -> Reply:
        done.wait(5)
        return Reply()

    fake.answers["GET x"] = slow
    with pytest.raises(ApiUnavailable, match="took too long"):
        connection.ask("GET", "/api/v1/x", timeout=0.1)
    done.set()
    fake.answers["GET y"] = Reply(body=b"2")
    assert connection.ask("GET", "/api/v1/y").body == b"2"  # not the late answer to x


def test_interrupted_from_another_thread(fake: FakeController, connection: Connection) -> None:
    begun = threading.Event()

    def silent(_: Request) -> Reply:
        begun.set()
        time.sleep(2)
        return Reply(silent=True)

    fake.answers["GET x"] = silent
    threading.Thread(target=lambda: begun.wait(5) and connection.interrupt(), daemon=True).start()
    started = time.monotonic()
    with pytest.raises(ApiUnavailable):
        connection.ask("GET", "/api/v1/x")
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 " + b"x" * 70_000,
    ],
)
def test_nonsense_is_no_answer(fake: FakeController, connection: Connection, raw: bytes) -> None:
    def nonsense(request: Request) -> Reply:
        request.connection.sendall(raw)
        return Reply(silent=True)

    fake.answers["GET x"] = nonsense
    with pytest.raises(ApiUnavailable, match="no controller answers at"):
        connection.ask("GET", "/api/v1/x")


def test_an_answer_without_length_ends_with_its_connection(
    fake: FakeController, connection: Connection
) -> None:
    def old(request: Request) -> Reply:
        request.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nall of it")
        return Reply(silent=True)

    fake.answers["GET x"] = old
    assert connection.ask("GET", "/api/v1/x").body == b"all of it"
    assert connection.ask("GET", "/api/v1/x").body == b"all of it"


# ------------------------------------------------------------------ streams


def test_a_stream_gives_each_piece_as_it_comes(fake: FakeController, connection: Connection) -> None:
    step = threading.Event()

    def pieces() -> "object":
        yield b"one"
        assert step.wait(5)
        yield b"two"

    fake.answers["GET s"] = Reply(pieces=pieces(), headers={"Log-Offset": "7"})
    with connection.stream("GET", "/api/v1/s") as stream:
        assert stream.status == 200
        assert stream.headers["log-offset"] == "7"
        assert next(stream) == b"one"
        step.set()
        assert list(stream) == [b"two"]
    fake.answers["GET x"] = {}
    connection.ask("GET", "/api/v1/x")
    assert fake.connections == 1  # it was read to its end


def test_a_stream_that_is_left_or_breaks(fake: FakeController, connection: Connection) -> None:
    fake.answers["GET s"] = lambda _: Reply(pieces=[b"one", b"two"], cut=True)
    with connection.stream("GET", "/api/v1/s") as stream:
        next(stream)
    with connection.stream("GET", "/api/v1/s") as stream, pytest.raises(ApiUnavailable, match="broke"):
        list(stream)
    fake.answers["GET s"] = problem(403, "not yours")
    with pytest.raises(ApiError, match="not yours"), connection.stream("GET", "/api/v1/s"):
        pass


# ------------------------------------------------------------------ addresses and certificates


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ApiUnavailable) as caught:
            Connection(url, context=client_context()).ask("GET", "/x")
    assert caught.value.exit_code == 69
    assert f"no controller answers at {url}: Connection refused" in caught.value.message
    assert "sentinel up" in caught.value.hint


def test_a_certificate_of_somebody_else(fake: FakeController, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with pytest.raises(ApiUnavailable, match=r"certificate is not trusted.*SENTINEL_CA"):
        Connection(fake.url, context=client_context(ca_file=other)).ask("GET", "/x")


def test_a_certificate_for_another_name(fake: FakeController) -> None:
    url = fake.url.replace("127.0.0.1", "localhost")
    with pytest.raises(ApiUnavailable, match="not trusted"):
        Connection(url, context=client_context(ca_file=fake.ca)).ask("GET", "/x")


def test_no_tls_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            found, _ = plain.accept()
            found.recv(100)
            found.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            found.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ApiUnavailable, match="is SENTINEL_URL right"):
            Connection(f"https://127.0.0.1:{plain.getsockname()[1]}", context=client_context()).ask(
                "GET", "/x"
            )
        thread.join()


@pytest.mark.parametrize(
    "url", ["http://host:1", "host:8443", "https://", "https://a@host", "https://h?x=1", "https://h:99999"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError, match="write it like https"):
        Connection(url, context=client_context())


@pytest.mark.parametrize("path", ["jobs", "/a b", "/a\r\nX: y", "/ü"])
def test_what_is_no_path(connection: Connection, path: str) -> None:
    with pytest.raises(UsageError, match="no path"):
        connection.ask("GET", path)


def test_a_header_cannot_end_early(connection: Connection) -> None:
    with pytest.raises(UsageError) as caught:
        connection.ask("GET", "/x", headers={"X": "secret\r\nY: z"})
    assert "secret" not in caught.value.message


def test_a_prefix_of_the_path(fake: FakeController) -> None:
    fake.answers["GET /behind/proxy/api/v1/x"] = {}
    with_prefix = Connection(f"{fake.url}/behind/proxy/", context=client_context(ca_file=fake.ca))
    assert with_prefix.ask("GET", "/api/v1/x").json() == {}
    with_prefix.close()


def test_files_that_are_no_certificates(tmp_path: Path) -> None:
    bad = tmp_path / "ca.pem"
    bad.write_text("hello")
    with pytest.raises(UsageError, match="no certificate in PEM"):
        client_context(ca_file=bad)
    with pytest.raises(UsageError, match="No such file"):
        client_context(ca_file=tmp_path / "none.pem")


def test_checks_certificates_and_names() -> None:
    context = client_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
