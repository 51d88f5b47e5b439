"""Reports of usage, against the same added up sample by sample, from a real history."""

from array import array
from collections.abc import Iterator
from itertools import pairwise
from math import nan
from pathlib import Path

import pytest

from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import Labels, label_of, labels_from
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.telemetry.rhythm import DAY, HOUR
from sentinel.telemetry.usage_reading import parts, stretches
from sentinel.telemetry.usage_report import Report, Row, report, usage

NOW = 1_800_000_000 // 86_400 * 86_400 + 13 * HOUR + 37 * 60.0
KWH = 3.6e6


@pytest.fixture
def history(tmp_path: Path) -> Iterator[EmbeddedHistory]:
    made = EmbeddedHistory(str(tmp_path / "history.db"), clock=lambda: NOW)
    yield made
    made.close()


def card(node: str = "n1", gpu: int = 0, **more: str) -> Labels:
    return labels_from({"node": node, "gpu": str(gpu), "uuid": f"GPU-{node}-{gpu}", "sku": "H100", **more})


class Recorder:
    """Samples of GPUs as agents send them."""

    def __init__(self, history: EmbeddedHistory, every: float = 10.0) -> None:
        self.history, self.every = history, every
        self.known: dict[tuple[str, Labels], dict[float, float]] = {}

    def up(self, start: float, end: float, node: str = "n1", gpu: int = 0, *, busy: bool = True) -> None:
        self._put("gpu_up", card(node, gpu), start, end, 1.0)
        if busy:
            self._put("gpu_utilization_percent", card(node, gpu), start, end, 50.0)

    def held(
        self,
        user: str,
        start: float,
        end: float,
        *,
        part: float = 1.0,
        idle: float | None = 0.0,
        watts: float | None = 360.0,
        node: str = "n1",
        gpu: int = 0,
    ) -> None:
        labels = card(node, gpu, user=user, origin="queue")
        self._put("gpu_held", labels, start, end, part)
        if idle is not None:
            self._put("gpu_held_idle", labels, start, end, idle)
        if watts is not None:
            self._put("gpu_held_power_watts", labels, start, end, watts)

    def _put(self, metric: str, labels: Labels, start: float, end: float, value: float) -> None:
        count = round((end - start) / self.every)
        told = self.known.setdefault((metric, labels), {})
        told.update((start + nth * self.every, value) for nth in range(count))

    def send(self) -> None:
        for node in {label_of(labels, "node") for _, labels in self.known}:
            mine = {key: told for key, told in self.known.items() if label_of(key[1], "node") == node}
            times = sorted({at for told in mine.values() for at in told})
            columns = tuple(
                Column(metric=metric, labels=labels, values=array("f", [told.get(at, nan) for at in times]))
                for (metric, labels), told in mine.items()
            )
            self.history.append([Batch(node=node, sequence=0, times=tuple(times), columns=columns)])
        self.history.purge(NOW)


def by(
    history: EmbeddedHistory, start: float, end: float = NOW, label: str = "user", period: float = DAY
) -> Report:
    found = usage(stretches(history, start, end, period), start, end, period)
    return report(found, lambda labels: label_of(labels, label), of_gpus=label in ("node", "uuid", "sku"))


def rows(found: Report) -> dict[str, Row]:
    return {row.key: row for row in found.rows}


def test_a_month_is_read_by_days_and_its_edges_by_minutes() -> None:
    start, end = 10 * DAY + 5 * HOUR + 1230.0, 14 * DAY + 2 * HOUR + 60.0
    found = parts(start, end, DAY)
    assert [(round(first - start), step) for first, _, step in found] == [
        (0, 60.0), (2370, HOUR), (67_170, DAY), (326_370, HOUR), (333_570, 60.0),
    ]  # fmt: skip
    assert found[0][0] == start and found[-1][1] == end
    assert all(one[1] == other[0] for one, other in pairwise(found))
    assert parts(1000.0, 1500.0, DAY) == [(1000.0, 1500.0, 60.0)]
    assert parts(start, end, HOUR)[1] == (start + 2370, 14 * DAY + 2 * HOUR, HOUR)
    assert parts(0.0, DAY, DAY) == [(0.0, DAY, DAY)]


