"""The calls about the past: series, reports. Part of `client.sync.Client`; what they answer is in
api.routes.history and api.routes.reports, and in docs/guides/history.md."""

from collections.abc import Mapping, Sequence

from sentinel.client import calls
from sentinel.client.asking import Asking, Json


class HistoryCalls(Asking):
    """See `client.sync.Client`. `since` and `until`: a duration back from now ("90m", "30d") or RFC 3339."""

    def history(
        self,
        metric: str,
        *,
        node: str | None = None,
        gpu: str | None = None,
        user: str | None = None,
        job: str | None = None,
        workload: str | None = None,
        match: Mapping[str, str | Sequence[str]] | None = None,
        since: str | None = None,
        until: str | None = None,
        step: str | None = None,
        how: str | None = None,
        by: Sequence[str] = (),
    ) -> Json:
        """{"metric", "unit", "step", "start", "end", "how", "series": [{"labels", "points"}…], "truncated",
        "known"}. `match`: for labels, a value or several of which any; "": those without the label. `how`:
        avg, min, max, sum, last, count. `by`: labels to put series together by."""
        pairs = [
            f"{label}={value}"
            for label, values in (match or {}).items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        return self._ask(
            calls.get(
                "history/query",
                metric=metric,
                node=node,
                gpu=gpu,
                user=user,
                job=job,
                workload=workload,
                match=tuple(pairs),
                since=since,
                until=until,
                step=step,
                how=how,
                by=",".join(by),
            )
        )

    def history_metrics(self) -> list[Json]:
        """{"name", "help", "unit", "series": N} of each that there is something of."""
        return self._all(calls.get("history/metrics"), None)

    def usage_report(
        self,
        by: str = "user",
        *,
        since: str | None = None,
        until: str | None = None,
        step: str | None = None,
    ) -> Json:
        """{"by", "start", "end", "step", "rows", "totals", "days"}; `by`: user, group, node, gpu, model,
        origin; `step`: 1h or 1d, of `days`."""
        return self._ask(calls.get("reports/usage", by=by, since=since, until=until, step=step))
