"""A server process that behaves as vLLM's sleep API is documented to, holding memory on a simulated GPU.

    python -I -S vllm.py PORT [--claims DIR] [--weights 20GiB] [--context 1GiB] [--log FILE] [HABITS]

Endpoints: /health, /metrics (latencies, requests and tokens by vLLM's names), /v1/completions (streams when
asked to, `max_tokens` tokens, a twentieth of a second each), and with the dev mode /sleep, /wake_up,
/is_sleeping, /collective_rpc. As in vLLM sleeping aborts what is in flight, requests then wait until it is
awake, and weights that were dropped (level 2) and not read again answer nonsense. FILE gets a line for each
request but /is_sleeping and /metrics.

HABITS: `no-dev-mode` (VLLM_SERVER_DEV_MODE unset), `no-sleep-mode` (--enable-sleep-mode not given),
`uncounted` (no metrics), `slow` (/sleep and /wake_up answer before they are done, as older versions do),
`never-wakes` (/wake_up fails), `stubborn` (ignores SIGTERM).
"""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from sentinel.core.units import parse_size
from sentinel.drivers.gpus.simulated_claims import claim

TOKEN_SECONDS = 0.05
LAG = 0.2
LATENCY_BOUNDS = tuple(
    map(float, "0.3 0.5 0.8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680".split())
)
FIRST_TOKEN_BOUNDS = tuple(
    map(float, "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 20 40 80 160".split())
)


def histogram(name: str, bounds: tuple[float, ...], seen: list[float]) -> str:
    """As prometheus_client writes it."""
    lines = [f"# TYPE {name} histogram"]
    for bound in (*bounds, float("inf")):
        le = "+Inf" if bound == float("inf") else repr(float(bound))
        count = float(sum(one <= bound for one in seen))
        lines.append(f'{name}_bucket{{engine="0",le="{le}",model_name="stand-in"}} {count}')
    lines.append(f'{name}_count{{engine="0",model_name="stand-in"}} {float(len(seen))}')
    lines.append(f'{name}_sum{{engine="0",model_name="stand-in"}} {sum(seen)!r}')
    return "\n".join(lines) + "\n"


