"""Real inference servers found and read: llama.cpp, with metrics and without, and Ollama."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.agent.test_inference_servers import workload
from tests.components.llm_server import MODEL, LlmServer
from tests.components.ollama import Ollama

from sentinel.agent.inference import Inference
from sentinel.agent.inference_config import InferenceConfig, InferenceServer
from sentinel.core.inventory import Inventory
from sentinel.core.workload import Workload
from sentinel.drivers.metrics_sources.http_source import HttpSource
from sentinel.drivers.metrics_sources.listening import Listening
from sentinel.drivers.services.loopback import Loopback

pytestmark = [pytest.mark.real, pytest.mark.slow]

LLAMA = f"""
import sys, time
from pathlib import Path
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path = str(Path(xllamacpp.__file__).parents[1] / {MODEL!r})
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[1])
params.n_ctx = 512
params.n_parallel = 1
params.cpuparams.n_threads = 1
params.offline = True
params.warmup = False
params.endpoint_metrics = sys.argv[2] == "metrics"
server = xllamacpp.Server(params)
time.sleep(3600)
"""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextlib.contextmanager
def running(command: Sequence[str], env: dict[str, str] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def until(met: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Watching:
    """The agent's looking, with the clock of the test."""

    def __init__(self, *servers: InferenceServer) -> None:
        self.now = 0.0
        self.inference = Inference(
            InferenceConfig(servers=servers),
            open_source=lambda one: HttpSource(one.url),
            open_port=lambda found: HttpSource(f"http://127.0.0.1:{found}"),
            listeners=Listening(),
            said=print,
            now=lambda: self.now,
        )

    def sees(self, *workloads: Workload) -> None:
        self.inference.take(Inventory(node="n", scanned_at=0.0, boot_id="b", workloads=workloads))

    def look(self) -> dict[str, float]:
        """Metric, without its beginning, and the labels of its own → value."""
        self.now += 10
        self.inference.round()
        until(lambda: not self.inference.busy)
        return {
            f"{metric.removeprefix('workload_inference_')}"
            f"{[text for key, text in labels if key not in ('node', 'workload')]}": value
            for metric, labels, value in self.inference.values("node-1")
        }


def server(port: int, model: str | None = None) -> InferenceServer:
    return InferenceServer(name="llm", url=f"http://127.0.0.1:{port}", model=model)


def well(port: int) -> bool:
    try:
        return Loopback(host="127.0.0.1", port=port).ask("GET", "/health").status == 200
    except Exception:
        return False


def test_llama_cpp_tells_its_requests_and_tokens(port: int) -> None:
    llm = LlmServer.installed(port)
    watching = Watching(server(port, "smollm2"))
    with running([str(llm.python), "-I", "-c", LLAMA, str(port), "metrics"]):
        until(lambda: well(port))
        before = watching.look()
        llm.complete("Say hello.")
        after = watching.look()
        print(before, after)
    assert before["up[]"] == after["up[]"] == 1
    assert after["running_requests['smollm2']"] == after["waiting_requests['smollm2']"] == 0
    for kind in ("prompt", "generated"):
        name = f"tokens_total['{kind}', 'smollm2']"
        assert after[name] > before[name] >= 0
    assert watching.look() == {"up[]": 0}


def test_llama_cpp_without_metrics_is_up(port: int) -> None:
    llm = LlmServer.installed(port)
    watching = Watching(server(port))
    with running([str(llm.python), "-I", "-c", LLAMA, str(port), "none"]):
        until(lambda: well(port))
        assert watching.look() == {"up[]": 1}


def test_ollama_is_found_by_the_runner_that_holds_its_model(port: int, tmp_path: Path) -> None:
    ollama = Ollama.built(tmp_path, port)
    with running(ollama.command, {"PATH": "/usr/bin:/bin", **ollama.env}) as process:
        until(lambda: ollama.run("list").returncode == 0)
        ollama.create("one")
        asked = {"model": "one", "keep_alive": -1, "stream": False}
        Loopback(host="127.0.0.1", port=port).ask("POST", "/api/generate", asked, seconds=60)
        runners = {
            int(pid)
            for task in Path(f"/proc/{process.pid}/task").iterdir()
            for pid in (task / "children").read_text().split()
        }
        assert runners
        watching = Watching()
        watching.sees(*(workload(pid, "ollama") for pid in runners))
        assert watching.look() == {"up[]": 1, "model_info['one:latest']": 1}
        ollama.run("stop", "one")
        watching.sees()
        until(lambda: watching.look() == {"up[]": 1})
    assert watching.look() == {}
