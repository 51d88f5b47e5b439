"""What a round leaves in the store, and how it is read again after a restart. Used by `rounds`.

All that a round changed (alerts, groups, deliveries, the events that say so, acknowledgements that were taken
over) is one transaction: a crash at any point leaves nothing untold and tells nothing twice. What merely got
older is kept every now and then; what is lost of that makes an alert late, never early.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, TypeVar

from sentinel.alerting.evaluate import Transition
from sentinel.alerting.lifecycle import acknowledged, merely_older
from sentinel.alerting.notice import Group
from sentinel.alerting.notice_json import (
    DELIVERY,
    GROUP,
    delivery_from,
    delivery_json,
    group_from,
    group_json,
)
from sentinel.alerting.outbox import Delivery
from sentinel.alerting.round import Book, recovered
from sentinel.alerting.wording import summary
from sentinel.core.alert import Alert, AlertState
from sentinel.core.alert_json import ACK, ALERT, alert_from, alert_json
from sentinel.core.errors import UsageError
from sentinel.core.job import DEFAULT_TENANT
from sentinel.core.series import Labels
from sentinel.ports.store import NewEvent, Reader, Store, Transaction
from sentinel.server.alerting.job_notice import is_of_a_job
from sentinel.server.alerting.written import NewAck

T = TypeVar("T")

YOUNG = 600.0
"""Seconds since its last notice within which a group's age is kept each minute: that decides soon."""

_TYPES = {
    AlertState.FIRING: "sentinel.alert.fired",
    AlertState.NO_DATA: "sentinel.alert.no_data",
    AlertState.RESOLVED: "sentinel.alert.resolved",
}

_log = logging.getLogger(__name__)


class Depth(IntEnum):
    """What is kept. NEWS: what changed. AGES: also how old is what decides soon. ALL: how old everything
    is."""

    NEWS = 0
    AGES = 1
    ALL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What is to be written, by fingerprint or id; None: removed. `acks`: which ones were taken over, and
    their documents' revisions. `settings`: of the store."""

    alerts: Mapping[str, Alert | None] = field(default_factory=dict[str, Alert | None])
    groups: Mapping[str, Group | None] = field(default_factory=dict[str, Group | None])
    deliveries: Sequence[Delivery] = ()
    events: Sequence[NewEvent] = ()
    acks: Mapping[str, int] = field(default_factory=dict[str, int])
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def news(self) -> bool:
        """Whether there is anything but settings."""
        return bool(self.alerts or self.groups or self.deliveries or self.events or self.acks)

    def write(self, tx: Transaction) -> None:
        for key, alert in self.alerts.items():
            _put(tx, ALERT, key, alert and alert_json(alert))
        for one in self.deliveries:
            tx.put_document(DELIVERY, one.key, delivery_json(one))
        for key, group in self.groups.items():
            _put(tx, GROUP, key, group and group_json(group))
        for event in self.events:
            tx.add_event(event)
        for key, revision in self.acks.items():
            kept = tx.document(ACK, key)
            if kept is not None and kept.revision == revision:  # else somebody has said something newer
                tx.remove_document(ACK, key)
        for key, value in self.settings.items():
            tx.set_meta(key, value)


def difference(
    before: Book, after: Book, depth: Depth
) -> tuple[dict[str, Alert | None], dict[str, Group | None]]:
    """Alerts and groups of `after` that the store is to have, where it has those of `before`."""
    alerts: dict[str, Alert | None] = {}
    for rule in dict.fromkeys((*before.alerts, *after.alerts)):
        old, new = before.alerts.get(rule, {}), after.alerts.get(rule, {})
        if old is new:
            continue
        for series, alert in new.items():
            was = old.get(series)
            if was is not alert and (was is None or _counts(was, alert, depth)):
                alerts[alert.fingerprint] = alert
        alerts.update((alert.fingerprint, None) for series, alert in old.items() if series not in new)
    groups: dict[str, Group | None] = {}
    for id, group in after.groups.items():
        was = before.groups.get(id)
        if was is not group and (was is None or _group_counts(was, group, depth)):
            groups[id] = group
    groups.update((id, None) for id in before.groups.keys() - after.groups.keys())
    return alerts, groups


def _counts(was: Alert, now: Alert, depth: Depth) -> bool:
    least = Depth.ALL if now.state is AlertState.RESOLVED else Depth.AGES
    return depth >= least or not merely_older(was, now)


def _group_counts(was: Group, now: Group, depth: Depth) -> bool:
    old = now.waiting is None and (now.since_told is None or now.since_told > YOUNG)
    if depth >= (Depth.ALL if old else Depth.AGES):
        return True
    return replace(was, since_told=now.since_told, waiting=now.waiting) != now


def events_of(transitions: Iterable[Transition], now: float) -> list[NewEvent]:
    """What others are told of what became of alerts."""
    found: list[NewEvent] = []
    for one in transitions:
        what = None if one.after is None else _TYPES.get(one.after)
        if what is not None:
            found.append(_event(one.alert, what, now))
    return found


def _event(alert: Alert, type: str, now: float) -> NewEvent:
    labels = dict(alert.labels)
    return NewEvent(
        time=now,
        type=type,
        subject=alert.fingerprint,
        tenant=DEFAULT_TENANT,
        data={
            "rule": alert.rule,
            "severity": alert.severity.value,
            "labels": labels,
            "summary": summary(alert),
            "node": labels.get("node"),
        },
    )


def with_acks(book: Book, acks: Mapping[str, NewAck]) -> Book:
    """`book` with what people said of its alerts. What was said of one that stands no more is passed over."""
    if not acks:
        return book
    alerts = dict(book.alerts)
    for rule, several in book.alerts.items():
        changed: dict[Labels, Alert] = {
            series: _said(alert, acks[id])
            for series, alert in several.items()
            if (id := alert.fingerprint) in acks
        }
        if changed:
            alerts[rule] = dict(several) | changed
    return replace(book, alerts=alerts)


def _said(alert: Alert, new: NewAck) -> Alert:
    try:
        return acknowledged(alert, new.ack)
    except UsageError:
        return alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """`missing`: deliveries that a crash had cut off, which are in the store by now."""

    book: Book
    missing: tuple[Delivery, ...]


def open_book(store: Store) -> Opened:
    """The book as it was left, for the first round after a start. StoreUnavailable."""
    with store.read() as reader:
        alerts = read_all(reader, ALERT, alert_from)
        groups = read_all(reader, GROUP, group_from)
        outbox = [one for one in read_all(reader, DELIVERY, delivery_from) if not is_of_a_job(one)]
    found = recovered(alerts, groups, outbox)
    leaf = Leaf(deliveries=found.missing, groups={group.id: group for group in found.groups})
    if leaf.news:
        store.write(leaf.write)
    return Opened(book=found.book, missing=found.missing)


def read_all(reader: Reader, kind: str, read: Callable[[Mapping[str, Any]], T]) -> list[T]:
    """All of a kind that can be read; the others are left where they are, and said."""
    found: list[T] = []
    for one in reader.documents(kind):
        try:
            found.append(read(one.data or {}))
        except (UsageError, KeyError, TypeError, ValueError, AttributeError) as error:
            _log.warning("%s %s cannot be read and is passed over: %s", kind, one.key, type(error).__name__)
    return found


def _put(tx: Transaction, kind: str, key: str, data: Mapping[str, Any] | None) -> None:
    if data is None:
        tx.remove_document(kind, key)
    else:
        tx.put_document(kind, key, data)
