"""The past of a simulated node, as batches for the history: each minute, and the last hour every 10 s. Pure.

Called by `seed`, and by `live` for its rows. Metrics are those of an agent: each GPU's sensors, and which
part of it somebody had, who, and how much of that lay idle.
"""

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sentinel.core.node import Node, NodeGpu
from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import Labels, labels_from
from sentinel.server.seeding.curves import FREE, Curves, curves, place_of
from sentinel.server.seeding.fleet import CARD_OF, CARDS
from sentinel.server.seeding.timeline import Stint

HOUR, MINUTE, FINE = 3600, 60, 10  # seconds
UNUSED = 0.005  # of the memory, that nobody uses
_NAN = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Times of equal distance: `count` of them from `first` on (epoch, a multiple of `step`)."""

    first: float
    step: float
    count: int

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(self.first + nth * self.step for nth in range(self.count))

    def at(self, time: float) -> int:
        """The place of the first time that is not before `time`."""
        return min(self.count, max(0, math.ceil((time - self.first) / self.step)))


def batches(
    node: Node, stints: Sequence[Stint], *, start: float, end: float, hot: frozenset[str] = frozenset()
) -> Iterator[Batch]:
    """Of the time from `start` to `end`. `stints`: the node's; `hot`: UUIDs of cards with a broken fan."""
    for rows in all_rows(start, end):
        columns = tuple(columns_of(node, stints, rows, hot))
        yield Batch(node=node.name, sequence=int(rows.first // MINUTE), times=rows.times, columns=columns)


def all_rows(start: float, end: float) -> Iterator[Rows]:
    """At most an hour at once, none across an hour's end."""
    fine = max(start, (end - HOUR) // MINUTE * MINUTE)
    yield from _rows(start, fine, MINUTE)
    yield from _rows(fine, end, FINE)


def _rows(start: float, end: float, step: int) -> Iterator[Rows]:
    at = math.ceil(start / step) * step
    while at < end:
        over = min(end, (at // HOUR + 1) * HOUR)
        count = math.ceil((over - at) / step)
        yield Rows(first=float(at), step=float(step), count=count)
        at += count * step


def columns_of(
    node: Node, stints: Sequence[Stint], rows: Rows, hot: frozenset[str] = frozenset()
) -> Iterator[Column]:
    """All series of the node over these rows."""
    over = rows.first + rows.step * rows.count
    here = [one for one in stints if one.start < over and (one.end is None or one.end > rows.first)]
    for gpu in node.gpus or ():
        mine = sorted((one for one in here if gpu.index in one.gpus), key=lambda one: one.start)
        yield from _card(node.name, gpu, mine, rows, gpu.uuid in hot)


def _card(node: str, gpu: NodeGpu, stints: Sequence[Stint], rows: Rows, hot: bool) -> Iterator[Column]:
    card = CARD_OF.get(gpu.model or "", CARDS[0])
    base = {"node": node, "gpu": str(gpu.index), "uuid": gpu.uuid, "sku": card.model}
    labels = labels_from(base)
    sensors: Mapping[str, array[float]] = {
        name: array("f")
        for name in (
            "gpu_utilization_percent",
            "gpu_power_watts",
            "gpu_temperature_celsius",
            "gpu_memory_used_bytes",
        )
    }
    held: dict[Labels, Held] = {}
    step = int(rows.first // rows.step)
    for begin, end, stint in _parts(stints, rows):
        place, count = place_of(gpu.uuid, step + begin), end - begin
        found = curves(card, FREE if stint is None else stint.level, hot)
        part = slice(place, place + count)
        used = card.memory_bytes * (UNUSED if stint is None else stint.memory)
        sensors["gpu_utilization_percent"].extend(found.utilization[part])
        sensors["gpu_power_watts"].extend(found.power[part])
        sensors["gpu_temperature_celsius"].extend(found.temperature[part])
        sensors["gpu_memory_used_bytes"].extend(array("f", (used,)) * count)
        if stint is not None:
            who = labels_from({**base, "user": stint.user, "origin": stint.origin})
            held.setdefault(who, Held.nobody(rows.count)).take(begin, end, found, part)
    yield Column(metric="gpu_up", labels=labels, values=_always(1.0, rows.count))
    total = _always(float(card.memory_bytes), rows.count)
    yield Column(metric="gpu_memory_total_bytes", labels=labels, values=total)
    for metric, values in sensors.items():
        yield Column(metric=metric, labels=labels, values=values)
    for who, one in held.items():
        yield Column(metric="gpu_held", labels=who, values=one.part)
        yield Column(metric="gpu_held_idle", labels=who, values=one.idle)
        yield Column(metric="gpu_held_power_watts", labels=who, values=one.power)


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody has of a GPU; unknown while they have nothing."""

    part: "array[float]"
    idle: "array[float]"
    power: "array[float]"

    @classmethod
    def nobody(cls, count: int) -> "Held":
        return cls(_always(_NAN, count), _always(_NAN, count), _always(_NAN, count))

    def take(self, begin: int, end: int, found: Curves, part: slice) -> None:
        """They have all of it from one place to another."""
        self.part[begin:end] = _always(1.0, end - begin)
        self.idle[begin:end] = found.idle[part]
        self.power[begin:end] = found.power[part]


def _always(value: float, count: int) -> "array[float]":
    return array("f", (value,)) * count


def _parts(stints: Sequence[Stint], rows: Rows) -> Iterator[tuple[int, int, Stint | None]]:
    """The rows in order, cut where the GPU changes hands."""
    at = 0
    for stint in stints:
        begin = rows.at(stint.start)
        end = rows.count if stint.end is None else rows.at(stint.end)
        if begin > at:
            yield at, begin, None
        if end > max(at, begin):
            yield max(at, begin), end, stint
        at = max(at, end)
    if at < rows.count:
        yield at, rows.count, None
