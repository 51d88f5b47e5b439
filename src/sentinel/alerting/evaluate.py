"""One rule against all series of its metric, for one round. Pure. Called by `round`, and alone for trying a
rule.

It is made for 10,000 series and 100 rules in a second: what does not hold costs one comparison, and only what
holds or stands is looked at more closely.
"""

import math
import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from sentinel.alerting.lifecycle import Seen, step, withdrawn
from sentinel.alerting.moment import Moment
from sentinel.core.alert import Alert, AlertState, Comparison, NoData, Rule
from sentinel.core.series import Labels

Values = Mapping[Labels, float]
"""The newest value of each series of a metric."""

COMPARE: Mapping[Comparison, Callable[[float, float], bool]] = {
    Comparison.ABOVE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.BELOW: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.EQUAL: operator.eq,
    Comparison.NOT_EQUAL: operator.ne,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """`alert` as it is now, or was when it went (`after` None)."""

    alert: Alert
    before: AlertState | None
    after: AlertState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A rule's alerts by series, those that did not change being the same objects as before."""

    alerts: Mapping[Labels, Alert]
    transitions: tuple[Transition, ...] = ()


def newest(rows: Iterable[tuple[Labels, float, float]]) -> dict[Labels, float]:
    """Values from (labels, time, value), as ports.history answers. Too old ones must have been left out. NaN
    is unknown, so no value."""
    return {labels: value for labels, _, value in rows if not math.isnan(value)}


def percent(values: Values, of: Values) -> dict[Labels, float]:
    """`values` in percent of what `of` has for the same labels; where that is nothing or zero: unknown."""
    return {series: 100.0 * value / whole for series, value in values.items() if (whole := of.get(series))}


def evaluate(
    rule: Rule,
    values: Values | None,
    standing: Mapping[Labels, Alert],
    moment: Moment,
    *,
    expected: Collection[Labels] = (),
    silent: Collection[str] = (),
    too_soon: bool = False,
) -> Outcome:
    """`standing`: the rule's alerts as the round before left them. `values` None: whoever has them did not
    answer.

    `expected`: series that should have values, because they had some lately. `silent`: nodes that are not
    heard of, whose missing series say nothing. `too_soon`: no missing series says anything yet. A rule that
    is not enabled has no alerts.
    """
    if not rule.enabled:
        return all_withdrawn(standing, "its rule is switched off", moment)
    after: dict[Labels, Alert] = {}
    transitions: list[Transition] = []

    def keep(series: Labels, before: Alert | None, now: Alert | None) -> None:
        if now is not None:
            after[series] = now
        if (change := transition(before, now)) is not None:
            transitions.append(change)

    compare, threshold = COMPARE[rule.op], rule.threshold
    holding = [] if values is None else [one for one in values.items() if compare(one[1], threshold)]
    done: set[Labels] = set()
    for series, value in holding:
        before = standing.get(series)
        if rule.watches(series) and not _of_another(before, rule):
            done.add(series)
            keep(series, before, step(rule, before, Seen.HOLDS, value, series, moment))
    for series, before in standing.items():
        if series in done:
            continue
        if not rule.watches(series):
            keep(series, before, withdrawn(before, "its rule no longer watches it", moment))
        elif _of_another(before, rule):
            keep(series, before, withdrawn(before, "its rule now watches another metric", moment))
        else:
            seen = _seen(rule, series, values, silent)
            if seen is Seen.MISSING and too_soon:
                seen = Seen.UNKNOWN
            if before.state is AlertState.RESOLVED and seen is Seen.MISSING and series not in expected:
                seen = Seen.UNKNOWN
            keep(series, before, step(rule, before, seen, None, series, moment))
    if values is not None and not too_soon and rule.no_data is NoData.ALERT:
        for series in expected:
            if series not in values and series not in standing and rule.watches(series):
                keep(series, None, step(rule, None, Seen.MISSING, None, series, moment))
    return Outcome(alerts=after, transitions=tuple(transitions))


def all_withdrawn(standing: Mapping[Labels, Alert], why: str, moment: Moment) -> Outcome:
    """When their rule is gone."""
    after = {series: (alert, withdrawn(alert, why, moment)) for series, alert in standing.items()}
    changes = (transition(before, now) for before, now in after.values())
    return Outcome(
        alerts={series: now for series, (_, now) in after.items() if now is not None},
        transitions=tuple(change for change in changes if change is not None),
    )


def transition(before: Alert | None, now: Alert | None) -> Transition | None:
    """None where the state is the same."""
    was, is_now = before and before.state, now and now.state
    alert = now or before
    if alert is None or was is is_now:
        return None
    return Transition(alert=alert, before=was, after=is_now)


def _of_another(alert: Alert | None, rule: Rule) -> bool:
    """Whether it stands for a metric that the rule watched before it was edited."""
    return alert is not None and alert.state is not AlertState.RESOLVED and alert.metric != rule.metric


def _seen(rule: Rule, series: Labels, values: Values | None, silent: Collection[str]) -> Seen:
    if values is None:
        return Seen.UNKNOWN
    if series in values:
        return Seen.CLEAR
    if rule.no_data is NoData.OK and silent and dict(series).get("node") in silent:
        return Seen.UNKNOWN
    return Seen.MISSING
