"""An alert as people see it: with its words, why it is not told, and who was told. Used by routes.alerts and
routes.deliveries.

    alert     as in core.alert_json, and {"summary", "next_step": TEXT | null,
               "muted": {"how": "silenced" | "inhibited", "by", "why", "until": TIME | null} | null,
               "told": [{"channel", "state": "waiting" | "sent" | "given-up" | null, "at": TIME | null,
               "error"}…]}
    delivery  {"key", "channel", "state", "attempts": N, "wait": SECONDS, "error", "made_at": TIME,
               "ended_at": TIME | null, "reason", "route", "group", "title",
               "alerts": [{"fingerprint", "rule", "state"}…]}
    watch     {"round_at": TIME, "age": SECONDS, "seconds", "series", "history", "alertmanager"}

`told` null in state and time: longer ago than deliveries are kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sentinel.alerting import wording
from sentinel.alerting.notice import Notice
from sentinel.alerting.notice_json import DELIVERY, GROUP, notice_from
from sentinel.alerting.quiet import Muted, Quiet
from sentinel.api.alert_documents import Found, alerts, elsewhere, fares, inhibitions, kept, silences
from sentinel.api.answers import time_json
from sentinel.core.alert import RANK, Alert, AlertState
from sentinel.core.alert_fields import LATEST
from sentinel.core.alert_json import alert_json
from sentinel.core.clock import rfc3339
from sentinel.core.timestamp import epoch
from sentinel.ports.store import Reader

RESOLVED_SHOWN = 86400.0
JOB = "job"  # the route of what jobs' owners are told


class Views:
    """All alerts of one view of the store, each to be shown as it is at `now`."""

    def __init__(self, reader: Reader, now: float) -> None:
        self.alerts = [one for one in alerts(reader) if _is_shown(one, now)]
        self._quiet = Quiet(silences(reader), inhibitions(reader), self.alerts, now)
        self._elsewhere = elsewhere(reader)
        self._told = _told(kept(reader, GROUP), kept(reader, DELIVERY))

    def json(self, alert: Alert) -> dict[str, Any]:
        """As in this module's docstring."""
        muted = self._muted(alert) if alert.state.stands else None
        return {
            **alert_json(alert),
            "summary": wording.summary(alert),
            "next_step": wording.next_step(alert),
            "muted": muted and _muted(muted),
            "told": list(self._told.get(alert.fingerprint, {}).values()),
        }

    def _muted(self, alert: Alert) -> Muted | None:
        """By a silence of ours, or by one of a foreign Alertmanager."""
        return self._quiet.muted(alert) or self._elsewhere.get(alert.fingerprint)


def place(alert: Alert) -> str:
    """Where it is in a list, as a text: what stands first, the worst first, then who came first."""
    over = 2 if alert.state is AlertState.RESOLVED else int(not alert.state.stands)
    return f"{over}{9 - RANK[alert.severity]} {rfc3339(alert.started_at)} {alert.fingerprint}"


def _is_shown(alert: Alert, now: float) -> bool:
    return alert.ended_at is None or alert.state.stands or alert.ended_at > now - RESOLVED_SHOWN


def _muted(muted: Muted) -> dict[str, Any]:
    return {"how": muted.how.value, "by": muted.by, "why": muted.why, "until": time_json(muted.until)}


def _told(groups: Iterable[Found], deliveries: Iterable[Found]) -> Mapping[str, Mapping[str, Any]]:
    """By fingerprint and channel: the newest that was told."""
    found: dict[str, dict[str, Any]] = {}
    for group in groups:
        for alert in group["told"]:
            of = found.setdefault(alert["fingerprint"], {})
            for channel in group["channels"]:
                of[channel] = {"channel": channel, "state": None, "at": None, "error": ""}
    for delivery in sorted(deliveries, key=_made_at):
        channel = delivery["channel"]
        told = {
            "channel": channel,
            "state": delivery["state"],
            "at": delivery["ended_at"],
            "error": delivery["error"],
        }
        for fingerprint in delivery["notice"]["fresh"]:
            found.setdefault(fingerprint, {})[channel] = told
    return found


def _made_at(delivery: Found) -> tuple[str, int]:
    return delivery["notice"]["made_at"], delivery["notice"]["sequence"]


# ------------------------------------------------------------------ what is sent


def deliveries(reader: Reader, states: Sequence[str], channel: str | None) -> list[Found]:
    """Newest first."""
    wanted = [
        one
        for one in kept(reader, DELIVERY)
        if (not states or one["state"] in states) and channel in (None, one["channel"])
    ]
    return sorted(wanted, key=delivery_place)


def delivery_place(delivery: Found) -> str:
    """Where it is in a list, as a text that is the smaller the newer it is."""
    return f"{LATEST - (epoch(_made_at(delivery)[0]) or 0.0):015.3f} {delivery['key']}"


def delivery_view(delivery: Found) -> dict[str, Any]:
    """As in this module's docstring."""
    notice = delivery["notice"]
    fresh = set(notice["fresh"])
    return {
        **{name: delivery[name] for name in ("key", "channel", "state", "attempts", "wait", "error")},
        "made_at": notice["made_at"],
        "ended_at": delivery["ended_at"],
        "reason": notice["reason"],
        "route": notice["route"],
        "group": notice["group"],
        "title": _title(notice_from(notice)),
        "alerts": [
            {name: one[name] for name in ("fingerprint", "rule", "state")}
            for one in notice["alerts"]
            if one["fingerprint"] in fresh
        ],
    }


def _title(notice: Notice) -> str:
    """What it says in a line. The end of a job is no alert that is over."""
    if notice.route == JOB and notice.alerts:
        return wording.summary(notice.alerts[0])
    return wording.title(notice) if notice.about else ""


def channel_fares(all_deliveries: Iterable[Found], channel: str) -> dict[str, Any]:
    """How the sending to it goes: {"waiting": N, "sent": N, "given_up": N, "last_sent_at": TIME | null,
    "error"}; `error` is that of its newest delivery, empty when all is well."""
    own = sorted((one for one in all_deliveries if one["channel"] == channel), key=_made_at)
    counts = {state: sum(one["state"] == state for one in own) for state in ("waiting", "sent", "given-up")}
    ends = [one["ended_at"] for one in own if one["state"] == "sent" and one["ended_at"]]
    errors = [one["error"] for one in own if one["state"] != "sent" and one["error"]]
    return {
        "waiting": counts["waiting"],
        "sent": counts["sent"],
        "given_up": counts["given-up"],
        "last_sent_at": max(ends, default=None),
        "error": "" if not own or own[-1]["state"] == "sent" or not errors else errors[-1],
    }


# ------------------------------------------------------------------ whether anybody looks


def watch_json(reader: Reader, now: float) -> dict[str, Any] | None:
    """How the watch fared when it last looked; null: it never did."""
    found = fares(reader)
    if found is None:
        return None
    at = float(found["round_at"])
    return {**found, "round_at": rfc3339(at), "age": round(max(0.0, now - at), 1)}
