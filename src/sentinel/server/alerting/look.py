"""What a round sees: the newest values of every metric that a rule uses, and which series should have some.
Used by `rounds`.

A history that does not answer leaves its metrics unknown, never missing; what the controller knows by itself
is known nevertheless. While nobody listened (the controller was off, the machine slept, the history was away)
nothing new came in either: what is missing counts as such a minute after that at the earliest.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sentinel.alerting.evaluate import Values, newest
from sentinel.alerting.library.controller import CONTROLLER_METRICS
from sentinel.core.alert import NoData, Rule
from sentinel.core.series import Labels, Selector
from sentinel.ports.history import History, HistoryUnavailable

NEWEST_WITHIN, EXPECTED_WITHIN = 60.0, 3600.0
EXPECTED_EVERY = 30.0
AHEAD = 60.0
"""Seconds that a node's clock may be ahead of ours: what it measured is no older for that."""

OK: Final = "ok"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`history`: OK, or why it does not answer. `series`: how many values there are. `too_soon`: metrics of
    which it is not known yet what is missing."""

    values: Mapping[str, Values | None]
    expected: Mapping[str, Collection[Labels]]
    too_soon: frozenset[str]
    history: str
    series: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """What history said of a metric, and when (CLOCK_BOOTTIME)."""

    at: float
    values: Values


class Eyes:
    """For one thread. `every_metric`: seconds for which what history said of a metric is good enough: a
    history at the other end of a network is not asked each second."""

    def __init__(
        self,
        history: History,
        *,
        now: Callable[[], float],
        today: Callable[[], float],
        every_metric: float = 0.0,
    ) -> None:
        self._history = history
        self._now, self._today = now, today
        self._every = every_metric
        self._newest: dict[str, _Asked] = {}
        self._expected: dict[str, _Asked] = {}
        self._why: str | None = None  # the history does not answer, in this round
        self._looked: float | None = None  # when it last answered, and since when it has without a break
        self._since = now()

    def look(self, rules: Iterable[Rule], own: Mapping[str, Values]) -> Seen:
        """`own`: the controller's own metrics."""
        was, self._why = self._why, None
        rules = [rule for rule in rules if rule.enabled]
        metrics = {one for rule in rules for one in (rule.metric, rule.of) if one is not None}
        values: dict[str, Values | None] = {}
        for metric in sorted(metrics):
            values[metric] = own.get(metric, {}) if metric in CONTROLLER_METRICS else self._values(metric)
        minded = {rule.metric for rule in rules if rule.no_data is NoData.ALERT}
        expected = {metric: self._series(metric) for metric in sorted(minded)}
        for kept in (self._newest, self._expected):
            for metric in kept.keys() - metrics:
                del kept[metric]
        if self._why is not None and was is None:
            _log.warning("rules are not evaluated, as the history does not answer: %s", self._why)
        return Seen(
            values=values,
            expected=expected,
            too_soon=frozenset(metrics - CONTROLLER_METRICS.keys()) if self._too_soon() else frozenset(),
            history=self._why or OK,
            series=sum(len(one) for one in values.values() if one is not None),
        )

    def _too_soon(self) -> bool:
        """After a round."""
        now = self._now()
        if self._looked is None or now - self._looked > NEWEST_WITHIN:
            self._since = now
        self._looked = now if self._why is None else None
        return self._looked is None or now - self._since < NEWEST_WITHIN

    def _values(self, metric: str) -> Values | None:
        before = self._newest.get(metric)
        if before is not None and self._now() - before.at < self._every:
            return before.values
        rows = self._ask(metric, NEWEST_WITHIN)
        if rows is None:
            self._newest.pop(metric, None)
            return None
        oldest = self._today() - NEWEST_WITHIN
        found = newest(row for row in rows if row[1] >= oldest)
        self._newest[metric] = _Asked(self._now(), found)
        return found

    def _series(self, metric: str) -> Collection[Labels]:
        """Those that had values lately. What was expected before is, while history does not answer."""
        before = self._expected.get(metric)
        if before is not None and self._now() - before.at < EXPECTED_EVERY:
            return before.values
        rows = self._ask(metric, EXPECTED_WITHIN)
        if rows is None:
            return () if before is None else before.values
        found = newest(rows)
        self._expected[metric] = _Asked(self._now(), found)
        return found

    def _ask(self, metric: str, within: float) -> Sequence[tuple[Labels, float, float]] | None:
        """None: it does not answer; it is not asked again in this round, as that may take long."""
        if self._why is not None:
            return None
        try:
            at = self._today() + AHEAD
            return self._history.latest(Selector(metric=metric), at, within + AHEAD)
        except HistoryUnavailable as error:
            self._why = error.message
            return None
