"""The eviction ladder's rungs and the way back, on real processes that stand in for vLLM and on a scripted
Ollama; the real Ollama is in tests/real/test_ollama.py."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import vllm as stand_in
from tests.fakes.cuda_checkpoint import CudaCheckpointStandIn
from tests.fakes.ollama import FakeOllama
from tests.fakes.service import FakeService

from sentinel.core.errors import ServiceError, UsageError
from sentinel.core.service import Down, Rung, Up
from sentinel.drivers.gpus.simulated_claims import claims
from sentinel.drivers.services.laddered import LadderedService
from sentinel.drivers.services.loopback import Loopback
from sentinel.drivers.services.process import ProcessService
from sentinel.drivers.services.vllm import VllmApi

GIB = 2**30
ME = os.getpid()


class Vllm:
    """The stand-in as a service: a process that the driver starts, on a simulated GPU."""

    def __init__(self, folder: Path, *habits: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.port}"
        self.cuda = CudaCheckpointStandIn(folder / "cuda", claims=folder)
        options = ["--claims", str(folder), "--log", str(folder / "log")]
        self.base = ProcessService(
            name="chat",
            command=stand_in.command(self.port, *options, *habits),
            instance=str(folder),
            run_dir=folder,
            user="root" if os.geteuid() == 0 else None,
            stop_timeout=0.3,
        )
        self.reports: list[str] = []
        self.driver = self.another_driver()

    def another_driver(self, **changes: Any) -> LadderedService:
        """As an arbiter that was started again would make it."""
        settings: dict[str, Any] = {"checkpoint_path": str(self.cuda.path), "drain_seconds": 5.0}
        return LadderedService(
            self.base, name="chat", api="vllm", url=self.url, report=self.reports.append, **settings | changes
        )

    def start(self) -> int:
        """Starts it and waits until it serves: its pid, which then has a CUDA context."""
        self.driver.restore()
        self.await_up()
        self.cuda.gives_context(self.pid)
        return self.pid

    def await_up(self) -> None:
        deadline = time.monotonic() + 10
        while True:
            try:
                Loopback.of(self.url).ask("GET", "/health")
                return
            except ServiceError:
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def await_request(self) -> None:
        """Until it works on one."""
        while not VllmApi(Loopback.of(self.url)).requests_in_flight():
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        sight = self.driver.look()
        assert isinstance(sight, Up), sight
        return min(sight.pids)

    def held(self) -> int:
        return sum(claim.memory_bytes for claim in claims(self.folder))

    def complete(self, tokens: int = 1) -> str:
        body = {"prompt": "Say hello", "max_tokens": tokens}
        answer = Loopback.of(self.url).ask("POST", "/v1/completions", body, seconds=10)
        return answer.json()["choices"][0]["text"]

    def asked(self) -> list[str]:
        return [line.split()[0] for line in (self.folder / "log").read_text().splitlines()]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Vllm]]:
    made: list[Vllm] = []

    def one(*habits: str) -> Vllm:
        made.append(Vllm(tmp_path, *habits))
        return made[-1]

    yield one
    for vllm in made:
        vllm.driver.close()


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    server = FakeOllama({"small": 2 * GIB, "big": 6 * GIB})
    yield server
    server.close()


def over(server: FakeOllama, **changes: Any) -> LadderedService:
    return LadderedService(FakeService(pids=(ME,)), name="chat", api="ollama", url=server.url, **changes)


# ------------------------------------------------------------------ what it offers


@pytest.mark.parametrize(
    ("api", "checkpoint", "rungs"),
    [
        (None, None, "stop"),
        (None, "cuda-checkpoint", "suspend stop"),
        ("ollama", None, "drain unload stop"),
        ("vllm", "cuda-checkpoint", "drain sleep suspend stop"),
        ("openai", "cuda-checkpoint", "drain suspend stop"),
    ],
)
def test_the_rungs_are_what_its_api_and_its_tools_can_do(
    api: str | None, checkpoint: str | None, rungs: str
) -> None:
    url = "http://127.0.0.1:8000" if api else None
    driver = LadderedService(FakeService(), name="chat", api=api, url=url, checkpoint_path=checkpoint)
    assert " ".join(driver.rungs) == rungs


@pytest.mark.parametrize(
    "settings",
    [
        {"api": "vllm"},
        {"api": "triton", "url": "http://127.0.0.1:8000"},
        {"api": "vllm", "url": "http://10.0.0.1:8000"},
        {"api": "vllm", "url": "http://127.0.0.1:8000", "sleep_level": 3},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"chat|127\.0\.0\.1"):
        LadderedService(FakeService(), name="chat", **settings)


def test_what_is_down_is_evicted_already(tmp_path: Path) -> None:
    base = FakeService()
    base.evict(Rung.STOP)
    checkpoint = str(tmp_path / "none")
    driver = LadderedService(
        base, name="chat", api="vllm", url="http://127.0.0.1:9", checkpoint_path=checkpoint
    )
    for rung in driver.rungs:
        driver.evict(rung)


def test_what_cannot_be_seen_is_neither_suspended_nor_taken_for_restored() -> None:
    base = FakeService()
    base.unseen = "systemd did not answer in 5 s"
    driver = LadderedService(base, name="chat", checkpoint_path="cuda-checkpoint")
    for call in (lambda: driver.evict(Rung.SUSPEND), driver.restore):
        with pytest.raises(ServiceError, match="systemd did not answer"):
            call()


# ------------------------------------------------------------------ drain


def test_draining_waits_for_running_requests(serve: Callable[..., Vllm]) -> None:
    vllm = serve()
    vllm.start()
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(vllm.complete, 8)
        vllm.await_request()
        vllm.driver.evict(Rung.DRAIN)
        assert answer.result(0.2) == "hello " * 7 + "hello"
    assert vllm.reports == []


def test_a_service_that_does_not_drain_is_no_error_and_told(serve: Callable[..., Vllm]) -> None:
    vllm = serve()
    vllm.start()
    driver = vllm.another_driver(drain_seconds=0.2)
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(vllm.complete, 20)
        vllm.await_request()
        driver.evict(Rung.DRAIN)
        assert vllm.reports == ["service chat is not drained: 1 in flight after 200 ms"]
        driver.evict(Rung.STOP)
        assert isinstance(answer.exception(5), ServiceError)


def test_one_that_counts_nothing_is_drained_by_its_connections(serve: Callable[..., Vllm]) -> None:
    vllm = serve("uncounted")
    vllm.start()
    driver = vllm.another_driver(drain_seconds=0.2)
    driver.evict(Rung.DRAIN)
    assert vllm.reports == []
    with socket.create_connection(("127.0.0.1", vllm.port)) as client:
        client.sendall(b"POST /v1/completions HTTP/1.1\r\nContent-Length: 50\r\n\r\n")
        driver.evict(Rung.DRAIN)
    assert "1 in flight" in vllm.reports[0]


@pytest.mark.parametrize("api", ["vllm", "openai", "ollama"])
def test_where_nobody_listens_there_is_nothing_to_drain(api: str) -> None:
    LadderedService(FakeService(), name="chat", api=api, url="http://127.0.0.1:9").evict(Rung.DRAIN)


# ------------------------------------------------------------------ unload


def test_models_are_unloaded_and_loaded_again(ollama: FakeOllama) -> None:
    driver = over(ollama)
    driver.evict(Rung.UNLOAD)
    assert ollama.models == {}
    driver.evict(Rung.UNLOAD)
    driver.restore()
    assert set(ollama.models) == {"small", "big"}
    assert ("small", -1) in ollama.orders
    before = len(ollama.orders)
    driver.restore()
    assert len(ollama.orders) == before


def test_only_as_many_are_unloaded_as_it_takes(ollama: FakeOllama) -> None:
    driver = over(ollama)
    driver.evict(Rung.UNLOAD, enough_bytes=1 * GIB)
    assert set(ollama.models) == {"big"}
    driver.evict(Rung.UNLOAD)
    driver.restore()
    assert set(ollama.models) == {"small", "big"}


def test_a_model_that_will_not_go_is_an_error_and_comes_back_as_it_was(ollama: FakeOllama) -> None:
    ollama.busy.add("big")
    driver = over(ollama, evict_timeout=0.1)
    with pytest.raises(ServiceError, match="chat: unload: still loaded"):
        driver.evict(Rung.UNLOAD)
    driver.restore()
    assert set(ollama.models) == {"small", "big"}


def test_a_model_that_will_not_come_back_is_told_and_no_error(ollama: FakeOllama) -> None:
    reports: list[str] = []
    driver = over(ollama, report=reports.append)
    driver.evict(Rung.UNLOAD, enough_bytes=1)
    ollama.broken = "model requires more system memory"
    driver.restore()
    assert len(reports) == 1
    assert "is up, but small is not loaded" in reports[0]
    assert "more system memory" in reports[0]


def test_after_a_stop_the_models_are_loaded_once_it_listens_again() -> None:
    first = FakeOllama({"small": 1})
    base = FakeService(pids=(ME,))
    driver = LadderedService(base, name="chat", api="ollama", url=first.url)
    driver.evict(Rung.UNLOAD)
    driver.evict(Rung.STOP)
    first.close()
    again: list[FakeOllama] = []
    threading.Timer(0.2, lambda: again.append(FakeOllama(port=first.port))).start()
    driver.restore()
    assert set(again[0].models) == {"small"}
    again[0].close()


# ------------------------------------------------------------------ sleep


@pytest.mark.parametrize("level", [1, 2])
def test_asleep_it_is_up_and_off_the_gpu_and_restored_it_answers(
    serve: Callable[..., Vllm], level: int
) -> None:
    vllm = serve()
    pid = vllm.start()
    driver = vllm.another_driver(sleep_level=level)
    driver.evict(Rung.SLEEP)
    driver.evict(Rung.SLEEP)
    assert isinstance(driver.look(), Up)
    assert vllm.held() == 1 * GIB
    driver.restore()
    assert (vllm.pid, vllm.held(), vllm.complete()) == (pid, 21 * GIB, "hello")


def test_another_arbiter_wakes_what_the_last_one_put_to_sleep(serve: Callable[..., Vllm]) -> None:
    vllm = serve()
    pid = vllm.start()
    vllm.another_driver(sleep_level=2).evict(Rung.SLEEP)
    vllm.another_driver(sleep_level=1).restore()  # its config says another level by now
    assert (vllm.pid, vllm.complete()) == (pid, "hello")


def test_what_will_not_wake_is_restarted(serve: Callable[..., Vllm]) -> None:
    vllm = serve("never-wakes", "stubborn")
    pid = vllm.start()
    vllm.driver.evict(Rung.SLEEP)
    vllm.driver.restore()
    vllm.await_up()
    assert vllm.pid != pid
    assert vllm.complete() == "hello"
    assert "service chat is restarted" in vllm.reports[0]
    assert "CUDA out of memory" in vllm.reports[0]


def test_a_server_without_sleep_mode_is_left_as_it_is(serve: Callable[..., Vllm]) -> None:
    vllm = serve("no-dev-mode")
    pid = vllm.start()
    with pytest.raises(ServiceError, match=r"chat: sleep: .*--enable-sleep-mode"):
        vllm.driver.evict(Rung.SLEEP)
    vllm.driver.restore()
    assert (vllm.pid, vllm.complete(), vllm.reports) == (pid, "hello", [])


# ------------------------------------------------------------------ suspend


def test_suspended_it_is_up_and_off_the_gpu_and_restored_it_goes_on(serve: Callable[..., Vllm]) -> None:
    vllm = serve()
    pid = vllm.start()
    vllm.driver.evict(Rung.SUSPEND)
    assert isinstance(vllm.driver.look(), Up)
    assert (vllm.held(), vllm.cuda.state(pid)) == (0, "checkpointed")
    vllm.driver.evict(Rung.SUSPEND)
    assert vllm.cuda.state(pid) == "checkpointed"
    vllm.driver.restore()
    assert (vllm.pid, vllm.held(), vllm.cuda.state(pid)) == (pid, 21 * GIB, "running")


def test_another_arbiter_resumes_what_the_last_one_suspended(serve: Callable[..., Vllm]) -> None:
    vllm = serve()
    pid = vllm.start()
    vllm.driver.evict(Rung.SUSPEND)
    vllm.another_driver().restore()
    assert vllm.cuda.state(pid) == "running"


def test_without_the_tool_there_is_nothing_to_resume(serve: Callable[..., Vllm], tmp_path: Path) -> None:
    vllm = serve()
    pid = vllm.start()
    vllm.another_driver(checkpoint_path=str(tmp_path / "none")).restore()
    assert (vllm.pid, vllm.reports) == (pid, [])


def test_asleep_and_suspended_it_is_resumed_before_it_is_woken(serve: Callable[..., Vllm]) -> None:
    vllm = serve()
    pid = vllm.start()
    vllm.driver.evict(Rung.SLEEP)
    vllm.driver.evict(Rung.SUSPEND)
    assert vllm.held() == 0
    vllm.cuda.fails("restore", pid, "out of memory")
    vllm.driver.restore()
    assert "/wake_up" not in vllm.asked()  # it was never asked while it could not have answered
    vllm.await_up()
    assert vllm.pid != pid
    assert "out of memory" in vllm.reports[0]


def test_a_suspended_service_can_be_stopped_and_started(serve: Callable[..., Vllm]) -> None:
    vllm = serve("stubborn")  # its handler would wait for CUDA
    pid = vllm.start()
    vllm.driver.evict(Rung.SUSPEND)
    vllm.driver.evict(Rung.STOP)
    assert isinstance(vllm.driver.look(), Down)
    vllm.driver.restore()
    assert vllm.pid != pid
    assert not [action for action in vllm.cuda.actions if action.startswith("restore")]


def test_when_one_process_will_not_be_suspended_all_stay(serve: Callable[..., Vllm]) -> None:
    vllm = serve()
    pid = vllm.start()
    vllm.cuda.fails("checkpoint", pid, "UVM allocation")
    with pytest.raises(ServiceError, match=r"chat: suspend: .*UVM allocation"):
        vllm.driver.evict(Rung.SUSPEND)
    assert (vllm.held(), vllm.cuda.state(pid), vllm.complete()) == (21 * GIB, "running", "hello")


def test_reports_go_to_the_arbiters_own_journal_by_default() -> None:
    code = "from sentinel.drivers.services.laddered import to_journal; to_journal('chat is not drained')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "chat is not drained\n")
