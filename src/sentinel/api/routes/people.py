"""Logging in, and who is asking."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from sentinel.api.answers import as_json, time_json
from sentinel.api.deps import Anybody, Reader, State
from sentinel.api.described import LoginShape, WhoamiShape, answers
from sentinel.api.requests import LoginRequest
from sentinel.api.sessions import by_password
from sentinel.core.identity import PERMISSIONS

router = APIRouter(prefix="/api/v1", tags=["people"])


@router.post(
    "/login",
    summary="Log in by password",
    description="A token of kind `session`, for 12 hours. Guesses are counted by user and by address.",
    responses=answers(LoginShape, 401, 429, public=True),
)
async def login(body: LoginRequest, request: Request, state: State, _: Anybody) -> Response:
    session = await by_password(state, body.user, body.password, request)
    return as_json(
        {
            "token": session.secret,
            "expires_at": time_json(session.ends_at),
            "user": session.user.name,
            "role": session.user.role.value,
        }
    )


@router.get("/whoami", summary="Who is asking", responses=answers(WhoamiShape))
async def whoami(identity: Reader) -> Response:
    found: dict[str, Any] = {
        "user": identity.name,
        "role": identity.role.value,
        "tenant": identity.tenant,
        "token_id": identity.token,
        "may": sorted(action.value for action in PERMISSIONS[identity.role]),
    }
    return as_json(found)
