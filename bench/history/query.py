"""The embedded history with 30 days of 64 GPUs in it: its size, and how long its charts and reports take.

Filled as the agents would: 12 metrics of each GPU every ten seconds and which of a hundred people holds it,
the last 80 minutes not folded yet. Raw samples are kept for two days, minutes for all 30. Charts are asked
one after another, each of another GPU, node or metric, the answers put together by user or model where that
is the chart. The report of usage is that of all 30 days by user.
"""

import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from math import isclose
from pathlib import Path

from bench.figure import Figure, percentile, spread
from bench.history.cards import GPUS, INTERVAL, METRICS, batch, labels
from bench.history.held import PEOPLE, held_columns, held_hours
from bench.history.size import figures as size_of_all
from sentinel.core.sample_batch import Batch
from sentinel.core.series import Aggregate, Selector, Series, combined, label_of
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.histories.levels import DAY, HOUR
from sentinel.telemetry.usage_reading import stretches
from sentinel.telemetry.usage_report import Report, report, usage

NODES, DAYS, DAYS_QUICK = 8, 30, 2
ROUNDS, ROUNDS_QUICK = 100, 10
END = 1_790_000_000 // HOUR * HOUR + 1200.0
SIZE_AT_MOST, CHART_AT_MOST, REPORT_AT_MOST = 1.0, 200.0, 1000.0  # GiB, ms, ms
USER, MODEL = "user", "sku"
_TAIL = 80 * 60
_HALF_A_DAY = 12  # hours

Chart = Callable[[EmbeddedHistory, random.Random], Sequence[Series]]


def measure(quick: bool) -> list[Figure]:
    days, rounds = (DAYS_QUICK, ROUNDS_QUICK) if quick else (DAYS, ROUNDS)
    with tempfile.TemporaryDirectory(prefix="sentinel-history-") as folder:
        path = str(Path(folder) / "history.db")
        began = time.perf_counter()
        _fill(path, days)
        history = _opened(path)
        filled = time.perf_counter() - began
        size = sum(one.stat().st_size for one in Path(folder).iterdir())
        figures = [_size(size, days, filled)]
        figures += [_chart(history, name, chart, rounds) for name, chart in _charts(days).items()]
        figures.append(_usage(history, days, rounds))
        history.close()
    return figures if quick else [*figures, *size_of_all()]


def _opened(path: str) -> EmbeddedHistory:
    return EmbeddedHistory(path, clock=lambda: END)


