"""All of it together, in its threads, on a store and a history on the disk."""

import threading
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.alerting.alerts import series
from tests.server.alerting.test_alertmanager import Feed
from tests.server.alerting.test_sending import until
from tests.server.alerting.watched import HOT, Hook, World, node, rule

from sentinel.core.clock import wall
from sentinel.core.rule_json import RULE, rule_json
from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import Labels
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.stores.opening import open_store
from sentinel.ports.notifier import Channel, ChannelKind, channel_json
from sentinel.ports.store import Store
from sentinel.server.alerting import rounds
from sentinel.server.alerting.alertmanager import Alertmanager
from sentinel.server.alerting.duties import alerting_duties
from sentinel.server.alerting.job_ends import NOTIFIED_TO, JobEnds
from sentinel.server.alerting.rounds import Rounds
from sentinel.server.alerting.sending import Sender
from sentinel.server.observing import AlertingConfig, Endpoint, HistoryConfig, Observing


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path / 'controller.db'}", migrate=True)
    yield made
    made.close()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[EmbeddedHistory]:
    made = EmbeddedHistory(str(tmp_path / "history.db"))
    yield made
    made.close()


def test_from_a_sample_to_a_message(store: Store, history: EmbeddedHistory) -> None:
    channel = Channel(name="mail", kind=ChannelKind.WEBHOOK, url="https://hooks.example.org/")
    store.write(lambda tx: tx.put_document("channel", "mail", channel_json(channel)))
    store.write(lambda tx: tx.put_document(RULE, "hot", rule_json(rule("hot", hold=0.3))))
    store.write(lambda tx: tx.put_node(node("gpu01")))
    world, feed = World(), Feed()
    duties = alerting_duties(
        Observing(alerting=AlertingConfig(every=0.2, alertmanager=Endpoint(url="http://alertmanager:9093"))),
        store,
        history,
        open_channel=lambda channel: Hook(world, channel.name),
        open_alertmanager=lambda _: feed,
    )
    assert [type(one) for one in duties] == [Sender, JobEnds, Alertmanager, Rounds]
    for one in duties:
        one.start()
    column = Column(metric=HOT, labels=series(), values=array("f", [95.0]))
    began = time.monotonic()
    history.append([Batch(node="gpu01", sequence=1, times=(wall(),), columns=(column,))])
    until(lambda: world.told() == [("firing", "hot")])
    assert time.monotonic() - began >= 0.3
    until(lambda: any(feed.posted))
    for one in duties:
        one.stop()
        one.stop()
    with store.read() as reader:
        assert [one.type for one in reader.events(0, 10)] == ["sentinel.alert.fired"]


def test_with_alerts_switched_off_owners_of_jobs_are_told_nevertheless(
    store: Store, history: EmbeddedHistory
) -> None:
    duties = alerting_duties(
        Observing(alerting=AlertingConfig(enabled=False)),
        store,
        history,
        open_channel=lambda _: pytest.fail("nobody is told"),
        open_alertmanager=lambda _: pytest.fail("there is none"),
    )
    assert [type(one) for one in duties] == [Sender, JobEnds]


def test_a_prometheus_is_asked_seldom() -> None:
    world = World()
    config = Observing(history=HistoryConfig(prometheus=Endpoint(url="http://prometheus:9090")))
    *_, last = alerting_duties(
        config,
        world.store,
        world.past,
        open_channel=lambda _: pytest.fail("nobody is told"),
        open_alertmanager=lambda _: pytest.fail("there is none"),
        now=world.now,
        today=world.today,
    )
    assert isinstance(last, Rounds)
    for _ in range(11):
        world.wait(1.0)
        last.step()
    asked = [metric for metric, within in world.past.asked if within < 1000.0]
    assert asked.count("gpu_temperature_celsius") == 2


def test_rounds_go_on_whatever_happens_and_say_it_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rounds, "AFTER_DEFECT", 0.01)
    world = World()
    world.channel("mail")
    world.write(rule("hot", hold=0.0))
    world.store.away = True
    made = Rounds(
        world.store,
        world.past,
        world.sender,
        every=0.01,
        now=time.monotonic,
        today=world.today,
    )
    made.start()
    time.sleep(0.1)
    world.store.away = False
    until(lambda: len(world.past.asked) > 3)
    real = world.past.latest
    broken = threading.Event()

    def defect(*_: object) -> list[tuple[Labels, float, float]]:
        broken.set()
        raise ZeroDivisionError

    monkeypatch.setattr(world.past, "latest", defect)
    assert broken.wait(10)
    time.sleep(0.1)
    monkeypatch.setattr(world.past, "latest", real)
    world.says(HOT, {series(): 95.0})
    world.wait(1.0)
    until(lambda: "hot" in world.alerts())

    def said() -> list[str]:
        return [one.message for one in caplog.records if one.name.endswith("rounds")]

    until(lambda: len(said()) == 4)  # it is said after the round
    made.stop()
    assert said() == [
        "no alert is looked at: the disk is full; trying again",
        "rounds of alerting go on",
        "no alert is looked at",
        "rounds of alerting go on",
    ]


def test_owners_of_jobs_are_told_later_where_the_store_is_away(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    made = JobEnds(world.store, world.sender, now=time.monotonic, every=0.01)
    world.store.away = True
    made.start()
    time.sleep(0.1)
    world.store.away = False

    def begun() -> bool:
        with world.store.read() as reader:
            return reader.meta(NOTIFIED_TO) is not None

    until(begun)
    made.stop()
    said = [one.message for one in caplog.records if one.name.endswith("job_ends")]
    assert said == ["owners of jobs are told later: the disk is full"]
