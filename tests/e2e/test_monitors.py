"""People watch their GPUs: monitors in a loop never pause anything; a CUDA process does, at once.

The arbiter reads the stand-in NVML library; nvitop and gpustat are the real ones on the same library. Who
runs them opens the device nodes first, as the driver does for them.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.e2e.onlooker import Onlooker
from tests.e2e.workstation import Workstation, always, eventually
from tests.fakes.cards import Occupant, cards
from tests.fakes.nvidia_smi import NvidiaSmi
from tests.fakes.nvml_stand_in import NvmlStandIn

from sentinel.arbiter.alertness import BY_COMMAND, IN_PROCESS, Pace

pytestmark = pytest.mark.cc

NVITOP = [sys.executable, "-m", "nvitop", "-1"]
GPUSTAT = [sys.executable, "-m", "gpustat", "--json"]
CARD_NODES = ("nvidiactl", "nvidia0", "nvidia1")
EVERY_NODE = (*CARD_NODES, "nvidia-uvm")
OPEN = "import os, sys; n = int(sys.argv[1]); [os.open(p, os.O_RDONLY) for p in sys.argv[2:2 + n]]; "
OPEN_AND_RUN = OPEN + "c = sys.argv[2 + n:]; os.execvp(c[0], c)"


class Machine:
    """Two cards on the stand-in library, a folder of device nodes, an arbiter that never polls."""

    def __init__(self, workstation: Workstation) -> None:
        self.workstation = workstation
        self.nodes = workstation.folder / "dev"
        self.nodes.mkdir()
        for name in EVERY_NODE:
            (self.nodes / name).touch()
        self.nvml = NvmlStandIn(workstation.folder / "nvml")
        self.show()

    def start(self, gpus: str = "nvml", env: dict[str, str] | None = None) -> None:
        station = self.workstation
        station.configure(
            gpus=gpus,
            arbiter='poll_interval = "60s"',
            rest=f'[watchdog]\ndevice_folder = "{self.nodes}"',
        )
        station.start(env=self.nvml.environment if env is None else env)
        station.ready()
        assert "inotify" in station.status()["watchdog"]["wakes_on"]
        self.show()

    def show(self, *others: Occupant) -> None:
        """Inference is on both cards, and on the first whatever else there is."""
        served = [Occupant(pid=p, memory_mib=20480, while_alive=True) for p in self.workstation.starts()[-1:]]
        first, second = (card.having(*served) for card in cards(2))
        self.nvml.show([replace(first, occupants=(*first.occupants, *others)), second])

    def run(self, *command: str, nodes: tuple[str, ...] = CARD_NODES, env: dict[str, str]) -> str:
        """A program that has these nodes open; what it printed."""
        paths = [str(self.nodes / name) for name in nodes]
        count = str(len(paths))
        done = self.workstation.run(sys.executable, "-c", OPEN_AND_RUN, count, *paths, *command, env=env)
        assert done.code == 0, done
        return done.out

    def open(self, *nodes: str) -> None:
        for name in nodes:
            os.close(os.open(self.nodes / name, os.O_RDONLY))


@pytest.fixture
def machine(workstation: Workstation) -> Iterator[Machine]:
    yield Machine(workstation)


def most_readings(pace: Pace, seconds: float) -> float:
    """What the opens of monitors may cost in this time; two more for what began before."""
    return pace.other.capacity + pace.other.per_second * seconds + 2


def nothing_was_paused(machine: Machine, seen: Onlooker) -> None:
    assert seen.states() == {"running"}
    assert len(machine.workstation.starts()) == 1
    assert machine.workstation.status()["watchdog"]["foreign"] == []


@pytest.mark.parametrize(
    ("monitor", "says"), [(NVITOP, "NVITOP"), (GPUSTAT, "NVIDIA Stand-in")], ids=["nvitop", "gpustat"]
)
def test_a_real_monitor_in_a_loop_pauses_nothing(machine: Machine, monitor: list[str], says: str) -> None:
    machine.start()
    with Onlooker(machine.workstation) as seen:
        for _ in range(4):
            assert says in machine.run(*monitor, env=machine.nvml.environment)
        always(lambda: machine.workstation.is_now("running"), 0.3)
        readings, seconds = len(seen.readings), seen.seconds
    nothing_was_paused(machine, seen)
    assert 2 <= readings <= most_readings(IN_PROCESS, seconds), "the opens were seen, and cost little"


def test_nvidia_smi_in_a_loop_pauses_nothing(machine: Machine) -> None:
    smi = NvidiaSmi(machine.workstation.folder)
    smi.show(cards(2))
    machine.start()
    with Onlooker(machine.workstation) as seen:
        for _ in range(12):
            assert "GPU 0: NVIDIA Stand-in" in machine.run(str(smi.executable), "-L", env={})
        readings, seconds = len(seen.readings), seen.seconds
    nothing_was_paused(machine, seen)
    assert 2 <= readings <= most_readings(IN_PROCESS, seconds)


def test_a_monitor_that_opens_what_cuda_opens_pauses_nothing_either(machine: Machine) -> None:
    machine.start()
    with Onlooker(machine.workstation) as seen:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            machine.open(*EVERY_NODE)
            time.sleep(0.002)
        readings, seconds = len(seen.readings), seen.seconds
    nothing_was_paused(machine, seen)
    assert readings <= seconds / IN_PROCESS.spacing + 2


@pytest.mark.parametrize("nodes", [CARD_NODES, EVERY_NODE], ids=["cards", "and-unified-memory"])
def test_the_arbiters_own_nvidia_smi_does_not_wake_it_for_ever(
    machine: Machine, nodes: tuple[str, ...]
) -> None:
    """Its `smi` driver runs a program that opens what we watch, at each reading."""
    station = machine.workstation
    smi = NvidiaSmi(station.folder)
    smi.show(cards(2))
    plain = smi.folder / "plain"
    smi.executable.rename(plain)
    opens = "".join(f': < "{machine.nodes / name}"\n' for name in nodes)
    smi.executable.write_text(f'#!/bin/sh\n{opens}exec {plain} "$@"\n')
    smi.executable.chmod(0o755)
    machine.start("smi", env=smi.environment)
    with Onlooker(station) as seen:
        eventually(lambda: seen.watched and seen.asked)
        machine.open(*CARD_NODES)
        eventually(lambda: rests(smi), "it comes to rest")
        readings, seconds = len(seen.readings), seen.seconds
    nothing_was_paused(machine, seen)
    compute = BY_COMMAND.compute.capacity if nodes == EVERY_NODE else 0
    assert readings <= most_readings(BY_COMMAND, seconds) + compute


def rests(smi: NvidiaSmi, seconds: float = 0.7) -> bool:
    """Whether nobody runs it for so long."""
    before = len(smi.runs)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.02)
        if len(smi.runs) > before:
            return False
    return True


def test_a_cuda_process_pauses_inference_at_once_long_before_any_poll(machine: Machine) -> None:
    machine.start()
    intruder = machine.workstation.popen("sleep", "60")
    assert machine.workstation.is_now("running")
    machine.open(*EVERY_NODE)
    time.sleep(0.3)  # the driver lists a program a while after it opened its nodes
    assert machine.workstation.is_now("running"), "an open alone pauses nothing"
    machine.show(Occupant(pid=intruder.pid, memory_mib=4096, while_alive=True))
    listed = time.monotonic()
    eventually(lambda: machine.workstation.is_now("pausing", "paused"), "inference steps aside")
    assert time.monotonic() - listed < 1.0
    eventually(lambda: machine.workstation.is_now("paused"))
    assert str(intruder.pid) in machine.workstation.service_now()["why"]


def test_a_monitor_in_a_loop_does_not_blunt_the_watchdog(machine: Machine) -> None:
    machine.start()
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        machine.open(*CARD_NODES)
        time.sleep(0.005)
    intruder = machine.workstation.popen("sleep", "60")
    machine.show(Occupant(pid=intruder.pid, memory_mib=4096, while_alive=True))
    machine.open(*EVERY_NODE)
    opened = time.monotonic()
    eventually(lambda: machine.workstation.is_now("pausing", "paused"), "inference steps aside")
    assert time.monotonic() - opened < 1.0


def test_the_real_monitors_show_what_the_arbiter_shows(machine: Machine) -> None:
    """The same library, the same picture."""
    machine.start()
    service = machine.workstation.starts()[0]
    assert f'"pid": {service}' in machine.run(*GPUSTAT, env=machine.nvml.environment)
    machine.open("nvidia-uvm")
    eventually(
        lambda: [p["pid"] for p in machine.workstation.status()["gpus"][0]["processes"]] == [service],
        "the arbiter lists the service",
    )


def test_the_devices_folder_is_the_one_of_the_config(machine: Machine) -> None:
    assert sorted(Path(p).name for p in machine.nodes.iterdir()) == sorted(EVERY_NODE)
    machine.start()
    with Onlooker(machine.workstation) as seen:
        eventually(lambda: seen.readings)
        before = len(seen.readings)
        machine.open("nvidia-uvm")
        eventually(lambda: len(seen.readings) > before, "an open there is a reading", seconds=1.0)
