"""Reports over days and months: who held the GPUs, and how much of it idle.

    GET reports/usage  {"by", "start": TIME, "end": TIME, "step": SECONDS, "rows": [{"key", …}…],
                        "totals": {…}, "days": [{"start": TIME, …}…]}
    … is               "gpu_hours", "idle_gpu_hours": N | null, "unknown_gpu_hours", "energy_kwh": N | null,
                       "coverage": 0 to 1 | null

Added up from what nodes measured, not from what the queue gave out: what nobody queued is in it, too.
`GET usage` has what counts for fair share.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from sentinel.api.answers import as_json
from sentinel.api.asked_time import When, asked_time, too_many
from sentinel.api.deps import Reader, State
from sentinel.api.described import answers
from sentinel.api.history_shapes import By, UsageReportShape
from sentinel.core.clock import rfc3339
from sentinel.core.errors import UsageError
from sentinel.core.series import Labels, label_of
from sentinel.ports.history import History
from sentinel.ports.store import Reader as StoreReader
from sentinel.telemetry.rhythm import DAY, HOUR
from sentinel.telemetry.usage_reading import stretches
from sentinel.telemetry.usage_report import Row, Usage, report, usage

router = APIRouter(prefix="/api/v1", tags=["reports"])

_LABELS: Mapping[By, str] = {
    "user": "user",
    "group": "user",
    "node": "node",
    "gpu": "uuid",
    "model": "sku",
    "origin": "origin",
}
_OF_GPUS = ("node", "gpu", "model")
_PERIODS = {"1h": HOUR, "1d": DAY}
_KWH = 3.6e6  # joules

Period = Annotated[Literal["1h", "1d"], Query(description="How long each of `days` is; days are UTC.")]


@router.get(
    "/reports/usage",
    summary="Who held the GPUs, and how much of it idle",
    description="As measured on the nodes, whether it was queued or not. `since` is 30 days ago by default.",
    responses=answers(UsageReportShape),
)
async def usage_report(
    state: State,
    identity: Reader,
    by: By = "user",
    since: When = None,
    until: When = None,
    step: Period = "1d",
) -> Response:
    now = state.now()
    time = asked_time(since, until, now, length=30 * DAY)

    def people(reader: StoreReader) -> tuple[frozenset[str], Mapping[str, str]]:
        """Nodes of other tenants, and the groups of users."""
        hidden = (node.name for node in reader.nodes() if node.tenant != identity.tenant)
        users = (user for user in reader.users() if user.tenant == identity.tenant)
        return frozenset(hidden), {user.name: user.group or "" for user in users}

    hidden, groups = await state.read(people)

    def look(history: History) -> Response:
        try:
            found = usage(
                stretches(history, time.start, time.end, _PERIODS[step]),
                time.start,
                time.end,
                _PERIODS[step],
            )
        except UsageError as error:
            raise too_many(error) from None
        made = report(_visible(found, hidden), _key(by, groups), of_gpus=by in _OF_GPUS)
        return as_json(
            {
                "by": by,
                "start": rfc3339(time.start),
                "end": rfc3339(time.end),
                "step": _PERIODS[step],
                "rows": [{"key": row.key, **_row_json(row)} for row in made.rows],
                "totals": _row_json(made.total),
                "days": [{"start": rfc3339(start), **_row_json(row)} for start, row in made.days],
            }
        )

    return await state.look_back(look)


def _visible(found: Usage, hidden: frozenset[str]) -> Usage:
    for labels in [one for one in found.uses if label_of(one, "node") in hidden]:
        del found.uses[labels]
    for gpu in [one for one in found.gpus if one[0] in hidden]:
        del found.gpus[gpu]
    return found


def _key(by: By, groups: Mapping[str, str]) -> Callable[[Labels], str]:
    label = _LABELS[by]
    if by == "group":
        return lambda labels: groups.get(label_of(labels, label), "")
    return lambda labels: label_of(labels, label)


def _row_json(row: Row) -> dict[str, Any]:
    use = row.use
    return {
        "gpu_hours": round(use.held / HOUR, 4),
        "idle_gpu_hours": None if use.idle is None else round(use.idle / HOUR, 4),
        "unknown_gpu_hours": round(use.unknown / HOUR, 4),
        "energy_kwh": None if use.joules is None else round(use.joules / _KWH, 4),
        "coverage": None if row.coverage is None else round(row.coverage, 4),
    }
