"""Samples as Prometheus reads them: text, in the format that the scraper asks for. Pure.

The agent's wiring hands `render` to `metrics_server`. What is unknown has no series, never a zero; a sample
that is too old is left out whole, so that nothing old is shown as new, and what remains says how old it is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from sentinel.core.finding import Finding
from sentinel.telemetry.dcgm import dcgm_metrics
from sentinel.telemetry.gpu_metrics import gpu_metrics
from sentinel.telemetry.held_metrics import held_metrics
from sentinel.telemetry.holding import Held
from sentinel.telemetry.label import label
from sentinel.telemetry.process_metrics import MOST_SERIES, process_metrics
from sentinel.telemetry.sample import Sample, Watch
from sentinel.telemetry.scrape.inference_metrics import inference_metrics
from sentinel.telemetry.scrape.progress import Value
from sentinel.telemetry.text_format import text_format

STALE_SECONDS = 15.0
_OPENMETRICS = "application/openmetrics-text"

Families = Callable[[Sample, int], Iterable[Metric]]
"""The families of a sample, with at most so many processes having series of their own."""


def own_names(sample: Sample, most: int = MOST_SERIES) -> Iterator[Metric]:
    """Sentinel's names: `gpu_…`."""
    yield from gpu_metrics(sample.node, sample.reading)
    yield from process_metrics(sample, most)


def dcgm_names(sample: Sample, most: int = MOST_SERIES) -> Iterator[Metric]:
    """DCGM's names for the cards, so that dashboards made for dcgm-exporter work; ours for the processes."""
    yield from dcgm_metrics(sample)
    yield from process_metrics(sample, most)


def health(watch: Watch, now: float) -> Iterator[Metric]:
    """How the sampling itself stands; always there. `now` in seconds since boot."""
    node = label(watch.node)
    up = GaugeMetricFamily(
        "sentinel_source_up", "1 when the source answered when last asked.", labels=("node", "source")
    )
    for source, answered in watch.sources.items():
        if answered is not None:
            up.add_metric((node, label(source)), float(answered))
    yield up
    failures = CounterMetricFamily(
        "sentinel_sample_failures", "Samples that could not be taken.", labels=("node",)
    )
    failures.add_metric((node,), watch.failures)
    yield failures
    if watch.findings is not None:
        yield _findings(node, watch.findings)
    age = watch.age(now)
    if age is not None:
        family = GaugeMetricFamily(
            "sentinel_sample_age_seconds", "Since the newest sample was taken.", labels=("node",)
        )
        family.add_metric((node,), age)
        yield family
    if watch.sample is not None and watch.sample.duration is not None:
        family = GaugeMetricFamily(
            "sentinel_sample_duration_seconds", "How long that sample took.", labels=("node",)
        )
        family.add_metric((node,), watch.sample.duration)
        yield family


def _findings(node: str, findings: tuple[Finding, ...]) -> Metric:
    family = GaugeMetricFamily(
        "sentinel_finding",
        "1 for each finding of health that stands; none where all is well or unknown.",
        labels=("node", "component", "code", "severity", "gpu", "uuid", "quarantine"),
    )
    for one in findings[:MOST_SERIES]:
        index = None if one.gpu is None else one.gpu.index
        family.add_metric(
            (
                node,
                label(one.component),
                label(one.code),
                one.severity.value,
                label(index),
                label(one.gpu.uuid if one.gpu else None),
                "true" if one.quarantine else "false",
            ),
            1.0,
        )
    return family


def render(
    accept: str,
    watch: Watch,
    now: float,
    *,
    families: Families = own_names,
    held: Sequence[Held] = (),
    inference: Iterable[Value] = (),
    most_series: int = MOST_SERIES,
    stale_after: float = STALE_SECONDS,
) -> tuple[bytes, str]:
    """The body and its content type for a request with this `Accept`. `now` in seconds since boot; `held` is
    the holding of the watch's sample; `inference` is what the node's inference servers said."""
    sample = watch.fresh(now, stale_after)
    found = () if sample is None else chain(families(sample, most_series), held_metrics(sample.node, held))
    shown = chain(health(watch, now), found, inference_metrics(inference))
    _, content_type = choose_encoder(accept)
    return text_format(shown, openmetrics=content_type.startswith(_OPENMETRICS)), content_type


def not_ready(watch: Watch, now: float, *, stale_after: float = STALE_SECONDS) -> str | None:
    """None when there is a fresh sample; else a sentence that says why not."""
    age = watch.age(now)
    if age is None:
        return "no sample has been taken yet"
    return None if age <= stale_after else f"the newest sample is {age:.0f} s old"
