"""What we need of whatever tells people about alerts, and of a foreign Alertmanager.

Drivers: webhook, alertmanager-webhook, pagerduty, apprise (sentinel.drivers.notifiers). One suite,
tests/contracts/test_notifier.py, runs against all of them. Called by whoever empties the outbox, and by the
API, which reads the channels that people write. A channel as an object:

    {"name", "kind": "webhook" | "alertmanager-webhook" | "pagerduty" | "apprise", "url": TEXT, "secret": TEXT
     | null, "headers": {NAME: TEXT}, "ca_file": PATH | null, "timeout": SECONDS}

`url`, `secret` and `headers` are secrets: whoever has them can write in somebody's name. `channel_json` is
for the store alone; everybody else gets `shown`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

from sentinel.core import alert_fields as fields
from sentinel.core.errors import SentinelError, UsageError

SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 1.0, 60.0
MOST_HEADERS = 20
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
_KNOWN = ("name", "kind", "url", "secret", "headers", "ca_file", "timeout")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = {
    *("host", "content-length", "content-type", "transfer-encoding", "connection", "expect", "user-agent"),
    *("idempotency-key", "x-sentinel-signature"),
}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAlert:
    """One alert of a message. `state` is "firing", "no-data" or "resolved"; times are epoch seconds; `value`
    is None where it is unknown."""

    fingerprint: str
    rule: str
    state: str
    severity: str
    labels: Mapping[str, str]
    summary: str
    next_step: str | None
    started_at: float
    ended_at: float | None
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one channel is told of one group. `title` is one line, `body` plain text: data in every format.

    `severity` is "info", "warning" or "critical"; `resolved`: nothing of the group stands any more. `url` is
    where people look further, "" for nowhere. `sent_at` is epoch seconds, the same at each attempt.
    """

    title: str
    body: str
    severity: str
    resolved: bool
    url: str
    sent_at: float
    group: str
    route: str
    group_labels: Mapping[str, str]
    alerts: tuple[MessageAlert, ...]
    reminder: bool = False


