"""The metrics server, through real sockets: what it serves, to whom, and what hostile clients can do."""

import contextlib
import gzip
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from sentinel.core.errors import UsageError
from sentinel.telemetry.metrics_access import TlsFiles, read_token
from sentinel.telemetry.metrics_server import MetricsServer

BODY = b"# HELP x y\n" + b"x 1\n" * 1000
TOKEN = "a-token-of-enough-characters"


class Shown:
    """What the server is given to show."""

    def __init__(self) -> None:
        self.why: str | None = None
        self.accepts: list[str] = []
        self.block = threading.Event()
        self.block.set()

    def render(self, accept: str) -> tuple[bytes, str]:
        self.accepts.append(accept)
        assert self.block.wait(10)
        return BODY, "text/plain; version=0.0.4; charset=utf-8"

    def ready(self) -> str | None:
        return self.why


@pytest.fixture
def shown() -> Shown:
    return Shown()


def opened(shown: Shown, **options: object) -> MetricsServer:
    return MetricsServer(("127.0.0.1", 0), shown.render, shown.ready, **options)  # pyright: ignore


@pytest.fixture
def server(shown: Shown) -> Iterator[MetricsServer]:
    server = opened(shown)
    server.start()
    yield server
    server.close()


def get(server: MetricsServer, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(*server.address, timeout=5)
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return connection.getresponse()


def said(server: MetricsServer, raw: bytes) -> bytes:
    with socket.create_connection(server.address, timeout=5) as client:
        client.sendall(raw)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_metrics(server: MetricsServer, shown: Shown) -> None:
    answer = get(server, "/metrics", Accept="application/openmetrics-text")
    assert answer.status == 200
    assert answer.read() == BODY
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert shown.accepts == ["application/openmetrics-text"]


@pytest.mark.parametrize("accepted", ["gzip", "deflate, gzip;q=1.0", "*"])
def test_gzip_where_it_is_accepted(server: MetricsServer, accepted: str) -> None:
    answer = get(server, "/metrics", Accept_Encoding=accepted)
    assert answer.headers["Content-Encoding"] == "gzip"
    packed = answer.read()
    assert int(answer.headers["Content-Length"]) == len(packed) < len(BODY)
    assert gzip.decompress(packed) == BODY


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "br"])
def test_no_gzip_where_it_is_not(server: MetricsServer, accepted: str) -> None:
    answer = get(server, "/metrics", Accept_Encoding=accepted)
    assert answer.headers["Content-Encoding"] is None
    assert answer.read() == BODY


def test_head(server: MetricsServer) -> None:
    answer = get(server, "/metrics", "HEAD", Accept_Encoding="identity")
    assert (answer.status, answer.headers["Content-Length"], answer.read()) == (200, str(len(BODY)), b"")


def test_health_and_readiness(server: MetricsServer, shown: Shown) -> None:
    assert get(server, "/healthz").read() == b"ok\n"
    assert get(server, "/readyz").status == 200
    shown.why = "no sample has been taken yet"
    answer = get(server, "/readyz")
    assert (answer.status, answer.read()) == (503, b"no sample has been taken yet\n")
    assert get(server, "/healthz").status == 200


def test_the_index_and_nothing_else(server: MetricsServer) -> None:
    assert b'href="/metrics"' in get(server, "/").read()
    for path in ("/metrics/", "/etc/passwd", "/../metrics", "/%2e%2e/x", "/favicon.ico"):
        assert get(server, path).status == 404
    assert get(server, "/metrics?name=x").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "X"])
def test_no_other_method(server: MetricsServer, method: str) -> None:
    answer = get(server, "/metrics", method)
    assert answer.status == 405
    assert b"x 1" not in answer.read()


def test_it_tells_no_version(server: MetricsServer) -> None:
    for raw in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\r\n", b"GET /none HTTP/1.0\r\n\r\n"):
        answer = said(server, raw)
        assert answer
        assert b"Python" not in answer
        assert b"BaseHTTP" not in answer


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", b"431"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/9.9\r\n\r\n", b"505"),
        (b"\x1b[31mno http at all\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_request(server: MetricsServer, raw: bytes, status: bytes) -> None:
    try:
        answer = said(server, raw)
    except ConnectionResetError:
        answer = b""  # it did not read to the end
    assert not answer or status in answer.split(b"\r\n")[0] + answer[:40]
    assert b"\x1b" not in answer
    assert get(server, "/healthz").status == 200


def test_a_request_more_on_the_same_connection_is_not_answered(server: MetricsServer) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    assert said(server, one * 2).count(b"HTTP/1.1 200") == 1


def test_slow_clients_are_cut_off(shown: Shown) -> None:
    server = opened(shown, socket_seconds=0.2)
    server.start()
    with socket.create_connection(server.address, timeout=5) as client:
        client.sendall(b"GET /metrics HT")
        assert client.recv(100) == b""
    server.close()


def test_a_byte_now_and_then_keeps_no_connection_open(shown: Shown) -> None:
    server = opened(shown, connection_seconds=0.5)
    server.start()
    began = time.monotonic()
    with socket.create_connection(server.address, timeout=5) as client:
        try:
            while time.monotonic() < began + 5:
                client.sendall(b"G")
                time.sleep(0.05)
        except OSError:
            pass
    assert time.monotonic() - began < 3
    server.close()


def test_connections_are_few_and_the_next_is_turned_away(shown: Shown) -> None:
    server = opened(shown, most_connections=3)
    server.start()
    held = [socket.create_connection(server.address, timeout=5) for _ in range(3)]
    for client in held:
        client.sendall(b"GET ")
    time.sleep(0.2)
    fourth = socket.create_connection(server.address, timeout=5)
    with fourth, contextlib.suppress(ConnectionResetError):
        assert fourth.recv(100) == b""
    for client in held:
        client.sendall(b"/healthz HTTP/1.0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        client.close()
    for _ in range(50):
        try:
            assert get(server, "/healthz").status == 200
            break
        except OSError:
            time.sleep(0.05)
    else:
        pytest.fail("places are not given back")
    server.close()


def test_a_render_that_fails_is_one_failed_scrape(server: MetricsServer, shown: Shown) -> None:
    shown.render = None  # pyright: ignore
    server._server.site = type(server._server.site)(render=lambda _: 1 / 0, ready=shown.ready, token=None)  # pyright: ignore
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        get(server, "/metrics")
    assert get(server, "/healthz").status == 200


def test_closing_is_idempotent_and_frees_the_port(shown: Shown) -> None:
    server = opened(shown)
    server.start()
    address = server.address
    server.close()
    server.close()
    again = MetricsServer(address, shown.render, shown.ready)
    again.close()


def test_a_port_in_use(server: MetricsServer, shown: Shown) -> None:
    with pytest.raises(UsageError, match=r"cannot listen on 127.0.0.1:\d+: Address already in use"):
        MetricsServer(server.address, shown.render, shown.ready)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "node1"])
