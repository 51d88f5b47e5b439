"""Logging in, and who is asking."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from sentinel.api.answers import as_json, time_json
from sentinel.api.deps import Anybody, Reader, State
from sentinel.api.described import LoginShape, WhoamiShape, answers
from sentinel.api.problems import Problem
from sentinel.api.requests import LoginRequest
from sentinel.core.identity import PERMISSIONS, Token, TokenKind, User
from sentinel.core.secret import new_id, new_token, sha256_of
from sentinel.ports.store import Transaction

router = APIRouter(prefix="/api/v1", tags=["people"])


@router.post(
    "/login",
    summary="Log in by password",
    description="A token of kind `session`, for 12 hours. Guesses are counted by user and by address.",
    responses=answers(LoginShape, 401, 429, public=True),
)
async def login(body: LoginRequest, request: Request, state: State, _: Anybody) -> Response:
    state.passwords.allow(body.user, request.client.host if request.client else "")
    user = await state.read(lambda reader: reader.user(body.user))
    usable = user is not None and not user.disabled
    hashed = user.password_hash if user is not None and usable else None
    if not await state.passwords.fits(hashed, body.password) or user is None:
        raise Problem(
            401,
            "the user or the password is wrong",
            kind="unauthenticated",
            hint="an admin can set a new password, and enable a user who is disabled",
            headers={"WWW-Authenticate": 'Bearer realm="sentinel"'},
        )
    state.passwords.was_right(body.user)
    now = state.now()
    id = new_id()
    secret = new_token(TokenKind.SESSION, id)
    token = Token(
        id=id,
        kind=TokenKind.SESSION,
        owner=user.name,
        secret_sha256=sha256_of(secret),
        created_at=now,
        tenant=user.tenant,
        label="log-in",
        expires_at=now + state.settings.session,
        last_used_at=now,
    )
    await state.write(lambda tx: _keep(tx, user, token))
    return as_json(
        {
            "token": secret,
            "expires_at": time_json(token.expires_at),
            "user": user.name,
            "role": user.role.value,
        }
    )


def _keep(tx: Transaction, user: User, token: Token) -> None:
    """Unless the user was changed while the password was looked at."""
    kept = tx.user(user.name)
    if kept is None or kept.disabled or kept.password_hash != user.password_hash:
        raise Problem(401, "the user was changed just now", kind="unauthenticated", hint="log in again")
    tx.put_token(replace(token, tenant=kept.tenant))


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
