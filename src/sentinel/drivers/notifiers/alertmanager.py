"""A real Alertmanager beside us: it is told of every alert, and its silences hold here as well.

Opened by the server's wiring where the config names one. Its API is v2. The token is read from its file at
each question, so that it may be changed while we run; it is in no message.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sentinel.core import clock
from sentinel.core.clock import rfc3339
from sentinel.core.errors import UsageError
from sentinel.drivers.notifiers.exchange import Answer, exchange, trusting
from sentinel.drivers.notifiers.foreign_silence import silences_from
from sentinel.drivers.notifiers.payload import encoded
from sentinel.drivers.notifiers.verdict import check, secrets_of
from sentinel.drivers.notifiers.webhook import AGENT
from sentinel.ports.notifier import ForeignSilence, NotifyError, PostedAlert, place

AT_ONCE = 1000  # alerts in one request
LONGEST_ANSWER = 32 * 2**20
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Alertmanager:
    """`url` as in https://alertmanager.example:9093, a path may follow. UsageError when it is none."""

    def __init__(
        self,
        url: str,
        token_file: str | None = None,
        ca_file: str | None = None,
        *,
        timeout: float = 10.0,
        wall: Callable[[], float] = clock.wall,
        now: Callable[[], float] = clock.boottime,
    ) -> None:
        self._url, self._place = _usable(url), place(url)
        self._token_file, self._timeout, self._wall, self._now = token_file, timeout, wall, now
        self._tls = trusting(ca_file)

    def post(self, alerts: Sequence[PostedAlert]) -> None:
        """See the port. What has no place in Alertmanager (labels without a value or with a name of another
        kind) is left out, lest it refuse the rest."""
        for begin in range(0, len(alerts), AT_ONCE):
            self._ask("POST", "alerts", encoded([_posted(one) for one in alerts[begin : begin + AT_ONCE]]))

    def silences(self) -> Sequence[ForeignSilence]:
        """See the port."""
        answer = self._ask("GET", "silences?active=true", None)
        try:
            return silences_from(json.loads(answer.body))
        except (ValueError, RecursionError):
            raise NotifyError(
                f"{self._place} does not answer as an Alertmanager does: is that its address?", retry=True
            ) from None

    def close(self) -> None:
        """Nothing is held open."""

    def _ask(self, method: str, what: str, body: bytes | None) -> Answer:
        headers = {"User-Agent": AGENT, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        token = None
        if self._token_file is not None:
            token = _token(self._token_file)
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self._url}/api/v2/{what}"
        answer = exchange(
            method,
            url,
            headers,
            body,
            tls=self._tls,
            timeout=self._timeout,
            now=self._now,
            most=LONGEST_ANSWER if method == "GET" else 2**16,
        )
        check(answer, f"Alertmanager at {self._place}", secrets_of("", token), self._wall())
        return answer


def _posted(alert: PostedAlert) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "labels": {name: text for name, text in alert.labels.items() if text and _LABEL.fullmatch(name)},
        "annotations": {name: text for name, text in alert.annotations.items() if _LABEL.fullmatch(name)},
        "startsAt": rfc3339(alert.starts_at),
    }
    if alert.ends_at is not None:
        found["endsAt"] = rfc3339(alert.ends_at)
    if alert.url:
        found["generatorURL"] = alert.url
    return found


def _usable(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and url.isascii()
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise UsageError(f"{place(url)} is no address of Alertmanager: write https://HOST:9093")
    if parts.username is not None:
        raise UsageError("no password belongs into Alertmanager's address: name a file with a token")
    return url.rstrip("/")


def _token(path: str) -> str:
    try:
        token = Path(path).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or "unknown") if isinstance(error, OSError) else "it is not plain text"
        raise NotifyError(f"the token for Alertmanager in {path} cannot be read: {why}", retry=True) from None
    if not token or not token.isprintable():
        raise NotifyError(f"there is no token for Alertmanager in {path}: one line of text is", retry=True)
    return token
