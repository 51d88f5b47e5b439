"""CUDA's Multi-Process Service: what limits for memory and multiprocessors do for clients of one daemon.

The daemon has folders of its own, so that no other CUDA program talks to it. The card's settings are left
alone: MPS works in the default compute mode.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.gpu_hardware.card import CUDA, FAULT, GIB, LOAD, program, sentinel

from sentinel.drivers.gpus.nvml import NvmlGpus

CONTROL = shutil.which("nvidia-cuda-mps-control")
pytestmark = [pytest.mark.gpu]

CLIENT = (
    CUDA
    + """\
import json
said = {}
try:
    device = start()
    said["multiprocessors"] = number("cuDeviceGetAttribute", 16, device)
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
    said["free_mib"], said["total_mib"] = free.value >> 20, total.value >> 20
    for gib in map(float, sys.argv[2:]):
        memory = ctypes.c_uint64()
        said[f"{gib:g} GiB"] = cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(int(gib * 2**30)))
        if said[f"{gib:g} GiB"] == 0:
            call("cuMemsetD32_v2", memory, 1, ctypes.c_size_t(2**20))
            call("cuCtxSynchronize")
except AssertionError as error:
    said["error"] = str(error)
print("holding", json.dumps(said), flush=True)
if sys.argv[1] == "stay":
    signal.pause()
"""
)
MEMORY, SHARE = "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT", "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"
OUT_OF_MEMORY = 2


# Computes now and then; ends with 1 at the first error.
WORK = (
    CUDA
    + """\
start()
memory = hold(2**28)
print("holding", flush=True)
end = time.monotonic() + 20
while time.monotonic() < end:
    if cuda.cuMemsetD32_v2(memory, 1, ctypes.c_size_t(2**20)) or cuda.cuCtxSynchronize():
        sys.exit(1)
    time.sleep(0.05)
