"""DCGM's names: those that a dcgm-exporter dashboard asks for, in its units and with its labels."""

import json
import os
import re
from pathlib import Path

import pytest
from tests.telemetry.samples import ADA, GIB, gpu, process, sample, watch
from tests.telemetry.test_exposition import Series, names, read, value

from sentinel.core.gpu import MigDevice, ProcessKind
from sentinel.telemetry.exposition import dcgm_names, render
from sentinel.telemetry.sample import Owner, Sample, sole_owner

DASHBOARD = Path(
    os.environ.get("SENTINEL_REAL_DATA", "/none"), "5_prometheus/dcgm_exporter/dcgm-exporter-dashboard.json"
)
NOT_OURS = re.compile(r"DCGM_FI_PROF_.*")  # profiling counters, which only DCGM reads


def shown(taken: Sample) -> Series:
    return read(render("", watch(taken), 100.0, families=dcgm_names)[0])


def test_units_and_labels() -> None:
    series = shown(sample(gpu()))
    labels = {"gpu": "0", "UUID": "GPU-0", "device": "nvidia3", "modelName": "NVIDIA H100",
              "Hostname": "node1", "pci_bus_id": "00000000:01:00.0",
              "DCGM_FI_DRIVER_VERSION": "570.86.15"}  # fmt: skip
    for name, expected in {
        "GPU_UTIL": 50,
        "FB_USED": 10 * 1024,
        "FB_FREE": 69 * 1024,
        "FB_RESERVED": 1024,
        "GPU_TEMP": 40,
        "MEMORY_TEMP": 54,
        "POWER_USAGE": 300,
        "SM_CLOCK": 1980,
        "MEM_CLOCK": 2619,
        "TOTAL_ENERGY_CONSUMPTION": 1_234_500,
        "PCIE_REPLAY_COUNTER": 7,
        "MEM_COPY_UTIL": 11,
        "ENC_UTIL": 0,
        "DEC_UTIL": 0,
        "ECC_DBE_VOL_TOTAL": 2,
        "ROW_REMAP_FAILURE": 0,
        "UNCORRECTABLE_REMAPPED_ROWS": 6,
        "NVLINK_REPLAY_ERROR_COUNT_TOTAL": 4,
    }.items():
        assert value(series, f"DCGM_FI_DEV_{name}", **labels) == expected, name
    assert "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL" not in names(series)  # of one link it is unknown


def test_whose_the_gpu_is() -> None:
    series = shown(sample(gpu(0, process(41)), owners={41: ADA}))
    whose = {"user": "ada", "container": "train", "namespace": "lab", "pod": "train-0", "job": "17"}
    assert value(series, "DCGM_FI_DEV_GPU_UTIL", **whose) == 50


def test_a_gpu_of_several_is_nobodys() -> None:
    series = shown(sample(gpu(0, process(41), process(42)), owners={41: ADA, 42: Owner(user="bob")}))
    (labels,) = [dict(labels) for name, labels in series if name == "DCGM_FI_DEV_GPU_UTIL"]
    assert "user" not in labels


def test_the_sole_owner() -> None:
    def of(owners: dict[int, Owner], *drawing: int) -> Owner | None:
        kinds = dict.fromkeys(drawing, ProcessKind.GRAPHICS)
        kind = ProcessKind.COMPUTE
        return sole_owner(gpu(0, *[process(pid, kind=kinds.get(pid, kind)) for pid in (1, 2)]), owners)

    second = Owner(user="ada", workload_id="c1", container="other-name")
    assert of({1: ADA, 2: ADA}) is ADA
    assert of({1: ADA, 2: second}) is ADA
    assert of({1: ADA}) is None
    assert of({1: ADA}, 2) is ADA
    assert of({1: Owner(user="ada"), 2: Owner(user="bob")}) is None
    assert of({}) is None
    assert sole_owner(gpu(processes=None), {}) is None


def test_memory_of_mig_devices() -> None:
    device = MigDevice(index=0, uuid="MIG-1", name="MIG 1g.10gb", gpu_instance_id=7, memory_used_bytes=GIB)
    series = shown(sample(gpu(mig_devices=(device,))))
    used = [dict(labels) for name, labels in series if name == "DCGM_FI_DEV_FB_USED"]
    assert [(labels["GPU_I_PROFILE"], labels["GPU_I_ID"]) for labels in used] == [("1g.10gb", "7")]


@pytest.mark.data
def test_a_dashboard_for_dcgm_exporter_finds_what_it_asks_for() -> None:
    text = DASHBOARD.read_text()
    wanted = {name for name in re.findall(r"DCGM_FI_\w+", text) if not NOT_OURS.fullmatch(name)}
    assert wanted
    series = shown(sample(gpu()))
    assert wanted <= names(series)
    by: set[str] = set(re.findall(r"label_values\([^,]+,\s*(\w+)\)", text))
    by |= set(re.findall(r"\{\{\s*(\w+)\s*\}\}", json.dumps(json.loads(text))))
    by -= {"instance", "job"}  # Prometheus' own
    for name in wanted:
        (labels,) = [dict(labels) for known, labels in series if known == name]
        assert by <= labels.keys()
