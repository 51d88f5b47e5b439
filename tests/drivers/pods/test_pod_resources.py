"""The codec: messages written by hand after api.proto come out as nouns, and no bytes do harm."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fakes.kubelet import (
    answer,
    answer_of,
    claim,
    claimed,
    container,
    devices,
    pod,
)

from sentinel.core.errors import SourceUnknown
from sentinel.core.pod import PodDevices, without_replica
from sentinel.drivers.pods.messages import message_class
from sentinel.drivers.pods.pod_resources import parse

CLAIM = "dab5ab50-d59a-42a6-af16-cfd4628c0f7a"
DATA = Path(os.environ.get("SENTINEL_REAL_DATA", "/nonexistent"), "6_containers")


def in_a_pod(*parts: bytes) -> list[tuple[str, tuple[str, ...]]]:
    """(resource, ids) of what a container with these parts was given."""
    return [
        (given.resource, given.device_ids) for given in parse(answer(pod("ns", "p", container("c", *parts))))
    ]


def test_names_and_ids() -> None:
    data = answer(
        pod("ns1", "one", container("a", devices("nvidia.com/gpu", "GPU-1", "GPU-2")), container("b")),
        pod("ns2", "two", container("c", devices("nvidia.com/mig-1g.5gb", "MIG-7"))),
        pod("ns2", "none"),
    )
    first, second = parse(data)
    assert first == PodDevices(
        namespace="ns1",
        name="one",
        container="a",
        resource="nvidia.com/gpu",
        device_ids=("GPU-1", "GPU-2"),
        raw_ids=("GPU-1", "GPU-2"),
    )
    assert (second.pod, second.resource, second.device_ids) == (
        "ns2/two",
        "nvidia.com/mig-1g.5gb",
        ("MIG-7",),
    )


def test_no_pods_is_an_answer() -> None:
    assert parse(b"") == ()


def test_replicas_of_a_gpu_are_that_gpu_once() -> None:
    raw = ("GPU-1::0", "GPU-1::3", "GPU-2::0")
    (given,) = parse(answer(pod("ns", "p", container("c", devices("nvidia.com/gpu.shared", *raw)))))
    assert given.device_ids == ("GPU-1", "GPU-2")
    assert given.raw_ids == raw
    assert given.shared


@pytest.mark.parametrize(
    ("raw", "device"),
    [
        ("GPU-1", "GPU-1"),
        ("GPU-1::12", "GPU-1"),
        ("MIG-GPU-1/2/3", "MIG-GPU-1/2/3"),
        ("nvidia0", "nvidia0"),
        ("nvidia0/vgpu1", "nvidia0"),
        ("nvidia0/gi1/vgpu3", "nvidia0/gi1"),
    ],
)
def test_the_device_of_an_id(raw: str, device: str) -> None:
    assert without_replica(raw) == device


def test_one_entry_a_device_as_the_kubelet_writes_them_with_numa_nodes() -> None:
    assert in_a_pod(
        devices("nvidia.com/gpu", "GPU-1", numa=0),
        devices("nvidia.com/mig-1g.5gb", "MIG-1"),
        devices("nvidia.com/gpu", "GPU-2", numa=1),
    ) == [("nvidia.com/gpu", ("GPU-1", "GPU-2")), ("nvidia.com/mig-1g.5gb", ("MIG-1",))]


def test_what_is_no_gpu_is_left_out_and_a_renamed_gpu_is_not() -> None:
    assert in_a_pod(
        devices("intel.com/sriov", "0000:3b:02.1"),
        devices("nvidia.com/hostdev", "0000:3b:02.1"),
        devices("nvidia.com/gpu"),
        devices("example.com/a100", "GPU-1"),
        devices("nvidia.com/gpu", "nvidia0/gi1"),
    ) == [("example.com/a100", ("GPU-1",)), ("nvidia.com/gpu", ("nvidia0/gi1",))]


@pytest.mark.parametrize(
    ("resource", "kind", "ids"),
    [
        (claimed(f"k8s.gpu.nvidia.com/claim={CLAIM}-gpu-0"), "k8s.gpu.nvidia.com/claim", ("gpu-0",)),
        (
            claimed(
                f"k8s.gpu.nvidia.com/claim={CLAIM}-gpu-0-mig-1g5gb-19-0",
                f"k8s.gpu.nvidia.com/claim={CLAIM}-gpu-1",
            ),
            "k8s.gpu.nvidia.com/claim",
            ("gpu-0-mig-1g5gb-19-0", "gpu-1"),
        ),
        (
            claimed(f"k8s.gpu.nvidia.com/claim={CLAIM}-x", driver="gpu.nvidia.com", device="gpu-3"),
            "k8s.gpu.nvidia.com/claim",
            ("gpu-3",),
        ),
        (claimed("k8s.gpu.nvidia.com/device=gpu-0"), "k8s.gpu.nvidia.com/device", ("gpu-0",)),
        (claimed("nvidia.com/gpu=0", "nvidia.com/gpu=GPU-5"), "nvidia.com/gpu", ("0", "GPU-5")),
        (claimed("k8s.device-plugin.nvidia.com/gpu=GPU-5"), "k8s.device-plugin.nvidia.com/gpu", ("GPU-5",)),
        (claimed("example.com/card=GPU-5", driver="d", device="card-5"), "example.com/card", ("GPU-5",)),
        (claimed(driver="gpu.nvidia.com", device="gpu-2"), "gpu.nvidia.com", ("gpu-2",)),
    ],
)
def test_a_claimed_gpu(resource: bytes, kind: str, ids: tuple[str, ...]) -> None:
    (given,) = parse(answer(pod("ns", "p", container("c", claim("ns", "two-gpus", resource)))))
    assert (given.resource, given.device_ids, given.claim) == (kind, ids, "ns/two-gpus")
    assert given.raw_ids


@pytest.mark.parametrize(
    "resource",
    [
        claimed(),
        claimed("nvidia.com/gpu"),
        claimed("nvidia.com/gpu="),
        claimed(f"k8s.compute-domain.nvidia.com/claim={CLAIM}-channel-0"),
        claimed("example.com/nic=0", driver="nic.example.com", device="nic-0"),
    ],
)
def test_a_claim_of_something_else(resource: bytes) -> None:
    assert in_a_pod(claim("ns", "other", resource)) == []


def test_two_claims_stay_two() -> None:
    gpu = claimed("nvidia.com/gpu=0")
    parts = (claim("ns", "a", gpu), claim("ns", "b", gpu))
    assert [given.claim for given in parse(answer(pod("ns", "p", container("c", *parts))))] == [
        "ns/a",
        "ns/b",
    ]


def test_fields_of_the_future_do_no_harm() -> None:
    later = b"\xfa\x01\x03abc" + b"\xf8\x01\x05"  # numbers 31, a text and a number
    data = answer(pod("ns", "p", container("c", devices("nvidia.com/gpu", "GPU-1")) + later) + later) + later
    assert [given.device_ids for given in parse(data)] == [("GPU-1",)]


@pytest.mark.parametrize("name", ["\x1b[2J", "a\nb", "päck", "x" * 5000])
def test_a_name_that_is_none_is_not_believed(name: str) -> None:
    gpu = container("c", devices("nvidia.com/gpu", "GPU-1"))
    for data in (answer(pod("ns", name, gpu)), answer(pod(name, "p", gpu))):
        with pytest.raises(SourceUnknown) as caught:
            parse(data)
        assert caught.value.message.isascii() and caught.value.message.isprintable()


@pytest.mark.parametrize("data", [b"\x0a", b"HTTP/1.1 400", b"\x0a\x05\x0a\x03\xff\xfe\xfd", b"\x0f" * 100])
def test_what_is_no_answer_is_unknown(data: bytes) -> None:
    with pytest.raises(SourceUnknown, match="cannot be read"):
        parse(data)


WHOLE = answer(
    pod(
        "ns",
        "p",
        container("c", devices("nvidia.com/gpu", "GPU-1"), claim("ns", "a", claimed("nvidia.com/gpu=0"))),
    )
)


@given(st.binary(max_size=300))
@example(b"")
def test_no_bytes_do_harm(data: bytes) -> None:
    try:
        found = parse(data)
    except SourceUnknown:
        return
    assert all(isinstance(given, PodDevices) for given in found)


@given(st.integers(0, len(WHOLE)), st.binary(max_size=4), st.integers(0, 4))
def test_nor_does_a_damaged_answer(at: int, new: bytes, cut: int) -> None:
    try:
        found = parse(WHOLE[:at] + new + WHOLE[at + cut :])
    except SourceUnknown:
        return
    for each in found:
        assert all(word.isprintable() for word in (each.name, each.namespace, each.container, *each.raw_ids))


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
gifts = st.tuples(
    words, words, words, st.lists(words.map("GPU-".__add__), min_size=1, max_size=4, unique=True)
)


@given(st.lists(gifts, max_size=5))
def test_what_is_written_is_read(made: list[tuple[str, str, str, list[str]]]) -> None:
    data = answer(
        *(pod(ns, name, container(part, devices("nvidia.com/gpu", *ids))) for ns, name, part, ids in made)
    )
    read = [(each.namespace, each.name, each.container, list(each.raw_ids)) for each in parse(data)]
    assert read == made


def test_the_description_knows_every_message_under_its_own_name() -> None:
    assert message_class("CDIDevice").DESCRIPTOR.full_name == "v1.CDIDevice"


def written_down(document: dict[str, Any]) -> dict[tuple[str, str, str, str], list[str]]:
    """The NVIDIA devices in a JSON document, by other means than the parser's."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for each in document["pod_resources"]:
        for part in each.get("containers", ()):
            for asked in part.get("devices", ()):
                if asked["resource_name"].startswith("nvidia.com/") and asked["device_ids"]:
                    key = (each["namespace"], each["name"], part["name"], asked["resource_name"])
                    found.setdefault(key, []).extend(asked["device_ids"])
    return found


@pytest.mark.data
def test_the_public_samples() -> None:
    documents = [json.loads(path.read_text()) for path in sorted(DATA.glob("**/*pod-resources*.json"))]
    assert any(map(written_down, documents))
    for document in documents:
        read = parse(answer_of(document))
        raw = {(e.namespace, e.name, e.container, e.resource): list(e.raw_ids) for e in read}
        assert raw == written_down(document)
        for each in read:
            assert set(each.device_ids) == {id.split("::")[0] for id in each.raw_ids}
            assert len(each.device_ids) == len(set(each.device_ids))


def test_without_the_library_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['google.protobuf'] = None; sys.modules['google.protobuf.message'] = None\n"
        "from sentinel.core.errors import SourceUnknown\n"
        "from sentinel.drivers.pods.pod_resources import parse\n"
        "try: parse(b'')\n"
        "except SourceUnknown as error: print(error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'sentinel-gpu[kubernetes]'" in done.stdout, done.stderr
