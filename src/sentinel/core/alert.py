"""Alerts, and what people write down about them: rules, silences, inhibitions, routes.

`sentinel.alerting` decides by them, the API and the CLI show and change them, the store keeps them as
documents (JSON: core.alert_json, core.rule_json).

A *rule* watches every series of a metric. An *alert* is one series of one rule for as long as its condition
stands: PENDING until it has held for `for`, FIRING, RESOLVED. NO_DATA: a series that was there says nothing
any more. That is a state of its own, as unknown is neither good nor bad.

An alert holds *how long* things have lasted, never since when: `held`, `clear` and `blind` are sums of what
each round measured on a clock that never jumps. So it is kept and read again as it is, on another boot or
machine, and time in which nobody looked counts for nothing: after a restart an alert comes late rather than
early. The times of day in it (`started_at`, …) are for showing and decide nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from sentinel.core.finding import Severity
from sentinel.core.series import Labels

Matches = Mapping[str, tuple[str, ...]]
"""Label → any of these values. All labels must match; a label that is not there is the empty text."""

RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
FINDING = "finding"
"""What the alerts that findings of health become have as their rule. No rule may be called so."""


class Comparison(StrEnum):
    """How a value is held against the threshold."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="
    EQUAL = "=="
    NOT_EQUAL = "!="


class NoData(StrEnum):
    """What a series that says nothing any more means to a rule.

    ALERT: it is bad in itself. OK: the metric is there only while something is wrong, so all is well, unless
    its whole node is silent. IGNORE: nothing is known, so what stood stays as it was.
    """

    ALERT = "alert"
    OK = "ok"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`scope` is which series are watched; `labels` are added to its alerts; durations are seconds.

    `of`: another metric with the same labels; the value is then `metric` in percent of it. `annotations` may
    name labels and the value, as in "{gpu} of {node} is at {value}"; `summary` and `next_step` are shown
    everywhere.
    """

    name: str
    metric: str
    op: Comparison
    threshold: float
    of: str | None = None
    hold: float = 0.0  # `for`, in a rule's file
    keep_firing_for: float = 0.0
    severity: Severity = Severity.WARNING
    labels: Labels = ()
    scope: Matches = field(default_factory=dict[str, tuple[str, ...]])
    annotations: Labels = ()
    no_data: NoData = NoData.IGNORE
    enabled: bool = True

    def watches(self, labels: Labels) -> bool:
        """Whether a series with these labels is in its scope. Exactly: a scope is what history is asked
        with."""
        if not self.scope:
            return True
        own = dict(labels)
        return all(own.get(name, "") in values for name, values in self.scope.items())


class AlertState(StrEnum):
    """PENDING is not told to anybody. NO_DATA and FIRING are; RESOLVED where one of them was."""

    PENDING = "pending"
    FIRING = "firing"
    NO_DATA = "no-data"
    RESOLVED = "resolved"

    @property
    def stands(self) -> bool:
        """Whether there is something that people should know of."""
        return self in (AlertState.FIRING, AlertState.NO_DATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """Somebody has seen it: no reminders, until it changes its state or becomes worse."""

    by: str
    at: float
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """`series` are the labels of the series, `extra` those of its rule. `value` is what was read when it last
    changed its state; None is unknown."""

    rule: str
    metric: str
    series: Labels
    state: AlertState
    severity: Severity
    started_at: float  # when the condition was first seen, epoch; for showing, as the next two
    extra: Labels = ()
    annotations: Labels = ()
    value: float | None = None
    fired_at: float | None = None
    ended_at: float | None = None
    why: str = ""  # of its last change of state, a few words
    ack: Ack | None = None
    held: float = 0.0  # seconds that the condition held while PENDING
    clear: float | None = None  # seconds since it holds no more; None while it holds
    blind: float | None = None  # seconds without data; None while there are some

    @property
    def fingerprint(self) -> str:
        """The same for as long as rule and series are; what `sentinel alert ack` takes."""
        return fingerprint(self.rule, self.series)

    @property
    def labels(self) -> Labels:
        """The series' and the rule's; the rule's win."""
        return tuple(sorted((dict(self.series) | dict(self.extra)).items()))

    @property
    def facts(self) -> dict[str, str]:
        """What silences, routes and inhibitions match: the labels, `rule`, `severity` and `metric`."""
        own = {"rule": self.rule, "severity": self.severity.value, "metric": self.metric}
        return dict(self.series) | dict(self.extra) | own


@lru_cache(maxsize=1 << 17)
def fingerprint(rule: str, series: Labels) -> str:
    """16 hexadecimal digits."""
    text = "\0".join((rule, *(part for pair in series for part in pair)))
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]


def matched(matches: Matches, facts: Mapping[str, str]) -> bool:
    """Whether `facts` have one of the values for each label. A value that ends in "*" is a beginning."""
    for name, values in matches.items():
        found = facts.get(name, "")
        if found not in values and not _begins(found, values):
            return False
    return True


def _begins(found: str, beginnings: tuple[str, ...]) -> bool:
    return any(one[-1:] == "*" and found.startswith(one[:-1]) for one in beginnings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """Hours that come again each week, by the clock on the wall in `zone`.

    `days`: 0 is Monday. From `begin` to `end`, both minutes after midnight; where `end` is not later it is on
    the next day, so 0 and 0 are the whole day. (What a change of the clocks does: alerting.silencing.)
    """

    days: tuple[int, ...]
    begin: int = 0
    end: int = 0
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Whoever it matches is told to nobody from `start` to `end` (epoch; never for ever); it is still shown.

    With `weekly`, in those hours alone.
    """

    id: str
    matches: Matches
    start: float
    end: float
    by: str
    why: str
    weekly: Weekly | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """While an alert that `source` matches is firing, those that `target` matches are not told, where both
    have the same values of the labels in `equal`."""

    name: str
    source: Matches
    target: Matches
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who is told of what, and how often. An alert takes the first route that matches, and each after that
    one as long as they say `goes_on`. One without `matches` takes all.

    `group_by`: alerts with the same values of these go into one notice. `group_wait`: seconds that the first
    one waits for company; `group_interval`: between two notices of a group; `repeat_interval`: until a
    reminder of what still stands, None for never.
    """

    name: str
    channels: tuple[str, ...]
    matches: Matches = field(default_factory=dict[str, tuple[str, ...]])
    group_by: tuple[str, ...] = ("rule",)
    group_wait: float = 0.0
    group_interval: float = 60.0
    repeat_interval: float | None = 4 * 3600.0
    goes_on: bool = False
