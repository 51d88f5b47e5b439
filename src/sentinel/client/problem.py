"""How the controller says no: problem+json (RFC 9457) becomes ApiError. Called by `client.connection`.

{"type": "about:blank" or a word like "gpu-taken", "title", "status", "detail", "hint"}
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from sentinel.core.errors import ApiError

_LONGEST = 2000


def error_from(status: int, headers: Mapping[str, str], body: bytes, method: str, path: str) -> ApiError:
    """The error that this answer is; one that is no problem of ours says that, too."""
    found = _object(headers, body)
    if found is None:
        asked = f"{method} {path.partition('?')[0]}"
        hint = "is SENTINEL_URL the address of a controller?" if status in (404, 405) else "see its log"
        if status in (429, 503):
            hint = "try again in a moment"
        return ApiError(f"the controller answered {status} to {asked}", status=status, hint=hint)
    kind, title = _text(found, "type"), _text(found, "title")
    message = _text(found, "detail") or title or f"the controller answered {status}"
    return ApiError(
        message, status=status, kind="" if kind == "about:blank" else kind, hint=_text(found, "hint")
    )


def _object(headers: Mapping[str, str], body: bytes) -> Mapping[str, Any] | None:
    if "json" not in headers.get("content-type", ""):
        return None
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else None


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    return value[:_LONGEST] if isinstance(value, str) else ""
