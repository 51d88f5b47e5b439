"""What to run on a machine so that it joins: the dashboard's button for it."""

import re
from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from sentinel.api.answers import as_json, time_json
from sentinel.api.deps import Admin, State
from sentinel.api.described import Shape, answers
from sentinel.api.problems import invalid
from sentinel.api.requests import Nothing, TokenRequest
from sentinel.api.routes.tokens import make

router = APIRouter(prefix="/api/v1", tags=["nodes"])
_HOST = re.compile(r"[A-Za-z0-9._\[\]:-]{1,300}")


class JoinCommandShape(Shape):
    """A line for a shell, good until `expires_at` for as many machines as one likes. `token_id`: what to
    revoke should it get into wrong hands."""

    command: str
    url: str
    token_id: str
    expires_at: str | None


@router.post(
    "/nodes/join-command",
    status_code=201,
    summary="The command that lets a machine join",
    description="Makes a join token. The command names this controller as the asker reached it; the token "
    "says which certificate to trust.",
    responses=answers(JoinCommandShape, status=201),
)
async def join_command(
    request: Request, state: State, identity: Admin, _body: Annotated[Nothing | None, Body()] = None
) -> Response:
    host = request.url.netloc
    if _HOST.fullmatch(host) is None:  # it becomes part of a line for a shell
        raise invalid("Host", "this is no host that a machine could join", "ask at the controller's own name")
    token, secret = await make(
        TokenRequest.model_validate({"kind": "join", "label": "dashboard"}), state, identity
    )
    url = f"https://{host}"
    return as_json(
        {
            "command": f"sentinel agent join {url} --token {secret}",
            "url": url,
            "token_id": token.id,
            "expires_at": time_json(token.expires_at),
        },
        201,
    )
