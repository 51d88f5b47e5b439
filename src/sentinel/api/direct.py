"""The short way from a request to its handler, for the one route that is called for every job.

The framework solves dependencies and validates in general, which costs as much as a submit itself. A
DirectRoute does the same for one shape of handler: `(body: Model, request, identity: Annotated[…, may(…)])`;
its signature documents it as any other's does.
"""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from sentinel.api.deps import Allowed
from sentinel.api.problems import invalid
from sentinel.core.identity import Identity

Handler = Callable[[BaseModel, Request, Identity], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """See this module's docstring."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        (gate,) = (one.call for one in self.dependant.dependencies if isinstance(one.call, Allowed))
        (body,) = self.dependant.body_params
        model = cast("type[BaseModel]", body.field_info.annotation)
        handler = cast("Handler", self.endpoint)

        async def handle(request: Request) -> Response:
            identity = await gate(request)
            kind = request.headers.get("content-type", "")
            if kind.partition(";")[0].strip().lower() != "application/json":
                raise invalid("body", "this is no JSON", "send it with `Content-Type: application/json`")
            return await handler(_read(model, await request.body()), request, identity)

        return handle


def _read(model: type[BaseModel], body: bytes) -> BaseModel:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        # Chained, it would take what was sent into a log.
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None
