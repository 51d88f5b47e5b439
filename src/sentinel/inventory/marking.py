"""Marking what was discovered: whose it is and since when, once, where it can be written.

`with_marks` is pure; `Labels` writes what it can into the container runtime. Called by the keeper after an
inventory is on the disk, because a runtime's labels are slow to write (a process each) and are a copy.

A mark is three labels in a namespace of their own, "sentinel.detected" unless configured:

    NAMESPACE = "true"    NAMESPACE.user = NAME | "unknown"    NAMESPACE.time = RFC 3339

Nothing managed is ever marked. A runtime loses labels when a container restarts: then they are written again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sentinel.core.clock import boottime, rfc3339
from sentinel.core.errors import SentinelError
from sentinel.core.inventory import Inventory
from sentinel.core.workload import Category, Mark, Workload, WorkloadState
from sentinel.ports.containers import Labeller

_UNPLAIN = re.compile(r"[^A-Za-z0-9._@+-]")
_IN_RUNTIME = ("docker", "containerd", "crio", "kubepods")


def with_marks(inventory: Inventory, namespace: str | None) -> Inventory:
    """The inventory with a mark on every discovered workload that has none; `None`: marking is off."""
    if namespace is None:
        return inventory
    return replace(inventory, workloads=tuple(_marked(one, namespace) for one in inventory.workloads))


def labels_of(mark: Mark) -> dict[str, str]:
    """The labels that `mark` is written as."""
    return {
        mark.namespace: "true",
        f"{mark.namespace}.user": mark.user,
        f"{mark.namespace}.time": rfc3339(mark.time),
    }


def to_label(inventory: Inventory, done: Mapping[str, float | None]) -> tuple[Workload, ...]:
    """The marked containers with GPU access that run and whose labels were not written for this run."""
    return tuple(
        one
        for one in inventory.workloads
        if one.mark is not None
        and one.gpu_access
        and one.runtime in _IN_RUNTIME
        and one.state in (WorkloadState.RUNNING, WorkloadState.IDLE, WorkloadState.PAUSED)
        and (one.id not in done or done[one.id] != one.started_at)
    )


class Labels:
    """Writes marks into container runtimes. Used by one thread."""

    def __init__(self, labellers: Sequence[Labeller]) -> None:
        self._labellers = labellers
        self.done: dict[str, float | None] = {}
        """For which run of each container the labels have been written, or cannot be."""
        self.trouble = ""
        """Why the last attempt went wrong; empty when it did not."""

    def write(self, inventory: Inventory, seconds: float) -> Inventory:
        """Writes what is missing, for `seconds` at the most; the inventory that says where marks stand.

        What there was no time for, or failed, is tried again at the next call.
        """
        until, written, self.trouble = boottime() + seconds, dict[str, str](), ""
        here = {one.id for one in inventory.workloads}
        self.done = {id: run for id, run in self.done.items() if id in here}
        for workload in to_label(inventory, self.done):
            if boottime() >= until:
                break
            try:
                place = self._label(workload)
            except SentinelError as error:
                self.trouble = error.message
                break
            self.done[workload.id] = workload.started_at
            if place:
                written[workload.id] = place
        if not written:
            return inventory
        return replace(inventory, workloads=tuple(_written(one, written) for one in inventory.workloads))

    def _label(self, workload: Workload) -> str | None:
        """Where it was written; None when no runtime here knows the container."""
        assert workload.mark is not None  # to_label gives no others
        wanted = labels_of(workload.mark)
        for labeller in self._labellers:
            found = labeller.labels(workload.id)
            if found is None:
                continue
            if all(found.get(key) == value for key, value in wanted.items()):
                return labeller.name
            if labeller.set_labels(workload.id, wanted):
                return labeller.name
        return None


def _marked(workload: Workload, namespace: str) -> Workload:
    if workload.category is Category.MANAGED:
        return replace(workload, mark=None) if workload.mark else workload
    if workload.mark is not None or workload.state.stopped or workload.first_seen_at is None:
        return workload
    user = _UNPLAIN.sub("_", workload.user or "unknown")[:64]
    return replace(workload, mark=Mark(user=user, time=workload.first_seen_at, namespace=namespace))


def _written(workload: Workload, places: Mapping[str, str]) -> Workload:
    place = places.get(workload.id)
    if place is None or workload.mark is None or workload.mark.written_to == place:
        return workload
    return replace(workload, mark=replace(workload.mark, written_to=place))
