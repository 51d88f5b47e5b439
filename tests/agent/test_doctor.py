"""Rounds of health with everything around them made by the test: what is heard, kept and remembered."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sentinel.agent import doctor as module
from sentinel.agent.cordons import cordons_in
from sentinel.agent.doctor import Diagnosis, Doctor
from sentinel.core.clock import wall
from sentinel.core.errors import ArbiterUnavailable, GpuReadError
from sentinel.core.finding import GpuRef
from sentinel.core.gpu import Gpu, GpuReading
from sentinel.drivers.gpus.nvml_api import DRIVER_NOT_LOADED, explained
from sentinel.health import findings_file
from sentinel.health.quarantine import Order
from sentinel.ports.gpu_events import XidEvent
from sentinel.ports.kernel_log import Lines
from sentinel.ports.node_pressure import NodePressure

CARD = Gpu(
    index=0,
    uuid="GPU-1",
    pci_bus_id="00000000:01:00.0",
    memory_total_bytes=2**36,
    memory_used_bytes=0,
    processes=(),
)


class NVMLError(Exception):
    """As nvidia-ml-py raises it."""

    value = DRIVER_NOT_LOADED


NOT_LOADED = explained(NVMLError())
LINE = b"4,7,1000,-;NVRM: Xid (PCI:0000:01:00): 79, pid=1, name=x, GPU has fallen off the bus."


@dataclass
class Around:
    """The machine: edit it, then have a round."""

    folder: Path
    cards: tuple[Gpu, ...] | None = (CARD,)
    lines: list[bytes] = field(default_factory=list[bytes])
    lost: str | None = None
    cordons: dict[str, str] | None = field(default_factory=dict[str, str])
    orders: list[Order] = field(default_factory=list[Order])
    arbiter_down: bool = False
    name: str = "fake"

    def reading(self) -> GpuReading:
        if self.cards is None:
            raise GpuReadError(NOT_LOADED)
        return GpuReading(source="fake", gpus=self.cards)

    def read(self, *_: object) -> Lines:
        lines, self.lines = tuple(self.lines), []
        return Lines(lines=lines, lost=self.lost)

    def fileno(self) -> int | None:
        return None

    def close(self) -> None:
        pass

    def pressure(self, *_: object) -> NodePressure:
        return NodePressure()

    def cordoned(self) -> dict[str, str] | None:
        if self.arbiter_down:
            raise ArbiterUnavailable("the arbiter does not answer")
        return self.cordons

    def cordon(self, order: Order) -> None:
        self.orders.append(order)
        assert self.cordons is not None
        self.cordons[order.gpu] = order.reason

    def doctor(self) -> Doctor:
        class Pressure:
            read = staticmethod(self.pressure)

        return Doctor(
            node="here",
            folder=self.folder,
            reading=self.reading,
            log=self,
            pressure=Pressure(),
            cordons=True,
        )


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Around:
    made = Around(folder=tmp_path)
    # The arbiter's socket is the edge; a real arbiter is in tests/e2e/test_health.
    monkeypatch.setattr(module, "cordoned", made.cordoned)
    monkeypatch.setattr(module, "cordon", made.cordon)
    return made


def codes(found: Diagnosis) -> set[str]:
    return {one.code for one in found.findings}


def opened(found: Diagnosis) -> list[str]:
    return [event.subject for event in found.events if event.type.endswith("opened")]


def test_a_line_that_came_before_the_card_was_known_is_about_the_card(around: Around) -> None:
    around.cards, around.lines = None, [LINE]
    doctor = around.doctor()
    doctor.round(None)
    around.cards = (CARD,)
    found = next(one for one in doctor.round(None).findings if one.code == "79")
    assert found.gpu == GpuRef(uuid="GPU-1", index=0, pci_bus_id="00000000:01:00.0")
    assert found.count == 1


def test_the_driver_and_the_log_tell_of_the_same_fault_once(around: Around) -> None:
    doctor = around.doctor()
    doctor.notice(XidEvent(code=79, gpu=GpuRef(uuid="GPU-1", pci_bus_id="00000000:01:00.0"), at=wall()))
    assert doctor.urgent
    found = doctor.round(None)
    assert "79" in codes(found) and not doctor.urgent


def test_a_restart_announces_nothing_again(around: Around) -> None:
    around.lines = [LINE]
    assert any("xid-79" in one for one in opened(around.doctor().round(None)))
    around.lines = [LINE]
    again = around.doctor().round(None)
    assert "79" in codes(again) and not any("xid-79" in one for one in opened(again))


def test_lines_that_were_lost_stay_lost(around: Around) -> None:
    around.lost = "the kernel overwrote 10 records"
    doctor = around.doctor()
    doctor.round(None)
    around.lost = None
    doctor.round(None)
    kept = findings_file.load(around.folder)
    assert kept is not None and "overwrote" in kept.unknown["xid"]


def test_an_arbiter_that_is_away_is_said_and_asked_again(around: Around) -> None:
    around.lines, around.arbiter_down = [LINE], True
    doctor = around.doctor()
    assert any("still given out" in one for one in doctor.round(None).trouble)
    around.arbiter_down = False
    assert doctor.round(None).trouble == ()
    assert [order.gpu for order in around.orders] == ["GPU-1"]
    doctor.round(None)
    assert len(around.orders) == 1


def test_without_an_arbiter_nothing_is_ordered_and_nothing_is_amiss(around: Around) -> None:
    around.lines, around.cordons = [LINE], None
    assert around.doctor().round(None).trouble == ()
    assert around.orders == []


def test_cards_that_cannot_be_read_are_unknown_and_a_finding(around: Around) -> None:
    around.cards = None
    found = around.doctor().round(None)
    assert "driver.not-loaded" in codes(found)
    kept = findings_file.load(around.folder)
    assert kept is not None and "ecc" in kept.unknown


def test_a_folder_that_cannot_be_written_is_trouble_and_no_crash(around: Around) -> None:
    around.folder = around.folder / "gone"
    assert any("findings.json" in one for one in around.doctor().round(None).trouble)


@pytest.mark.parametrize("status", [None, [], {}, {"gpus": 3}, {"gpus": [None, {"cordon": None}, 7]}])
def test_a_status_that_says_nothing_has_no_cordons(status: object) -> None:
    assert cordons_in(status) == {}


def test_cordons_by_uuid() -> None:
    gpus = [{"uuid": "GPU-1", "cordon": {"by": "root", "reason": "why"}}, {"uuid": "GPU-2", "cordon": None}]
    assert cordons_in({"gpus": gpus}) == {"GPU-1": "why"}


def test_a_card_that_is_replaced_is_known_by_its_own_name(around: Around) -> None:
    doctor = around.doctor()
    doctor.round(None)
    around.cards = (replace(CARD, uuid="GPU-2"),)
    around.lines = [LINE]
    found = next(one for one in doctor.round(None).findings if one.code == "79")
    assert found.gpu is not None and found.gpu.uuid == "GPU-2"
