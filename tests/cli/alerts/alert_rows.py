"""What the controller answers about alerts, for the tests of the commands."""

from typing import Any

from sentinel.core.alert import Comparison, Rule
from sentinel.core.finding import Severity
from sentinel.core.rule_json import rule_json

EVIL = "\x1b[2Jev\u202eil\n"
LOOKED = {
    "round_at": "2026-01-31T23:59:59.000Z",
    "age": 0.5,
    "seconds": 0.1,
    "series": 3,
    "history": "ok",
    "alertmanager": None,
}
RULE = Rule(
    name="gpu-hot",
    metric="gpu_temperature_celsius",
    op=Comparison.ABOVE,
    threshold=88,
    hold=120,
    severity=Severity.WARNING,
)


def an_alert(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "fingerprint": "0123456789abcdef",
        "rule": "gpu-hot",
        "metric": "gpu_temperature_celsius",
        "state": "firing",
        "severity": "warning",
        "labels": {"gpu": "0", "node": "gpu01"},
        "value": 91.0,
        "started_at": "2026-01-31T10:00:00.000Z",
        "fired_at": "2026-01-31T10:02:00.000Z",
        "ended_at": None,
        "why": "the condition has held for long enough",
        "ack": None,
        "summary": "GPU 0 of gpu01 is at 91 °C",
        "next_step": "Look at the fans",
        "muted": None,
        "told": [],
    }
    return found | changes


def a_rule(origin: str = "shipped", standing: int = 0, **changes: Any) -> dict[str, Any]:
    return {**rule_json(RULE), "origin": origin, "standing": standing} | changes


def a_preview(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "since": "2026-01-24T00:00:00.000Z",
        "until": "2026-01-31T00:00:00.000Z",
        "step": 60.0,
        "says": "in the last 7 d, looked at every 1 min: would have fired once, on 1 of 2 series",
        "times": 1,
        "series": 2,
        "brief": 0,
        "points": 20000,
        "unknown": 0,
        "fired": [
            {
                "labels": {"node": "gpu01"},
                "state": "firing",
                "began": "2026-01-30T10:00:00.000Z",
                "ended": "2026-01-30T10:05:00.000Z",
                "peak": 93.5,
            }
        ],
    }
    return found | changes


def a_silence(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": "4k2m9x0dvh",
        "matches": {"node": ["gpu01", "gpu02"], "rule": ["gpu-hot"]},
        "start": "2026-01-31T10:00:00.000Z",
        "end": "2026-01-31T12:00:00.000Z",
        "by": "ops",
        "why": "new fans",
        "weekly": None,
        "state": "active",
        "until": "2026-01-31T12:00:00.000Z",
    }
    return found | changes


def a_channel(**changes: Any) -> dict[str, Any]:
    fares = {"waiting": 0, "sent": 3, "given_up": 0, "last_sent_at": "2026-01-31T10:00:00.000Z", "error": ""}
    found: dict[str, Any] = {
        "name": "chat",
        "kind": "webhook",
        "to": "https://chat.example.org",
        "signed": True,
        "headers": [],
        "ca_file": None,
        "timeout": 10.0,
        "fares": fares,
    }
    return found | changes


def a_delivery(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": "k-chat",
        "channel": "chat",
        "state": "sent",
        "attempts": 1,
        "wait": 0.0,
        "error": "",
        "made_at": "2026-01-31T10:00:00.000Z",
        "ended_at": "2026-01-31T10:00:01.000Z",
        "reason": "news",
        "route": "default",
        "group": "g",
        "title": "[FIRING] GPU 0 of gpu01 is hot",
        "alerts": [],
    }
    return found | changes


def page(*items: Any, **more: Any) -> dict[str, Any]:
    return {"items": list(items), "next": None, **more}