@pytest.mark.parametrize("back", [HOUR, 5 * HOUR, 30 * HOUR, 3 * DAY])
def test_hours_are_those_that_were_held_whatever_the_steps(history: EmbeddedHistory, back: float) -> None:
    told = Recorder(history)
    told.up(NOW - back, NOW)
    told.held("ada", NOW - back + 600, NOW - back + 600 + 1230, watts=360.0)
    told.held("ada", NOW - 1000, NOW - 400, part=0.5, idle=0.5, watts=100.0)
    told.held("bob", NOW - 1000, NOW - 400, part=0.25, idle=0.25, watts=None)
    told.send()
    found = by(history, NOW - back)
    ada, bob = rows(found)["ada"], rows(found)["bob"]
    assert ada.use.held == pytest.approx(1230 + 300, rel=1e-6)
    assert ada.use.idle == pytest.approx(300, rel=1e-6)
    assert ada.use.unknown == 0
    assert ada.use.joules == pytest.approx(1230 * 360 + 600 * 100, rel=1e-6)
    assert bob.use.held == pytest.approx(150, rel=1e-6)
    assert bob.use.joules is None, "nobody measured it"
    assert found.total.use.held == pytest.approx(1680, rel=1e-6)
    assert [row.key for row in found.rows] == ["ada", "bob"], "who had most is first"
    assert found.total.coverage == pytest.approx(1.0)
    assert sum(row.use.held for _, row in found.days) == pytest.approx(1680, rel=1e-6)


def test_what_lies_outside_is_not_counted(history: EmbeddedHistory) -> None:
    told = Recorder(history)
    told.up(NOW - 4 * HOUR, NOW)
    told.held("ada", NOW - 4 * HOUR, NOW)
    told.send()
    assert by(history, NOW - HOUR).total.use.held == pytest.approx(HOUR, rel=1e-6)
    assert by(history, NOW - 3 * HOUR, NOW - HOUR).total.use.held == pytest.approx(2 * HOUR, rel=1e-6)
    # To the second, of what was the same throughout each minute.
    assert by(history, NOW - 1234.0).total.use.held == pytest.approx(1234, abs=10)


def test_unknown_is_neither_idle_nor_busy(history: EmbeddedHistory) -> None:
    told = Recorder(history)
    told.up(NOW - HOUR, NOW - 1800, busy=False)
    told.up(NOW - 1800, NOW)
    told.held("ada", NOW - HOUR, NOW - 1800, idle=None)
    told.held("ada", NOW - 1800, NOW - 900, idle=1.0)
    told.held("ada", NOW - 900, NOW, idle=0.0)
    told.held("bob", NOW - HOUR, NOW - 1800, idle=None, gpu=1)
    told.send()
    found = rows(by(history, NOW - HOUR))
    assert found["ada"].use.idle == pytest.approx(900, rel=1e-6)
    assert found["ada"].use.unknown == pytest.approx(1800, rel=1e-6)
    assert found["bob"].use.idle is None
    assert found["bob"].use.unknown == pytest.approx(1800, rel=1e-6)


def test_coverage_is_the_time_in_which_the_gpus_were_recorded(history: EmbeddedHistory) -> None:
    told = Recorder(history)
    told.up(NOW - HOUR, NOW)
    told.up(NOW - 900, NOW, node="n2")
    told.held("ada", NOW - 900, NOW, node="n2")
    told.send()
    found = by(history, NOW - HOUR)
    assert found.total.coverage == pytest.approx((1 + 0.25) / 2, abs=0.005)
    assert rows(found)["ada"].coverage == found.total.coverage
    nodes = rows(by(history, NOW - HOUR, label="node"))
    assert nodes["n1"].coverage == pytest.approx(1.0) and nodes["n1"].use.held == 0, "nobody had it"
    assert nodes["n2"].coverage == pytest.approx(0.25, abs=0.005)
    assert by(history, NOW - 9 * DAY, NOW - 8 * DAY).total.coverage is None


