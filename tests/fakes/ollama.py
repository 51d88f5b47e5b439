"""Ollama's /api/ps and /api/generate as documented, in a thread of the test's. The real one: tests/real.

Scriptable: `models` maps a name to its size_vram; `busy` names those that a request uses, which unload only
when they are taken out of it; `orders` is what was asked, as (model, keep_alive).
"""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NEVER = "2319-03-05T02:51:53.069096888Z"


class FakeOllama:
    """Listens on loopback from the start; `close` ends it."""

    def __init__(self, models: Mapping[str, int] | None = None, *, port: int = 0) -> None:
        self.models = dict(models or {})
        self.expires = dict.fromkeys(self.models, NEVER)
        self.busy: set[str] = set()
        self.unloading: set[str] = set()
        self.orders: list[tuple[str, Any]] = []
        self.broken: str | None = None
        outer = self

        class Handler(_Handler):
            ollama = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def finish(self, name: str) -> None:
        """The request that uses the model is done."""
        self.busy.discard(name)
        self._settle()

    def ps(self) -> dict[str, Any]:
        return {
            "models": [
                {
                    "name": name,
                    "model": name,
                    "size": 2 * size,
                    "size_vram": size,
                    "expires_at": self.expires[name],
                }
                for name, size in self.models.items()
            ]
        }

    def order(self, name: str, keep_alive: Any) -> tuple[int, dict[str, Any]]:
        self.orders.append((name, keep_alive))
        if self.broken:
            return 500, {"error": self.broken}
        if name.startswith("deleted"):
            self.models.pop(name, None)
            return 404, {"error": f"model '{name}' not found"}
        if keep_alive == 0:
            self.unloading.add(name)
            self._settle()
            return 200, {"model": name, "response": "", "done": True, "done_reason": "unload"}
        self.models.setdefault(name, 1)
        self.expires[name] = NEVER
        return 200, {"model": name, "response": "", "done": True, "done_reason": "load"}

    def _settle(self) -> None:
        for name in self.unloading - self.busy:
            self.models.pop(name, None)
            self.unloading.discard(name)


class _Handler(BaseHTTPRequestHandler):
    ollama: FakeOllama

    def do_GET(self) -> None:
        if self.path == "/api/ps":
            self._reply(200, self.ollama.ps())
        elif self.path == "/api/version":
            self._reply(200, {"version": "0.0.0"})
        else:
            self._reply(404, {"error": "not found"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/api/generate"
        self._reply(*self.ollama.order(asked["model"], asked["keep_alive"]))

    def _reply(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass
