"""Pods as attribution knows them, from what the kubelet gave out. Called by the agent's wiring."""

from collections.abc import Iterable

from sentinel.core.pod import PodDevices
from sentinel.inventory.observation import Pod


def pods_of(given: Iterable[PodDevices]) -> tuple[Pod, ...]:
    """Each pod once, with all of its GPUs."""
    gpus: dict[str, dict[str, None]] = {}
    for one in given:
        gpus.setdefault(one.pod, {}).update(dict.fromkeys(one.device_ids))
    return tuple(Pod(name=name, gpus=tuple(ids)) for name, ids in gpus.items())
