import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.cards import Card, Occupant, Slice, cards
from tests.fakes.nvidia_smi import NvidiaSmi

from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import ProcessKind
from sentinel.drivers.gpus.smi import SmiGpus
from sentinel.drivers.gpus.smi_command import Answer

MIB = 2**20
SLICES = (Slice(uuid="MIG-a", gpu_instance=3), Slice(uuid="MIG-b", gpu_instance=9))


@pytest.fixture
def smi(tmp_path: Path) -> NvidiaSmi:
    return NvidiaSmi(tmp_path)


def arbiters(smi: NvidiaSmi) -> SmiGpus:
    return SmiGpus(str(smi.executable), timeout=5)


def in_full(smi: NvidiaSmi) -> SmiGpus:
    return SmiGpus(str(smi.executable), timeout=5, full=True)


def occupied() -> tuple[Card, ...]:
    first, second = cards(2)
    return (
        first.having(
            Occupant(pid=5, memory_mib=100, name="/usr/bin/python3 train.py, fast"),
            Occupant(pid=6, letters="G", memory_mib=4, name="Xorg"),
            Occupant(pid=7, letters="C+G", name="blender"),
        ),
        second,
    )


def test_the_cheap_read_lists_who_computes(smi: NvidiaSmi) -> None:
    smi.show(occupied())
    reading = arbiters(smi).read()
    assert (reading.source, reading.driver_version) == ("smi", "570.86.15")
    first, second = reading.gpus
    assert [(one.pid, one.memory_bytes, one.name) for one in first.processes or ()] == [
        (5, 100 * MIB, "/usr/bin/python3 train.py, fast"),
        (7, None, "blender"),
    ]
    assert second.processes == ()
    assert [run[0].partition("=")[0] for run in smi.runs] == ["--query-gpu", "--query-compute-apps"]


def test_the_full_read_knows_kinds_and_shares(smi: NvidiaSmi) -> None:
    smi.show([replace(card, utilization=30) for card in occupied()])
    reading = in_full(smi).read()
    found = reading.gpus[0].processes or ()
    assert [one.kind for one in found] == [ProcessKind.COMPUTE, ProcessKind.GRAPHICS, ProcessKind.BOTH]
    assert [one.utilization_percent for one in found] == [30, 30, 30]
    assert reading.cuda_version == "12.8"


def test_mig_turns_reads_into_full_ones_until_it_is_off(smi: NvidiaSmi) -> None:
    card = replace(cards(1)[0], mig=True, slices=SLICES)
    source = arbiters(smi)
    for _ in range(2):
        smi.show([card.having(Occupant(pid=5, memory_mib=8, slice=1))])
        (gpu,) = source.read().gpus
        assert [device.uuid for device in gpu.mig_devices] == ["MIG-a", "MIG-b"]
        assert [(one.pid, one.mig_uuid) for one in gpu.processes or ()] == [(5, "MIG-b")]
        assert gpu.utilization_percent is None
    assert [run[:2] for run in smi.runs[2:]] == [["-q", "-x"], ["-L"]] * 2
    smi.show(cards(1))
    source.read()
    assert source.read().gpus[0].mig_enabled is None
    assert smi.runs[-1][0].startswith("--query-compute-apps")


def test_an_old_driver_is_asked_for_less(smi: NvidiaSmi) -> None:
    smi.show(cards(1), unknown_fields=["mig.mode.current", "enforced.power.limit"])
    source = arbiters(smi)
    (gpu,) = source.read().gpus
    assert (gpu.mig_enabled, gpu.power_limit_watts) == (None, 350)
    before = len(smi.runs)
    source.read()
    assert len(smi.runs) - before == 2


@pytest.mark.parametrize("full", [False, True])
def test_a_lost_card_keeps_its_place_and_name(smi: NvidiaSmi, full: bool) -> None:
    source = SmiGpus(str(smi.executable), full=full)
    smi.show(cards(3))
    whole = source.read()
    smi.show(cards(3), lost=[1])
    reading = source.read()
    assert [gpu.index for gpu in reading.gpus] == [0, 1, 2]
    assert [gpu.uuid for gpu in reading.gpus] == [gpu.uuid for gpu in whole.gpus]
    assert [gpu.error for gpu in reading.gpus] == [None, "Unknown Error", None]
    lost = reading.gpus[1]
    assert (lost.processes, lost.memory_used_bytes, lost.utilization_percent) == (None, None, None)


@pytest.mark.parametrize("full", [False, True])
def test_a_card_lost_from_the_start(smi: NvidiaSmi, full: bool) -> None:
    smi.show(cards(3), lost=[1])
    reading = SmiGpus(str(smi.executable), full=full).read()
    assert [gpu.index for gpu in reading.gpus] == [0, 1, 2]
    assert [gpu.named for gpu in reading.gpus] == [True, False, True]
    assert reading.gpus[1].error == "Unknown Error"
    assert reading.gpus[2].uuid == cards(3)[2].uuid


def test_only_one_card_and_it_is_lost(smi: NvidiaSmi) -> None:
    smi.show(cards(1), lost=[0])
    for source in (arbiters(smi), in_full(smi)):
        (gpu,) = source.read().gpus
        assert gpu.error == "Unknown Error"
        assert gpu.processes is None


