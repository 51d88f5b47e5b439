"""A machine for the inventory to look at: real processes, a stand-in engine, eight cards.

The engine is a process of its own and speaks Docker's format over a real socket. What it "runs" are `sleep`s
of ours, so that every container has a first process. Cards are NVML's stand-in, read through nvidia-ml-py.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.cards import Card, Occupant, cards
from tests.fakes.nvml_stand_in import NvmlStandIn, compiler

from bench.workstation.arbiter import BenchmarkError

GPUS = 8
_ENGINE = """
import sys, threading
from tests.fakes.container_engine import FakeEngine, populate
pids = [int(word) for word in sys.stdin.readline().split()]
engine = FakeEngine(sys.argv[1])
populate(engine, len(pids))
for container, pid in zip(engine.containers.values(), pids):
    container["State"]["Pid"] = pid
print("ready", flush=True)
sys.stdin.readline()
engine.close()
"""


@dataclass
class Machine:
    """`folder` is for state. `containers` and `processes` are pids."""

    folder: Path
    nvml: NvmlStandIn
    cards: list[Card]
    containers: list[int]
    processes: list[int]
    docker_host: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to see this machine instead of the real one."""
        nowhere = {"SENTINEL_SOCKET": str(self.folder / "no-arbiter.sock")}
        return {**os.environ, **self.nvml.environment, **nowhere}

    @property
    def options(self) -> list[str]:
        """Of `sentinel-agent`: Docker alone, and a state folder of its own."""
        config = self.folder / "config.toml"
        config.write_text("[inventory]\npodman = false\ncontainerd = false\nkubernetes = false\n")
        state = str(self.folder / "state")
        return ["--config", str(config), "--state-dir", state, "--docker-host", self.docker_host]

    def occupy(self, pid: int, memory_mib: int = 64) -> None:
        """Lists one more process, on the first card."""
        first = self.cards[0]
        self.cards[0] = first.having(*first.occupants, Occupant(pid=pid, memory_mib=memory_mib))
        self.nvml.show(self.cards)


@contextlib.contextmanager
def machine(containers: int, processes: int) -> Generator[Machine]:
    """So many containers and so many processes on the GPUs; all ends afterwards. BenchmarkError."""
    if compiler() is None:
        raise BenchmarkError("a C compiler is needed for the stand-in NVML library")
    with tempfile.TemporaryDirectory(prefix="sbench-", dir="/tmp") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        sleepers = [stack.enter_context(sleeping()) for _ in range(containers + processes)]
        pids = [sleeper.pid for sleeper in sleepers]
        host = stack.enter_context(_engine(folder / "d.sock", pids[:containers]))
        nvml = NvmlStandIn(folder / "nvml")
        rest = pids[containers:]
        shown = [
            card.having(*(Occupant(pid=pid, memory_mib=64) for pid in rest[number::GPUS]))
            for number, card in enumerate(cards(GPUS))
        ]
        nvml.show(shown)
        yield Machine(
            folder=folder,
            nvml=nvml,
            cards=shown,
            containers=pids[:containers],
            processes=rest,
            docker_host=host,
        )


@contextlib.contextmanager
def sleeping() -> "Generator[subprocess.Popen[bytes]]":
    """A process that does nothing."""
    process = subprocess.Popen(["sleep", "1000"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _engine(socket: Path, pids: list[int]) -> Generator[str]:
    command = [sys.executable, "-c", _ENGINE, str(socket)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdin is not None and engine.stdout is not None
        print(*pids, file=engine.stdin, flush=True)
        if engine.stdout.readline() != "ready\n":
            raise BenchmarkError("the stand-in engine does not start")
        try:
            yield f"unix://{socket}"
        finally:
            engine.kill()
