"""The past: series over time, and which there are.

    GET history/query    {"metric", "unit", "step": SECONDS, "start", "end", "how",
                          "series": [{"labels": {…}, "points": [[EPOCH, VALUE | null]…]}…],
                          "truncated": BOOL, "known": null | {"series": N, "first", "last"}}
    GET history/metrics  {"name", "help", "unit", "series": N}

A point speaks of the time from its own up to the next one's; null is unknown. `known` says, where there is no
series, what there is at other times. Values have seven digits: more are not kept.
"""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from sentinel.api import placements
from sentinel.api.answers import as_json, cut, page
from sentinel.api.asked_time import AskedTime, Step, When, asked_step, asked_time, too_many
from sentinel.api.chosen_series import Asked, known_of, matches_from, over_time, selector_of, shown
from sentinel.api.deps import Reader, State
from sentinel.api.described import PageShape, answers
from sentinel.api.finding import find_job
from sentinel.api.history_shapes import HistoryShape, MetricShape
from sentinel.api.parameters import After, Filter, Limit
from sentinel.api.problems import invalid
from sentinel.core.errors import UsageError
from sentinel.core.identity import Identity
from sentinel.core.series import Aggregate, Selector, Series, combined, label_of
from sentinel.ports.history import History
from sentinel.ports.store import Reader as StoreReader
from sentinel.telemetry.metric_words import help_of, unit_of

router = APIRouter(prefix="/api/v1", tags=["history"])

MOST_VALUES = 200_000  # of an answer
HOUR = 3600.0
_LABEL = "[a-zA-Z_][a-zA-Z0-9_]{0,99}"

Metric = Annotated[
    str,
    Query(
        pattern="^[a-zA-Z_:][a-zA-Z0-9_:]{0,199}$",
        description="As in `gpu_temperature_celsius`; `GET history/metrics` lists them.",
    ),
]
Matches = Annotated[
    list[Annotated[str, Query(pattern=rf"^{_LABEL}=[^\x00]{{0,300}}$")]],
    Query(
        alias="match",
        default_factory=list,
        max_length=20,
        description="`LABEL=VALUE`: only these; without VALUE, only those without that label. Repeatable: "
        "the same label again means either.",
    ),
]
Gpu = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9A-Za-z-]{1,60}$",
        description="A UUID, its beginning, or, with `node`, an index.",
    ),
]
Together = Annotated[
    str | None,
    Query(
        pattern=rf"^{_LABEL}(,{_LABEL}){{0,9}}$",
        description="Labels, with commas: one series for each of their values, put together by `how`.",
    ),
]


@router.get(
    "/history/query",
    summary="A metric over time",
    description="`job` and `workload`: only of the GPUs that they had, while they had them; `since` is then "
    "since they began. With `by`, each series is averaged over a step before `sum` or `count` is taken of "
    "them.",
    responses=answers(HistoryShape, 404, 409),
)
async def query_history(
    state: State,
    identity: Reader,
    metric: Metric,
    match: Matches,
    node: Filter = None,
    gpu: Gpu = None,
    user: Filter = None,
    job: Filter = None,
    workload: Filter = None,
    since: When = None,
    until: When = None,
    step: Step = None,
    how: Aggregate = Aggregate.AVG,
    by: Together = None,
) -> Response:
    now = state.now()
    if job is not None and workload is not None:
        raise invalid("workload", "there is a job, too", "give either `job` or `workload`")

    def scope(reader: StoreReader) -> Asked:
        held = None
        if job is not None:
            held = placements.of_job(reader, find_job(reader, identity, job), now)
        elif workload is not None:
            held = placements.of_workload(reader, identity, workload, node, now)
        matches = matches_from(match, node=node, user=user)
        return Asked(metric=metric, matches=matches, gpu=gpu, held=held, hidden=_hidden(reader, identity))

    asked = await state.read(scope)
    within = None
    if asked.held:
        within = asked.held[0].start, max(one.end for one in asked.held)
    time = asked_time(since, until, now, length=HOUR, within=within)
    width = asked_step(step, time)

    def look(history: History) -> Response:
        selector = selector_of(asked, history)
        together = None if by is None else tuple(by.split(","))
        found = _ask(history, selector, time, width, over_time(how, together=together is not None))
        grid = _grid(found, width)
        found = shown(found, asked, grid)
        if together is not None:
            found = combined(found, together, how)
        some = _some(found)
        answer: dict[str, Any] = {
            "metric": metric,
            "unit": unit_of(metric),
            "step": grid,
            "start": time.start,
            "end": time.end,
            "how": how.value,
            "series": [_series_json(one) for one in some],
            "truncated": len(some) < len(found),
            "known": None if found else known_of(asked, selector, history, now),
        }
        return as_json(answer)

    return await state.look_back(look)


@router.get(
    "/history/metrics",
    summary="Metrics that there is something of",
    responses=answers(PageShape[MetricShape]),
)
async def list_metrics(state: State, identity: Reader, limit: Limit = 100, after: After = None) -> Response:
    hidden = await state.read(lambda reader: _hidden(reader, identity))

    def look(history: History) -> Response:
        counts = Counter(
            metric for metric, labels in history.series() if label_of(labels, "node") not in hidden
        )
        names, following = cut(sorted(counts), str, limit, after)
        shown = [
            {"name": name, "help": help_of(name), "unit": unit_of(name), "series": counts[name]}
            for name in names
        ]
        return as_json(page(shown, following))

    return await state.look_back(look)


# ------------------------------------------------------------------ what they do


def _hidden(reader: StoreReader, identity: Identity) -> frozenset[str]:
    """Names of the nodes of other tenants."""
    return frozenset(node.name for node in reader.nodes() if node.tenant != identity.tenant)


def _ask(history: History, selector: Selector, time: AskedTime, step: float, how: Aggregate) -> list[Series]:
    try:
        return list(history.query(selector, time.start, time.end, step, how))
    except UsageError as error:
        raise too_many(error) from None


def _grid(found: list[Series], step: float) -> float:
    """What is kept no more as finely as it was asked for comes in longer steps."""
    points = found[0].points if found else ()
    return round(points[1][0] - points[0][0], 3) if len(points) > 1 else step


def _some(found: list[Series]) -> list[Series]:
    """As many as an answer takes, one at least."""
    values = 0
    for nth, one in enumerate(found):
        values += len(one.points)
        if values > MOST_VALUES and nth:
            return found[:nth]
    return found


def _series_json(one: Series) -> dict[str, Any]:
    points = [(at, None if value is None else float(f"{value:.7g}")) for at, value in one.points]
    return {"labels": dict(one.labels), "points": points}