"""
)


class Daemon:
    """`nvidia-cuda-mps-control -d`, and clients of it."""

    def __init__(self, folder: Path, card: str) -> None:
        self.card = card
        self.env = {
            "CUDA_MPS_PIPE_DIRECTORY": str(folder / "pipe"),
            "CUDA_MPS_LOG_DIRECTORY": str(folder / "log"),
        }
        for path in self.env.values():
            Path(path).mkdir(parents=True)

    def start(self) -> None:
        env = os.environ | self.env | {"CUDA_VISIBLE_DEVICES": self.card}
        subprocess.run([CONTROL or "", "-d"], env=env, check=True, timeout=30)

    def tell(self, command: str) -> str:
        done = subprocess.run(
            [CONTROL or ""],
            input=command + "\n",
            env=os.environ | self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return (done.stdout + done.stderr).strip()

    def client(self, *sizes: float, **limits: str) -> dict[str, object]:
        """What one says that tries to have so many GiB, one after the other."""
        env = os.environ | self.env | {"CUDA_VISIBLE_DEVICES": self.card} | limits
        argv = [sys.executable, "-c", CLIENT, "go", *map(str, sizes)]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
        if not done.stdout.startswith("holding"):
            return {"exit": done.returncode, "stderr": done.stderr[-500:]}
        return json.loads(done.stdout.removeprefix("holding"))

    @contextlib.contextmanager
    def staying(self, *sizes: float, **limits: str) -> "Iterator[subprocess.Popen[str]]":
        env = os.environ | self.env | {"CUDA_VISIBLE_DEVICES": self.card} | limits
        argv = [sys.executable, "-c", CLIENT, "stay", *map(str, sizes)]
        with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                print(process.stdout.readline())
                yield process
            finally:
                process.kill()

    def logs(self) -> str:
        return "\n".join(
            path.read_text()[-1500:] for path in Path(self.env["CUDA_MPS_LOG_DIRECTORY"]).iterdir()
        )


@pytest.fixture
def daemon(card: str) -> Iterator[Daemon]:
    if CONTROL is None:
        pytest.skip("no nvidia-cuda-mps-control here")
    folder = Path(tempfile.mkdtemp(prefix="mps-", dir="/tmp"))
    found = Daemon(folder, card)
    found.start()
    try:
        yield found
    finally:
        found.tell("quit -t 5")
        print(found.logs())
        shutil.rmtree(folder, ignore_errors=True)


def test_limits_of_clients(card: str, daemon: Daemon, verified: Callable[[str], None]) -> None:
    free = daemon.client(1, 4)
    print("no limit:", free)
    assert (free.get("1 GiB"), free.get("4 GiB")) == (0, 0)
    limited = daemon.client(1, 4, **{MEMORY: "0=2G"})
    print("limit 0=2G:", limited)
    assert (limited.get("1 GiB"), limited.get("4 GiB")) == (0, OUT_OF_MEMORY)
    quarter = daemon.client(**{SHARE: "25"})
    print("a quarter:", quarter)
    assert int(str(quarter["multiprocessors"])) <= int(str(free["multiprocessors"])) // 3
    some, of_all = quarter["multiprocessors"], free["multiprocessors"]
    verified(f"MPS: `{MEMORY}=0=2G` refuses 4 GiB, `{SHARE}=25` gives {some} of {of_all} multiprocessors")


def test_limits_that_are_none(card: str, daemon: Daemon) -> None:
    """What CUDA takes no notice of, without a word: no limit holds then."""
    for limit in ("2G", "0=0"):
        assert daemon.client(4, **{MEMORY: limit}).get("4 GiB") == 0, limit
    # A context takes some hundreds of MiB of what is allowed; a fraction is taken for bytes.
    for limit in ("0=100M", "0=2", "0=1.5G"):
        assert "error" in daemon.client(**{MEMORY: limit}), limit
    whole = daemon.client()["multiprocessors"]
    assert daemon.client(**{SHARE: "0"})["multiprocessors"] == whole
    assert daemon.client(**{SHARE: "150"})["multiprocessors"] == whole
    assert daemon.client(4, **{MEMORY: f"{card}=2G"}).get("4 GiB") == OUT_OF_MEMORY


def test_limits_without_a_daemon_hold_nobody(card: str, tmp_path: Path) -> None:
    nobody = Daemon(tmp_path, card)
    assert nobody.client(4, **{MEMORY: "0=2G", SHARE: "25"}).get("4 GiB") == 0


def test_a_limit_of_the_daemon_cannot_be_raised_by_a_client(
    card: str, daemon: Daemon, verified: Callable[[str], None]
) -> None:
    """Told before the first client, because it holds for the servers that are started after it."""
    print(daemon.tell("set_default_device_pinned_mem_limit 0 3G"))
    print(daemon.tell("set_default_active_thread_percentage 50"))
    plain, more, less = (
        daemon.client(1, 4, **limits)
        for limits in ({}, {MEMORY: "0=10G", SHARE: "100"}, {MEMORY: "0=2G", SHARE: "25"})
    )
    print(plain, more, less)
    assert plain == more and plain["4 GiB"] == OUT_OF_MEMORY
    assert int(str(less["multiprocessors"])) < int(str(plain["multiprocessors"]))
    assert int(str(less["free_mib"])) < int(str(plain["free_mib"]))
    verified("MPS: the daemon's defaults bind its clients, who can have less and not more")


def test_a_busy_client(card: str, daemon: Daemon, verified: Callable[[str], None]) -> None:
    """The driver tells of the server what its clients do; of the clients it is unknown."""
    source = NvmlGpus(full=True)
    try:
        with program(LOAD, card, 10, env=daemon.env) as busy:
            end = time.monotonic() + 4
            while time.monotonic() < end:
                gpu = next(gpu for gpu in source.read().gpus if gpu.uuid == card)
                time.sleep(0.3)
            shares = {one.pid: (one.kind.value, one.utilization_percent) for one in gpu.processes or ()}
            print(shares)
            assert shares.pop(busy.pid) == ("mps-client", None)
            ((kind, share),) = shares.values()
            assert kind == "compute" and (share or 0) > 50
    finally:
        source.close()
    verified("the share of an MPS client is unknown, that of its server is what all of them do")


def test_a_fault_of_one_client_ends_the_others(card: str, daemon: Daemon) -> None:
    """On one daemon. As NVIDIA's documentation says; nobody who shares a card should be surprised."""
    with program(WORK, card, env=daemon.env) as other:
        env = os.environ | daemon.env | {"CUDA_VISIBLE_DEVICES": card}
        subprocess.run([sys.executable, "-c", FAULT], env=env, check=False, timeout=60)
        assert other.wait(30) == 1
    assert daemon.client(1).get("1 GiB") == 0, "a new client is well"


def test_clients_side_by_side(card: str, daemon: Daemon, verified: Callable[[str], None]) -> None:
    """Both are listed with what they hold; the death of one leaves the other as it was."""
    limits = {MEMORY: "0=8G", SHARE: "50"}
    with daemon.staying(2, **limits) as one, daemon.staying(3, **limits) as other:
        for source in ("nvml", "smi"):
            (gpu,) = [
                gpu
                for gpu in json.loads(sentinel("gpus", "--json", "--source", source))
                if gpu["uuid"] == card
            ]
            seen = {process["pid"]: process for process in gpu["processes"]}
            print(source, json.dumps(gpu["processes"], indent=1))
            for process, size in ((one, 2), (other, 3)):
                assert process.pid in seen, source
                assert seen[process.pid]["kind"] in ("mps-client", "compute"), source
                assert (seen[process.pid]["memory_bytes"] or 0) >= size * GIB, source
        one.kill()
        one.wait()
        assert other.poll() is None
        third = daemon.client(1, **limits)
        print("after one was killed:", third)
        assert third.get("1 GiB") == 0
    verified("MPS clients are listed with the memory that each holds; one is killed, the others go on")
