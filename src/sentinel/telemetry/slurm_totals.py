"""Sums over a Slurm cluster. Pure.

Called by `slurm_metrics` and by `sentinel slurm-exporter --json`. A sum with something unknown in it is
unknown, so it is left out. Names come from elsewhere: what is added up are the labels that they make, since
two names may make the same.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from sentinel.core.slurm import SlurmJob, SlurmNode
from sentinel.telemetry.label import label

ALLOCATED, IDLE, OTHER = "allocated", "idle", "other"
REST = "(other)"
"""Stands for all names that have no series of their own."""

Key = TypeVar("Key", bound=Hashable)


def summed(counts: Iterable[tuple[Key, int | None]]) -> dict[Key, int]:
    """By key; a key of which something is unknown has none."""
    sums: dict[Key, int | None] = {}
    for key, count in counts:
        before = sums.get(key, 0)
        sums[key] = None if before is None or count is None else before + count
    return {key: total for key, total in sums.items() if total is not None}


def nodes_by_state(nodes: Iterable[SlurmNode]) -> dict[str, int]:
    """State → nodes."""
    return summed((label(node.state), 1) for node in nodes)


def cpus_by_state(nodes: Iterable[SlurmNode]) -> dict[str, int]:
    """ "allocated", "idle", and "other": free, but on a node to which no jobs may come."""
    counts: list[tuple[str, int | None]] = []
    for node in nodes:
        counts += _shares(node.cpus, node.cpus_allocated, usable=node.usable)
    return summed(counts)


def gpus_by_state(nodes: Iterable[SlurmNode]) -> dict[tuple[str, str], int]:
    """(type, state) → GPUs; states as for CPUs. Empty where the GPUs of a node are unknown."""
    counts: list[tuple[tuple[str, str], int | None]] = []
    for node in nodes:
        if node.gpus is None:
            return {}
        for kind, total in node.gpus.items():
            used = None if node.gpus_allocated is None else node.gpus_allocated.get(kind, 0)
            shares = _shares(total, used, usable=node.usable)
            counts += [((label(kind), state), count) for state, count in shares]
    return summed(counts)


def gpus_by_type(nodes: Iterable[SlurmNode]) -> dict[str, int]:
    """Type → GPUs that Slurm is configured with. Empty where the GPUs of a node are unknown."""
    counts: list[tuple[str, int | None]] = []
    for node in nodes:
        if node.gpus is None:
            return {}
        counts += [(label(kind), total) for kind, total in node.gpus.items()]
    return summed(counts)


def _shares(total: int | None, used: int | None, *, usable: bool) -> list[tuple[str, int | None]]:
    # All three, so that a state which nothing is in is told as such and does not come and go.
    free = None if total is None or used is None else max(0, total - used)
    return [(ALLOCATED, used), (IDLE if usable else OTHER, free), (OTHER if usable else IDLE, 0)]


def jobs_by_state(jobs: Iterable[SlurmJob]) -> dict[tuple[str, str], int]:
    """(state, partition) → jobs, where each task of an array is one."""
    return summed(((label(job.state), label(job.partition)), job.tasks) for job in jobs)


def jobs_by_user(jobs: Iterable[SlurmJob]) -> dict[tuple[str, str, str], int]:
    """(user, account, state) → jobs, where each task of an array is one."""
    return summed(((label(job.user), label(job.account), label(job.state)), job.tasks) for job in jobs)


def uncounted(jobs: Iterable[SlurmJob]) -> int:
    """Arrays of which Slurm did not say how many tasks wait."""
    return sum(job.tasks is None for job in jobs)


def bounded(counts: Mapping[tuple[str, ...], int], most: int, kept: int) -> dict[tuple[str, ...], int]:
    """The `most` largest, and the rest added up under REST; those keep their label at place `kept`."""
    if len(counts) <= most:
        return dict(counts)
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    shown: dict[tuple[str, ...], int] = defaultdict(int)
    for place, key in enumerate(ranked):
        rest = tuple(value if at == kept else REST for at, value in enumerate(key))
        shown[key if place < most else rest] += counts[key]
    return dict(shown)
