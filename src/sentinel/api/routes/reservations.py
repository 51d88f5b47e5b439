"""Reservations: times for which nodes are kept for somebody, or for nobody."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sentinel.api.account_requests import ReservationRequest
from sentinel.api.account_shapes import ReservationShape
from sentinel.api.answers import as_json, cut, page, polled
from sentinel.api.deps import Operator, Reader, State
from sentinel.api.described import PageShape, answers
from sentinel.api.parameters import After, Limit, Name
from sentinel.api.problems import Problem
from sentinel.core.clock import rfc3339
from sentinel.core.errors import UsageError
from sentinel.core.reservation import Reservation
from sentinel.core.reservation_json import reservation_json
from sentinel.core.secret import new_id
from sentinel.ports.store import Reader as StoreReader
from sentinel.ports.store import Transaction
from sentinel.scheduling import reservation_desk
from sentinel.scheduling.node_desk import NoSuchNode
from sentinel.scheduling.reservation_desk import Clash, NoSuchReservation

router = APIRouter(prefix="/api/v1", tags=["reservations"])


@router.get(
    "/reservations",
    summary="Reservations, which begins first is first",
    description="Those that ended stay for some days.",
    responses=answers(PageShape[ReservationShape], headers=("ETag",)),
)
async def list_reservations(
    request: Request, state: State, _: Reader, limit: Limit = 100, after: After = None
) -> Response:
    def look(reader: StoreReader) -> dict[str, Any]:
        shown, following = cut(reservation_desk.reservations(reader), _key, limit, after)
        return page([reservation_json(one) for one in shown], following)

    return polled(request, await state.read(look))


@router.get(
    "/reservations/{name}",
    summary="A reservation, by its id or its name",
    responses=answers(ReservationShape, 404),
)
async def show_reservation(name: Name, state: State, _: Reader) -> Response:
    def look(reader: StoreReader) -> Reservation:
        return reservation_desk.find_reservation(reader, name)

    try:
        return as_json(reservation_json(await state.read(look)))
    except NoSuchReservation as error:
        raise _missing(error) from None


@router.post(
    "/reservations",
    status_code=201,
    summary="Keep nodes for somebody, or for nobody",
    description="Jobs that could still run at `start` and are not for it are not placed there any more; what "
    "runs there goes on. 409: no such node, user or group, it would be over already, or another reservation "
    "has its name, or its nodes at that time.",
    responses=answers(ReservationShape, 409, status=201),
)
async def add_reservation(body: ReservationRequest, state: State, identity: Operator) -> Response:
    now = state.now()
    new = body.reservation(new_id(), identity.name)

    def add(tx: Transaction) -> None:
        try:
            reservation_desk.add_reservation(tx, new, tenant=identity.tenant, now=now)
        except UsageError as error:
            raise Problem(409, error.message, kind="senseless") from None
        except NoSuchNode as error:
            raise Problem(409, error.message, kind="no-such-node") from None
        except Clash as error:
            raise Problem(409, error.message, kind="clash") from None

    await state.write(add)
    return as_json(reservation_json(new), 201)


@router.delete(
    "/reservations/{name}",
    status_code=204,
    summary="End a reservation, or take it back",
    description="By its id or its name. What runs in it goes on.",
    responses=answers(None, 404, status=204),
)
async def remove_reservation(name: Name, state: State, identity: Operator) -> Response:
    now = state.now()

    def remove(tx: Transaction) -> None:
        try:
            reservation_desk.remove_reservation(tx, name, by=identity.name, tenant=identity.tenant, now=now)
        except NoSuchReservation as error:
            raise _missing(error) from None

    await state.write(remove)
    return Response(status_code=204)


def _key(kept: Reservation) -> str:
    return f"{rfc3339(kept.start)} {kept.id}"


def _missing(error: NoSuchReservation) -> Problem:
    return Problem(404, error.message[:300], kind="no-such-reservation")
