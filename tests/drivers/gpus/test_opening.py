import sys
from pathlib import Path

import pytest
from tests.fakes.cards import cards
from tests.fakes.nvidia_smi import NvidiaSmi
from tests.fakes.nvml_stand_in import NvmlStandIn

from sentinel.core.errors import GpuReadError, UsageError
from sentinel.drivers.gpus.nvml import NvmlGpus
from sentinel.drivers.gpus.opening import open_source
from sentinel.drivers.gpus.simulated import Holding, SimulatedGpus
from sentinel.drivers.gpus.smi import SmiGpus


@pytest.mark.parametrize(("spec", "count"), [("simulated:1", 1), ("simulated:12", 12), ("simulated", 2)])
def test_simulated(spec: str, count: int, tmp_path: Path) -> None:
    source = open_source(
        spec, holders=lambda: [Holding(pid=1, gpus=(0,), memory_bytes=5)], claims_dir=tmp_path
    )
    assert isinstance(source, SimulatedGpus)
    gpus = source.read().gpus
    assert (len(gpus), gpus[0].memory_used_bytes) == (count, 5)


@pytest.mark.parametrize(
    "spec", ["", "nvidia", "simulated:0", "simulated:x", "simulated:-1", "simulated:99999", "smi:x", "auto:1"]
)
def test_what_is_no_source(spec: str) -> None:
    with pytest.raises(UsageError, match="simulated:"):
        open_source(spec)


@pytest.mark.cc
def test_auto_prefers_nvml(nvml: NvmlStandIn) -> None:
    nvml.show(cards(1))
    source = open_source("auto")
    assert isinstance(source, NvmlGpus)
    source.close()


@pytest.mark.cc
def test_auto_takes_smi_where_nvml_does_not_work(
    nvml: NvmlStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi = NvidiaSmi(tmp_path)
    smi.show(cards(1))
    monkeypatch.setenv("PATH", smi.environment["PATH"])
    nvml.show([], init_error=9)
    assert isinstance(open_source("auto"), SmiGpus)


def test_auto_takes_smi_without_nvidia_ml_py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smi = NvidiaSmi(tmp_path)
    smi.show(cards(1))
    monkeypatch.setenv("PATH", smi.environment["PATH"])
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert open_source("auto").read().source == "smi"


def test_auto_with_neither_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(GpuReadError) as error:
        open_source("auto")
    assert "pip install 'sentinel-gpu[agent]'" in error.value.message
    assert "nvidia-smi is not on PATH" in error.value.message
