"""Messages as signed JSON, posted to an address that people name. Opened by `opening`.

With a secret each carries X-Sentinel-Signature: t=EPOCH,v1=HEX, HEX being the HMAC-SHA256 of "EPOCH.BODY"
with that secret as its key. Whoever checks both the signature and that EPOCH is not long ago cannot be told
anything by others, nor an old message anew; Idempotency-Key tells a message that comes twice.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from sentinel.core import clock
from sentinel.drivers.notifiers.exchange import exchange, trusting
from sentinel.drivers.notifiers.payload import encoded, message_json
from sentinel.drivers.notifiers.verdict import check, secrets_of
from sentinel.ports.notifier import Channel, Message, place

AGENT = "sentinel-gpu"
SIGNATURE = "X-Sentinel-Signature"


class Webhook:
    """UsageError when the channel's `ca_file` cannot be used. `made` turns a message into JSON."""

    def __init__(
        self,
        channel: Channel,
        *,
        made: Callable[[Message, str], Mapping[str, Any]] = message_json,
        wall: Callable[[], float] = clock.wall,
        now: Callable[[], float] = clock.boottime,
    ) -> None:
        self._channel, self._made, self._wall, self._now = channel, made, wall, now
        self._tls = trusting(channel.ca_file)
        self._secrets = secrets_of(channel.url, channel.secret, *channel.headers.values())

    def send(self, message: Message, key: str) -> None:
        """See the port."""
        channel, body = self._channel, encoded(self._made(message, key))
        headers = {
            **channel.headers,
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "Idempotency-Key": key,
        }
        if channel.secret is not None:
            headers[SIGNATURE] = signature(channel.secret, int(self._wall()), body)
        answer = exchange(
            "POST", channel.url, headers, body, tls=self._tls, timeout=channel.timeout, now=self._now
        )
        check(answer, place(channel.url), self._secrets, self._wall())

    def close(self) -> None:
        """Nothing is held open."""


def signature(secret: str, at: int, body: bytes) -> str:
    """The header's value."""
    digest = hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
