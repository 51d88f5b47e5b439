"""What became of an inference server from look to look: its values as series. Pure.

Called by the agent and the controller. Latencies are of the requests that ended within the past minute
(WINDOW), or since the look before, where looks come less often. Where none ended there is no latency; nor is
there any from before to after a restart of the server, as its counters begin anew.
"""

from collections.abc import Iterable, Iterator, Mapping

from sentinel.core.series import Labels, labels_from
from sentinel.telemetry.label import label
from sentinel.telemetry.scrape.inference import Counts, Reading
from sentinel.telemetry.scrape.quantile import grown, quantile

WINDOW = 60.0
_SLACK = 2.5  # times as often as it is looked: one look may fail
Value = tuple[str, Labels, float]
"""A series' metric and labels, and its value now."""

UP = "workload_inference_up"
MODEL = "workload_inference_model_info"
LATENCY = "workload_inference_latency_ms"
FIRST_TOKEN = "workload_inference_first_token_ms"  # noqa: S105
REQUESTS = "workload_inference_requests_total"
RUNNING = "workload_inference_running_requests"
WAITING = "workload_inference_waiting_requests"
TOKENS = "workload_inference_tokens_total"
HELP: Mapping[str, str] = {
    UP: "1 when the inference server answered when last asked.",
    MODEL: "1 for each model that the server has.",
    LATENCY: "How long requests took from end to end that ended in the past minute; p: percentile.",
    FIRST_TOKEN: "How long it took until the first token of an answer, in the past minute; p: percentile.",
    REQUESTS: "Requests that ended, since the server started.",
    RUNNING: "Requests that are worked on.",
    WAITING: "Requests that wait to be worked on.",
    TOKENS: "Tokens since the server started; kind: prompt or generated.",
}
_PERCENTILES = (("50", 0.5), ("95", 0.95), ("99", 0.99))


def window_of(every: float) -> float:
    """How far back latencies go where it is looked each `every` seconds."""
    return max(WINDOW, _SLACK * every)


def followed(before: tuple[Reading, ...], new: Reading, window: float = WINDOW) -> tuple[Reading, ...]:
    """The readings to be remembered, the newest last: none of before a restart, none too old."""
    if before and _restarted(before[-1], new):
        return (new,)
    return (*(one for one in before if new.at - one.at <= window), new)


def values(
    node: str, workload: str, up: bool, readings: tuple[Reading, ...], models: Iterable[str] = ()
) -> Iterator[Value]:
    """The series of a server. `readings`: as of `followed`, empty when it was not read. `models`: those that
    it has by another way of asking than its metrics."""
    server = {"node": label(node), "workload": label(workload)}
    yield UP, labels_from(server), float(up)
    newest = readings[-1] if readings else Reading(at=0.0)
    counts = newest.counts
    for model in sorted({label(one) for one in (*counts, *models)} - {""}):
        yield MODEL, labels_from({**server, "model": model}), 1.0
    for model, now in counts.items():
        one = {**server, "model": model}
        yield from _told(one, now)
        if len(readings) > 1:
            yield from _latencies(one, readings[0].counts.get(model, Counts()), now)


def named(readings: tuple[Reading, ...], model: str | None) -> tuple[Reading, ...]:
    """With this name for the model of servers that do not name theirs."""
    if not model:
        return readings
    return tuple(
        Reading(
            at=one.at,
            started=one.started,
            counts={known or label(model): counts for known, counts in one.counts.items()},
        )
        for one in readings
    )


def _told(named: Mapping[str, str], now: Counts) -> Iterator[Value]:
    for metric, value in ((REQUESTS, now.requests), (RUNNING, now.running), (WAITING, now.waiting)):
        if value is not None:
            yield metric, labels_from(named), value
    for kind, value in (("prompt", now.prompt_tokens), ("generated", now.generated_tokens)):
        if value is not None:
            yield TOKENS, labels_from({**named, "kind": kind}), value


def _latencies(named: Mapping[str, str], before: Counts, now: Counts) -> Iterator[Value]:
    for metric, then, since in (
        (LATENCY, before.latency, now.latency),
        (FIRST_TOKEN, before.first_token, now.first_token),
    ):
        counted = grown(then, since)
        for p, q in () if counted is None else _PERCENTILES:
            value = quantile(counted or {}, q)
            if value is not None:
                yield metric, labels_from({**named, "p": p}), value


def _restarted(before: Reading, after: Reading) -> bool:
    if before.started is not None and after.started is not None and before.started != after.started:
        return True
    return any(
        _fell(then, after.counts[model]) for model, then in before.counts.items() if model in after.counts
    )


def _fell(before: Counts, after: Counts) -> bool:
    """Whether something counts less than before, as only after a restart."""
    pairs = (
        (before.requests, after.requests),
        (before.prompt_tokens, after.prompt_tokens),
        (before.generated_tokens, after.generated_tokens),
    )
    if any(then is not None and now is not None and now < then for then, now in pairs):
        return True
    return any(
        then and now and grown(then, now) is None
        for then, now in ((before.latency, after.latency), (before.first_token, after.first_token))
    )
