"""The official OpenAI client and the placeholder: an error with our words, and when it asks again."""

import getpass
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.arbiter.a_status import status
from tests.components.llm_server import LlmServer
from tests.fakes.arbiter import FakeArbiter

from sentinel.arbiter.placeholder import start_placeholder
from sentinel.core.clock import rfc3339

pytestmark = [pytest.mark.real, pytest.mark.slow]

CLIENT = """
import json, sys, time
import openai
port, retries, call = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=retries)
began = time.monotonic()
try:
    if call == "list":
        client.models.list()
    else:
        hello = [{"role": "user", "content": "hello " * 100_000}]
        client.chat.completions.create(model="chat", messages=hello, stream=call == "stream")
except openai.APIStatusError as error:
    print(json.dumps({
        "kind": type(error).__name__, "status": error.status_code, "message": error.message,
        "body": error.body, "code": error.code, "type": error.type,
        "retry_after": error.response.headers["retry-after"], "seconds": time.monotonic() - began,
    }))
"""


class Paused:
    """A placeholder, and an arbiter that says who has the GPU."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.arbiter = FakeArbiter(folder / "socket", status(watchdog__foreign=[]))
        self.python = LlmServer.installed(self.port).python
        address = f"127.0.0.1:{self.port}"
        self.end = start_placeholder(address, "vllm", "chat", str(self.arbiter.path), getpass.getuser())

    def call(self, how: str, *, retries: int = 0) -> dict[str, Any]:
        """What the client raised."""
        done = subprocess.run(
            [self.python, "-I", "-c", CLIENT, str(self.port), str(retries), how],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def paused(tmp_path: Path) -> Iterator[Paused]:
    one = Paused(tmp_path)
    yield one
    one.end()
    one.arbiter.close()


@pytest.mark.parametrize("how", ["list", "chat", "stream"])
def test_it_raises_a_status_error_with_our_words(paused: Paused, how: str) -> None:
    error = paused.call(how)
    print(error)
    assert (error["kind"], error["status"], error["retry_after"]) == ("InternalServerError", 503, "30")
    assert error["code"] == "gpu_in_use"
    assert error["type"] == "service_unavailable"
    assert "Chat is paused: alice has GPU 0 since 2026-01-31 11:56 UTC." in error["message"]
    assert error["body"]["message"].startswith("Chat is paused")


def test_it_asks_again_when_it_was_told_to(paused: Paused) -> None:
    paused.arbiter.status["leases"][0]["expires_at"] = rfc3339(time.time() + 4)
    error = paused.call("chat", retries=1)
    print(error)
    # By itself it would have asked again within a second.
    assert 2 <= error["seconds"] < 6
