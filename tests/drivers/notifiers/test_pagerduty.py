"""PagerDuty's events: one incident a group, resolved when nothing of it stands."""

from dataclasses import replace

import pytest
from tests.drivers.notifiers.messages import ALERT, KEY, MESSAGE, RESOLVED, ROUTING_KEY, channel

from sentinel.core.errors import UsageError
from sentinel.drivers.notifiers.pagerduty import PagerDuty, event
from sentinel.drivers.notifiers.payload import encoded
from sentinel.ports.notifier import PAGERDUTY_URL, ChannelKind


def test_a_trigger() -> None:
    found = event(ROUTING_KEY, MESSAGE, KEY)
    details = found["payload"].pop("custom_details")
    assert found == {
        "routing_key": ROUTING_KEY,
        "event_action": "trigger",
        "dedup_key": MESSAGE.group,
        "client": "Sentinel",
        "client_url": MESSAGE.url,
        "payload": {
            "summary": MESSAGE.title,
            "source": "gpu01",
            "severity": "warning",
            "timestamp": "2026-05-28T20:26:40.250Z",
            "group": "night",
            "class": "gpu-hot",
        },
    }
    assert details["alerts"][0]["summary"] == ALERT.summary and details["key"] == KEY


def test_a_reminder_and_the_end_are_of_the_same_incident() -> None:
    events = [event(ROUTING_KEY, one, KEY) for one in (MESSAGE, replace(MESSAGE, reminder=True), RESOLVED)]
    assert [one["event_action"] for one in events] == ["trigger", "trigger", "resolve"]
    assert {one["dedup_key"] for one in events} == {MESSAGE.group}


def test_it_stays_within_what_pagerduty_takes() -> None:
    long = "\N{GRINNING FACE}" * 4000
    alerts = tuple(
        replace(ALERT, summary=long, next_step=long, labels={"node": f"n{n}", "x": long}) for n in range(3000)
    )
    found = event(ROUTING_KEY, replace(MESSAGE, title=long, body=long * 100, alerts=alerts, url=""), KEY)
    assert len(found["payload"]["summary"]) == 1024
    assert found["payload"]["source"] == "sentinel", "there are several nodes"
    assert "client_url" not in found
    assert len(encoded(found)) < 512_000


def test_it_needs_its_key() -> None:
    without = replace(channel(ChannelKind.PAGERDUTY, PAGERDUTY_URL), secret=None)
    with pytest.raises(UsageError, match="integration key"):
        PagerDuty(without)
