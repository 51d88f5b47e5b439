"""A controller that runs rounds of alerting, keeps what it must on a disk, and may be killed at any write.

The disk holds JSON, as the store does. A channel takes deliveries and knows them by their keys. For
test_alert_lifecycle, which holds what comes out against an account of its own.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from sentinel.alerting.lifecycle import acknowledged, merely_older
from sentinel.alerting.moment import Moment
from sentinel.alerting.notice import Group, Notice
from sentinel.alerting.notice_json import (
    delivery_from,
    delivery_json,
    group_from,
    group_json,
)
from sentinel.alerting.outbox import DeliveryState, deliveries, due, failed, older, sent
from sentinel.alerting.round import Book, Look, Policy, Turn, recovered, turn
from sentinel.core.alert import Ack, Alert
from sentinel.core.alert_json import alert_from, alert_json


class Killed(Exception):
    """At this write."""


class Disk:
    """Documents by kind and key. After `writes_left` more writes, whoever writes is killed."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, str]] = {"alert": {}, "delivery": {}, "group": {}}
        self.writes_left: int | None = None

    def put(self, kind: str, key: str, data: dict[str, Any] | None) -> None:
        if self.writes_left is not None:
            if self.writes_left == 0:
                raise Killed
            self.writes_left -= 1
        if data is None:
            self.kept[kind].pop(key, None)
        else:
            self.kept[kind][key] = json.dumps(data)

    def all(self, kind: str) -> dict[str, Any]:
        return {key: json.loads(text) for key, text in self.kept[kind].items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a channel took."""

    key: str
    channel: str
    notice: Notice


class Controller:
    """`turned`: the last round that was computed, and `kept`: notices whose deliveries are on the disk."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.book = Book()
        self.received: list[Told] = []
        self.kept: dict[str, Notice] = {}
        self.fresh_start = True

    def round(self, policy: Policy, look: Look, moment: Moment, *, checkpoint: bool) -> Turn:
        """Raises Killed; the caller restarts it then."""
        if self.fresh_start:
            moment = replace(moment, elapsed=0.0)
        before = self.book
        found = turn(before, policy, look, moment)
        self._keep_alerts(before, found.book, checkpoint=checkpoint)
        for notice in found.notices:
            for one in deliveries(notice):
                known = self.disk.kept["delivery"].get(one.key)
                assert known is None or delivery_from(json.loads(known)).notice.fresh == notice.fresh
                self.disk.put("delivery", one.key, delivery_json(one))
                self.kept.setdefault(notice.key, notice)
        self._keep_groups(before, found.book, checkpoint=checkpoint)
        self.book, self.fresh_start = found.book, False
        return found

    def _keep_alerts(self, before: Book, after: Book, *, checkpoint: bool) -> None:
        old = {one.fingerprint: one for one in before.all()}
        new = {one.fingerprint: one for one in after.all()}
        for id, alert in new.items():
            was = old.get(id)
            if was is None or (was is not alert and (checkpoint or not merely_older(was, alert))):
                self.disk.put("alert", id, alert_json(alert))
        for id in old.keys() - new.keys():
            self.disk.put("alert", id, None)

    def _keep_groups(self, before: Book, after: Book, *, checkpoint: bool) -> None:
        for id, group in after.groups.items():
            was = before.groups.get(id)
            if was is None or checkpoint or _timeless(was) != _timeless(group):
                self.disk.put("group", id, group_json(group))
        for id in before.groups.keys() - after.groups.keys():
            self.disk.put("group", id, None)

    def restart(self, die_at: int | None = None) -> None:
        """From what is on the disk, and nothing else. May be killed as well."""
        self.disk.writes_left = die_at
        alerts = [alert_from(one) for one in self.disk.all("alert").values()]
        groups = [group_from(one) for one in self.disk.all("group").values()]
        outbox = [delivery_from(one) for one in self.disk.all("delivery").values()]
        found = recovered(alerts, groups, outbox)
        for one in found.missing:
            self.disk.put("delivery", one.key, delivery_json(one))
        for group in found.groups:
            self.disk.put("group", group.id, group_json(group))
        self.book, self.fresh_start = found.book, True

    def acknowledge(self, alert: Alert, ack: Ack) -> None:
        """As the API does: on the disk, and for the next round."""
        now = acknowledged(alert, ack)
        self.disk.put("alert", now.fingerprint, alert_json(now))
        several = dict(self.book.alerts[alert.rule]) | {alert.series: now}
        self.book = replace(self.book, alerts=dict(self.book.alerts) | {alert.rule: several})

    def send(
        self, moment: Moment, *, down: frozenset[str] = frozenset(), die_after: int | None = None
    ) -> None:
        """Everything that is due. `die_after`: killed after a channel took so many, before that is noted."""
        outbox = {key: delivery_from(one) for key, one in self.disk.all("delivery").items()}
        for key, one in outbox.items():
            aged = older(one, moment)
            if aged is not None:
                outbox[key] = aged
                self.disk.put("delivery", key, delivery_json(aged))
        took = 0
        for one in due(outbox.values()):
            if one.channel in down:
                self.disk.put("delivery", one.key, delivery_json(failed(one, "down", moment, retry=True)))
                continue
            self.received.append(Told(key=one.key, channel=one.channel, notice=one.notice))
            if took == die_after:
                raise Killed
            took += 1
            self.disk.put("delivery", one.key, delivery_json(sent(one, moment)))

    def forget_sent(self) -> None:
        """As after a day."""
        for key, one in self.disk.all("delivery").items():
            if delivery_from(one).state is DeliveryState.SENT:
                self.disk.put("delivery", key, None)


def _timeless(group: Group) -> Group:
    return replace(group, since_told=None, waiting=None)
