"""The alerting of a controller, put together. Called by the watch's process."""

from collections.abc import Callable, Sequence

from sentinel.core.clock import boottime, wall
from sentinel.ports.history import History
from sentinel.ports.notifier import AlertFeed, Channel, Notifier
from sentinel.ports.store import Store
from sentinel.server.alerting.alertmanager import Alertmanager
from sentinel.server.alerting.job_ends import JobEnds
from sentinel.server.alerting.rounds import Rounds
from sentinel.server.alerting.sending import Sender
from sentinel.server.observing import Endpoint, Observing

EVERY_METRIC = 10.0
"""Seconds between two questions about a metric, where the history is a Prometheus."""

AlertingDuty = Sender | JobEnds | Rounds | Alertmanager


def alerting_duties(
    config: Observing,
    store: Store,
    history: History,
    *,
    open_channel: Callable[[Channel], Notifier],
    open_alertmanager: Callable[[Endpoint], AlertFeed],
    now: Callable[[], float] = boottime,
    today: Callable[[], float] = wall,
) -> Sequence[AlertingDuty]:
    """To be started in this order. With alerts switched off, owners of jobs are told nevertheless."""
    alerting = config.alerting
    sender = Sender(store, open_channel, url=alerting.url, now=now, today=today)
    duties: list[AlertingDuty] = [sender, JobEnds(store, sender, now=now)]
    if not alerting.enabled:
        return duties
    foreign = None
    if alerting.alertmanager is not None:
        feed = open_alertmanager(alerting.alertmanager)
        foreign = Alertmanager(feed, url=alerting.url, now=now, today=today)
        duties.append(foreign)
    rounds = Rounds(
        store,
        history,
        sender,
        every=alerting.every,
        now=now,
        today=today,
        alertmanager=foreign,
        every_metric=0.0 if config.history.prometheus is None else EVERY_METRIC,
    )
    return [*duties, rounds]
