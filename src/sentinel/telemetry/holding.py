"""Which part of each GPU somebody has: what hours of use are added up from. Pure.

The agent's metrics call it for `held_metrics` and for the history. What the queue has given out is held by
the job's owner, whether its job computes or not. What is left of a GPU is shared equally by those whose
processes compute there; a job's own processes are not among them, nor a server of MPS beside its clients.
Where the driver does not say which processes there are, who has the rest is unknown: it is in no result.

A MIG device is the part of its card that its memory is; instances on one part of the memory share that. Of a
process that may be on any of a card's devices nobody can say which part it has: what is left of that card is
in no result then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, MigDevice, ProcessKind
from sentinel.core.gpu_json import runs_on
from sentinel.core.job import WHOLE
from sentinel.core.series import Labels, labels_from
from sentinel.telemetry.label import label
from sentinel.telemetry.sample import Owner, ProcessKey

HELD, HELD_IDLE, HELD_POWER = "gpu_held", "gpu_held_idle", "gpu_held_power_watts"
IDLE_PERCENT = 5.0
"""Up to this utilisation a GPU computes nothing that counts: watching it makes it blink."""
QUEUE = "queue"  # the origin of what a job of the queue holds
MOST_HOLDERS = 64
OTHERS = "(other)"
"""The user of what all holders beyond MOST_HOLDERS of one GPU have."""
_MPS_SERVER = "nvidia-cuda-mps-server"
_NOBODY = Owner()
_TINY = 1e-9

Point = tuple[str, Labels, float]
"""Metric, labels, value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """What the queue has given to one job here. `milli`: thousandths of each of its `gpus`, which are UUIDs
    of cards or MIG devices. `pids`: processes there that are known to be the job's."""

    gpus: tuple[str, ...]
    milli: int = WHOLE
    owner: str | None = None
    pids: frozenset[int] = field(default_factory=frozenset[int])


class Holder(NamedTuple):
    """`user` is empty when unknown. Both as they are shown."""

    user: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Part of a GPU, above 0 and at most 1. `idle`: the same part while the GPU computes nothing, 0 while it
    does. `power_watts`: that part of its power. None is unknown."""

    gpu: Gpu
    holder: Holder
    part: float
    idle: float | None
    power_watts: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What is given out as one: a card, or a MIG device of it, which is `size` of it. `processes` None:
    unknown which are there."""

    names: frozenset[str]
    size: float
    processes: Sequence[GpuProcess] | None


def holding(
    reading: GpuReading, lent: Sequence[Lent], owners: Mapping[ProcessKey, Owner]
) -> tuple[Held, ...]:
    """Who has which part of which GPU: of one GPU never more than the whole, and each holder once."""
    jobs = frozenset[int]().union(*(one.pids for one in lent))
    found: list[Held] = []
    for gpu in reading.gpus:
        parts: dict[Holder, float] = {}
        for place in _places(gpu, jobs):
            for holder, part in _parts(place, lent, owners, jobs):
                parts[holder] = parts.get(holder, 0.0) + part * place.size
        found += _held(gpu, _bounded(parts))
    return tuple(found)


def held_points(node: str, held: Sequence[Held]) -> Iterator[Point]:
    """As series: labelled with node, gpu, uuid, sku, user and origin."""
    for one in held:
        labels = labels_from(
            {
                "node": label(node),
                "gpu": str(one.gpu.index),
                "uuid": one.gpu.uuid if one.gpu.named else "",
                "sku": label(one.gpu.name),
                "user": one.holder.user,
                "origin": one.holder.origin,
            }
        )
        for name, value in ((HELD, one.part), (HELD_IDLE, one.idle), (HELD_POWER, one.power_watts)):
            if value is not None:
                yield name, labels, value


