"""Hostile and broken clients on the real server's port: it stays up, bounds them, and answers others."""

import contextlib
import http.client
import json
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.e2e.workstation import eventually
from tests.faults.stores.site import Site, elapsed, refused

from sentinel.core.errors import ApiError
from sentinel.drivers.stores.opening import open_store

pytestmark = pytest.mark.slow

IDLE = 500


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.made(tmp_path_factory.mktemp("hostile")) as made:
        made.start()
        yield made


@pytest.fixture(autouse=True)
def others(site: Site) -> Iterator[None]:
    """The same processes serve others after each of these."""
    before = site.children()
    yield
    began = time.monotonic()
    assert site.client().whoami()["user"] == "admin"
    assert elapsed(began) < 2
    assert site.children() == before
    assert "Traceback" not in site.log.read_text()


def plain(site: Site) -> socket.socket:
    return socket.create_connection(("127.0.0.1", site.port), timeout=10)


def secure(site: Site) -> ssl.SSLSocket:
    return site.tls().wrap_socket(plain(site), server_hostname="127.0.0.1")


def said(connection: socket.socket, data: bytes) -> bytes:
    """All that comes back until the server hangs up."""
    found = b""
    with contextlib.suppress(OSError):
        connection.sendall(data)
        while piece := connection.recv(65536):
            found += piece
    return found


def head(site: Site, request: str, *lines: str) -> bytes:
    token = site.client().settings.token
    return "\r\n".join([request, "Host: x", f"Authorization: Bearer {token}", *lines, "", ""]).encode()


