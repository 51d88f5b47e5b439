"""What of a node is not its GPUs, in words: CPUs, memory, and whether jobs may share GPUs there. Pure.

Called by explain for a job that finds enough GPUs and is not placed all the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sentinel.core.node import Sharing
from sentinel.core.units import show_size
from sentinel.scheduling.need import Need
from sentinel.scheduling.site import Site
from sentinel.scheduling.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """Jobs have what a job needs of the node with this id."""

    node: str
    reason: str


def never(snapshot: Snapshot, need: Need) -> str:
    """Why no node is big enough although some have the GPUs; empty when that is not so."""
    nodes = [node for node in snapshot.nodes.values() if need.node in (None, node.name)]
    if need.shared and all(node.sharing is Sharing.NO for node in nodes):
        where = "on no node" if need.node is None else f"not on {need.node}"
        return f"needs {need}; jobs may share GPUs {where}"
    most = _most((node.cpus, node.name) for node in nodes)
    if need.cpus is not None and most is not None and most[0] < need.cpus:
        return f"needs {need}; {most[1]} has the most CPUs, {most[0]}"
    wanted, most = need.host_memory, _most((node.memory_bytes, node.name) for node in nodes)
    if wanted is not None and most is not None and most[0] < wanted:
        return f"needs {need}; {most[1]} has the most memory, {show_size(most[0])}"
    if need.cpus is not None or wanted is not None:
        return f"needs {need}; nothing has all of that, as far as is known"
    return ""


def short(snapshot: Snapshot, need: Need) -> Short | None:
    """Where its GPUs are free and its CPUs or its memory are not; the node that is nearest to it."""
    found: list[tuple[float, str, Short]] = []
    for site in _with_gpus(snapshot, need):
        cpus, memory = site.left.cpus, site.left.memory
        if need.cpus is not None and cpus is not None and cpus < need.cpus:
            has = f"{max(0, cpus)} of the {need.cpus} CPUs"
            found.append((max(0, cpus) / need.cpus, site.name, _short(site, has)))
        elif need.host_memory is not None and memory is not None and memory < need.host_memory:
            has = f"{show_size(max(0, memory))} of the {show_size(need.host_memory)} of memory"
            found.append((max(0, memory) / need.host_memory, site.name, _short(site, has)))
    return max(found, key=lambda one: one[0])[2] if found else None


def _with_gpus(snapshot: Snapshot, need: Need) -> Iterable[Site]:
    for id, node in snapshot.nodes.items():
        site = snapshot.sites.get(id)
        if site is not None and need.could_run_on(node):
            pairs = zip(site.gpus, site.left.gpus, strict=True)
            if sum(milli >= need.milli and need.suits(gpu) for gpu, milli in pairs) >= need.gpus:
                yield site


def _short(site: Site, has: str) -> Short:
    return Short(node=site.id, reason=f"{site.name} has {has} free that it needs; jobs have the rest")


def _most(known: Iterable[tuple[int | None, str]]) -> tuple[int, str] | None:
    return max(((much, name) for much, name in known if much is not None), default=None)
