import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.cards import Occupant, Slice, cards
from tests.fakes.nvidia_smi import NvidiaSmi
from tests.fakes.nvml_stand_in import NvmlStandIn

from sentinel.cli.local.gpu_table import show_reading
from sentinel.cli.main import main
from sentinel.cli.plain import one_line, plain, shortened
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, MigDevice, ProcessKind, unnamed
from sentinel.core.gpu_json import gpu_json

SENTINEL = [sys.executable, "-m", "sentinel.cli.main"]
GIB = 2**30
KEYS = {
    "index",
    "uuid",
    "name",
    "memory_total_bytes",
    "memory_used_bytes",
    "utilization_percent",
    "temperature_celsius",
    "power_watts",
    "processes",
    "mig_devices",
}


def sentinel(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SENTINEL, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=30,
    )


@pytest.fixture
def claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SENTINEL_SIMULATED_DIR", str(tmp_path / "claims"))
    return tmp_path / "claims"


def test_json(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gpus", "--json", "--source", "simulated:3"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["index"] for one in found] == [0, 1, 2]
    assert all(one.keys() >= KEYS for one in found)


def test_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "saved.xml"
    path.write_text(
        "<nvidia_smi_log><gpu id='0000:01:00.0'><fb_memory_usage><used>1 MiB</used></fb_memory_usage>"
        "</gpu></nvidia_smi_log>"
    )
    assert main(["gpus", "--json", "--source", f"smi-xml:{path}"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["uuid"], found["name"], found["memory_total_bytes"]) == (None, None, None)
    assert (found["memory_used_bytes"], found["processes"], found["mig_devices"]) == (2**20, None, [])


@pytest.mark.parametrize(
    "content", [b"", b"not xml", b"<html><body/></html>", b"<nvidia_smi_log><gpu>", None]
)
def test_a_file_that_is_none_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / "bad\n.xml"
    if content is not None:
        path.write_bytes(content)
    assert main(["gpus", "--source", f"smi-xml:{path}"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("sentinel: ")


@pytest.mark.parametrize("source", ["nope", "smi-xml:", "smi-xml", "simulated:0", "smi-xml:/"])
def test_a_source_that_is_none(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gpus", "--source", source]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_list_of_sources_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    main(["gpus", "--source", "nope"])
    assert "auto, nvml, smi, simulated:N, smi-xml:FILE" in capsys.readouterr().err


def test_without_a_gpu_it_says_what_is_missing(tmp_path: Path) -> None:
    done = sentinel("gpus", PATH=str(tmp_path), LD_LIBRARY_PATH="")
    if done.returncode == 0:
        pytest.skip("this machine has a GPU")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "no GPU can be read on this machine" in done.stderr


def test_smi(tmp_path: Path) -> None:
    smi = NvidiaSmi(tmp_path)
    card = replace(cards(1)[0], mig=True, slices=(Slice(uuid="MIG-a", gpu_instance=3),))
    smi.show([card.having(Occupant(pid=5, memory_mib=1, slice=0))])
    done = sentinel("gpus", "--json", "--source", "smi", **smi.environment)
    (found,) = json.loads(done.stdout)
    assert found["utilization_percent"] is None
    (device,) = found["mig_devices"]
    assert (device["uuid"], [one["pid"] for one in device["processes"]]) == ("MIG-a", [5])
    assert [one["mig_uuid"] for one in found["processes"]] == ["MIG-a"]


@pytest.mark.cc
def test_nvml_and_auto(tmp_path: Path) -> None:
    nvml = NvmlStandIn(tmp_path / "state")
    nvml.show(cards(2))
    for source in ("nvml", "auto"):
        done = sentinel("gpus", "--json", "--source", source, **nvml.environment)
        assert len(json.loads(done.stdout)) == 2, done.stderr
    nvml.show([], init_error=18)
    done = sentinel("gpus", "--source", "nvml", **nvml.environment)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "reboot" in done.stderr


def reading() -> GpuReading:
    evil = "\x1b[2J\u202eevil\n" + "/very/long" * 20 + "/train.py"
    processes = (
        GpuProcess(pid=4194304, kind=ProcessKind.BOTH, memory_bytes=12 * GIB, name=evil),
        GpuProcess(pid=2, kind=ProcessKind.UNKNOWN, utilization_percent=99.0),
        GpuProcess(pid=3, kind=ProcessKind.COMPUTE, name="python", gpu_instance_id=3, compute_instance_id=0),
    )
    device = MigDevice(index=0, uuid=None, name="MIG 3g.40gb", gpu_instance_id=3, compute_instance_id=0)
    return GpuReading(
        source="smi",
        gpus=(
            Gpu(
                index=0,
                uuid="GPU-1",
                name="NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition \x07" * 2,
                memory_total_bytes=96 * GIB,
                memory_used_bytes=12 * GIB,
                utilization_percent=100.0,
                temperature_celsius=101.0,
                power_watts=1000.0,
                processes=processes,
                mig_devices=(device,),
            ),
            Gpu(index=1, uuid=unnamed(1), error="GPU is lost\x1b[31m " * 10),
        ),
        driver_version="590.48\x1b",
    )


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_fits_and_is_plain(width: int) -> None:
    lines = show_reading(reading(), width).split("\n")
    assert max(map(len, lines)) <= width
    assert all(line.isprintable() for line in lines)
    assert lines[1].split()[-6:] == ["100", "%", "101", "C", "1000", "W"]
    assert "unknown" in lines[-4]


def test_the_table_in_full() -> None:
    small = reading()
    gpu = replace(small.gpus[0], name="Card", processes=(small.gpus[0].processes or ())[1:])
    assert show_reading(replace(small, gpus=(gpu, small.gpus[1]), driver_version="590"), 80) == (
        "GPU  NAME                MEMORY     UTIL     TEMP    POWER\n"
        "0    Card       12 GiB / 96 GiB    100 %    101 C   1000 W\n"
        "     MIG 0  MIG 3g.40gb  unknown / unknown\n"
        "              3  compute    unknown  python\n"
        "            2  kind unknown   unknown  99 %  name unknown\n"
        "1    unknown  unknown / unknown  unknown  unknown  unknown\n"
        "     ! GPU is lost?[31m GPU is lost?[31m GPU is lost?[31m GPU is lost?[31m GPU i\n"
        "     processes unknown\n"
        "source smi, driver 590"
    )


def test_no_gpus() -> None:
    assert show_reading(GpuReading(source="smi-xml", gpus=()), 80) == "no GPUs\nsource smi-xml"


def test_a_table_through_a_pipe(claims: Path) -> None:
    done = sentinel("gpus", "--source", "simulated:2", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "0 B / 80 GiB" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_reader_who_leaves_early(claims: Path) -> None:
    command = f"{sys.executable} -m sentinel.cli.main gpus --json --source simulated:900 | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_json_of_a_gpu_of_which_nothing_is_known() -> None:
    found = gpu_json(Gpu(index=0, uuid=unnamed("00000000:01:00.0")))
    assert {key for key, value in found.items() if value is not None} == {"index", "mig_devices"}


def test_plain() -> None:
    assert plain("a\x1bb\u202ec\u200d\n") == "a?b?c??"
    assert one_line("a\n  b\tc") == "a b c"
    assert (shortened("abcdef", 6), shortened("abcdef", 5), shortened("abcdef", 2)) == (
        "abcdef",
        "...ef",
        "ab",
    )


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("sentinel ")


def test_help_lists_commands_without_importing_them() -> None:
    code = (
        "import sys\nfrom sentinel.cli.main import main\nmain(['--help'])\n"
        "print('lazy', 'sentinel.cli.local.gpus' not in sys.modules, 'rich' not in sys.modules)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    took = time.perf_counter() - start
    assert "gpus" in done.stdout
    assert done.stdout.endswith("lazy True True\n")
    assert took < 2  # the bound for people is 250 ms; this one is for a busy machine


def test_without_typer_it_names_what_to_install() -> None:
    code = (
        "import sys; sys.modules['typer'] = None\n"
        "from sentinel.cli.main import main\nsys.exit(main(['gpus']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == 'sentinel: the command line needs Typer: pip install "sentinel-gpu[cli]"\n'


def test_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sentinel.cli.local.gpus.gpu_source", interrupt)
    assert main(["gpus"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["no-such-command"], ["gpus", "--no-such-option"], ["gpus", "extra"]])
def test_asking_wrongly(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err
