"""A container as JSON values and back, for what a scan remembers until the next. Root alone may read it."""

from collections.abc import Mapping
from typing import Any

from sentinel.core.container import Container, ContainerState, Device, DeviceRequest, Mount

_PLAIN = (
    "id name image engine pid created_at started_at oci_runtime privileged user user_is_image_default pod"
    " cgroup_parent"
).split()


def container_json(container: Container) -> dict[str, Any]:
    """`container` as JSON values."""
    return {key: getattr(container, key) for key in _PLAIN} | {
        "state": container.state.value,
        "command": list(container.command),
        "labels": dict(container.labels),
        "variables": dict(container.variables),
        "device_rules": list(container.device_rules),
        "devices": [[one.host, one.container] for one in container.devices],
        "mounts": [[one.kind, one.source, one.destination] for one in container.mounts],
        "device_requests": [
            [one.driver, one.count, list(one.device_ids), [list(group) for group in one.capabilities]]
            for one in container.device_requests
        ],
    }


def container_from(raw: Mapping[str, Any]) -> Container:
    """The container again. KeyError, TypeError or ValueError when `raw` is none."""
    return Container(
        **{key: raw[key] for key in _PLAIN},
        state=ContainerState(raw["state"]),
        command=tuple(raw["command"]),
        labels=dict(raw["labels"]),
        variables=dict(raw["variables"]),
        device_rules=tuple(raw["device_rules"]),
        devices=tuple(Device(host=host, container=inside) for host, inside in raw["devices"]),
        mounts=tuple(Mount(kind=kind, source=src, destination=dst) for kind, src, dst in raw["mounts"]),
        device_requests=tuple(
            DeviceRequest(
                driver=driver,
                count=count,
                device_ids=tuple(ids),
                capabilities=tuple(tuple(group) for group in groups),
            )
            for driver, count, ids, groups in raw["device_requests"]
        ),
    )
