import csv
import json
from pathlib import Path

import pytest
from tests.cli.history.answers import a_report, a_use
from tests.cli.running import Cli

from sentinel.cli.history.usage_table import usage_lines


def test_it_asks_for_what_was_said(cli: Cli) -> None:
    cli.answers("GET reports/usage", a_report([a_use("ada", 4.0)]))
    done = cli("report", "usage", "--by", "user", "--since", "30d", "--json")
    assert json.loads(done.out) == a_report([a_use("ada", 4.0)])
    assert cli.fake.requests[-1].query == {"by": ["user"], "since": ["30d"]}
    cli("report", "usage", "--by", "gpu", "--since", "2027-01-01T00:00:00Z", "--until", "1d")
    assert cli.fake.requests[-1].query == {
        "by": ["gpu"], "since": ["2027-01-01T00:00:00.000Z"], "until": ["1d"],
    }  # fmt: skip


@pytest.mark.usefixtures("utc")
def test_table() -> None:
    rows = [
        a_use("ada", 1234.5, idle_gpu_hours=300.0, unknown_gpu_hours=34.5),
        a_use("bob", 12.34, energy_kwh=None),
        a_use("", 0.25, idle_gpu_hours=None, unknown_gpu_hours=0.25, energy_kwh=0.0),
        a_use("idler", 0.0, idle_gpu_hours=None, energy_kwh=None),
    ]
    report = a_report(rows, totals=a_use(None, 1247.09, coverage=0.5, unknown_gpu_hours=34.75))
    assert usage_lines(report, 80) == [
        "GPUs held from 2026-12-16 08:00 to 2027-01-15 08:00",
        "",
        "USER       GPU-HOURS   IDLE  IDLE %  UNKNOWN    KWH",
        "ada             1234  300.0     25%     34.5  617.2",
        "bob             12.3   3.08     25%     0.00      ?",
        "(unknown)       0.25      ?       -     0.25   0.00",
        "idler           0.00      -       -     0.00      -",
        "all             1247  311.8     26%     34.8  623.5",
        "",
        "GPUs were recorded for 50% of that time; what they did in the rest is in no row",
    ]


def test_it_fits() -> None:
    rows = [a_use(f"GPU-{'0' * 36}{nth}\x1b[2J", 123456.0) for nth in range(3)]
    assert all(len(line) <= 80 and line.isprintable() for line in usage_lines(a_report(rows, by="gpu"), 80))


def test_nobody_and_nothing_known(cli: Cli) -> None:
    cli.answers("GET reports/usage", a_report())
    done = cli("report", "usage")
    assert done.status == 0 and "nobody held any that was recorded" in done.out
    lines = usage_lines(a_report([a_use("ada", 1.0)], totals=a_use(None, 1.0, coverage=None)), None)
    assert lines[-1].endswith("the GPUs were recorded is unknown")


def test_csv(cli: Cli, tmp_path: Path) -> None:
    cli.answers("GET reports/usage", a_report([a_use("=ada", 4.0, energy_kwh=None), a_use("", 1.0)]))
    path = tmp_path / "usage.csv"
    done = cli("report", "usage", "--csv", str(path))
    assert (done.status, done.out) == (0, "")
    assert path.read_text().splitlines() == [
        '"user","gpu_hours","idle_gpu_hours","unknown_gpu_hours","energy_kwh","coverage"',
        '"=ada",4.0,1.0,0.0,"",1.0',
        '"",1.0,0.25,0.0,0.5,1.0',
    ]
    with path.open(newline="") as file:
        assert next(csv.DictReader(file))["user"] == "=ada"
    assert cli("report", "usage", "--csv", str(path)).status == 2
    assert cli("report", "usage", "--csv", str(path), "--force").status == 0


@pytest.mark.parametrize("wrong", [("--by", "cat"), ("--since", "yesterday"), ("--csv", "/nowhere/x.csv")])
def test_usage(cli: Cli, wrong: tuple[str, ...]) -> None:
    done = cli("report", "usage", *wrong)
    assert done.status == 2 and cli.fake.requests == []
