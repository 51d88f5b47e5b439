"""Sending, turn by turn, by a clock of the test's: what is acknowledged goes, all else waits."""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.agent.record.rows import NODE, minute

from sentinel.agent.link.backoff import Backoff
from sentinel.agent.record.minute import ROWS
from sentinel.agent.record.sending import PAUSE, Sending
from sentinel.agent.record.spool import Spool
from sentinel.core.errors import ApiError, ApiUnavailable, ProtocolError, SentinelError
from sentinel.core.notify import Journal
from sentinel.core.sample_batch import decode

AWAY = ApiUnavailable("nobody answers")


class Controller:
    """Keeps what comes: by its number, how many rows. `trouble` is raised while it is set."""

    def __init__(self) -> None:
        self.kept: dict[int, int] = {}
        self.calls: list[tuple[int, int]] = []
        self.trouble: SentinelError | None = None
        self.refuses: set[int] = set()
        self.elsewhere = False
        self.closed = False

    def samples(self, batch: bytes) -> bool:
        found = decode(batch)
        assert found.node == NODE
        self.calls.append((found.sequence, len(found.times)))
        if self.trouble is not None:
            raise self.trouble
        if found.sequence in self.refuses:
            raise ApiError("these are no samples", status=422)
        if self.elsewhere:
            return True
        self.kept[found.sequence] = max(len(found.times), self.kept.get(found.sequence, 0))
        return False

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, 1000.0
        self.controller = Controller()
        self.written = io.StringIO()
        self.restart()

    def restart(self) -> None:
        """Another agent."""
        journal = Journal(self.written)
        self.spool = Spool(self.folder, journal)
        self.sending = Sending(
            NODE,
            self.controller,
            self.spool,
            journal,
            now=lambda: self.now,
            wall=lambda: 600.0,
            backoff=Backoff(1.0, 8.0, lambda: 1.0),
        )
        self.first = self.sending.begin()

    def grow(self, sequence: int, to: int = ROWS) -> float | None:
        """The minute gets its rows, one turn each; what the last turn says."""
        wait: float | None = None
        for count in range(1, to + 1):
            self.sending.tell(minute(sequence, count), over=count == ROWS)
            wait = self.sending.turn()
            self.now += 10
        return wait

    def pass_time(self, seconds: float) -> None:
        """Turn after turn, as the thread would."""
        until = self.now + seconds
        while self.now < until:
            wait = self.sending.turn()
            self.now = until if wait is None else min(until, self.now + max(wait, 0.001))

    def waiting(self) -> int:
        return len(self.spool)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yield Site(tmp_path)


def test_the_open_minute_is_sent_each_time_that_it_has_grown(site: Site) -> None:
    assert site.grow(50) is None
    assert site.controller.calls == [(50, count) for count in range(1, 7)]
    assert site.sending.turn() is None and len(site.controller.calls) == 6, "nothing is sent for nothing"
    assert site.waiting() == 0 and not (site.folder / "samples").exists(), "and nothing is written"


def test_a_minute_that_ended_early_is_not_sent_again(site: Site) -> None:
    site.grow(50, 3)
    site.sending.tell(minute(50, 3), over=True)
    site.sending.turn()
    assert site.controller.calls == [(50, 1), (50, 2), (50, 3)]


def test_a_partition_loses_nothing(site: Site) -> None:
    site.grow(50, 3)
    site.controller.trouble = AWAY
    site.sending.tell(minute(50), over=True)
    site.sending.turn()
    for sequence in range(51, 60):
        site.grow(sequence)
    assert site.waiting() == 10 and site.controller.kept == {50: 3}
    site.controller.trouble = None
    site.grow(60, 2)
    site.pass_time(30)
    assert site.controller.kept == {**dict.fromkeys(range(50, 60), ROWS), 60: 2}
    assert site.waiting() == 0
    assert site.written.getvalue() == "", "that nobody answers is the link's to say"


def test_what_is_new_goes_first_and_the_rest_oldest_first_and_gently(site: Site) -> None:
    site.controller.trouble = AWAY
    for sequence in range(50, 54):
        site.grow(sequence)
    site.controller.trouble = None
    site.now += 100
    site.controller.calls.clear()
    began = site.now
    site.sending.tell(minute(54, 1), over=False)
    while site.waiting():
        site.now += site.sending.turn() or 0
    assert site.controller.calls == [(54, 1), (50, 6), (51, 6), (52, 6), (53, 6)]
    assert site.now - began == pytest.approx(2.0), "two a second"


def test_tries_come_less_often_the_longer_nobody_answers(site: Site) -> None:
    site.controller.trouble = AWAY
    site.grow(50)
    site.pass_time(80)
    assert 8 < len(site.controller.calls) < 25
    site.controller.calls.clear()
    site.pass_time(80)
    assert len(site.controller.calls) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_one_that_is_refused_stands_in_nobodys_way(site: Site, status: int) -> None:
    site.controller.trouble = ApiError("no such thing", status=status)
    site.grow(50)
    site.controller.trouble = None
    site.grow(51)
    assert site.controller.kept == {51: ROWS} and site.waiting() == 0
    assert (site.folder / "samples/aside/50").exists()
    assert site.written.getvalue().count("is not sent") == 1


