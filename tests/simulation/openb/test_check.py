"""The checker finds every way in which a placement cannot be. It trusts nothing that the engine wrote."""

import ast
from pathlib import Path

import pytest
from tests.simulation.openb.traces import node_file, packed, pod_file

from sentinel.core.errors import UsageError
from sentinel.simulation.openb import check as checker
from sentinel.simulation.openb.check import Verdict, check


def verdict(folder: Path, *rows: str) -> Verdict:
    file = folder / "out.csv"
    file.write_text("\n".join(("pod,node,gpus,milli", *rows)) + "\n")
    return check(node_file(folder), packed(pod_file(folder)), file)


def test_what_is_feasible_passes(tmp_path: Path) -> None:
    found = verdict(tmp_path, "share-0,node-a,0,810", "two-0,node-b,0|1,1000", "cpu-0,node-b,,0")
    assert found == Verdict(
        placements=3, gpus=15, allocated_percent=round(100 * 2810 / 15000, 4), faults=0, wrong=()
    )


def test_a_pod_may_come_more_than_once(tmp_path: Path) -> None:
    assert verdict(tmp_path, "share-0,node-a,0,810", "share-0,node-a,1,810").faults == 0


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["nobody,node-a,0,810"], "no such pod"),
        (["share-0,node-z,0,810"], "no node node-z"),
        (["two-0,node-b,0,1000"], "has GPUs [0], and asks for 2"),
        (["two-0,node-b,0|0,1000"], "has GPUs [0, 0], and asks for 2"),
        (["share-0,node-a,0,400"], "has 400 milli of each GPU, and asks for 810"),
        (["picky-0,node-b,0,1000"], "asks for V100M16|V100M32, and node-b has G2"),
        (["share-0,node-a,2,810"], "is on GPU 2 of node-a, which has 2"),
        (["share-0,node-a,-1,810"], "is on GPU -1 of node-a"),
        (["share-0,node-a,0,810", "half-0,node-a,0,470"], "brings GPU 0 of node-a to 1280 milli"),
        (["one-0,node-c,0,1000"], "lacks 3300 milli of CPU on node-c"),
        (["cpu-0,node-a,,0", "one-0,node-a,0,1000"], "lacks 7800 milli of CPU on node-a"),
        (["half-0,node-c,0,470"] * 2, "lacks 8000 milli of CPU"),
    ],
)
def test_what_cannot_be_is_found(tmp_path: Path, rows: list[str], says: str) -> None:
    found = verdict(tmp_path, *rows)
    assert found.faults >= 1
    assert any(says in wrong for wrong in found.wrong), found.wrong


def test_memory_counts(tmp_path: Path) -> None:
    node_file(tmp_path)
    pods = pod_file(tmp_path, ["fat,1,65537,1,1000,,LS,Running,0,9,0"])
    file = tmp_path / "out.csv"
    file.write_text("pod,node,gpus,milli\nfat,node-a,0,1000\n")
    assert "lacks 1 MiB of memory on node-a" in check(tmp_path / "nodes.csv", pods, file).wrong[0]


def test_many_faults_are_counted_and_some_are_shown(tmp_path: Path) -> None:
    found = verdict(tmp_path, *["nobody,node-a,0,810"] * 30)
    assert (found.faults, len(found.wrong)) == (30, 20)


def test_a_file_that_is_no_such_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no whole number"):
        verdict(tmp_path, "share-0,node-a,zero,810")
    with pytest.raises(UsageError, match="no whole number"):
        verdict(tmp_path, "share-0,node-a")
    with pytest.raises(UsageError, match="no column"):
        check(node_file(tmp_path), pod_file(tmp_path), node_file(tmp_path))
    with pytest.raises(UsageError, match="cannot be read"):
        check(node_file(tmp_path), pod_file(tmp_path), tmp_path / "none.csv")


def test_it_shares_no_code_with_what_placed() -> None:
    tree = ast.parse(Path(checker.__file__).read_text())
    modules = {found.module for found in ast.walk(tree) if isinstance(found, ast.ImportFrom)}
    assert {name for name in modules if name and name.startswith("sentinel")} == {"sentinel.core.errors"}
