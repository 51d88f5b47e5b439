"""Who is told of an alert, and together with which others. Pure. Called by dedup."""

from collections.abc import Sequence

from sentinel.alerting.notice import group_id
from sentinel.core.alert import Alert, Route, matched
from sentinel.core.series import Labels


def routed(alert: Alert, routes: Sequence[Route]) -> tuple[Route, ...]:
    """The routes that it takes, in order. None: nobody is told, and that should be shown."""
    facts, found = alert.facts, list[Route]()
    for route in routes:
        if matched(route.matches, facts):
            found.append(route)
            if not route.goes_on:
                break
    return tuple(found)


def group_labels(alert: Alert, route: Route) -> Labels:
    """What it has in common with those that are told together with it; a label that it lacks is empty."""
    facts = alert.facts
    return tuple(sorted((name, facts.get(name, "")) for name in set(route.group_by)))


def group_of(alert: Alert, route: Route) -> str:
    """The id of its group on this route."""
    return group_id(route.name, route.channels, group_labels(alert, route))
