"""From the driver's library to the finding: the real nvidia-ml-py on the NVML stand-in, sensors made bad."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.cards import SERVER, Card, Link, Occupant, cards
from tests.fakes.nvml_stand_in import NvmlStandIn

from sentinel.core.errors import GpuReadError
from sentinel.core.finding import Finding
from sentinel.drivers.gpus.nvml import NvmlGpus
from sentinel.health.history import History
from sentinel.health.round import look
from sentinel.health.view import HealthView

pytestmark = pytest.mark.cc

NOW = 1_800_000_000.0
HEALTHY = SERVER | {
    "throttle": 0x1,
    "ecc_uncorrected_volatile": 0,
    "ecc_corrected_volatile": 0,
    "remapped_pending": 0,
    "retired_pending": 0,
    "pcie_generation": 5,
    "pcie_width": 16,
}


class Machine:
    """The stand-in's cards, looked at every ten seconds."""

    def __init__(self, nvml: NvmlStandIn) -> None:
        self.nvml = nvml
        self.now = 0.0
        self.source = NvmlGpus(full=True, now=lambda: self.now, today=lambda: NOW)
        self.history = History()

    def look(self, shown: Sequence[Card], **settings: int) -> tuple[Finding, ...]:
        self.now += 10.0
        self.nvml.show(shown, **settings)
        at = NOW + self.now
        try:
            reading = self.source.read()
        except GpuReadError as error:
            return look(HealthView(now=at, reading=error.message)).findings
        seen = HealthView(now=at, reading=reading, earlier=self.history.earlier, known=self.history.known)
        self.history = self.history.after(at, reading)
        return look(seen).findings


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    nvml = NvmlStandIn(tmp_path / "nvml-state")
    monkeypatch.setenv("SENTINEL_FAKE_NVML", str(nvml.path))
    nvml.load_here()
    made = Machine(nvml)
    yield made
    made.source.close()


def well() -> list[Card]:
    return [replace(card, sensors=HEALTHY, links=(Link(),) * 4) for card in cards(4)]


def second(**changes: int) -> list[Card]:
    return [
        replace(one, sensors=HEALTHY | changes) if index == 1 else one for index, one in enumerate(well())
    ]


def codes(found: Sequence[Finding]) -> list[tuple[str, int | None]]:
    return [(one.code, one.gpu.index if one.gpu else None) for one in found]


def test_all_is_well(machine: Machine) -> None:
    assert [machine.look(well()) for _ in range(4)] == [()] * 4


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("ecc.uncorrected", {"ecc_uncorrected_volatile": 1}),
        ("remap.failure", {"remapped_failure": 1}),
        ("remap.pending", {"remapped_pending": 1}),
        ("retired.pending", {"retired_pending": 1}),
        ("thermal.slowdown", {"throttle": 0x40 | 0x8}),
        ("power.brake", {"throttle": 0x80 | 0x8}),
        ("clocks.hw-slowdown", {"throttle": 0x8}),
        ("pcie.width", {"pcie_width": 4}),
        ("pcie.replay", {"pcie_replay": 5007}),
        ("persistence.off", {"persistence": 0}),
        ("thermal.memory", {"memory_temperature": 99}),
    ],
)
def test_a_sensor_goes_bad(machine: Machine, code: str, changes: dict[str, int]) -> None:
    assert machine.look(well()) == ()
    assert codes(machine.look(second(**changes))) == [(code, 1)]


def test_a_card_gets_hot(machine: Machine) -> None:
    hot = [replace(one, temperature=86) if index == 2 else one for index, one in enumerate(well())]
    assert codes(machine.look(hot)) == [("thermal.near-limit", 2)]


def test_an_nvlink_goes_down_and_another_has_errors(machine: Machine) -> None:
    assert machine.look(well()) == ()
    broken = well()
    broken[0] = replace(broken[0], links=(Link(), Link(active=0), Link(), Link()))
    broken[3] = replace(broken[3], links=(Link(recovery=2), Link(), Link(), Link()))
    assert codes(machine.look(broken)) == [("nvlink.down", 0), ("nvlink.errors", 3)]


@pytest.mark.parametrize(("error", "code"), [(15, "gpu.lost"), (16, "gpu.requires-reset"), (999, "gpu.err")])
def test_a_card_breaks(machine: Machine, error: int, code: str) -> None:
    assert machine.look(well()) == ()
    broken = [replace(one, errors={"*": error}) if index == 1 else one for index, one in enumerate(well())]
    (found,) = machine.look(broken)
    assert (found.code, found.quarantine) == (code, True)
    assert found.gpu is not None and found.gpu.uuid == broken[1].uuid
    assert machine.look(well()) == ()


def test_a_card_vanishes(machine: Machine) -> None:
    assert machine.look(well()) == ()
    (found,) = machine.look(well()[:3])
    assert found.code == "gpu.lost" and found.gpu is not None and found.gpu.uuid == well()[3].uuid


def test_the_driver_was_upgraded(machine: Machine) -> None:
    assert codes(machine.look([], init_error=18)) == [("driver.mismatch", None)]


def test_memory_stays_in_use_after_its_process_has_gone(machine: Machine) -> None:
    busy = [one.having(Occupant(pid=5, memory_mib=30_000)) for one in well()]
    assert machine.look(busy) == ()
    leaked = [replace(one, used_mib=30_000 if index == 1 else None) for index, one in enumerate(well())]
    found = [codes(machine.look(leaked)) for _ in range(5)]
    assert found[0] == [] and found[-1] == [("memory.leaked", 1)]
