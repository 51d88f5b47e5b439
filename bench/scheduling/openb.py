"""How much of Alibaba's openb cluster each policy allocates, beside what the FGD authors published.

Six policies of theirs prove the simulator: each within half a point of their mean. Then Sentinel's own on
every list, against their FGD where they published it and against ours where they did not. Needs
SENTINEL_REAL_DATA.
"""

import csv
import os
import statistics
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

from bench.figure import Figure
from bench.workstation.arbiter import BenchmarkError
from sentinel.simulation.openb.engine import fill
from sentinel.simulation.openb.policies import POLICIES
from sentinel.simulation.openb.reading import TraceNode, TracePod, read_nodes, read_pods

PUBLISHED_NAMES = {
    "random": "01-Random",
    "dotprod": "02-DotProd",
    "gpu-clustering": "03-GpuClustering",
    "gpu-packing": "04-GpuPacking",
    "bestfit": "05-BestFit",
    "fgd": "06-FGD",
}
OFF_AT_MOST = 0.5  # points
PROCESSES = 2
_SEEDS, _SEEDS_OF_OTHERS, _SEEDS_QUICK = 10, 3, 1

Run = tuple[str, str, int]  # list, policy, seed


def measure(quick: bool) -> list[Figure]:
    folder = _folder()
    published = _published(folder)
    lists = sorted(path.name.removesuffix(".csv.gz") for path in _lists(folder))
    seeds = {
        name: range(_SEEDS_QUICK if quick else _SEEDS if name.endswith("default") else _SEEDS_OF_OTHERS)
        for name in lists
    }
    default = next(name for name in lists if name.endswith("default"))
    runs = [(default, policy, seed) for policy in PUBLISHED_NAMES for seed in seeds[default]]
    runs += [(name, "sentinel", seed) for name in lists for seed in seeds[name]]
    runs += [(name, "fgd", seed) for name in lists if (name, "fgd") not in published for seed in seeds[name]]
    with ProcessPoolExecutor(PROCESSES) as pool:
        found = dict(zip(runs, pool.map(allocated, runs), strict=True))

    def of(name: str, policy: str) -> list[float]:
        return [found[name, policy, seed] for seed in seeds[name]]

    figures = [_beside(policy, of(default, policy), published[default, policy]) for policy in PUBLISHED_NAMES]
    for name in sorted(lists, key=lambda name: (name != default, name)):
        theirs = published.get((name, "fgd"))
        fgd = statistics.fmean(of(name, "fgd")) if theirs is None else theirs
        figures.append(
            _own(name, of(name, "sentinel"), fgd, "our FGD" if theirs is None else "published FGD")
        )
    return figures


def allocated(run: Run) -> float:
    """% of the cluster's GPUs after one run."""
    name, policy, seed = run
    nodes, pods = _read(name)
    fleet = fill(nodes, pods, seed=seed, policy=POLICIES[policy]).fleet
    return 100 - 100 * int(fleet.free.sum()) / fleet.capacity


def _beside(policy: str, ours: Sequence[float], theirs: float) -> Figure:
    mean = statistics.fmean(ours)
    return Figure(
        name=f"openb: {policy}, off the published mean",
        value=round(abs(mean - theirs), 4),
        unit="points",
        target=OFF_AT_MOST,
        how=f"{mean:.2f} % of the GPUs allocated, {len(ours)} seeds; published {theirs:.2f} %",
        detail=_detail(ours),
    )


def _own(name: str, ours: Sequence[float], theirs: float, whose: str) -> Figure:
    mean = statistics.fmean(ours)
    return Figure(
        name=f"openb {name.removeprefix('openb_pod_list_')}: left unallocated",
        value=round(100 - mean, 4),
        unit="%",
        target=round(100 - theirs, 4),
        how=f"{mean:.2f} % allocated, {len(ours)} seeds, lowest {min(ours):.2f}; {whose} {theirs:.2f} %",
        detail=_detail(ours),
    )


def _detail(allocated_percent: Sequence[float]) -> dict[str, list[float]]:
    return {"allocated_percent": [round(value, 4) for value in allocated_percent]}


def _folder() -> Path:
    given = os.environ.get("SENTINEL_REAL_DATA")
    if not given:
        raise BenchmarkError("SENTINEL_REAL_DATA is not set; it names the folder with the public traces")
    folder = Path(given) / "3_cluster_traces"
    if not (folder / "openb_2023").is_dir():
        raise BenchmarkError(f"{folder} has no folder openb_2023")
    return folder


def _lists(folder: Path) -> list[Path]:
    return list((folder / "openb_2023").glob("openb_pod_list_*.csv.gz"))


def _published(folder: Path) -> dict[tuple[str, str], float]:
    """List and policy → mean % at a demand of 130 %."""
    policies = {theirs: ours for ours, theirs in PUBLISHED_NAMES.items()}
    with (folder / "fgd_results" / "summary_by_workload_policy.csv").open(newline="") as file:
        return {
            (row["workload"], policies[row["policy"]]): float(row["alloc_pct_at_130_mean"])
            for row in csv.DictReader(file)
        }


@cache
def _read(name: str) -> tuple[tuple[TraceNode, ...], tuple[TracePod, ...]]:
    folder = _folder() / "openb_2023"
    return read_nodes(folder / "openb_node_list_gpu_node.csv.gz"), read_pods(folder / f"{name}.csv.gz")
