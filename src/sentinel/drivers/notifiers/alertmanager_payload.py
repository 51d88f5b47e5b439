"""Messages as Alertmanager's webhooks have them (version 4), for whatever receives those already. Pure.

Given to `webhook` by `opening`. Alertmanager knows no alert without data: such a one is "firing" there, and
its annotation `state` says "no-data".
"""

from collections.abc import Mapping
from typing import Any

from sentinel.core.clock import rfc3339
from sentinel.drivers.notifiers.payload import MOST_ALERTS, status_of
from sentinel.ports.notifier import Channel, Message, MessageAlert

NEVER = "0001-01-01T00:00:00Z"  # how Go writes a time that is not set


def alertmanager_json(channel: Channel, message: Message) -> dict[str, Any]:
    """{"version": "4", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
    "commonAnnotations", "externalURL", "alerts": [{"status", "labels", "annotations", "startsAt", "endsAt",
    "generatorURL", "fingerprint"}]}"""
    alerts = [_alert(alert, message.url) for alert in message.alerts[:MOST_ALERTS]]
    return {
        "version": "4",
        "groupKey": message.group,
        "truncatedAlerts": max(0, len(message.alerts) - MOST_ALERTS),
        "status": status_of(message),
        "receiver": channel.name,
        "groupLabels": _named(message.group_labels),
        "commonLabels": _shared([one["labels"] for one in alerts]),
        "commonAnnotations": _shared([one["annotations"] for one in alerts]),
        "externalURL": message.url,
        "alerts": alerts,
    }


def labels_of(alert: MessageAlert) -> dict[str, str]:
    """Its labels as Alertmanager knows them: the rule is `alertname`."""
    return {**alert.labels, "alertname": alert.rule, "severity": alert.severity}


def annotations_of(alert: MessageAlert) -> dict[str, str]:
    """What people read."""
    found = {"summary": alert.summary, "state": alert.state}
    if alert.next_step is not None:
        found["next_step"] = alert.next_step
    if alert.value is not None:
        found["value"] = f"{alert.value:g}"
    return found


def _alert(alert: MessageAlert, url: str) -> dict[str, Any]:
    ended = alert.state == "resolved"
    return {
        "status": "resolved" if ended else "firing",
        "labels": labels_of(alert),
        "annotations": annotations_of(alert),
        "startsAt": rfc3339(alert.started_at),
        "endsAt": rfc3339(alert.ended_at) if ended and alert.ended_at is not None else NEVER,
        "generatorURL": url,
        "fingerprint": alert.fingerprint,
    }


def _named(labels: Mapping[str, str]) -> dict[str, str]:
    return {"alertname" if name == "rule" else name: value for name, value in labels.items()}


def _shared(many: list[dict[str, str]]) -> dict[str, str]:
    if not many:
        return {}
    rest = many[1:]
    return {name: value for name, value in many[0].items() if all(one.get(name) == value for one in rest)}
