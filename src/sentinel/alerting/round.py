"""One round of alerting: rules and findings in, transitions and notices out. Pure. Called by whoever runs
rounds.

    turn(book, policy, look, moment) -> the book as it is then, what changed, what is to be sent

Who runs it keeps, in this order or in one transaction: the alerts that changed, the deliveries of the
notices, the groups. Then a crash at any point leaves nothing untold and tells nothing twice: after a restart
it reads all three, keeps what `recovered` says, and goes on with `elapsed` 0. An alert must never be older on
the disk than what was told of it; so the order matters.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sentinel.alerting.dedup import plan
from sentinel.alerting.evaluate import Outcome, Transition, Values, all_withdrawn, evaluate, percent
from sentinel.alerting.findings import Findings, evaluate_findings
from sentinel.alerting.moment import Moment
from sentinel.alerting.notice import Group, Notice, absorbed
from sentinel.alerting.outbox import Delivery, deliveries
from sentinel.alerting.quiet import Elsewhere, Muted, Quiet
from sentinel.core.alert import FINDING, Alert, Inhibition, Route, Rule, Silence
from sentinel.core.errors import UsageError
from sentinel.core.series import Labels

Alerts = Mapping[str, Mapping[Labels, Alert]]
"""By rule and series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All that a round leaves to the next."""

    alerts: Alerts = field(default_factory=dict[str, Mapping[Labels, Alert]])
    groups: Mapping[str, Group] = field(default_factory=dict[str, Group])

    def all(self) -> tuple[Alert, ...]:
        """Every alert that there is, told or not."""
        return tuple(alert for several in self.alerts.values() for alert in several.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What people wrote down. `elsewhere`: what they wrote down in an Alertmanager."""

    rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule])  # by name: library.in_force
    silences: Sequence[Silence] = ()
    inhibitions: Sequence[Inhibition] = ()
    routes: Sequence[Route] = ()
    elsewhere: Elsewhere | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen. `values` by metric; None: history did not answer, or not about that metric. `expected`:
    by metric, the series that had values lately. `too_soon`: metrics of which nobody can say yet what is
    missing. `silent`: nodes that are not heard of; `removed`: nodes that are none any more."""

    values: Mapping[str, Values | None] | None
    expected: Mapping[str, Collection[Labels]] = field(default_factory=dict[str, Collection[Labels]])
    too_soon: frozenset[str] = frozenset()
    findings: Findings = field(default_factory=dict[str, None])
    silent: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """`muted` and `unrouted` as in dedup.Plan."""

    book: Book
    transitions: tuple[Transition, ...]
    notices: tuple[Notice, ...]
    muted: Mapping[str, Muted]
    unrouted: tuple[Alert, ...]


def turn(book: Book, policy: Policy, look: Look, moment: Moment) -> Turn:
    """The next round."""
    after: dict[str, Mapping[Labels, Alert]] = {}
    transitions: list[Transition] = []
    for name in dict.fromkeys((*policy.rules, *book.alerts, FINDING)):
        standing = book.alerts.get(name, {})
        outcome = _outcome(name, standing, policy, look, moment)
        if look.removed:
            outcome = _without(outcome, standing, look.removed, moment)
        transitions += outcome.transitions
        if outcome.alerts:
            after[name] = outcome.alerts
    alerts = tuple(alert for several in after.values() for alert in several.values())
    quiet = Quiet(policy.silences, policy.inhibitions, alerts, moment.wall, policy.elsewhere)
    planned = plan(alerts, book.groups, policy.routes, quiet, moment)
    return Turn(
        book=Book(alerts=after, groups=planned.groups),
        transitions=tuple(transitions),
        notices=planned.notices,
        muted=planned.muted,
        unrouted=planned.unrouted,
    )


def _outcome(
    name: str, standing: Mapping[Labels, Alert], policy: Policy, look: Look, moment: Moment
) -> Outcome:
    if name == FINDING:
        return evaluate_findings(look.findings, standing, moment)
    rule = policy.rules.get(name)
    if rule is None:
        return all_withdrawn(standing, "its rule was removed", moment)
    expected = look.expected.get(rule.metric, ())
    return evaluate(
        rule,
        values_of(rule, look.values),
        standing,
        moment,
        expected=expected,
        silent=look.silent,
        too_soon=rule.metric in look.too_soon,
    )


def values_of(rule: Rule, values: Mapping[str, Values | None] | None) -> Values | None:
    """What `rule` holds against its threshold; None: nobody knows."""
    if values is None:
        return None
    own = values.get(rule.metric, {})
    if own is None or rule.of is None:
        return own
    whole = values.get(rule.of, {})
    return None if whole is None else percent(own, whole)


def _without(
    outcome: Outcome, standing: Mapping[Labels, Alert], removed: frozenset[str], moment: Moment
) -> Outcome:
    """What the last values of a removed node say begins nothing."""
    gone = {series for series in (*standing, *outcome.alerts) if dict(series).get("node") in removed}
    if not gone:
        return outcome
    ended = all_withdrawn({id: standing[id] for id in standing if id in gone}, "its node was removed", moment)
    kept = {series: alert for series, alert in outcome.alerts.items() if series not in gone}
    changes = tuple(one for one in outcome.transitions if one.alert.series not in gone)
    return Outcome(alerts=kept | dict(ended.alerts), transitions=changes + ended.transitions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """`missing`: deliveries that a crash cut off, to be kept first; `groups`: those that are not on the disk
    as they are in `book`, to be kept then."""

    book: Book
    missing: tuple[Delivery, ...]
    groups: tuple[Group, ...]


def recovered(alerts: Iterable[Alert], groups: Iterable[Group], outbox: Iterable[Delivery]) -> Recovery:
    """What was kept, as the book of the first round after a restart. May be worked out any number of
    times."""
    by_rule: dict[str, dict[Labels, Alert]] = {}
    for alert in alerts:
        by_rule.setdefault(alert.rule, {})[alert.series] = alert
    kept = {group.id: group for group in groups}
    known, there = dict(kept), {delivery.key: delivery.notice for delivery in outbox}
    missing: dict[str, Delivery] = {}
    for notice in sorted(there.values(), key=lambda one: one.sequence):
        if notice.group in kept and notice.sequence < kept[notice.group].sequence:
            continue  # its group was kept after all its deliveries; what is not there has been sent
        missing |= {one.key: one for one in deliveries(notice) if one.key not in there}
        known[notice.group] = absorbed(known.get(notice.group), notice)
    return Recovery(
        book=Book(alerts=by_rule, groups=known),
        missing=tuple(missing.values()),
        groups=tuple(group for id, group in known.items() if group is not kept.get(id)),
    )


def matching(alerts: Iterable[Alert], wanted: str) -> Alert:
    """The one whose fingerprint begins with `wanted`. UsageError when it is not one."""
    found = [alert for alert in alerts if wanted and alert.fingerprint.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    why = "no alert" if not found else f"{len(found)} alerts"
    raise UsageError(f"{why} with an id that begins with {wanted!r}; `sentinel alert list` shows the ids")
