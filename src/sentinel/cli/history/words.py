"""Values, series and times of the past in words. Pure but for this machine's time zone. Called by the
commands in `cli.history`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sentinel.cli.local.duration_text import clock_text
from sentinel.core.units import show_duration, show_size

Series = Mapping[str, Any]

_MINUTES = len("2026-01-31 23:59")
_SHORT: Mapping[str, str] = {"celsius": "°C", "percent": "%", "watts": "W", "gpus": "GPUs", "ms": "ms"}


def value_text(value: float | None, unit: str) -> str:
    """ "56.2", "31.5 GiB", "1.98 GHz"; None is "?"."""
    if value is None:
        return "?"
    return _AS.get(unit, _plain)(value)


def _plain(value: float) -> str:
    """Four digits, and no exponent where people write none."""
    return f"{value:.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def _hertz(value: float) -> str:
    for size, name in ((1e9, "GHz"), (1e6, "MHz"), (1e3, "kHz")):
        if abs(value) >= size:
            return f"{value / size:.4g} {name}"
    return f"{value:.4g} Hz"


_AS: Mapping[str, Callable[[float], str]] = {
    "bytes": lambda value: show_size(round(value)),
    "bytes_per_second": lambda value: f"{show_size(round(value))}/s",
    "hertz": _hertz,
}


def unit_text(unit: str) -> str:
    """Behind the metric's name; empty where the values say it, or there is none."""
    return "" if unit in _AS else _SHORT.get(unit, unit)


def minute_text(epoch: float) -> str:
    """A moment in this machine's time: "2026-01-31 23:59"."""
    return clock_text(epoch)[:_MINUTES]


def span_text(answer: Series) -> str:
    """ "from 2026-01-31 22:59 to 2026-01-31 23:59, every 30 s"."""
    start, end = minute_text(answer["start"]), minute_text(answer["end"])
    return f"from {start} to {end}, every {show_duration(answer['step'])}"


def nothing_text(answer: Series) -> str:
    """Why there is no series, and what there is."""
    metric, known = answer["metric"], answer["known"] or {"series": 0}
    start, end = minute_text(answer["start"]), minute_text(answer["end"])
    if not known["series"]:
        return f"{metric} has no such series; those there are: sentinel history query --metric {metric}"
    nothing = f"nothing of {metric} from {start} to {end}"
    if known["first"] is None:
        return f"{nothing}, and nothing at any other time"
    first, last = minute_text(known["first"]), minute_text(known["last"])
    return f"{nothing}; there is some from {first} to {last}: --since and --until say from when to when"


def shared_labels(found: Sequence[Series]) -> dict[str, str]:
    """Labels that all have with the same value, where there are several."""
    if len(found) < 2:
        return {}
    first: Mapping[str, str] = found[0]["labels"]
    return {
        name: value for name, value in first.items() if all(one["labels"].get(name) == value for one in found)
    }


def labels_text(labels: Mapping[str, str]) -> str:
    """ "gpu=0 node=n1"."""
    return " ".join(f"{name}={value}" for name, value in sorted(labels.items()))
