"""The dashboard: one page for every address that is not the API's, and the files that it asks for."""

import re
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from sentinel.api.dashboard_files import answer_asset, answer_index
from sentinel.api.deps import PAGE, State
from sentinel.api.not_built import NOT_BUILT, NOT_BUILT_POLICY
from sentinel.api.problems import Problem

router = APIRouter(include_in_schema=False)
# Whatever may be a page of the dashboard. What programs ask for stays what it was.
_PAGES = re.compile(r"^/(?!(?:api|docs|openapi\.json|metrics|assets)(?:/|$))(?P<path>.*)$")


class PageRoute(APIRoute):
    """Answers browsers alone: programs are told that there is nothing, as before there was a dashboard. `/`
    is the dashboard for everybody who does not say that HTML is of no use."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.path_regex = _PAGES

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["method"] != "GET" or not _takes_html(scope):
            return Match.NONE, {}
        return super().matches(scope)


def _takes_html(scope: Scope) -> bool:
    accepts = [value for name, value in scope["headers"] if name == b"accept"]
    if any(b"text/html" in value for value in accepts):
        return True
    return scope["path"] == "/" and (not accepts or any(b"*/*" in value for value in accepts))


@router.get("/assets/{path:path}", dependencies=[Depends(PAGE)])
async def asset(path: str, request: Request, state: State) -> Response:
    built = await state.dashboard.built(state.boottime())
    file = None if built is None else built.assets.get(path)
    if file is None:
        raise Problem(404, "the dashboard has no such file", hint="reload the page: a newer one may be there")
    return answer_asset(request, file)


async def page(request: Request, state: State) -> Response:
    built = await state.dashboard.built(state.boottime())
    if built is None:
        headers = {"Content-Security-Policy": NOT_BUILT_POLICY}
        return Response(NOT_BUILT, 404, headers, "text/html; charset=utf-8")
    return answer_index(request, built.index)


router.add_api_route(
    "/{path:path}", page, methods=["GET"], dependencies=[Depends(PAGE)], route_class_override=PageRoute
)
