"""The embedded history beyond what every history owes: told twice, late or out of order, and retention."""

import math
import os
import random
import sqlite3
import threading
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.drivers.histories.cases import Clock, of
from tests.faults.stores.site import fill, small_disk

from sentinel.core.errors import UsageError
from sentinel.core.sample_batch import Batch, Column, decode, encode
from sentinel.core.series import Aggregate, Selector, labels_from
from sentinel.drivers.histories import folding, telling
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.histories.known import REST
from sentinel.drivers.histories.levels import DAY, HOUR, Level, Retention
from sentinel.ports.history import Appended, HistoryUnavailable

START = 1_700_000_000 // HOUR * HOUR
METRIC = "gpu_temperature_celsius"
LABELS = of("a", "0")


@dataclass
class Site:
    """A history at a moment."""

    path: Path
    clock: Clock = field(default_factory=lambda: Clock(START))
    retention: Retention = field(default_factory=Retention)
    opened: list[EmbeddedHistory] = field(default_factory=list[EmbeddedHistory])

    def open(self) -> EmbeddedHistory:
        self.opened.append(
            EmbeddedHistory(str(self.path), retention=self.retention, clock=self.clock, busy_seconds=5)
        )
        return self.opened[-1]

    @property
    def history(self) -> EmbeddedHistory:
        return self.opened[0] if self.opened else self.open()

    def tell(self, *batches: Batch) -> Appended:
        return self.history.append(batches)

    def fold(self, later: float = 2 * HOUR) -> int:
        """The time goes on until the hour is folded."""
        self.clock.now += later
        return self.history.purge(self.clock.now)

    def rows(self, table: str) -> int:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        finally:
            connection.close()

    def values(
        self, start: float, end: float, step: float, how: Aggregate = Aggregate.SUM, metric: str = METRIC
    ) -> list[float | None]:
        found = self.history.query(Selector(metric=metric), start, end, step, how)
        return [value for _, value in found[0].points] if found else []

    def count(self, step: float, hours: int = 1) -> float | None:
        """How many samples there are in the first hours, by the roll-up that answers that step."""
        known = [v for v in self.values(START, START + hours * HOUR, step, Aggregate.COUNT) if v is not None]
        return sum(known) if known else None


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "history.db")
    yield made
    for history in made.opened:
        history.close()


def batch(
    start: float = START,
    values: Sequence[float] = (1, 2, 3, 4, 5, 6),
    *,
    sequence: int | None = None,
    times: Sequence[float] | None = None,
    node: str = "a",
    metric: str = METRIC,
) -> Batch:
    """Ten seconds apart, unless told at which `times`."""
    labels = labels_from({**dict(LABELS), "node": node})
    return Batch(
        node=node,
        sequence=int(start) // 60 if sequence is None else sequence,
        times=tuple(start + 10 * nth for nth in range(len(values))) if times is None else tuple(times),
        columns=(Column(metric=metric, labels=labels, values=array("f", values)),),
    )


def hour(start: float = START) -> list[Batch]:
    return [batch(start + 60 * minute) for minute in range(60)]


def test_told_twice_is_told_once(site: Site) -> None:
    assert site.tell(*hour()) == Appended(kept=60)
    assert site.tell(*hour()) == Appended(known=60)
    assert [site.count(step) for step in (10, 60, 3600)] == [360] * 3
    site.fold()
    assert site.rows("journal") == 0
    # It is not remembered as a batch any more, and still counts once.
    site.tell(*hour())
    assert [site.count(step) for step in (10, 60, 3600)] == [360] * 3
    site.fold()
    assert [site.count(step) for step in (10, 60, 3600)] == [360] * 3
    assert site.values(START, START + HOUR, 3600) == [60 * 21]


def test_a_sequence_that_begins_anew_is_no_repetition(site: Site) -> None:
    site.tell(batch(START, sequence=1))
    assert site.tell(batch(START + 60, sequence=1)) == Appended(kept=1)
    assert site.count(60) == 12


