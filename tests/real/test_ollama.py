"""The ladder and the placeholder against a real Ollama (on the CPU) with real models in real runners.

On the CPU Ollama says that models hold no GPU memory (size_vram 0). Where a test is about how much comes
free, a filter between the driver and Ollama says size_vram is what `size` says, as it would be on a card.
"""

import getpass
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.arbiter.a_status import status
from tests.components.ollama import Ollama
from tests.fakes.arbiter import FakeArbiter

from sentinel.arbiter.placeholder import start_placeholder
from sentinel.core.service import Down, Rung, Up
from sentinel.drivers.services.connections import QUIET_SECONDS
from sentinel.drivers.services.laddered import LadderedService
from sentinel.drivers.services.loopback import Loopback
from sentinel.drivers.services.process import ProcessService

pytestmark = [pytest.mark.real, pytest.mark.slow]


class Server:
    """A running Ollama that the driver started, with the models "one" and "two"."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.ollama = Ollama.built(folder, port)
        self.base = ProcessService(
            name="chat",
            command=self.ollama.command,
            env=self.ollama.env,
            instance=str(folder),
            run_dir=folder,
            user="root" if os.geteuid() == 0 else None,
            log_path=folder / "log",
        )
        self.reports: list[str] = []
        self.driver = self.driver_at(f"http://127.0.0.1:{port}")
        self.driver.restore()
        self.await_up()
        self.ollama.create("one")
        self.ollama.create("two")

    def driver_at(self, url: str) -> LadderedService:
        return LadderedService(
            self.base, name="chat", api="ollama", url=url, drain_seconds=60.0, report=self.reports.append
        )

    def await_up(self) -> None:
        deadline = time.monotonic() + 30
        while self.ollama.run("list").returncode:
            assert time.monotonic() < deadline, (self.ollama.folder / "log").read_text()
            time.sleep(0.1)

    def ask(self, path: str, body: object = None) -> dict[str, Any]:
        address = Loopback(host="127.0.0.1", port=self.ollama.port)
        answer = address.ask("POST" if body else "GET", path, body, seconds=60)
        assert answer.status == 200, answer.words()
        return answer.json()

    def load(self, name: str) -> None:
        self.ask("/api/generate", {"model": name, "keep_alive": -1, "stream": False})

    def loaded(self) -> dict[str, str]:
        """Model → when it expires."""
        return {model["name"]: model["expires_at"] for model in self.ask("/api/ps")["models"]}

    def generate(self, tokens: int = 8, model: str = "one") -> dict[str, Any]:
        options = {"num_predict": tokens, "temperature": 0, "stop": []}
        asked = {"model": model, "prompt": "Count to a thousand.", "stream": False, "options": options}
        return self.ask("/api/generate", asked)

    def runners(self) -> list[int]:
        """Processes that hold a model."""
        sight = self.driver.look()
        pids = sight.pids if isinstance(sight, Up) else ()
        return [pid for pid in pids if b"runner" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("ollama"))
    yield server
    server.driver.close()


@pytest.fixture
def server(started: Server) -> Server:
    """With both models loaded for ever, and nothing reported."""
    started.load("one")
    started.load("two")
    started.reports.clear()
    return started


def test_models_leave_with_their_processes_and_come_back(server: Server) -> None:
    assert len(server.runners()) == 2
    began = time.monotonic()
    server.driver.evict(Rung.UNLOAD)
    print(f"unloaded two models in {time.monotonic() - began:.3f} s")
    assert server.loaded() == {}
    assert server.runners() == []
    assert isinstance(server.driver.look(), Up)
    began = time.monotonic()
    server.driver.restore()
    print(f"loaded them again in {time.monotonic() - began:.3f} s")
    assert set(server.loaded()) == {"one:latest", "two:latest"}
    assert all(expires > "2200" for expires in server.loaded().values())  # for ever, as before
    assert len(server.runners()) == 2
    assert server.generate()["response"]
    assert server.reports == []


def test_only_as_many_models_leave_as_it_takes(server: Server) -> None:
    with as_on_a_card(server.ollama.port) as url:
        driver = server.driver_at(url)
        driver.evict(Rung.UNLOAD, enough_bytes=1)
        assert len(server.loaded()) == 1
        assert len(server.runners()) == 1
        driver.evict(Rung.UNLOAD, enough_bytes=2**40)
        assert server.runners() == []
        driver.restore()
    assert len(server.runners()) == 2


def test_draining_waits_until_a_running_generation_is_done(server: Server) -> None:
    server.driver.evict(Rung.DRAIN)  # what the other tests left on its way
    with ThreadPoolExecutor(1) as client:
        began = time.monotonic()
        answer = client.submit(server.generate, 60)
        time.sleep(0.3)
        server.driver.evict(Rung.DRAIN)
        drained = time.monotonic() - began
        done = answer.result(1)
    assert done["eval_count"] == 60
    seconds = done["total_duration"] / 1e9
    print(f"a generation of {seconds:.2f} s was drained after {drained:.2f} s")
    assert seconds <= drained + 0.05
    assert drained < seconds + QUIET_SECONDS + 1
    assert server.reports == []


def test_a_stream_is_drained_too_and_an_idle_connection_is_none(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.ollama.port, timeout=60)
    options = {"num_predict": 150, "temperature": 0}
    asked = json.dumps({"model": "one", "prompt": "Count.", "options": options})
    connection.request("POST", "/api/generate", asked)
    stream = connection.getresponse()
    stream.readline()
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.extend(stream.readlines()))
    reader.start()
    server.driver.evict(Rung.DRAIN)
    reader.join(10)  # what was drained has to be read
    assert json.loads(lines[-1])["done"] is True
    assert connection.sock is not None  # open still, and drained all the same
    connection.close()
    assert server.reports == []


def test_a_model_in_use_is_unloaded_once_its_answer_is_out(server: Server) -> None:
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(server.generate, 40)
        time.sleep(0.3)
        server.driver.evict(Rung.UNLOAD)
        assert server.runners() == []
        assert answer.result(1)["eval_count"] == 40
    server.driver.restore()


def test_stopped_its_runners_end_and_its_clients_read_why(server: Server, tmp_path: Path) -> None:
    server.driver.evict(Rung.UNLOAD)
    server.driver.evict(Rung.STOP)
    assert isinstance(server.driver.look(), Down)
    arbiter = FakeArbiter(tmp_path / "socket", status(watchdog__foreign=[]))
    port = server.ollama.port
    end = start_placeholder(f"127.0.0.1:{port}", "ollama", "chat", str(arbiter.path), getpass.getuser())
    try:
        deadline = time.monotonic() + 5
        while "connect" in (said := server.ollama.run("ps").stderr):
            assert time.monotonic() < deadline, said
        for command in (["list"], ["run", "one", "hello"], ["ps"], ["show", "one"]):
            done = server.ollama.run(*command)
            print(f"ollama {' '.join(command)}: {done.stderr.strip()}")
            assert done.returncode == 1
            assert "Chat is paused: alice has GPU 0 since 2026-01-31 11:56 UTC" in done.stderr
    finally:
        end()
        arbiter.close()
    server.driver.restore()
    assert set(server.loaded()) == {"one:latest", "two:latest"}  # as they were
    assert server.generate()["response"]


class as_on_a_card:
    """A filter before Ollama that says its models were on a GPU. The URL to use instead."""

    def __init__(self, port: int) -> None:
        self.behind = Loopback(host="127.0.0.1", port=port)

    def __enter__(self) -> str:
        behind = self.behind

        class Filter(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = behind.ask("GET", self.path)
                models = answer.json()["models"]
                assert all(model["size_vram"] == 0 for model in models)
                self.reply(
                    200, json.dumps({"models": [m | {"size_vram": m["size"]} for m in models]}).encode()
                )

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = behind.ask("POST", self.path, body, seconds=60)
                self.reply(answer.status, answer.data)

            def reply(self, code: int, data: bytes) -> None:
                self.send_response(code)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Filter)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
