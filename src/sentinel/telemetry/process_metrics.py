"""The metrics of the processes on the GPUs, and of their users. Pure.

Called by `exposition`. A node may run any number of processes, so the series are bounded: those that hold
most keep their own, and the rest of each GPU is one series with an empty pid, named "other".
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from sentinel.core.gpu import Gpu, GpuProcess
from sentinel.telemetry.gpu_metrics import CARD, card_labels
from sentinel.telemetry.label import label
from sentinel.telemetry.sample import Owner, ProcessKey, Sample
from sentinel.telemetry.text_format import SharedLabels

MOST_SERIES = 512
OTHER = "other"
_LABELS: tuple[str, ...] = (*CARD, "pid", "name", "user", "container", "pod", "job", "origin")
_NOBODY = Owner()

Number = TypeVar("Number", int, float)


@dataclass(slots=True)
class _Row:
    """One process on one GPU. None is unknown, and so is any sum with it."""

    gpu: Gpu
    pid: str
    name: str | None
    owner: Owner
    memory: int | None
    share: float | None
    bandwidth: float | None


def process_metrics(sample: Sample, most: int = MOST_SERIES) -> Iterator[Metric]:
    """`gpu_process_…` and `gpu_user_…`: at most `most` processes and users have series of their own."""
    rows = [row for gpu in sample.reading.gpus for row in _rows(gpu, sample.owners)]
    cards = {gpu.index: card_labels(sample.node, gpu) for gpu in sample.reading.gpus}
    memory = GaugeMetricFamily("gpu_process_memory_bytes", "GPU memory that a process holds.", labels=_LABELS)
    share = GaugeMetricFamily(
        "gpu_process_utilization_percent", "Of the time, kernels of this process ran.", labels=_LABELS
    )
    bandwidth = GaugeMetricFamily(
        "gpu_process_memory_utilization_percent",
        "Of the time, this process read or wrote the GPU's memory.",
        labels=_LABELS,
    )
    for row in _bounded(rows, most):
        values = (*cards[row.gpu.index], row.pid, label(row.name), *_whose(row.owner))
        labels = SharedLabels(zip(_LABELS, values, strict=True))
        for family, value in ((memory, row.memory), (share, row.share), (bandwidth, row.bandwidth)):
            if value is not None:
                family.add_sample(family.name, labels, value)
    yield from (family for family in (memory, share, bandwidth) if family.samples)
    yield from _counts(sample, cards)
    yield from _users(rows, cards, most)


def _whose(owner: Owner) -> tuple[str, ...]:
    named = (owner.user, owner.container, owner.pod, owner.job)
    return (*map(label, named), "" if owner is _NOBODY else owner.origin.value)


def _rows(gpu: Gpu, owners: Mapping[ProcessKey, Owner]) -> list[_Row]:
    found: dict[int, _Row] = {}
    for one in gpu.processes or ():
        row = _row(gpu, one, owners.get(one.pid, _NOBODY))
        # On several MIG devices of the card: one process, one series.
        found[one.pid] = _joined(found[one.pid], row) if one.pid in found else row
    return list(found.values())


def _row(gpu: Gpu, one: GpuProcess, owner: Owner) -> _Row:
    share, bandwidth = one.utilization_percent, one.memory_utilization_percent
    return _Row(gpu, str(one.pid), one.name, owner, one.memory_bytes, share, bandwidth)


def _joined(one: _Row, more: _Row) -> _Row:
    return _Row(
        one.gpu,
        one.pid,
        one.name,
        one.owner,
        _sum(one.memory, more.memory),
        _sum(one.share, more.share),
        _sum(one.bandwidth, more.bandwidth),
    )


def _sum(one: Number | None, other: Number | None) -> Number | None:
    return None if one is None or other is None else one + other


def _bounded(rows: list[_Row], most: int) -> Iterable[_Row]:
    if len(rows) <= most:
        return rows
    ranked = sorted(rows, key=lambda row: -1 if row.memory is None else row.memory, reverse=True)
    rest: dict[int, _Row] = {}
    for row in ranked[most:]:
        place = row.gpu.index
        other = _Row(row.gpu, "", OTHER, _NOBODY, row.memory, row.share, row.bandwidth)
        rest[place] = _joined(rest[place], other) if place in rest else other
    return [*ranked[:most], *rest.values()]


def _counts(sample: Sample, cards: Mapping[int, tuple[str, ...]]) -> Iterator[Metric]:
    family = GaugeMetricFamily("gpu_processes", "Processes on the GPU.", labels=CARD)
    for gpu in sample.reading.gpus:
        if gpu.processes is not None:
            family.add_metric(cards[gpu.index], len({one.pid for one in gpu.processes}))
    if family.samples:
        yield family


def _users(rows: Iterable[_Row], cards: Mapping[int, tuple[str, ...]], most: int) -> Iterator[Metric]:
    """What is not known of one process is not known of its user's sum either."""
    sums: dict[tuple[int, str], int | None] = {}
    for row in rows:
        if row.owner.user is not None:
            key = (row.gpu.index, label(row.owner.user))
            sums[key] = _sum(sums.get(key, 0), row.memory)
    known = {key: size for key, size in sums.items() if size is not None}
    ranked = sorted(known, key=lambda key: known[key], reverse=True)
    shown: dict[tuple[int, str], int] = defaultdict(int)
    for place, key in enumerate(ranked):
        shown[key if place < most else (key[0], f"({OTHER})")] += known[key]
    family = GaugeMetricFamily(
        "gpu_user_memory_bytes", "GPU memory that a user's processes hold.", labels=(*CARD, "user")
    )
    for (index, user), size in shown.items():
        family.add_metric((*cards[index], user), size)
    if family.samples:
        yield family