def test_a_minute_is_told_while_it_lasts(site: Site) -> None:
    other = site.history and site.open()
    chosen = Selector(metric=METRIC)
    for count in range(1, 7):
        assert site.tell(batch(START, range(1, count + 1))) == Appended(kept=1)
        newest = [(LABELS, START + 10 * (count - 1), float(count))]
        assert site.history.latest(chosen, START + 60, 60) == newest
        assert other.latest(chosen, START + 60, 60) == newest, "another process follows"
    assert site.rows("journal") == 1
    assert site.tell(batch(START, range(1, 4)), batch(START)) == Appended(known=2)
    assert site.values(START, START + 60, 60) == [21] == other_values(other)
    site.fold()
    # What is told of it after it was folded is told once all the same.
    assert site.tell(batch(START, [*range(1, 7), 7])) == Appended(kept=1)
    assert site.values(START, START + 120, 60) == [21, 7]
    site.fold()
    assert site.rows("journal") == 0
    assert site.values(START, START + 120, 60) == [21, 7]


def other_values(history: EmbeddedHistory) -> list[float | None]:
    (one,) = history.query(Selector(metric=METRIC), START, START + 60, 60, Aggregate.SUM)
    return [value for _, value in one.points]


def test_the_longer_one_holds_whoever_tells_it(site: Site) -> None:
    other = site.history and site.open()
    site.tell(batch(START, [1, 2]))
    assert other.append([batch(START, [1, 2, 3])]) == Appended(kept=1)
    assert site.tell(batch(START, [1, 2])) == Appended(known=1)
    assert site.tell(batch(START, [1]), batch(START, [1, 2, 3, 4])) == Appended(kept=1, known=1)
    assert other_values(other) == [10] == site.values(START, START + 60, 60)
    assert site.rows("journal") == 1


def test_folded_by_another_between_two_tellings(site: Site) -> None:
    other = site.history and site.open()
    site.tell(*hour()[:-1], batch(START + HOUR - 60, [1, 2, 3]))
    site.clock.now += 2 * HOUR
    other.purge(site.clock.now)
    assert site.rows("journal") == 0
    site.tell(batch(START + HOUR - 60))
    for _ in range(2):
        assert [site.count(step) for step in (10, 60, 3600)] == [360] * 3
        assert site.values(START, START + HOUR, 3600) == [60 * 21]
        site.fold()


def test_it_came_over_the_wire(site: Site) -> None:
    """The next minutes of the same series, then of others, then of the former ones again."""
    for minute in range(3):
        site.tell(decode(encode(batch(START + 60 * minute))))
    site.tell(decode(encode(batch(START + 180, metric="gpu_power_watts"))))
    site.tell(decode(encode(batch(START + 240))))
    assert site.values(START, START + 300, 60) == [21, 21, 21, None, 21]
    assert site.values(START, START + 300, 60, metric="gpu_power_watts") == [None, None, None, 21, None]
    site.clock.now = START + 800 * DAY
    site.fold(0)
    site.history.purge(site.clock.now)
    assert site.history.series() == []
    site.tell(decode(encode(batch(site.clock.now))))
    assert site.values(site.clock.now, site.clock.now + 60, 60) == [21], "its ids were forgotten"


def test_a_batch_without_all_its_values_is_refused(site: Site) -> None:
    with pytest.raises(UsageError, match="as many values"):
        site.tell(batch(START, [1, 2, 3], times=[START, START + 10]))
    assert site.history.series() == []


def test_a_clock_that_jumped_by_months(site: Site) -> None:
    site.clock.now = START + 100 * DAY
    times = [START, START + 10, site.clock.now - 20, site.clock.now - 10]
    for count in range(1, 5):
        site.tell(batch(START, [1, 2, 3, 4][:count], times=times[:count]))
    assert site.rows("journal") == 2
    site.fold()
    assert site.values(START, START + HOUR, HOUR) == [3]
    assert site.values(START + 100 * DAY - HOUR, START + 100 * DAY, 60)[-1] == 7


def test_a_node_that_comes_back_is_not_folded_with_each_minute(site: Site) -> None:
    site.clock.now = START + 5 * HOUR
    for told in hour():
        site.tell(told)
        site.clock.now += 1
    assert site.rows("journal") == 59, "after the first it rests"
    site.fold(REST / 1000)
    assert site.rows("journal") == 0 and site.count(60) == 360


