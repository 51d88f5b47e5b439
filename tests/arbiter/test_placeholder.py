"""The placeholder as the process that it is: what clients get, and whether the port is free afterwards."""

import contextlib
import getpass
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.arbiter.a_status import status
from tests.fakes.arbiter import FakeArbiter

from sentinel.arbiter.placeholder import start_placeholder
from sentinel.arbiter.sidecar import start_sidecar

SAID = "Chat is paused: alice has GPU 0"


class Running:
    """A placeholder and the arbiter that it asks."""

    def __init__(self, folder: Path, api: str = "openai", listen: str = "127.0.0.1", user: str = "") -> None:
        self.port = free_port()
        self.arbiter = FakeArbiter(folder / "socket", status(watchdog__foreign=[]))
        address = f"{listen}:{self.port}"
        self.end = start_placeholder(address, api, "chat", str(self.arbiter.path), user or getpass.getuser())

    def close(self) -> None:
        self.end()
        self.arbiter.close()

    def await_up(self) -> "Running":
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), self.connect():
                return self
            assert time.monotonic() < deadline, "it never listened"
            time.sleep(0.02)

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port))
        client.settimeout(10)
        return client

    def ask(self, method: str = "GET", path: str = "/v1/models", **more: Any) -> tuple[Any, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, **more)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def one(**changes: Any) -> Running:
        made.append(Running(tmp_path, **changes))
        return made[-1]

    yield one
    for running in made:
        running.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """One for all tests that only ask."""
    with tempfile.TemporaryDirectory() as folder:
        one = Running(Path(folder)).await_up()
        yield one
        one.close()


