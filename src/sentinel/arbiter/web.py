"""The status page: who has the GPUs of this machine, for a browser. Off unless `[web] enabled`.

A process of its own, without privileges: it reads the arbiter's socket like any user and can change
nothing. The arbiter starts it (see page.py) and it ends when the arbiter does.
"""

import argparse
import html
import json
import os
import secrets
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sentinel.arbiter.status import render, sections, troubles
from sentinel.core.arbiter_client import Channel
from sentinel.core.errors import SentinelError
from sentinel.core.units import show_size

REFRESH_SECONDS = 2
MOST_AT_ONCE = 32
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{state} · Sentinel</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style nonce="{nonce}">
:root {{ color-scheme: light dark; --bg: #fff; --fg: #1b1f24; --dim: #57606a; --line: #d0d7de;
  --idle: #1a7f37; --research: #9a6700; --resuming: #0969da; --bad: #cf222e; }}
@media (prefers-color-scheme: dark) {{ :root {{ --bg: #0d1117; --fg: #e6edf3; --dim: #9198a1;
  --line: #30363d; --idle: #3fb950; --research: #d29922; --resuming: #58a6ff; --bad: #ff7b72; }} }}
body {{ background: var(--bg); color: var(--fg); font: 16px/1.5 system-ui, sans-serif;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.6rem; margin: 0; }} h1.IDLE {{ color: var(--idle); }}
h1.RESEARCH {{ color: var(--research); }} h1.RESUMING {{ color: var(--resuming); }}
h2 {{ font-size: 1rem; margin: 2rem 0 .5rem; }} p {{ margin: .25rem 0; overflow-wrap: anywhere; }}
.dim {{ color: var(--dim); }} .bad {{ color: var(--bad); }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }}
th {{ color: var(--dim); font-weight: 500; }} .wide {{ overflow-x: auto; }}
</style></head><body><main id="main">{main}</main>
<p class="dim" id="age" role="status">as of {now}</p>
<script nonce="{nonce}">
let failed = 0;
setInterval(async () => {{
  const age = document.getElementById("age");
  try {{
    const answer = await fetch("/main.html", {{cache: "no-store"}});
    if (!answer.ok) throw new Error(await answer.text());
    document.getElementById("main").innerHTML = await answer.text();
    document.title = document.querySelector("h1").textContent + " · Sentinel";
    age.textContent = "as of " + new Date().toLocaleTimeString(); age.className = "dim"; failed = 0;
  }} catch (error) {{
    failed += 1; age.className = "bad";
    const since = failed * {refresh};
    age.textContent = `no answer for ${{since}} s; what is above is old (${{error.message}})`;
  }}
}}, {refresh} * 1000);
</script></body></html>
"""


def main(arguments: list[str] | None = None) -> int:
    """Serves until its standard input ends, which is when the arbiter does."""
    parser = argparse.ArgumentParser(prog="sentinel-status-page", description="The arbiter's status page.")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--socket", required=True, metavar="PATH")
    options = parser.parse_args(arguments)
    host, _, port = options.listen.rpartition(":")
    try:
        server = _server(host.strip("[]"), int(port), options.socket)
    except OSError as error:
        print(f"status page: cannot listen on {options.listen}: {error.strerror}", file=sys.stderr)
        return 1
    threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    server.serve_forever()
    return 0


def _end_with_parent(server: ThreadingHTTPServer) -> None:
    while os.read(0, 1024):
        pass
    server.shutdown()


def _server(host: str, port: int, socket_path: str) -> ThreadingHTTPServer:
    places = threading.BoundedSemaphore(MOST_AT_ONCE)
    local = _LOCAL | {host}

    class Handler(_Handler):
        path_of_socket = socket_path
        allowed_hosts = local if host in _LOCAL else None
        free_places = places

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    return server


class _Handler(BaseHTTPRequestHandler):
    """GET only."""

    path_of_socket = ""
    allowed_hosts: frozenset[str] | None = None
    free_places = threading.BoundedSemaphore(1)
    timeout = 10
    server_version = "Sentinel"
    sys_version = ""

    def do_GET(self) -> None:
        if not self.free_places.acquire(blocking=False):
            self._answer(503, "text/plain", "busy; try again")
            return
        try:
            self._route()
        except SentinelError as error:
            self._answer(503, "text/plain", error.message)
        finally:
            self.free_places.release()

    def _route(self) -> None:
        # A page elsewhere whose name is made to point here (DNS rebinding) is not to read this one.
        name = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        if self.allowed_hosts is not None and name not in self.allowed_hosts:
            self._answer(421, "text/plain", "this page is served on the loopback address only")
            return
        match self.path.split("?", 1)[0]:
            case "/":
                status = self._status()
                nonce = secrets.token_urlsafe(16)
                page = _PAGE.format(
                    state=html.escape(status["state"]),
                    main=body(status),
                    now=html.escape(status["now"]),
                    nonce=nonce,
                    refresh=REFRESH_SECONDS,
                )
                self._answer(200, "text/html", page, nonce)
            case "/main.html":
                self._answer(200, "text/html", body(self._status()))
            case "/status.json":
                self._answer(200, "application/json", json.dumps(self._status()))
            case "/status.txt":
                self._answer(200, "text/plain", "\n".join(render(self._status(), width=100)) + "\n")
            case "/healthz":
                self._status()
                self._answer(200, "text/plain", "ok\n")
            case _:
                self._answer(404, "text/plain", "there are: / /status.json /status.txt /healthz")

    def _status(self) -> dict[str, Any]:
        channel = Channel(self.path_of_socket, timeout=5)
        try:
            return channel.ask({"cmd": "status"})["status"]
        finally:
            channel.close()

    def _answer(self, code: int, kind: str, text: str, nonce: str | None = None) -> None:
        data = text.encode()
        inline = f"'nonce-{nonce}'" if nonce else "'none'"
        self.send_response(code)
        for name, value in (
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Length", str(len(data))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            (
                "Content-Security-Policy",
                f"default-src 'none'; style-src {inline}; script-src {inline}; connect-src 'self';"
                " frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            ),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: what is asked of a status page is no news."""


def body(status: dict[str, Any]) -> str:
    """The part of the page that changes. Everything that users wrote is escaped."""
    e = html.escape
    parts = [f'<h1 class="{e(status["state"])}">{e(status["state"])}</h1><p>{e(status["why"])}</p>']
    parts += [f'<p class="bad">{e(trouble)}</p>' for trouble in troubles(status)]
    parts.append(_gpus(status))
    for title, lines in sections(status):
        parts.append(f"<h2>{e(title.capitalize())}</h2>")
        parts += [f"<p>{e(line)}</p>" for line in lines]
    return "".join(parts)


def _gpus(status: dict[str, Any]) -> str:
    head = "".join(f"<th>{h}</th>" for h in ("GPU", "Name", "Memory used", "Utilisation", "Leases"))
    rows: list[str] = []
    for g in status["gpus"]:
        used = f"{show_size(g['memory_used_bytes'])} of {show_size(g['memory_total_bytes'])}"
        busy = "unknown" if g["utilization_percent"] is None else f"{g['utilization_percent']:.0f} %"
        cells = (str(g["index"]), g["name"] or "unknown", used, busy, ", ".join(g["leases"]) or "none")
        rows.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>")
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


if __name__ == "__main__":
    sys.exit(main())
