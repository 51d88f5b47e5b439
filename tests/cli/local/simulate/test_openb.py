"""`sentinel simulate openb`: what people and programs are told, and what a wrong call is told."""

import json
import sys
from pathlib import Path

import pytest
from tests.simulation.openb.traces import node_file, pod_file

from sentinel.cli.main import main
from sentinel.simulation.openb.policies import POLICIES


@pytest.fixture
def lists(tmp_path: Path) -> list[str]:
    return ["--nodes", str(node_file(tmp_path)), "--pods", str(pod_file(tmp_path))]


def test_programs_get_one_object(lists: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "openb", *lists, "--seed", "4", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["policy"], found["seed"], found["gpus"]) == ("sentinel", 4, 15)
    assert 0 < found["allocated_percent"] <= 100
    assert 0 <= found["fragmented_percent"] <= 100 - found["allocated_percent"] + 1e-3
    assert found["placed"] + sum(found["failed"].values()) == found["pods"]


def test_people_get_a_line_a_fact(lists: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "openb", *lists, "--policy", "bestfit"]) == 0
    out = capfd.readouterr().out
    assert "bestfit" in out and "4 nodes, 15 GPUs" in out
    assert "allocated" in out and "fragmented" in out


def test_what_was_written_is_proven(
    lists: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "placed.csv"
    assert main(["simulate", "openb", *lists, "--out", str(out), "--json"]) == 0
    run = json.loads(capfd.readouterr().out)
    assert main(["simulate", "openb", *lists, "--check", str(out), "--json"]) == 0
    proof = json.loads(capfd.readouterr().out)
    assert proof["feasible"] and proof["placements"] == run["placed"]
    assert proof["allocated_percent"] == run["allocated_percent"]
    with out.open("a") as file:
        file.write("one-0,node-c,0,1000\n")
    assert main(["simulate", "openb", *lists, "--check", str(out)]) == 1
    assert "lacks" in capfd.readouterr().out


def test_an_unknown_policy_names_those_there_are(lists: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "openb", *lists, "--policy", "wizardry"]) == 2
    err = capfd.readouterr().err
    assert all(name in err for name in POLICIES)


def test_the_help_names_every_policy(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["simulate", "openb", "--help"]) == 0
    help_text = "".join(capfd.readouterr().out.split())
    assert ",".join(POLICIES) in help_text


def test_lists_that_cannot_be_read_are_named(
    lists: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "openb", "--nodes", str(tmp_path / "none.csv"), *lists[2:]]) == 2
    assert "none.csv: cannot be read" in capfd.readouterr().err
    assert main(["simulate", "openb", *lists, "--out", str(tmp_path / "no" / "file.csv")]) == 2
    assert "cannot be written" in capfd.readouterr().err


def test_without_numpy_it_says_what_to_install(
    lists: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("sentinel.simulation.openb")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert main(["simulate", "openb", *lists]) == 1
    assert "pip install 'sentinel-gpu[simulate]'" in capfd.readouterr().err