def _fill(path: str, days: int) -> None:
    start, tail = END - days * DAY, END - _TAIL
    hours = [start + nth * HOUR for nth in range(-int(-(tail - start) // HOUR))]
    # A node that was folded rests for a while, and the clock stands still here: whoever opens the file anew
    # knows nothing of that.
    for first in range(0, len(hours), _HALF_A_DAY):
        with closing(_opened(path)) as history:
            for at in hours[first : first + _HALF_A_DAY]:
                for node in range(NODES):
                    count = int(min(HOUR, tail - at) / INTERVAL)
                    history.append([_told(node, at, count, start)])
    with closing(_opened(path)) as history:
        for nth in range(_TAIL // 60):
            history.append([_told(node, tail + nth * 60, 6, start) for node in range(NODES)])


def _told(node: int, at: float, count: int, start: float) -> Batch:
    measured = batch(node, at, count)
    held = held_columns(node, at, count, since=start, until=END)
    return replace(measured, columns=(*measured.columns, *held))


def _charts(days: int) -> dict[str, Chart]:
    spans = {
        "1 h raw": (HOUR, 10),
        "24 h by the minute": (DAY, 60),
        f"{min(days, 7)} days by 5 minutes": (min(days, 7) * DAY, 300),
        f"{days} days by the hour": (days * DAY, 3600),
    }
    charts: dict[str, Chart] = {}
    for span, (length, step) in spans.items():
        charts[f"one GPU, {span}"] = _plain(length, step, gpu=True)
        charts[f"one node, {span}"] = _plain(length, step, gpu=False)
        charts[f"64 GPUs by user, {span}"] = _together(length, step, "gpu_user_memory_bytes", USER)
        charts[f"64 GPUs by model, {span}"] = _together(length, step, "gpu_power_watts", MODEL)
    return charts


def _plain(length: float, step: float, *, gpu: bool) -> Chart:
    def chart(history: EmbeddedHistory, chance: random.Random) -> Sequence[Series]:
        metric, node = chance.choice(list(METRICS)), chance.randrange(NODES)
        named = dict(labels(node, chance.randrange(GPUS), metric))
        matches = {"uuid": (named["uuid"],)} if gpu else {"node": (named["node"],)}
        selector = Selector(metric=metric, matches=matches)
        found = history.query(selector, END - length, END, step, Aggregate.AVG)
        assert len(found) == (1 if gpu else GPUS)
        return found

    return chart


def _together(length: float, step: float, metric: str, by: str) -> Chart:
    def chart(history: EmbeddedHistory, _: random.Random) -> Sequence[Series]:
        found = history.query(Selector(metric=metric), END - length, END, step, Aggregate.AVG)
        assert len(found) == NODES * GPUS
        return combined(found, (by,), Aggregate.SUM)

    return chart


def _size(size: int, days: int, filled: float) -> Figure:
    return Figure(
        name=f"history: {NODES * GPUS} GPUs, {days} days, on the disk",
        value=size / 2**30,
        unit="GiB",
        target=SIZE_AT_MOST,
        how=f"{len(METRICS)} metrics of a GPU every {INTERVAL:g} s, and who holds it; write-ahead log "
        "included",
        detail={"bytes": size, "filled_in_seconds": round(filled, 1)},
    )


def _chart(history: EmbeddedHistory, name: str, chart: Chart, rounds: int) -> Figure:
    chance = random.Random(name)
    took: list[float] = []
    worked: list[float] = []
    points = 0
    for _ in range(rounds):
        began, cpu = time.perf_counter(), time.process_time()
        found = chart(history, chance)
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - cpu) * 1000)
        points = sum(len(one.points) for one in found)
    return Figure(
        name=f"history: {name}",
        value=percentile(took, 99),
        unit="ms",
        target=CHART_AT_MOST,
        how=f"p99 of {rounds} charts of {points} points; median {percentile(took, 50):.1f} ms, "
        f"of CPU {percentile(worked, 50):.1f} ms, p99 of CPU {percentile(worked, 99):.1f} ms",
        detail={**spread(took), "cpu": spread(worked), "load": round(os.getloadavg()[0], 2)},
    )


def _usage(history: EmbeddedHistory, days: int, rounds: int) -> Figure:
    start = END - days * DAY
    took: list[float] = []
    worked: list[float] = []
    for _ in range(max(1, rounds // 5)):
        began, cpu = time.perf_counter(), time.process_time()
        found = _report(history, start)
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - cpu) * 1000)
        wanted = sum(held_hours(node, start, END) for node in range(NODES))
        assert isclose(found.total.use.held / HOUR, wanted, rel_tol=1e-3), (found.total, wanted)
    series = len(history.series("gpu_held"))
    return Figure(
        name=f"history: usage of {NODES * GPUS} GPUs by user, {days} days",
        value=percentile(took, 99),
        unit="ms",
        target=REPORT_AT_MOST,
        how=f"p99 of {len(took)} reports; {PEOPLE} people, {series} series; median "
        f"{percentile(took, 50):.1f} ms, of CPU {percentile(worked, 50):.1f} ms, p99 of CPU "
        f"{percentile(worked, 99):.1f} ms",
        detail={**spread(took), "cpu": spread(worked), "load": round(os.getloadavg()[0], 2)},
    )


def _report(history: EmbeddedHistory, start: float) -> Report:
    found = usage(stretches(history, start, END, DAY), start, END, DAY)
    return report(found, lambda labels: label_of(labels, USER), of_gpus=False)
