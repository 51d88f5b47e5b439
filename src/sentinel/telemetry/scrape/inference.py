"""What an inference server's page says of its models, in one form for all kinds of servers. Pure.

Called by the agent and the controller with each page. Counters are as the server counts them.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sentinel.core.series import Labels, label_of
from sentinel.telemetry.label import label
from sentinel.telemetry.scrape.families import FAMILIES, Family
from sentinel.telemetry.scrape.quantile import Buckets
from sentinel.telemetry.scrape.text import Sample

MOST_MODELS = 32
_STARTED = "process_start_time_seconds"
_RANKS = ("tp_rank", "pp_rank", "moe_ep_rank")
"""Every rank of a model that is spread over GPUs tells of the same requests: they are counted once."""

_Rows = Mapping[str, Sequence[tuple[Labels, float]]]


def _no_buckets() -> Buckets:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of one model. None is unknown. `latency` and `first_token` in milliseconds; empty: not told."""

    requests: float | None = None
    running: float | None = None
    waiting: float | None = None
    prompt_tokens: float | None = None
    generated_tokens: float | None = None
    latency: Buckets = field(default_factory=_no_buckets)
    first_token: Buckets = field(default_factory=_no_buckets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at a server. `at`: seconds on a clock that does not jump. `started`: when the server says that
    it did. `counts` by the model's name, "" where none is told."""

    at: float
    started: float | None = None
    counts: Mapping[str, Counts] = field(default_factory=dict[str, Counts])


def reading(samples: Iterable[Sample], at: float, families: Sequence[Family] = FAMILIES) -> Reading:
    """What the page says by the families' names; nothing where it is of none of them."""
    wanted = {name for family in families for name in family.names} | {_STARTED}
    rows: dict[str, list[tuple[Labels, float]]] = defaultdict(list)
    for one in samples:
        if one.name in wanted:
            rows[one.name].append((one.labels, one.value))
    counts: dict[str, Counts] = {}
    for family in families:
        for model, found in _counts(rows, family).items():
            counts.setdefault(model, found)
    started = [value for _, value in rows.get(_STARTED, ()) if math.isfinite(value)]
    kept = sorted(counts)[:MOST_MODELS]
    return Reading(at=at, started=min(started, default=None), counts={model: counts[model] for model in kept})


def _counts(rows: _Rows, family: Family) -> Mapping[str, Counts]:
    sums = {
        name: _by_model(rows.get(name, ()), family)
        for name in (
            family.requests,
            family.running,
            family.waiting,
            family.prompt_tokens,
            family.generated_tokens,
        )
    }
    latency, first_token = (_buckets(rows, name, family) for name in (family.latency, family.first_token))
    models = {*latency, *first_token, *(model for found in sums.values() for model in found)}
    found: dict[str, Counts] = {}
    for model in models:
        requests = sums[family.requests].get(model)
        if requests is None:
            requests = latency.get(model, {}).get(math.inf)
        found[model] = Counts(
            requests=requests,
            running=sums[family.running].get(model),
            waiting=sums[family.waiting].get(model),
            prompt_tokens=sums[family.prompt_tokens].get(model),
            generated_tokens=sums[family.generated_tokens].get(model),
            latency=latency.get(model, {}),
            first_token=first_token.get(model, {}),
        )
    return found


def _by_model(rows: Iterable[tuple[Labels, float]], family: Family) -> dict[str, float]:
    """The sum for each model; none where a part of it is unknown."""
    parts: dict[tuple[str, Labels], float] = {}
    for labels, value in rows:
        rest = tuple(pair for pair in labels if pair[0] not in _RANKS)
        key = (_model(labels, family), rest)
        parts[key] = value if key not in parts else max(parts[key], value)
    sums: dict[str, float] = defaultdict(float)
    for (model, _), value in parts.items():
        sums[model] += value
    return {model: value for model, value in sums.items() if math.isfinite(value)}


def _buckets(rows: _Rows, name: str, family: Family) -> dict[str, Buckets]:
    by_bound: dict[float, list[tuple[Labels, float]]] = defaultdict(list)
    for labels, value in rows.get(f"{name}_bucket", ()):
        bound = _bound(label_of(labels, "le"))
        if bound is not None:
            by_bound[bound].append((labels, value))
    found: dict[str, dict[float, float]] = defaultdict(dict)
    for bound, some in by_bound.items():
        for model, count in _by_model(some, family).items():
            found[model][bound / family.unit * 1000] = count
    return {model: buckets for model, buckets in found.items() if math.inf in buckets}


def _bound(text: str) -> float | None:
    try:
        bound = float(text)
    except ValueError:
        return None
    return None if math.isnan(bound) or bound == -math.inf else bound


def _model(labels: Labels, family: Family) -> str:
    for name in family.model:
        if named := label_of(labels, name):
            return label(named)
    return ""
