"""The arbiter on a real card: granted means measured, inference comes back, monitors disturb nobody."""

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.gpu_hardware.card import (
    COMMANDS,
    GIB,
    HOLDERS,
    compute_pids,
    holder,
    plain,
    run,
    wait_until,
)
from tests.gpu_hardware.workstation import Workstation, arbiter

from sentinel.drivers.gpus.nvml import NvmlGpus

pytestmark = pytest.mark.gpu

ASKS = "nvidia-smi --query-compute-apps=pid --format=csv,noheader; echo $CUDA_VISIBLE_DEVICES"
LATER = "import time; print(time.monotonic())"
MONITORS = {
    "nvidia-smi": ["nvidia-smi"],
    "nvidia-smi -q -x": ["nvidia-smi", "-q", "-x"],
    "nvidia-smi pmon": ["nvidia-smi", "pmon", "-c", "1"],
    "gpustat": [sys.executable, "-m", "gpustat", "--json"],
    "nvitop": [sys.executable, "-m", "nvitop", "-1"],
}


@pytest.mark.parametrize("source", ["nvml", "smi"])
def test_a_grant_comes_after_the_memory_is_free(
    source: str, card: str, tmp_path: Path, verified: Callable[[str], None]
) -> None:
    with arbiter(source, card, tmp_path) as station:
        lines = station.request("sh", "-c", ASKS).split()
        assert not [line for line in lines if line.isdigit()], "granted while the service was on the card"
        assert card in lines[-1]
        station.serving()
    verified(f"the arbiter grants once the memory is free ({source}), and inference comes back")


