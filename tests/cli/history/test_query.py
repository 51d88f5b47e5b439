import io
import json
import sys
import time

import pytest
from tests.cli.history.answers import START, a_series, an_answer
from tests.cli.running import Cli
from tests.client.fake_controller import problem

from sentinel.cli.history.chart import chart_lines
from sentinel.cli.history.options import asked_moment
from sentinel.cli.history.sparkline import BLOCKS, LETTERS, levels_for, sparkline
from sentinel.cli.history.words import value_text
from sentinel.core.errors import UsageError
from sentinel.core.timestamp import epoch

METRIC = "gpu_temperature_celsius"
EVIL = "\x1b[2Jev\u202eil\n"


def test_the_json_is_the_list_of_series(cli: Cli) -> None:
    series = a_series(40.0, None, 42.5, gpu="0")
    cli.answers("GET history/query", an_answer([series]))
    done = cli("history", "query", "--metric", METRIC, "--since", "1h", "--json")
    assert done.status == 0
    assert json.loads(done.out) == [{"metric": METRIC, **series}]
    assert cli.fake.requests[-1].query == {"metric": [METRIC], "since": ["1h"], "how": ["avg"]}


def test_everything_is_handed_on(cli: Cli) -> None:
    cli.answers("GET history/query", an_answer([a_series(1.0)]))
    cli(
        "history", "query", "-m", METRIC, "--node", "n1", "--gpu", "0", "--user", "ada",
        "--match", "sku=H100", "--match", "sku=A100", "--since", "2027-01-15T08:00:00Z", "--until", "30m",
        "--step", "1m", "--how", "max", "--by", "user, node",
    )  # fmt: skip
    assert cli.fake.requests[-1].query == {
        "metric": [METRIC], "node": ["n1"], "gpu": ["0"], "user": ["ada"], "match": ["sku=H100", "sku=A100"],
        "since": ["2027-01-15T08:00:00.000Z"], "until": ["30m"], "step": ["1m"], "how": ["max"],
        "by": ["user,node"],
    }  # fmt: skip


@pytest.mark.usefixtures("utc")
def test_the_view() -> None:
    answer = an_answer(
        [
            a_series(40.0, 41.0, None, 47.0, gpu="0", sku="NVIDIA H100"),
            a_series(None, None, None, None, gpu="1", sku="NVIDIA H100"),
        ]
    )
    assert chart_lines(answer, 80, LETTERS) == [
        "gpu_temperature_celsius (°C), avg",
        "from 2027-01-15 08:00 to 2027-01-15 08:04, every 1 min",
        "all: node=n1 sku=NVIDIA H100",
        "",
        "gpu=0",
        "  _. #",
        "  min 40, avg 42.67, max 47, last 47 (1 of 4 unknown)",
        "",
        "gpu=1",
        "",
        "  unknown",
    ]


def test_it_fits_whatever_is_in_it() -> None:
    values = [float(nth % 97) for nth in range(5000)]
    many = [a_series(*values, gpu=str(nth), container=EVIL * 20) for nth in range(3)]
    lines = chart_lines(an_answer(many, unit="bytes_per_second"), 80, BLOCKS)
    assert all(len(line) <= 80 and line.isprintable() for line in lines)
    assert sum(len(line) == 80 for line in lines) >= 3, "the sparklines take what there is"


def test_a_line_of_characters() -> None:
    assert sparkline([0, 1, 2, 3, None, 7], 80, BLOCKS, low=0, high=7) == "▁▂▃▄ █"
    assert sparkline([5.0, 5.0], 80, LETTERS, low=5, high=5) == "__"
    # Each character is the mean of its part; what is unknown throughout is a gap.
    assert sparkline([0, 0, 7, 7, None, None, None, 7], 4, LETTERS, low=0, high=7) == "_# #"
    assert sparkline([], 4, LETTERS, low=0, high=0) == ""
    assert (levels_for("utf-8"), levels_for("ascii"), levels_for(None)) == (BLOCKS, LETTERS, LETTERS)


