"""Findings of health as beats tell them: at once when others stand, and now and then. Called by `node_watch`.

Until health has looked nothing is told: what stands is unknown then, which the controller takes for "as
before", and not for well.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sentinel.core.finding import Finding, Severity, finding_json, presentable

MOST = 200
MOST_BYTES = 150_000
"""Of JSON: beside the workloads, a beat stays under the longest body that is taken."""
REFRESH = 300.0
"""Seconds after which all is told again: how often and when last moves all the time, and a controller that
was restored from a backup knows what stood then."""
_RESTLESS = ("evidence", "count", "last_at")
_WORST_FIRST = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)

Rows = list[dict[str, Any]]


class ToldFindings:
    """What stands, and what of it has arrived. Not for several threads at once."""

    def __init__(self) -> None:
        self._rows: Rows | None = None
        self._offered: Rows | None = None
        self._mark = self._offered_mark = self._told_mark = ""
        self._told_at = float("-inf")

    def look(self, findings: Iterable[Finding]) -> bool:
        """These stand now; whether others did before."""
        before, self._rows = self._mark, told_findings(findings)
        self._mark = _mark(self._rows)
        return self._mark != before

    def due(self, now: float) -> Rows | None:
        """What the next beat tells; None: as before, or unknown. `now` is boot time."""
        if self._mark == self._told_mark and now - self._told_at < REFRESH:
            return None
        self._offered, self._offered_mark = self._rows, self._mark
        return self._rows

    def told(self, rows: Rows, now: float) -> None:
        """That what `due` returned last arrived."""
        if rows is self._offered:
            self._told_mark, self._told_at = self._offered_mark, now


def told_findings(findings: Iterable[Finding]) -> Rows:
    """All of them, the worst first, as many as fit: without evidence where that makes them fit."""
    ranked = sorted(map(presentable, findings), key=lambda one: (_WORST_FIRST.index(one.severity), one.id))
    rows = [finding_json(one) for one in ranked[:MOST]]
    if _size(rows) > MOST_BYTES:
        rows = [finding_json(replace(one, evidence=())) for one in ranked[:MOST]]
    while _size(rows) > MOST_BYTES:
        rows.pop()
    return rows


def _size(rows: Rows) -> int:
    return len(json.dumps(rows))


def _mark(rows: Rows) -> str:
    """The same for the same, but for what moves while nothing happens. Never empty."""
    steady = [{name: value for name, value in row.items() if name not in _RESTLESS} for row in rows]
    return json.dumps(steady, sort_keys=True)
