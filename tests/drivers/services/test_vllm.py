"""vLLM's sleep API, against a stand-in process that does what vLLM's documentation says."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes import vllm as stand_in

from sentinel.core.errors import ServiceError
from sentinel.drivers.gpus.simulated_claims import claims
from sentinel.drivers.services import vllm
from sentinel.drivers.services.loopback import Loopback
from sentinel.drivers.services.vllm import VllmApi

GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running stand-in."""

    api: VllmApi
    address: Loopback
    folder: Path

    def held(self) -> int:
        """Bytes that it holds on the simulated GPU."""
        return sum(claim.memory_bytes for claim in claims(self.folder))

    def complete(self, tokens: int = 1) -> str:
        body = {"prompt": "Say hello", "max_tokens": tokens}
        answer = self.address.ask("POST", "/v1/completions", body, seconds=10)
        return answer.json()["choices"][0]["text"]

    def asked(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def one(*habits: str) -> Server:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = ["--claims", str(tmp_path), "--log", str(tmp_path / "log")]
        started.append(subprocess.Popen(stand_in.command(port, *options, *habits)))
        address = Loopback(host="127.0.0.1", port=port)
        deadline = time.monotonic() + 10
        while True:
            try:
                address.ask("GET", "/health")
                break
            except ServiceError:
                assert time.monotonic() < deadline
                assert started[-1].poll() is None
                time.sleep(0.02)
        return Server(api=VllmApi(address), address=address, folder=tmp_path)

    yield one
    for process in started:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("habit", ["prompt", "slow"])
@pytest.mark.parametrize("level", [1, 2])
def test_asleep_its_weights_are_off_the_gpu_and_awake_it_answers_as_before(
    start: Start, level: int, habit: str
) -> None:
    server = start(habit)
    assert server.held() == 21 * GIB
    server.api.sleep(level, seconds=5)
    assert server.api.is_sleeping()
    assert server.held() == 1 * GIB  # its context stays
    server.api.wake(reload_weights=level == 2, seconds=5)
    assert server.held() == 21 * GIB
    assert server.complete() == "hello"


def test_level_two_without_its_weights_read_again_would_answer_nonsense(start: Start) -> None:
    server = start()
    server.api.sleep(2, seconds=5)
    server.api.wake(reload_weights=False, seconds=5)
    assert server.complete() == "\ufffd"  # which is why wake() has to be told


def test_level_two_wakes_in_the_documented_order(start: Start) -> None:
    server = start()
    server.api.sleep(2, seconds=5)
    server.api.wake(reload_weights=True, seconds=5)
    rpc = json.dumps({"method": "reload_weights"})
    assert server.asked() == [
        "/sleep?level=2",
        "/wake_up?tags=weights",
        f"/collective_rpc {rpc}",
        "/wake_up?tags=kv_cache",
    ]


def test_what_sleeps_is_not_put_to_sleep_again(start: Start) -> None:
    server = start()
    server.api.sleep(2, seconds=5)
    server.api.sleep(1, seconds=5)
    assert server.asked() == ["/sleep?level=2"]


def test_waking_what_is_awake_is_fine(start: Start) -> None:
    server = start()
    server.api.wake(reload_weights=True, seconds=5)
    assert server.complete() == "hello"


@pytest.mark.parametrize("habit", ["no-dev-mode", "no-sleep-mode"])
def test_a_server_that_was_not_started_for_it_says_how_to(start: Start, habit: str) -> None:
    server = start(habit)
    with pytest.raises(ServiceError, match="--enable-sleep-mode and VLLM_SERVER_DEV_MODE=1"):
        server.api.sleep(1, seconds=5)
    assert not server.api.is_sleeping()


def test_a_refusal_says_why(start: Start) -> None:
    server = start("never-wakes")
    server.api.sleep(1, seconds=5)
    with pytest.raises(ServiceError, match=r"/wake_up: HTTP 500.*CUDA out of memory"):
        server.api.wake(reload_weights=False, seconds=5)


def test_one_that_does_not_fall_asleep_in_time_is_given_up(start: Start) -> None:
    with pytest.raises(ServiceError, match="still awake after"):
        start("slow").api.sleep(1, seconds=stand_in.LAG / 2)


def test_requests_are_counted_running_and_waiting(start: Start) -> None:
    server = start()
    assert server.api.requests_in_flight() == 0
    threads = [threading.Thread(target=server.complete, args=(6,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    seen: set[int | None] = set()
    while any(thread.is_alive() for thread in threads):
        seen.add(server.api.requests_in_flight())
    assert 2 in seen
    assert server.api.requests_in_flight() == 0


def test_a_server_that_counts_nothing_is_not_idle(start: Start) -> None:
    assert start("uncounted").api.requests_in_flight() is None


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b'vllm:num_requests_running{a="{x}",b="1"} 2.0\nvllm:num_requests_running{b="2"} 1.0\n', 3),
        (b"vllm:num_requests_waiting 1e1\n# vllm:num_requests_running 5\n", 10),
        (b"vllm:num_requests_running NaN\n", None),
        (b"other 3\n", None),
        (b"", None),
    ],
)
def test_engines_are_added_up(text: bytes, count: int | None) -> None:
    assert vllm.count_requests(text) == count
