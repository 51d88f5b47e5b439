"""The life of an alert: the one table of its moves. Pure. Called by evaluate, findings and preview.

    step(rule, the alert before, what was seen of its series now, …) -> the alert now; None: there is none

    none ◀──▶ PENDING ──▶ FIRING ──▶ RESOLVED ──▶ none (after a day), or begun anew
                 │         │  ▲         ▲
                 │         ▼  │         │
                 └───────▶ NO_DATA ─────┘

Whoever keeps alerts keeps each that changed, and those that merely got older (see `merely_older`) every now
and then: what is lost of that at a crash makes an alert late, never early and never twice.
"""

from dataclasses import fields, replace
from enum import StrEnum
from operator import attrgetter

from sentinel.alerting.moment import Moment
from sentinel.core.alert import RANK, Ack, Alert, AlertState, NoData, Rule
from sentinel.core.errors import UsageError
from sentinel.core.series import Labels

GONE_AFTER = 86400.0
"""Seconds without data after which a FIRING alert, whose rule ignores missing data, is of something that is
gone."""

SHOWN_FOR = 86400.0
"""Seconds that a RESOLVED alert is still shown."""

_CLOSE = 1e-6  # sums of floats
_AGES = frozenset(("held", "clear", "blind"))
_TIMELESS = attrgetter(*(one.name for one in fields(Alert) if one.name not in _AGES))
"""All that is of an alert but its ages. There may be thousands that got older, each second."""

TABLE: frozenset[tuple[AlertState | None, AlertState | None]] = frozenset(
    {
        (None, AlertState.PENDING),
        (None, AlertState.FIRING),
        (None, AlertState.NO_DATA),
        (AlertState.PENDING, None),
        (AlertState.PENDING, AlertState.FIRING),
        (AlertState.PENDING, AlertState.NO_DATA),
        (AlertState.FIRING, AlertState.NO_DATA),
        (AlertState.FIRING, AlertState.RESOLVED),
        (AlertState.NO_DATA, AlertState.FIRING),
        (AlertState.NO_DATA, AlertState.RESOLVED),
        (AlertState.RESOLVED, AlertState.PENDING),
        (AlertState.RESOLVED, AlertState.FIRING),
        (AlertState.RESOLVED, AlertState.NO_DATA),
        (AlertState.RESOLVED, None),
    }
)
"""Every move there is."""


class Seen(StrEnum):
    """What a round saw of a series. MISSING: whoever was asked answered, and has nothing of it. UNKNOWN:
    nobody answered."""

    HOLDS = "holds"
    CLEAR = "clear"
    MISSING = "missing"
    UNKNOWN = "unknown"


def step(
    rule: Rule, before: Alert | None, seen: Seen, value: float | None, series: Labels, moment: Moment
) -> Alert | None:
    """`before` itself, where nothing changed."""
    if before is None or before.state is AlertState.RESOLVED:
        return _begun(rule, seen, value, series, moment) or (before and _aged(before, moment))
    alert = _dressed(before, rule)
    if alert.state is AlertState.PENDING:
        return _pending(rule, alert, seen, value, moment)
    if alert.state is AlertState.FIRING:
        return _firing(rule, alert, seen, moment)
    return _without_data(rule, alert, seen, value, moment)


def withdrawn(alert: Alert, why: str, moment: Moment) -> Alert | None:
    """What becomes of it when nobody is to be told any more: its rule or its node was removed."""
    if alert.state.stands:
        return _resolved(alert, why, moment)
    return None if alert.state is AlertState.PENDING else _aged(alert, moment)


def acknowledged(alert: Alert, ack: Ack | None) -> Alert:
    """With `ack`, or without any. UsageError where there is nothing to acknowledge."""
    if ack is not None and not alert.state.stands:
        state = f"alert {alert.fingerprint} is {alert.state.value}"
        raise UsageError(f"{state}; only what stands is acknowledged")
    return replace(alert, ack=ack)


def merely_older(before: Alert, after: Alert) -> bool:
    """Whether nothing differs but for how long something has lasted."""
    return _TIMELESS(before) == _TIMELESS(after)


def _begun(rule: Rule, seen: Seen, value: float | None, series: Labels, moment: Moment) -> Alert | None:
    missing = seen is Seen.MISSING and rule.no_data is NoData.ALERT
    if seen is not Seen.HOLDS and not missing:
        return None
    alert = Alert(
        rule=rule.name,
        metric=rule.metric,
        series=series,
        state=AlertState.PENDING,
        severity=rule.severity,
        started_at=moment.wall,
        extra=rule.labels,
        annotations=rule.annotations,
        value=None if missing else value,
        why="nothing is reported" if missing else "the condition holds",
        blind=0.0 if missing else None,
    )
    if rule.hold > 0:
        return alert
    return _silent(alert, moment) if missing else _fired(alert, value, "the condition holds", moment)


