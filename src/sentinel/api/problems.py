"""Every "no" of the API as application/problem+json. Routes raise `Problem`; `make_app` installs `HANDLERS`.

    {"type": "about:blank" or a word, "title", "status", "detail", "hint", "errors"?: [{"field", "message"}…]}

Nothing that was sent is repeated in an answer but the names of fields: a value may be a secret.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.websockets import WebSocket, WebSocketState

from sentinel.core.errors import (
    ApiError,
    ProtocolError,
    SentinelError,
    StoreConflict,
    StoreUnavailable,
    UsageError,
)
from sentinel.ports.history import HistoryUnavailable
from sentinel.scheduling.desk import (
    AlreadyEnded,
    KeyReused,
    NeverBegins,
    NodeIsUp,
    NoSuchJob,
    NoSuchNode,
    OverQuota,
)

MEDIA = "application/problem+json"
MOST_ERRORS = 20  # how many wrong fields an answer names
LONGEST_NAME = 100  # how much of a field's name is repeated


class Problem(Exception):
    """A refusal. `kind` is a word that programs may decide by; `hint` what to do next."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "about:blank",
        hint: str = "",
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind, self.hint = status, detail, kind, hint
        self.headers, self.errors = headers, errors


def problem_json(problem: Problem) -> dict[str, Any]:
    """As in this module's docstring."""
    found: dict[str, Any] = {
        "type": problem.kind,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "hint": problem.hint,
    }
    if problem.errors:
        found["errors"] = list(problem.errors)
    return found


def problem_response(problem: Problem) -> Response:
    return Response(
        json.dumps(problem_json(problem)).encode(),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA,
    )


def not_found(noun: str, name: str, hint: str = "") -> Problem:
    """Nothing of that name that the asker may see."""
    return Problem(404, f"there is no {noun} {name[:LONGEST_NAME]!r}", kind=f"no-such-{noun}", hint=hint)


def invalid(field: str, message: str, hint: str = "") -> Problem:
    """A field that is well-formed and still cannot be."""
    errors = [{"field": field, "message": message}]
    return Problem(422, f"{field}: {message}", kind="invalid", hint=hint, errors=errors)


# ------------------------------------------------------------------ what is raised elsewhere


def of_error(error: SentinelError) -> Problem:
    """What a refusal of our own is in HTTP."""
    match error:
        case NoSuchJob():
            return Problem(404, error.message, kind="no-such-job")
        case NoSuchNode():
            return Problem(404, error.message, kind="no-such-node")
        case NodeIsUp():
            return Problem(409, error.message, kind="node-up")
        case AlreadyEnded():
            return Problem(409, error.message, kind="already-ended")
        case NeverBegins():
            return Problem(409, error.message, kind="never-begins")
        case OverQuota():
            return Problem(409, error.message, kind="over-quota", hint="operators can set a greater quota")
        case KeyReused():
            return Problem(
                409, error.message, kind="key-reused", hint="take a new Idempotency-Key for another request"
            )
        case StoreConflict():
            return Problem(409, error.message, kind="conflict", hint="look at what is there, then ask again")
        case StoreUnavailable():
            return Problem(
                503,
                error.message,
                kind="store-unavailable",
                hint="nothing was kept; ask again in a moment",
                headers={"Retry-After": "1"},
            )
        case HistoryUnavailable():
            return Problem(
                503,
                error.message,
                kind="history-unavailable",
                hint="the queue works without it; ask again in a moment",
                headers={"Retry-After": "5"},
            )
        case ApiError():
            return Problem(error.status or 500, error.message, kind=error.kind or "about:blank")
        case ProtocolError():
            return Problem(422, error.message, kind="invalid")
        case UsageError():
            return Problem(422, error.message, kind="invalid")
        case _:
            return Problem(500, error.message, kind="failed", hint="the controller's log may say more")


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """What was wrong with which field."""
    wrong: list[dict[str, str]] = []
    for one in errors[:MOST_ERRORS]:
        loc = cast("Sequence[str | int]", one.get("loc", ()))
        if one.get("type") == "json_invalid":
            wrong.append({"field": "body", "message": "this is no JSON"})
            continue
        wrong.append({"field": _field(loc), "message": _message(one)})
    said = "; ".join(f"{one['field']}: {one['message']}" for one in wrong[:3])
    return Problem(
        422, said, kind="invalid", hint="/docs lists the fields of each call and their limits", errors=wrong
    )


