"""A service's port while research has the GPU: 503 with the reason in its place, and the service after."""

import getpass
import http.client
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.workstation import Workstation, always, eventually

SERVICE = Path(__file__).with_name("http_service.py")


@dataclass(frozen=True)
class Answer:
    """What came back; `status` None: nobody was there, or it was cut off."""

    status: int | None
    text: str = ""
    retry_after: str | None = None

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.text)["error"]


class Station:
    """A workstation whose inference service is on a TCP port with a placeholder."""

    def __init__(self, workstation: Workstation) -> None:
        self.place = workstation
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.starts_file = workstation.folder / "starts"

    def start(self, *, more: str = "", rest: str = "") -> None:
        address = f"http://127.0.0.1:{self.port}"
        command = json.dumps(
            [sys.executable, "-I", "-S", str(SERVICE), str(self.port), str(self.starts_file)]
        )
        self.place.configure(
            f'[[service]]\nname = "chat"\ndriver = "process"\ncommand = {command}\n'
            f'user = "{getpass.getuser()}"\nlog = "{self.place.folder}/chat.log"\ngpus = [0, 1]\n'
            f'simulated_memory = "20GiB"\nsettle = 0.2\nstop_timeout = 0.3\n'
            f'env = {{ WORKSTATION = "{self.place.folder}" }}\n'
            f'url = "{address}"\nplaceholder = true\n{more}\n',
            rest=rest,
        )
        self.place.start()
        self.place.ready()
        eventually(lambda: self.get().status == 200, "the service answers")

    def get(self, path: str = "/v1/models", method: str = "GET") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=4)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode(), response.getheader("Retry-After"))
        except (OSError, http.client.HTTPException):
            return Answer(None)
        finally:
            connection.close()

    def becomes(self, status: int, seconds: float = 6.0) -> Answer:
        return eventually(lambda: (a := self.get()).status == status and a, f"answers {status}", seconds)

    def starts(self) -> list[int]:
        return [int(line) for line in self.starts_file.read_text().split()]


@pytest.fixture
def station(workstation: Workstation) -> Iterator[Station]:
    yield Station(workstation)


def test_while_paused_its_port_says_who_has_the_gpu_and_it_is_back_after(station: Station) -> None:
    station.start()
    client = station.place.granted("--name", "thesis")
    answer = station.becomes(503)
    assert answer.retry_after == "30", "nobody knows until when"
    assert re.match(rf"Chat is paused: {getpass.getuser()} has GPU 0, 1 since ", answer.error["message"])
    assert (answer.error["type"], answer.error["code"]) == ("service_unavailable", "gpu_in_use")
    assert "sleep 60" not in answer.text, "what runs is nobody's business on the network"
    assert station.get("/v1/chat/completions", "POST").status == 503
    always(lambda: station.get().status == 503, 0.3)

    client.kill()
    back = station.becomes(200)
    assert int(back.text) == station.starts()[-1]
    assert len(station.starts()) == 2
    station.place.heals()
    always(lambda: station.get().status == 200, 0.3)


def test_a_lease_with_a_limit_says_until_when(station: Station) -> None:
    station.start(rest='[limits]\nhold = "20s"')
    station.place.granted()
    answer = station.becomes(503)
    assert re.search(r"until \d{4}-\d\d-\d\d \d\d:\d\d UTC at the latest", answer.error["message"])
    assert answer.retry_after is not None
    assert 10 <= int(answer.retry_after) <= 20


def test_an_ollama_service_says_it_as_ollama_does(station: Station) -> None:
    station.start(more='api = "ollama"')
    station.place.granted()
    answer = eventually(lambda: (a := station.get("/api/tags")).status == 503 and a)
    assert answer.error.startswith("Chat is paused: ")
    assert station.get("/v1/models").error["code"] == "gpu_in_use"


def test_an_admins_pause_is_a_reason_too(station: Station) -> None:
    station.start()
    assert station.place.admin("pause", reason="moving house")["ok"]
    assert "moving house" in station.becomes(503).error["message"]
    assert station.place.admin("resume")["ok"]
    station.becomes(200)


def test_without_a_placeholder_the_port_is_closed(station: Station) -> None:
    station.start()
    config = station.place.config.read_text()
    station.place.config.write_text(config.replace("placeholder = true", "placeholder = false"))
    assert station.place.admin("reload")["ok"]
    eventually(lambda: station.place.is_now("running") and station.get().status == 200)
    station.place.granted()
    always(lambda: station.get().status is None, 0.4, "nobody answers")


def test_five_times_the_port_goes_back_and_forth_and_nobody_fights_over_it(station: Station) -> None:
    """With clients that never stop asking, on connections of their own and on kept ones."""
    station.start()
    over = threading.Event()
    seen: list[Answer] = []

    def ask() -> None:
        while not over.is_set():
            seen.append(station.get())
            time.sleep(0.003)

    def keep() -> None:
        while not over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", station.port, timeout=4)
            try:
                while not over.wait(0.01):
                    connection.request("GET", "/v1/models")
                    connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                over.wait(0.01)
            finally:
                connection.close()

    clients = [threading.Thread(target=work) for work in (ask, ask, keep, keep)]
    for client in clients:
        client.start()
    try:
        for turn in range(5):
            assert station.place.run("sentinel-request", "--", "sleep", "0.15").code == 0
            eventually(lambda turn=turn: len(station.starts()) == turn + 2, "started once more")
            station.becomes(200)
            station.place.ready()
    finally:
        over.set()
        for client in clients:
            client.join(6)
    assert {a.status for a in seen} <= {200, 503, None}
    assert {200, 503} <= {a.status for a in seen}
    assert len(station.starts()) == 6
    log = station.place.folder / "chat.log"
    assert not log.exists() or "cannot have port" not in log.read_text()
    assert "failed" not in station.place.journal()


def test_a_killed_arbiter_leaves_nobody_on_the_port(station: Station) -> None:
    """Else the next one could not start the service."""
    station.start()
    client = station.place.granted()
    station.becomes(503)
    station.place.kill()
    eventually(lambda: station.get().status is None, "the placeholder goes with it")
    station.place.start()
    station.becomes(503)
    client.kill()
    station.becomes(200)
    station.place.heals()