def test_one_of_the_spool_that_is_refused_is_set_aside(site: Site) -> None:
    site.controller.trouble = AWAY
    for sequence in (50, 51, 52):
        site.grow(sequence)
    site.controller.trouble, site.controller.refuses = None, {51}
    site.pass_time(60)
    assert set(site.controller.kept) == {50, 52} and site.waiting() == 0
    assert [one.name for one in (site.folder / "samples/aside").iterdir()] == ["51"]


def test_whoever_has_them_from_elsewhere_is_left_in_peace(site: Site) -> None:
    site.controller.trouble = AWAY
    site.grow(50)
    site.controller.trouble, site.controller.elsewhere = None, True
    site.grow(51, 2)
    assert site.waiting() == 0, "those that waited are not wanted either"
    count = len(site.controller.calls)
    for sequence in range(52, 60):
        site.grow(sequence)
    assert len(site.controller.calls) == count and site.waiting() == 0
    site.controller.elsewhere = False
    site.now += PAUSE
    site.grow(70)
    assert set(site.controller.kept) == {70}


def test_a_controller_that_knows_no_samples_is_asked_seldom(site: Site) -> None:
    site.controller.trouble = ApiError("there is nothing at this address", status=404)
    for sequence in range(50, 59):
        site.grow(sequence)
    assert len(site.controller.calls) == 1 and site.waiting() == 9
    assert site.written.getvalue().count("takes no samples") == 1
    site.controller.trouble = None
    site.pass_time(PAUSE)
    assert len(site.controller.kept) == 9


def test_a_node_that_is_not_known_keeps_them(site: Site) -> None:
    site.controller.trouble = ApiError("this node was removed", status=403)
    site.grow(50)
    site.pass_time(120)
    assert site.waiting() == 1 and len(site.controller.calls) <= 6


@pytest.mark.parametrize(
    "trouble",
    [ApiError("busy", status=503), ApiError("a defect", status=500), ProtocolError("no answer of ours")],
)
def test_other_trouble_is_said_once_and_tried_again(site: Site, trouble: SentinelError) -> None:
    site.controller.trouble = trouble
    for sequence in (50, 51, 52):
        site.grow(sequence)
    assert site.written.getvalue().count(trouble.message) == 1
    site.controller.trouble = None
    site.pass_time(60)
    assert site.controller.kept == dict.fromkeys((50, 51, 52), ROWS)


def test_numbers_go_on_after_a_restart_and_never_come_twice(site: Site) -> None:
    assert site.first == 10, "by the clock, when nothing else tells"
    site.controller.trouble = AWAY
    site.grow(50)
    site.restart()
    assert site.first == 51


def test_it_keeps_what_was_not_acknowledged_when_it_ends(site: Site) -> None:
    site.sending.start()
    site.sending.tell(minute(50, 2), over=False)
    until = time.monotonic() + 5
    while site.controller.kept != {50: 2}:
        assert time.monotonic() < until
        time.sleep(0.005)
    site.controller.trouble = AWAY
    site.sending.tell(minute(50), over=True)
    site.sending.tell(minute(51, 4), over=False)
    began = time.monotonic()
    site.sending.close()
    assert time.monotonic() - began < 1.0 and site.controller.closed
    site.controller.trouble = None
    site.restart()
    assert site.waiting() == 2
    site.pass_time(10)
    assert site.controller.kept == {50: ROWS, 51: 4}


def test_a_row_that_comes_while_another_is_sent_is_sent_next(site: Site) -> None:
    samples = site.controller.samples

    def slow(batch: bytes) -> bool:
        if len(decode(batch).times) == 1:
            site.sending.tell(minute(50, 2), over=False)
        return samples(batch)

    site.controller.samples = slow  # type: ignore[method-assign]
    site.sending.start()
    site.sending.tell(minute(50, 1), over=False)
    until = time.monotonic() + 5
    while site.controller.kept != {50: 2}:
        assert time.monotonic() < until, "nobody woke it"
        time.sleep(0.005)
    site.sending.close()


def test_what_is_acknowledged_is_not_kept_when_it_ends(site: Site) -> None:
    site.sending.start()
    site.sending.tell(minute(50, 2), over=False)
    until = time.monotonic() + 5
    while site.controller.kept != {50: 2}:
        assert time.monotonic() < until
        time.sleep(0.005)
    site.sending.close()
    site.restart()
    assert site.waiting() == 0


def test_a_disk_that_hangs_does_not_fill_the_memory(site: Site) -> None:
    for sequence in range(1000):
        site.sending.tell(replace(minute(1), sequence=sequence), over=True)
    site.sending.turn()
    assert len(site.controller.kept) == 60 and max(site.controller.kept) == 999
