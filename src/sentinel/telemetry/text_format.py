"""Metric families as text: Prometheus' own format and OpenMetrics 1.0. Pure.

Called by `exposition`. prometheus_client writes the same, and the tests hold this to it, but takes three
times as long: here the label block of a process is made once for all of its series, and each family is
forgotten once it is written, which spares a scrape the garbage collector. Which format it is to be is still
prometheus_client's to say (`choose_encoder`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from prometheus_client import utils
from prometheus_client.metrics_core import Metric

_as_go_writes_it = cast("Callable[[float], str]", cast("Any", utils).floatToGoString)
_SUSPECT = ("\\", '"', "\n")


class SharedLabels(dict[str, str]):
    """Labels that several series have; not to be changed once the first is written."""

    __slots__ = ("block",)

    def __init__(self, labels: Iterable[tuple[str, str]]) -> None:
        super().__init__(labels)
        self.block: str | None = None


def text_format(families: Iterable[Metric], *, openmetrics: bool) -> bytes:
    """The body. Counters, gauges and untyped families without timestamps or exemplars; no histograms."""
    lines: list[str] = []
    for family in families:
        name, kind = family.name, family.type
        if not openmetrics:
            name = f"{name}_total" if kind == "counter" else name
            kind = "untyped" if kind == "unknown" else kind
        lines += (f"# HELP {name} {_help(family.documentation, openmetrics)}\n", f"# TYPE {name} {kind}\n")
        for sample in family.samples:
            lines.append(f"{sample.name}{_block(sample.labels)} {_number(sample.value)}\n")
    if openmetrics:
        lines.append("# EOF\n")
    return "".join(lines).encode()


def _number(value: float) -> str:
    if -1_000_000 < value < 1_000_000 and value == value // 1:
        return f"{int(value)}.0"  # most are, and are written so there too
    return _as_go_writes_it(value)


def _block(labels: Mapping[str, str]) -> str:
    if isinstance(labels, SharedLabels):
        if labels.block is None:
            labels.block = _written(labels)
        return labels.block
    return _written(labels) if labels else ""


def _written(labels: Mapping[str, str]) -> str:
    return "{" + ",".join([f'{name}="{_escaped(labels[name])}"' for name in sorted(labels)]) + "}"


def _escaped(value: str) -> str:
    for one in _SUSPECT:
        if one in value:
            return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value


def _help(text: str, openmetrics: bool) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if openmetrics else text
