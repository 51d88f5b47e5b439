import json
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from tests.alerting.alerts import series
from tests.server.alerting.test_sending import until
from tests.server.alerting.watched import HOT, World, node, rule

from sentinel.core.alert import AlertState
from sentinel.ports.notifier import ForeignMatcher, ForeignSilence, NotifyError, PostedAlert
from sentinel.server.alerting.alertmanager import Alertmanager
from sentinel.server.alerting.book import open_book


@dataclass
class Feed:
    """An Alertmanager that takes what it gets."""

    posted: list[list[PostedAlert]] = field(default_factory=list)
    silenced: list[ForeignSilence] = field(default_factory=list)
    away: NotifyError | None = None
    asked: int = 0
    closed: bool = False

    def post(self, alerts: Sequence[PostedAlert]) -> None:
        if self.away is not None:
            raise self.away
        self.posted.append(list(alerts))

    def silences(self) -> Sequence[ForeignSilence]:
        self.asked += 1
        if self.away is not None:
            raise self.away
        return self.silenced

    def close(self) -> None:
        self.closed = True


def matcher(label: str, value: str, *, regex: bool = False, equal: bool = True) -> ForeignMatcher:
    means = re.compile(value).fullmatch if regex else value.__eq__
    return ForeignMatcher(
        label=label, value=value, regex=regex, equal=equal, means=lambda text: bool(means(text))
    )


def silence(
    *matchers: ForeignMatcher, start: float = 0.0, end: float = 4e9, unread: str | None = None
) -> ForeignSilence:
    return ForeignSilence(
        id="f1",
        matchers=matchers,
        start=start,
        end=end,
        by="olga",
        why="a new fan",
        unread=unread,
    )


@dataclass
class Fed(World):
    feed: Feed = field(default_factory=Feed)

    def __post_init__(self) -> None:
        self.alertmanager = Alertmanager(
            self.feed, url="https://gpus.example.org", now=self.now, today=self.today
        )
        super().__post_init__()
        self.channel("mail")
        self.write(rule("hot", hold=0.0, labels=(("team", "vision"),)), node("gpu01"))

    def turn(self, after: float = 1.0) -> None:
        """What is due at the Alertmanager, a round, and what is due there then."""
        assert self.alertmanager is not None
        self.wait(after)
        self.alertmanager.step()
        self.rounds.step()
        self.send()
        self.alertmanager.step()

    def muted(self) -> bool:
        return not self.taken


@pytest.fixture
def world() -> Fed:
    made = Fed()
    made.says(HOT, {series(): 95.0})
    return made


def test_it_gets_what_stands_at_once_and_each_minute(world: Fed) -> None:
    world.turn()
    (posted,) = world.feed.posted
    (one,) = posted
    assert one.labels == {
        "alertname": "hot",
        "severity": "warning",
        "team": "vision",
        "gpu": "0",
        "node": "gpu01",
        "uuid": "GPU-gpu01-0",
    }
    assert one.starts_at == world.wall
    assert one.ends_at == world.wall + 240.0
    assert one.url == "https://gpus.example.org"
    for _ in range(59):
        world.turn()
    assert len(world.feed.posted) == 1
    world.turn()
    assert len(world.feed.posted) == 2
    assert world.feed.posted[1][0].ends_at == world.wall + 240.0


def test_it_gets_what_has_ended_for_some_minutes(world: Fed) -> None:
    world.turn()
    world.says(HOT, {series(): 20.0})
    world.turn(after=10.0)
    ended = world.wall
    (one,) = world.feed.posted[-1]
    assert one.ends_at == ended
    before = len(world.feed.posted)
    for _ in range(10):
        world.turn(after=60.0)
    assert 4 <= len(world.feed.posted) - before <= 6
    assert {one.ends_at for posted in world.feed.posted[before:] for one in posted} == {ended}
    assert world.alerts()["hot"].state is AlertState.RESOLVED


def test_what_is_pending_is_nothing_to_it(world: Fed) -> None:
    world.write(rule("hot", hold=60.0))
    world.turn()
    assert world.feed.posted == []