@pytest.mark.parametrize("full", [False, True])
def test_warnings_around_the_answer(smi: NvidiaSmi, full: bool) -> None:
    warning = "WARNING: infoROM is corrupted at gpu 0000:01:00.0\n"
    smi.show(occupied(), before=warning, after=warning, code=14)
    reading = SmiGpus(str(smi.executable), full=full).read()
    assert [gpu.error for gpu in reading.gpus] == [None, None]
    assert reading.gpus[0].processes


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ("Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.1\n", 18,
         "reboot"),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
         "the latest NVIDIA driver is installed and running.\n\n", 9, "lsmod"),
        ("No devices were found\n", 6, "lspci"),
        ("Failed to initialize NVML: Unknown Error\n", 255, "container"),
        ("Failed to initialize NVML: Insufficient Permissions\n", 4, "/dev/nvidia"),
        ("", 1, "exit 1"),
        ("Segmentation fault\n", 139, "Segmentation"),
        ("<html>\n", 0, "html"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_to_do(
    smi: NvidiaSmi, full: bool, said: str, code: int, words: str
) -> None:
    source = SmiGpus(str(smi.executable), full=full)
    for streams in ({"stdout": said}, {"stderr": said}):
        smi.say(**streams, code=code)
        with pytest.raises(GpuReadError) as error:
            source.read()
        if words != "html":
            assert words in error.value.message
        assert "\n" not in error.value.message
    smi.show(cards(1))
    assert len(source.read().gpus) == 1


def test_a_hanging_one_is_killed(smi: NvidiaSmi) -> None:
    smi.show(cards(1), hang=True)
    source = SmiGpus(str(smi.executable), timeout=0.3)
    start = time.monotonic()
    with pytest.raises(GpuReadError, match=r"did not answer within 0\.3 s"):
        source.read()
    assert time.monotonic() - start < 2
    smi.show(cards(1))
    assert SmiGpus(str(smi.executable)).read().gpus


def test_what_it_started_is_killed_too(tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {tmp_path}/pid\nwait\n")
    program.chmod(0o755)
    with pytest.raises(GpuReadError, match="did not answer"):
        SmiGpus(str(program), timeout=0.3).read()
    child = int((tmp_path / "pid").read_text())
    for _ in range(100):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or " Z " in state.read_text():
            return
        time.sleep(0.01)
    pytest.fail("the grandchild lives")


def test_one_that_survives_its_killing_is_not_joined_by_another(
    smi: NvidiaSmi, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi.show(cards(1), hang=True)
    source = SmiGpus(str(smi.executable), timeout=0.2)
    monkeypatch.setattr(os, "killpg", lambda *_: None)
    with pytest.raises(GpuReadError, match="did not answer"):
        source.read()
    smi.show(cards(1))
    with pytest.raises(GpuReadError, match="cannot be killed"):
        source.read()
    monkeypatch.undo()
    command = source._command
    assert command._stuck is not None
    os.killpg(command._stuck.pid, 9)
    command._stuck.wait()
    assert source.read().gpus


@pytest.mark.parametrize("full", [False, True])
def test_nobody_can_name_a_process_so_that_a_card_seems_lost(smi: NvidiaSmi, full: bool) -> None:
    name = "x\nUnable to determine the device handle for GPU0000:01:00.0: Unknown Error\n"
    smi.show([cards(1)[0].having(Occupant(pid=5, memory_mib=1, name=name))])
    (gpu,) = SmiGpus(str(smi.executable), full=full).read().gpus
    assert gpu.error is None
    assert [one.pid for one in gpu.processes or ()] == [5]


SAID = st.lists(
    st.sampled_from(
        [
            "Unable to determine the device handle for GPU3: 0000:01:00.0: x\n",
            "Unable to determine the device handle for GPU 0000:02:00.0: x\n",
            "0, GPU-1, n, 00000000:01:00.0, 1, 1, 1, 1, 1, 1, 1, 1, 1, Enabled, 1, 4\n",
            "GPU-1, 5, 1, x\n",
            "GPU-2, 5, 1, x\n",
            'Field "count" is not a valid field to query.',
            "<nvidia_smi_log><attached_gpus>3</attached_gpus><gpu id='0000:01:00.0'><uuid>GPU-1</uuid></gpu>",
            "</nvidia_smi_log>",
            "\n",
        ]
    )
    | st.text(max_size=5)
).map("".join)


@given(st.lists(st.tuples(SAID, SAID, st.sampled_from([0, 2, 9, 14])), min_size=1, max_size=6))
def test_whatever_it_says_is_a_reading_or_a_read_error(said: list[tuple[str, str, int]]) -> None:
    answers = cycle(said)

    def answer(*_: str) -> Answer:
        out, err, code = next(answers)
        return Answer(code=code, out=out, err=err)

    for full in (False, True):
        source = SmiGpus("nvidia-smi", full=full)
        source._command.run = answer
        for _ in range(3):
            with suppress(GpuReadError):
                gpus = source.read().gpus
                assert [gpu.index for gpu in gpus] == sorted(gpu.index for gpu in gpus)
                assert gpus


def test_no_executable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GpuReadError, match="not on PATH"):
        SmiGpus()
    with pytest.raises(GpuReadError, match="cannot be run"):
        SmiGpus(str(tmp_path / "none")).read()


def test_it_is_found_on_path_and_run_without_a_shell(smi: NvidiaSmi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", smi.environment["PATH"])
    smi.show(cards(1))
    assert SmiGpus().read().gpus


def test_xml_is_not_loaded_for_the_cheap_read(smi: NvidiaSmi) -> None:
    smi.show(occupied())
    code = (
        "import sys\nfrom sentinel.drivers.gpus.smi import SmiGpus\n"
        f"SmiGpus({str(smi.executable)!r}).read()\n"
        "print([name for name in sys.modules if 'xml' in name.split('.') or name == 'pyexpat'])"
    )
    source = Path(__file__).parents[3] / "src"
    code = f"import sys; sys.path.insert(0, {str(source)!r})\n{code}"
    # Without site-packages: what a coverage tool imports is not ours.
    argv = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