def _pending(rule: Rule, alert: Alert, seen: Seen, value: float | None, moment: Moment) -> Alert | None:
    if seen is Seen.HOLDS:
        # Of the time since there were data last, nothing is known.
        held = alert.held + (moment.elapsed if alert.blind is None else 0.0)
        if held >= rule.hold - _CLOSE:
            return _fired(replace(alert, held=held), value, "the condition has held for long enough", moment)
        return replace(alert, held=held, blind=None)
    if seen is Seen.CLEAR or (seen is Seen.MISSING and rule.no_data is NoData.OK):
        return None
    if seen is Seen.UNKNOWN:
        return _unsure(alert)
    blind = _longer(alert.blind, moment)
    if rule.no_data is NoData.ALERT and blind >= rule.hold - _CLOSE:
        return _silent(alert, moment)
    return None if blind >= GONE_AFTER else replace(alert, blind=blind)


def _firing(rule: Rule, alert: Alert, seen: Seen, moment: Moment) -> Alert:
    if seen is Seen.HOLDS:
        old = alert.clear is not None or alert.blind is not None
        return replace(alert, clear=None, blind=None) if old else alert
    if seen is Seen.UNKNOWN:
        return _unsure(alert)
    if seen is Seen.CLEAR or rule.no_data is NoData.OK:
        # Of the time since there were data last, nothing is known.
        known = alert.clear is None or alert.blind is None
        clear = _longer(alert.clear, moment) if known else alert.clear or 0.0
        if clear >= rule.keep_firing_for - _CLOSE:
            return _resolved(alert, "the condition holds no more", moment)
        return replace(alert, clear=clear, blind=None)
    blind = _longer(alert.blind, moment)
    if rule.no_data is NoData.ALERT and blind >= rule.hold - _CLOSE:
        return _silent(alert, moment)
    if rule.no_data is NoData.IGNORE and blind >= GONE_AFTER:
        return _resolved(alert, "nothing was reported for a day", moment)
    return replace(alert, blind=blind)


def _without_data(rule: Rule, alert: Alert, seen: Seen, value: float | None, moment: Moment) -> Alert:
    """Where the data are bad when they come back, people wait no longer: they know of it already."""
    if seen is Seen.HOLDS:
        return _fired(alert, value, "data are back, and the condition holds", moment)
    if seen is Seen.CLEAR:
        return _resolved(alert, "data are back, and all is well", moment)
    if seen is Seen.MISSING and rule.no_data is not NoData.ALERT:
        return _resolved(alert, "its rule no longer minds missing data", moment)
    return alert


def _fired(alert: Alert, value: float | None, why: str, moment: Moment) -> Alert:
    return _moved(alert, AlertState.FIRING, why, value, moment)


def _silent(alert: Alert, moment: Moment) -> Alert:
    return _moved(alert, AlertState.NO_DATA, "nothing is reported any more", None, moment)


def _moved(alert: Alert, state: AlertState, why: str, value: float | None, moment: Moment) -> Alert:
    """An acknowledgement is of what stood before."""
    return replace(
        alert,
        state=state,
        why=why,
        value=value,
        fired_at=alert.fired_at or moment.wall,
        ack=None,
        clear=None,
        blind=None,
    )


def _resolved(alert: Alert, why: str, moment: Moment) -> Alert:
    return replace(
        alert, state=AlertState.RESOLVED, why=why, ended_at=moment.wall, held=0.0, clear=0.0, blind=None
    )


def _aged(alert: Alert, moment: Moment) -> Alert | None:
    clear = (alert.clear or 0.0) + moment.elapsed
    return None if clear >= SHOWN_FOR else replace(alert, clear=clear)


def _longer(duration: float | None, moment: Moment) -> float:
    """It begins to count now, where it did not."""
    return 0.0 if duration is None else duration + moment.elapsed


def _unsure(alert: Alert) -> Alert:
    return replace(alert, blind=0.0) if alert.blind is None else alert


def _dressed(alert: Alert, rule: Rule) -> Alert:
    """As its rule is now, which may have been edited. What became worse is acknowledged no longer."""
    same = alert.severity is rule.severity
    if same and alert.extra == rule.labels and alert.annotations == rule.annotations:
        return alert
    ack = None if RANK[rule.severity] > RANK[alert.severity] else alert.ack
    return replace(alert, severity=rule.severity, extra=rule.labels, annotations=rule.annotations, ack=ack)
