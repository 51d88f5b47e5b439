"""The GPUs that the kubelet gave to a container of a pod. `inventory` joins them with what it sees running.

A device plugin that shares a GPU gives it out as replicas: NVIDIA's as "GPU-…::0", "GPU-…::1", GKE's as
"nvidia0/vgpu0". A container may have several of one GPU. Who asks "which GPU" wants the GPU, so that is what
`device_ids` holds.
"""

from dataclasses import dataclass

_REPLICAS = ("::", "/vgpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodDevices:
    """GPUs of one resource that one container of a pod was given.

    `device_ids` are what the device plugin calls them: NVIDIA's calls them by UUID ("GPU-…", "MIG-…"),
    GKE's by node ("nvidia0", "nvidia0/gi1"), a driver of dynamic resource allocation by its own name
    ("gpu-0", "gpu-0-mig-1g5gb-19-0"). Each stands there once, in the kubelet's order.
    """

    namespace: str
    name: str  # the pod's
    container: str
    resource: str  # "nvidia.com/gpu", "nvidia.com/mig-1g.5gb"; of a claim the CDI kind
    device_ids: tuple[str, ...]
    raw_ids: tuple[str, ...] = ()  # as the kubelet says them: with replica, with the CDI kind
    claim: str | None = None  # "namespace/name" of the resource claim, where it was one

    @property
    def pod(self) -> str:
        """As `Container.pod` and `Workload.pod` name it."""
        return f"{self.namespace}/{self.name}"

    @property
    def shared(self) -> bool:
        """Some of it are replicas: others may have been given the same GPU."""
        return any(without_replica(raw) != raw for raw in self.raw_ids)


def without_replica(device_id: str) -> str:
    """The id of the device itself: "GPU-1" of "GPU-1::3"."""
    for mark in _REPLICAS:
        device_id = device_id.partition(mark)[0]
    return device_id