def test_elsewhere_than_on_this_machine_it_takes_a_token_or_tls(shown: Shown, host: str) -> None:
    with pytest.raises(UsageError, match=r"takes a token file, or a TLS certificate and key"):
        MetricsServer((host, 0), shown.render, shown.ready)


def test_ipv6_loopback_is_this_machine(shown: Shown) -> None:
    try:
        server = MetricsServer(("::1", 0), shown.render, shown.ready)
    except UsageError as error:
        assert "Cannot assign" in error.message or "not supported" in error.message
        return
    server.start()
    assert get(server, "/healthz").status == 200
    server.close()


class TestToken:
    @pytest.fixture
    def server(self, shown: Shown) -> Iterator[MetricsServer]:
        server = MetricsServer(("0.0.0.0", 0), shown.render, shown.ready, TOKEN)
        server.start()
        yield server
        server.close()

    def test_the_right_one(self, server: MetricsServer) -> None:
        for scheme in ("Bearer", "bearer"):
            assert get(server, "/metrics", Authorization=f"{scheme} {TOKEN}").status == 200

    @pytest.mark.parametrize(
        "given", ["", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer ", f"Bearer {TOKEN}x", "Bearer \xff\xfe"]
    )
    def test_any_other(self, server: MetricsServer, shown: Shown, given: str) -> None:
        answer = get(server, "/metrics", Authorization=given)
        body = answer.read()
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert TOKEN.encode() not in body
        assert not shown.accepts

    def test_none_is_needed_for_health(self, server: MetricsServer) -> None:
        assert get(server, "/healthz").status == 200
        assert get(server, "/readyz").status == 200


class TestTokenFile:
    def test_it_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "token"
        path.write_text(f"{TOKEN}\n")
        path.chmod(0o640)
        assert read_token(path) == TOKEN

    @pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
    def test_not_when_everybody_can(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "token"
        path.write_text(TOKEN)
        path.chmod(mode)
        with pytest.raises(UsageError, match="chmod 600"):
            read_token(path)

    @pytest.mark.parametrize(
        "text",
        [b"", b"short", b"two words of enough length", b"\xc3\xa9" * 20, b"x" * 9999],
        ids=["empty", "brief", "words", "accents", "long"],
    )
    def test_what_is_no_token(self, tmp_path: Path, text: bytes) -> None:
        path = tmp_path / "token"
        path.write_bytes(text)
        path.chmod(0o600)
        with pytest.raises(UsageError) as failed:
            read_token(path)
        assert not text or text.decode(errors="replace") not in failed.value.message

    def test_it_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be read: No such file"):
            read_token(tmp_path / "none")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class TestTls:
    @pytest.fixture
    def files(self, authority: trustme.CA, tmp_path: Path) -> TlsFiles:
        issued = authority.issue_cert("127.0.0.1")
        files = TlsFiles(certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem")
        issued.private_key_pem.write_to_path(str(files.key))
        for blob in issued.cert_chain_pems:
            blob.write_to_path(str(files.certificate), append=True)
        return files

    @pytest.fixture
    def server(self, shown: Shown, files: TlsFiles) -> Iterator[MetricsServer]:
        server = opened(shown, tls=files, socket_seconds=0.5)
        server.start()
        yield server
        server.close()

    def test_https(self, server: MetricsServer, authority: trustme.CA) -> None:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        connection = http.client.HTTPSConnection(*server.address, context=context, timeout=5)
        connection.request("GET", "/metrics")
        assert connection.getresponse().read() == BODY

    def test_nothing_older_than_1_2(self, server: MetricsServer, authority: trustme.CA) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(context)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with (
            socket.create_connection(server.address, timeout=5) as plain,
            pytest.raises((ssl.SSLError, ConnectionResetError)),
        ):
            context.wrap_socket(plain, server_hostname="127.0.0.1")

    def test_plain_http_and_silence_do_no_harm(self, server: MetricsServer, authority: trustme.CA) -> None:
        with socket.create_connection(server.address, timeout=5) as silent:
            with socket.create_connection(server.address, timeout=5) as plain:
                plain.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                with contextlib.suppress(ConnectionResetError):
                    assert b"x 1" not in plain.recv(1000)
            self.test_https(server, authority)
            assert silent.recv(10) == b""

    def test_files_that_are_none(self, shown: Shown, tmp_path: Path) -> None:
        (tmp_path / "cert").write_text("no certificate")
        with pytest.raises(UsageError, match="are no certificate and key"):
            opened(shown, tls=TlsFiles(certificate=tmp_path / "cert", key=tmp_path / "none"))
