"""Where people are told: channels, the routes that lead to them, and what was sent.

A channel is written with its secrets, and shown without them: by its kind and its host alone.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from sentinel.alerting.library import SHIPPED_INHIBITIONS
from sentinel.api.alert_documents import (
    CHANNEL,
    channels,
    default_route,
    own_inhibitions,
    put_routes,
    routes,
    tell,
    there_are,
)
from sentinel.api.alert_requests import CHANNEL_NAME, ChannelRequest, RoutesRequest
from sentinel.api.alert_shapes import (
    ChannelShape,
    DeliveryShape,
    DeliveryStateName,
    ListedChannelShape,
    RoutesShape,
    SentShape,
)
from sentinel.api.alert_view import channel_fares, deliveries, delivery_place, delivery_view
from sentinel.api.answers import as_json, cut, page, polled
from sentinel.api.deps import Operator, Reader, State
from sentinel.api.described import PageShape, answers
from sentinel.api.parameters import After, Filter, Limit
from sentinel.api.problems import Problem, not_found
from sentinel.core.alert import Route
from sentinel.core.alert_json import inhibition_from, inhibition_json, route_from, route_json
from sentinel.core.errors import SentinelError
from sentinel.core.secret import new_id
from sentinel.ports.notifier import Channel, Message, channel_from, channel_json, shown
from sentinel.ports.store import Reader as StoreReader
from sentinel.ports.store import Transaction

router = APIRouter(prefix="/api/v1", tags=["alerts"])

ChannelName = Annotated[str, Path(pattern=CHANNEL_NAME, description="The name of a channel.")]
DeliveryStates = Annotated[
    list[DeliveryStateName],
    Query(alias="state", default_factory=list, max_length=10, description="May be given more than once."),
]
_HINT = "`sentinel alert channel list` shows those that there are"
_ROUTES = "alert-routes"


@router.get(
    "/channels",
    summary="Channels, and how they fare",
    responses=answers(PageShape[ListedChannelShape], headers=("ETag",)),
)
async def list_channels(
    request: Request, state: State, _: Reader, limit: Limit = 100, after: After = None
) -> Response:
    def look(reader: StoreReader) -> dict[str, Any]:
        found, following = cut(channels(reader), lambda one: one.name, limit, after)
        sent = deliveries(reader, (), None)
        return page([{**shown(one), "fares": channel_fares(sent, one.name)} for one in found], following)

    return polled(request, await state.read(look))


@router.get(
    "/channels/{name}", summary="A channel, without its secrets", responses=answers(ChannelShape, 404)
)
async def show_channel(name: ChannelName, state: State, _: Reader) -> Response:
    return as_json(shown(await state.read(lambda reader: _found(reader, name))))


@router.put(
    "/channels/{name}",
    summary="Write a channel in full",
    description="Its secrets are kept, and never shown again: whoever changes anything gives them again.",
    responses=answers(ChannelShape),
)
async def put_channel(name: ChannelName, body: ChannelRequest, state: State, identity: Operator) -> Response:
    channel = channel_from({**body.given(), "name": name})
    now = state.now()

    def put(tx: Transaction) -> None:
        data = channel_json(channel)
        before = tx.document(CHANNEL, name)
        if before is None or before.data != data:
            tx.put_document(CHANNEL, name, data)
            tell(tx, "channel.changed", name, identity, now, **_public(channel))

    await state.write(put)
    return as_json(shown(channel))


@router.delete(
    "/channels/{name}",
    status_code=204,
    summary="Remove a channel",
    description="What waits to be sent there is given up. 409: a route leads to it.",
    responses=answers(None, 404, 409, status=204),
)
async def remove_channel(name: ChannelName, state: State, identity: Operator) -> Response:
    now = state.now()

    def remove(tx: Transaction) -> None:
        channel = _found(tx, name)
        users = [one.name for one in routes(tx) if name in one.channels]
        if users:
            raise Problem(
                409,
                f"the route {users[0]} leads to it",
                kind="in-use",
                hint="change the routes first: `sentinel alert route apply`",
            )
        tx.remove_document(CHANNEL, name)
        tell(tx, "channel.removed", name, identity, now, **_public(channel))

    await state.write(remove)
    return Response(status_code=204)


@router.post(
    "/channels/{name}/test",
    summary="Send a test message",
    description="Answered when the channel has taken it. 502: it did not, and says why.",
    responses=answers(SentShape, 404, 502),
)
async def send_test(name: ChannelName, state: State, identity: Operator) -> Response:
    channel = await state.read(lambda reader: _found(reader, name))
    message = _test_message(identity.name, name, state.now())
    try:
        await asyncio.to_thread(state.notify, channel, message, f"test-{new_id()}")
    except SentinelError as error:
        hint = (
            "try again in a moment" if error.retry else "write the channel anew: `sentinel alert channel add`"
        )
        raise Problem(502, error.message, kind="not-sent", hint=hint) from None
    return as_json({"sent": True})


# ------------------------------------------------------------------ routes


@router.get(
    "/alert-routes",
    summary="Who is told of what",
    description="In the order in which they are tried. While there is none, all channels hear of everything.",
    responses=answers(RoutesShape, headers=("ETag",)),
)
async def show_routes(request: Request, state: State, _: Reader) -> Response:
    return polled(request, await state.read(_routes_json))


@router.put(
    "/alert-routes",
    summary="Write all routes and inhibitions anew",
    description="409: a name comes twice, or there is no such channel. Without routes the default holds.",
    responses=answers(RoutesShape, 409),
)
async def write_routes(body: RoutesRequest, state: State, identity: Operator) -> Response:
    new = [route_from(one.given()) for one in body.routes]
    blocked = [inhibition_from(one.given()) for one in body.inhibitions]
    _once("route", [one.name for one in new])
    _once("inhibition", [one.name for one in blocked])
    now = state.now()

    def put(tx: Transaction) -> dict[str, Any]:
        known = {one.name for one in channels(tx)}
        for route in new:
            _check_channels(route, known)
        if put_routes(tx, new, blocked):
            said = {"routes": [one.name for one in new], "inhibitions": [one.name for one in blocked]}
            tell(tx, "alert_route.changed", _ROUTES, identity, now, **said)
        return _routes_json(tx)

    return as_json(await state.write(put))


def _routes_json(reader: StoreReader) -> dict[str, Any]:
    found = routes(reader)
    return {
        "default": not found,
        "routes": [route_json(one) for one in found or [default_route(reader)]],
        "inhibitions": [inhibition_json(one) for one in own_inhibitions(reader)],
        "shipped_inhibitions": [inhibition_json(one) for one in SHIPPED_INHIBITIONS],
    }


def _once(noun: str, names: Sequence[str]) -> None:
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise Problem(409, f"there are two {noun}s named {twice}", kind="named-twice", hint="rename one")


def _check_channels(route: Route, known: set[str]) -> None:
    missing = next((name for name in route.channels if name not in known), None)
    if missing is not None:
        raise Problem(
            409,
            f"route {route.name} leads to {missing}, and there is no such channel",
            kind="no-such-channel",
            hint=there_are(known),
        )


# ------------------------------------------------------------------ what is sent


@router.get(
    "/deliveries",
    summary="What was sent, waits or was given up; newest first",
    description="They stay for a day after they were sent or given up.",
    responses=answers(PageShape[DeliveryShape], headers=("ETag",)),
)
async def list_deliveries(
    request: Request,
    state: State,
    _: Reader,
    states: DeliveryStates,
    channel: Filter = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    def look(reader: StoreReader) -> dict[str, Any]:
        found, following = cut(deliveries(reader, states, channel), delivery_place, limit, after)
        return page([delivery_view(one) for one in found], following)

    return polled(request, await state.read(look))


def _found(reader: StoreReader, name: str) -> Channel:
    found = reader.document(CHANNEL, name)
    if found is None or found.data is None:
        raise not_found("channel", name, _HINT)
    return channel_from(found.data, strict=False)


def _public(channel: Channel) -> dict[str, Any]:
    """What of it may be in an event, which everybody reads."""
    found = shown(channel)
    return {"kind": found["kind"], "to": found["to"]}


def _test_message(by: str, channel: str, now: float) -> Message:
    return Message(
        title=f"Test message from Sentinel to {channel}",
        body=f"{by} asked for this message. Nothing is wrong; whoever reads it would read alerts here.",
        severity="info",
        resolved=False,
        url="",
        sent_at=now,
        group="test",
        route="test",
        group_labels={},
        alerts=(),
    )
