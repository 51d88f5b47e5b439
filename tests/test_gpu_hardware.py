"""For the owner of a real NVIDIA card: `make test-gpu`, outside any container, with nothing on the card.

Shows that what is tested on stand-ins elsewhere holds on this card: both drivers agree with `nvidia-smi`
and with each other, a CUDA process is seen and its end too, and the arbiter grants when the memory is
measured free. Prints lines ready for docs/verified.md.
"""

import contextlib
import getpass
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.gpu

COMMANDS = Path(sys.executable).parent
MIB = 2**20
HELD = 512 * MIB
PATIENCE = 30.0

HOLDER = """\
import ctypes, signal
cuda = ctypes.CDLL("libcuda.so.1")
def call(name, *arguments):
    code = getattr(cuda, name)(*arguments)
    assert code == 0, f"{name} returned {code}"
device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
call("cuInit", 0)
call("cuDeviceGet", ctypes.byref(device), 0)
call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
call("cuCtxSetCurrent", context)
call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(HELD))
print("holding", flush=True)
signal.pause()
""".replace("HELD", str(HELD))


def run(*argv: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        argv, env=os.environ | (env or {}), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{' '.join(argv)}: exit {done.returncode}: {done.stderr[-500:]}"
    return done.stdout


def gpus(source: str) -> list[dict[str, Any]]:
    return json.loads(run(str(COMMANDS / "sentinel"), "gpus", "--json", "--source", source))


def wait_until(look: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < end, f"{what}: not within {PATIENCE:g} s"
        time.sleep(0.1)


def plain(fields: str) -> list[list[str]]:
    rows = run("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits").splitlines()
    return [[cell.strip() for cell in row.split(",")] for row in rows]


def compute_pids() -> set[int]:
    rows = run("nvidia-smi", "--query-compute-apps=pid", "--format=csv,noheader").split()
    return {int(row) for row in rows if row.isdigit()}


@pytest.fixture(scope="module")
def card() -> str:
    """The UUID of the first GPU, which must be free."""
    try:
        rows = plain("uuid")
    except (OSError, AssertionError) as error:
        pytest.skip(f"no NVIDIA card here: {error}")
    assert not compute_pids(), "something computes on the card; end it first, then run this again"
    return rows[0][0]


@pytest.fixture
def verified(card: str) -> Callable[[str], None]:
    """Prints a line for docs/verified.md once the test has shown `feature`."""
    name, driver = plain("name,driver_version")[0]

    def shown(feature: str) -> None:
        print(f"\n| {feature} | {name}, driver {driver} | `make test-gpu` | {date.today().isoformat()} |")

    return shown


@contextlib.contextmanager
def holder(card: str) -> Iterator[subprocess.Popen[str]]:
    """A process with a CUDA context and HELD bytes on `card`."""
    argv = [sys.executable, "-c", HOLDER]
    env = os.environ | {"CUDA_VISIBLE_DEVICES": card}
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout and process.stdout.readline() == "holding\n"
            yield process
        finally:
            process.kill()


def listed(source: str, card: str, pid: int) -> dict[str, Any] | None:
    found = next(gpu for gpu in gpus(source) if gpu["uuid"] == card)
    assert found["processes"] is not None, f"{source} could not read the processes"
    return next((process for process in found["processes"] if process["pid"] == pid), None)


def test_both_drivers_agree_with_nvidia_smi(card: str, verified: Callable[[str], None]) -> None:
    rows = plain("index,uuid,name,memory.total,memory.used")
    for source in ("nvml", "smi"):
        found = gpus(source)
        assert [[str(gpu["index"]), gpu["uuid"], gpu["name"]] for gpu in found] == [row[:3] for row in rows]
        for gpu, row in zip(found, rows, strict=True):
            assert abs(gpu["memory_total_bytes"] - int(row[3]) * MIB) <= MIB, source
            assert abs(gpu["memory_used_bytes"] - int(row[4]) * MIB) <= 64 * MIB, source
    verified("`sentinel gpus` from NVML and from nvidia-smi agrees with nvidia-smi")


@pytest.mark.parametrize("source", ["nvml", "smi"])
def test_a_cuda_process_is_seen_with_its_memory_and_its_end_too(
    source: str, card: str, verified: Callable[[str], None]
) -> None:
    with holder(card) as process:
        wait_until(
            lambda: listed(source, card, process.pid) is not None,
            f"{source} lists pid {process.pid} (not in a container: there the driver gives other pids)",
        )
        seen = listed(source, card, process.pid)
        assert seen is not None
        assert seen["kind"] in ("compute", "compute+graphics")
        assert seen["memory_bytes"] is None or seen["memory_bytes"] >= HELD
    wait_until(lambda: listed(source, card, process.pid) is None, f"{source} no longer lists it")
    amount = "its memory" if seen["memory_bytes"] is not None else "its memory unknown, as this driver has it"
    verified(f"a CUDA process appears ({source}, {amount}) and vanishes")


@contextlib.contextmanager
def arbiter(source: str, card: str, folder: Path) -> Iterator[dict[str, str]]:
    """An arbiter on the real card with one service that holds CUDA memory."""
    script, config, sock = folder / "holder.py", folder / "config.toml", folder / "s.sock"
    script.write_text(HOLDER)
    command = ["env", f"CUDA_VISIBLE_DEVICES={card}", sys.executable, str(script)]
    config.write_text(
        f'[arbiter]\ngpus = "{source}"\nresume_delay = 0.5\nstate_file = "{folder}/state.json"\n'
        f'[[service]]\nname = "chat"\ndriver = "process"\ncommand = {json.dumps(command)}\n'
        f'user = "{getpass.getuser()}"\nevict = ["stop"]\n'
    )
    argv = [str(COMMANDS / "sentinel-arbiter"), "--config", str(config), "--socket", str(sock)]
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            wait_until(sock.exists, "the arbiter's socket")
            wait_until(lambda: bool(compute_pids()), "the service computes on the card")
            yield {"SENTINEL_SOCKET": str(sock)}
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.parametrize("source", ["nvml", "smi"])
def test_a_grant_comes_after_the_memory_is_free(
    source: str, card: str, tmp_path: Path, verified: Callable[[str], None]
) -> None:
    with arbiter(source, card, tmp_path) as env:
        query = "nvidia-smi --query-compute-apps=pid --format=csv,noheader; echo $CUDA_VISIBLE_DEVICES"
        lines = run(str(COMMANDS / "sentinel-request"), "--", "sh", "-c", query, env=env).split()
        assert not [line for line in lines if line.isdigit()], "granted while the service was on the card"
        assert card in lines[-1]
        wait_until(lambda: bool(compute_pids()), "the service is back on the card")
    wait_until(lambda: not compute_pids(), "the service ended with its arbiter")
    verified(f"the arbiter grants once the memory is free ({source}), and inference comes back")


def test_a_process_without_a_lease_pauses_inference(
    card: str, tmp_path: Path, verified: Callable[[str], None]
) -> None:
    with arbiter("nvml", card, tmp_path):
        service = compute_pids()
        with holder(card) as rogue:
            wait_until(lambda: compute_pids() == {rogue.pid}, "the watchdog paused the service")
        wait_until(lambda: bool(compute_pids() - service), "the service is back")
    verified("the watchdog pauses inference for a CUDA process without a lease")
