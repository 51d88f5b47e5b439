"""What is kept of a page that a node's exporter wrote: series as the history names them. Pure.

Called by the controller for nodes that it polls. The page is somebody else's word: its series are of the node
that it was polled as, whatever it says, and it can say nothing in the name of the controller. Left out is
what would be too many series for what it tells: the buckets of histograms, quantiles, processes (`pid`), and
the innards of the exporter itself.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sentinel.core.series import Labels, label_of
from sentinel.telemetry.label import label
from sentinel.telemetry.scrape.progress import Value
from sentinel.telemetry.scrape.text import Sample, Scraped

MOST_SERIES = 2000
OLDEST = 60.0
"""Seconds: what the page itself says is older is not as it is now."""
_LONGEST_NAME = 200
_MOST_LABELS = 30
_INNARDS = ("go_", "python_", "process_", "promhttp_")
_FIRST = ("gpu_", "DCGM_", "sentinel_", "workload_")
_BEGIN = ("counter", "histogram", "summary")
_OURS = ("sentinel_", "slurm_")
_BLANKS = ((0x7FFFFFF0, 0x7FFFFFFF), (2.0**47, 2.0**47 + 4), (2.0**63 - 1024, 2.0**63))
"""What DCGM says where it knows nothing (dcgm_structs.h), as whole numbers of both sizes and as others."""
_AN_AGENTS = frozenset(
    {
        "sentinel_source_up",
        "sentinel_sample_failures_total",
        "sentinel_sample_age_seconds",
        "sentinel_sample_duration_seconds",
        "sentinel_finding",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """`left_out`: how many series there were room for no more."""

    values: tuple[Value, ...]
    left_out: int


def kept(page: Scraped, node: str, now: float, most: int = MOST_SERIES) -> Kept:
    """The newest value of each series of the page. `now` is epoch seconds. Where there are more than `most`,
    those of GPUs and workloads come first, then in the order of the page."""
    found: dict[tuple[str, Labels], float] = {}
    for one in _worth_keeping(page, now):
        found.setdefault((one.name, _labels(one, node)), one.value)
    ranked = sorted(found, key=lambda series: not series[0].startswith(_FIRST))
    values = tuple((metric, labels, found[metric, labels]) for metric, labels in ranked[:most])
    return Kept(values=values, left_out=len(ranked) - len(values))


def _worth_keeping(page: Scraped, now: float) -> Iterator[Sample]:
    for one in page.samples:
        if not math.isfinite(one.value) or len(one.name) > _LONGEST_NAME or len(one.labels) > _MOST_LABELS:
            continue
        if one.name.startswith(_INNARDS) or (one.name.startswith(_OURS) and one.name not in _AN_AGENTS):
            continue
        if one.name.startswith("DCGM_") and any(least <= one.value <= most for least, most in _BLANKS):
            continue
        if one.at is not None and abs(now - one.at) > OLDEST:
            continue
        if label_of(one.labels, "pid") or _left_out(page, one):
            continue
        yield one


def _left_out(page: Scraped, one: Sample) -> bool:
    """Buckets, quantiles, and when a counter began, which may be written as a gauge of its own."""
    kind = page.kind(one.name)
    if one.name.endswith("_created"):
        of = one.name.removesuffix("_created")
        return any(page.kinds.get(name) in _BEGIN for name in (of, f"{of}_total"))
    if kind in ("histogram", "gaugehistogram") or label_of(one.labels, "le"):
        return one.name.endswith("_bucket")
    return kind == "summary" and bool(label_of(one.labels, "quantile"))


def _labels(one: Sample, node: str) -> Labels:
    told = ((name, label(value)) for name, value in one.labels if name != "node")
    short = ((name, value) for name, value in told if len(name) <= _LONGEST_NAME)
    return tuple(sorted((*short, ("node", node))))