def asked(site: Site, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """Status and answer, the path sent as it is."""
    connection = http.client.HTTPSConnection("127.0.0.1", site.port, context=site.tls(), timeout=10)
    token = site.client().settings.token
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {"Authorization": f"Bearer {token}", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    return answer.status, json.loads(data) if data else None


def test_garbage_instead_of_tls(site: Site) -> None:
    dice = random.Random(7)
    for data in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\xff\xff",
        dice.randbytes(5000),
        b"\0" * 100_000,
        b"",
    ):
        with plain(site) as connection:
            connection.sendall(data)
            if not data:
                continue
            connection.shutdown(socket.SHUT_WR)
            assert b"HTTP" not in said(connection, b"")


def test_half_requests(site: Site) -> None:
    whole = head(site, "POST /api/v1/jobs HTTP/1.1", "Content-Type: application/json", "Content-Length: 40")
    for cut in (1, 20, len(whole) - 2, len(whole)):
        with secure(site) as connection:
            connection.sendall(whole[:cut])
    with secure(site) as connection:
        connection.sendall(whole + b'{"command"')
    assert site.client().jobs() == []


@pytest.mark.parametrize("data", [b"\0\1\2\3", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100_000])
def test_what_is_no_http(site: Site, data: bytes) -> None:
    with secure(site) as connection:
        answer = said(connection, data)
    assert not answer or answer.startswith(b"HTTP/1.1 4")


def test_smuggled_requests(site: Site) -> None:
    """Two lengths that contradict each other: never two answers to what may be one request."""
    both = head(
        site,
        "POST /api/v1/jobs HTTP/1.1",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Connection: close",
    )
    with secure(site) as connection:
        answer = said(connection, both + b"0\r\n\r\nGET /api/v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") <= 1
    twice = head(
        site, "POST /api/v1/jobs HTTP/1.1", "Content-Length: 5", "Content-Length: 6", "Connection: close"
    )
    with secure(site) as connection:
        answer = said(connection, twice + b"abcdef")
    assert answer.startswith(b"HTTP/1.1 400"), answer


def test_oversized_bodies(site: Site) -> None:
    body = json.dumps({"command": ["true"], "cwd": "/", "name": "x" * (2 << 20)}).encode()
    status, answer = asked(site, "POST", "/api/v1/jobs", body, **{"Content-Length": str(len(body))})
    assert (status, answer["status"]) == (413, 413)
    with secure(site) as connection:  # a length that nobody will send
        lie = head(site, "POST /api/v1/jobs HTTP/1.1", f"Content-Length: {1 << 40}")
        connection.sendall(lie)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")
    with secure(site) as connection:  # no length at all, and no end
        connection.sendall(head(site, "POST /api/v1/jobs HTTP/1.1", "Transfer-Encoding: chunked"))
        sent, piece = 0, b"10000\r\n" + b"x" * 65536 + b"\r\n"
        with contextlib.suppress(OSError):
            while sent < 64 << 20:
                connection.sendall(piece)
                sent += len(piece)
        assert sent < 32 << 20, "it does not take all of it"


def test_many_idle_connections(site: Site) -> None:
    with contextlib.ExitStack() as idle:
        for number in range(IDLE):
            made = secure(site) if number % 5 == 0 else plain(site)
            idle.enter_context(made)
        began = time.monotonic()
        for _ in range(20):
            assert site.client().whoami()["user"] == "admin"
        assert elapsed(began) < 5


TRICKS = [
    "..",
    "../../pki/ca.key",
    "..%2f..%2fpki%2fca.key",
    "%2e%2e/%2e%2e/pki/ca.key",
    "%00",
    "a%00b",
    "/etc/passwd",
    "%252e%252e%252f",
    "....//....//",
    "%c0%ae%c0%ae%c0%af",
    "x" * 5000,
    "CON",
    "-1",
    "%0d%0aX-Evil:%201",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_paths_lead_nowhere(site: Site, trick: str) -> None:
    before = sorted(path for path in site.data.rglob("*") if "run" not in path.parts)
    for path in (
        "jobs/{}",
        "jobs/{}/logs",
        "jobs/{}/environment",
        "jobs/{}/why",
        "nodes/{}",
        "tokens/{}",
        "users/{}",
    ):
        status, answer = asked(site, "GET", "/api/v1/" + path.format(trick))
        assert status in (400, 404, 405, 422, 307), (status, answer)
        assert "PRIVATE KEY" not in json.dumps(answer)
    for path in ("jobs/{}/logs?attempt=../1", "jobs/{}/logs?offset=-1", "jobs/{}/logs?limit=1e9"):
        assert asked(site, "GET", "/api/v1/" + path.format(trick))[0] in (400, 404, 422, 307)
    for path in ("agent/logs/{}/1", "agent/logs/{}/../../x"):
        assert asked(site, "POST", "/api/v1/" + path.format(trick), b"x", **{"Content-Length": "1"})[0] in (
            401,
            403,
            404,
            405,
            400,
        )
    assert sorted(path for path in site.data.rglob("*") if "run" not in path.parts) == before


def status(ask: Callable[[], object]) -> int:
    try:
        ask()
    except ApiError as error:
        return error.status or 0
    return 200


def end(site: Site, token: str) -> None:
    """As if its time were over: a minute is the least that can be asked for."""
    store = open_store(f"sqlite:///{site.data}/controller.db", migrate=False)
    try:
        with store.read() as reader:
            (found,) = [one for one in reader.tokens() if one.id == token]
        store.write(lambda tx: tx.put_token(replace(found, expires_at=found.created_at)))
    finally:
        store.close()


def test_tokens_of_others_and_tokens_that_are_over(site: Site) -> None:
    admin = site.client()
    admin.add_user("ada", "member")
    admin.add_user("bob", "member")
    ada, bob = (site.client(token=admin.create_token("t", owner=name)["token"]) for name in ("ada", "bob"))
    job = ada.submit(["true"], cwd="/", environment={"SECRET": "s3cret"})["id"]
    assert bob.job(job)["owner"] == "ada"
    for ask in (
        lambda: bob.cancel(job),
        lambda: bob.retry(job),
        lambda: bob.environment(job),
        lambda: list(bob.logs(job)),
        lambda: bob.create_token("t", owner="ada"),
        lambda: bob.users(),
        lambda: bob.create_token("t", kind="join"),
        lambda: admin.environment(job),
    ):
        assert refused(ask).status == 403
    made = ada.create_token("soon", expires_in=3600)
    short = site.client(token=made["token"])
    assert short.whoami()["user"] == "ada"
    end(site, made["id"])
    eventually(lambda: status(short.whoami) == 401, "it is over")
    gone = ada.create_token("gone")
    client = site.client(token=gone["token"])
    assert client.whoami()["user"] == "ada"
    assert refused(lambda: bob.revoke_token(gone["id"])).status in (403, 404)
    ada.revoke_token(gone["id"])
    assert refused(client.whoami).status == 401
    for token in ("", "x", gone["token"][:-1], "snt_" + "0" * 10 + "_" + "0" * 48, "é", "a b"):
        with contextlib.suppress(UnicodeError, ValueError):
            assert refused(site.client(token=token).whoami).status == 401
    assert "s3cret" not in site.log.read_text()
    assert made["token"] not in site.log.read_text()
