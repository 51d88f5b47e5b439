"""What `ports.gpus` promises, asked of every driver: NVML and nvidia-smi on their stand-ins, simulated.

A driver joins by a `Machine` that shows it the same cards, processes and troubles.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.fakes.cards import Occupant, cards
from tests.fakes.nvidia_smi import NvidiaSmi
from tests.fakes.nvml_stand_in import NvmlStandIn

from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import Gpu, GpuReading
from sentinel.core.gpu_json import gpu_json
from sentinel.drivers.gpus.nvml import NvmlGpus
from sentinel.drivers.gpus.simulated import Holding, SimulatedGpus
from sentinel.drivers.gpus.smi import SmiGpus
from sentinel.ports.gpus import GpuSource

MIB = 2**20


class Machine(Protocol):
    """Two cards. `occupy` puts processes on the first one, `break_down` makes the driver fail."""

    source: GpuSource
    name: str

    def occupy(self, *occupants: Occupant) -> None: ...
    def break_down(self) -> None: ...


class NvmlMachine:
    name = "nvml"

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._nvml = NvmlStandIn(folder / "nvml")
        monkeypatch.setenv("SENTINEL_FAKE_NVML", str(self._nvml.path))
        self._nvml.load_here()
        self.occupy()
        self.source = NvmlGpus()

    def occupy(self, *occupants: Occupant) -> None:
        first, second = cards(2)
        self._nvml.show([first.having(*occupants), second])

    def break_down(self) -> None:
        self._nvml.show(cards(2), init_error=18, errors={"*": 18})


class SmiMachine:
    name = "smi"

    def __init__(self, folder: Path, full: bool) -> None:
        self._smi = NvidiaSmi(folder)
        self.occupy()
        self.source = SmiGpus(str(self._smi.executable), full=full)

    def occupy(self, *occupants: Occupant) -> None:
        first, second = cards(2)
        self._smi.show([first.having(*occupants), second])

    def break_down(self) -> None:
        self._smi.say(stdout="Failed to initialize NVML: Driver/library version mismatch\n", code=18)


class SimulatedMachine:
    name = "simulated"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[Holding] = []
        self.source = SimulatedGpus(2, lambda: self._held, folder)

    def occupy(self, *occupants: Occupant) -> None:
        self._held[:] = [
            Holding(pid=one.pid, gpus=(0,), memory_bytes=(one.memory_mib or 0) * MIB) for one in occupants
        ]
        (self._folder / "fault").unlink(missing_ok=True)

    def break_down(self) -> None:
        (self._folder / "fault").write_text("simulated fault: see the docs\n")


MACHINES: dict[str, Callable[[Path, pytest.MonkeyPatch], Machine]] = {
    "nvml": NvmlMachine,
    "smi": lambda folder, _: SmiMachine(folder, full=False),
    "smi-full": lambda folder, _: SmiMachine(folder, full=True),
    "simulated": lambda folder, _: SimulatedMachine(folder),
}


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.cc if name == "nvml" else ()) for name in MACHINES]
)
def machine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    made = MACHINES[request.param](tmp_path, monkeypatch)
    yield made
    made.source.close()


def plain(gpu: Gpu) -> list[tuple[int, int | None]] | None:
    return None if gpu.processes is None else [(one.pid, one.memory_bytes) for one in gpu.processes]


def test_it_names_itself_and_its_cards(machine: Machine) -> None:
    reading = machine.source.read()
    assert isinstance(reading, GpuReading)
    assert reading.source == machine.name
    assert [gpu.index for gpu in reading.gpus] == [0, 1]
    assert len({gpu.uuid for gpu in reading.gpus}) == 2
    assert all(gpu.uuid.startswith("GPU-") and gpu.named for gpu in reading.gpus)


def test_every_value_is_in_its_unit(machine: Machine) -> None:
    for gpu in machine.source.read().gpus:
        assert gpu.name
        assert gpu.pci_bus_id
        assert gpu.pci_bus_id.startswith("00000000:")
        assert gpu.memory_total_bytes == 80 * 2**30
        assert gpu.memory_used_bytes == 0
        assert gpu.utilization_percent == 0
        assert 20 < (gpu.temperature_celsius or 0) < 60
        assert (gpu.power_watts, gpu.power_limit_watts) == (60, 350)
        assert gpu.error is None
        assert json.dumps(gpu_json(gpu))


def test_an_empty_card_has_an_empty_list_not_an_unknown_one(machine: Machine) -> None:
    assert [plain(gpu) for gpu in machine.source.read().gpus] == [[], []]


def test_processes_come_and_go(machine: Machine) -> None:
    machine.occupy(Occupant(pid=41, memory_mib=100), Occupant(pid=42, memory_mib=200))
    first, second = machine.source.read().gpus
    assert plain(first) == [(41, 100 * MIB), (42, 200 * MIB)]
    assert all(one.kind.computes for one in first.processes or ())
    assert (first.memory_used_bytes, second.memory_used_bytes) == (300 * MIB, 0)
    assert plain(second) == []
    machine.occupy(Occupant(pid=42, memory_mib=200))
    assert plain(machine.source.read().gpus[0]) == [(42, 200 * MIB)]
    machine.occupy()
    assert plain(machine.source.read().gpus[0]) == []


def test_reading_changes_nothing(machine: Machine) -> None:
    machine.occupy(Occupant(pid=41, memory_mib=100))
    assert machine.source.read() == machine.source.read()


def test_a_failed_read_is_an_error_in_one_line_and_passes(machine: Machine) -> None:
    machine.source.read()
    machine.break_down()
    for _ in range(2):
        with pytest.raises(GpuReadError) as error:
            machine.source.read()
        assert error.value.message.strip()
        assert "\n" not in error.value.message
        assert error.value.retry
    machine.occupy()
    assert len(machine.source.read().gpus) == 2


def test_closing_twice_is_fine(machine: Machine) -> None:
    machine.source.read()
    machine.source.close()
    machine.source.close()