class Engine:
    """What sleeps. Guarded by `awake`, a condition that is notified at every change."""

    def __init__(self, claims: Path | None, weights: int, context: int) -> None:
        self.changed = threading.Condition()
        self.asleep: set[str] = set()
        self.weights_valid = True
        self.running = 0
        self.waiting = 0
        self.latencies: list[float] = []
        self.first_tokens: list[float] = []
        self.reasons: dict[str, int] = {}
        self.prompt_tokens = 0
        self.generated_tokens = 0
        self.aborts = 0
        self._claims, self._weights, self._context = claims, weights, context
        self._claim()

    def _claim(self) -> None:
        if self._claims:
            held = 0 if "weights" in self.asleep else self._weights
            claim(self._claims, [0], held + self._context)

    def sleep(self, level: int) -> None:
        with self.changed:
            self.asleep = {"weights", "kv_cache"}
            self.weights_valid = self.weights_valid and level == 1
            self.aborts += 1
            self._claim()
            self.changed.notify_all()

    def wake(self, tags: set[str]) -> None:
        with self.changed:
            self.asleep -= tags or {"weights", "kv_cache"}
            self._claim()
            self.changed.notify_all()

    def reload(self) -> None:
        self.weights_valid = "weights" not in self.asleep

    def admit(self) -> int:
        """Waits until it is awake; the number of aborts so far."""
        with self.changed:
            self.waiting += 1
            self.changed.wait_for(lambda: not self.asleep)
            self.waiting -= 1
            self.running += 1
            return self.aborts

    def done(self, reason: str, took: float, first_token: float | None, prompt: int, generated: int) -> None:
        with self.changed:
            self.running -= 1
            self.latencies.append(took)
            self.first_tokens += [] if first_token is None else [first_token]
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
            self.prompt_tokens += prompt
            self.generated_tokens += generated


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: Engine
    habits: frozenset[str]
    log: Path | None
    turns = ThreadPoolExecutor(1)  # the engine does one thing after the other

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/health":
            self.reply(200, b"")
        elif path == "/metrics" and "uncounted" not in self.habits:
            self.reply(200, self.metrics().encode(), "text/plain; version=0.0.4")
        elif path == "/is_sleeping" and "no-dev-mode" not in self.habits:
            self.reply_json(200, {"is_sleeping": bool(self.engine.asleep)})
        else:
            self.reply_json(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.log:
            with self.log.open("a") as log:
                log.write(f"{self.path} {body.decode()}".strip() + "\n")
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if parts.path == "/v1/completions":
            self.complete(json.loads(body))
        elif "no-dev-mode" in self.habits:
            self.reply_json(404, {"detail": "Not Found"})
        elif parts.path in ("/sleep", "/wake_up") and "no-sleep-mode" in self.habits:
            error = {"message": "Sleep mode is not enabled in the model config", "type": "AssertionError"}
            self.reply_json(500, {"error": error | {"param": None, "code": 500}})
        elif parts.path == "/sleep":
            self.move(lambda: self.engine.sleep(int(query.get("level", ["1"])[0])))
        elif parts.path == "/wake_up" and "never-wakes" in self.habits:
            self.reply_json(500, {"error": {"message": "CUDA out of memory", "code": 500}})
        elif parts.path == "/wake_up":
            self.move(lambda: self.engine.wake(set(query.get("tags", []))))
        elif parts.path == "/collective_rpc" and json.loads(body) == {"method": "reload_weights"}:
            self.turns.submit(self.engine.reload).result()
            self.reply_json(200, {"results": [None]})
        else:
            self.reply_json(404, {"detail": "Not Found"})

    def move(self, how: Callable[[], None]) -> None:
        done = self.turns.submit(self.lag, how)
        if "slow" not in self.habits:
            done.result()
        self.reply(200, b"")

    @staticmethod
    def lag(how: Callable[[], None]) -> None:
        time.sleep(LAG if "slow" in Handler.habits else 0)
        how()

    def complete(self, asked: dict[str, Any]) -> None:
        began, first_token = time.monotonic(), None
        aborts = self.engine.admit()
        words: list[str] = []
        reason = "length"
        try:
            if asked.get("stream"):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
            for _ in range(asked.get("max_tokens", 4)):
                if self.engine.aborts != aborts:
                    reason = "abort"
                    break
                time.sleep(TOKEN_SECONDS)
                words.append("hello" if self.engine.weights_valid else "\ufffd")
                first_token = first_token or time.monotonic() - began
                if asked.get("stream"):
                    self.wfile.write(
                        b"data: " + json.dumps({"choices": [{"text": words[-1]}]}).encode() + b"\n\n"
                    )
        finally:
            took = time.monotonic() - began
            self.engine.done(reason, took, first_token, len(str(asked.get("prompt")).split()), len(words))
        if asked.get("stream"):
            self.wfile.write(b"data: [DONE]\n\n")
            self.close_connection = True
        else:
            self.reply_json(200, {"choices": [{"text": " ".join(words), "finish_reason": reason}]})

    def metrics(self) -> str:
        labels = '{engine="0",model_name="stand-in"}'
        return (
            "# HELP vllm:num_requests_running Number of requests in model execution batches.\n"
            "# TYPE vllm:num_requests_running gauge\n"
            f"vllm:num_requests_running{labels} {float(self.engine.running)}\n"
            "# TYPE vllm:num_requests_waiting gauge\n"
            f"vllm:num_requests_waiting{labels} {float(self.engine.waiting)}\n"
            f"vllm:prompt_tokens_total{labels} {float(self.engine.prompt_tokens)}\n"
            f"vllm:generation_tokens_total{labels} {float(self.engine.generated_tokens)}\n"
            + "".join(
                f'vllm:request_success_total{{engine="0",finished_reason="{reason}",model_name="stand-in"}}'
                f" {float(count)}\n"
                for reason, count in self.engine.reasons.items()
            )
            + histogram("vllm:e2e_request_latency_seconds", LATENCY_BOUNDS, self.engine.latencies)
            + histogram("vllm:time_to_first_token_seconds", FIRST_TOKEN_BOUNDS, self.engine.first_tokens)
        )

    def reply_json(self, status: int, body: dict[str, Any]) -> None:
        self.reply(status, json.dumps(body).encode(), "application/json")

    def reply(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def command(port: int, *options: str) -> list[str]:
    """What starts it, in the foreground."""
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(port), *options]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--claims", type=Path)
    parser.add_argument("--weights", default="20GiB")
    parser.add_argument("--context", default="1GiB")
    parser.add_argument("--log", type=Path)
    parser.add_argument("habits", nargs="*")
    asked = parser.parse_intermixed_args()
    Handler.habits = frozenset(asked.habits)
    Handler.log = asked.log
    if "stubborn" in Handler.habits:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Handler.engine = Engine(asked.claims, parse_size(asked.weights), parse_size(asked.context))
    server = ThreadingHTTPServer(("127.0.0.1", asked.port), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
