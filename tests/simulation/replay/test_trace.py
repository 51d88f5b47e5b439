"""Clusters as they are written, and jobs as they are put to them."""

from pathlib import Path

import pytest
from tests.simulation.replay.made import job, trace

from sentinel.core.errors import UsageError
from sentinel.simulation.replay.cluster import Machines, cluster_of, read_cluster
from sentinel.simulation.replay.trace import LimitRule, Limits, fitted, limits_from

GIB = 1 << 30


def test_a_cluster_in_short() -> None:
    found = cluster_of("16x8xH100, 4x8xA100-80GB,2x1")
    assert found.machines == (
        Machines(count=16, gpus=8, model="H100"),
        Machines(count=4, gpus=8, model="A100-80GB", gpu_memory_bytes=80 * GIB),
        Machines(count=2, gpus=1),
    )
    assert (found.gpus, found.node_count, found.most_gpus) == (162, 22, 8)
    assert str(found) == "16x8xH100,4x8xA100-80GB,2x1"
    nodes = found.with_more(cluster_of("1x2")).nodes()
    assert len({node.name for node in nodes}) == 23
    assert len({gpu.uuid for node in nodes for gpu in node.gpus or ()}) == 164


@pytest.mark.parametrize("text", ["", "8", "8xH100", "x8", "4x0", "1x65", "16x8xH100,", "-1x8", "200000x1"])
def test_what_is_no_cluster(text: str) -> None:
    with pytest.raises(UsageError, match=r"16x8xH100|at most"):
        cluster_of(text)


def test_a_cluster_in_a_file(tmp_path: Path) -> None:
    toml, as_json = tmp_path / "c.toml", tmp_path / "c.json"
    toml.write_text(
        '[[nodes]]\ncount = 2\ngpus = 8\nmodel = "H100"\ngpu_memory = "80GiB"\ncpus = 128\nmemory = "1TiB"\n'
        "islands = 2\n[[nodes]]\ngpus = 4\n"
    )
    as_json.write_text(
        '{"nodes": [{"count": 2, "gpus": 8, "model": "H100", "gpu_memory": "80GiB", "cpus": 128,'
        ' "memory": "1TiB", "islands": 2}, {"gpus": 4}]}'
    )
    found = read_cluster(toml)
    assert found == read_cluster(as_json)
    assert (found.gpus, found.knows_cpus) == (20, False)
    first = found.nodes()[0]
    assert [gpu.island for gpu in first.gpus or ()] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert (first.cpus, first.memory_bytes) == (128, 1024 * GIB)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[nodes]]\ngpus = 8\nmodle = 'x'\n", "nodes.modle: unknown key; did you mean 'model'"),
        ("[[nodes]]\ncount = 2\n", "nodes.gpus: is missing"),
        ("[[nodes]]\ngpus = 'eight'\n", "nodes.gpus: a whole number from 0 to 64"),
        ("[[nodes]]\ngpus = 8\nmemory = 'much'\n", "nodes.memory: 'much' is no size"),
        ("[[nodes]\n", "not TOML"),
        ("", "there is no GPU in it"),
    ],
)
def test_a_file_that_is_no_cluster(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        read_cluster(path)


def test_openbs_list_of_nodes_is_a_cluster(tmp_path: Path) -> None:
    path = tmp_path / "nodes.csv"
    path.write_text(
        "sn,cpu_milli,memory_mib,gpu,model\na,32000,1024,0,\nb,96000,2048,8,G2\nc,96000,2048,8,G2\n"
    )
    found = read_cluster(path)
    assert found.machines == (
        Machines(count=1, gpus=0, cpus=32, memory_bytes=GIB),
        Machines(count=2, gpus=8, model="G2", cpus=96, memory_bytes=2 * GIB),
    )


@pytest.mark.parametrize(
    ("gpus", "is_"), [(8, (1, 8)), (12, (2, 6)), (16, (2, 8)), (24, (3, 8)), (13, (13, 1))]
)
def test_what_is_wider_than_a_node_is_spread_evenly(gpus: int, is_: tuple[int, int]) -> None:
    (found,) = fitted(trace(job("a", 0, 1, gpus)), cluster_of("20x8"), Limits()).jobs
    assert (found.nodes, found.gpus) == is_
    (told,) = fitted(trace(job("a", 0, 1, gpus, nodes=1)), cluster_of("20x8"), Limits()).jobs
    assert (told.nodes, told.gpus) == (1, gpus)


def test_what_nobody_told_of_the_cluster_is_not_asked_for(tmp_path: Path) -> None:
    asked = trace(job("a", 0, 1, 16, cpus=9, memory_bytes=GIB), job("cpus", 0, 1, 0, cpus=4))
    found = fitted(asked, cluster_of("2x8"), Limits())
    assert [(one.id, one.cpus, one.memory_bytes) for one in found.jobs] == [("a", None, None)]
    assert found.left_out == {"asked for no GPU": 1}
    assert len(found.notes) == 2
    path = tmp_path / "c.toml"
    path.write_text('[[nodes]]\ncount = 2\ngpus = 8\ncpus = 64\nmemory = "1TiB"\n')
    known = fitted(asked, read_cluster(path), Limits())
    assert [(one.id, one.cpus, one.memory_bytes) for one in known.jobs] == [
        ("a", 5, GIB // 2),
        ("cpus", 4, None),
    ]
    assert known.notes == ()


def test_any_gpu() -> None:
    asked = trace(job("a", 0, 1, model="a100", gpu_memory_bytes=80 * GIB))
    (found,) = fitted(asked, cluster_of("1x8xH100"), Limits(), any_gpu=True).jobs
    assert (found.model, found.gpu_memory_bytes) == (None, None)


def test_limits() -> None:
    asked = trace(job("a", 0, 100, limit=300), job("b", 0, 100), job("c", 0, 100, limit=60))
    machines = cluster_of("1x8")

    def limits(rule: Limits) -> list[tuple[float | None, float]]:
        return [(one.limit, one.run) for one in fitted(asked, machines, rule).jobs]

    assert limits(limits_from("asked")) == [(300, 100), (None, 100), (60, 60)]
    assert limits(limits_from("none")) == [(None, 100)] * 3
    assert limits(limits_from("true")) == [(100, 100)] * 3
    assert limits(limits_from("1.5")) == [(150, 100)] * 3
    assert limits_from("1.5").rule is LimitRule.TRUE
    assert "1 jobs are ended by their time limit" in fitted(asked, machines, Limits()).notes[0]


@pytest.mark.parametrize("text", ["0.5", "soon", "nan", "-1", "inf", ""])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(UsageError, match="a factor of 1 or more"):
        limits_from(text)
