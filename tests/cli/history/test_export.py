import csv
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.history.answers import START, a_series, an_answer
from tests.cli.running import Cli
from tests.client.fake_controller import Request

from sentinel.cli.history.new_file import write_new
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.timestamp import epoch

METRIC = "gpu_temperature_celsius"
FORMULA = '=HYPERLINK("http://x","y")'


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_point(cli: Cli, tmp_path: Path) -> None:
    series = [a_series(40.25, None, gpu="0"), a_series(1.0, 2.0, user="ada")]
    cli.answers("GET history/query", an_answer(series))
    path = tmp_path / "out.csv"
    done = cli("history", "export", "-m", METRIC, "-o", str(path))
    assert (done.status, done.out) == (0, f"{path}: 4 rows of 2 series\n")
    assert path.read_text().splitlines()[:3] == [
        '"time","metric","gpu","node","user","value"',
        f'"2027-01-15T08:00:00.000Z","{METRIC}","0","n1","",40.25',
        f'"2027-01-15T08:01:00.000Z","{METRIC}","0","n1","",""',
    ]
    assert [row["value"] for row in read(path)] == ["40.25", "", "1.0", "2.0"]


def test_labels_are_data_whatever_they_are(cli: Cli, tmp_path: Path) -> None:
    texts = [FORMULA, "+1", "-1", "@SUM(1)", 'a"b,c\nd', "ü"]
    cli.answers("GET history/query", an_answer([a_series(1.0, container=text, value="x") for text in texts]))
    path = tmp_path / "out.csv"
    assert cli("history", "export", "-m", METRIC, "-o", str(path), "--json").status == 0
    rows = read(path)
    assert [row["container"] for row in rows] == texts, "nothing is put before it, nothing is lost"
    assert [row["label_value"] for row in rows] == ["x"] * 6 and rows[0]["value"] == "1.0"
    assert f'"{FORMULA.replace(chr(34), chr(34) * 2)}"' in path.read_text()


def test_a_file_that_is_there_is_not_replaced(cli: Cli, tmp_path: Path) -> None:
    cli.answers("GET history/query", an_answer([a_series(1.0)]))
    path = tmp_path / "out.csv"
    path.write_text("mine")
    done = cli("history", "export", "-m", METRIC, "-o", str(path))
    assert done.status == 2 and "--force" in done.err
    assert path.read_text() == "mine" and cli.fake.requests == []
    assert cli("history", "export", "-m", METRIC, "-o", str(path), "--force").status == 0
    assert len(read(path)) == 1
    assert sorted(one.name for one in tmp_path.iterdir() if one.suffix != ".pem") == ["out.csv"]


def test_what_is_written_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"

    def half(temporary: Path) -> None:
        temporary.write_text("half")
        assert not path.exists()
        raise OSError(28, "No space left on device")

    with pytest.raises(SentinelError, match="No space left on device"):
        write_new(path, half, force=False)
    assert list(tmp_path.iterdir()) == []

    def late(temporary: Path) -> None:
        temporary.write_text("mine")
        path.write_text("another's")

    with pytest.raises(UsageError, match="just now"):
        write_new(path, late, force=False)
    assert path.read_text() == "another's"
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


def test_its_mode_is_what_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_new(tmp_path / "out.csv", lambda at: at.write_text("x") and None, force=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["out.txt", "out", "nowhere/out.csv", "."])
def test_names_that_cannot_be(cli: Cli, tmp_path: Path, name: str) -> None:
    done = cli("history", "export", "-m", METRIC, "-o", str(tmp_path / name))
    assert done.status == 2 and cli.fake.requests == []


def test_nothing_is_no_file(cli: Cli, tmp_path: Path) -> None:
    cli.answers("GET history/query", an_answer(known={"series": 1, "first": START, "last": START}))
    done = cli("history", "export", "-m", METRIC, "-o", str(tmp_path / "out.csv"))
    assert done.status == 1 and "nothing of" in done.err
    assert not (tmp_path / "out.csv").exists()


def test_what_one_answer_does_not_take_is_asked_in_pieces(cli: Cli, tmp_path: Path) -> None:
    """An answer takes three points here; the range begins and ends within a step."""
    start, end = START + 30, START + 60 * 9 + 15

    def answer(request: Request) -> Any:
        first = epoch(request.query.get("since", [""])[0]) or start
        last = epoch(request.query.get("until", [""])[0]) or end
        grid = first // 60 * 60
        count = -int(-(last - grid) // 60)
        values = [grid + nth * 60 - START for nth in range(count)]
        some = [a_series(*values, start=grid)]
        assert request.query["how"] == ["max"]
        return an_answer(some, start=first, end=last, truncated=count > 3)

    cli.answers("GET history/query", answer)
    path = tmp_path / "out.csv"
    done = cli("history", "export", "-m", METRIC, "-o", str(path), "--how", "max", "--json")
    assert json.loads(done.out) == {"file": str(path), "rows": 10, "series": 1}
    assert [float(row["value"]) for row in read(path)] == [60.0 * nth for nth in range(10)]


def test_series_that_are_too_many_even_so(cli: Cli, tmp_path: Path) -> None:
    cli.answers("GET history/query", an_answer([a_series(1.0, 2.0)], truncated=True))
    done = cli("history", "export", "-m", METRIC, "-o", str(tmp_path / "out.csv"))
    assert done.status == 1 and "--node" in done.err


def test_without_pyarrow_it_says_what_to_install(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = cli("history", "export", "-m", METRIC, "-o", str(tmp_path / "out.parquet"))
    assert done.status == 1
    assert "pip install 'sentinel-gpu[parquet]'" in done.err and cli.fake.requests == []


def test_parquet(cli: Cli, tmp_path: Path) -> None:
    from pyarrow import parquet

    cli.answers(
        "GET history/query", an_answer([a_series(40.25, None, gpu=FORMULA), a_series(1.0, user="ada")])
    )
    path = tmp_path / "out.parquet"
    assert cli("history", "export", "-m", METRIC, "-o", str(path)).status == 0
    table = parquet.read_table(str(path))
    assert str(table.schema.field(0).type) == "timestamp[ms, tz=UTC]"
    rows = table.to_pylist()
    assert [(row["time"].timestamp(), row["gpu"], row["user"], row["value"]) for row in rows] == [
        (START, FORMULA, None, 40.25), (START + 60, FORMULA, None, None), (START, None, "ada", 1.0),
    ]  # fmt: skip
