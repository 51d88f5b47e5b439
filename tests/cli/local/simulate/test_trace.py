"""`sentinel simulate trace`: what people and programs are told, and what a wrong call is told."""

import json
from pathlib import Path

import pytest

from sentinel.cli.main import main

HEAD = "timestamp,duration,num_gpus,gpu_time,cluster"
ROWS = (
    "2017-10-03 00:00:00,3600,8,0,abc",
    "2017-10-03 00:10:00,1800,8,0,abc",
    "2017-10-03 00:20:00,600,1,0,def",
)


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "jobs.csv"
    path.write_text("\n".join((HEAD, *ROWS)) + "\n")
    return str(path)


def test_people_see_runs_side_by_side(trace: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "trace", trace, "--nodes", "1x8xH100", "--add", "1x8xH100"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == ["SENTINEL", "SENTINEL", "+1X8XH100"]
    told = {line[:30].strip(): line[30:].split("  ") for line in lines[1:]}
    facts = {name: [cell.strip() for cell in cells if cell.strip()] for name, cells in told.items()}
    assert facts["GPUs"] == ["8", "16"]
    assert facts["waiting, mean"][1] == "6 min 40 s"
    assert "preemptions" not in facts


def test_programs_get_one_object(trace: str, capfd: pytest.CaptureFixture[str]) -> None:
    call = [
        "simulate",
        "trace",
        trace,
        "--nodes",
        "1x8",
        "--policy",
        "fifo",
        "--policy",
        "sentinel",
        "--json",
    ]
    assert main(call) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["trace"] == {"jobs": 3, "left_out": {}, "notes": []}
    assert [run["name"] for run in found["runs"]] == ["fifo", "sentinel"]
    fifo, ours = found["runs"]
    assert fifo["waiting"]["max"] == 4200
    # The other user's job has its turn first: they have had nothing yet.
    assert ours["waiting"]["max"] == 3600
    assert ours["utilisation"] == pytest.approx(100 * (5400 * 8 + 600) / (6000 * 8))


def test_every_job_and_a_picture_are_written(
    trace: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, picture = tmp_path / "jobs.jsonl", tmp_path / "queue.svg"
    call = ["simulate", "trace", trace, "--nodes", "1x8", "--out", str(out), "--chart", str(picture)]
    assert main(call) == 0
    jobs = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(job["id"], job["waited"], job["nodes"]) for job in jobs] == [
        ("philly-2", 0, ["node-00000"]),
        ("philly-3", 3600, ["node-00000"]),
        ("philly-4", 2400, ["node-00000"]),
    ]
    assert jobs[0]["devices"] == [f"node-00000/{n}" for n in range(8)]
    assert picture.read_text().startswith("<svg")
    capfd.readouterr()


def test_accounts_weigh(trace: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    accounts = tmp_path / "accounts.json"
    quota = {"scope": "user", "name": "def", "weight": 1, "limits": {"running_gpus": 0}}
    accounts.write_text(json.dumps([quota]))
    assert main(["simulate", "trace", trace, "--nodes", "1x8", "--accounts", str(accounts), "--json"]) == 0
    (run,) = json.loads(capfd.readouterr().out)["runs"]
    assert (run["jobs"], run["never_began"]) == (2, 1)


def test_what_was_left_out_is_said(trace: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "trace", trace, "--nodes", "1x4", "--limits", "true"]) == 0
    found = capfd.readouterr()
    assert "larger than the cluster" in found.out
    assert main(["simulate", "trace", trace, "--nodes", "2x4", "--limits", "none"]) == 0
    assert "larger than the cluster" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "say what it runs on: --nodes 16x8xH100"),
        (["--nodes", "1x8", "--cluster", "x"], "one of the two"),
        (["--nodes", "eight"], "'eight' is no kind of node"),
        (["--cluster", "/no/such.toml"], "/no/such.toml: cannot be read"),
        (["--nodes", "1x8", "--add", "x"], "'x' is no kind of node"),
        (["--nodes", "1x8", "--policy", "best"], "no policy is called best; there are sentinel, fifo"),
        (["--nodes", "1x8", "--limits", "0.5"], "0.5: time limits are none, asked, true, or a factor"),
        (["--nodes", "1x8", "--format", "excel"], "no format is called excel"),
        (["--nodes", "1x8", "--format", "sacct"], "line 1: no column JobID"),
        (["--nodes", "1x8", "--accounts", "/no/such.json"], "/no/such.json: cannot be read"),
        (["--nodes", "1x8", "--out", "/no/such/file"], "/no/such/file: cannot be written"),
        (["--nodes", "1x8", "--chart", "/no/such/file"], "/no/such/file: cannot be written"),
        (["--nodes", "1x8", "--chart", "x", *["--add", "1x8"] * 4], "at most 4 runs"),
    ],
)
def test_a_wrong_call_says_what_to_do(
    trace: str, options: list[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "trace", trace, *options]) == 2
    error = capfd.readouterr().err
    assert says in error
    assert "Traceback" not in error
