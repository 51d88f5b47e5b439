"""What a webhook gets: the payload, and a signature by which it knows who wrote it, and when."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.drivers.notifiers.messages import ALERT, KEY, MESSAGE, RESOLVED, SENT_AT, channel
from tests.drivers.notifiers.receiver import Receiver, Told

from sentinel.drivers.notifiers.alertmanager_payload import alertmanager_json
from sentinel.drivers.notifiers.webhook import Webhook
from sentinel.ports.notifier import ChannelKind

SECRET = "a-key-for-signing"
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "notifications.md"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver.running() as made:
        yield made


@cache
def as_documented() -> Callable[..., bool]:
    """What docs/guides/notifications.md tells receivers to do."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    return found["came_from_sentinel"]


def signed_by(secret: str, told: Told, now: float) -> bool:
    return as_documented()(secret, told.headers["x-sentinel-signature"], told.body, now)


def test_the_payload(receiver: Receiver) -> None:
    Webhook(channel(ChannelKind.WEBHOOK, f"{receiver.url}/in?a=b")).send(MESSAGE, KEY)
    (told,) = receiver.told
    assert told.path == "/in?a=b"
    assert told.headers["idempotency-key"] == KEY
    assert told.headers["user-agent"].startswith("sentinel")
    assert told.headers["host"] == receiver.url.removeprefix("http://")
    assert "x-sentinel-signature" not in told.headers, "there is no secret to sign with"
    assert json.loads(told.body) == {
        "version": 1,
        "key": KEY,
        "status": "firing",
        "reminder": False,
        "severity": "warning",
        "title": MESSAGE.title,
        "body": MESSAGE.body,
        "url": MESSAGE.url,
        "sent_at": "2026-05-28T20:26:40.250Z",
        "group": MESSAGE.group,
        "route": "night",
        "group_labels": {"rule": "gpu-hot"},
        "truncated": 0,
        "alerts": [
            {
                "fingerprint": ALERT.fingerprint,
                "rule": "gpu-hot",
                "state": "firing",
                "severity": "warning",
                "labels": {"node": "gpu01", "gpu": "3"},
                "summary": ALERT.summary,
                "next_step": ALERT.next_step,
                "started_at": "2026-05-28T20:25:00.000Z",
                "ended_at": None,
                "value": 91.0,
            }
        ],
    }


def test_what_is_unknown_or_endless_is_null(receiver: Receiver) -> None:
    values = (None, float("nan"), float("inf"))
    odd = replace(MESSAGE, alerts=tuple(replace(ALERT, value=value) for value in values))
    Webhook(channel(ChannelKind.WEBHOOK, receiver.url)).send(odd, KEY)
    assert [one["value"] for one in json.loads(receiver.told[0].body)["alerts"]] == [None] * 3


def test_how_many_alerts_were_left_out_is_said(receiver: Receiver) -> None:
    Webhook(channel(ChannelKind.WEBHOOK, receiver.url)).send(replace(MESSAGE, alerts=(ALERT,) * 502), KEY)
    found = json.loads(receiver.told[0].body)
    assert (found["truncated"], len(found["alerts"])) == (2, 500)


def test_the_signature_holds_for_this_body_this_key_and_now(receiver: Receiver) -> None:
    wall = [SENT_AT + 10.7]
    made = Webhook(channel(ChannelKind.WEBHOOK, receiver.url, secret=SECRET), wall=lambda: wall[0])
    made.send(MESSAGE, KEY)
    wall[0] += 3600
    made.send(MESSAGE, KEY)
    first, again = receiver.told
    assert signed_by(SECRET, first, SENT_AT + 11)
    assert not signed_by("another", first, SENT_AT + 11)
    for header in ("", "t=1", "v1=ab", "t=x,v1=é", f"t={int(SENT_AT)}"):
        assert not as_documented()(SECRET, header, first.body, SENT_AT)
    assert not signed_by(SECRET, replace(first, body=first.body + b" "), SENT_AT + 11)
    assert not signed_by(SECRET, first, wall[0]), "an old message that somebody sends anew"
    assert signed_by(SECRET, again, wall[0]), "each attempt is signed when it is made"
    assert first.body == again.body and first.headers["idempotency-key"] == again.headers["idempotency-key"]


def test_headers_that_people_wrote_are_sent(receiver: Receiver) -> None:
    headers = {"Authorization": "Bearer abcdef", "X-Team": "vision"}
    Webhook(channel(ChannelKind.WEBHOOK, receiver.url, headers=headers)).send(MESSAGE, KEY)
    assert receiver.told[0].headers["authorization"] == "Bearer abcdef"
    assert receiver.told[0].headers["x-team"] == "vision"


def test_an_alertmanagers_payload() -> None:
    to = channel(ChannelKind.ALERTMANAGER_WEBHOOK, "https://oncall.example/hook")
    blind = replace(
        ALERT, fingerprint="f2", state="no-data", labels={"node": "gpu02", "gpu": "3"}, value=None
    )
    found: dict[str, Any] = alertmanager_json(to, replace(MESSAGE, alerts=(ALERT, blind)))
    first, second = found.pop("alerts")
    assert found == {
        "version": "4",
        "groupKey": MESSAGE.group,
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "a-alertmanager-webhook",
        "groupLabels": {"alertname": "gpu-hot"},
        "commonLabels": {"alertname": "gpu-hot", "severity": "warning", "gpu": "3"},
        "commonAnnotations": {"summary": ALERT.summary, "next_step": ALERT.next_step},
        "externalURL": MESSAGE.url,
    }
    assert first == {
        "status": "firing",
        "labels": {"alertname": "gpu-hot", "severity": "warning", "node": "gpu01", "gpu": "3"},
        "annotations": {
            "summary": ALERT.summary,
            "next_step": ALERT.next_step,
            "state": "firing",
            "value": "91",
        },
        "startsAt": "2026-05-28T20:25:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": MESSAGE.url,
        "fingerprint": ALERT.fingerprint,
    }
    assert (second["status"], second["annotations"]["state"]) == ("firing", "no-data")
    over = alertmanager_json(to, RESOLVED)
    assert (over["status"], over["alerts"][0]["status"]) == ("resolved", "resolved")
    assert over["alerts"][0]["endsAt"] == "2026-05-28T20:26:40.000Z"
