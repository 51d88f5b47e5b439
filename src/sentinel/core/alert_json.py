"""Alerts, silences, inhibitions and routes as objects. Called by the store's readers, the API and the CLI.

    alert       {"fingerprint", "rule", "metric", "state": "pending" | "firing" | "no-data" | "resolved",
                 "severity", "labels": {…} of series and rule, "series": {…}, "extra": {…},
                 "annotations": {…}, "value": NUMBER | null, "started_at": TIME, "fired_at": TIME | null,
                 "ended_at": TIME | null, "why", "ack": {"by", "at", "why"} | null, "held": SECONDS, "clear":
                 SECONDS | null, "blind": SECONDS | null}
    silence     {"id", "matches": {LABEL: [TEXT…]}, "start": TIME, "end": TIME, "by", "why",
                 "weekly": {"days": ["sat", "sun"], "begin": "00:00", "end": "24:00", "zone": "Europe/Berlin"}
                 | null}
    inhibition  {"name", "source": {LABEL: [TEXT…]}, "target": {…}, "equal": [LABEL…]}
    route       {"name", "channels": [NAME…], "matches": {…}, "group_by": [LABEL…], "group_wait": SECONDS,
                 "group_interval": SECONDS, "repeat_interval": SECONDS or 0 for never, "goes_on": BOOL}

TIME is RFC 3339; durations are also read as text like "10m". In `matches`, "gpu*" is a beginning. What people
write is read `strict`ly: an unknown field is refused; in what was kept it is passed over.
"""

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sentinel.core.alert import Ack, Alert, AlertState, Inhibition, Matches, Route, Silence, Weekly
from sentinel.core.alert_fields import (
    Fields,
    label_name,
    list_of,
    matches,
    matches_json,
    name,
    number,
    one_of,
    seconds,
    sentence,
    shown,
    text,
    time,
    yes_no,
)
from sentinel.core.clock import rfc3339
from sentinel.core.errors import UsageError
from sentinel.core.finding import Severity

# The kinds of the store's documents; their keys: fingerprint, id, name, name.
ALERT, SILENCE, INHIBITION, ROUTE = "alert", "silence", "inhibition", "alert-route"
ACK = "alert-ack"  # what somebody said of an alert since the last round; its key is the fingerprint
CHANNEL = "channel"  # see ports.notifier; its key is the name
DEFAULT_ROUTE = "default"
"""The route to all channels; in force while nobody wrote routes."""

