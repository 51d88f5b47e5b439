"""The trace's lists are read, and one that is broken says where."""

from pathlib import Path

import pytest
from tests.simulation.openb.traces import NODE_HEAD, NODES, POD_HEAD, node_file, packed, pod_file

from sentinel.core.errors import UsageError
from sentinel.scheduling.fragmentation import Ask
from sentinel.simulation.openb.reading import TraceNode, TracePod, read_nodes, read_pods


def test_nodes_and_pods_are_read_plain_and_packed(tmp_path: Path) -> None:
    nodes = read_nodes(node_file(tmp_path))
    assert nodes[0] == TraceNode(name="node-a", cpu_milli=16000, memory_mib=65536, gpus=2, model="T4")
    assert read_nodes(packed(node_file(tmp_path))) == nodes
    pods = read_pods(pod_file(tmp_path))
    assert read_pods(packed(pod_file(tmp_path))) == pods
    share = Ask(gpus=1, milli=810, cpu_milli=3152, memory_mib=4096)
    assert pods[0] == TracePod(name="share-0", ask=share)
    by_name = {pod.name: pod.ask for pod in pods}
    assert by_name["picky-0"].models == {"V100M16", "V100M32"}
    assert by_name["cpu-0"] == Ask(gpus=0, cpu_milli=12500, memory_mib=4096)


def test_what_pandas_makes_of_holes_is_understood(tmp_path: Path) -> None:
    nodes = read_nodes(node_file(tmp_path, ["a,32000.0,1000,0,nan", *NODES]))
    assert (nodes[0].cpu_milli, nodes[0].model) == (32000, None)
    pods = read_pods(pod_file(tmp_path, ["a,1,1,1,500,nan,LS,Running,0,9,0"]))
    assert pods[0].ask.models is None


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,x,1,8,G2", "line 2, column cpu_milli: 'x': a whole number"),
        ("a,1,-5,8,G2", "line 2, column memory_mib: '-5'"),
        ("a,1,1,65,G2", "line 2, column gpu: '65': a whole number from 0 to 64"),
        ("a,1,1,²,G2", "line 2, column gpu"),
        (",1,1,8,G2", "line 2, column sn: '': a name"),
        ("a,1,1,8", "line 2: 4 columns where line 1 names 5"),
    ],
)
def test_a_broken_node_says_line_and_column(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(UsageError, match=r"nodes\.csv") as raised:
        read_nodes(node_file(tmp_path, [row]))
    assert says in raised.value.message


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,1,1,1,0,,LS,Running,0,9,0", "column gpu_milli: '0': a pod with a GPU needs 1 to 1000"),
        ("a,1,1,2,500,,LS,Running,0,9,0", "column gpu_milli: '500': several GPUs are whole ones"),
        ("a,1,1,1,1001,,LS,Running,0,9,0", "column gpu_milli: '1001'"),
    ],
)
def test_a_broken_pod_says_line_and_column(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_pods(pod_file(tmp_path, [row]))
    assert says in raised.value.message


def test_a_list_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column cpu_milli"):
        read_nodes(_file(tmp_path, "sn,gpu\n"))
    with pytest.raises(UsageError, match="no column sn"):
        read_nodes(_file(tmp_path, ""))
    with pytest.raises(UsageError, match="cannot be read"):
        read_nodes(tmp_path / "nowhere.csv")
    with pytest.raises(UsageError, match="neither CSV nor"):
        read_nodes(_file(tmp_path, b"\x1f\x8bnonsense"))
    with pytest.raises(UsageError, match="neither CSV nor"):
        read_nodes(_file(tmp_path, b"\xff\xfe\x00"))


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="node-a is there more than once"):
        read_nodes(node_file(tmp_path, [NODES[0], NODES[0]]))


def test_nothing_to_fill_and_nothing_to_fill_it_with_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no node has a GPU"):
        read_nodes(_file(tmp_path, f"{NODE_HEAD}\na,1,1,0,\n"))
    with pytest.raises(UsageError, match="no pod asks for a GPU"):
        read_pods(_file(tmp_path, f"{POD_HEAD}\n"))


def _file(folder: Path, content: str | bytes) -> Path:
    path = folder / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
