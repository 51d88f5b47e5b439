"""Sessions of browsers: logging in gives a cookie instead of a token, so no script of a page ever has one.

`sentinel dashboard` asks for a code, and puts it behind the # of an address, where no server and no log sees
it.
"""

from typing import Annotated, Any, Self

from fastapi import APIRouter
from pydantic import ConfigDict, Field, StringConstraints, model_validator
from starlette.requests import Request as Asking
from starlette.responses import Response

from sentinel.api.answers import as_json
from sentinel.api.deps import Anybody, State, TokenOwner
from sentinel.api.described import NewCodeShape, answers
from sentinel.api.login_codes import by_code, make_code
from sentinel.api.problems import Problem
from sentinel.api.requests import Request
from sentinel.api.session_cookie import cookie_of, give, is_own, require_own_page, take_back
from sentinel.api.sessions import by_password, by_token, end
from sentinel.core.clock import rfc3339

router = APIRouter(prefix="/api/v1", tags=["people"])

Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=100)]
Secret = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=1024)]


def _one_way_or_the_other(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)
    schema["oneOf"] = [
        {"required": ["user", "password"], "maxProperties": 2},
        {"required": ["token"], "maxProperties": 1},
        {"required": ["code"], "maxProperties": 1},
    ]


class SessionRequest(Request):
    """A user's name and password; or a token; or a code."""

    model_config = ConfigDict(json_schema_extra=_one_way_or_the_other)

    user: Word = Field("")
    password: Secret = Field("", json_schema_extra={"format": "password"})
    token: Secret = Field(
        "", json_schema_extra={"format": "password"}, description="From `sentinel token create`."
    )
    code: Secret = Field(
        "", json_schema_extra={"format": "password"}, description="From `POST /api/v1/session/codes`."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.model_fields_set not in ({"user", "password"}, {"token"}, {"code"}):
            raise ValueError("give user and password, or token, or code")
        return self


@router.post(
    "/session",
    status_code=204,
    summary="Log in a browser",
    description="The answer sets the cookie `sentinel_session`, which counts where there is no "
    "`Authorization`. With it, all but GET needs the header `X-Sentinel-Csrf: 1`, and comes from a page of "
    "this controller. A session that is begun with a token ends no later than the token; with a code, no "
    "later than the token that the code was made with.",
    responses=answers(None, 401, 403, 429, status=204, headers=("Set-Cookie",), public=True),
)
async def begin_session(body: SessionRequest, request: Asking, state: State, _: Anybody) -> Response:
    origin = request.headers.get("origin")
    if origin is not None and not is_own(request, origin):
        # Else another site could have somebody work as somebody else, without their noticing.
        raise Problem(
            403,
            "this page is of another site",
            kind="cross-site",
            hint="log in at the address of the controller itself",
        )
    if "token" in body.model_fields_set:
        session = await by_token(state, body.token, request)
    elif "code" in body.model_fields_set:
        session = await by_code(state, body.code, request)
    else:
        session = await by_password(state, body.user, body.password, request)
    response = Response(status_code=204)
    give(response, session.secret, session.ends_at - state.now())
    return response


@router.post(
    "/session/codes",
    status_code=201,
    summary="Make a code to log in with",
    description="It begins one session in a browser, as whoever asks, within 60 seconds: at "
    "`/#code=CODE` of the controller, as `sentinel dashboard` prints it. It is in this answer, and never "
    "again.",
    responses=answers(NewCodeShape, 429, status=201),
)
async def make_session_code(request: Asking, state: State, identity: TokenOwner) -> Response:
    code, ends_at = await make_code(state, identity, request)
    return as_json({"code": code, "user": identity.name, "expires_at": rfc3339(ends_at)}, 201)


@router.delete(
    "/session",
    status_code=204,
    summary="Log out a browser",
    description="Its cookie opens nothing any more. Told twice: the same.",
    responses=answers(None, 403, status=204, headers=("Set-Cookie",), public=True),
)
async def end_session(request: Asking, state: State, _: Anybody) -> Response:
    token = cookie_of(request)
    if token is not None:
        require_own_page(request)
        await end(state, token)
    response = Response(status_code=204)
    take_back(response)
    return response
