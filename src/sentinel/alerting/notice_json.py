"""Groups, notices and deliveries as objects: documents of the store, and what the API shows of the outbox.

    group     {"id", "route", "channels": […], "labels": {…}, "born": TIME, "told": [ALERT…], "sequence": N,
               "since_told": SECONDS | null, "waiting": SECONDS | null}
    notice    {"key", "group", "route", "channels": […], "labels": {…}, "born": TIME, "sequence": N,
               "reason": "news" | "reminder", "made_at": TIME, "alerts": [ALERT…], "fresh": [FINGERPRINT…]}
    delivery  {"key", "channel", "notice": {…}, "state": "waiting" | "sent" | "given-up", "attempts": N,
               "wait": SECONDS, "age": SECONDS, "error", "ended_at": TIME | null}

ALERT as in core.alert_json, TIME as RFC 3339. Readers raise KeyError, TypeError, ValueError or UsageError.
"""

from collections.abc import Mapping
from typing import Any

from sentinel.alerting.notice import Group, Notice, Reason
from sentinel.alerting.outbox import Delivery, DeliveryState
from sentinel.core.alert_fields import time
from sentinel.core.alert_json import alert_from, alert_json
from sentinel.core.clock import rfc3339
from sentinel.core.series import Labels

# The kinds of the store's documents; their keys: id, key.
GROUP, DELIVERY = "alert-group", "alert-delivery"


def group_json(group: Group) -> dict[str, Any]:
    """As above."""
    return {
        "id": group.id,
        "route": group.route,
        "channels": list(group.channels),
        "labels": dict(group.labels),
        "born": rfc3339(group.born),
        "told": [alert_json(alert) for alert in group.told.values()],
        "sequence": group.sequence,
        "since_told": group.since_told,
        "waiting": group.waiting,
    }


def group_from(found: Mapping[str, Any]) -> Group:
    """What `group_json` wrote."""
    told = [alert_from(one) for one in found["told"]]
    return Group(
        id=str(found["id"]),
        route=str(found["route"]),
        channels=tuple(map(str, found["channels"])),
        labels=_labels(found["labels"]),
        born=time(found["born"]),
        told={alert.fingerprint: alert for alert in told},
        sequence=int(found["sequence"]),
        since_told=_seconds(found["since_told"]),
        waiting=_seconds(found["waiting"]),
    )


def notice_json(notice: Notice) -> dict[str, Any]:
    """As above."""
    return {
        "key": notice.key,
        "group": notice.group,
        "route": notice.route,
        "channels": list(notice.channels),
        "labels": dict(notice.labels),
        "born": rfc3339(notice.born),
        "sequence": notice.sequence,
        "reason": notice.reason.value,
        "made_at": rfc3339(notice.made_at),
        "alerts": [alert_json(alert) for alert in notice.alerts],
        "fresh": list(notice.fresh),
    }


def notice_from(found: Mapping[str, Any]) -> Notice:
    """What `notice_json` wrote."""
    return Notice(
        key=str(found["key"]),
        group=str(found["group"]),
        route=str(found["route"]),
        channels=tuple(map(str, found["channels"])),
        labels=_labels(found["labels"]),
        born=time(found["born"]),
        sequence=int(found["sequence"]),
        reason=Reason(found["reason"]),
        made_at=time(found["made_at"]),
        alerts=tuple(alert_from(one) for one in found["alerts"]),
        fresh=tuple(map(str, found["fresh"])),
    )


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """As above."""
    ended = delivery.ended_at
    return {
        "key": delivery.key,
        "channel": delivery.channel,
        "notice": notice_json(delivery.notice),
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "wait": delivery.wait,
        "age": delivery.age,
        "error": delivery.error,
        "ended_at": None if ended is None else rfc3339(ended),
    }


def delivery_from(found: Mapping[str, Any]) -> Delivery:
    """What `delivery_json` wrote."""
    ended = found["ended_at"]
    return Delivery(
        key=str(found["key"]),
        channel=str(found["channel"]),
        notice=notice_from(found["notice"]),
        state=DeliveryState(found["state"]),
        attempts=int(found["attempts"]),
        wait=float(found["wait"]),
        age=float(found["age"]),
        error=str(found["error"]),
        ended_at=None if ended is None else time(ended),
    )


def _labels(found: Mapping[str, str]) -> Labels:
    return tuple(sorted((str(name), str(value)) for name, value in found.items()))


def _seconds(found: float | None) -> float | None:
    return None if found is None else float(found)