def answers(client: socket.socket) -> bytes:
    """Everything until the other side hangs up."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(65536):
            said += data
    return said


# ------------------------------------------------------------------ what clients get


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
@pytest.mark.parametrize("path", ["/", "/v1/chat/completions", "/nowhere?a=b"])
def test_every_method_on_every_path_is_told_why(running: Running, method: str, path: str) -> None:
    answer, said = running.ask(method, path)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "30"
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(said)["error"]["message"].startswith(SAID)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_head_gets_the_head_only(running: Running) -> None:
    answer, said = running.ask("HEAD", "/")
    assert (answer.status, said) == (503, b"")
    assert int(answer.headers["Content-Length"]) > 100


def test_ollamas_clients_get_ollamas_format(start: Callable[..., Running]) -> None:
    running = start(api="ollama").await_up()
    _, said = running.ask("POST", "/api/chat", body='{"model": "m", "stream": true}')
    assert json.loads(said)["error"].startswith(SAID)
    assert running.ask("HEAD", "/")[0].status == 200  # or its client would never ask for more
    assert running.ask("GET", "/")[0].status == 503
    assert running.ask("HEAD", "/api/tags")[0].status == 503


def test_a_connection_is_kept_for_the_next_request(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("POST", "/a", body=b"x" * 100_000)
    assert connection.getresponse().read()
    first = connection.sock
    connection.request("GET", "/b")
    assert connection.getresponse().read()
    assert connection.sock is first
    connection.close()


def test_requests_sent_at_once_are_answered_in_turn(running: Running) -> None:
    with running.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi" + b"GET / HTTP/1.0\r\n\r\n")
        said = answers(client)
    assert said.count(b"HTTP/1.1 503") == 2
    assert said.count(b"Connection: close") == 1


def test_a_big_body_is_read_to_its_end(running: Running) -> None:
    answer, _ = running.ask("POST", "/v1/images/edits", body=b"x" * (20 << 20))
    assert answer.status == 503
    assert answer.headers["Connection"] == "keep-alive"


def test_a_body_in_chunks_is_read_to_its_end(running: Running) -> None:
    with running.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"5;x=y\r\nhello\r\n3\r\nyou\r\n0\r\nTrailer: 1\r\n\r\nGET / HTTP/1.0\r\n\r\n")
        assert answers(client).count(b"HTTP/1.1 503") == 2


def test_who_waits_for_leave_to_send_a_body_gets_the_answer_instead(running: Running) -> None:
    with running.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
        said = answers(client)
    assert said.startswith(b"HTTP/1.1 503")  # at once, and no 100 before it
    assert b"Connection: close" in said


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS
        b"PRI * HTTP/2.0\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 9999999999999999999999\r\n\r\n",
    ],
)
def test_what_is_no_http_1_is_refused(running: Running, said: bytes) -> None:
    with running.connect() as client:
        client.sendall(said)
        assert answers(client).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "said",
    [
        b"G" * 200_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"5" * 100_000,
    ],
)
def test_nonsense_is_hung_up_on(running: Running, said: bytes) -> None:
    with running.connect() as client, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        client.sendall(said)
        assert answers(client) == b""
    assert running.ask()[0].status == 503


def test_idle_and_slow_clients_are_not_in_the_way(running: Running) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(100):
            client = stack.enter_context(running.connect())
            client.sendall(b"GET / HT"[: number % 9])
        began = time.monotonic()
        assert running.ask()[0].status == 503
        assert time.monotonic() - began < 1


def test_the_arbiter_is_asked_once_a_second(start: Callable[..., Running]) -> None:
    running = start().await_up()
    for _ in range(20):
        running.ask()
    assert running.arbiter.asked <= 3


def test_without_an_arbiter_it_still_answers(start: Callable[..., Running]) -> None:
    running = start().await_up()
    running.arbiter.close()
    running.arbiter.path.unlink()
    assert "why cannot be found out" in json.loads(running.ask()[1])["error"]["message"]


def test_a_status_that_makes_no_sense_is_survived(start: Callable[..., Running]) -> None:
    running = start()
    running.arbiter.status = {"services": [{"name": "chat"}]}
    assert "why cannot be found out" in running.await_up().ask()[1].decode()


# ------------------------------------------------------------------ the port


def test_it_listens_as_soon_as_the_service_has_let_go_of_the_port(tmp_path: Path) -> None:
    arbiter = FakeArbiter(tmp_path / "socket", status())
    with socket.create_server(("127.0.0.1", 0)) as service:
        port = service.getsockname()[1]
        end = start_placeholder(f"127.0.0.1:{port}", None, "chat", str(arbiter.path), getpass.getuser())
        time.sleep(0.3)  # it has tried by now, and goes on trying
    deadline = time.monotonic() + 5
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        assert time.monotonic() < deadline
    end()
    arbiter.close()


def test_it_can_be_ended_while_it_waits_for_the_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as service:
        address = f"127.0.0.1:{service.getsockname()[1]}"
        end = start_placeholder(address, None, "chat", str(tmp_path / "none"), getpass.getuser())
        time.sleep(0.3)
        began = time.monotonic()
        end()
        assert time.monotonic() - began < 2


def test_ended_at_once_it_never_listens(start: Callable[..., Running]) -> None:
    running = start()
    running.end()
    time.sleep(0.5)
    with pytest.raises(ConnectionRefusedError):
        running.connect()


@pytest.mark.parametrize("reuse", [True, False], ids=["SO_REUSEADDR", "plain"])
def test_on_return_of_end_the_port_can_be_bound_again_whoever_is_connected(
    start: Callable[..., Running], reuse: bool
) -> None:
    running = start().await_up()
    with contextlib.ExitStack() as stack:
        idle = stack.enter_context(running.connect())
        half = stack.enter_context(running.connect())
        half.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhel")
        kept = stack.enter_context(running.connect())
        kept.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert kept.recv(100_000)
        began = time.monotonic()
        running.end()
        assert time.monotonic() - began < 2
        with socket.socket() as service:
            service.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
            service.bind(("127.0.0.1", running.port))
            service.listen()
        for client in (idle, half, kept):
            assert answers(client) == b""


def test_an_answer_under_way_gets_out(start: Callable[..., Running]) -> None:
    running = start().await_up()
    with running.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhello")
        time.sleep(0.1)
        client.sendall(b"hello")
        running.end()
        assert answers(client).startswith(b"HTTP/1.1 503")


def test_one_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    (tmp_path / "stubborn.py").write_text(
        f"import time\ndef main():\n    open({str(ready)!r}, 'w').close()\n    time.sleep(60)\n"
    )
    monkeypatch.setattr("sentinel.__file__", str(tmp_path / "x" / "__init__.py"))
    end = start_sidecar("test", "stubborn", [], user=getpass.getuser(), grace_seconds=0.1)
    deadline = time.monotonic() + 5
    while not ready.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    began = time.monotonic()
    end()
    assert time.monotonic() - began < 1


def test_it_is_started_again_when_it_dies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sentinel.arbiter.sidecar.AGAIN_AFTER", 0.05)
    log = tmp_path / "log"
    (tmp_path / "brief.py").write_text(f"def main():\n    open({str(log)!r}, 'a').write('x')\n    return 1\n")
    monkeypatch.setattr("sentinel.__file__", str(tmp_path / "x" / "__init__.py"))
    end = start_sidecar("test", "brief", [], user=getpass.getuser())
    deadline = time.monotonic() + 5
    while not log.exists() or len(log.read_text()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    end()
    count = len(log.read_text())
    time.sleep(0.2)
    assert len(log.read_text()) == count


def test_an_address_that_cannot_be_had_is_said(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sentinel.arbiter.placeholder_server", "--listen", "192.0.2.1:80"]
    command += ["--socket", str(tmp_path / "none"), "--service", "chat", "--api", "openai"]
    done = subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=10)
    assert done.returncode == 1
    assert "placeholder of chat: 192.0.2.1:80:" in done.stderr


@pytest.mark.root
def test_as_root_it_serves_as_somebody_without_rights() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        running = Running(Path(name), user="nobody").await_up()
        assert json.loads(running.ask()[1])["error"]["message"].startswith(SAID)
        nobody = owner_of_listener(running.port)
        running.close()
    assert nobody == 65534


def owner_of_listener(port: int) -> int:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return next(int(row[7]) for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}"))


def test_localhost_is_an_address_too(start: Callable[..., Running]) -> None:
    assert start(listen="localhost").await_up().ask()[0].status == 503


def test_both_families_are_served_where_the_service_did(start: Callable[..., Running]) -> None:
    running = start(listen="[::]").await_up()  # connects by IPv4
    with socket.create_connection(("::1", running.port)) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert answers(client).startswith(b"HTTP/1.1 503")
