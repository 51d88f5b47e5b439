"""Messages as JSON: what a webhook gets. Pure. Called by `webhook` and the others that send JSON.

    {"version": 1, "key": TEXT, "status": "firing" | "resolved", "reminder": BOOL, "severity": "info" |
     "warning" | "critical", "title": TEXT, "body": TEXT, "url": TEXT, "sent_at": TIME, "group": TEXT,
     "route": TEXT, "group_labels": {LABEL: TEXT}, "truncated": NUMBER, "alerts": [{"fingerprint", "rule",
     "state": "firing" | "no-data" | "resolved", "severity", "labels": {…}, "summary", "next_step": TEXT |
     null, "started_at": TIME, "ended_at": TIME | null, "value": NUMBER | null}, …]}

TIME is RFC 3339. `truncated` counts the alerts that are left out where there are more than MOST_ALERTS.
"""

import json
import math
from typing import Any

from sentinel.core.clock import rfc3339
from sentinel.ports.notifier import Message, MessageAlert

VERSION = 1
MOST_ALERTS = 500


def encoded(payload: object) -> bytes:
    """UTF-8; half a surrogate pair (a name from a broken file name) becomes "?"."""
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def message_json(message: Message, key: str) -> dict[str, Any]:
    """As above."""
    return {
        "version": VERSION,
        "key": key,
        "status": status_of(message),
        "reminder": message.reminder,
        "severity": message.severity,
        "title": message.title,
        "body": message.body,
        "url": message.url,
        "sent_at": rfc3339(message.sent_at),
        "group": message.group,
        "route": message.route,
        "group_labels": dict(message.group_labels),
        "truncated": max(0, len(message.alerts) - MOST_ALERTS),
        "alerts": [_alert(alert) for alert in message.alerts[:MOST_ALERTS]],
    }


def status_of(message: Message) -> str:
    """Of the whole message."""
    return "resolved" if message.resolved else "firing"


def finite(value: float | None) -> float | None:
    """JSON knows no infinity."""
    return value if value is not None and math.isfinite(value) else None


def _alert(alert: MessageAlert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "rule": alert.rule,
        "state": alert.state,
        "severity": alert.severity,
        "labels": dict(alert.labels),
        "summary": alert.summary,
        "next_step": alert.next_step,
        "started_at": rfc3339(alert.started_at),
        "ended_at": None if alert.ended_at is None else rfc3339(alert.ended_at),
        "value": finite(alert.value),
    }
