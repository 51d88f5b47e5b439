"""The whole fleet in one answer, and as a stream of what changes: what the dashboard draws."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from sentinel.api.answers import JSON
from sentinel.api.deps import Reader, State
from sentinel.api.described import ONE_EVENT, answers, problems
from sentinel.api.fleet_shapes import FleetShape
from sentinel.api.packing import answer, pack, packs
from sentinel.api.session_cookie import authorization_of
from sentinel.api.streaming import Stream

router = APIRouter(prefix="/api/v1", tags=["fleet"])
_LAST: dict[str, Any] = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The id of the last event that was seen: the stream goes on after it, or begins anew "
    "where that is too long ago.",
    "schema": {"type": "string"},
}


@router.get(
    "/fleet",
    summary="Every GPU at a glance",
    description="Nodes, and the GPUs as columns: what they measure, who has them, how they fare. What is "
    "older than 30 seconds is null.",
    responses=answers(FleetShape, headers=("ETag",)),
)
async def show_fleet(request: Request, state: State, identity: Reader) -> Response:
    body, tag = await state.fleet.of(identity.tenant).whole()
    packed = pack(body) if packs(request) else None
    return answer(request, body, packed, tag, JSON, {"Cache-Control": "no-cache"})


@router.get(
    "/fleet/stream",
    summary="Every GPU, as it changes",
    description="Server-sent events: `fleet`, the same as `GET fleet`, once; then `delta`, at most once a "
    'second, the changed rows alone: `{"at", "revision", "nodes": [[ROW, {FIELD: VALUE}]], "gpus": [[ROW, '
    "{COLUMN: VALUE}]]}`. Where rows came or went, `fleet` again. An empty `delta` every ten seconds says "
    "that the stream is alive.",
    response_class=Response,
    responses={
        200: {"description": "The stream", "content": {"text/event-stream": {"schema": ONE_EVENT}}},
        **problems(401, 403),
    },
    openapi_extra={"parameters": [_LAST]},
)
async def stream_fleet(request: Request, state: State, identity: Reader) -> Response:
    authorization = authorization_of(request)

    async def still() -> bool:
        return await state.gate.still(identity, authorization)

    packed = packs(request)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Vary": "Accept-Encoding"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    feed = state.fleet.of(identity.tenant)
    return Stream(
        feed.follow(request.headers.get("last-event-id"), packed=packed, still=still),
        media_type="text/event-stream",
        headers=headers,
    )
