"""The history in a Prometheus that scrapes the agents itself, for fleets. Opened by the server's wiring.

The same queries as of the embedded one, asked as PromQL. What agents send is not kept here, as Prometheus
has it already; and it is Prometheus that ends what is old.
"""

from collections.abc import Mapping, Sequence
from math import ceil, floor, isfinite

from sentinel.core.clock import boottime
from sentinel.core.errors import UsageError
from sentinel.core.sample_batch import Batch
from sentinel.core.series import Aggregate, Labels, Selector, Series
from sentinel.drivers.histories.prometheus_server import PrometheusServer
from sentinel.drivers.histories.promql import chunks, labels_read, over_time, result_of, selector_text
from sentinel.ports.history import MOST_POINTS, MOST_VALUES, Appended, HistoryUnavailable

DEFAULT_JOB = "sentinel"
_OURS = '{__name__=~"(gpu|sentinel|workload|slurm)_.+"}'
_BEFORE = 0.001
"""Prometheus looks back from a moment, and includes it: so we ask a millisecond before a slot's end."""


class PrometheusHistory:
    """Implements ports.history.History. `scrape_seconds`: how often Prometheus looks at the agents; a value
    holds for one and a half of it. `job`: what it calls the scraping of them. `wait_seconds`: of all
    questions that one query takes."""

    def __init__(
        self,
        server: PrometheusServer,
        *,
        scrape_seconds: float = 10.0,
        job: str = DEFAULT_JOB,
        wait_seconds: float = 30.0,
    ) -> None:
        self._server, self._job, self._wait = server, job, wait_seconds
        self._lasting = round(scrape_seconds * 1500)

    def append(self, batches: Sequence[Batch]) -> Appended:
        return Appended(elsewhere=len(batches))

    def query(
        self, selector: Selector, start: float, end: float, step: float, how: Aggregate
    ) -> Sequence[Series]:
        first, exact, count = _grid(start, end, step)
        text = selector_text(selector)
        if text is None or count == 0:
            return []
        promql = over_time(text, exact, how, self._lasting)
        times = [(first + nth * exact) / 1000 for nth in range(count)]
        found: dict[Labels, list[float | None]] = {}
        deadline = boottime() + self._wait
        for one, last in chunks(first, exact, count):
            if boottime() > deadline:
                raise HistoryUnavailable("Prometheus takes too long: ask for fewer series or a longer step")
            for labels, points in self._range(promql, one, last, exact):
                if labels not in found:
                    if (len(found) + 1) * count > MOST_VALUES:
                        raise UsageError(
                            f"more than {MOST_VALUES} values: ask for fewer series, a shorter time or a "
                            "longer step"
                        )
                    found[labels] = [None] * count
                for at, value in points:
                    if value is not None:
                        found[labels][round(((at + _BEFORE) * 1000 - first) / exact) - 1] = value
        return [
            Series(
                metric=selector.metric, labels=labels, points=tuple(zip(times, found[labels], strict=True))
            )
            for labels in sorted(found)
            if any(value is not None for value in found[labels])
        ]

    def latest(self, selector: Selector, now: float, within: float) -> Sequence[tuple[Labels, float, float]]:
        text = selector_text(selector)
        if text is None:
            return []
        # The samples themselves: a function over them would not say of when they are.
        asked = {"query": f"{text}[{max(1, round(within * 1000))}ms]", "time": f"{now:.3f}"}
        found: dict[Labels, tuple[float, float]] = {}
        for metric, samples in result_of(self._server.ask("query", asked), "matrix"):
            known = [(at, value) for at, value in samples if value is not None]
            if known:
                labels = labels_read(metric, self._job)
                found[labels] = max(found.get(labels, known[-1]), known[-1])
        return sorted((labels, at, value) for labels, (at, value) in found.items())

    def series(self, metric: str | None = None) -> Sequence[tuple[str, Labels]]:
        """Of what Prometheus knows within the time that it looks back by itself; with None, ours only."""
        match = _OURS if metric is None else selector_text(Selector(metric=metric))
        data = self._server.ask("series", {"match[]": [match or ""]})
        try:
            named: list[Mapping[str, str]] = list(data)
            return sorted({(one["__name__"], labels_read(one, self._job)) for one in named})
        except (KeyError, TypeError, AttributeError):
            raise HistoryUnavailable("Prometheus answered something unknown: is it one?") from None

    def purge(self, now: float) -> int:  # noqa: ARG002
        """Prometheus does it."""
        return 0

    def close(self) -> None:
        """There is nothing open."""

    def _range(
        self, promql: str, first: int, last: int, step: int
    ) -> list[tuple[Labels, list[tuple[float, float | None]]]]:
        asked = {
            "query": promql,
            "start": f"{(first + step) / 1000 - _BEFORE:.3f}",
            "end": f"{(last + step) / 1000 - _BEFORE:.3f}",
            "step": f"{step / 1000:.3f}",
        }
        answer = result_of(self._server.ask("query_range", asked), "matrix")
        return [(labels_read(metric, self._job), points) for metric, points in answer]


def _grid(start: float, end: float, step: float) -> tuple[int, int, int]:
    """First point, step (both in milliseconds) and how many."""
    if not (isfinite(start) and isfinite(end) and isfinite(step) and step >= 0.001):
        raise UsageError("a step is at least 0.001 seconds, and a range has a start and an end")
    exact = max(1, round(step * 1000))
    first = floor(max(start, 0) * 1000 / exact) * exact
    count = max(0, ceil((end * 1000 - first) / exact))
    if count > MOST_POINTS:
        raise UsageError(f"{count} points are too many ({MOST_POINTS} at most): ask for a longer step")
    return first, exact, count
