"""Opens the notifier that a channel names. Called by the wiring of whatever sends messages."""

from collections.abc import Callable
from typing import assert_never

from sentinel.core import clock
from sentinel.drivers.notifiers.alertmanager_payload import alertmanager_json
from sentinel.drivers.notifiers.apprise_service import AppriseService
from sentinel.drivers.notifiers.pagerduty import PagerDuty
from sentinel.drivers.notifiers.webhook import Webhook
from sentinel.ports.notifier import Channel, ChannelKind, Notifier


def open_notifier(channel: Channel, *, wall: Callable[[], float] = clock.wall) -> Notifier:
    """Connects to nobody yet. UsageError when an extra is missing (it names the `pip install`), `ca_file`
    cannot be read, or the address asks for what is not allowed."""
    match channel.kind:
        case ChannelKind.WEBHOOK:
            return Webhook(channel, wall=wall)
        case ChannelKind.ALERTMANAGER_WEBHOOK:
            return Webhook(channel, wall=wall, made=lambda message, _: alertmanager_json(channel, message))
        case ChannelKind.PAGERDUTY:
            return PagerDuty(channel, wall=wall)
        case ChannelKind.APPRISE:
            return AppriseService(channel, wall=wall)
    assert_never(channel.kind)
