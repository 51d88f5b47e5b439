"""The picture is SVG that stands alone, and says what it shows."""

from xml.etree.ElementTree import Element, fromstring

import pytest
from tests.simulation.replay.made import job, replayed

from sentinel.core.errors import UsageError
from sentinel.simulation.replay.chart import chart
from sentinel.simulation.replay.svg import counted, elapsed

SVG = "{http://www.w3.org/2000/svg}"
JOBS = [job(f"j{n}", n * 30.0, 400, 1 + n % 4, owner=f"u{n % 2}") for n in range(40)]


def points(root: Element, run: int) -> list[list[tuple[float, float]]]:
    """Of that run, in each panel."""
    lines = [one for one in root.iter(f"{SVG}polyline") if one.get("class") == f"run{run}"]
    return [
        [(float(x), float(y)) for x, y in (pair.split(",") for pair in (one.get("points") or "").split())]
        for one in lines
    ]


def test_three_panels_with_a_line_for_each_run() -> None:
    text = chart("a <trace>", [("sentinel", replayed(JOBS)), ("fifo +1x4", replayed(JOBS, nodes="2x4"))])
    root = fromstring(text)
    said = " ".join(one.text or "" for one in root.iter(f"{SVG}text"))
    for words in (
        "a <trace>",
        "fifo +1x4",
        "GPUs in use",
        "jobs",
        "% of the jobs",
        "since the first submission",
    ):
        assert words in said
    assert "prefers-color-scheme: dark" in text
    assert "href" not in text
    assert "url(" not in text
    for run in (0, 1):
        assert [len(line) > 10 for line in points(root, run)] == [True, True, True]
    width, height = float(root.get("width") or 0), float(root.get("height") or 0)
    assert all(
        0 <= x <= width and 0 <= y <= height for run in (0, 1) for line in points(root, run) for x, y in line
    )


def test_the_line_of_gpus_in_use_is_as_high_as_they_are_used() -> None:
    root = fromstring(chart("t", [("a", replayed([job("a", 0, 100, 4), job("b", 50, 100, 4)]))]))
    in_use = points(root, 0)[1]
    dashed = next(one for one in root.iter(f"{SVG}line") if one.get("stroke-dasharray"))
    assert {y for _, y in in_use} == {float(dashed.get("y1") or 0)}


def test_an_empty_replay_can_be_drawn() -> None:
    fromstring(chart("t", [("a", replayed([job("a", 0, 1, 9, nodes=1)]))]))


def test_more_runs_than_colours_are_refused() -> None:
    one = replayed(JOBS)
    with pytest.raises(UsageError, match="at most 4 runs, not 5"):
        chart("t", [(str(n), one) for n in range(5)])


def test_axes_are_in_round_steps() -> None:
    assert [says for _, says in counted(685, "jobs").ticks] == ["0", "200", "400", "600", "800"]
    assert counted(0, "jobs").high == 1
    days = elapsed(10 * 86400.0)
    assert days.says.startswith("days")
    assert days.ticks[1] == (2 * 86400.0, "2")
    assert elapsed(3600.0).says.startswith("minutes")
