"""Alerts that stand, and saying that one has been seen. Their JSON is in api.alert_view."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from sentinel.alerting.lifecycle import acknowledged
from sentinel.api.alert_documents import alerts, put_ack, tell
from sentinel.api.alert_shapes import AlertPageShape, AlertShape, AlertStateName, SeverityName
from sentinel.api.alert_view import Views, place, watch_json
from sentinel.api.answers import as_json, cut, page, polled
from sentinel.api.deps import Operator, Reader, State
from sentinel.api.described import answers
from sentinel.api.parameters import After, Filter, Limit
from sentinel.api.problems import Problem, not_found
from sentinel.api.requests import WhyRequest
from sentinel.core.alert import Ack, Alert
from sentinel.core.errors import UsageError
from sentinel.core.identity import Identity
from sentinel.ports.store import Reader as StoreReader
from sentinel.ports.store import Transaction

router = APIRouter(prefix="/api/v1", tags=["alerts"])
LEAST = 4  # letters of an id that is not given whole
STANDING: tuple[AlertStateName, ...] = ("firing", "no-data", "pending")

AlertId = Annotated[
    str, Path(max_length=400, description=f"Its id, or a unique beginning of at least {LEAST} characters.")
]
States = Annotated[
    list[AlertStateName],
    Query(
        alias="state",
        default_factory=list,
        max_length=10,
        description="May be given more than once. Else all but resolved.",
    ),
]
Severities = Annotated[
    list[SeverityName],
    Query(alias="severity", default_factory=list, max_length=10, description="May be given more than once."),
]


@router.get(
    "/alerts",
    summary="Alerts, the worst first",
    description="Resolved ones stay for a while, 24 hours at most. `watch` says when somebody last looked.",
    responses=answers(AlertPageShape, headers=("ETag",)),
)
async def list_alerts(
    request: Request,
    state: State,
    _: Reader,
    states: States,
    severities: Severities,
    rule: Filter = None,
    node: Filter = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    now = state.now()

    def wanted(alert: Alert) -> bool:
        return (
            alert.state.value in (states or STANDING)
            and (not severities or alert.severity.value in severities)
            and rule in (None, alert.rule)
            and (node is None or alert.facts.get("node", "") == node)
        )

    def look(reader: StoreReader) -> dict[str, Any]:
        views = Views(reader, now)
        shown, following = cut(sorted(filter(wanted, views.alerts), key=place), place, limit, after)
        found = page([views.json(one) for one in shown], following)
        return {**found, "watch": watch_json(reader, now)}

    return polled(request, await state.read(look))


@router.get("/alerts/{id}", summary="An alert", responses=answers(AlertShape, 404, 409))
async def show_alert(id: AlertId, state: State, _: Reader) -> Response:
    now = state.now()

    def look(reader: StoreReader) -> dict[str, Any]:
        views = Views(reader, now)
        return views.json(_found(views.alerts, id))

    return as_json(await state.read(look))


@router.post(
    "/alerts/{id}/ack",
    summary="Say that you have seen it",
    description="No reminders of it, until it ends, changes or becomes worse. 409: it does not stand.",
    responses=answers(AlertShape, 404, 409),
)
async def acknowledge(id: AlertId, body: WhyRequest, state: State, identity: Operator) -> Response:
    return await _ack(state, identity, id, Ack(by=identity.name, at=state.now(), why=body.why))


@router.delete(
    "/alerts/{id}/ack",
    summary="Take that back: there are reminders again",
    responses=answers(AlertShape, 404, 409),
)
async def take_back(id: AlertId, state: State, identity: Operator) -> Response:
    return await _ack(state, identity, id, None)


async def _ack(state: State, identity: Identity, called: str, ack: Ack | None) -> Response:
    now = state.now()

    def keep(tx: Transaction) -> dict[str, Any]:
        found = _found(alerts(tx), called)
        try:
            acknowledged(found, ack)
        except UsageError as error:
            raise Problem(409, error.message, kind="not-standing") from None
        if ack is not None or found.ack is not None:
            said = ack or Ack(by=identity.name, at=now)
            put_ack(tx, found.fingerprint, said, withdrawn=ack is None)
            what = "alert.acknowledged" if ack else "alert.unacknowledged"
            tell(tx, what, found.fingerprint, identity, now, rule=found.rule, why=said.why)
        views = Views(tx, now)
        return views.json(_found(views.alerts, found.fingerprint))

    return as_json(await state.write(keep))


def _found(there: list[Alert], called: str) -> Alert:
    """The one whose id is, or begins with, `called`. Problem 404 or 409."""
    hint = "`sentinel alert list` shows the ids"
    wanted = called.lower()
    found = [one for one in there if one.fingerprint.startswith(wanted)] if len(wanted) >= LEAST else []
    if not found:
        raise not_found("alert", called, hint)
    if len(found) > 1:
        raise Problem(409, f"{len(found)} alerts have ids that begin so", kind="ambiguous", hint=hint)
    return found[0]
