"""Alert rules: the shipped ones, how a site changed them, and its own; and trying one against the past.

rule    as in core.rule_json, and "origin": "shipped", "changed" (a shipped one, written anew) or "own"
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from sentinel.alerting.library import SHIPPED
from sentinel.api.alert_documents import alerts, rules, tell
from sentinel.api.alert_requests import NAME, PreviewRequest, RuleRequest
from sentinel.api.alert_shapes import ListedRuleShape, PreviewShape, RuleShape, WrittenRuleShape
from sentinel.api.answers import as_json, cut, page, polled
from sentinel.api.deps import Operator, Reader, State
from sentinel.api.described import PageShape, answers
from sentinel.api.parameters import After, Limit
from sentinel.api.problems import Problem, not_found
from sentinel.api.rule_preview import previewed
from sentinel.core.alert import FINDING, Rule
from sentinel.core.rule_json import RULE, rule_from, rule_json
from sentinel.core.units import parse_duration
from sentinel.ports.store import Reader as StoreReader
from sentinel.ports.store import Transaction

router = APIRouter(prefix="/api/v1", tags=["alerts"])
RuleName = Annotated[str, Path(pattern=NAME, description="The name of a rule.")]
_HINT = "`sentinel alert rule list` shows those that there are"


@router.get(
    "/alert-rules",
    summary="Alert rules, shipped ones included",
    responses=answers(PageShape[ListedRuleShape], headers=("ETag",)),
)
async def list_rules(
    request: Request, state: State, _: Reader, limit: Limit = 100, after: After = None
) -> Response:
    def look(reader: StoreReader) -> dict[str, Any]:
        found = sorted(rules(reader).values(), key=lambda one: one.name)
        shown, following = cut(found, lambda one: one.name, limit, after)
        standing: dict[str, int] = {}
        for alert in alerts(reader):
            standing[alert.rule] = standing.get(alert.rule, 0) + alert.state.stands
        return page([{**_json(one), "standing": standing.get(one.name, 0)} for one in shown], following)

    return polled(request, await state.read(look))


@router.post(
    "/alert-rules/preview",
    summary="What a rule would have done in the past",
    description="Nothing is kept. How far apart the points are that it looks at, the answer says.",
    responses=answers(PreviewShape),
)
async def preview_rule(body: PreviewRequest, state: State, _: Operator) -> Response:
    name = body.rule.name or "preview"
    rule = rule_from({**body.rule.given(), "name": "preview" if name == FINDING else name})
    now, since = state.now(), parse_duration(body.since)
    return as_json(await state.look_back(lambda history: previewed(history, rule, since, now)))


@router.get("/alert-rules/{name}", summary="An alert rule", responses=answers(RuleShape, 404))
async def show_rule(name: RuleName, state: State, _: Reader) -> Response:
    found = (await state.read(rules)).get(name)
    if found is None:
        raise not_found("alert-rule", name, _HINT)
    return as_json(_json(found))


@router.put(
    "/alert-rules/{name}",
    summary="Write an alert rule in full",
    description="From the next round on. One with the name of a shipped one is in force instead of it.",
    responses=answers(WrittenRuleShape, 409),
)
async def put_rule(name: RuleName, body: RuleRequest, state: State, identity: Operator) -> Response:
    if name == FINDING:
        raise Problem(409, f"{FINDING!r} is what the findings of health go by", kind="reserved")
    if body.name not in (None, name):
        raise Problem(
            409, "the rule has another name than the address", kind="another-name", hint="leave one out"
        )
    rule = rule_from({**body.given(), "name": name})
    now = state.now()

    def put(tx: Transaction) -> str:
        before = rules(tx).get(name)
        if before == rule:
            return "unchanged"
        if SHIPPED.get(name) == rule:
            tx.remove_document(RULE, name)
        else:
            tx.put_document(RULE, name, rule_json(rule))
        tell(tx, "alert_rule.changed", name, identity, now, rule=rule_json(rule))
        return "created" if before is None else "changed"

    return as_json({**_json(rule), "did": await state.write(put)})


@router.delete(
    "/alert-rules/{name}",
    status_code=204,
    summary="Remove an alert rule",
    description="Its alerts end. A shipped one is as it was shipped again. 409: it is that already.",
    responses=answers(None, 404, 409, status=204),
)
async def remove_rule(name: RuleName, state: State, identity: Operator) -> Response:
    now = state.now()

    def remove(tx: Transaction) -> None:
        if tx.document(RULE, name) is None:
            raise _missing(name)
        tx.remove_document(RULE, name)
        tell(tx, "alert_rule.removed", name, identity, now)

    await state.write(remove)
    return Response(status_code=204)


def _missing(name: str) -> Problem:
    if name in SHIPPED:
        return Problem(
            409,
            f"rule {name} comes with Sentinel",
            kind="shipped",
            hint="to switch it off, write one of its name with `enabled: false`",
        )
    return not_found("alert-rule", name, _HINT)


def _json(rule: Rule) -> dict[str, Any]:
    shipped = SHIPPED.get(rule.name)
    origin = "own" if shipped is None else "shipped" if shipped == rule else "changed"
    return {**rule_json(rule), "origin": origin}
