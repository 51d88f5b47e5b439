import threading
from collections.abc import Iterator

import pytest
from tests.fakes.cards import Card, cards
from tests.fakes.nvml_stand_in import NvmlStandIn

from sentinel.core.errors import GpuReadError
from sentinel.core.finding import Bad, GpuRef
from sentinel.drivers.gpus.nvml import NvmlGpus
from sentinel.drivers.gpus.nvml_events import XidEvents
from sentinel.health.xid import XidLog
from sentinel.ports.gpu_events import XidEvent

pytestmark = pytest.mark.cc
NOT_SUPPORTED, LOST, MISMATCH, UNINITIALIZED = 3, 15, 18, 1
AT = 1_700_000_000.0


@pytest.fixture
def events(nvml: NvmlStandIn) -> Iterator[XidEvents]:
    nvml.show(cards(2))
    opened = XidEvents(today=lambda: AT)
    assert opened.wait(0) is None  # from here on it listens
    yield opened
    opened.close()


def ref(index: int) -> GpuRef:
    card = cards(2)[index]
    return GpuRef(uuid=card.uuid, index=index, pci_bus_id=card.address)


def test_what_happens_is_told_once_and_in_order_with_its_card(nvml: NvmlStandIn, events: XidEvents) -> None:
    nvml.happen(device=1, xid=79)
    nvml.happen(device=0, xid=13)
    assert events.wait(1) == XidEvent(code=79, gpu=ref(1), at=AT)
    assert events.wait(1) == XidEvent(code=13, gpu=ref(0), at=AT)
    assert events.wait(0.01) is None
    assert events.blind == {}


def test_other_kinds_of_events_are_not_for_us(nvml: NvmlStandIn, events: XidEvents) -> None:
    nvml.happen(device=0, xid=0, kind=0x1)
    assert events.wait(0.01) is None


def test_it_wakes_up_while_it_waits(nvml: NvmlStandIn, events: XidEvents) -> None:
    timer = threading.Timer(0.05, lambda: nvml.happen(device=0, xid=48))
    timer.start()
    told = events.wait(20)
    timer.join()
    assert told is not None
    assert told.code == 48


def test_an_event_becomes_the_finding_of_its_code(nvml: NvmlStandIn, events: XidEvents) -> None:
    nvml.happen(device=1, xid=79)
    told = events.wait(1)
    assert told is not None
    log = XidLog(gpus={one.pci_bus_id or "": one for one in (ref(0), ref(1))})
    log.add_event(told.code, told.gpu, told.at)
    verdict = log.verdict()
    assert isinstance(verdict, Bad)
    (found,) = verdict.findings
    assert (found.code, found.gpu, found.quarantine, found.last_at) == ("79", ref(1), True, AT)


def test_a_card_without_events_is_named_and_the_others_tell(nvml: NvmlStandIn) -> None:
    first, second = cards(2)
    nvml.show(
        [
            Card(uuid=first.uuid, address=first.address, errors={"nvmlDeviceRegisterEvents": NOT_SUPPORTED}),
            second,
        ]
    )
    events = XidEvents(today=lambda: AT)
    assert events.wait(0) is None
    assert list(events.blind) == [first.uuid]
    nvml.happen(device=1, xid=62)
    told = events.wait(1)
    assert told is not None
    assert (told.code, told.gpu.index) == (62, 1)
    events.close()


def test_where_no_card_can_tell_it_says_where_to_look(nvml: NvmlStandIn) -> None:
    nvml.show(cards(1), errors={"nvmlDeviceRegisterEvents": NOT_SUPPORTED})
    events = XidEvents()
    with pytest.raises(GpuReadError, match="kernel log"):
        events.wait(0)
    events.close()


@pytest.mark.parametrize("code", [LOST, MISMATCH, UNINITIALIZED])
def test_a_lost_driver_is_told_and_opened_anew(nvml: NvmlStandIn, events: XidEvents, code: int) -> None:
    nvml.show(cards(2), errors={"nvmlEventSetWait_v2": code})
    with pytest.raises(GpuReadError):
        events.wait(1)
    with pytest.raises(GpuReadError):
        events.wait(1)
    nvml.show(cards(2))
    assert events.wait(0) is None
    nvml.happen(device=0, xid=31)
    told = events.wait(1)
    assert told is not None
    assert told.code == 31


def test_a_driver_that_is_not_there_is_told(nvml: NvmlStandIn) -> None:
    nvml.show(cards(1), init_error=9)
    with pytest.raises(GpuReadError, match="modprobe nvidia"):
        XidEvents().wait(0)


def test_closing_is_idempotent_and_waiting_opens_it_again(nvml: NvmlStandIn, events: XidEvents) -> None:
    events.close()
    events.close()
    nvml.happen(device=0, xid=79)  # nobody listens: this one goes by
    assert events.wait(0) is None


def test_a_reader_beside_it_may_let_go_of_the_library_at_any_time(
    nvml: NvmlStandIn, events: XidEvents
) -> None:
    source = NvmlGpus()
    assert len(source.read().gpus) == 2
    waiting = threading.Thread(target=lambda: told.append(events.wait(1.0)))
    told: list[XidEvent | None] = []
    waiting.start()
    nvml.show(cards(2), errors={"nvmlDeviceGetCount_v2": MISMATCH})
    with pytest.raises(GpuReadError):
        source.read()  # unloads libnvidia-ml while the other thread is inside
    nvml.show(cards(2))
    nvml.happen(device=1, xid=79)
    waiting.join()
    assert [one.code for one in told if one] == [79]
    source.close()
