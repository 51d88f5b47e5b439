"""Measurements that histories are filled with, what they must answer about them, and the histories."""

import math
import time
from array import array
from bisect import bisect_left
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from tests.components.prometheus import Prometheus, promtool

from sentinel.core.sample_batch import Batch, Column, decode, encode
from sentinel.core.series import Aggregate, Labels, Selector, Series, label_of, labels_from, reduced
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.histories.prometheus import PrometheusHistory
from sentinel.drivers.histories.prometheus_server import PrometheusServer
from sentinel.ports.history import History

HOUR = 3600
LENGTH = 4 * HOUR
START = int(time.time()) // HOUR * HOUR - 48 * HOUR
"""Of the measurements. Prometheus refuses what is very old, so it is not a time of the past for ever."""
END = START + LENGTH
LASTING = 15.0
TEMPERATURE, POWER = "gpu_temperature_celsius", "gpu_power_watts"
HOSTILE = 'a"b}\\ or {x="\n|.*(z[$^'

Known = dict[tuple[str, Labels], list[tuple[float, float]]]
"""By metric and labels: time and value of whatever was measured."""


def of(node: str, gpu: str, **more: str) -> Labels:
    return labels_from({"node": node, "gpu": gpu, "uuid": f"GPU-{node}{gpu}", **more})


def _measured() -> Known:
    """Ten seconds apart. Gaps of a sample, of a minute and of an hour; a node that ends; late samples."""
    found: Known = {}

    def add(metric: str, labels: Labels, moments: Sequence[float], seed: int) -> None:
        found[metric, labels] = [
            (at, 40 + ((nth * 7919 + seed * 104729) % 401) / 8) for nth, at in enumerate(moments)
        ]

    steady = [START + 10.0 * nth for nth in range(LENGTH // 10)]
    holes = [
        at
        for at in steady
        if at != START + 300
        and not START + 1200 <= at < START + 1260
        and not START + HOUR <= at < START + 2 * HOUR
    ]
    late = [at + (nth * 37 % 11) / 2 for nth, at in enumerate(steady)]
    add(TEMPERATURE, of("a", "0", sku="H100"), steady, 1)
    add(TEMPERATURE, of("a", "1", sku="H100"), holes, 2)
    add(TEMPERATURE, of("b", "0", sku="A100"), [at for at in steady if at < START + 2.5 * HOUR], 3)
    add(TEMPERATURE, of("c", "0", sku=HOSTILE), late, 4)
    add(POWER, of("a", "0", sku="H100"), steady, 5)
    return found


MEASURED = _measured()


def expected(selector: Selector, start: float, end: float, step: float, how: Aggregate) -> list[Series]:
    """What any history must answer, worked out from the measurements one by one."""
    first = start // step * step
    grid = [first + nth * step for nth in range(math.ceil((end - first) / step))]
    found: list[Series] = []
    for (metric, labels), measured in sorted(MEASURED.items()):
        meant = all(label_of(labels, name) in values for name, values in selector.matches.items())
        if metric != selector.metric or not meant:
            continue
        points = tuple((at, _value(measured, at, step, how)) for at in grid)
        if any(value is not None for _, value in points):
            found.append(Series(metric=metric, labels=labels, points=points))
    return found


def _value(measured: list[tuple[float, float]], at: float, step: float, how: Aggregate) -> float | None:
    left, right = (bisect_left(measured, moment, key=lambda one: one[0]) for moment in (at, at + step))
    within = [value for _, value in measured[left:right]]
    if not within and step < LASTING and right and how not in (Aggregate.SUM, Aggregate.COUNT):
        within = [value for moment, value in measured[right - 1 : right] if moment >= at + step - LASTING]
    return reduced(within, how)


def batches(known: Known = MEASURED, seconds: int = 60) -> list[Batch]:
    """As agents would send them: a node's minute each, in the order of time."""
    minutes: dict[tuple[int, str], Known] = {}
    for (metric, labels), measured in known.items():
        for at, value in measured:
            part = minutes.setdefault((int(at) // seconds, label_of(labels, "node")), {})
            part.setdefault((metric, labels), []).append((at, value))
    return [batch(node, minute, part) for (minute, node), part in sorted(minutes.items())]


def batch(node: str, sequence: int, known: Known) -> Batch:
    """NaN where a series has nothing at a time that others have something at."""
    times = sorted({at for measured in known.values() for at, _ in measured})
    columns = [
        Column(
            metric=metric,
            labels=labels,
            values=array("f", [dict(measured).get(at, math.nan) for at in times]),
        )
        for (metric, labels), measured in known.items()
    ]
    return Batch(node=node, sequence=sequence, times=tuple(times), columns=tuple(columns))


def begun(batch: Batch, count: int) -> Batch:
    """Its first samples, as it was told when there were no more."""
    columns = [replace(one, values=one.values[:count]) for one in batch.columns]
    return replace(batch, times=batch.times[:count], columns=tuple(columns))


@dataclass
class Clock:
    now: float

    def __call__(self) -> float:
        return self.now


@contextmanager
def embedded(folder: Path) -> Generator[History]:
    """It was told all over the wire, as agents do it: each minute while it lasts, then whole, some twice."""
    clock = Clock(START)
    history = EmbeddedHistory(str(folder / "history.db"), clock=clock)
    for minute, told in groupby(batches(), lambda one: one.sequence):
        clock.now = minute * 60 + 60
        whole = list(told)
        history.append([decode(encode(begun(one, 3))) for one in whole])
        history.append([decode(encode(one)) for one in whole])
        history.append([decode(encode(begun(one, minute % 7))) for one in whole])
    clock.now = END
    yield history
    history.close()


class FilledPrometheus(Prometheus):
    """One that has the measurements before it starts."""

    def start(self) -> None:
        text = self.folder / "measured.txt"
        text.write_text(_exposition())
        done = promtool("tsdb", "create-blocks-from", "openmetrics", str(text), str(self.folder / "data"))
        assert done.returncode == 0, done.stdout + done.stderr
        super().start()


def _exposition() -> str:
    lines: list[str] = []
    for metric in (TEMPERATURE, POWER):
        lines.append(f"# TYPE {metric} gauge")
        for (name, labels), measured in MEASURED.items():
            if name == metric:
                # As Prometheus has what it scraped: with labels of its own.
                named = {**dict(labels), "job": "sentinel", "instance": "10.0.0.1:9400"}
                quoted = ",".join(f'{name}="{_escaped(value)}"' for name, value in named.items())
                lines += [f"{metric}{{{quoted}}} {value} {at:.3f}" for at, value in measured]
    return "\n".join([*lines, "# EOF", ""])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@contextmanager
def prometheus(_folder: Path) -> Generator[History]:
    with FilledPrometheus.running() as running:
        yield PrometheusHistory(PrometheusServer(running.url))
