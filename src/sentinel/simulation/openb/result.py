"""What a run came to, in figures and as a file of placements.

Used by `sentinel simulate openb` and the benchmark. Allocated and fragmented are reckoned as the FGD
authors do, whatever the policy, so that they compare.
"""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentinel.core.errors import UsageError
from sentinel.scheduling.fragmentation import WHOLE, Ask
from sentinel.simulation.openb.engine import Filled, Placement
from sentinel.simulation.openb.fleet import shares
from sentinel.simulation.openb.policies import typical
from sentinel.simulation.openb.reading import TracePod
from sentinel.simulation.openb.tables import Tables

PLACEMENT_COLUMNS = ("pod", "node", "gpus", "milli")
KINDS = ("cpu", "share", "one-gpu", "multi-gpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Percentages are of the cluster's GPUs. `fragmented`: what a typical pod cannot use of what is free.
    `failed`: kind → pods that fitted nowhere."""

    policy: str
    seed: int
    nodes: int
    gpus: int
    pods: int
    placed: int
    demand_percent: float
    allocated_percent: float
    fragmented_percent: float
    failed: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return {
            "policy": self.policy,
            "seed": self.seed,
            "nodes": self.nodes,
            "gpus": self.gpus,
            "pods": self.pods,
            "placed": self.placed,
            "demand_percent": self.demand_percent,
            "allocated_percent": self.allocated_percent,
            "fragmented_percent": self.fragmented_percent,
            "failed": self.failed,
        }


def figures(filled: Filled, pods: tuple[TracePod, ...]) -> Figures:
    """`pods`: the list that was read, of which the typical ones are taken."""
    fleet = filled.fleet
    tables = Tables(typical([pod.ask for pod in pods]), fleet, look_ahead=False)
    fragmented = int(tables.stranded().sum()) / tables.total
    failed = Counter(kind(pod.ask) for pod in filled.failed)
    return Figures(
        policy=filled.policy,
        seed=filled.seed,
        nodes=len(fleet.nodes),
        gpus=fleet.capacity // WHOLE,
        pods=len(filled.arrived),
        placed=len(filled.placements),
        demand_percent=_percent(sum(pod.ask.total for pod in filled.arrived), fleet.capacity),
        allocated_percent=_percent(fleet.capacity - int(fleet.free.sum()), fleet.capacity),
        fragmented_percent=_percent(fragmented, fleet.capacity),
        failed={name: failed[name] for name in KINDS},
    )


def kind(ask: Ask) -> str:
    """One of KINDS."""
    if not ask.gpus:
        return "cpu"
    if shares(ask):
        return "share"
    return "one-gpu" if ask.gpus == 1 else "multi-gpu"


def write_placements(path: Path, placements: tuple[Placement, ...]) -> None:
    """CSV, one line a pod in the order of their arrival; GPU indices joined by "|". Raises UsageError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(PLACEMENT_COLUMNS)
    for placed in placements:
        writer.writerow((placed.pod, placed.node, "|".join(map(str, placed.gpus)), placed.milli))
    try:
        path.write_text(text.getvalue())
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error


def _percent(part: float, capacity: int) -> float:
    return round(100 * part / capacity, 4)
