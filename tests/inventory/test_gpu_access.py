"""Which GPUs a container may use: every way there is to give it one, and what only looks like one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.sightings import UUIDS, a_container, a_gpu

from sentinel.core.container import Device, DeviceRequest, Mount
from sentinel.core.workload import Trust
from sentinel.inventory.evidence.gpu_access import Cards, gpu_access

FRAGMENTS = Path(
    os.environ.get("SENTINEL_REAL_DATA", "/nonexistent"),
    "6_containers",
    "docker_fragments",
    "fragments.jsonl",
)
CARDS = Cards(gpus=(a_gpu(0), a_gpu(1)), mig={"MIG-1234": UUIDS[1]})
GPU = (("gpu",),)


def device(host: str, inside: str | None = None) -> tuple[Device, ...]:
    return (Device(host=host, container=inside or host),)


def mount(source: str, destination: str = "/x") -> tuple[Mount, ...]:
    return (Mount(kind="bind", source=source, destination=destination),)


def visible(value: str, runtime: str | None = "nvidia") -> dict[str, Any]:
    return {"oci_runtime": runtime, "variables": {"NVIDIA_VISIBLE_DEVICES": value}}


@pytest.mark.parametrize(
    ("more", "which"),
    [
        ({"device_requests": (DeviceRequest(count=-1, capabilities=GPU),)}, UUIDS),
        ({"device_requests": (DeviceRequest(driver="nvidia", count=-1),)}, UUIDS),
        ({"device_requests": (DeviceRequest(driver="nvidia", count=1, capabilities=GPU),)}, None),
        ({"device_requests": (DeviceRequest(device_ids=("1",), capabilities=GPU),)}, UUIDS[1:]),
        ({"device_requests": (DeviceRequest(device_ids=(UUIDS[0],), capabilities=GPU),)}, UUIDS[:1]),
        ({"device_requests": (DeviceRequest(device_ids=("MIG-1234",), capabilities=GPU),)}, UUIDS[1:]),
        ({"device_requests": (DeviceRequest(device_ids=("GPU-gone",), capabilities=GPU),)}, None),
        ({"device_requests": (DeviceRequest(driver="cdi", device_ids=("nvidia.com/gpu=0",)),)}, UUIDS[:1]),
        ({"device_requests": (DeviceRequest(driver="cdi", device_ids=("nvidia.com/gpu=all",)),)}, UUIDS),
        ({"devices": device(f"nvidia.com/gpu={UUIDS[1]}")}, UUIDS[1:]),
        ({"devices": (*device("/dev/nvidia1"), *device("/dev/nvidiactl"))}, UUIDS[1:]),
        ({"devices": device("/dev/my-card", "/dev/nvidia0")}, UUIDS[:1]),
        ({"devices": device("/dev/nvidiactl")}, None),
        ({"devices": device("/dev/nvidia-uvm")}, None),
        ({"devices": device("/dev/nvidia-caps/nvidia-cap1")}, None),
        ({"devices": device("/dev/dxg")}, None),
        ({"devices": device("/dev/nvhost-gpu")}, None),
        ({"device_rules": ("c 195:* rwm",)}, UUIDS),
        ({"device_rules": ("c 195:1 rwm",)}, UUIDS[1:]),
        ({"device_rules": ("c 195:255 rwm",)}, None),
        ({"device_rules": ("a *:* rwm",)}, UUIDS),
        ({"mounts": mount("/dev")}, UUIDS),
        ({"mounts": mount("/dev/nvidia0")}, UUIDS[:1]),
        (
            {"oci_runtime": "nvidia", "mounts": mount("/dev/null", "/var/run/nvidia-container-devices/1")},
            UUIDS[1:],
        ),
        ({"privileged": True}, UUIDS),
        (visible("all"), UUIDS),
        (visible("0,1"), UUIDS),
        (visible(UUIDS[0]), UUIDS[:1]),
        (visible("1:0"), UUIDS[1:]),
        (visible("nvidia.com/gpu=all", "nvidia-cdi"), UUIDS),
    ],
    ids=str,
)
def test_ways_to_give_a_gpu(more: dict[str, Any], which: tuple[str, ...] | None) -> None:
    found = gpu_access(a_container(**more), CARDS)
    assert (found.has, found.gpus) == (True, which)
    assert found.evidence
    assert all(one.trust is Trust.RUNTIME and one.value == "yes" for one in found.evidence)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"device_requests": (DeviceRequest(driver="cdi", device_ids=("vendor.com/net=0",)),)},
        {"device_requests": (DeviceRequest(count=1, capabilities=(("tpu",),)),)},
        {"devices": device("/dev/dri/renderD128")},
        {"devices": device("/dev/nvidia-fs0x")},
        {"device_rules": ("c 10:200 rwm", "b 195:* rwm", "nonsense")},
        {"mounts": mount("/devices/nvidia0")},
        {"mounts": mount("/dev/null", "/var/run/nvidia-container-devices/all")},
        *(visible(value) for value in ("", "none", "void", "NONE")),
        {"oci_runtime": "nvidia"},
    ],
    ids=str,
)
def test_what_gives_none(more: dict[str, Any]) -> None:
    found = gpu_access(a_container(**more), CARDS)
    assert (found.has, found.gpus, found.evidence) == (False, (), ())


def test_the_variable_of_a_cuda_image_gives_nothing_but_is_told() -> None:
    found = gpu_access(a_container(**visible("all", "runc")), CARDS)
    assert (found.has, found.gpus) == (False, ())
    assert [(one.value, one.trust) for one in found.evidence] == [("no", Trust.DECLARED)]


def test_it_cannot_be_told_whether_an_unknown_runtime_heeds_the_variable() -> None:
    found = gpu_access(a_container(**visible("all", None)), CARDS)
    assert (found.has, found.gpus) == (None, None)


def test_which_are_all_is_unknown_while_the_gpus_are() -> None:
    found = gpu_access(a_container(privileged=True), Cards(gpus=(), known=False))
    assert (found.has, found.gpus) == (True, None)


@given(st.text(max_size=20), st.text(max_size=20))
def test_takes_any_text(one: str, two: str) -> None:
    more: dict[str, Any] = visible(one) | {
        "devices": device(one, two),
        "device_rules": (two,),
        "device_requests": (DeviceRequest(driver="cdi", device_ids=(f"nvidia.com/gpu={one}",)),),
        "mounts": mount(one, f"/run/nvidia-container-devices/{two}"),
    }
    found = gpu_access(a_container(**more), CARDS)
    assert found.gpus is None or set(found.gpus) <= set(UUIDS)


@pytest.mark.data
def test_public_device_requests() -> None:
    samples = [json.loads(line) for line in FRAGMENTS.read_text().splitlines()]
    requests = [one for sample in samples if "DeviceRequests" in sample["kind"] for one in sample["json"]]
    assert requests
    for raw in requests:
        request = DeviceRequest(
            driver=raw["Driver"],
            count=raw["Count"],
            device_ids=tuple(raw["DeviceIDs"] or ()),
            capabilities=tuple(tuple(every) for every in raw["Capabilities"]),
        )
        found = gpu_access(a_container(device_requests=(request,)), CARDS)
        assert found.has is True
        assert found.gpus == (UUIDS if raw["Count"] == -1 else None)
