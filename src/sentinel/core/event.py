"""An event: an immutable fact, in the CloudEvents 1.0 JSON format (https://cloudevents.io).

    {"specversion": "1.0", "id": "…", "source": "/nodes/NODE/inventory", "type": "sentinel.workload.detected",
     "subject": "WORKLOAD ID", "time": "2026-01-31T23:59:59.250Z", "datacontenttype": "application/json",
     "data": {…}}

`id` is the same whenever the same fact is told again, so whoever receives an event twice can tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sentinel.core.clock import rfc3339
from sentinel.core.timestamp import epoch

DETECTED = "sentinel.workload.detected"
EXITED = "sentinel.workload.exited"
RECLASSIFIED = "sentinel.workload.reclassified"
BECAME_IDLE = "sentinel.workload.became-idle"
RESUMED = "sentinel.workload.resumed"
FINDING_OPENED = "sentinel.finding.opened"
FINDING_CLOSED = "sentinel.finding.closed"
EVENTS = (DETECTED, EXITED, RECLASSIFIED, BECAME_IDLE, RESUMED, FINDING_OPENED, FINDING_CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`time` in seconds since the epoch; `data` is a JSON object."""

    id: str
    source: str
    type: str
    subject: str
    time: float
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


def event_json(event: Event) -> dict[str, Any]:
    """`event` as in this module's docstring."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": rfc3339(event.time),
        "datacontenttype": "application/json",
        "data": dict(event.data),
    }


def event_from(found: object) -> Event | None:
    """The event in a JSON value; None when it is none of ours."""
    if not isinstance(found, dict):
        return None
    raw = cast("dict[str, Any]", found)
    words = [raw.get(key) for key in ("id", "source", "type", "subject", "time")]
    if not all(isinstance(word, str) for word in words) or not isinstance(raw.get("data", {}), dict):
        return None
    at = epoch(raw["time"])
    if at is None:
        return None
    return Event(
        id=raw["id"],
        source=raw["source"],
        type=raw["type"],
        subject=raw["subject"],
        time=at,
        data=raw.get("data", {}),
    )
