"""A row of the history: from a sample to the values of all series at one moment. Pure.

Called by the recorder. Names and labels are those of the agent's /metrics, without what would make the series
many: no pid is among them. A sample that is too old says nothing: then only how old it is is known.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sentinel.core.gpu import Gpu
from sentinel.core.gpu_sensors import GpuSensors
from sentinel.core.sample_batch import MAX_TEXT, Named
from sentinel.core.series import Labels, labels_from
from sentinel.telemetry.gpu_table import GPU_METRICS
from sentinel.telemetry.label import label
from sentinel.telemetry.sample import Sample, Watch

MOST_SERIES = 4000
"""Of one node. Those of the GPUs come first."""

Value = tuple[str, Labels, float]
"""Metric, labels, value."""
Provider = Callable[[], Iterable[Value]]
"""Somebody else's values as they are now. Whatever it labels as the node, it is this one."""

_NONE = GpuSensors()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`at`: epoch seconds. `dropped`: how many series there were beyond MOST_SERIES."""

    at: float
    values: Mapping[Named, float]
    dropped: int = 0


def row_of(
    node: str,
    watch: Watch,
    sources: Mapping[str, bool | None],
    extra: Iterable[Value],
    at: float,
    now: float,
    oldest: float,
) -> Row:
    """What is known now. `now` and `oldest` are seconds since boot, and of age: an older sample says nothing.
    `sources`: whether each source of the inventory answered, where `watch` does not know it."""
    values: dict[Named, float] = {}
    dropped = 0
    sample = watch.fresh(now, oldest)
    found = [_health(watch, sources, now), extra]
    if sample is not None:
        found.insert(0, columns_of(sample))
    for metric, labels, value in (one for some in found for one in some):
        series = metric, _at_node(node, labels)
        if series in values or len(values) < MOST_SERIES:
            values[series] = value
        else:
            dropped += 1
    return Row(at=at, values=values, dropped=dropped)


def columns_of(sample: Sample) -> Iterator[Value]:
    """Of the GPUs and whose they are."""
    for gpu in sample.reading.gpus:
        card = _card(gpu)
        sensors = gpu.sensors or _NONE
        for metric in GPU_METRICS:
            name = f"{metric.name}_total" if metric.counter else metric.name
            for own, value in metric.points(gpu, sensors):
                if value is not None:
                    yield name, labels_from({**card, **dict(zip(metric.labels, own, strict=True))}), value
        yield from _processes(gpu, card, sample)
        yield from _mig(gpu, card)


def _card(gpu: Gpu) -> dict[str, str]:
    return {
        "gpu": str(gpu.index),
        "uuid": label(gpu.uuid) if gpu.named else "",
        "sku": label(gpu.name),
    }


def _processes(gpu: Gpu, card: Mapping[str, str], sample: Sample) -> Iterator[Value]:
    if gpu.processes is None:
        return
    yield "gpu_processes", labels_from(card), len({one.pid for one in gpu.processes})
    held: dict[str, int | None] = {}
    for one in gpu.processes:
        owner = sample.owners.get(one.pid)
        if owner is not None and owner.user is not None:
            user = label(owner.user)
            # What is not known of one process is not known of its user's sum either.
            before, more = held.get(user, 0), one.memory_bytes
            held[user] = None if before is None or more is None else before + more
    for user, size in held.items():
        if size is not None:
            yield "gpu_user_memory_bytes", labels_from({**card, "user": user}), size


def _mig(gpu: Gpu, card: Mapping[str, str]) -> Iterator[Value]:
    for one in gpu.mig_devices:
        named = {
            "gi": label(one.gpu_instance_id),
            "ci": label(one.compute_instance_id),
            "profile": label(one.name),
            "mig_uuid": label(one.uuid),
        }
        labels = labels_from({**card, **named})
        if one.memory_used_bytes is not None:
            yield "gpu_mig_memory_used_bytes", labels, one.memory_used_bytes
        if one.memory_total_bytes is not None:
            yield "gpu_mig_memory_total_bytes", labels, one.memory_total_bytes


def _health(watch: Watch, sources: Mapping[str, bool | None], now: float) -> Iterator[Value]:
    for source, answered in {**sources, **watch.sources}.items():
        if answered is not None:
            yield "sentinel_source_up", labels_from({"source": label(source)}), float(answered)
    yield "sentinel_sample_failures_total", (), watch.failures
    if (age := watch.age(now)) is not None:
        yield "sentinel_sample_age_seconds", (), age
    if watch.sample is not None and watch.sample.duration is not None:
        yield "sentinel_sample_duration_seconds", (), watch.sample.duration


def _at_node(node: str, labels: Labels) -> Labels:
    """What one calls a thing may be long; a batch takes it up to MAX_TEXT."""
    return labels_from({**{name: value[:MAX_TEXT] for name, value in labels}, "node": node})
