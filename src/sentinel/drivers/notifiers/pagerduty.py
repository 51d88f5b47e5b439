"""PagerDuty, by its Events API v2. Opened by `opening`.

An incident is one group of alerts: each message of the group has its id as `dedup_key`, so a reminder adds to
the incident, and the message that nothing stands any more resolves it. (Apprise's own PagerDuty has no such
key for a group.) The address may be that of the service region: https://events.eu.pagerduty.com/v2/enqueue.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sentinel.core import clock
from sentinel.core.clock import rfc3339
from sentinel.core.errors import UsageError
from sentinel.drivers.notifiers.exchange import exchange, trusting
from sentinel.drivers.notifiers.payload import encoded, finite
from sentinel.drivers.notifiers.verdict import check, secrets_of
from sentinel.drivers.notifiers.webhook import AGENT
from sentinel.ports.notifier import Channel, Message, MessageAlert, place

MOST_SUMMARY, MOST_KEY = 1024, 255  # characters, as PagerDuty has it
# Of an event it takes 512 kB; a character may be four bytes.
MOST_BODY, MOST_DETAIL, MOST_ALERTS = 32 * 2**10, 300, 100


class PagerDuty:
    """UsageError when the channel has no integration key, or its `ca_file` cannot be used."""

    def __init__(
        self,
        channel: Channel,
        *,
        wall: Callable[[], float] = clock.wall,
        now: Callable[[], float] = clock.boottime,
    ) -> None:
        if channel.secret is None:
            raise UsageError(f"channel {channel.name}: secret: is missing: PagerDuty's integration key")
        self._channel, self._routing_key, self._wall, self._now = channel, channel.secret, wall, now
        self._tls = trusting(channel.ca_file)
        self._secrets = secrets_of(channel.url, channel.secret, *channel.headers.values())

    def send(self, message: Message, key: str) -> None:
        """See the port. PagerDuty takes no key: a trigger that comes twice is one incident all the same."""
        channel = self._channel
        headers = {**channel.headers, "Content-Type": "application/json", "User-Agent": AGENT}
        answer = exchange(
            "POST",
            channel.url,
            headers,
            encoded(event(self._routing_key, message, key)),
            tls=self._tls,
            timeout=channel.timeout,
            now=self._now,
        )
        check(answer, place(channel.url), self._secrets, self._wall())

    def close(self) -> None:
        """Nothing is held open."""


def event(routing_key: str, message: Message, key: str) -> Mapping[str, Any]:
    """A v2 event."""
    found: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if message.resolved else "trigger",
        "dedup_key": message.group[:MOST_KEY],
        "client": "Sentinel",
        "payload": {
            "summary": message.title[:MOST_SUMMARY] or "Sentinel",
            "source": _source(message),
            "severity": message.severity,
            "timestamp": rfc3339(message.sent_at),
            "group": message.route,
            "class": ", ".join(sorted({alert.rule for alert in message.alerts}))[:MOST_SUMMARY],
            "custom_details": {
                "key": key,
                "body": message.body[:MOST_BODY],
                "group_labels": {name: value[:MOST_DETAIL] for name, value in message.group_labels.items()},
                "alerts": [_detail(alert) for alert in message.alerts[:MOST_ALERTS]],
            },
        },
    }
    if message.url:
        found["client_url"] = message.url
    return found


def _source(message: Message) -> str:
    """The node, where it is one."""
    nodes = {alert.labels.get("node", "") for alert in message.alerts} - {""}
    return nodes.pop() if len(nodes) == 1 else "sentinel"


def _detail(alert: MessageAlert) -> dict[str, Any]:
    """In brief."""
    return {
        "rule": alert.rule,
        "state": alert.state,
        "severity": alert.severity,
        "summary": alert.summary[:MOST_DETAIL],
        "next_step": alert.next_step and alert.next_step[:MOST_DETAIL],
        "value": finite(alert.value),
        "fingerprint": alert.fingerprint,
    }
