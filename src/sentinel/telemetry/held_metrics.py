"""What is held of the GPUs, as metric families. Pure. Called by `exposition`."""

from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from sentinel.telemetry.gpu_metrics import CARD
from sentinel.telemetry.holding import HELD, HELD_IDLE, HELD_POWER, Held, held_points

_LABELS = (*CARD, "user", "origin")
_HELP = {
    HELD: "Which part of the GPU somebody has, 0 to 1: given by the queue, else shared by those who compute.",
    HELD_IDLE: "The same part while the GPU computes nothing; 0 while it does.",
    HELD_POWER: "That part of the GPU's power.",
}


def held_metrics(node: str, held: Sequence[Held]) -> Iterator[Metric]:
    """A family for each metric that there is a value of."""
    families = {name: GaugeMetricFamily(name, text, labels=_LABELS) for name, text in _HELP.items()}
    for name, labels, value in held_points(node, held):
        known = dict(labels)
        families[name].add_metric([known.get(one, "") for one in _LABELS], value)
    yield from (family for family in families.values() if family.samples)
