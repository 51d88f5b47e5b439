"""A controller in this process, over real TLS, whose answers a test writes. For tests of client and cli."""

import base64
import hashlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme

from sentinel.core.job import Job, JobSpec
from sentinel.core.job_json import job_json

API = "/api/v1/"


@dataclass(kw_only=True)
class Request:
    method: str
    path: str  # without /api/v1/
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    connection: socket.socket

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(kw_only=True)
class Reply:
    """`pieces` are sent in chunks as they come; `cut`: the connection is broken off after them."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] | None = None
    cut: bool = False
    silent: bool = False  # the connection is broken off without an answer


Handler = Callable[[Request], Any]


def problem(status: int, detail: str, hint: str = "", kind: str = "about:blank") -> Reply:
    found = {"type": kind, "title": "No", "status": status, "detail": detail, "hint": hint}
    return Reply(
        status=status,
        body=json.dumps(found).encode(),
        headers={"Content-Type": "application/problem+json"},
    )


def a_job(id: str = "abcdefghjk", state: str = "QUEUED", **changes: Any) -> dict[str, Any]:
    """A job as JSON; what is in `spec` is changed by `spec={…}`."""
    spec = JobSpec(command=("true",), cwd="/", name="true")
    found = job_json(Job(id=id, owner="ann", spec=spec, submitted_at=1_700_000_000.0))
    found["state"] = state
    found["spec"] |= changes.pop("spec", {})
    return found | changes


def an_array(id: str = "arrayarray", size: int = 3, **states: int) -> dict[str, Any]:
    """An array as JSON; `states` as in `RUNNING=2`."""
    return {
        "id": id,
        "array": {"id": id, "size": size, "limit": None},
        "name": "true",
        "owner": "ann",
        "submitted_at": "2023-11-14T22:13:20.000Z",
        "states": states,
    }


def a_task(index: int, state: str = "QUEUED", of: str = "arrayarray", **changes: Any) -> dict[str, Any]:
    """One of its tasks."""
    array = {"id": of, "index": index, "size": 3, "limit": None}
    return a_job(f"{of}_{index}", state, array=array, **changes)


class FakeController:
    """`answers["GET jobs/x"]` is a Reply, JSON, or a function of the Request that gives one of these."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.ca_pem = authority.cert_pem.bytes()
        authority.cert_pem.write_to_path(str(self.ca))
        self.answers: dict[str, Any] = {}
        self.requests: list[Request] = []
        self.connections = 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        fake = self

        class Served(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                fake.connections += 1
                super().setup()

            def log_message(self, *_: object) -> None: ...

            def handle_any(self) -> None:
                fake._handle(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> Any:
                found, address = super().get_request()
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return context.wrap_socket(found, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, *_: object) -> None: ...

        self._server = Server(("127.0.0.1", 0), Served)
        self.port = self._server.server_port
        self.url = f"https://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def environment(self, token: str = "snt_x") -> dict[str, str]:
        return {"SENTINEL_URL": self.url, "SENTINEL_TOKEN": token, "SENTINEL_CA": str(self.ca)}

    def asked(self, what: str) -> list[Request]:
        """The requests that were `what`: "GET jobs"."""
        return [one for one in self.requests if f"{one.method} {one.path}" == what]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handle(self, served: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(served.path)
        size = int(served.headers.get("Content-Length") or 0)
        request = Request(
            method=served.command,
            path=parts.path.removeprefix(API),
            query=parse_qs(parts.query),
            headers=served.headers,
            body=served.rfile.read(size),
            connection=served.connection,
        )
        self.requests.append(request)
        answer = self.answers.get(f"{request.method} {request.path}", problem(404, "there is no such thing"))
        if callable(answer):
            answer = answer(request)
        if answer is None:
            served.close_connection = True  # the test took the connection over
            return
        reply = answer if isinstance(answer, Reply) else Reply(body=json.dumps(answer).encode())
        with suppress(OSError):
            _send(served, reply)
        if reply.silent or reply.cut:
            served.close_connection = True
            with suppress(OSError):
                served.connection.shutdown(socket.SHUT_RDWR)


def _send(served: BaseHTTPRequestHandler, reply: Reply) -> None:
    if reply.silent:
        return
    served.send_response(reply.status)
    headers = {"Content-Type": "application/json", **reply.headers}
    if reply.pieces is None:
        headers["Content-Length"] = str(len(reply.body))
    else:
        headers["Transfer-Encoding"] = "chunked"
    for name, value in headers.items():
        served.send_header(name, value)
    served.end_headers()
    if reply.pieces is None:
        served.wfile.write(reply.body if reply.status not in (204, 304) else b"")
        return
    for piece in reply.pieces:
        served.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    if not reply.cut:
        served.wfile.write(b"0\r\n\r\n")


@contextmanager
def controller(folder: Path) -> Iterator[FakeController]:
    fake = FakeController(folder)
    try:
        yield fake
    finally:
        fake.close()


# ------------------------------------------------------------------ server-sent events, logs, web sockets


def sse(*events: Mapping[str, Any]) -> list[bytes]:
    """Events as they are streamed."""
    return [
        f"id: {event['id']}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        for event in events
    ]


def an_event(id: int, subject: str, what: str, **data: Any) -> dict[str, Any]:
    return {
        "id": id,
        "time": "2026-01-31T23:59:59.250Z",
        "type": f"sentinel.job.{what}",
        "source": "/controller",
        "subject": subject,
        "owner": "ann",
        "tenant": "default",
        "data": data,
    }


class WebSocket:
    """The server's side of one, for a handler that takes the connection over and returns None."""

    def __init__(self, request: Request) -> None:
        key = request.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self._sock = request.connection
        self._sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        self._rest = b""

    def send(self, data: bytes | str) -> None:
        body = data.encode() if isinstance(data, str) else data
        self._frame(1 if isinstance(data, str) else 2, body)

    def close(self, code: int = 1000, why: str = "") -> None:
        self._frame(8, struct.pack("!H", code) + why.encode())

    def receive(self) -> bytes | str | None:
        """The next frame; None for a close."""
        while True:
            first, second = self._take(2)
            size = second & 127
            if size == 126:
                size = struct.unpack("!H", self._take(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self._take(8))[0]
            mask = self._take(4)
            body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self._take(size)))
            if first & 15 == 8:
                return None
            if first & 15 in (1, 2):
                return body.decode() if first & 15 == 1 else body

    def _frame(self, kind: int, body: bytes) -> None:
        size = bytes([len(body)]) if len(body) < 126 else b"\x7e" + struct.pack("!H", len(body))
        self._sock.sendall(bytes([0x80 | kind]) + size + body)

    def _take(self, count: int) -> bytes:
        while len(self._rest) < count:
            data = self._sock.recv(65536)
            if not data:
                raise ConnectionError("the client is gone")
            self._rest += data
        found, self._rest = self._rest[:count], self._rest[count:]
        return found