def test_a_terminal_without_unicode_gets_letters(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.answers("GET history/query", an_answer([a_series(40.0, 80.0)]))
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", plain)
        cli("history", "query", "-m", METRIC)
    plain.seek(0)
    assert "_#" in plain.read()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "", "?"), (0.0, "percent", "0"), (56.25, "celsius", "56.25"), (123456.0, "joules", "123456"),
        (2.0**31, "bytes", "2 GiB"), (1.98e9, "hertz", "1.98 GHz"), (1e6, "bytes_per_second", "977 KiB/s"),
        (0.0004, "gpus", "0.0004"), (1e20, "", "1e+20"),
    ],
)  # fmt: skip
def test_values(value: float | None, unit: str, text: str) -> None:
    assert value_text(value, unit) == text


@pytest.mark.usefixtures("utc")
def test_nothing_says_when_there_is_something(cli: Cli) -> None:
    known = {"series": 2, "first": START - 86_400, "last": START - 3600}
    cli.answers("GET history/query", an_answer(known=known))
    done = cli("history", "query", "-m", METRIC)
    assert done.status == 0
    assert done.out == (
        f"nothing of {METRIC} from 2027-01-15 08:00 to 2027-01-15 09:00; there is some from "
        "2027-01-14 08:00 to 2027-01-15 07:00: --since and --until say from when to when\n"
    )
    cli.answers("GET history/query", an_answer(known={"series": 0, "first": None, "last": None}))
    assert (
        f"sentinel history query --metric {METRIC}"
        in cli("history", "query", "-m", METRIC, "--node", "x").out
    )
    assert json.loads(cli("history", "query", "-m", METRIC, "--json").out) == []


def test_a_metric_that_nobody_knows(cli: Cli) -> None:
    cli.answers(
        "GET history/query",
        problem(404, "there is no metric 'gpu_temp'", f"there is {METRIC}", "no-such-metric"),
    )
    done = cli("history", "query", "-m", "gpu_temp")
    assert done.status == 1
    assert METRIC in done.err


def test_what_was_cut_is_said(cli: Cli) -> None:
    cli.answers("GET history/query", an_answer([a_series(1.0)], truncated=True))
    done = cli("history", "query", "-m", METRIC, "--json")
    assert "more series than one answer takes" in done.err and json.loads(done.out)


@pytest.mark.parametrize(
    "wrong",
    [
        ("-m", "a b"),
        ("-m", METRIC, "--since", "yesterday"),
        ("-m", METRIC, "--until", "soon"),
        ("-m", METRIC, "--step", "often"),
        ("-m", METRIC, "--match", "sku"),
        ("-m", METRIC, "--match", "=x"),
        ("-m", METRIC, "--by", "user,"),
        ("-m", METRIC, "--how", "median"),
        (),
    ],
)
def test_usage(cli: Cli, wrong: tuple[str, ...]) -> None:
    done = cli("history", "query", *wrong)
    assert done.status == 2 and done.err
    assert cli.fake.requests == []


@pytest.mark.parametrize(
    ("zone", "text", "utc_time"),
    [
        ("Europe/Berlin", "2027-03-28 01:30", "2027-03-28T00:30:00.000Z"),
        ("Europe/Berlin", "2027-03-28 03:30", "2027-03-28T01:30:00.000Z"),
        ("Asia/Kolkata", "2027-01-15 13:30", "2027-01-15T08:00:00.000Z"),
    ],
)
def test_local_times(monkeypatch: pytest.MonkeyPatch, zone: str, text: str, utc_time: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert asked_moment("--since", text, START) == utc_time
    finally:
        monkeypatch.undo()
        time.tzset()


def test_moments() -> None:
    assert asked_moment("--since", None, START) is None
    assert asked_moment("--since", " 90 M ", START) == "90m"
    now = asked_moment("--until", "now", START)
    assert now is not None and epoch(now) == START
    with pytest.raises(UsageError, match="--since soon: a duration like 90m"):
        asked_moment("--since", "soon", START)


def test_metrics(cli: Cli) -> None:
    items = [{"name": METRIC, "help": "Temperature of the chip. " * 9, "unit": "celsius", "series": 1024}]
    cli.answers("GET history/metrics", {"items": items, "next": None})
    assert json.loads(cli("history", "metrics", "--json").out) == items
    heading, row = cli("history", "metrics").out.splitlines()
    assert heading.split() == ["METRIC", "SERIES", "WHAT", "IT", "IS"]
    assert row.startswith(f"{METRIC}    1024  Temperature of the chip.") and len(row) <= 80
    cli.answers("GET history/metrics", {"items": [], "next": None})
    assert "sentinel agent" in cli("history", "metrics").out
