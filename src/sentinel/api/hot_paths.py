"""The few calls that make up nearly all of the load go straight to their handlers. Installed by `make_app`.

The framework looks for a route one by one, and wraps each call in what this application does without (exit
stacks, background tasks): for a beat or a submit that is most of the cost. Same handlers, same refusals; any
call that is not exactly one of these goes the usual way.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sentinel.api import problems
from sentinel.api.direct import DirectRoute
from sentinel.core.errors import SentinelError

Handler = Callable[[Request], Awaitable[Response]]
_REFUSALS: tuple[tuple[type[Exception], Any], ...] = (
    (problems.Problem, problems.on_problem),
    (SentinelError, problems.on_sentinel_error),
    (RequestValidationError, problems.on_validation),
    (HTTPException, problems.on_http),
)


def hot(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], tuple[object, Handler]]:
    """(method, path) → endpoint and handler of routes that take a request, and whose path is fixed."""
    found: dict[tuple[str, str], tuple[object, Handler]] = {}
    for route in routes:
        handler: Handler | None = None
        if isinstance(route, DirectRoute):
            handler = route.get_route_handler()
        elif type(route) is Route:
            handler = cast("Handler", route.endpoint)
        if handler is not None and isinstance(route, Route) and "{" not in route.path:
            for method in (route.methods or set()) - {"HEAD"}:
                found[method, route.path] = route.endpoint, handler
    return found


class HotPaths:
    """Calls in `handlers` are answered here, all others by `app`."""

    def __init__(self, app: ASGIApp, handlers: Mapping[tuple[str, str], tuple[object, Handler]]) -> None:
        self._app, self._handlers = app, handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = None
        if scope["type"] == "http":
            found = self._handlers.get((scope["method"], scope["path"]))
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["endpoint"], handler = found
        request = Request(scope, receive, send)
        try:
            response = await handler(request)
        except Exception as error:
            refused = next((answer for kind, answer in _REFUSALS if isinstance(error, kind)), None)
            if refused is None:
                raise
            response = cast("Response", await refused(request, error))
        await response(scope, receive, send)
