"""What the queue gives out of cards with and without MIG devices."""

from collections.abc import Iterator

import pytest
from tests.fakes.cards import Card, Occupant, Slice, cards
from tests.fakes.nvidia_smi import NvidiaSmi
from tests.fakes.nvml_stand_in import NvmlStandIn

from sentinel.agent.link.queue_gpus import QueueGpu, queue_gpus
from sentinel.core.gpu import Gpu, GpuProcess, MigDevice, ProcessKind
from sentinel.drivers.gpus.nvml import NvmlGpus
from sentinel.drivers.gpus.smi import SmiGpus

MIB = 2**20
PROFILE = "MIG 1g.10gb"


def machine() -> list[Card]:
    """A card in MIG mode with two devices and two processes, one in MIG mode with none, a whole one."""
    first, second, third = cards(3)
    slices = (
        Slice(uuid="MIG-a", gpu_instance=7, name=PROFILE, total_mib=9984, used_mib=11),
        Slice(uuid="MIG-b", gpu_instance=9, name=PROFILE, total_mib=20096, used_mib=12),
    )
    occupants = (Occupant(pid=5, slice=0, memory_mib=3), Occupant(pid=6, slice=1, memory_mib=4))
    return [
        Card(uuid=first.uuid, address=first.address, mig=True, slices=slices, occupants=occupants),
        Card(uuid=second.uuid, address=second.address, mig=True),
        third.having(Occupant(pid=7, memory_mib=5)),
    ]


def shown(found: list[QueueGpu]) -> list[tuple[object, ...]]:
    return [
        (one.gpu.uuid, one.card == one.gpu.uuid, one.part, sorted(p.pid for p in one.gpu.processes or ()))
        for one in found
    ]


EXPECTED = [("MIG-a", False, True, [5]), ("MIG-b", False, True, [6])]


@pytest.fixture
def nvml(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[NvmlStandIn]:
    stand_in = NvmlStandIn(tmp_path_factory.mktemp("nvml") / "state")
    monkeypatch.setenv("SENTINEL_FAKE_NVML", str(stand_in.path))
    stand_in.load_here()
    yield stand_in


@pytest.mark.cc
@pytest.mark.parametrize("full", [True, False])
def test_as_nvml_lists_them(nvml: NvmlStandIn, full: bool) -> None:
    whole = machine()
    nvml.show(whole)
    source = NvmlGpus(full=full)
    try:
        found = queue_gpus(source.read().gpus)
    finally:
        source.close()
    assert shown(found) == [*EXPECTED, (whole[2].uuid, True, False, [7])]
    first = found[0]
    assert (first.gpu.index, first.card, first.gpu.name) == (0, whole[0].uuid, f"NVIDIA Stand-in {PROFILE}")
    assert (first.gpu.memory_total_bytes, first.gpu.memory_used_bytes) == (9984 * MIB, 11 * MIB)
    assert first.gpu.power_watts is None, "that is the whole card's"


def test_as_nvidia_smi_lists_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = machine()
    smi = NvidiaSmi(tmp_path_factory.mktemp("smi"))
    smi.show(whole)
    found = queue_gpus(SmiGpus(str(smi.executable), timeout=5, full=True).read().gpus)
    assert shown(found) == [*EXPECTED, (whole[2].uuid, True, False, [7])]
    assert found[1].gpu.name == f"NVIDIA Stand-in {PROFILE}"


DEVICES = (
    MigDevice(index=0, uuid="MIG-a", gpu_instance_id=1, compute_instance_id=0),
    MigDevice(index=1, uuid="MIG-b", gpu_instance_id=2, compute_instance_id=0),
)


def card(*processes: GpuProcess, **more: object) -> Gpu:
    return Gpu(
        **{
            "index": 3,
            "uuid": "GPU-0",
            "name": "NVIDIA H100",
            "mig_enabled": True,
            "mig_devices": DEVICES,
            "processes": processes,
            **more,
        }  # type: ignore[arg-type]
    )


def test_a_process_of_which_it_is_not_said_where_it_is_may_be_on_any() -> None:
    lost = GpuProcess(pid=1, kind=ProcessKind.COMPUTE)
    placed = GpuProcess(pid=2, kind=ProcessKind.COMPUTE, mig_uuid="MIG-b")
    elsewhere = GpuProcess(pid=3, kind=ProcessKind.COMPUTE, gpu_instance_id=9, compute_instance_id=0)
    found = queue_gpus([card(lost, placed, elsewhere)])
    assert [[p.pid for p in one.gpu.processes or ()] for one in found] == [[1, 3], [1, 2, 3]]


def test_what_is_not_known_of_the_card_is_not_known_of_its_devices() -> None:
    found = queue_gpus([card(processes=None, error="lost")])
    assert [(one.gpu.processes, one.gpu.error) for one in found] == [(None, "lost")] * 2
    (unnamed,) = queue_gpus([card(mig_devices=(MigDevice(index=0, uuid=None),))])
    assert not unnamed.gpu.named and unnamed.part
    assert queue_gpus([card(mig_enabled=None, mig_devices=())])[0].part is False


def test_names_of_drivers_that_say_the_cards_too() -> None:
    named = MigDevice(index=0, uuid="MIG-a", name="NVIDIA H100 MIG 3g.40gb")
    assert queue_gpus([card(mig_devices=(named,))])[0].gpu.name == "NVIDIA H100 MIG 3g.40gb"
    assert queue_gpus([card(mig_devices=(MigDevice(index=0, uuid="MIG-a"),))])[0].gpu.name == "NVIDIA H100"
    nameless = MigDevice(index=0, uuid="MIG-a", name="MIG 1g.10gb")
    assert queue_gpus([card(name=None, mig_devices=(nameless,))])[0].gpu.name == "MIG 1g.10gb"
