"""Events: pages of them, and a stream that goes on where it was left."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sentinel.api.answers import as_json, event_json, page
from sentinel.api.deps import Reader, State
from sentinel.api.described import ONE_EVENT, EventShape, PageShape, answers, problems
from sentinel.api.parameters import MOST_NUMBER, Filter, Limit, Number
from sentinel.api.problems import invalid
from sentinel.api.session_cookie import authorization_of
from sentinel.api.state import ApiState
from sentinel.api.streaming import Interrupted, Stream
from sentinel.core.errors import StoreUnavailable
from sentinel.core.identity import Identity
from sentinel.ports.store import Reader as StoreReader
from sentinel.ports.store import StoredEvent

router = APIRouter(prefix="/api/v1", tags=["events"])
Types = Annotated[
    list[Annotated[str, Query(max_length=200, pattern=r"^[A-Za-z][A-Za-z0-9._-]*$")]],
    Query(
        alias="type",
        default_factory=list,
        max_length=50,
        description="As in `sentinel.job.running`; may be given more than once.",
    ),
]
_LAST = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The id of the last event that was seen: the stream goes on after it.",
    "schema": {"type": "integer", "minimum": 0, "maximum": MOST_NUMBER},
}


@router.get(
    "/events",
    summary="Events, oldest first",
    description="`newest=true` gives the last `limit` of them instead.",
    responses=answers(PageShape[EventShape]),
)
async def list_events(
    state: State,
    identity: Reader,
    types: Types,
    after: Number = 0,
    limit: Limit = 100,
    subject: Filter = None,
    newest: bool = False,
) -> Response:
    def look(reader: StoreReader) -> Response:
        found = reader.events(
            after, limit, tenant=identity.tenant, subject=subject, types=tuple(types), newest=newest
        )
        more = str(found[-1].id) if len(found) == limit and not newest else None
        return as_json(page([event_json(event) for event in found], more))

    return await state.read(look)


@router.get(
    "/events/stream",
    summary="Events as they happen",
    description="Server-sent events: `id` the event's id, `event` its type, `data` its JSON. Without "
    "`Last-Event-ID` from now on. A comment every 15 seconds says that the stream is alive.",
    response_class=Response,
    responses={
        200: {"description": "The stream", "content": {"text/event-stream": {"schema": ONE_EVENT}}},
        **problems(401, 403),
    },
    openapi_extra={"parameters": [_LAST]},
)
async def stream_events(
    request: Request, state: State, identity: Reader, types: Types, subject: Filter = None
) -> Response:
    after = await _start(request, state)
    wanted = frozenset(types)

    def shows(event: StoredEvent) -> bool:
        return (
            event.tenant == identity.tenant
            and (not wanted or event.type in wanted)
            and (subject is None or event.subject == subject)
        )

    return Stream(
        _stream(state, identity, authorization_of(request), after, shows),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _start(request: Request, state: ApiState) -> int:
    """After which id the stream begins. Settled before the answer begins: what happens later is in it."""
    last = request.headers.get("last-event-id")
    newest = await state.read(lambda reader: reader.revision())
    if last is None:
        return newest
    if not (last.isascii() and last.isdigit() and len(last) <= 19):
        raise invalid("Last-Event-ID", "this is the id of an event: a number")
    # An id from a future that a restored store does not have would wait for ever.
    return min(int(last), newest)


async def _stream(
    state: ApiState,
    identity: Identity,
    authorization: str | None,
    after: int,
    shows: Callable[[StoredEvent], bool],
) -> AsyncGenerator[bytes]:
    yield b": events\n\n"
    while not state.hub.closing:
        try:
            found = await state.hub.events_after(after, seconds=state.settings.keep_alive)
            if not await state.gate.still(identity, authorization):
                break
        except StoreUnavailable:
            await asyncio.sleep(state.settings.look_again)
            found = ()
        if found:
            after = found[-1].id
        shown = [_frame(event) for event in found if shows(event)]
        yield b"".join(shown) or b": alive\n\n"
    raise Interrupted("the controller is being stopped, or whoever listens may not any more")


def _frame(event: StoredEvent) -> bytes:
    kind = event.type.replace("\r", " ").replace("\n", " ")
    return f"id: {event.id}\nevent: {kind}\ndata: {json.dumps(event_json(event))}\n\n".encode()
