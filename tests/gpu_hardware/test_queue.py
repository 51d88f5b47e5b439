"""The whole queue on a real card: `sentinel up`, a job, and everything that names the process on the GPU."""

import getpass
import json
import os
import pwd
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.gpu_hardware.card import CUDA, GIB, TORCH, compute_pids, sentinel, wait_until
from tests.gpu_hardware.workstation import Workstation, arbiter
from tests.server.controller import Controller, run

pytestmark = pytest.mark.gpu


def job_user() -> str:
    """Somebody else where we are root, if this Python is one that they may run."""
    if os.geteuid() != 0:
        return getpass.getuser()
    try:
        subprocess.run([sys.executable, "-c", "import ctypes"], user="nobody", check=True, cwd="/")
    except (OSError, subprocess.CalledProcessError):
        return "root"
    return "nobody"


USER = job_user()
METRICS = "http://127.0.0.1:9400"
JOB = (
    f"HOLD = {2 * GIB}\nSECONDS = 60\n"
    + CUDA
    + """\
import json, os
device = start()
memory = hold(HOLD)
said = {"count": number("cuDeviceGetCount"), "pid": os.getpid()}
said["visible"] = os.environ["CUDA_VISIBLE_DEVICES"]
try:
    import torch
    x = torch.full((2048, 2048), 0.5, device="cuda")
    said["torch"] = [torch.cuda.device_count(), torch.cuda.get_device_name(0), float((x @ x).max())]
except ModuleNotFoundError:
    said["torch"] = None
print(json.dumps(said), flush=True)
end = time.monotonic() + SECONDS
while time.monotonic() < end and not os.path.exists(sys.argv[1]):
    for round in range(50):
        call("cuMemsetD32_v2", memory, round, ctypes.c_size_t(HOLD // 4))
    call("cuCtxSynchronize")
"""
)


@pytest.fixture
def station(card: str, tmp_path: Path) -> Iterator[Workstation]:
    with arbiter("nvml", card, tmp_path / "a") as found:
        yield found


@pytest.fixture
def up(station: Workstation, tmp_path: Path) -> Iterator[Controller]:
    folder = tmp_path / "up"
    folder.mkdir()
    words = ("up", "--gpus", "nvml", "--arbiter", str(station.socket), "--run-jobs-as", USER)
    controller = Controller(folder, *words)
    try:
        with controller:
            yield controller
    finally:
        if controller.process is not None and controller.process.poll() is None:
            controller.process.kill()
            controller.process.wait()
        run("down", "--data-dir", str(controller.data), home=controller.home)
        print(controller.log.read_text()[-4000:])


def test_a_job_on_the_card(
    card: str,
    station: Workstation,
    up: Controller,
    tmp_path: Path,
    verified: Callable[[str], None],
    figure: Callable[..., None],
) -> None:
    station.wait_for("running")
    service = station.serving()
    env = up.environment
    wait_until(lambda: "first job" in up.log.read_text(), "sentinel up is ready")
    began = time.monotonic()
    enough = station.socket.parent / "enough"  # ends the job
    argv = (
        "job",
        "submit",
        "--gpus",
        "1",
        "--json",
        "--cwd",
        "/",
        "--",
        sys.executable,
        "-c",
        JOB,
        str(enough),
    )
    job = json.loads(sentinel(*argv, env=env))["id"]

    def shown() -> dict[str, Any]:
        return json.loads(sentinel("job", "show", job, "--json", env=env))

    def of_the_job() -> set[int]:
        return compute_pids() - service

    try:
        wait_until(lambda: shown()["state"] == "FAILED" or of_the_job(), "the job is on the card", 60, 0.2)
        assert of_the_job()
    except AssertionError:
        print(shown(), sentinel("job", "logs", job, env=env))
        raise
    figure("submitted → listed on the card", f"{time.monotonic() - began:.2f} s")
    (pid,) = of_the_job()
    owner = pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name
    assert owner == USER
    assert shown()["gpus"] == [card]
    assert station.chat()["state"] == "paused", "inference steps aside for a job"
    print(sentinel("job", "list", env=env), sentinel("node", "list", env=env))
    time.sleep(3)
    _named_by_a_scan(card, pid, station, tmp_path)
    _named_by_the_metrics(card, pid)
    enough.touch()
    wait_until(lambda: shown()["state"] == "SUCCEEDED", "the job ends", 60)
    said = json.loads(sentinel("job", "logs", job, env=env))
    print(said)
    assert (said["count"], said["visible"], said["pid"]) == (1, card, pid)
    if TORCH:
        assert said["torch"][0] == 1 and said["torch"][2] == 512.0
    station.wait_for("running")
    verified(
        "`sentinel up`: a job has the card to itself by CUDA_VISIBLE_DEVICES; inference steps aside for it"
    )
    verified(
        "`sentinel scan`, `sentinel workloads` and the agent's metrics name the job's process on the card"
    )


def _named_by_a_scan(card: str, pid: int, station: Workstation, folder: Path) -> None:
    state = ("--state-dir", str(folder / "scan"))
    print(sentinel("scan", "--no-mark", "--gpus", "nvml", *state, env=station.env))
    print(sentinel("workloads", *state))
    print(sentinel("workloads", "--wide", *state))
    workloads = json.loads(sentinel("workloads", "--json", *state))["workloads"]
    mine = [one for one in workloads if pid in one["pids"]]
    print(json.dumps(mine, indent=1)[:3000])
    assert len(mine) == 1, workloads
    assert (mine[0]["user"], mine[0]["gpus"], mine[0]["gpu_indices"]) == (USER, [card], [0])
    assert mine[0]["gpu_memory_bytes"] is None or mine[0]["gpu_memory_bytes"] >= 2 * GIB


def _named_by_the_metrics(card: str, pid: int) -> None:
    with urllib.request.urlopen(f"{METRICS}/readyz", timeout=10) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(f"{METRICS}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    print("\n".join(line for line in lines if not line.startswith("gpu_nvlink"))[:9000])

    def value(name: str, *having: str) -> float:
        found = [one for one in lines if one.startswith(name + "{") and all(part in one for part in having)]
        assert len(found) == 1, (name, having, found)
        return float(found[0].rpartition(" ")[2])

    mine = f'uuid="{card}"'
    assert value("gpu_up", mine) == 1
    assert value("gpu_utilization_percent", mine) > 50
    assert value("gpu_memory_used_bytes", mine) >= 2 * GIB
    assert 0 < value("gpu_temperature_celsius", mine) < 110
    assert 20 < value("gpu_power_watts", mine) < 2000
    assert value("gpu_process_memory_bytes", mine, f'pid="{pid}"', f'user="{USER}"') >= 2 * GIB
    assert value("gpu_process_utilization_percent", mine, f'pid="{pid}"') > 30
    assert value("gpu_user_memory_bytes", mine, f'user="{USER}"') >= 2 * GIB
    assert value("sentinel_source_up", 'source="gpus"') == 1
    assert re.search(r'gpu_clock_hertz\{[^}]*clock="sm"', text)
