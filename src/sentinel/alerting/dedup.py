"""Which notices are due, so that everything is told and nothing twice. Pure. Called by `round` after all
rules.

A group has news when an alert of it stands that was not told, or told in another state or as less severe; or
when one that was told stands no more. News wait `group_wait` for company where nothing of the group is known
yet, and `group_interval` after its last notice. Without news, what stands and nobody acknowledged is told
again after `repeat_interval`.

What is muted is not told, in no state: if it was told before and ends meanwhile, its end is told when it is
muted no longer. Everything else that was told as standing is told as resolved, once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sentinel.alerting.moment import Moment
from sentinel.alerting.notice import Group, Notice, Reason, absorbed, group_id, notice_of
from sentinel.alerting.quiet import Muted, Quiet
from sentinel.alerting.route import group_labels, routed
from sentinel.core.alert import RANK, Alert, AlertState, Route

FORGET_AFTER = 7 * 86400.0
"""Seconds after which a group of which nothing stands is forgotten; far longer than a notice stays in the
outbox."""

_CLOSE = 1e-6
_DEFAULT = Route(name="", channels=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`groups` as they are once `notices` are in the outbox. `muted` by fingerprint. `unrouted` stand, and no
    route takes them: a mistake of whoever wrote the routes."""

    groups: Mapping[str, Group]
    notices: tuple[Notice, ...] = ()
    muted: Mapping[str, Muted]
    unrouted: tuple[Alert, ...] = ()


def plan(
    alerts: Iterable[Alert],
    groups: Mapping[str, Group],
    routes: Sequence[Route],
    quiet: Quiet,
    moment: Moment,
) -> Plan:
    """`alerts` of all rules, as this round left them; `groups` by id, as the round before did."""
    kept = {alert.fingerprint: alert for alert in alerts}
    standing = {id: alert for id, alert in kept.items() if alert.state.stands}
    muted = {id: why for id, alert in standing.items() if (why := quiet.muted(alert)) is not None}
    open_groups, members, unrouted = dict(groups), dict[str, dict[str, Alert]](), list[Alert]()
    for id, alert in standing.items():
        taken = routed(alert, routes)
        if not taken:
            unrouted.append(alert)
        for route in taken if id not in muted else ():
            labels = group_labels(alert, route)
            key = group_id(route.name, route.channels, labels)
            members.setdefault(key, {})[id] = alert
            if key not in open_groups:
                open_groups[key] = Group(
                    id=key, route=route.name, channels=route.channels, labels=labels, born=moment.wall
                )
    terms = {route.name: route for route in routes}
    after: dict[str, Group] = {}
    notices: list[Notice] = []
    for key, group in open_groups.items():
        here = members.get(key, {})
        over = _over(group, kept, standing, quiet, moment)
        aged = _aged(group, moment, news=bool(over) or any(_is_news(group, one) for one in here.values()))
        notice = _due(aged, here, over, terms.get(group.route, _DEFAULT), moment)
        if notice is not None:
            notices.append(notice)
            after[key] = absorbed(aged, notice)
        elif aged.told or here or (aged.since_told is not None and aged.since_told < FORGET_AFTER):
            after[key] = aged
    return Plan(groups=after, notices=tuple(notices), muted=muted, unrouted=tuple(unrouted))


def _is_news(group: Group, alert: Alert) -> bool:
    told = group.told.get(alert.fingerprint)
    return told is None or told.state is not alert.state or RANK[alert.severity] > RANK[told.severity]


def _over(
    group: Group, kept: Mapping[str, Alert], standing: Mapping[str, Alert], quiet: Quiet, moment: Moment
) -> dict[str, Alert]:
    """What was told and stands no more, as it is to be told now. What left the group and stands is still
    there."""
    found: dict[str, Alert] = {}
    for id, told in group.told.items():
        if id in standing:
            continue
        now = kept.get(id)
        if now is None or now.state is not AlertState.RESOLVED:  # it ended, and was forgotten or began anew
            now = replace(told, state=AlertState.RESOLVED, ended_at=moment.wall, why="it no longer stands")
        if quiet.muted(now) is None:
            found[id] = now
    return found


def _aged(group: Group, moment: Moment, *, news: bool) -> Group:
    since = None if group.since_told is None else group.since_told + moment.elapsed
    waiting = None if not news else 0.0 if group.waiting is None else group.waiting + moment.elapsed
    return replace(group, since_told=since, waiting=waiting)


def _due(
    group: Group, here: Mapping[str, Alert], over: Mapping[str, Alert], route: Route, moment: Moment
) -> Notice | None:
    since, alerts = group.since_told, (*here.values(), *over.values())
    if group.waiting is not None:
        company = group.told or group.waiting >= route.group_wait - _CLOSE
        if company and (since is None or since >= route.group_interval - _CLOSE):
            fresh = (*(id for id, one in here.items() if _is_news(group, one)), *over)
            return notice_of(group, Reason.NEWS, alerts, fresh, moment.wall)
        return None
    if route.repeat_interval is None or since is None or since < route.repeat_interval - _CLOSE:
        return None
    fresh = tuple(id for id, alert in here.items() if alert.ack is None)
    return notice_of(group, Reason.REMINDER, alerts, fresh, moment.wall) if fresh else None
