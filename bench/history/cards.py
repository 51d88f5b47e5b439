"""What the GPUs of simulated nodes measure, as batches: twelve metrics that move as a card's do."""

import random
from array import array
from collections.abc import Callable, Sequence
from functools import cache

from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import Labels, labels_from

INTERVAL = 10.0
GPUS = 8
_POOL = 50_000  # values of each metric; a card reads them from a place of its own on
_MODELS = ("NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB")
_USERS = ("anna", "ben", "chris", "dora", "emil")


def _walk(low: float, high: float, step: float, grain: float) -> Callable[[random.Random, int], float]:
    """Half the time a job keeps the value near a level, with noise; levels last some minutes."""
    level = [low]

    def value(chance: random.Random, nth: int) -> float:
        if nth % 90 == 0:
            level[0] = chance.uniform(low, high) if chance.random() < 0.5 else low
        return round((level[0] + chance.gauss(0, step)) / grain) * grain

    return value


def _steps(values: Sequence[float]) -> Callable[[random.Random, int], float]:
    """Stays the same for most of an hour."""
    level = [values[0]]

    def value(chance: random.Random, nth: int) -> float:
        if nth % 300 == 0:
            level[0] = chance.choice(values)
        return level[0]

    return value


def _growing(chance: random.Random, nth: int) -> float:
    return nth * 3500.0 + chance.randrange(3500)


METRICS: dict[str, Callable[[random.Random, int], float]] = {
    "gpu_utilization_percent": _walk(0, 100, 3, 1),
    "gpu_memory_utilization_percent": _walk(0, 70, 3, 1),
    "gpu_memory_used_bytes": _steps([nth * 2.0**31 for nth in range(1, 40, 3)]),
    "gpu_memory_total_bytes": _steps([80.0 * 2**30]),
    "gpu_temperature_celsius": _walk(35, 85, 0.7, 1),
    "gpu_memory_temperature_celsius": _walk(40, 90, 0.7, 1),
    "gpu_power_watts": _walk(90, 690, 12, 0.001),
    "gpu_energy_joules_total": _growing,
    "gpu_sm_clock_hertz": _walk(1.4e9, 1.98e9, 1.5e7, 1.5e7),
    "gpu_pcie_transmit_bytes_per_second": _walk(0, 2e10, 1e8, 1000),
    "gpu_ecc_errors_total": _steps([0.0]),
    "gpu_user_memory_bytes": _steps([nth * 2.0**31 for nth in range(1, 40, 3)]),
}


@cache
def pool(metric: str) -> "array[float]":
    chance = random.Random(metric)
    value = METRICS[metric]
    return array("f", (value(chance, nth) for nth in range(_POOL)))


def labels(node: int, gpu: int, metric: str) -> Labels:
    named = {
        "node": f"node-{node:04d}",
        "gpu": str(gpu),
        "uuid": f"GPU-{node:08x}-0000-0000-0000-{gpu:012x}",
        "sku": _MODELS[node % len(_MODELS)],
    }
    if metric == "gpu_user_memory_bytes":
        named["user"] = _USERS[(node + gpu) % len(_USERS)]
    return labels_from(named)


@cache
def _named(node: int) -> tuple[tuple[str, Labels, int], ...]:
    """Metric, labels and place in the pool of each series of a node."""
    chance = random.Random(node)
    return tuple(
        (metric, labels(node, gpu, metric), chance.randrange(_POOL))
        for metric in METRICS
        for gpu in range(GPUS)
    )


def batch(node: int, start: float, count: int) -> Batch:
    """`count` samples from `start` on."""
    at = int(start / INTERVAL)
    columns = tuple(
        Column(metric=metric, labels=named, values=_values(pool(metric), (place + at) % _POOL, count))
        for metric, named, place in _named(node)
    )
    return Batch(
        node=f"node-{node:04d}",
        sequence=at,
        times=tuple(start + INTERVAL * nth for nth in range(count)),
        columns=columns,
    )


def _values(pool: "array[float]", at: int, count: int) -> "array[float]":
    found = pool[at : at + count]
    return found + pool[: count - len(found)] if len(found) < count else found