@pytest.mark.parametrize(
    ("matchers", "covers"),
    [
        ([matcher("alertname", "hot")], True),
        ([matcher("alertname", "hot", equal=False)], False),
        ([matcher("node", "gpu0.", regex=True), matcher("severity", "critical", equal=False)], True),
        ([matcher("node", "gpu", regex=True)], False),
        ([matcher("node", "gpu1.*", regex=True, equal=False)], True),
        ([matcher("cluster", "")], True),
        ([matcher("cluster", "", equal=False)], False),
        ([], False),
    ],
)
def test_what_is_silenced_there_is_not_told_here_but_shown(
    world: Fed, matchers: list[ForeignMatcher], covers: bool
) -> None:
    world.feed.silenced = [silence(*matchers)]
    world.turn()
    assert world.muted() is covers
    assert world.alerts()["hot"].state is AlertState.FIRING
    assert len(world.feed.posted[-1]) == 1  # it is its own affair whom it tells
    assert world.alertmanager is not None
    why = world.alertmanager.muted(world.alerts()["hot"])
    with world.store.read() as reader:
        shown = json.loads(reader.meta("alerting_elsewhere") or "null")
    if not covers:
        assert why is None and shown == {}
    else:
        assert why is not None
        assert shown == {
            world.alerts()["hot"].fingerprint: {"by": why.by, "why": why.why, "until": why.until}
        }
        assert (why.by, why.why) == ("alertmanager:f1", "olga, in Alertmanager: a new fan")
        world.feed.silenced = []
        world.turn(after=30.0)
        assert world.told() == [("firing", "hot")]


def test_a_silence_of_another_time_mutes_nothing(world: Fed) -> None:
    hot = matcher("alertname", "hot")
    world.feed.silenced = [silence(hot, start=world.wall + 100.0), silence(hot, end=world.wall)]
    world.turn()
    assert not world.muted()


def test_a_silence_that_cannot_be_read_mutes_nothing_and_is_said_once(
    world: Fed, caplog: pytest.LogCaptureFixture
) -> None:
    world.feed.silenced = [silence(matcher("alertname", "hot"), unread="its expression is too long")]
    world.turn()
    world.turn(after=60.0)
    assert not world.muted()
    assert caplog.text.count("mutes nothing here: its expression is too long") == 1


def test_while_it_is_away_what_it_said_holds_for_ten_minutes(
    world: Fed, caplog: pytest.LogCaptureFixture
) -> None:
    world.feed.silenced = [silence(matcher("alertname", "hot"))]
    world.turn()
    world.feed.away = NotifyError("http://alertmanager:9093 does not answer", retry=True)
    for _ in range(20):
        world.turn(after=30.0)
    assert world.muted()
    assert world.alertmanager is not None
    assert world.alertmanager.fares() == "http://alertmanager:9093 does not answer"
    world.turn(after=1.0)
    assert world.told() == [("firing", "hot")]
    assert caplog.text.count("does not answer; its silences hold for ten minutes more") == 2  # of either
    world.feed.away = None
    for _ in range(2):
        world.turn(after=30.0)
    assert world.alertmanager.fares() == "ok"


def test_what_it_did_not_take_it_gets_soon(world: Fed) -> None:
    world.feed.away = NotifyError("no", retry=True)
    world.turn()
    world.feed.away = None
    world.turn(after=4.0)
    assert world.feed.posted == []
    world.turn(after=1.0)
    assert len(world.feed.posted) == 1


def test_many_are_told_in_parts(world: Fed) -> None:
    world.says(HOT, {series(gpu=one): 95.0 for one in range(1200)})
    world.turn()
    assert [len(posted) for posted in world.feed.posted] == [500, 500, 200]


def test_how_it_fares_is_said(world: Fed) -> None:
    world.feed.away = NotifyError("no", retry=True)
    world.turn()
    with world.store.read() as reader:
        assert '"alertmanager": "no"' in (reader.meta("alerting") or "")


def test_in_a_thread_of_its_own_it_is_told_at_once() -> None:
    feed = Feed()
    world = World()
    world.write(rule("hot", hold=0.0))
    world.says(HOT, {series(): 95.0})
    world.round()
    foreign = Alertmanager(feed, url="", now=time.monotonic, today=world.today)
    foreign.start()
    assert foreign.asked(10)
    book = open_book(world.store).book
    threading.Timer(0.05, lambda: foreign.tell(book, changed=True)).start()
    until(lambda: bool(feed.posted))
    foreign.stop()
    until(lambda: feed.closed)
