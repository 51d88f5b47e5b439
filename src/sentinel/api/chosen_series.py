"""Which series a question about the past means, and what of them is shown. Pure but for asking the history
which series there are. Called by `routes.history`.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sentinel.api.placements import Held
from sentinel.api.problems import Problem, invalid, not_found
from sentinel.core.series import Aggregate, Labels, Point, Selector, Series, label_of
from sentinel.ports.history import History

NAMED = 5  # how many candidates a refusal names
LOOKED_AT = 64  # series, for since when there is something
LOOK_BACK = 800 * 86_400.0
DAY, HOUR, MINUTE = 86_400.0, 3600.0, 60.0
_UUID = re.compile(r"(GPU|MIG)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`matches`: what labels may be; `held`: of which GPUs, when; None: of any. `hidden`: nodes that the
    asker may not know of."""

    metric: str
    matches: Mapping[str, tuple[str, ...]]
    gpu: str | None = None
    held: Sequence[Held] | None = None
    hidden: Collection[str] = ()


def matches_from(pairs: Iterable[str], *, node: str | None, user: str | None) -> dict[str, tuple[str, ...]]:
    """Of "LABEL=VALUE" each; a label that is given twice may be either."""
    found: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        found[name] = (*found.get(name, ()), value)
    for name, value in (("node", node), ("user", user)):
        if value is not None:
            _narrow(found, name, (value,))
    return found


def _narrow(matches: dict[str, tuple[str, ...]], label: str, values: tuple[str, ...]) -> None:
    known = matches.get(label)
    matches[label] = values if known is None else tuple(one for one in known if one in values)


def selector_of(asked: Asked, history: History) -> Selector:
    """Problem 404 or 409 when a part of a UUID names no GPU, or several; 422 for an index of any node."""
    matches = dict(asked.matches)
    if asked.gpu is not None:
        label, value = _gpu(asked, asked.gpu, history)
        _narrow(matches, label, (value,))
    if asked.held is not None:
        held = sorted({gpu for one in asked.held for gpu in one.gpus})
        _narrow(matches, "uuid", tuple(held))
        nodes = sorted({one.node for one in asked.held})
        if all(nodes):
            _narrow(matches, "node", tuple(nodes))
    return Selector(metric=asked.metric, matches=matches)


def _gpu(asked: Asked, gpu: str, history: History) -> tuple[str, str]:
    if gpu.isascii() and gpu.isdigit() and len(gpu) < 4:
        if "node" not in asked.matches:
            raise invalid("gpu", "an index says nothing without its node", "add node=, or give a UUID")
        return "gpu", str(int(gpu))
    if _UUID.fullmatch(gpu):
        return "uuid", gpu
    begin = gpu.lower()
    found = sorted(
        {
            uuid
            for labels in _series(asked, history)
            if (uuid := label_of(labels, "uuid"))
            and (uuid.lower().startswith(begin) or uuid.lower().partition("-")[2].startswith(begin))
        }
    )
    if gpu in found:
        return "uuid", gpu
    if not found:
        raise not_found("gpu", gpu, "give a UUID or its beginning; `sentinel node show NODE` has them")
    if len(found) > 1:
        names = ", ".join(found[:NAMED]) + (", …" if len(found) > NAMED else "")
        raise Problem(
            409, f"more than one GPU begins so: {names}", kind="ambiguous", hint="give more of the UUID"
        )
    return "uuid", found[0]


def _series(asked: Asked, history: History) -> list[Labels]:
    """Of the metric, as far as the asker may know. Problem 404 when there is no such metric."""
    every = history.series(asked.metric)
    found = [labels for _, labels in every if label_of(labels, "node") not in asked.hidden]
    if not found:
        names = sorted({metric for metric, _ in history.series()})
        near = difflib.get_close_matches(asked.metric, names, n=3, cutoff=0.5)
        near += [name for name in names if asked.metric in name and name not in near][:NAMED]
        hint = f"there is {', '.join(near)}; " if near else ""
        raise not_found("metric", asked.metric, f"{hint}`sentinel history metrics` lists all")
    return found


def shown(found: Iterable[Series], asked: Asked, step: float) -> list[Series]:
    """Without what the asker may not know, and without what was measured when the GPUs were not theirs."""
    visible = [one for one in found if one.label("node") not in asked.hidden]
    if asked.held is None:
        return visible
    masked = [replace(one, points=_while_held(one, asked.held, step)) for one in visible]
    return [one for one in masked if any(value is not None for _, value in one.points)]


def _while_held(one: Series, held: Sequence[Held], step: float) -> tuple[Point, ...]:
    uuid, node = one.label("uuid"), one.label("node")
    times = [(span.start, span.end) for span in held if uuid in span.gpus and span.node in ("", node)]
    return tuple(
        (at, value if any(start < at + step and at < end for start, end in times) else None)
        for at, value in one.points
    )


def over_time(how: Aggregate, *, together: bool) -> Aggregate:
    """How samples become one value of a step. Where series are put `together` by `how`, each is what it was
    on average: a sum over series is no sum over time."""
    return Aggregate.AVG if together and how in (Aggregate.SUM, Aggregate.COUNT) else how


def known_of(asked: Asked, selector: Selector, history: History, now: float) -> dict[str, object]:
    """How many series are meant, and from when to when there is anything of them. Problem 404 when there is
    no such metric."""
    meant = [labels for labels in _series(asked, history) if selector.takes(labels)]
    nodes = sorted({label_of(labels, "node") for labels in meant[:LOOKED_AT]})
    narrow = replace(selector, matches={**selector.matches, "node": tuple(nodes)})
    first = _edge(history, narrow, now, newest=False) if meant else None
    last = _edge(history, narrow, now, newest=True) if meant else None
    return {"series": len(meant), "first": first, "last": last}


def _edge(history: History, selector: Selector, now: float, *, newest: bool) -> float | None:
    """To the minute, or the hour where no more is kept: when the first or the last of it was measured."""
    start, end = now - LOOK_BACK, now
    found: float | None = None
    for step in (DAY, HOUR, MINUTE):
        series = history.query(selector, start, end, step, Aggregate.COUNT)
        times = [at for one in series for at, value in one.points if value is not None]
        if not times:
            return found
        start = max(times) if newest else min(times)
        found, end = (min(now, start + step) if newest else start), start + step
    return found
