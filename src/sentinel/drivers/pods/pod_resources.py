"""What the kubelet's pod-resources answer says about GPUs. drivers/pods/kubelet calls it with the bytes.

A GPU comes to a container in one of two ways: from a device plugin, as ids of a resource, or by a claim
(dynamic resource allocation), as devices with names of the Container Device Interface, "VENDOR/CLASS=NAME".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sentinel.core.errors import SourceUnknown
from sentinel.core.pod import PodDevices, without_replica
from sentinel.drivers.pods.messages import ClaimResource, Container, decode

# Renamed resources ("example.com/a100") still give out UUIDs; GKE's plugin gives out other ids.
_GPU_RESOURCE = re.compile(r"nvidia\.com/(?:gpu|mig-)")
_GPU_UUID = re.compile(r"(?:GPU|MIG)-")
# NVIDIA's drivers: nvidia.com/gpu=0, k8s.gpu.nvidia.com/claim=UID-gpu-0. The last is named after its claim;
# so is k8s.compute-domain.nvidia.com/claim=…, which is no GPU.
_GPU_KIND = re.compile(r"(?:[a-z0-9-]+\.)*(?:nvidia\.com/(?:gpu|mig)|gpu\.nvidia\.com/(?:claim|device))")
_GPU_DRIVER = "gpu.nvidia.com"
_CLAIM_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-(?=.)")
_LONGEST = 1024  # of a name or an id; Kubernetes' own limits are lower


@dataclass(frozen=True, slots=True)
class _Gift:
    """Ids of one resource, as one entry of the answer has them."""

    resource: str
    ids: tuple[str, ...]
    raw: tuple[str, ...]
    claim: str | None = None


def parse(data: bytes) -> tuple[PodDevices, ...]:
    """The GPUs in an answer to List, by container and resource, in the kubelet's order.

    Devices that are no NVIDIA GPUs are left out. Raises SourceUnknown for what is no such answer, and
    where the protobuf library is missing.
    """
    answer = decode(data)
    return tuple(
        PodDevices(
            namespace=_word(pod.namespace),
            name=_word(pod.name),
            container=_word(container.name),
            resource=_word(gift.resource),
            device_ids=tuple(dict.fromkeys(map(_word, gift.ids))),
            raw_ids=tuple(map(_word, gift.raw)),
            claim=gift.claim and _word(gift.claim),
        )
        for pod in answer.pod_resources
        for container in pod.containers
        for gift in _merged(_gifts(container))
    )


def _gifts(container: Container) -> Iterator[_Gift]:
    for devices in container.devices:
        raw = tuple(filter(None, devices.device_ids))
        if raw and (_GPU_RESOURCE.match(devices.resource_name) or any(map(_GPU_UUID.match, raw))):
            yield _Gift(devices.resource_name, tuple(map(without_replica, raw)), raw)
    for claim in container.dynamic_resources:
        name = f"{claim.claim_namespace}/{claim.claim_name}"
        for resource in claim.claim_resources:
            yield from _claimed(resource, name)


def _claimed(resource: ClaimResource, claim: str) -> Iterator[_Gift]:
    """Since Kubernetes 1.34 an entry is one device and names it; before, it was all CDI names of a driver."""
    names = tuple(cdi.name for cdi in resource.cdi_devices if _is_gpu(cdi.name))
    ours = resource.driver_name == _GPU_DRIVER and resource.device_name
    if not names and not ours:
        return
    kind = names[0].partition("=")[0] if names else resource.driver_name
    ids = tuple(_CLAIM_UID.sub("", name.partition("=")[2]) for name in names)
    if resource.device_name and not any(map(_GPU_UUID.match, ids)):
        ids = (resource.device_name,)
    yield _Gift(kind, ids, names or ids, claim)


def _is_gpu(cdi_name: str) -> bool:
    kind, _, id = cdi_name.partition("=")
    return bool(id) and bool(_GPU_KIND.fullmatch(kind) or _GPU_UUID.match(id))


def _merged(gifts: Iterable[_Gift]) -> Iterator[_Gift]:
    """One for each resource and claim: the kubelet makes an entry for each device that has a NUMA node."""
    parts: dict[tuple[str, str | None], list[_Gift]] = {}
    for gift in gifts:
        parts.setdefault((gift.resource, gift.claim), []).append(gift)
    for (resource, claim), some in parts.items():
        ids = tuple(id for gift in some for id in gift.ids)
        yield _Gift(resource, ids, tuple(raw for gift in some for raw in gift.raw), claim)


def _word(text: str) -> str:
    """`text`, if it can be a name of Kubernetes: it will be printed on terminals."""
    if len(text) > _LONGEST or not (text.isascii() and text.isprintable()):
        raise SourceUnknown(
            f"the kubelet's pod-resources answer has a name that cannot be one: {text[:40]!a}; "
            "is it the kubelet that listens on that socket?"
        )
    return text
