"""Who holds the GPUs of simulated nodes, as columns: a hundred people, whose jobs last some hours each."""

import math
import random
from array import array
from collections.abc import Iterator
from functools import cache

from bench.history.cards import GPUS, INTERVAL, labels
from sentinel.core.sample_batch import Column
from sentinel.core.series import Labels, labels_from

PEOPLE = 100
_LEAST, _MEAN, _BREAK = 600.0, 4 * 3600.0, 0.1  # seconds of a job, and the part of the time between two
_IDLE = 0.2  # of jobs do nothing for a while at their end


@cache
def _jobs(node: int, gpu: int, start: int, end: int) -> list[tuple[float, float, str]]:
    """Start, end and whose, in order."""
    chance = random.Random(f"{node} {gpu}")
    at, found = float(start), list[tuple[float, float, str]]()
    while at < end:
        lasts = _LEAST + chance.expovariate(1 / (_MEAN - _LEAST))
        lasts = round(lasts / INTERVAL) * INTERVAL
        found.append((at, at + lasts, f"user-{chance.randrange(PEOPLE):03d}"))
        at += lasts + round(lasts * _BREAK / INTERVAL) * INTERVAL
    return found


def held_columns(node: int, start: float, count: int, *, since: float, until: float) -> tuple[Column, ...]:
    """`count` samples from `start` on, of what was begun `since` then."""
    times = tuple(start + INTERVAL * nth for nth in range(count))
    columns: list[Column] = []
    for gpu in range(GPUS):
        card = dict(labels(node, gpu, ""))
        columns.append(Column(metric="gpu_up", labels=labels_from(card), values=array("f", (1.0,)) * count))
        held: dict[str, array[float]] = {}
        idle: dict[str, array[float]] = {}
        for begin, end, user in _jobs(node, gpu, int(since), int(until)):
            if begin < times[-1] + INTERVAL and end > start:
                mine = held.setdefault(user, array("f", (math.nan,)) * count)
                lazy = idle.setdefault(user, array("f", (math.nan,)) * count)
                for nth, at in enumerate(times):
                    if begin <= at < end:
                        mine[nth] = 1.0
                        lazy[nth] = float(at > end - _IDLE * (end - begin))
        for user in held:
            columns += _columns(
                labels_from({**card, "user": user, "origin": "queue"}), held[user], idle[user]
            )
    return tuple(columns)


def _columns(named: Labels, held: "array[float]", idle: "array[float]") -> Iterator[Column]:
    power = array("f", (500.0 - 400.0 * one for one in idle))
    yield Column(metric="gpu_held", labels=named, values=held)
    yield Column(metric="gpu_held_idle", labels=named, values=idle)
    yield Column(metric="gpu_held_power_watts", labels=named, values=power)


def held_hours(node: int, since: float, until: float) -> float:
    """What all that comes to."""
    return (
        sum(
            max(0.0, min(end, until) - begin)
            for gpu in range(GPUS)
            for begin, end, _ in _jobs(node, gpu, int(since), int(until))
        )
        / 3600
    )