FARES = "alerting"
"""The store's setting that says how the watch fares: {"round_at": EPOCH, "seconds": N, "series": N,
"history": "ok" | WHY, "alertmanager": "ok" | WHY | null}."""
ELSEWHERE = "alerting_elsewhere"
"""The store's setting that says what a foreign Alertmanager silences, by fingerprint: {"by", "why", "until":
EPOCH}."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_SILENCE = ("id", "matches", "start", "end", "by", "why", "weekly")
_WEEKLY = ("days", "begin", "end", "zone")
_INHIBITION = ("name", "source", "target", "equal")
_ROUTE = (
    "name",
    "channels",
    "matches",
    "group_by",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "goes_on",
)


def alert_json(alert: Alert) -> dict[str, Any]:
    """As above."""
    ack = alert.ack
    return {
        "fingerprint": alert.fingerprint,
        "rule": alert.rule,
        "metric": alert.metric,
        "state": alert.state.value,
        "severity": alert.severity.value,
        "labels": dict(alert.labels),
        "series": dict(alert.series),
        "extra": dict(alert.extra),
        "annotations": dict(alert.annotations),
        "value": alert.value,
        "started_at": rfc3339(alert.started_at),
        "fired_at": _time(alert.fired_at),
        "ended_at": _time(alert.ended_at),
        "why": alert.why,
        "ack": ack and {"by": ack.by, "at": rfc3339(ack.at), "why": ack.why},
        "held": alert.held,
        "clear": alert.clear,
        "blind": alert.blind,
    }


def alert_from(found: Mapping[str, Any]) -> Alert:
    """What `alert_json` wrote. KeyError, TypeError, ValueError or UsageError when it is none."""
    fields, ack = Fields(found, "the alert"), found["ack"]
    return Alert(
        rule=fields.need("rule", text),
        metric=fields.get("metric", text, ""),
        series=_kept(found["series"]),
        state=fields.need("state", one_of(AlertState)),
        severity=fields.need("severity", one_of(Severity)),
        started_at=fields.need("started_at", time),
        extra=_kept(found["extra"]),
        annotations=_kept(found["annotations"]),
        value=fields.get("value", number, None),
        fired_at=fields.get("fired_at", time, None),
        ended_at=fields.get("ended_at", time, None),
        why=fields.get("why", text, ""),
        ack=ack and Ack(by=str(ack["by"]), at=time(ack["at"]), why=str(ack["why"])),
        held=fields.need("held", number),
        clear=fields.get("clear", number, None),
        blind=fields.get("blind", number, None),
    )


def _kept(found: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((str(key), str(value)) for key, value in found.items()))


def _time(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)


def silence_json(silence: Silence) -> dict[str, Any]:
    """As above."""
    weekly = silence.weekly
    return {
        "id": silence.id,
        "matches": matches_json(silence.matches),
        "start": rfc3339(silence.start),
        "end": rfc3339(silence.end),
        "by": silence.by,
        "why": silence.why,
        "weekly": weekly
        and {
            "days": [DAYS[day] for day in weekly.days],
            "begin": _clock(weekly.begin),
            "end": _clock(weekly.end or 24 * 60),
            "zone": weekly.zone,
        },
    }


def silence_from(found: object, *, strict: bool = True) -> Silence:
    """UsageError that says which field is wrong. A silence has an end, an author and a reason."""
    fields = Fields(found, "the silence", _SILENCE if strict else None)
    silence = Silence(
        id=fields.need("id", name),
        matches=fields.need("matches", _some),
        start=fields.need("start", time),
        end=fields.need("end", time),
        by=fields.need("by", sentence),
        why=fields.need("why", sentence),
        weekly=fields.get("weekly", _weekly_or_not(strict), None),
    )
    if silence.end <= silence.start:
        raise fields.error("end", "is not after its start; give a later time")
    return silence


def _some(value: Any) -> Matches:
    found = matches(value)
    if not found:
        everything = '{"severity": ["info", "warning", "critical"]}'
        raise UsageError(f"names no label; whoever means everything writes {everything}")
    return found


def _weekly_or_not(strict: bool) -> Any:
    def read(value: Any) -> Weekly | None:
        fields = Fields(value, "hours", _WEEKLY if strict else None)
        return Weekly(
            days=fields.need("days", _days),
            begin=fields.get("begin", _minutes, 0),
            end=fields.get("end", _minutes, 0) % (24 * 60),
            zone=fields.need("zone", _zone if strict else text),
        )

    return read


def _days(value: Any) -> tuple[int, ...]:
    found = list_of(_day)(value)
    if not found:
        raise UsageError(f"needs at least one of {', '.join(DAYS)}")
    return tuple(sorted(set(found)))


def _day(value: Any) -> int:
    if value not in DAYS:
        raise UsageError(f"a day is one of {', '.join(DAYS)}, not {shown(value)}")
    return DAYS.index(value)


def _minutes(value: Any) -> int:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    found = int(match[1]) * 60 + int(match[2]) if match else 24 * 60 + 1
    if found > 24 * 60:
        raise UsageError(f'is a time of day in quotes like "08:30", at most "24:00", not {shown(value)}')
    return found


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _zone(value: Any) -> str:
    try:
        ZoneInfo(text(value))
    except (ValueError, OSError, LookupError):
        known = "a time zone like Europe/Berlin or UTC"
        raise UsageError(f"is {known} (where none is known: install tzdata), not {shown(value)}") from None
    return value


def inhibition_json(inhibition: Inhibition) -> dict[str, Any]:
    """As above."""
    return {
        "name": inhibition.name,
        "source": matches_json(inhibition.source),
        "target": matches_json(inhibition.target),
        "equal": list(inhibition.equal),
    }


def inhibition_from(found: object, *, strict: bool = True) -> Inhibition:
    """UsageError that says which field is wrong."""
    fields = Fields(found, "the inhibition", _INHIBITION if strict else None)
    return Inhibition(
        name=fields.need("name", name),
        source=fields.need("source", _some),
        target=fields.need("target", _some),
        equal=fields.get("equal", list_of(label_name), ()),
    )


def route_json(route: Route) -> dict[str, Any]:
    """As above."""
    return {
        "name": route.name,
        "channels": list(route.channels),
        "matches": matches_json(route.matches),
        "group_by": list(route.group_by),
        "group_wait": route.group_wait,
        "group_interval": route.group_interval,
        "repeat_interval": route.repeat_interval or 0.0,
        "goes_on": route.goes_on,
    }


def route_from(found: object, *, strict: bool = True) -> Route:
    """UsageError that says which field is wrong."""
    fields = Fields(found, "the route", _ROUTE if strict else None)
    route = Route(
        name=fields.need("name", name),
        channels=tuple(dict.fromkeys(fields.need("channels", list_of(name)))),
        matches=fields.get("matches", matches, {}),
        group_by=fields.get("group_by", list_of(label_name), ("rule",)),
        group_wait=fields.get("group_wait", seconds, 0.0),
        group_interval=fields.get("group_interval", seconds, 60.0),
        repeat_interval=fields.get("repeat_interval", seconds, 4 * 3600.0) or None,
        goes_on=fields.get("goes_on", yes_no, False),
    )
    if not route.channels:
        raise fields.error("channels", "names no channel; name at least one, like [mail]")
    return route
