"""What an answer over HTTP means to a message: taken, not now, or never. Pure. Called by every notifier that
speaks HTTP."""

from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, unquote, urlsplit

from sentinel.drivers.notifiers.exchange import Answer
from sentinel.ports.notifier import NotifyError, place

NOT_NOW = (408, 425, 429)
LONGEST_WAIT = 86400.0
MOST_SAID = 200
_SHORTEST_SECRET = 6  # what is shorter is in many an innocent sentence
_ADVICE = {
    401: "is the token right?",
    403: "is the token right, and may it write there?",
    404: "is the address right, and still in use?",
    410: "it is no longer in use; make a new one",
    413: "the message is too long for it",
}


def check(answer: Answer, who: str, secrets: Iterable[str], wall: float) -> None:
    """NotifyError unless it was taken. `who` is the place as it may be shown; `secrets` are kept out of what
    is repeated of the answer; `wall` is now, epoch."""
    status = answer.status
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        to = f" to {place(answer.location)}" if answer.location else ""
        raise NotifyError(
            f"{who} answers HTTP {status}, a redirection{to}, which is not followed: write the address that "
            "it means",
            retry=False,
        )
    retry = final(status) is False
    parts = [f"{who} answers HTTP {status}"]
    said = _said(answer.body, secrets)
    if said:
        parts.append(said)
    if status in _ADVICE:
        parts.append(_ADVICE[status])
    raise NotifyError(
        ": ".join(parts), retry=retry, retry_after=wait(answer.retry_after, wall) if retry else None
    )


def final(status: int) -> bool:
    """Whether the same message will never be taken: the client's mistake, and not one of too early or too
    often."""
    return 400 <= status < 500 and status not in NOT_NOW


def wait(header: str | None, wall: float) -> float | None:
    """Seconds that a Retry-After names, as a number or a date; None where it names none."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at.timestamp() - wall, 0.0), LONGEST_WAIT)


def secrets_of(url: str, *more: str | None) -> tuple[str, ...]:
    """Whatever of an address may be a secret, longest first; and `more`, with each word of it."""
    parts = urlsplit(url)
    found = {url, parts.path, parts.query, *parts.path.split("/")}
    found |= {value for _, value in parse_qsl(parts.query)}
    found |= {unquote(one) for one in found}
    for text in more:
        found |= {text or "", *(text or "").split()}
    return tuple(sorted((one for one in found if len(one) >= _SHORTEST_SECRET), key=len, reverse=True))


def _said(body: bytes, secrets: Iterable[str]) -> str:
    text = " ".join(body[:4096].decode("utf-8", "replace").split())
    if "<" in text[:20]:  # a page for browsers says nothing here
        return ""
    for secret in secrets:
        text = text.replace(secret, "…")
    plain = "".join(one if one.isprintable() else " " for one in text)
    return plain if len(plain) <= MOST_SAID else f"{plain[: MOST_SAID - 1]}…"