@pytest.mark.parametrize("every", [2.0, 10.0, 15.0, 30.0, 60.0, 120.0])
@pytest.mark.parametrize("back", [HOUR, 7 * HOUR, 40 * HOUR])
def test_how_often_nodes_look_is_found_out(history: EmbeddedHistory, every: float, back: float) -> None:
    start = (NOW - 48 * HOUR) // 240 * 240
    told = Recorder(history, every)
    told.up(start, NOW)
    told.held("ada", NOW // 240 * 240 - 1200, NOW // 240 * 240)
    told.send()
    found = by(history, NOW - back)
    assert found.total.use.held == pytest.approx(1200, abs=every)
    assert found.total.coverage == pytest.approx(1.0, abs=2 * every / back)


def test_a_rhythm_that_changed(history: EmbeddedHistory) -> None:
    """As it is seeded: the past each minute, the last hour every ten seconds."""
    slow, quick = Recorder(history, 60.0), Recorder(history, 10.0)
    then = NOW // HOUR * HOUR
    slow.up(then - 20 * HOUR, then)
    slow.held("ada", then - 10 * HOUR, then - 5 * HOUR)
    quick.up(then, NOW)
    quick.held("ada", NOW - 1800, NOW)
    slow.send()
    quick.send()
    found = by(history, then - 20 * HOUR)
    assert found.total.use.held == pytest.approx(5.5 * HOUR, rel=0.001)
    assert found.total.coverage == pytest.approx(1.0, abs=0.001)


def test_a_gap_is_not_taken_for_a_slower_rhythm(history: EmbeddedHistory) -> None:
    then = NOW // HOUR * HOUR - 10 * HOUR
    told = Recorder(history, 15.0)
    told.up(then, then + 5 * HOUR)
    told.up(then + 5 * HOUR + 1800, then + 7 * HOUR)
    told.held("ada", then + 4 * HOUR, then + 5 * HOUR)
    told.held("ada", then + 5 * HOUR + 1800, then + 6 * HOUR)
    told.send()
    found = by(history, then, then + 7 * HOUR)
    assert found.total.use.held == pytest.approx(1.5 * HOUR, rel=0.001)
    assert found.total.coverage == pytest.approx(6.5 / 7, abs=0.001)
    # The edges are by the minute.
    assert by(history, then + 4.5 * HOUR, then + 5.75 * HOUR).total.use.held == pytest.approx(2700, abs=30)


def test_days_are_utc_and_all_there(history: EmbeddedHistory) -> None:
    midnight = NOW // DAY * DAY
    told = Recorder(history)
    told.up(midnight - HOUR, midnight + HOUR)
    told.held("ada", midnight - 600, midnight + 1200)
    told.send()
    found = by(history, midnight - 2 * DAY + HOUR)
    assert [(at, round(row.use.held)) for at, row in found.days] == [
        (midnight - 2 * DAY, 0), (midnight - DAY, 600), (midnight, 1200),
    ]  # fmt: skip
    hours = dict(by(history, midnight - HOUR, midnight + HOUR, period=HOUR).days)
    assert {at: round(row.use.held) for at, row in hours.items()} == {midnight - HOUR: 600, midnight: 1200}


def test_what_is_kept_in_hours_alone_is_counted_by_the_part_that_was_asked_for(tmp_path: Path) -> None:
    at = [NOW - 60 * DAY]
    history = EmbeddedHistory(str(tmp_path / "old.db"), clock=lambda: at[0])
    then = at[0] // HOUR * HOUR - 2 * HOUR
    told = Recorder(history)
    told.up(then, then + HOUR)
    told.held("ada", then, then + HOUR)
    told.send()
    at[0] = NOW
    assert by(history, then + 900, then + 1800).total.use.held == pytest.approx(900, rel=1e-6)
    assert by(history, then, then + HOUR).total.use.held == pytest.approx(HOUR, rel=1e-6)
    history.close()


def test_nothing_at_all(history: EmbeddedHistory) -> None:
    found = by(history, NOW - 30 * DAY)
    assert found.rows == () and found.total.coverage is None and found.total.use.idle is None
    assert len(found.days) == 31
