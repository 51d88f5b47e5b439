"""How fast the arbiter notices that someone takes a GPU, and how fast it grants once memory is free.

NVML through nvidia-ml-py on the stand-in library; device nodes are files in a folder of the benchmark's;
the service and the intruder are real processes, which the stand-in lists while they live.
"""

import contextlib
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.fakes.cards import Card, Occupant, cards
from tests.fakes.nvml_stand_in import NvmlStandIn, compiler

from bench.figure import Figure, percentile, spread
from bench.workstation.arbiter import PATIENCE, BenchmarkError, Client, arbiter

TARGET_MS = 50.0
GRANT_TARGET_MS = 100.0
LISTED_AFTER = 0.15
"""Seconds from the opening of the device to the driver's listing, as a quick program has it."""
SLEEPER = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An arbiter with one service on one card."""

    nvml: NvmlStandIn
    card: Card
    nodes: Path
    client: Client
    socket_path: str

    def status(self) -> dict[str, Any]:
        return self.client.ask({"v": 1, "cmd": "status"})["status"]

    def wait_for(self, what: Callable[[dict[str, Any]], bool], name: str) -> float:
        """When the status first shows it, in epoch seconds as we see it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if what(self.status()):
                return time.time()
            time.sleep(0.001)
        raise BenchmarkError(f"{name}: not within {PATIENCE:g} s")

    def service_pid(self) -> int:
        """The service's process, once it holds memory on the card."""
        self.wait_for(lambda s: s["services"][0]["state"] == "running", "the service runs")
        found: list[int] = []

        def there(_: dict[str, Any]) -> bool:
            found[:] = [int(p) for p in os.listdir("/proc") if p.isdigit() and _is_service(p)]  # noqa: PTH208
            return bool(found)

        self.wait_for(there, "the service's process")
        return found[0]

    def show(self, *occupants: Occupant) -> None:
        self.nvml.show([self.card.having(*occupants)])


def _is_service(pid: str) -> bool:
    with contextlib.suppress(OSError):
        return b"SENTINEL_BENCH_ALARM=1" in Path(f"/proc/{pid}/environ").read_bytes()
    return False


@contextlib.contextmanager
def stage(resume_delay: float) -> Generator[Stage, None, None]:
    if compiler() is None:
        raise BenchmarkError("the NVML stand-in needs a C compiler (Debian: apt-get install gcc)")
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-alarm-") as folder:
        nodes = Path(folder, "dev")
        nodes.mkdir()
        for name in ("nvidia0", "nvidiactl", "nvidia-uvm"):
            (nodes / name).touch()
        nvml = NvmlStandIn(Path(folder, "state"))
        nvml.show(cards(1))
        user = f'user = "{_user()}"\n' if os.geteuid() == 0 else ""
        settings = (
            f'gpus = "nvml"\nresume_delay = {resume_delay}\n[watchdog]\ndevice_folder = "{nodes}"\n'
            f'[[service]]\nname = "chat"\ndriver = "process"\ncommand = {SLEEPER!r}\n{user}'
            'env = { SENTINEL_BENCH_ALARM = "1" }\n'
        )
        with (
            arbiter(settings, nvml.environment) as running,
            Client(running.socket_path) as client,
        ):
            yield Stage(
                nvml=nvml, card=cards(1)[0], nodes=nodes, client=client, socket_path=running.socket_path
            )


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def measure(quick: bool) -> list[Figure]:
    rounds = 3 if quick else 30
    reread: list[float] = []
    paused: list[float] = []
    # Longer than the arbiter's alertness after an open, as it is on a real machine (default: 5 s).
    with stage(resume_delay=2.6) as on:
        for _ in range(rounds):
            noticed, pausing = intrude(on)
            reread.append(noticed)
            paused.append(pausing)
    with stage(resume_delay=0.0) as on:
        granted = [grant(on) for _ in range(rounds)]
    return [
        Figure(
            name="device opened to re-read started, p99",
            value=round(percentile(reread, 99), 2),
            unit="ms",
            target=TARGET_MS,
            how=f"an open of nvidia-uvm, {rounds} times; begin of the next reading by its own time stamp",
            detail=spread(reread),
        ),
        Figure(
            name="CUDA process listed to pause issued, p99",
            value=round(percentile(paused, 99), 2),
            unit="ms",
            target=TARGET_MS,
            how=f"listed {LISTED_AFTER * 1000:.0f} ms after the open, {rounds} times; until status shows it",
            detail=spread(paused),
        ),
        Figure(
            name="memory free to lease granted, p99",
            value=round(percentile(granted, 99), 2),
            unit="ms",
            target=GRANT_TARGET_MS,
            how=f"from the end of the service's process (pidfd) to the grant at the client, {rounds} times",
            detail=spread(granted),
        ),
    ]


def intrude(on: Stage) -> tuple[float, float]:
    """One foreign process: milliseconds from open to re-read, and from listing to pause."""
    pid = on.service_pid()
    server = Occupant(pid=pid, memory_mib=20480, while_alive=True)
    on.show(server)
    time.sleep(0.1)
    intruder = subprocess.Popen(SLEEPER)
    try:
        opened = time.time()
        (on.nodes / "nvidia-uvm").read_bytes()
        on.wait_for(lambda s: _epoch(s["gpus"][0]["read_at"]) >= opened - 0.001, "a re-read")
        reread = _epoch(on.status()["gpus"][0]["read_at"]) - opened
        time.sleep(max(0.0, opened + LISTED_AFTER - time.time()))
        on.show(server, Occupant(pid=intruder.pid, memory_mib=1024, while_alive=True))
        listed = time.time()
        paused = on.wait_for(lambda s: s["services"][0]["state"] != "running", "a pause")
    finally:
        intruder.kill()
        intruder.wait()
    return max(0.0, reread) * 1000, (paused - listed) * 1000


def grant(on: Stage) -> float:
    """Milliseconds from the end of the service's process to the grant."""
    pid = on.service_pid()
    on.show(Occupant(pid=pid, memory_mib=20480, while_alive=True))
    time.sleep(0.1)
    watch = os.pidfd_open(pid)
    try:
        with Client(on.socket_path) as researcher:
            researcher.send({"v": 1, "cmd": "acquire", "binding": "connection"})
            if not select.select([watch], [], [], PATIENCE)[0]:
                raise BenchmarkError("the service did not end")
            ended = time.perf_counter()
            while not any(m.get("event") == "granted" for m in researcher.pump()):
                pass
            return (time.perf_counter() - ended) * 1000
    finally:
        os.close(watch)


def _epoch(rfc3339: str) -> float:
    return datetime.fromisoformat(rfc3339).timestamp()
