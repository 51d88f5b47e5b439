"""A real Ollama on the CPU, built from its Go module, with SmolLM2-135M.

Built once, outside the repository, from what go.mod and go.sum beside this file pin (three minutes on one
core). Needs Go 1.24 or newer and a C++ compiler. Its model comes from the package that brings SmolLM2.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.components.llm_server import MODEL, LlmServer
from tests.components.missing import ComponentMissing

PINS = tuple(Path(__file__).with_name(name) for name in ("go.mod", "go.sum"))
MODULE = "github.com/ollama/ollama"
BUILD_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Ollama:
    """A built Ollama. It will listen on loopback at `port`, and keep everything in `folder`."""

    program: Path
    model: Path
    folder: Path
    port: int

    @classmethod
    def built(cls, folder: Path, port: int) -> "Ollama":
        """The program, built if it is not yet. Raises ComponentMissing."""
        site = LlmServer.installed(port).python.parents[1].glob(f"lib/*/site-packages/{MODEL}")
        return cls(program=_build(), model=next(site), folder=folder, port=port)

    @property
    def command(self) -> list[str]:
        """What starts it, in the foreground."""
        return [str(self.program), "serve"]

    @property
    def env(self) -> dict[str, str]:
        """What it and its command line need in their environment."""
        return {
            "HOME": str(self.folder),
            "OLLAMA_HOST": f"127.0.0.1:{self.port}",
            "OLLAMA_MODELS": str(self.folder / "models"),
            "OLLAMA_MAX_LOADED_MODELS": "3",
            "OLLAMA_NUM_PARALLEL": "1",
            "OLLAMA_CONTEXT_LENGTH": "512",
            "OLLAMA_NOPRUNE": "1",
        }

    def run(self, *arguments: str, seconds: float = 60.0) -> "subprocess.CompletedProcess[str]":
        """Ollama's own command line, as a client of the server."""
        return subprocess.run(
            [self.program, *arguments],
            env={"PATH": os.environ["PATH"], **self.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def create(self, name: str) -> None:
        """A model of that name: SmolLM2, in a file of its own, as models of one file count as one."""
        data = bytearray(self.model.read_bytes())
        title = data.index(b"general.name") + len(b"general.name") + 4 + 8  # type and length of the value
        data[title] = name.encode()[0]
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            (Path(folder) / "model.gguf").write_bytes(data)
            (Path(folder) / "Modelfile").write_text("FROM ./model.gguf\n")
            done = self.run("create", name, "-f", f"{folder}/Modelfile")
        if done.returncode:
            raise ComponentMissing(f"ollama create failed:\n{(done.stdout + done.stderr)[-2000:]}")


def _build() -> Path:
    """The program. One test run builds at a time; what was not finished is begun anew."""
    cache = Path(os.environ.get("SENTINEL_COMPONENTS_CACHE") or Path.home() / ".cache/sentinel-components")
    digest = hashlib.sha256(b"".join(pin.read_bytes() for pin in PINS)).hexdigest()[:12]
    program = cache / f"ollama-{digest}" / "ollama"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "ollama.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _go_build(program)
    return program


def _go_build(program: Path) -> None:
    for tool in ("go", "g++"):
        if not shutil.which(tool):
            raise ComponentMissing(
                f"Ollama is built with Go 1.24 and a C++ compiler; there is no {tool} here"
            )
    program.parent.mkdir(exist_ok=True)
    for pin in PINS:
        shutil.copy(pin, program.parent)
    draft = program.with_name("ollama.new")
    command = ["nice", "-n", "19", "go", "build", "-p", str(max(1, (os.cpu_count() or 1) // 2))]
    command += ["-mod=readonly", "-trimpath", "-buildvcs=false", "-o", str(draft), MODULE]
    env = {**os.environ, "GOFLAGS": "", "CGO_ENABLED": "1"}
    done = subprocess.run(
        command, cwd=program.parent, env=env, capture_output=True, text=True, timeout=BUILD_SECONDS
    )
    if done.returncode:
        said = json.dumps((done.stdout + done.stderr)[-2000:])
        raise ComponentMissing(f"Ollama cannot be built: {' '.join(command)}: {said}")
    draft.rename(program)
