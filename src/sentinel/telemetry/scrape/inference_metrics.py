"""The inference servers of a node as Prometheus reads them. Pure.

Called by the agent's exposition with the values that also go into the history.
"""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from sentinel.telemetry.scrape.progress import HELP, Value

_TOTAL = "_total"


def inference_metrics(values: Iterable[Value]) -> Iterator[Metric]:
    """A family for each metric of which there is a value, in the order of the table of metrics."""
    found: dict[str, Metric] = {}
    for metric, labels, value in values:
        family = found.get(metric)
        if family is None:
            if metric.endswith(_TOTAL):
                family = CounterMetricFamily(metric.removesuffix(_TOTAL), HELP[metric])
            else:
                family = GaugeMetricFamily(metric, HELP[metric])
            found[metric] = family
        family.add_sample(metric, dict(labels), value)
    yield from (found[metric] for metric in HELP if metric in found)