@pytest.mark.parametrize("kind", HOLDERS)
def test_from_asking_to_granted(
    kind: str, card: str, tmp_path: Path, verified: Callable[[str], None], figure: Callable[..., None]
) -> None:
    """A service that holds tens of GiB is stopped; nothing is granted before that memory is free."""
    total = int(plain("memory.total")[0][0])
    size = min(40 * GIB, total * 2**20 // 2)
    took: list[float] = []
    freed: list[str] = []
    with arbiter("nvml", card, tmp_path, holder=kind, size=size) as station:
        for _ in range(3):
            station.wait_for("running")
            station.serving()
            time.sleep(0.5)
            assert int(plain("memory.used")[0][0]) >= size // 2**20
            began = time.monotonic()
            code = f"{LATER}; import subprocess; print(subprocess.getoutput({SMI_USED!r}))"
            out = station.request(sys.executable, "-c", code).split()
            took.append(float(out[0]) - began)
            assert int(out[1]) < 2048, f"{out[1]} MiB are in use, and it was granted"
            paused = station.chat()
            freed.append(f"{paused['state']}: {paused['freed_bytes']} bytes in {paused['took_seconds']} s")
    figure(f"asked → granted, {size // GIB} GiB held by a {kind} service", [round(one, 3) for one in took])
    print(freed)
    verified(f"a {kind} service with {size // GIB} GiB is stopped, and the request granted once that is free")


SMI_USED = "nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits"


def test_the_requester_is_killed(
    card: str, tmp_path: Path, verified: Callable[[str], None], figure: Callable[..., None]
) -> None:
    with arbiter("nvml", card, tmp_path, resume_delay=0.0) as station:
        station.wait_for("running")
        asked = station.requesting("sleep", "600")
        try:
            station.wait_for("paused")
            wait_until(lambda: station.status()["leases"], "the lease")
            assert compute_pids() == set()
            asked.send_signal(signal.SIGKILL)
            began = time.monotonic()
            asked.wait(10)
            station.wait_for("running")
            figure("kill -9 of the requester → its service runs again", f"{time.monotonic() - began:.3f} s")
            station.serving()
            assert station.status()["leases"] == []
        finally:
            asked.kill()
            asked.wait()
    verified("kill -9 of a requester: inference is back on the card")


def test_a_process_without_a_lease_pauses_inference(
    card: str, tmp_path: Path, verified: Callable[[str], None], figure: Callable[..., None]
) -> None:
    """The watchdog: by the opening of device nodes, long before a poll."""
    listed: list[float] = []
    paused: list[float] = []
    gone: list[float] = []
    back: list[float] = []
    with arbiter("nvml", card, tmp_path) as station:
        wakes = station.status()["watchdog"]["wakes_on"]
        print(wakes)
        assert "inotify" in wakes, station.status()["watchdog"]
        for _ in range(3):
            station.wait_for("running")
            service = station.serving()
            time.sleep(4)  # the alertness after an open is over
            seen = _Times(station, service)
            with holder(card) as rogue:
                seen.join()
                assert compute_pids() == {rogue.pid}, "the watchdog paused the service"
                assert rogue.poll() is None, "nobody is killed"
                assert rogue.stdout
                opened = float(rogue.stdout.readline())
            listed.append(round(1000 * (seen.listed - opened)))
            paused.append(round(1000 * (seen.aside - seen.listed)))
            gone.append(round(1000 * (seen.gone - seen.listed)))
            ended = time.monotonic()
            station.wait_for("running")
            back.append(round(time.monotonic() - ended, 3))
            assert compute_pids() != service
    figure("cuInit → the driver lists the process, ms", listed)
    figure("listed → the service is told to step aside, ms", paused)
    figure("listed → the service is off the card, ms", gone)
    figure("the process has ended → the service runs again (resume_delay 0.5 s), s", back)
    assert statistics.median(paused) < 1000, "woken by the opening, not by the poll"
    verified("the watchdog wakes when the card's device node is opened and pauses inference")


class _Times(threading.Thread):
    """When somebody else than `service` is listed on the card, the arbiter acts, and the service is gone."""

    def __init__(self, station: Workstation, service: set[int]) -> None:
        super().__init__()
        self._station, self._service = station, service
        self.listed = self.aside = self.gone = 0.0
        self.start()

    def run(self) -> None:
        source = NvmlGpus()
        try:
            end = time.monotonic() + 60
            while time.monotonic() < end and not (self.listed and self.aside and self.gone):
                gpu = next(gpu for gpu in source.read().gpus if gpu.uuid == self._station.card)
                pids = {one.pid for one in gpu.processes or ()}
                now = time.monotonic()
                if not self.listed and pids - self._service:
                    self.listed = now
                if not self.gone and pids and not pids & self._service:
                    self.gone = now
                if not self.aside and self._station.chat()["state"] != "running":
                    self.aside = time.monotonic()
                time.sleep(0.002)
        finally:
            source.close()


def test_monitors_pause_nothing(card: str, tmp_path: Path, verified: Callable[[str], None]) -> None:
    states: set[str] = set()
    over = threading.Event()
    with arbiter("nvml", card, tmp_path, arbiter='poll_interval = "60s"') as station:
        service = station.serving()
        time.sleep(3)

        def watch() -> None:
            while not over.wait(0.02):
                found = station.status()
                states.add(found["services"][0]["state"])
                states.update(f"foreign: {one['name']}" for one in found["watchdog"]["foreign"])

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            for name, argv in MONITORS.items():
                for _ in range(3):
                    assert run(*argv), name
            time.sleep(1)
        finally:
            over.set()
            watcher.join()
        assert compute_pids() == service
    assert states == {"running"}
    verified(f"{', '.join(MONITORS)} in a loop pause nothing")


def test_a_share_of_the_card_is_measured_free(
    card: str, tmp_path: Path, verified: Callable[[str], None]
) -> None:
    """`--memory`: two small shares side by side, and one that there is no room for."""
    with arbiter("nvml", card, tmp_path) as station:
        argv = [str(COMMANDS / "sentinel-request"), "--memory"]
        env = os.environ | station.env
        first = subprocess.Popen([*argv, "20GiB", "--", "sleep", "60"], env=env)
        try:
            wait_until(lambda: len(station.status()["leases"]) == 1, "the first share")
            assert "ok" in station.request("echo", "ok", options=("--memory", "20GiB"))
            refused = subprocess.run(
                [*argv, "70GiB", "--timeout", "1s", "--", "true"], env=env, capture_output=True, text=True
            )
            print(refused.stderr)
            assert refused.returncode == 75
        finally:
            first.kill()
            first.wait()
        wait_until(lambda: station.chat()["state"] == "running", "chat is back")
    verified("shares of a card by `--memory`: what does not fit is refused with who holds it")
