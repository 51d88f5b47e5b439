"""Series as text: for each its labels, a sparkline, and lowest, mean, highest and last value. Pure.

Called by `sentinel history query`. All lines have one scale, so that they can be compared.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.history.sparkline import sparkline
from sentinel.cli.history.words import labels_text, shared_labels, span_text, unit_text, value_text
from sentinel.cli.text_width import cell, squeezed

Series = Mapping[str, Any]

PIPED = 80  # columns, where there is no terminal
_INDENT = "  "


def chart_lines(answer: Series, width: int | None, levels: str) -> list[str]:
    """For an answer that has series."""
    found: Sequence[Series] = answer["series"]
    unit, room = answer["unit"], (width or PIPED) - len(_INDENT)
    measured = unit_text(unit)
    head = f"{answer['metric']}{f' ({measured})' if measured else ''}, {answer['how']}"
    lines = [_fit(head, width), _fit(span_text(answer), width)]
    shared = shared_labels(found)
    if shared:
        lines.append(_fit(f"all: {labels_text(shared)}", width))
    every = [value for one in found for _, value in one["points"] if value is not None]
    low, high = (min(every), max(every)) if every else (0.0, 0.0)
    for one in found:
        values = [value for _, value in one["points"]]
        own = {name: value for name, value in one["labels"].items() if name not in shared}
        lines += ["", _fit(labels_text(own) or answer["metric"], width)]
        lines.append((_INDENT + sparkline(values, room, levels, low=low, high=high)).rstrip())
        lines.append(_fit(f"{_INDENT}{_figures(values, unit)}", width))
    return lines


def _figures(values: Sequence[float | None], unit: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "unknown"
    parts = [
        ("min", min(known)),
        ("avg", sum(known) / len(known)),
        ("max", max(known)),
        ("last", known[-1]),
    ]
    said = ", ".join(f"{name} {value_text(value, unit)}" for name, value in parts)
    missing = len(values) - len(known)
    return said + (f" ({missing} of {len(values)} unknown)" if missing else "")


def _fit(text: str, width: int | None) -> str:
    indent = _INDENT if text.startswith(_INDENT) else ""
    clean = indent + cell(text)
    return clean if width is None else squeezed(clean, width)
