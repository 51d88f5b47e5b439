"""What the placeholder tells the clients of a paused service. Pure. Called by placeholder_server.

Those clients may be anywhere on the network, so they get less than local users: who has the GPU and since
when, no command lines, no reasons for failures. What users wrote is capped and rid of control characters.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SOON_SECONDS = 5
"""Retry-After while the service is on its way back."""
UNKNOWN_SECONDS = 30
"""Retry-After while nobody knows when it will be."""
MOST_SECONDS = 60
"""The longest Retry-After: OpenAI's clients do not believe a longer one and come back at once."""
_LONGEST = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`retry_after` in seconds."""

    message: str
    retry_after: int


def notice(service: str, status: dict[str, Any] | None, now: float) -> Notice:
    """Why `service` does not answer, from the arbiter's status object (None: it cannot be asked)."""
    mine = next((s for s in (status or {}).get("services", []) if s["name"] == service), None)
    if status is None or mine is None:
        return _worded(f"{service} is paused; why cannot be found out just now", UNKNOWN_SECONDS)
    reasons = list(dict.fromkeys(_reasons(status, mine)))
    if reasons:
        more = f" (and {len(reasons) - 2} more)" if len(reasons) > 2 else ""
        return _worded(f"{service} is paused: {', '.join(reasons[:2])}{more}", _wait(status, mine, now))
    match mine["state"]:
        case "failed":
            return _worded(f"{service} did not start again yet; that is tried again", UNKNOWN_SECONDS)
        case "stopped":
            return _worded(f"{service} is stopped", UNKNOWN_SECONDS)
        case _:
            return _worded(f"{service} was paused for GPU research and is coming back", SOON_SECONDS)


def body(api: str, path: str, given: Notice) -> bytes:
    """`given` as the API's clients read errors. Ollama speaks OpenAI's and Anthropic's formats, too."""
    if api == "ollama" and not path.startswith("/v1/"):
        return json.dumps({"error": given.message}).encode()
    error = {"message": given.message, "type": "service_unavailable", "param": None, "code": "gpu_in_use"}
    kind = {"type": "error"} if path.startswith("/v1/messages") else {}
    return json.dumps({**kind, "error": error}).encode()


def _worded(why: str, seconds: int) -> Notice:
    text = f"{why[:_LONGEST]}. Please try again in {seconds} s."
    return Notice(message=text[:1].upper() + text[1:], retry_after=seconds)


def _reasons(status: dict[str, Any], mine: dict[str, Any]) -> Iterator[str]:
    """Who has the service's GPUs, the one that holds everything first."""
    if hold := status["hold"]:
        why = f" ({_plain(hold['reason'], 200)})" if hold["reason"] else ""
        yield f"{_plain(hold['by'])} paused inference{_since(hold)}{why}"
    for lease in _leases(status, mine):
        until = _until(lease)
        ends = f" until {until:%Y-%m-%d %H:%M} UTC at the latest" if until else ""
        yield f"{_plain(lease['user'])} has {_gpus(lease['gpu_indices'])}{_since(lease)}{ends}"
    for process in status["watchdog"]["foreign"]:
        if process["gpu_index"] in mine["gpu_indices"]:
            yield f"{_plain(process['user'])} uses {_gpus([process['gpu_index']])}{_since(process)}"
    for request in status["queue"]:
        if request["preparing"]:
            yield f"GPU memory is being freed for {_plain(request['user'])}"


def _leases(status: dict[str, Any], mine: dict[str, Any]) -> list[dict[str, Any]]:
    return [lease for lease in status["leases"] if set(lease["gpus"]) & set(mine["gpus"])]


def _wait(status: dict[str, Any], mine: dict[str, Any], now: float) -> int:
    """Until the last lease must end, where all of them must and it is near."""
    ends = [_until(lease) for lease in _leases(status, mine)]
    known = [end.timestamp() - now for end in ends if end]
    if not known or len(known) < len(ends) or status["hold"] or status["watchdog"]["foreign"]:
        return UNKNOWN_SECONDS
    return max(1, min(MOST_SECONDS, math.ceil(max(known))))


def _until(lease: dict[str, Any]) -> datetime | None:
    return _time(lease.get("expires_at"))


def _since(entry: dict[str, Any]) -> str:
    since = _time(entry.get("since"))
    return f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _gpus(indices: list[int]) -> str:
    return "GPU " + ", ".join(map(str, indices[:8])) if indices else "the GPU"


def _plain(text: str, most: int = 64) -> str:
    """At most `most` characters on one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"
