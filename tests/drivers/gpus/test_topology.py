"""How GPUs are wired: by NVML, by nvidia-smi, and made up."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.cards import Card, cards
from tests.fakes.nvidia_smi import NvidiaSmi
from tests.fakes.nvml_stand_in import NvmlStandIn

from sentinel.core.errors import GpuReadError, UsageError
from sentinel.core.gpu import Gpu
from sentinel.drivers.gpus.islands import islands, numa_node
from sentinel.drivers.gpus.nvml_topology import NvmlTopology
from sentinel.drivers.gpus.simulated import SimulatedGpus
from sentinel.drivers.gpus.simulated_topology import VARIABLE, SimulatedTopology
from sentinel.drivers.gpus.smi_topology import SmiTopology, parse_topology
from sentinel.drivers.gpus.topology import open_topology
from sentinel.ports.gpu_topology import GpuPlace

FOLDER = Path(os.environ.get("SENTINEL_REAL_DATA", "/nonexistent"), "1_nvidia_smi")
LINUX = sorted(FOLDER.glob("captures/linux*/*.topo-m.txt"))


def gpus(shown: list[Card]) -> list[Gpu]:
    return [Gpu(index=at, uuid=one.uuid, pci_bus_id=one.address) for at, one in enumerate(shown)]


def switched(count: int) -> list[Card]:
    """Each reaches every other one."""
    return [
        replace(one, reaches=tuple(other for other in range(count) if other != at))
        for at, one in enumerate(cards(count))
    ]


def sysfs(root: Path, **nodes: str) -> Path:
    for address, node in nodes.items():
        folder = root / "bus/pci/devices" / f"0000:{address[1:]}:00.0"
        folder.mkdir(parents=True)
        (folder / "numa_node").write_text(f"{node}\n")
    return root


def test_islands_are_what_hangs_together() -> None:
    assert islands([(0, 1), (2, 3), (1, 5), (3, 3), (7, 7)]) == {0: 0, 1: 0, 5: 0, 2: 2, 3: 2}
    cube = [(a, a ^ bit) for a in range(8) for bit in (1, 2, 4)]
    assert islands(cube) == dict.fromkeys(range(8), 0), "not everyone is everyone's neighbour"
    assert islands([(6, 4), (4, 2), (2, 0)]) == dict.fromkeys((0, 2, 4, 6), 0)


def test_the_numa_node_that_a_card_is_plugged_into(tmp_path: Path) -> None:
    root = sysfs(tmp_path, _01="0", _af="1", _02="-1", _03="?")
    assert numa_node("00000000:01:00.0", root) == 0
    assert numa_node("00000000:AF:00.0", root) == 1
    assert [numa_node(one, root) for one in ("0000:02:00.0", "0000:03:00.0", "0000:04:00.0", "x", None)] == [
        None
    ] * 5
    far = tmp_path / "bus/pci/devices/10000:01:00.0"
    far.mkdir()
    (far / "numa_node").write_text("3\n")
    assert numa_node("00010000:01:00.0", tmp_path) == 3


@pytest.mark.cc
def test_nvml_two_islands(nvml: NvmlStandIn, tmp_path: Path) -> None:
    first, second, third, fourth, fifth = cards(5)
    shown = [
        replace(first, reaches=(1,)),
        replace(second, reaches=(0,)),
        replace(third, reaches=(3,)),
        replace(fourth, reaches=(2,)),
        fifth,
    ]
    nvml.show(shown)
    found = NvmlTopology(sysfs=sysfs(tmp_path / "sys", _01="0", _03="1")).places(gpus(shown))
    assert [found[one.uuid] for one in shown] == [
        GpuPlace(island=0, numa=0),
        GpuPlace(island=0),
        GpuPlace(island=2, numa=1),
        GpuPlace(island=2),
        GpuPlace(),
    ]


@pytest.mark.cc
def test_nvml_a_card_that_does_not_answer_is_alone(nvml: NvmlStandIn) -> None:
    shown = switched(3)
    shown[1] = replace(shown[1], errors={"*": 15})
    nvml.show(shown)
    # It is asked of the first of each pair.
    found = NvmlTopology().places(gpus(shown)[1:])
    assert [one.island for one in found.values()] == [None, None]
    missing = Gpu(index=9, uuid="GPU-gone")
    assert NvmlTopology().places([*gpus(shown), missing])["GPU-gone"] == GpuPlace()


@pytest.mark.cc
def test_nvml_an_old_driver_knows_nothing_of_links_and_none_at_all_is_an_error(nvml: NvmlStandIn) -> None:
    shown = [replace(one, errors={"nvmlDeviceGetP2PStatus": 13}) for one in switched(2)]
    nvml.show(shown)
    assert {one.island for one in NvmlTopology().places(gpus(shown)).values()} == {None}
    nvml.show([], init_error=18)
    with pytest.raises(GpuReadError, match="reboot"):
        NvmlTopology().places(gpus(shown))


@pytest.mark.cc
def test_nvml_is_left_as_open_as_it_was(nvml: NvmlStandIn) -> None:
    from sentinel.drivers.gpus.nvml import NvmlGpus

    shown = switched(2)
    nvml.show(shown)
    source = NvmlGpus()
    try:
        read = source.read().gpus
        assert {one.island for one in NvmlTopology().places(read).values()} == {0}
        assert len(source.read().gpus) == 2, "a session that was open still is"
    finally:
        source.close()


def test_nvidia_smi(tmp_path: Path) -> None:
    smi, shown = NvidiaSmi(tmp_path), switched(8)
    smi.show(shown)
    found = SmiTopology(str(smi.executable)).places(gpus(shown))
    assert [found[one.uuid] for one in shown] == [GpuPlace(island=0, numa=at // 4) for at in range(8)]
    assert smi.runs == [["topo", "-m"]]
    smi.say(stdout="ERROR: Option -m is missing its value.\n", code=255)
    with pytest.raises(GpuReadError, match="missing its value"):
        SmiTopology(str(smi.executable)).places(gpus(shown))


def test_a_table_between_spaces_and_one_of_cards_that_stand_between_nodes() -> None:
    table = (
        "        GPU0    GPU1    mlx5_0  CPU Affinity    NUMA Affinity\n"
        "GPU0     X      NV4     PIX     0-11            N/A\n"
        "GPU1    NV4      X      NV1     0-11            0-1\n"
        "mlx5_0  PIX     SYS      X\n"
    )
    assert parse_topology(table) == {0: GpuPlace(island=0), 1: GpuPlace(island=0)}
    assert parse_topology("") == parse_topology("Legend:\n  X = Self\n") == {}
    assert parse_topology("\tGPU0\nGPU0\t X \n") == {0: GpuPlace()}


@pytest.mark.data
def test_public_samples() -> None:
    eight = parse_topology((FOLDER / "topo/a100x8_4nic.txt").read_text())
    assert eight == {at: GpuPlace(island=0, numa=at // 4) for at in range(8)}
    pair = parse_topology((FOLDER / "topo/gtx1080ti_x2.txt").read_text())
    assert pair == {0: GpuPlace(), 1: GpuPlace()}, "PCIe alone, and no node is told"
    assert LINUX
    for path in LINUX:
        text = path.read_text()
        assert "\x1b" in text
        assert parse_topology(text) == {0: GpuPlace(numa=0)}, path
    (windows,) = FOLDER.glob("captures/windows*/*.topo-m.txt")
    assert parse_topology(windows.read_text()) == {}


def test_simulated_islands(monkeypatch: pytest.MonkeyPatch) -> None:
    ten = SimulatedGpus(10).read().gpus

    def shown(size: int | None = None) -> list[tuple[int | None, int | None]]:
        return [(one.island, one.numa) for one in SimulatedTopology(size).places(ten).values()]

    monkeypatch.delenv(VARIABLE, raising=False)
    assert [island for island, _ in shown()] == [0] * 8 + [8] * 2
    assert [numa for _, numa in shown()] == [0] * 4 + [1] * 4 + [2] * 2
    assert [island for island, _ in shown(4)] == [0] * 4 + [4] * 4 + [8] * 2
    assert {island for island, _ in shown(0)} == {island for island, _ in shown(1)} == {None}
    assert [island for island, _ in shown(9)][-1] is None, "one alone is in no island"
    monkeypatch.setenv(VARIABLE, "2")
    assert [island for island, _ in shown()] == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8]
    monkeypatch.setenv(VARIABLE, "many")
    with pytest.raises(UsageError, match="SENTINEL_SIMULATED_ISLAND=4"):
        shown()


def test_opened_by_the_name_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_topology("simulated:4"), SimulatedTopology)
    with pytest.raises(UsageError, match="choose one of"):
        open_topology("vulkan")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GpuReadError, match="not on PATH"):
        open_topology("smi")


@pytest.mark.cc
def test_auto_turns_to_nvidia_smi_where_nvml_does_not_answer(
    nvml: NvmlStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi, shown = NvidiaSmi(tmp_path), switched(2)
    smi.show(shown)
    nvml.show(shown)
    monkeypatch.setenv("PATH", smi.environment["PATH"])
    source = open_topology("auto")
    assert {one.island for one in source.places(gpus(shown)).values()} == {0}
    assert smi.runs == []
    nvml.show([], init_error=9)
    assert {one.island for one in source.places(gpus(shown)).values()} == {0}
    assert smi.runs == [["topo", "-m"]]
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(GpuReadError, match="modprobe"):
        source.places(gpus(shown))
