"""The looking at servers put together as in the agent: real processes and ports, and HTTP."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.test_inference_servers import workload
from tests.fakes import vllm as stand_in

from sentinel.agent.inference import Inference
from sentinel.agent.inference_config import InferenceConfig
from sentinel.core.inventory import Inventory
from sentinel.drivers.metrics_sources.http_source import HttpSource
from sentinel.drivers.metrics_sources.listening import Listening
from sentinel.drivers.services.loopback import Loopback

RUN = f"""
import runpy, sys
sys.argv = ["vllm", sys.argv[sys.argv.index("--port") + 1]]
runpy.run_path({stand_in.__file__!r}, run_name="__main__")
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Pid and port of a server whose command line is that of vLLM."""
    (tmp_path / "vllm").write_text(RUN)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-I", "-S", str(tmp_path / "vllm"), "serve", "a-model", "--port", str(port)]
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.02)
        yield process.pid, port
        process.kill()


def test_a_server_on_a_gpu_is_found_and_read(server: tuple[int, int]) -> None:
    pid, port = server
    now = [100.0]
    inference = Inference(
        InferenceConfig(),
        open_source=lambda one: HttpSource(one.url),
        open_port=lambda found: HttpSource(f"http://127.0.0.1:{found}"),
        listeners=Listening(),
        said=print,
        now=lambda: now[0],
    )
    inference.take(Inventory(node="n", scanned_at=0.0, boot_id="b", workloads=(workload(pid),)))

    def look() -> dict[tuple[str, str], float]:
        now[0] += 10
        inference.round()
        deadline = time.monotonic() + 10
        while True:
            found = {
                (metric.removeprefix("workload_inference_"), dict(labels).get("p", "")): value
                for metric, labels, value in inference.values("node-1")
                if ("workload", f"vllm:{port}") in labels
            }
            if found and not inference.busy:
                return found
            assert time.monotonic() < deadline
            time.sleep(0.01)

    assert look()["up", ""] == 1
    for _ in range(4):
        Loopback(host="127.0.0.1", port=port).ask(
            "POST", "/v1/completions", {"prompt": "a b", "max_tokens": 2}
        )
    found = look()
    assert found["requests_total", ""] == 4
    # Each took a tenth of a second; the smallest bucket goes up to 300 ms.
    assert found["latency_ms", "50"] == pytest.approx(150)
    assert found["first_token_ms", "95"] <= 250
