"""How large the embedded history becomes with all series that an agent sends, not the twelve of `query`.

One node with eight cards is kept for four days, and the file weighed after the third and after the fourth: by
then raw samples are as old as they get, so that each further day adds what minutes and hours take. Thirty
days of eight such nodes are worked out from that. Metrics that move do so as those in `cards`, each card in
its own way; the others stay as they are.
"""

import random
import tempfile
from array import array
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bench.figure import Figure
from bench.history.cards import GPUS, INTERVAL, METRICS, pool
from bench.history.ingest import series_of, simulated_cards, with_everything
from sentinel.core.gpu import Gpu
from sentinel.core.sample_batch import Batch, Column
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.histories.levels import DAY, HOUR

NODES, DAYS = 8, 30
SEEN = 4  # days
START = 1_790_000_000 // DAY * DAY
AT_MOST = 1.0  # GiB
_LIKE = (
    ("clock_hertz", "gpu_sm_clock_hertz"),
    ("memory_free", "gpu_memory_used_bytes"),
    ("temperature", "gpu_temperature_celsius"),
    ("watts", "gpu_power_watts"),
    ("joules", "gpu_energy_joules_total"),
    ("bytes_per_second", "gpu_pcie_transmit_bytes_per_second"),
    ("utilization", "gpu_utilization_percent"),
)
"""What a metric is named, and which of `cards` it moves like."""
_CONSTANT = 7.0
_ROWS = round(HOUR / INTERVAL)


def figures() -> list[Figure]:
    """Of cards as the simulated source has them, and of ones with every sensor and 18 NVLinks."""
    plain = simulated_cards()
    return [
        _figure("", plain, AT_MOST),
        _figure(", every sensor and 18 NVLinks", [with_everything(one) for one in plain], AT_MOST),
    ]


def _figure(what: str, cards: Sequence[Gpu], target: float) -> Figure:
    node = _Node(cards)
    sizes: list[int] = []
    with tempfile.TemporaryDirectory(prefix="sentinel-history-") as folder:
        path = str(Path(folder) / "history.db")
        for day in range(SEEN):
            for half in range(2):
                now = START + day * DAY + (half + 1) * DAY / 2
                with closing(EmbeddedHistory(path, clock=lambda now=now: now)) as history:
                    for hour in range(12):
                        history.append([node.hour(round(now - DAY / 2) + hour * HOUR)])
                    history.purge(now + HOUR)
            sizes.append(sum(one.stat().st_size for one in Path(folder).iterdir()))
    whole = sizes[-1] + (DAYS - SEEN) * (sizes[-1] - sizes[-2])
    return Figure(
        name=f"history: {NODES * GPUS} GPUs, {DAYS} days, all that an agent sends{what}",
        value=NODES * whole / 2**30,
        unit="GiB",
        target=target,
        how=f"worked out from one node: {len(node.series)} series every {INTERVAL:g} s, weighed after "
        f"{SEEN - 1} and {SEEN} days ({sizes[-2] / 2**20:.1f} and {sizes[-1] / 2**20:.1f} MiB)",
        detail={"bytes_by_day": sizes, "series": len(node.series)},
    )


class _Node:
    def __init__(self, cards: Sequence[Gpu]) -> None:
        chance = random.Random(1)
        self.series = series_of(0, cards)
        self._places = [(_values(metric), chance.randrange(40_000)) for metric, _ in self.series]

    def hour(self, start: float) -> Batch:
        nth = round((start - START) / INTERVAL)
        columns = tuple(
            Column(metric=metric, labels=labels, values=_slice(values, place + nth))
            for (metric, labels), (values, place) in zip(self.series, self._places, strict=True)
        )
        times = tuple(start + INTERVAL * row for row in range(_ROWS))
        return Batch(node="node-0000", sequence=nth, times=times, columns=columns)


def _values(metric: str) -> "array[float]":
    like = metric if metric in METRICS else next((of for part, of in _LIKE if part in metric), None)
    return array("f", (_CONSTANT,)) * _ROWS if like is None else pool(like)


def _slice(values: "array[float]", at: int) -> "array[float]":
    if len(values) == _ROWS:
        return values
    at %= len(values) - _ROWS
    return values[at : at + _ROWS]
