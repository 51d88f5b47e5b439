"""Small clusters are filled: arrivals, places, and what each policy prefers."""

from pathlib import Path
from random import Random

import pytest
from tests.simulation.openb.traces import NODES, node_file, pod_file

from sentinel.scheduling.fragmentation import Ask
from sentinel.simulation.openb.arrivals import arrive
from sentinel.simulation.openb.check import check
from sentinel.simulation.openb.engine import Filled, fill
from sentinel.simulation.openb.policies import POLICIES, typical
from sentinel.simulation.openb.reading import TraceNode, TracePod, read_nodes, read_pods
from sentinel.simulation.openb.result import figures, write_placements

ONE = Ask(gpus=1)
HALF = Ask(gpus=1, milli=500)


def pods_of(*asks: Ask) -> list[TracePod]:
    return [TracePod(name=f"pod-{number}", ask=ask) for number, ask in enumerate(asks)]


def node(name: str, gpus: int, *, cpu: int = 96_000, model: str = "T4") -> TraceNode:
    return TraceNode(name=name, cpu_milli=cpu, memory_mib=1 << 20, gpus=gpus, model=model)


def run(folder: Path, policy: str = "sentinel", seed: int = 1) -> Filled:
    nodes, pods = read_nodes(node_file(folder)), read_pods(pod_file(folder))
    return fill(nodes, pods, seed=seed, policy=POLICIES[policy])


# ---------------------------------------------------------------------- arrivals


def test_all_of_the_list_arrives_then_more_of_it_up_to_the_demand() -> None:
    pods = pods_of(ONE, HALF, Ask(gpus=0))
    arriving = arrive(pods, 10_000, Random(1))
    demand = sum(pod.ask.total for pod in arriving)
    assert sorted(pod.name for pod in arriving[:3]) == ["pod-0", "pod-1", "pod-2"]
    assert 12_000 < demand <= 13_000


def test_a_list_that_asks_for_more_loses_pods() -> None:
    pods = pods_of(*[ONE] * 50)
    arriving = arrive(pods, 10_000, Random(1))
    assert len(arriving) == 13
    assert set(arriving) < set(pods)


def test_the_seed_decides_the_order() -> None:
    pods = pods_of(*[ONE] * 20)
    assert arrive(pods, 30_000, Random(1)) == arrive(pods, 30_000, Random(1))
    assert arrive(pods, 30_000, Random(1)) != arrive(pods, 30_000, Random(2))


# ---------------------------------------------------------------------- whole runs


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_places_feasibly_and_gives_up_on_nothing_that_fits(tmp_path: Path, policy: str) -> None:
    filled = run(tmp_path, policy)
    out = tmp_path / "out.csv"
    write_placements(out, filled.placements)
    verdict = check(tmp_path / "nodes.csv", tmp_path / "pods.csv", out)
    assert verdict.wrong == ()
    found = figures(filled, read_pods(tmp_path / "pods.csv"))
    assert verdict.allocated_percent == found.allocated_percent > 50
    assert found.placed + sum(found.failed.values()) == found.pods == len(filled.arrived)
    # Nobody leaves, so what fits in the end would have fitted when it came.
    fleet = filled.fleet
    for pod in filled.failed:
        assert not any(fleet.room(row).fits(pod.ask) for row in range(len(fleet.nodes)))


@pytest.mark.parametrize("policy", ["sentinel", "random"])
def test_a_run_can_be_repeated(tmp_path: Path, policy: str) -> None:
    assert run(tmp_path, policy).placements == run(tmp_path, policy).placements
    assert run(tmp_path, policy).placements != run(tmp_path, policy, seed=2).placements


def test_every_policy_sees_the_same_arrivals(tmp_path: Path) -> None:
    assert len({run(tmp_path, policy).arrived for policy in POLICIES}) == 1


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    nodes, pods = read_nodes(node_file(tmp_path)), read_pods(pod_file(tmp_path))
    filled = fill(nodes, pods, seed=1, progress=lambda arrived, of: told.append((arrived, of)))
    assert told[0] == (0, len(filled.arrived))


def test_a_pod_goes_only_to_a_model_that_it_wants(tmp_path: Path) -> None:
    models = {row.split(",")[0]: row.split(",")[4] for row in NODES}
    placed = [where for where in run(tmp_path).placements if where.pod == "picky-0"]
    assert placed and all(models[where.node] in ("V100M16", "V100M32") for where in placed)


def test_failures_are_counted_by_kind() -> None:
    pods = pods_of(Ask(gpus=8), *[ONE] * 2)
    filled = fill([node("a", 4), node("b", 4)], pods, seed=1)
    assert [pod.name for pod in filled.failed] == ["pod-0"]
    assert figures(filled, tuple(pods)).failed == {"cpu": 0, "share": 0, "one-gpu": 0, "multi-gpu": 1}


# ---------------------------------------------------------------------- what policies prefer


def placed_nodes(policy: str, nodes: list[TraceNode], asks: list[Ask]) -> list[str]:
    """Where the pods of the list go; none of those that are drawn afterwards count."""
    filled = fill(nodes, pods_of(*asks), seed=3, policy=POLICIES[policy])
    return [placed.node for placed in filled.placements[: len(asks)]]


@pytest.mark.parametrize("policy", ["sentinel", "fgd", "bestfit", "gpu-packing", "dotprod"])
def test_two_halves_share_a_gpu(policy: str) -> None:
    filled = fill([node("a", 2), node("b", 2)], pods_of(HALF, HALF), seed=3, policy=POLICIES[policy])
    first, second = filled.placements[:2]
    assert (first.node, first.gpus) == (second.node, second.gpus)


def test_best_fit_takes_the_smallest_node() -> None:
    assert placed_nodes("bestfit", [node("big", 8), node("small", 1, cpu=8000)], [ONE]) == ["small"]


def test_clustering_keeps_kinds_apart() -> None:
    nodes = [node("a", 4), node("b", 4)]
    where = placed_nodes("gpu-clustering", nodes, [ONE, HALF])
    assert len(set(where)) == 2


def test_ours_puts_work_without_a_gpu_where_cpu_is_left_over() -> None:
    nodes = [node("scarce", 8, cpu=96_000), node("ample", 2, cpu=104_000)]
    plain, typical_ask = Ask(gpus=0, cpu_milli=32_000), Ask(gpus=1, cpu_milli=11_300)
    filled = fill(nodes, pods_of(plain, *[typical_ask] * 9), seed=0)
    assert {where.node for where in filled.placements if where.pod == "pod-0"} == {"ample"}


def test_typical_pods_are_the_most_frequent_95_percent_without_their_memory() -> None:
    often = [Ask(gpus=1, memory_mib=memory) for memory in range(96)]
    mix = typical([*often, *[HALF] * 4])
    assert mix.counts == {Ask(gpus=1): 96}
    assert typical([*often[:90], *[HALF] * 10]).counts == {Ask(gpus=1): 90, HALF: 10}
