"""The metrics of each GPU. Pure: a reading to metric families.

Called by `exposition`. Names and units by Prometheus practice: base units, counters end in `_total`. What a
card does not have has no series. Every series carries node, gpu (the index), uuid and sku (the card's
product name), and the labels that its line names.
"""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from sentinel.core.gpu import Gpu, GpuReading
from sentinel.core.gpu_sensors import GpuSensors
from sentinel.telemetry.gpu_table import GPU_METRICS
from sentinel.telemetry.label import label

CARD = ("node", "gpu", "uuid", "sku")
_NONE = GpuSensors()


def card_labels(node: str, gpu: Gpu) -> tuple[str, str, str, str]:
    """The values of CARD."""
    return (label(node), str(gpu.index), gpu.uuid if gpu.named else "", label(gpu.name))


def gpu_metrics(node: str, reading: GpuReading) -> Iterator[Metric]:
    """A family for each metric that any card has, and `gpu_info`."""
    cards = [(card_labels(node, gpu), gpu, gpu.sensors or _NONE) for gpu in reading.gpus]
    for metric in GPU_METRICS:
        kind = CounterMetricFamily if metric.counter else GaugeMetricFamily
        family = kind(metric.name, metric.help, labels=(*CARD, *metric.labels))
        for card, gpu, sensors in cards:
            for own, value in metric.points(gpu, sensors):
                if value is not None:
                    family.add_metric((*card, *own), value)
        if family.samples:
            yield family
    yield _info(cards, reading)
    yield from _mig(cards)


def _info(cards: Iterable[tuple[tuple[str, ...], Gpu, GpuSensors]], reading: GpuReading) -> Metric:
    names = ("pci_bus_id", "serial", "vbios_version", "brand", "compute_mode", "minor_number")
    versions = (label(reading.driver_version), label(reading.cuda_version), label(reading.source))
    family = GaugeMetricFamily(
        "gpu_info",
        "What the card is; always 1.",
        labels=(*CARD, *names, "driver_version", "cuda_version", "source"),
    )
    for card, gpu, sensors in cards:
        values = (gpu.pci_bus_id, *(getattr(sensors, name) for name in names[1:]))
        family.add_metric((*card, *map(label, values), *versions), 1)
    return family


def _mig(cards: Iterable[tuple[tuple[str, ...], Gpu, GpuSensors]]) -> Iterator[Metric]:
    own = ("gi", "ci", "profile", "mig_uuid")
    used = GaugeMetricFamily(
        "gpu_mig_memory_used_bytes", "Memory in use on a MIG device.", labels=(*CARD, *own)
    )
    total = GaugeMetricFamily("gpu_mig_memory_total_bytes", "Memory of a MIG device.", labels=(*CARD, *own))
    for card, gpu, _ in cards:
        for one in gpu.mig_devices:
            values = (one.gpu_instance_id, one.compute_instance_id, one.name, one.uuid)
            labels = (*card, *map(label, values))
            for family, size in ((used, one.memory_used_bytes), (total, one.memory_total_bytes)):
                if size is not None:
                    family.add_metric(labels, size)
    yield from (family for family in (used, total) if family.samples)