def test_a_long_backlog_is_folded_without_a_rest(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MOST_ROWS", 20)
    site.clock.now = START + 60
    site.tell(*hour())
    site.clock.now += 5 * HOUR
    for left in (40, 20, 0):
        site.fold(0)
        assert site.rows("journal") == left


def test_out_of_order_late_and_overlapping(site: Site) -> None:
    told = hour()
    random.Random(5).shuffle(told)
    late, told = told[:20], told[20:]
    site.tell(*told)
    site.fold()
    assert [site.count(step) for step in (10, 60, 3600)] == [240] * 3
    site.tell(*late, batch(START + 30, [4, 5, 6, 1, 2, 3], sequence=999))
    unfolded = [site.values(START, START + HOUR, step) for step in (10, 60, 3600)]
    assert [site.count(step) for step in (10, 60, 3600)] == [360] * 3
    site.fold()
    assert site.rows("journal") == 0
    assert [site.values(START, START + HOUR, step) for step in (10, 60, 3600)] == unfolded
    assert unfolded[1] == [21] * 60 and unfolded[2] == [60 * 21]


def test_folding_changes_no_answer(site: Site) -> None:
    chance = random.Random(1)
    site.clock.now = START + HOUR + 60
    for minute in range(90):
        values = [chance.choice([math.nan, chance.uniform(0, 90)]) for _ in range(6)]
        site.tell(batch(START + 60 * minute, values))

    def answers() -> list[list[float | None]]:
        return [
            site.values(START - 600, START + 2 * HOUR, step, how)
            for how in Aggregate
            for step in (10, 60, 300, 3600)
        ]

    before = answers()
    site.fold(2400)
    assert site.rows("journal") == 30 and site.rows("block") == 3
    assert answers() == before


def test_what_is_folded_and_what_is_not_are_one_chart(site: Site) -> None:
    site.tell(*hour())
    site.fold(HOUR + 2400)
    site.tell(batch(START + HOUR), batch(START + HOUR + 60))
    assert site.rows("journal") == 2 and site.rows("block") == 3
    assert site.values(START + HOUR - 120, START + HOUR + 180, 60) == [21, 21, 21, 21, None]
    assert site.values(START, START + 2 * HOUR, 3600) == [60 * 21, 42]


def test_a_batch_over_the_end_of_an_hour(site: Site) -> None:
    site.clock.now = START + HOUR + 60
    site.tell(batch(START + HOUR - 30))
    assert site.values(START, START + 2 * HOUR, 3600) == [6, 15]
    site.fold()
    assert site.values(START, START + 2 * HOUR, 3600) == [6, 15]
    site.tell(batch(START + HOUR + 30))
    site.fold()
    assert site.values(START, START + 2 * HOUR, 3600) == [6, 36]


def test_a_clock_that_jumped(site: Site) -> None:
    times = [START, START + 10, START - 90, START - 80, START + 20, START + 20]
    site.clock.now = START + 60
    site.tell(batch(START, [1, 2, 3, 4, 5, 6], times=times))
    assert site.values(START - 120, START + 60, 60) == [7, None, 9], "of one time, the last"
    told = site.tell(
        batch(START, [1, 1, 1], times=[0, START + DAY, START + 3000], sequence=2),
    )
    assert told == Appended(kept=1, refused=2), "1970 and tomorrow"
    assert site.tell(batch(START, [1], times=[4e9], sequence=3)) == Appended(refused=1)
    site.fold()
    assert site.values(START - 120, START + HOUR, 3600, Aggregate.COUNT) == [2, 4]


def test_unknown_is_a_gap_and_never_zero(site: Site) -> None:
    nan = math.nan
    site.tell(batch(START, [nan, nan, nan, nan, nan, nan]), batch(START + 60, [nan, 3, nan, nan, 5, nan]))
    for _ in range(2):
        assert site.values(START, START + 180, 60, Aggregate.AVG) == [None, 4, None]
        assert site.values(START, START + 180, 60, Aggregate.COUNT) == [None, 2, None]
        assert site.values(START + 60, START + 120, 10, Aggregate.AVG) == [None, 3, None, None, 5, None]
        site.fold()
    site.tell(batch(START + 3 * HOUR, [nan] * 6, metric="gpu_fan_percent"))
    assert site.values(START, START + 4 * HOUR, 60, metric="gpu_fan_percent") == []


def test_what_is_unknown_takes_no_room(site: Site) -> None:
    site.tell(batch(), batch(START + 60, [math.nan] * 6, metric="gpu_fan_percent"))
    site.fold()
    assert site.rows("block") == 3


def test_nothing_of_it_is_kept_when_it_fails(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(telling, "pack_rows", broken)
        with pytest.raises(HistoryUnavailable, match="disk I/O error"):
            site.tell(batch())
    assert site.history.series() == []
    assert site.history.latest(Selector(metric=METRIC), START + 60, 60) == []
    assert site.tell(batch()) == Appended(kept=1)
    assert site.values(START, START + 60, 60) == [21]


def test_what_cannot_be_folded_is_kept_all_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.tell(*hour())

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(folding.Blocks, "put", full)
        site.clock.now += 2 * HOUR
        assert site.tell(batch(START + HOUR)) == Appended(kept=1)
        with pytest.raises(HistoryUnavailable, match="disk is full"):
            site.history.purge(site.clock.now)
    assert (site.rows("journal"), site.rows("block")) == (61, 0)
    assert site.count(60) == 360
    site.fold(0)
    assert (site.rows("journal"), site.rows("block"), site.count(60)) == (1, 3, 360)


def test_retention_ends_the_fine_ones_first(site: Site) -> None:
    site.tell(*hour())
    site.fold()
    assert site.history.purge(site.clock.now) == 0
    for level, days in ((Level.RAW, 2), (Level.MINUTE, 30)):
        at = START + HOUR + days * DAY
        assert site.history.purge(at) == 0, level
        assert site.history.purge(at + 1) == 1, level
    assert site.rows("block") == 1
    site.clock.now = START + 40 * DAY
    assert site.values(START, START + HOUR, 3600) == [60 * 21]
    assert site.values(START, START + HOUR, 10) == [60 * 21], "coarser, as that is all there is"
    assert site.history.series() == [(METRIC, LABELS)]
    assert site.history.purge(START + 740 * DAY) == 1
    assert site.rows("block") == 0 and site.history.series() == []
    site.clock.now = START + 740 * DAY
    site.tell(batch(START + 740 * DAY))
    assert site.values(site.clock.now, site.clock.now + 60, 60) == [21], "known again"


def test_the_past_may_be_told_afterwards(site: Site) -> None:
    site.clock.now = START + 10 * DAY
    site.tell(*hour())
    site.history.purge(site.clock.now)
    assert site.rows("block") == 2, "no raw ones: they were too old at once"
    assert site.values(START, START + HOUR, 60) == [21] * 60
    site.tell(batch(START, [1, 2, 3]), batch(START + HOUR, [7]))
    site.history.purge(site.clock.now)
    assert site.values(START, START + HOUR, 60) == [21] * 60, "more was known"
    assert site.values(START, START + 2 * HOUR, 3600) == [60 * 21, 7]


def test_another_process_follows(site: Site) -> None:
    other = site.history and site.open()
    site.tell(batch())
    assert other.series() == [(METRIC, LABELS)]
    assert other.latest(Selector(metric=METRIC), START + 60, 60) == [(LABELS, START + 50, 6)]
    other.append([batch(START + 60, metric="gpu_power_watts"), batch(START + 60, sequence=2)])
    assert site.history.latest(Selector(metric=METRIC), START + 120, 60) == [(LABELS, START + 110, 6)]
    site.tell(batch(START + 120, metric="gpu_power_watts"))
    assert site.values(START, START + 180, 60, metric="gpu_power_watts") == [None, 21, 21]
    site.fold()
    other.append([batch(site.clock.now)])
    assert site.values(START, START + 180, 60) == [21, 21, None]
    assert len(other.series()) == 2


def test_ids_are_forgotten_with_the_series(site: Site) -> None:
    other = site.history and site.open()
    site.tell(batch())
    assert len(other.series()) == 1
    site.fold()
    site.clock.now = START + 800 * DAY
    site.history.purge(site.clock.now)
    other.append([batch(site.clock.now, metric="gpu_power_watts"), batch(site.clock.now, sequence=2)])
    assert site.values(site.clock.now, site.clock.now + 60, 60) == [21]
    assert site.values(site.clock.now, site.clock.now + 60, 60, metric="gpu_power_watts") == [21]


def test_the_newest_values_after_a_start(site: Site) -> None:
    site.tell(*hour())
    site.clock.now = START + HOUR
    site.history.close()
    site.opened.clear()
    chosen = Selector(metric=METRIC)
    newest = [(LABELS, START + HOUR - 10, 6.0)]
    assert site.history.latest(chosen, START + HOUR, 60) == newest
    site.fold()
    site.history.close()
    site.opened.clear()
    assert site.history.latest(chosen, site.clock.now, 60) == []
    assert site.history.latest(chosen, site.clock.now, 3 * HOUR) == newest, "from the blocks"
    assert site.history.latest(chosen, START + 65, 60) == [(LABELS, START + 60, 1.0)], "of a moment long ago"


def test_a_clock_ahead_hides_no_value_of_others(site: Site) -> None:
    site.tell(batch(START + 600), batch(START, node="b"))
    found = site.history.latest(Selector(metric=METRIC), START + 60, 60)
    assert [dict(labels)["node"] for labels, _, _ in found] == ["b"]


def test_a_node_has_so_many_series(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MOST_OF_NODE", 2)
    metrics = [f"m{nth}" for nth in range(4)]
    columns = tuple(Column(metric=one, labels=LABELS, values=array("f", [1, 2])) for one in metrics)
    told = Batch(node="a", sequence=1, times=(START, START + 10), columns=columns)
    assert site.tell(told) == Appended(kept=1, refused=4)
    assert [metric for metric, _ in site.history.series()] == ["m0", "m1"]


def test_many_threads(site: Site) -> None:
    failed: list[BaseException] = []

    def work(node: str) -> None:
        try:
            for minute in range(30):
                site.history.append([batch(START + 60 * minute, node=node)])
                site.history.query(Selector(metric=METRIC), START, START + HOUR, 60, Aggregate.AVG)
                site.history.latest(Selector(metric=METRIC), START + HOUR, HOUR)
        except BaseException as error:
            failed.append(error)

    assert site.history
    threads = [threading.Thread(target=work, args=(f"n{nth}",)) for nth in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    found = site.history.query(Selector(metric=METRIC), START, START + HOUR, 3600, Aggregate.COUNT)
    assert [one.points for one in found] == [((START, 180.0),)] * 4


@pytest.mark.root
def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "2m") as mount:
        site = Site(mount / "history.db")
        site.tell(*hour())
        ballast = fill(mount)
        kept = 60
        with pytest.raises(HistoryUnavailable, match="make room"):
            for minute in range(60, 5000):
                site.clock.now = START + 60 * minute
                site.tell(batch(START + 60 * minute, [minute] * 6))
                kept += 1
        assert site.count(60, hours=90) == kept * 6, "what was taken is there, the refused one is not"
        ballast.unlink()
        site.tell(batch(START + 60 * kept, [1] * 6))
        assert site.count(60, hours=90) == (kept + 1) * 6
        site.history.close()


def test_the_file_is_its_owners_alone(site: Site) -> None:
    assert site.history
    assert site.path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_history_is_refused(tmp_path: Path) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(UsageError) as caught:
            EmbeddedHistory(str(path))
        return caught.value.message

    assert "folder" in refused(tmp_path / "nowhere" / "history.db")
    noise = tmp_path / "noise.db"
    noise.write_bytes(os.urandom(5000))
    assert "damaged" in refused(noise)
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE series (x)")
    connection.close()
    assert "is no history" in refused(other)
    newer = tmp_path / "newer.db"
    EmbeddedHistory(str(newer)).close()
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version=9")
    connection.close()
    assert "newer version" in refused(newer)


def test_a_closed_one_says_so(site: Site) -> None:
    site.history.close()
    with pytest.raises(HistoryUnavailable, match="closed"):
        site.tell(batch())
    with pytest.raises(HistoryUnavailable, match="closed"):
        site.history.series()


def test_hostile_labels_are_just_labels(site: Site) -> None:
    labels = labels_from({"node": "a", "user": "'; DROP TABLE series; --\n\"\0é"})
    site.tell(
        Batch(
            node="a",
            sequence=1,
            times=(START,),
            columns=(Column(metric=METRIC, labels=labels, values=array("f", [1])),),
        )
    )
    again = site.open()
    assert again.series() == [(METRIC, labels)]
