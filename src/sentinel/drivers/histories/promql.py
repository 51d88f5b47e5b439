"""Selectors as PromQL, and what Prometheus answers as series. Pure. Called by `prometheus`.

Values of labels come from anywhere (a process may be named as it likes): they are quoted, never pasted.

Prometheus gives what it scrapes the labels "job" and "instance". Where a target has a "job" of its own,
`honor_labels: true` keeps it; without, it is called "exported_job". Both are read back here as the agent
wrote them.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, cast

from sentinel.core.errors import UsageError
from sentinel.core.series import Aggregate, Labels, Selector, labels_from
from sentinel.ports.history import HistoryUnavailable

MOST_IN_ONE = 10_000
"""Points of a series in one question; Prometheus answers at most 11,000."""

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_META = re.compile(r"[\\.+*?()|\[\]{}^$]")  # of RE2
_EXPORTED = "exported_"


def selector_text(selector: Selector) -> str | None:
    """As `metric{label="value",other=~"one|another"}`. None when no series can be meant. UsageError when it
    cannot be said."""
    if not _METRIC.fullmatch(selector.metric):
        raise UsageError(f"{selector.metric[:80]!r} is no name of a metric: letters, digits, '_' and ':'")
    parts: list[str] = []
    for name, values in sorted(selector.matches.items()):
        if not _LABEL.fullmatch(name) or name.startswith("__"):
            raise UsageError(f"{name[:80]!r} is no name of a label: letters, digits and '_'")
        if not values:
            return None
        parts.append(_matcher(name, values))
    return f"{selector.metric}{{{','.join(parts)}}}"


def _matcher(name: str, values: tuple[str, ...]) -> str:
    if len(values) == 1:
        return f"{name}={_quoted(values[0])}"
    either = "|".join(_META.sub(r"\\\g<0>", value) for value in values)
    return f"{name}=~{_quoted(either)}"


def _quoted(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("a label's value is no text in Unicode") from None
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def over_time(selector: str, step: int, how: Aggregate, lasting: int) -> str:
    """`how` over the last `step` milliseconds; where there was nothing, the last value of the `lasting`
    ones before that moment, if it may be carried on."""
    asked = f"{how.value}_over_time({selector}[{step}ms])"
    if step >= lasting or how in (Aggregate.SUM, Aggregate.COUNT):
        return asked
    # Without its metric's name, as the other half is.
    return f"{asked} or max without () (last_over_time({selector}[{lasting}ms]))"


def chunks(first: int, step: int, count: int) -> list[tuple[int, int]]:
    """The first and the last point of each question that the grid takes, in milliseconds."""
    starts = range(0, count, MOST_IN_ONE)
    return [(first + at * step, first + (min(at + MOST_IN_ONE, count) - 1) * step) for at in starts]


def labels_read(metric: Mapping[str, str], job: str) -> Labels:
    """The labels as the agent wrote them. `job` is what Prometheus calls the scraping of the agents."""
    named = {name: value for name, value in metric.items() if name not in ("__name__", "instance")}
    if named.get("job") == job:
        del named["job"]
    for name in [name for name in named if name.startswith(_EXPORTED)]:
        named[name.removeprefix(_EXPORTED)] = named.pop(name)
    return labels_from(named)


def result_of(data: Any, kind: str) -> list[tuple[Mapping[str, str], list[tuple[float, float | None]]]]:
    """Labels and samples of each series of a "matrix". Not a number, and what is infinite, is unknown."""
    try:
        if data["resultType"] != kind:
            raise HistoryUnavailable(f"Prometheus answered a {data['resultType']}, not a {kind}")
        return [
            (
                cast("Mapping[str, str]", one["metric"]),
                [(float(time), _known(value)) for time, value in one["values"]],
            )
            for one in data["result"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise HistoryUnavailable(
            "Prometheus answered something unknown: is the address one of a Prometheus?"
        ) from None


def _known(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None
