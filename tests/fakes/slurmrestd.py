"""A slurmrestd whose answers a test writes, on a Unix socket or a port of loopback."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any

NOT_FOUND = b"Unable find requested URL. Please view /openapi/v3 for API reference."


class FakeSlurmrestd:
    """`answers`: path → body, or (status, body). What it has none for, is a 404 as slurmrestd gives it."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | tuple[int, bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.held = threading.Event()
        """Until it is set, a path "/…" whose body is HANGS gets no answer."""
        self.url = ""

    def serve(self, version: str, **parts: Any) -> None:
        """nodes=…, jobs=…, diag=…: what is JSON there, or the bytes."""
        for name, body in parts.items():
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.answers[f"/slurm/{version}/{name}"] = raw


HANGS, DRIPS, ENDLESS = b"(hangs)", b"(drips)", b"(endless)"


@contextlib.contextmanager
def slurmrestd(
    socket_file: Path | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[FakeSlurmrestd]:
    """One that runs."""
    fake = FakeSlurmrestd()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.asked.append((self.path, dict(self.headers)))
            answer = fake.answers.get(self.path, (404, NOT_FOUND))
            status, body = answer if isinstance(answer, tuple) else (200, answer)
            if body == HANGS:
                fake.held.wait(30)
                return
            self.send_response(status)
            if body in (DRIPS, ENDLESS):
                self.end_headers()
                with contextlib.suppress(OSError):
                    while not fake.held.wait(0.05 if body == DRIPS else 0):
                        self.wfile.write(b" " if body == DRIPS else b" " * 2**20)
                return
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "a client"

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingMixIn, HTTPServer):
        daemon_threads = True
        address_family = socket.AF_UNIX if socket_file else socket.AF_INET

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes away is no news."""

        def server_bind(self) -> None:
            self.socket.bind(self.server_address)
            self.server_name, self.server_port = "localhost", 0

    with Server(str(socket_file) if socket_file else ("127.0.0.1", 0), Handler) as server:  # type: ignore[arg-type]
        name = server.socket.getsockname()
        fake.url = (
            f"unix://{socket_file}" if socket_file else f"{'https' if tls else 'http'}://127.0.0.1:{name[1]}"
        )
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield fake
        finally:
            fake.held.set()
            server.shutdown()
            thread.join()
