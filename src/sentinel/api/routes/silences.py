"""Silences: times in which nobody is told of certain alerts, which are still shown.

silence    as in core.alert_json, and "state": "active", "waiting" (for its start, or its hours) or "ended",
           and "until": TIME | null, when an active one ends for now
"""

import math
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sentinel.alerting.silencing import in_force_until
from sentinel.api.alert_documents import SILENCES_KEPT, forget_silences, silences, tell
from sentinel.api.alert_requests import SilenceRequest
from sentinel.api.alert_shapes import SilenceShape
from sentinel.api.answers import as_json, cut, page, polled, time_json
from sentinel.api.deps import Operator, Reader, State
from sentinel.api.described import PageShape, answers
from sentinel.api.parameters import After, Id, Limit
from sentinel.api.problems import Problem, not_found
from sentinel.core.alert import Silence
from sentinel.core.alert_json import SILENCE, silence_from, silence_json
from sentinel.core.clock import rfc3339
from sentinel.core.errors import UsageError
from sentinel.core.secret import new_id
from sentinel.core.timestamp import epoch
from sentinel.ports.store import Reader as StoreReader
from sentinel.ports.store import Transaction

router = APIRouter(prefix="/api/v1", tags=["alerts"])
_LEAST = 0.001  # seconds; times are kept by the millisecond, and a silence ends after it begins


@router.get(
    "/silences",
    summary="Silences, which ends first is first",
    description="Those that ended stay for seven days.",
    responses=answers(PageShape[SilenceShape], headers=("ETag",)),
)
async def list_silences(
    request: Request, state: State, _: Reader, limit: Limit = 100, after: After = None
) -> Response:
    now = state.now()

    def look(reader: StoreReader) -> dict[str, Any]:
        found = sorted((one for one in silences(reader) if one.end >= now - SILENCES_KEPT), key=_key)
        shown, following = cut(found, _key, limit, after)
        return page([_json(one, now) for one in shown], following)

    return polled(request, await state.read(look))


@router.get("/silences/{id}", summary="A silence", responses=answers(SilenceShape, 404))
async def show_silence(id: Id, state: State, _: Reader) -> Response:
    now = state.now()
    return as_json(await state.read(lambda reader: _json(_found(reader, id), now)))


@router.post(
    "/silences",
    status_code=201,
    summary="Tell nobody of some alerts for a while",
    description="They are still shown. 409: it would be over already, or nobody here knows its time zone.",
    responses=answers(SilenceShape, 409, status=201),
)
async def add_silence(body: SilenceRequest, state: State, identity: Operator) -> Response:
    now = state.now()
    start = _floor(now) if body.start is None else epoch(body.start) or now
    end = epoch(body.end) or now
    if end <= max(start, now):
        raise Problem(
            409,
            "it would be over already" if end <= now else "it ends before it begins",
            kind="senseless",
            hint="give a later end",
        )
    try:
        new = silence_from(
            {
                **body.given(),
                "id": new_id(),
                "start": rfc3339(start),
                "end": rfc3339(max(end, start + _LEAST)),
                "by": identity.name,
            }
        )
    except UsageError as error:
        raise Problem(409, error.message, kind="senseless") from None

    def add(tx: Transaction) -> None:
        forget_silences(tx, now)
        tx.put_document(SILENCE, new.id, silence_json(new))
        data = silence_json(new)
        del data["id"]
        tell(tx, "silence.added", new.id, identity, now, **data)

    await state.write(add)
    return as_json(_json(new, now), 201)


@router.delete(
    "/silences/{id}",
    status_code=204,
    summary="End a silence now",
    description="One that has not begun is gone; others stay for seven days to be looked at.",
    responses=answers(None, 404, status=204),
)
async def end_silence(id: Id, state: State, identity: Operator) -> Response:
    now = state.now()

    def end(tx: Transaction) -> None:
        found = _found(tx, id)
        if found.end <= now:
            return
        if found.start >= now:
            tx.remove_document(SILENCE, id)
        else:
            ended = replace(found, end=max(now, found.start + _LEAST))
            tx.put_document(SILENCE, id, silence_json(ended))
        tell(tx, "silence.ended", id, identity, now, why=found.why)

    await state.write(end)
    return Response(status_code=204)


def _floor(at: float) -> float:
    """To the millisecond, as times are kept: what begins now is not to begin a moment later."""
    return math.floor(at * 1000) / 1000


def _key(silence: Silence) -> str:
    return f"{rfc3339(silence.end)} {silence.id}"


def _found(reader: StoreReader, id: str) -> Silence:
    found = reader.document(SILENCE, id)
    if found is None or found.data is None:
        raise not_found("silence", id, "`sentinel alert silence list` shows those that there are")
    return silence_from(found.data, strict=False)


def _json(silence: Silence, now: float) -> dict[str, Any]:
    until = in_force_until(silence, now)
    state = "active" if until is not None else "ended" if silence.end <= now else "waiting"
    return {**silence_json(silence), "state": state, "until": time_json(until)}
