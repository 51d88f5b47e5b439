"""What would have a waiting job start now: the smallest changes to what it asks for, each tried by a pass of
the scheduler over the changed snapshot. Pure; used by explain."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from sentinel.core.job import Job
from sentinel.core.units import show_duration, show_size
from sentinel.scheduling.need import need_of
from sentinel.scheduling.outlook import Patience, always
from sentinel.scheduling.placement import place
from sentinel.scheduling.snapshot import Snapshot
from sentinel.scheduling.verdict import Pass

MOST_TRIED = 4
"""Values that are tried of one field, at most: each costs a pass."""
_SHORTEST = 60.0
_MARGIN = 30.0
"""Seconds that may pass between what is said and a submit that follows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """`change`: fields of the spec and their values."""

    change: Mapping[str, Any]
    says: str


def suggest(
    snapshot: Snapshot, job: Job, found: Pass, now: float, patience: Patience = always
) -> tuple[Suggestion, ...]:
    """One for each field whose change alone would do, where there is one. `found`: the pass over
    `snapshot`. Without `patience`, those that were found by then."""
    before = {id: booking for id, booking in found.bookings.items() if id != job.id}
    suggestions: list[Suggestion] = []
    for tries in (
        _fewer_gpus(snapshot, job),
        _fewer_nodes(job),
        _other_models(snapshot, job),
        _less_memory(snapshot, job),
        _fewer_cpus(snapshot, job),
        _less_host_memory(snapshot, job),
        _any_node(job),
        _shorter(snapshot, job, found, now),
    ):
        for change, says in _some(tries):
            if not patience():
                return tuple(suggestions)
            changed = replace(job, spec=replace(job.spec, **change))
            if _starts(snapshot, job, changed, before, now):
                suggestions.append(Suggestion(change=change, says=f"it would start now {says}"))
                break
    return tuple(suggestions)


_Try = tuple[dict[str, Any], str]


def _some(tries: Iterable[_Try]) -> Iterator[_Try]:
    for _, one in zip(range(MOST_TRIED), tries, strict=False):
        yield one


def _starts(snapshot: Snapshot, job: Job, changed: Job, before: Mapping[str, Any], now: float) -> bool:
    """Whether `changed` is placed by a pass in which it stands in `job`'s place, and nobody is stopped for
    it."""
    snapshot.take(jobs=[changed])
    try:
        found = place(snapshot, now, before, changed=())
    finally:
        snapshot.take(jobs=[job])
    return any(chosen.job == job.id for chosen in found.chosen)


def _fewer_gpus(snapshot: Snapshot, job: Job) -> Iterator[_Try]:
    spec, need = job.spec, need_of(job.spec)
    if spec.gpus < 2:
        return
    free = (
        sum(
            milli >= need.milli and need.suits(gpu)
            for gpu, milli in zip(site.gpus, site.left.gpus, strict=True)
        )
        for site in snapshot.sites.values()
    )
    most = max((count for count in free if count < spec.gpus), default=0)
    counts = {most, *(spec.gpus >> shift for shift in range(1, 13))}
    for count in sorted((count for count in counts if 0 < count <= max(most, 1)), reverse=True):
        each = " on each node" if spec.nodes > 1 else ""
        yield {"gpus": count}, f"with {count} GPU{'' if count == 1 else 's'}{each} instead of {spec.gpus}"


def _fewer_nodes(job: Job) -> Iterator[_Try]:
    for count in range(job.spec.nodes - 1, 0, -1):
        yield {"nodes": count}, f"on {count} node{'' if count == 1 else 's'} instead of {job.spec.nodes}"


def _other_models(snapshot: Snapshot, job: Job) -> Iterator[_Try]:
    if job.spec.gpu_model is None:
        return
    free: dict[str, int] = {}
    for site in snapshot.sites.values():
        for gpu, milli in zip(site.gpus, site.left.gpus, strict=True):
            if gpu.model is not None and milli >= job.spec.gpu_milli and not need_of(job.spec).suits(gpu):
                free[gpu.model] = free.get(gpu.model, 0) + 1
    for model in sorted(free, key=lambda model: (-free[model], model)):
        yield {"gpu_model": model}, f"on {model} instead of {job.spec.gpu_model}"


def _less_memory(snapshot: Snapshot, job: Job) -> Iterator[_Try]:
    asked = job.spec.gpu_memory_bytes
    if asked is None:
        return
    sizes = {
        gpu.memory_total_bytes
        for site in snapshot.sites.values()
        for gpu, milli in zip(site.gpus, site.left.gpus, strict=True)
        if milli >= job.spec.gpu_milli
        and gpu.memory_total_bytes is not None
        and gpu.memory_total_bytes < asked
    }
    for size in sorted(sizes, reverse=True):
        yield {"gpu_memory_bytes": size}, f"with {show_size(size)} on each GPU instead of {show_size(asked)}"


def _fewer_cpus(snapshot: Snapshot, job: Job) -> Iterator[_Try]:
    asked = job.spec.cpus
    if asked is not None:
        left = {site.left.cpus for site in snapshot.sites.values() if site.left.cpus is not None}
        for cpus in sorted((one for one in left if 0 < one < asked), reverse=True):
            yield {"cpus": cpus}, f"with {cpus} CPU{'' if cpus == 1 else 's'} instead of {asked}"


def _less_host_memory(snapshot: Snapshot, job: Job) -> Iterator[_Try]:
    asked = job.spec.memory_bytes
    if asked is not None:
        left = {site.left.memory >> 30 for site in snapshot.sites.values() if site.left.memory is not None}
        for size in sorted((one << 30 for one in left if 0 < one << 30 < asked), reverse=True):
            yield {"memory_bytes": size}, f"with {show_size(size)} of memory instead of {show_size(asked)}"


def _any_node(job: Job) -> Iterator[_Try]:
    if job.spec.node is not None:
        yield {"node": None}, f"on another node than {job.spec.node}"


def _shorter(snapshot: Snapshot, job: Job, found: Pass, now: float) -> Iterator[_Try]:
    """As long as it is over before what is booked or reserved: the longest that would do, in minutes."""
    limit = inf if job.spec.time_limit is None else job.spec.time_limit
    starts = {start.at for booking in found.bookings.values() for start in booking.starts}
    starts.update(reservation.start for reservation in snapshot.reservations.values())
    until = {(at - now - _MARGIN) // 60 * 60 for at in starts if at > now}
    for seconds in sorted((one for one in until if _SHORTEST <= one < limit), reverse=True):
        was = "none" if job.spec.time_limit is None else show_duration(job.spec.time_limit)
        yield {"time_limit": seconds}, f"with a time limit of {show_duration(seconds)} instead of {was}"
