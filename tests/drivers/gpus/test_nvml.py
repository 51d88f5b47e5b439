import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from tests.fakes.cards import Card, Occupant, Slice, cards
from tests.fakes.nvml_stand_in import NvmlStandIn, built, known_functions

from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import Gpu, ProcessKind
from sentinel.drivers.gpus.nvml import NvmlGpus

pytestmark = pytest.mark.cc
MIB = 2**20
LOST, RESET, MISMATCH, UNINITIALIZED, UNKNOWN = 15, 16, 18, 1, 999


@pytest.fixture
def source(nvml: NvmlStandIn) -> Iterator[NvmlGpus]:
    opened = NvmlGpus()
    yield opened
    opened.close()


def only(source: NvmlGpus) -> Gpu:
    (gpu,) = source.read().gpus
    return gpu


def test_a_card_in_full(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([Card(used_mib=1000, utilization=7, temperature=41, milliwatts=66_920, fan=38)])
    reading = source.read()
    assert (reading.source, reading.driver_version, reading.cuda_version) == ("nvml", "570.86.15", "12.8")
    assert reading.gpus == (
        Gpu(
            index=0,
            uuid="GPU-00000000-aaaa-bbbb-cccc-000000000000",
            name="NVIDIA Stand-in",
            pci_bus_id="00000000:01:00.0",
            memory_total_bytes=81920 * MIB,
            memory_used_bytes=1000 * MIB,
            memory_free_bytes=(81920 - 600 - 1000) * MIB,
            utilization_percent=7,
            temperature_celsius=41,
            power_watts=66.92,
            power_limit_watts=350,
            fan_percent=38,
            processes=(),
            mig_enabled=None,
        ),
    )


def test_processes_are_merged_by_pid(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show(
        [
            Card().having(
                Occupant(pid=1, letters="C", memory_mib=10, name="/usr/bin/python3"),
                Occupant(pid=2, letters="G", memory_mib=20),
                Occupant(pid=3, letters="C+G", memory_mib=30),
                Occupant(pid=4, letters="M+C"),
            )
        ]
    )
    found = {one.pid: one for one in only(source).processes or ()}
    assert {pid: one.kind for pid, one in found.items()} == {
        1: ProcessKind.COMPUTE,
        2: ProcessKind.GRAPHICS,
        3: ProcessKind.BOTH,
        4: ProcessKind.MPS,
    }
    assert {pid: one.memory_bytes for pid, one in found.items()} == {
        1: 10 * MIB,
        2: 20 * MIB,
        3: 30 * MIB,
        4: None,
    }
    assert found[1].name == "/usr/bin/python3"


FIELDS = {
    "nvmlDeviceGetTemperature": "temperature_celsius",
    "nvmlDeviceGetPowerUsage": "power_watts",
    "nvmlDeviceGetFanSpeed": "fan_percent",
    "nvmlDeviceGetUtilizationRates": "utilization_percent",
    "nvmlDeviceGetComputeRunningProcesses_v3": None,  # the second version answers
    "nvmlDeviceGetName": "name",
}


@pytest.mark.parametrize(("function", "field"), FIELDS.items())
def test_what_is_not_supported_is_unknown_and_nothing_else_is(
    nvml: NvmlStandIn, source: NvmlGpus, function: str, field: str | None
) -> None:
    card = Card(mig=False).having(Occupant(pid=1, memory_mib=1))
    nvml.show([replace(card, errors={function: 3})])
    gpu = only(source)
    unknown = {name for name in Gpu.__slots__ if getattr(gpu, name) is None} - {"error", "sensors"}
    assert unknown == ({field} if field else set())
    assert gpu.error is None


def test_older_memory_call(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([Card(used_mib=1000, errors={"nvmlDeviceGetMemoryInfo_v2": 13})])
    assert only(source).memory_used_bytes == 1600 * MIB
    both = {"nvmlDeviceGetMemoryInfo_v2": 3, "nvmlDeviceGetMemoryInfo": 3}
    nvml.show([Card(errors=both)])
    gpu = only(source)
    assert (gpu.memory_total_bytes, gpu.memory_used_bytes, gpu.memory_free_bytes) == (None, None, None)


def test_without_the_compute_list_processes_are_unknown(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    card = Card().having(Occupant(pid=1, letters="G"))
    name = "nvmlDeviceGetComputeRunningProcesses_v"
    nvml.show([replace(card, errors={f"{name}2": 13, f"{name}3": 13})])
    assert only(source).processes is None
    name = "nvmlDeviceGetGraphicsRunningProcesses_v"
    nvml.show([replace(card.having(Occupant(pid=2)), errors={f"{name}3": 3})])
    assert [one.pid for one in only(source).processes or ()] == [2]


@pytest.mark.parametrize(("code", "words"), [(LOST, "lost"), (RESET, "restart"), (8, "Power")])
def test_one_sick_card_among_good_ones(nvml: NvmlStandIn, source: NvmlGpus, code: int, words: str) -> None:
    first, second, third = cards(3)
    nvml.show([first, second, third])
    source.read()
    nvml.show([first, replace(second, errors={"*": code}), third])
    for _ in range(2):
        reading = source.read()
        assert [gpu.uuid for gpu in reading.gpus] == [first.uuid, second.uuid, third.uuid]
        assert [bool(gpu.error) for gpu in reading.gpus] == [False, True, False]
        sick = reading.gpus[1]
        assert words in (sick.error or "")
        assert (sick.processes, sick.memory_used_bytes) == (None, None)
    nvml.show([first, second, third])
    assert not any(gpu.error for gpu in source.read().gpus)


def test_a_card_lost_before_it_was_ever_seen(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([replace(Card(), errors={"*": LOST})])
    gpu = only(source)
    assert not gpu.named
    assert "lost" in (gpu.error or "")


def test_a_sick_card_is_let_go_between_reads(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([Card()])
    source.read()
    assert source._open
    nvml.show([Card(errors={"nvmlDeviceGetMemoryInfo": RESET, "nvmlDeviceGetMemoryInfo_v2": RESET})])
    assert only(source).error
    assert not source._open


def test_a_fan_that_cannot_be_read_is_no_sick_card(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([Card(errors={"nvmlDeviceGetFanSpeed": UNKNOWN})])
    assert (only(source).fan_percent, only(source).error) == (None, None)
    nvml.show([Card(errors={"nvmlDeviceGetTemperature": UNKNOWN})])
    assert "Temperature" in (only(source).error or "")


@pytest.mark.parametrize(
    ("code", "words"), [(MISMATCH, "reboot"), (9, "modprobe"), (4, "/dev/nvidia"), (UNKNOWN, "container")]
)
def test_init_failures_say_what_to_do_and_pass(
    nvml: NvmlStandIn, source: NvmlGpus, code: int, words: str
) -> None:
    nvml.show([Card()], init_error=code)
    for _ in range(2):
        with pytest.raises(GpuReadError, match=words):
            source.read()
    nvml.show([Card()])
    assert only(source)


@pytest.mark.parametrize("code", [MISMATCH, UNINITIALIZED, 9])
@pytest.mark.parametrize("function", ["*", "nvmlDeviceGetMigMode", "nvmlDeviceGetComputeRunningProcesses_v3"])
def test_a_driver_reload_is_survived(nvml: NvmlStandIn, source: NvmlGpus, code: int, function: str) -> None:
    nvml.show(cards(2))
    source.read()
    nvml.show(cards(2), errors={function: code})
    with pytest.raises(GpuReadError):
        source.read()
    nvml.show(cards(3), driver_version="580.1")
    reading = source.read()
    assert (len(reading.gpus), reading.driver_version) == (3, "580.1")


def test_cards_come_and_go(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    for count in (1, 4, 2):
        nvml.show(cards(count))
        assert [gpu.uuid for gpu in source.read().gpus] == [card.uuid for card in cards(count)]
    nvml.show([])
    with pytest.raises(GpuReadError, match="no GPU"):
        source.read()


def mig_card() -> Card:
    slices = (
        Slice(uuid="MIG-a", gpu_instance=3, name="MIG 3g.40gb", total_mib=40448, used_mib=11091),
        Slice(uuid="MIG-b", gpu_instance=9, compute_instance=1),
    )
    return Card(mig=True, slices=slices)


def test_mig_devices_and_what_runs_on_them(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([mig_card().having(Occupant(pid=1, memory_mib=10, slice=0), Occupant(pid=2, slice=1))])
    gpu = only(source)
    assert gpu.mig_enabled is True
    assert gpu.utilization_percent is None
    assert [(d.index, d.uuid, d.name, d.gpu_instance_id, d.compute_instance_id) for d in gpu.mig_devices] == [
        (0, "MIG-a", "MIG 3g.40gb", 3, 0),
        (1, "MIG-b", "MIG 1g.10gb", 9, 1),
    ]
    assert gpu.mig_devices[0].memory_used_bytes == 11091 * MIB
    assert [(one.pid, one.mig_uuid, one.memory_bytes) for one in gpu.processes or ()] == [
        (1, "MIG-a", 10 * MIB),
        (2, "MIG-b", None),
    ]


def test_processes_end_and_their_memory_is_free(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        nvml.show([Card().having(Occupant(pid=sleeper.pid, memory_mib=512, while_alive=True))])
        assert only(source).memory_used_bytes == 512 * MIB
        sleeper.kill()
    gpu = only(source)
    assert (gpu.memory_used_bytes, gpu.processes) == (0, ())


def test_names_of_any_bytes(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    nvml.show([Card().having(Occupant(pid=1, name="x"))])
    text = nvml.path.read_bytes().replace(b"name 1 x", b"name 1 \xff\xfe")
    nvml.path.write_bytes(text)
    (found,) = only(source).processes or ()
    assert (found.pid, found.name) == (1, None)


def test_without_nvidia_ml_py_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(GpuReadError, match=r"pip install 'sentinel-gpu\[agent\]'"):
        NvmlGpus()


def run(code: str, stand_in: NvmlStandIn) -> str:
    environment = {**os.environ, **stand_in.environment}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_replaced_library_is_taken_up(nvml: NvmlStandIn, tmp_path: Path) -> None:
    """As after a driver upgrade: the file is another one, and the old one must not stay mapped."""
    library = tmp_path / "driver" / "libnvidia-ml.so.1"
    library.parent.mkdir()
    library.write_bytes((built() / library.name).read_bytes())
    nvml.show([Card()])
    code = f"""
import os, pathlib
from sentinel.core.errors import GpuReadError
from sentinel.drivers.gpus.nvml import NvmlGpus
library, state = pathlib.Path({str(library)!r}), pathlib.Path({str(nvml.path)!r})
def mapped():
    return {{line.split()[4] for line in open("/proc/self/maps") if str(library) in line}}
source = NvmlGpus()
source.read()
before, good = mapped(), state.read_text()
beside = library.with_name("new")
beside.write_bytes(library.read_bytes())
beside.replace(library)
state.write_text(good + "error * 18" if False else "error * 18\\n" + good)
try:
    source.read()
except GpuReadError:
    state.write_text(good)
source.read()
print(len(before), before.isdisjoint(mapped()), mapped() == {{str(library.stat().st_ino)}})
"""
    environment = {**os.environ, **nvml.environment, "LD_LIBRARY_PATH": str(library.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "1 True True\n", done.stderr


def test_the_stand_in_answers_every_name_of_nvidia_ml_py(nvml: NvmlStandIn) -> None:
    library = nvml.load_here()
    assert [name for name in known_functions() if not hasattr(library, name)] == []
    assert library.nvmlVgpuInstanceGetType() == 3


def test_the_stand_in_delivers_events_once(nvml: NvmlStandIn, source: NvmlGpus) -> None:
    import pynvml

    nvml.show(cards(2))
    source.read()
    events = pynvml.nvmlEventSetCreate()
    handle = pynvml.nvmlDeviceGetHandleByIndex(1)
    pynvml.nvmlDeviceRegisterEvents(handle, pynvml.nvmlEventTypeXidCriticalError, events)
    nvml.happen(device=0, xid=13)
    nvml.happen(device=1, xid=79)
    found = pynvml.nvmlEventSetWait_v2(events, 500)
    assert (found.eventType, found.eventData) == (pynvml.nvmlEventTypeXidCriticalError, 79)
    assert pynvml.nvmlDeviceGetUUID(found.device) == cards(2)[1].uuid
    with pytest.raises(pynvml.NVMLError_Timeout):
        pynvml.nvmlEventSetWait_v2(events, 20)
    pynvml.nvmlEventSetFree(events)


def test_another_process_uses_it_by_environment(nvml: NvmlStandIn) -> None:
    nvml.show(cards(2))
    assert isinstance(sys.modules.get("pynvml"), ModuleType | None)
    code = "from sentinel.drivers.gpus.nvml import NvmlGpus; print(len(NvmlGpus().read().gpus))"
    assert run(code, nvml) == "2\n"
