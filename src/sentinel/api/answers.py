"""How answers are built: JSON bytes, pages and ETags; and the JSON of nouns that only the API shows.

    event     {"id": N, "time": TIME, "type", "source", "subject", "owner", "tenant", "data"}
    lease     {"job", "attempt", "node": NAME, "gpus": [UUID…], "owner", "tenant", "taken_at": TIME}
    token     {"id", "kind", "owner", "label", "created_at": TIME, "expires_at", "revoked_at",
               "last_used_at": TIME | null}
    user      {"name", "role", "group": NAME | null, "tenant", "created_at": TIME, "disabled": BOOL,
               "has_password": BOOL}
    workload  what the node's agent tells (core.workload_json), and "node": NAME, "tenant"

Handlers build bytes themselves instead of having the framework check its own answers: that costs more than
the rest of a submit.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from sentinel.core.clock import rfc3339
from sentinel.core.identity import Token, User
from sentinel.core.job_lease import JobLease
from sentinel.ports.store import NodeWorkload, StoredEvent

T = TypeVar("T")
JSON = "application/json"
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def as_json(found: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_encode(found).encode("utf-8", "replace"), status, headers, JSON)


def page(items: Sequence[Any], following: str | None) -> dict[str, Any]:
    return {"items": items, "next": following}


def polled(request: Request, found: Any, tag: str | None = None) -> Response:
    """`found`, or 304 when the asker has it. `tag` None: the answer itself says whether it changed."""
    body = _encode(found).encode("utf-8", "replace")
    etag = tag or tag_of(body)
    if same(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return Response(body, 200, {"ETag": etag}, JSON)


def tag_of(*parts: object) -> str:
    """An ETag for what these determine."""
    digest = blake2b(digest_size=12)
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode("utf-8", "replace"))
        digest.update(b"\0")
    return f'"{digest.hexdigest()}"'


def same(request: Request, etag: str) -> bool:
    """Whether `If-None-Match` names it."""
    asked = request.headers.get("if-none-match")
    if asked is None:
        return False
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in asked.split(","))


# ------------------------------------------------------------------ pages of what the store gives whole


def cut(
    items: Sequence[T], key: Callable[[T], str], limit: int, after: str | None
) -> tuple[list[T], str | None]:
    """A page of `items`, which are in the order of `key`; and the cursor of the next one: the last key."""
    rest = items if after is None else [item for item in items if key(item) > after]
    shown = list(rest[:limit])
    return shown, key(shown[-1]) if len(rest) > limit else None


# ------------------------------------------------------------------ nouns


def event_json(event: StoredEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "time": rfc3339(event.time),
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "owner": event.owner,
        "tenant": event.tenant,
        "data": dict(event.data),
    }


def lease_json(lease: JobLease, node: str) -> dict[str, Any]:
    """Without its token, which fences the attempt."""
    return {
        "job": lease.job,
        "attempt": lease.attempt,
        "node": node,
        "gpus": list(lease.gpus),
        "owner": lease.owner,
        "tenant": lease.tenant,
        "taken_at": rfc3339(lease.taken_at),
    }


def token_json(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "kind": token.kind.value,
        "owner": token.owner,
        "label": token.label,
        "created_at": rfc3339(token.created_at),
        "expires_at": time_json(token.expires_at),
        "revoked_at": time_json(token.revoked_at),
        "last_used_at": time_json(token.last_used_at),
    }


def user_json(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "role": user.role.value,
        "group": user.group,
        "tenant": user.tenant,
        "created_at": rfc3339(user.created_at),
        "disabled": user.disabled,
        "has_password": user.password_hash is not None,
    }


def workload_json(workload: NodeWorkload, node: str) -> dict[str, Any]:
    return {**workload.data, "node": node, "tenant": workload.tenant}


def time_json(epoch: float | None) -> str | None:
    return None if epoch is None else rfc3339(epoch)
