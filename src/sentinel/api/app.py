"""The API as one ASGI application. The server makes it with `make_app` and runs it under uvicorn.

Routes are taken over flat from their modules' routers: the framework's nested routers match every request
twice.
"""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sentinel.api import node_routes, problems, sample_routes
from sentinel.api.answers import as_json
from sentinel.api.deps import OPEN, known_parameters
from sentinel.api.described import ProblemShape
from sentinel.api.docs_page import POLICY, docs_page
from sentinel.api.hot_paths import HotPaths, hot
from sentinel.api.protection import Protection
from sentinel.api.request_counts import RequestCounts
from sentinel.api.routes import (
    accounts,
    alert_rules,
    alerts,
    channels,
    controller,
    dashboard,
    events,
    fleet,
    hardware,
    history,
    job_control,
    jobs,
    joining,
    logs,
    metrics,
    nodes,
    people,
    preview,
    queue,
    reports,
    reservations,
    session,
    silences,
    slurm,
    submitting,
    tokens,
    users,
)
from sentinel.api.state import ApiState
from sentinel.core.errors import SentinelError

_ABOUT = "The queue: jobs, nodes, and who may do what. Errors are application/problem+json with a hint."
_PAGES = APIRouter(include_in_schema=False)
# The hot paths first: an address is looked for in this order.
ROUTERS = (
    submitting.router,
    jobs.router,
    node_routes.router,
    sample_routes.router,
    job_control.router,
    preview.router,
    logs.router,
    nodes.router,
    joining.router,
    hardware.router,
    fleet.router,
    events.router,
    tokens.router,
    users.router,
    accounts.router,
    reservations.router,
    people.router,
    session.router,
    queue.router,
    alerts.router,
    alert_rules.router,
    silences.router,
    channels.router,
    history.router,
    reports.router,
    slurm.router,
    metrics.router,
    controller.router,
    _PAGES,
    dashboard.router,  # the last: its page is at every address that nothing else is at
)


def make_app(state: ApiState) -> FastAPI:
    """The application. `state.hub` has to be started by then, on the loop that serves."""
    app = FastAPI(
        title="Sentinel",
        version=state.settings.version,
        description=_ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Nobody configures it, and it costs a look at the environment for each request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        generate_unique_id_function=_name,
    )
    app.state.sentinel = state
    app.router.routes.extend(route for router in ROUTERS for route in router.routes)
    app.state.parameters = known_parameters(app.router.routes)
    app.add_middleware(HotPaths, handlers=hot(app.router.routes))
    app.state.requests = RequestCounts()
    app.add_middleware(Protection, counts=app.state.requests)
    app.add_exception_handler(problems.Problem, cast("Any", problems.on_problem))
    app.add_exception_handler(SentinelError, cast("Any", problems.on_sentinel_error))
    app.add_exception_handler(RequestValidationError, cast("Any", problems.on_validation))
    app.add_exception_handler(WebSocketRequestValidationError, cast("Any", problems.on_validation))
    app.add_exception_handler(HTTPException, cast("Any", problems.on_http))
    app.add_exception_handler(Exception, cast("Any", problems.on_defect))
    return app


def _name(route: APIRoute) -> str:
    return route.name


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if app.openapi_schema is None:
        found = app.openapi()
        schemas = found.setdefault("components", {}).setdefault("schemas", {})
        schemas["ProblemShape"] = ProblemShape.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schemas["ProblemShape"].pop("$defs", {}))
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        app.openapi_schema = found
    return app.openapi_schema


@_PAGES.get("/openapi.json")
async def openapi(request: Request, _: Annotated[None, Depends(OPEN)]) -> Response:
    return as_json(openapi_of(cast("FastAPI", request.scope["app"])))


@_PAGES.get("/docs")
async def docs(request: Request, _: Annotated[None, Depends(OPEN)]) -> Response:
    found = docs_page(openapi_of(cast("FastAPI", request.scope["app"])))
    return Response(found, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY})
