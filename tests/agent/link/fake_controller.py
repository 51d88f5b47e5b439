"""A controller as an agent sees it: a real HTTPS server whose answers a test writes down."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sentinel.core.identity import TokenKind
from sentinel.core.secret import new_id, new_token
from sentinel.drivers.certificates.authority import Authority, open_authority


@dataclass
class FakeController:
    """Edit the fields under `lock` (or by the methods); requests see them at once."""

    folder: Path
    authority: Authority = field(init=False)
    lock: threading.Condition = field(default_factory=threading.Condition)
    revision: int = 1
    jobs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    attach: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    follow: list[str] = field(default_factory=list[str])
    beats: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    batches: list[list[dict[str, Any]]] = field(default_factory=list[list[dict[str, Any]]])
    reports: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    logs: dict[tuple[str, int], bytearray] = field(default_factory=dict[tuple[str, int], bytearray])
    complete: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    joins: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    samples: list[bytes] = field(default_factory=list[bytes])
    verdict: Callable[[dict[str, Any]], str] = lambda _: "applied"
    unknown: list[str] = field(default_factory=list[str])
    lease_seconds: float = 60.0
    refusal: tuple[int, dict[str, Any]] | None = None  # of everything but /ca
    join_refusal: tuple[int, dict[str, Any]] | None = None
    most_log: int = 1 << 40
    certificate_days: float = 30.0
    _server: ThreadingHTTPServer | None = None

    def __post_init__(self) -> None:
        self.authority = open_authority(self.folder)
        certificate, key = self.authority.issue_server(["127.0.0.1"])
        (self.folder / "server.pem").write_bytes(certificate)
        (self.folder / "server.key").write_bytes(key)

    # -------------------------------------------------------------- running

    def start(self, port: int = 0) -> "FakeController":
        outer = self

        class Handler(_Handler):
            controller = outer

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        context.load_verify_locations(self.folder / "ca.pem")
        context.verify_mode = ssl.CERT_OPTIONAL
        self._server = _Server(("127.0.0.1", port), Handler)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        return self

    def stop(self) -> int:
        """Not even a TCP connection any more; the port that it had."""
        server, self._server = self._server, None
        assert server is not None
        port: int = server.server_address[1]
        server.shutdown()
        server.server_close()
        for connection in list(_Server.open):
            _Server.open.discard(connection)
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        with self.lock:
            self.lock.notify_all()
        return port

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def join_token(self) -> str:
        return new_token(TokenKind.JOIN, new_id(), self.authority.fingerprint)

    # -------------------------------------------------------------- what a test does

    def want(self, *jobs: dict[str, Any], **more: Any) -> None:
        """Another desired state."""
        with self.lock:
            self.jobs = list(jobs)
            for key, value in more.items():
                setattr(self, key, value)
            self.revision += 1
            self.lock.notify_all()

    def kinds(self, token: str) -> list[str]:
        """Kinds of the reports about that attempt, in order."""
        with self.lock:
            return [one["kind"] for one in self.reports if one["token"] == token]

    def refuse(self, status: int, detail: str, kind: str = "about:blank") -> None:
        with self.lock:
            self.refusal = (status, {"type": kind, "title": detail, "status": status, "detail": detail})
            self.lock.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    open: set[Any] = set()  # noqa: RUF012 - of all, for `stop`

    def finish_request(self, request: Any, client_address: Any) -> None:
        _Server.open.add(request)
        try:
            super().finish_request(request, client_address)
        except (OSError, ValueError):
            pass
        finally:
            _Server.open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    controller: FakeController

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])))

    def _serve(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        status, answer = self._answer(parts.path, query, body)
        data = json.dumps(answer).encode()
        self.send_response(status)
        kind = "application/json" if status < 400 else "application/problem+json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _answer(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        here = self.controller
        with here.lock:
            here.asked.append((self.command, self.path))
            if path == "/api/v1/ca":
                return 200, {"ca": here.authority.ca_pem.decode()}
            if path == "/api/v1/agent/join":
                return self._join(json.loads(body))
            if not self.connection.getpeercert():  # pyright: ignore[reportAttributeAccessIssue]
                return 401, {"title": "no certificate", "status": 401}
            if here.refusal is not None:
                return here.refusal
            match path.removeprefix("/api/v1/agent/").split("/"):
                case ["beat"]:
                    here.beats.append(json.loads(body))
                    here.lock.notify_all()
                    return 200, {"lease_seconds": here.lease_seconds, "unknown": here.unknown}
                case ["desired"]:
                    return self._desired(int(query["seen"]), float(query["wait"]))
                case ["reports"]:
                    return self._reports(json.loads(body)["reports"])
                case ["logs", job, attempt]:
                    return self._log(job, int(attempt), query, body)
                case ["samples"]:
                    here.samples.append(body)
                    here.lock.notify_all()
                    return 200, {"kept": 1, "elsewhere": 0}
                case ["renew"]:
                    csr = json.loads(body)["csr"].encode()
                    certificate = here.authority.issue_node(csr, "n1", days=here.certificate_days)
                    return 200, {"certificate": certificate.decode()}
                case _:
                    return 404, {"title": "no such path", "status": 404}

    def _join(self, raw: dict[str, Any]) -> tuple[int, Any]:
        here = self.controller
        if here.join_refusal is not None:
            return here.join_refusal
        here.joins.append(raw)
        certificate = here.authority.issue_node(raw["csr"].encode(), "n1", days=here.certificate_days)
        return 201, {
            "node": "n1",
            "certificate": certificate.decode(),
            "ca": here.authority.ca_pem.decode(),
        }

    def _desired(self, seen: int, wait: float) -> tuple[int, Any]:
        here = self.controller
        until = time.monotonic() + wait
        while here.revision == seen and here.refusal is None and here._server is not None:
            left = until - time.monotonic()
            if left <= 0:
                break
            here.lock.wait(left)
        if here.refusal is not None:
            return here.refusal
        return 200, {
            "revision": here.revision,
            "start_within": 60,
            "jobs": here.jobs,
            "attach": here.attach,
            "follow": here.follow,
        }

    def _reports(self, reports: list[dict[str, Any]]) -> tuple[int, Any]:
        here = self.controller
        if any(one.get("poison") for one in reports):
            return 400, {"title": "no report", "status": 400, "detail": "that is no report"}
        here.batches.append(reports)
        here.reports += reports
        here.lock.notify_all()
        return 200, {"revision": here.revision, "results": [here.verdict(one) for one in reports]}

    def _log(self, job: str, attempt: int, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        here = self.controller
        log = here.logs.setdefault((job, attempt), bytearray())
        offset = int(query["offset"])
        end = min(offset + len(body), here.most_log)
        if end > len(log):
            log.extend(bytes(max(0, end - len(log))))
            log[offset:end] = body[: end - offset]
        if query.get("complete") == "true":
            here.complete.add((job, attempt))
        here.lock.notify_all()
        return 200, {"size": len(log)}
