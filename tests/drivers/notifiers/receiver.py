"""A web server that is told things: it keeps what came, and answers as a test wants. Over TLS if asked to."""

import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sentinel.drivers.certificates.authority import open_authority


@dataclass(frozen=True)
class Told:
    """One request. Names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """`status`, `headers` and `body` of its next answers; `held`: it does not answer until that is set."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    held: threading.Event | None = None
    told: list[Told] = field(default_factory=list[Told])

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @classmethod
    @contextlib.contextmanager
    def running(cls, tls: Path | None = None) -> Iterator["Receiver"]:
        """With `tls`, a folder in which `certificates` has made some."""
        made = cls()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                made.told.append(Told(self.command, self.path, headers, body))
                if made.held:
                    made.held.wait(20)
                with contextlib.suppress(OSError):
                    self.send_response(made.status)
                    for name, value in made.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(made.body)))
                    self.end_headers()
                    self.wfile.write(made.body)

            do_GET = do_PUT = do_POST

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *args: object) -> None:
                """Whoever hangs up on it is a test."""

        server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "server.pem", tls / "server.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        made.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}"
        try:
            yield made
        finally:
            if made.held:
                made.held.set()
            server.shutdown()
            server.server_close()
            thread.join()


def certificates(folder: Path, *names: str) -> Path:
    """An authority (`ca.pem`), and what it signed for `names` (`server.pem`, `server.key`), in `folder`."""
    authority = open_authority(folder)
    certificate, key = authority.issue_server(names or ("127.0.0.1", "localhost"))
    (folder / "server.pem").write_bytes(certificate)
    (folder / "server.key").write_bytes(key)
    return folder
