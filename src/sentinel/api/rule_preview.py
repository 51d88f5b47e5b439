"""What a rule would have done in the past, from the history. Used by routes.alert_rules, on a thread that may
block.

    {"since": TIME, "until": TIME, "step": SECONDS, "says": SENTENCE, "times": N, "series": N, "brief": N,
     "points": N, "unknown": N, "fired": [{"labels": {…}, "state": "firing" | "no-data", "began": TIME,
     "ended": TIME | null, "peak": NUMBER | null}…]}

What is looked at is bounded: with many series the points are further apart, and the answer says how far.
`fired` has the newest, oldest first.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sentinel.alerting.preview import Fired, Preview, preview
from sentinel.api.answers import time_json
from sentinel.core.alert import Rule
from sentinel.core.clock import rfc3339
from sentinel.core.errors import UsageError
from sentinel.core.series import Aggregate, Labels, Selector, Series, label_of
from sentinel.core.units import show_duration
from sentinel.ports.history import History

MOST_POINTS = 500_000
AT_A_TIME = 100_000
MOST_FIRED = 200
STEPS = (10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
_USUAL = 60.0


def previewed(history: History, rule: Rule, since: float, now: float) -> dict[str, Any]:
    """`since`: seconds before `now`. UsageError where there are too many series; HistoryUnavailable."""
    watched = [labels for _, labels in history.series(rule.metric) if rule.watches(labels)]
    step = step_for(len(watched) * (1 if rule.of is None else 2), since, rule.hold)
    parts: list[Preview] = []
    taken = step
    for matches in _portions(rule, watched, since / step):
        past = history.query(
            Selector(metric=rule.metric, matches=matches), now - since, now, step, Aggregate.LAST
        )
        whole = (
            ()
            if rule.of is None
            else history.query(
                Selector(metric=rule.of, matches=matches), now - since, now, step, Aggregate.LAST
            )
        )
        taken = max(taken, _distance(past))
        parts.append(preview(rule, past, whole))
    return _json(_together(parts), since, now, taken)


def step_for(series: int, since: float, hold: float) -> float:
    """The distance of the points: such that `for` still matters, and all together are not too many."""
    fine = _USUAL if hold <= 0 else min(_USUAL, hold / 2)
    least = since * series / MOST_POINTS
    usual = max((step for step in STEPS if step <= fine), default=STEPS[0])
    found = next((step for step in STEPS if step >= max(usual, least)), None)
    if found is None:
        raise UsageError(
            f"{series} series over {show_duration(since)} are too many to be looked at; narrow the rule's "
            "scope, or look less far back"
        )
    return found


def _portions(rule: Rule, watched: Sequence[Labels], points: float) -> Iterator[dict[str, tuple[str, ...]]]:
    """What to ask for, node after node, so that little is in memory at a time."""
    of_node: dict[str, int] = {}
    for labels in watched:
        node = label_of(labels, "node")
        of_node[node] = of_node.get(node, 0) + 1
    portion, size = list[str](), 0.0
    for node, count in of_node.items():
        if portion and size + count * points > AT_A_TIME:
            yield {**rule.scope, "node": tuple(portion)}
            portion, size = [], 0.0
        portion.append(node)
        size += count * points
    if portion:
        yield {**rule.scope, "node": tuple(portion)}


def _distance(series: Sequence[Series]) -> float:
    """How far apart the points are: where the past is coarser than was asked for, so are they."""
    points = next((one.points for one in series if len(one.points) > 1), None)
    return 0.0 if points is None else points[1][0] - points[0][0]


def _together(parts: Sequence[Preview]) -> Preview:
    fired = sorted((one for part in parts for one in part.fired), key=lambda one: one.began)
    return Preview(
        fired=tuple(fired),
        series=sum(part.series for part in parts),
        brief=sum(part.brief for part in parts),
        points=sum(part.points for part in parts),
        unknown=sum(part.unknown for part in parts),
    )


def _json(found: Preview, since: float, now: float, step: float) -> dict[str, Any]:
    looked = f"in the last {show_duration(since)}, looked at every {show_duration(step)}"
    return {
        "since": rfc3339(now - since),
        "until": rfc3339(now),
        "step": step,
        "says": f"{looked}: {found.says()}",
        "times": len(found.fired),
        "series": found.series,
        "brief": found.brief,
        "points": found.points,
        "unknown": found.unknown,
        "fired": [_fired(one) for one in found.fired[-MOST_FIRED:]],
    }


def _fired(one: Fired) -> dict[str, Any]:
    return {
        "labels": dict(one.labels),
        "state": one.state.value,
        "began": rfc3339(one.began),
        "ended": time_json(one.ended),
        "peak": one.peak,
    }