def _held(gpu: Gpu, parts: Mapping[Holder, float]) -> Iterator[Held]:
    busy, power = gpu.utilization_percent, gpu.power_watts
    for holder, part in parts.items():
        yield Held(
            gpu=gpu,
            holder=holder,
            part=part,
            idle=None if busy is None else part if busy <= IDLE_PERCENT else 0.0,
            power_watts=None if power is None else part * power,
        )


def _places(gpu: Gpu, jobs: frozenset[int]) -> Iterator[_Place]:
    processes = gpu.processes
    if not gpu.mig_enabled:
        yield _Place(names=frozenset((gpu.uuid,)), size=1.0, processes=processes)
        return
    devices = gpu.mig_devices
    if processes is not None and any(not _located(one, devices) for one in _strangers(processes, jobs)):
        processes = None
    for device, size in _sizes(gpu):
        on_it = None if processes is None else [one for one in processes if runs_on(one, device)]
        names = frozenset((device.uuid or "", gpu.uuid)) - {""}
        yield _Place(names=names, size=size, processes=on_it)


def _located(process: GpuProcess, devices: Sequence[MigDevice]) -> bool:
    return any(runs_on(process, device) for device in devices)


def _sizes(gpu: Gpu) -> Iterator[tuple[MigDevice, float]]:
    """The devices whose part of the card is known."""
    whole = gpu.memory_total_bytes
    sizes: list[tuple[MigDevice, float]] = []
    for device in gpu.mig_devices:
        instance = device.gpu_instance_id
        sharing = (
            sum(one.gpu_instance_id == instance for one in gpu.mig_devices) if instance is not None else 1
        )
        if whole and device.memory_total_bytes is not None:
            sizes.append((device, device.memory_total_bytes / whole / sharing))
    shrink = max(1.0, sum(size for _, size in sizes))  # drivers round
    return ((device, size / shrink) for device, size in sizes)


def _parts(
    place: _Place, lent: Sequence[Lent], owners: Mapping[ProcessKey, Owner], jobs: frozenset[int]
) -> Iterator[tuple[Holder, float]]:
    """Parts of the place, which are at most 1 together."""
    here = [one for one in lent if place.names.intersection(one.gpus)]
    given = sum(one.milli for one in here) / WHOLE
    for one in here:
        yield Holder(_user(one, owners), QUEUE), one.milli / WHOLE / max(1.0, given)
    rest = 1.0 - given
    if rest <= _TINY or place.processes is None:
        return
    others = {_holder(owners.get(one.pid, _NOBODY)) for one in _strangers(place.processes, jobs)}
    for holder in others:
        yield holder, rest / len(others)


def _strangers(processes: Sequence[GpuProcess], jobs: frozenset[int]) -> Iterator[GpuProcess]:
    """Those that hold something for themselves, and are not the queue's."""
    clients = any(one.kind is ProcessKind.MPS for one in processes)
    for one in processes:
        serves = clients and one.kind is not ProcessKind.MPS and (one.name or "").endswith(_MPS_SERVER)
        if one.kind.computes and one.pid not in jobs and not serves:
            yield one


def _user(lent: Lent, owners: Mapping[ProcessKey, Owner]) -> str:
    if lent.owner is not None:
        return label(lent.owner)
    known = {owner.user for pid in lent.pids if (owner := owners.get(pid)) is not None}
    return label(known.pop()) if len(known) == 1 else ""


def _holder(owner: Owner) -> Holder:
    return Holder(label(owner.user), owner.origin.value)


def _bounded(parts: Mapping[Holder, float]) -> dict[Holder, float]:
    """Whoever runs containers makes as many users as they like: the rest of them is one."""
    ranked = sorted(
        (holder for holder, part in parts.items() if part > 0), key=lambda one: (-parts[one], one)
    )
    shown = {holder: parts[holder] for holder in ranked[:MOST_HOLDERS]}
    if len(ranked) > MOST_HOLDERS:
        shown[Holder(OTHERS, "")] = sum(parts[holder] for holder in ranked[MOST_HOLDERS:])
    return shown