class NotifyError(SentinelError):
    """The channel did not take it. There is no secret in its message.

    `retry`: the same may be taken later. `retry_after`: not before so many seconds; None: nobody said.
    """

    def __init__(self, message: str, *, retry: bool, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry, self.retry_after = retry, retry_after


class Notifier(Protocol):
    """A channel, opened. `send` may be called from any thread, one at a time."""

    def send(self, message: Message, key: str) -> None:
        """Returns once the channel took it; blocks up to its channel's timeout. Whoever sends twice under the
        same `key` means the same message; receivers that know of keys get it. NotifyError."""
        ...

    def close(self) -> None: ...


class ChannelKind(StrEnum):
    """How a channel is spoken to."""

    WEBHOOK = "webhook"
    ALERTMANAGER_WEBHOOK = "alertmanager-webhook"
    PAGERDUTY = "pagerduty"
    APPRISE = "apprise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where messages go. `secret`: of a webhook, the key that each message is signed with; of PagerDuty, the
    integration key. `ca_file`: PEM, the authorities that its server is checked against in place of the
    system's. `timeout`: seconds for one message."""

    name: str
    kind: ChannelKind
    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    ca_file: str | None = None
    timeout: float = 10.0


def channel_from(raw: object, strict: bool = True) -> Channel:
    """The object above. UsageError that says which field is wrong, and repeats no secret. `strict` is for
    what people write: an unknown field is refused; in what was kept it is passed over."""
    found = fields.Fields(raw, "the channel", _KNOWN if strict else None)
    kind = found.need("kind", fields.one_of(ChannelKind))
    default = PAGERDUTY_URL if kind is ChannelKind.PAGERDUTY else None
    read = _apprise_url if kind is ChannelKind.APPRISE else _http_url
    channel = Channel(
        name=found.need("name", fields.name),
        kind=kind,
        url=found.get("url", read, default) or found.need("url", read),
        secret=found.get("secret", _secret, None),
        headers=found.get("headers", _headers, {}),
        ca_file=found.get("ca_file", _path, None),
        timeout=found.get("timeout", _timeout, 10.0),
    )
    if kind is ChannelKind.PAGERDUTY and channel.secret is None:
        raise found.error("secret", "is missing: the integration key of the service in PagerDuty")
    if kind is ChannelKind.APPRISE and (channel.secret is not None or channel.headers):
        one = "headers" if channel.secret is None else "secret"
        raise found.error(one, "is for webhooks; Apprise has all in its URL")
    return channel


def channel_json(channel: Channel) -> dict[str, Any]:
    """What `channel_from` reads. With the secrets: for the store alone."""
    return {
        "name": channel.name,
        "kind": channel.kind.value,
        "url": channel.url,
        "secret": channel.secret,
        "headers": dict(channel.headers),
        "ca_file": channel.ca_file,
        "timeout": channel.timeout,
    }


def shown(channel: Channel) -> dict[str, Any]:
    """For people: {"name", "kind", "to": "https://HOST" or "slack", "signed": BOOL, "headers": [NAME…],
    "ca_file", "timeout"}. Without any secret; of Apprise's addresses only the service, as the rest may be a
    token."""
    return {
        "name": channel.name,
        "kind": channel.kind.value,
        "to": place(channel.url),
        "signed": channel.kind is ChannelKind.WEBHOOK and channel.secret is not None,
        "headers": sorted(channel.headers),
        "ca_file": channel.ca_file,
        "timeout": channel.timeout,
    }


def place(url: str) -> str:
    """What of `url` may be shown: scheme and host of a web address, else the scheme."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "an address"
    if parts.scheme not in ("http", "https") or not host:
        return parts.scheme or "an address"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedAlert:
    """An alert for a foreign Alertmanager. Its `labels` are its identity there; with `alertname`.

    `ends_at` None: it stands, until nobody has posted it again for Alertmanager's `resolve_timeout` (5 min,
    unless changed). Epoch seconds.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None = None
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignMatcher:
    """One condition of a foreign silence. `means`: whether the label's value is what `value` describes;
    `equal` False turns it around."""

    label: str
    value: str
    regex: bool
    equal: bool
    means: Callable[[str], bool] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSilence:
    """A silence in a foreign Alertmanager that is in force. Epoch seconds. `unread`: why nobody here can tell
    what it covers; then it covers nothing, as telling too much is the safe side."""

    id: str
    matchers: tuple[ForeignMatcher, ...]
    start: float
    end: float
    by: str
    why: str
    unread: str | None = None

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels (as it was posted) is silenced. A label that is not there is the
        empty text, as Alertmanager has it."""
        if self.unread is not None or not self.matchers:
            return False
        return all(one.means(labels.get(one.label, "")) is one.equal for one in self.matchers)


class AlertFeed(Protocol):
    """A foreign Alertmanager. Driver: drivers.notifiers.alertmanager. Each call blocks up to its timeout."""

    def post(self, alerts: Sequence[PostedAlert]) -> None:
        """Idempotent. NotifyError."""
        ...

    def silences(self) -> Sequence[ForeignSilence]:
        """Those in force. NotifyError."""
        ...

    def close(self) -> None: ...


def _http_url(value: Any) -> str:
    wrong = "is no web address that can be used; write https://HOST/PATH"
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError(wrong)
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable or len(value) > fields.MOST_TEXT:
        raise UsageError(wrong)
    if parts.username is not None:
        raise UsageError("holds a password; write it as the header Authorization in place of that")
    if parts.fragment:
        raise UsageError("ends in a #fragment, which is never sent; leave it out")
    return value


def _apprise_url(value: Any) -> str:
    wrong = "is no address of Apprise; write SERVICE://… as Apprise describes it, one alone"
    if not isinstance(value, str) or not value.isprintable() or len(value) > fields.MOST_TEXT:
        raise UsageError(wrong)
    scheme, mark, rest = value.strip().partition("://")
    if not mark or not rest or not _SCHEME.fullmatch(scheme):
        raise UsageError(wrong)
    return value.strip()


def _secret(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 8 <= len(value) <= 1024:
        raise UsageError("is text of 8 to 1024 characters")
    return value


def _headers(value: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or len(value) > MOST_HEADERS:  # pyright: ignore[reportUnknownArgumentType]
        raise UsageError(f"is an object of at most {MOST_HEADERS} names and texts like {{Authorization: …}}")
    found: dict[str, str] = {}
    for name, text in value.items():  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(name, str) or not _HEADER.fullmatch(name):
            raise UsageError("has a name that is none of a header; letters, digits and - make one")
        if name.lower() in _OURS:
            raise UsageError(f"{name} is set by Sentinel; leave it out")
        if not isinstance(text, str) or not text.isascii() or not text.isprintable() or len(text) > 4096:
            raise UsageError(f"{name} is one line of plain ASCII text")
        found[name] = text
    return found


def _path(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        raise UsageError("is the absolute path of a PEM file on the controller")
    return value


def _timeout(value: Any) -> float:
    found = fields.seconds(value)
    if not SHORTEST_TIMEOUT <= found <= LONGEST_TIMEOUT:
        raise UsageError(f"is {SHORTEST_TIMEOUT:g} to {LONGEST_TIMEOUT:g} seconds, not {fields.shown(value)}")
    return found