def _field(loc: Sequence[str | int]) -> str:
    parts = [str(part) for part in loc]
    if len(parts) > 1:
        parts = parts[1:]  # without "body", "query", "path"
    name = ".".join(part for part in parts if part != "[key]")
    name = name.encode("utf-8", "backslashreplace").decode()
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"


def _message(error: Mapping[str, Any]) -> str:
    match error.get("type"):
        case "extra_forbidden":
            return "there is no such field"
        case "missing":
            return "this is needed"
        case "string_pattern_mismatch":
            return "it has characters that cannot be in it"
        case _:
            return str(error.get("msg", "this cannot be")).removeprefix("Value error, ")


# ------------------------------------------------------------------ handlers

Asking = Request | WebSocket


async def _answer(asking: Asking, problem: Problem) -> Response | None:
    response = problem_response(problem)
    if isinstance(asking, WebSocket):
        await _deny(asking, problem, response)
        return None
    return response


async def _deny(asking: WebSocket, problem: Problem, response: Response) -> None:
    """A web socket is refused with the same answer where the server can do that, else with a short reason."""
    if asking.application_state is not WebSocketState.CONNECTING:
        await asking.close(1011, problem.detail[:LONGEST_NAME])
    elif "websocket.http.response" in asking.scope.get("extensions", {}):
        await asking.send_denial_response(response)
    else:
        await asking.close(1008, problem.detail[:LONGEST_NAME])


async def on_problem(asking: Asking, error: Exception) -> Response | None:
    assert isinstance(error, Problem)
    return await _answer(asking, error)


async def on_sentinel_error(asking: Asking, error: Exception) -> Response | None:
    assert isinstance(error, SentinelError)
    return await _answer(asking, of_error(error))


async def on_validation(asking: Asking, error: Exception) -> Response | None:
    found = cast("Sequence[Mapping[str, Any]]", cast("RequestValidationError", error).errors())
    return await _answer(asking, of_validation(found))


async def on_http(asking: Asking, error: Exception) -> Response | None:
    """What the framework itself refuses."""
    assert isinstance(error, HTTPException)
    hint = ""
    match error.status_code:
        case 404:
            detail, hint = "there is nothing at this address", "/docs lists every call"
        case 405:
            detail, hint = "this address does not know that method", "the header Allow names those it knows"
        case 400:
            return await _answer(asking, invalid("body", "this is no JSON"))
        case _:
            detail = str(error.detail)
    headers = error.headers
    if error.status_code == 405:
        headers = {"Allow": ", ".join(_methods(asking))}
    return await _answer(asking, Problem(error.status_code, detail, hint=hint, headers=headers))


def _methods(asking: Asking) -> list[str]:
    """All that this address knows; the framework itself names those of one route alone."""
    path = cast("str", asking.scope["path"])
    found = {
        method
        for route in cast("Sequence[BaseRoute]", asking.scope["app"].routes)
        if isinstance(route, Route) and route.path_regex.match(path)
        for method in route.methods or ()
    }
    return sorted(found)


async def on_defect(asking: Asking, _error: Exception) -> Response | None:
    """A defect of ours. Its traceback is for the controller's log alone."""
    problem = Problem(
        500,
        "the controller could not do that because of a defect",
        kind="defect",
        hint="nothing was changed as far as it is known; the controller's log has the traceback",
    )
    return await _answer(asking, problem)
