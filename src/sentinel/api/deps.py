"""What every route declares first: who may call it. A route without one of these fails a test.

    identity: Annotated[Identity, Depends(may(Action.READ))]      a token whose owner may do that
    _: Annotated[None, Depends(OPEN)]                             everybody, without a token
    _: Annotated[None, Depends(PAGE)]                             the same, for the dashboard's pages

The first two refuse parameters that the route does not know. They are async, because the framework runs
others on threads, which costs more than most routes themselves.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, cast, get_origin
from urllib.parse import parse_qsl

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import APIRoute, APIWebSocketRoute
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from sentinel.api.problems import Problem, invalid
from sentinel.api.session_cookie import authorization_of
from sentinel.api.state import ApiState
from sentinel.core.identity import PERMISSIONS, Action, Identity, Role

MOST_PARAMETERS = 100


class Allowed(SecurityBase):
    """Lets those pass whose role may do `action`."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.scheme_name = "token"
        self.model = HTTPBearer(
            bearerFormat="snt_…",
            description="A token from `POST /api/v1/tokens` or `POST /api/v1/login`. Pages of the controller "
            "have the cookie of `POST /api/v1/session` instead.",
        )

    async def __call__(self, asking: HTTPConnection) -> Identity:
        state = state_of(asking)
        identity = await state.gate.identify(authorization_of(asking))
        require(identity, self.action)
        _only_known_parameters(asking)
        return identity


class Open:
    """Lets everybody pass. `page`: what is in the address is for the page that it shows to understand."""

    def __init__(self, *, page: bool = False) -> None:
        self._page = page

    async def __call__(self, asking: HTTPConnection) -> None:
        if not self._page:
            _only_known_parameters(asking)


OPEN = Open()
PAGE = Open(page=True)


@cache
def may(action: Action) -> Allowed:
    """The one gate for that action."""
    return Allowed(action)


async def the_state(asking: HTTPConnection) -> ApiState:
    return state_of(asking)


State = Annotated[ApiState, Depends(the_state)]
Anybody = Annotated[None, Depends(OPEN)]
Reader = Annotated[Identity, Depends(may(Action.READ))]
Submitter = Annotated[Identity, Depends(may(Action.SUBMIT))]
Controller = Annotated[Identity, Depends(may(Action.CONTROL_OWN))]
Operator = Annotated[Identity, Depends(may(Action.OPERATE))]
TokenOwner = Annotated[Identity, Depends(may(Action.TOKENS_OWN))]
Admin = Annotated[Identity, Depends(may(Action.ADMINISTER))]


def state_of(asking: HTTPConnection) -> ApiState:
    return cast("ApiState", asking.scope["app"].state.sentinel)


def require(identity: Identity, action: Action, why: str = "") -> None:
    """Problem 403 unless they may."""
    if identity.may(action):
        return
    least = next((role for role in Role if action in PERMISSIONS[role]), Role.ADMIN)
    detail = why or f"this needs the role {least}"
    raise Problem(
        403,
        f"{detail}; {identity.name} is {identity.role}",
        kind="forbidden",
        hint=f"ask an admin for the role {least}, or somebody who has it to do this",
    )


# ------------------------------------------------------------------ parameters

Known = Mapping[str, bool]  # name → whether it may be given more than once


def known_parameters(routes: list[BaseRoute]) -> Mapping[object, Known]:
    """The parameters of each endpoint."""
    return {
        route.endpoint: {
            parameter.alias: get_origin(parameter.field_info.annotation) is list
            for parameter in route.dependant.query_params
        }
        for route in routes
        if isinstance(route, APIRoute | APIWebSocketRoute)
    }


def _only_known_parameters(asking: HTTPConnection) -> None:
    query = cast("bytes", asking.scope["query_string"])
    if not query:
        return
    all_known: Mapping[object, Known] = asking.scope["app"].state.parameters
    known = all_known.get(asking.scope["endpoint"], {})
    try:
        asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise Problem(422, f"more than {MOST_PARAMETERS} parameters", kind="invalid") from None
    seen: set[str] = set()
    for name, _ in asked:
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise invalid(name[:100], "there is no such parameter here", f"this call knows {names}")
        if name in seen and not known[name]:
            raise invalid(name, "give it once")
        seen.add(name)
