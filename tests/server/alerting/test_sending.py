import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.alerting.alerts import series
from tests.server.alerting.watched import BEGAN, HOT, World, node, rule

from sentinel.alerting.notice_json import DELIVERY, delivery_json
from sentinel.alerting.outbox import DeliveryState
from sentinel.core.alert import Route
from sentinel.core.errors import UsageError
from sentinel.ports.notifier import Message, NotifyError
from sentinel.server.alerting import sending
from sentinel.server.alerting.sending import Sender

SECRET = "t0ken"


@pytest.fixture
def world() -> World:
    made = World()
    made.channel("mail")
    made.write(rule("hot", hold=0.0), node("gpu01"))
    made.says(HOT, {series(): 95.0})
    return made


def test_what_a_message_says(world: World) -> None:
    world.round()
    (taken,) = world.taken
    assert taken.key == world.outbox()[0].key
    said = taken.message
    assert said.title == f"[FIRING] hot: {HOT} is 95 (gpu=0, node=gpu01)"
    assert (said.severity, said.resolved, said.reminder) == ("warning", False, False)
    assert (said.route, said.group_labels) == ("default", {"rule": "hot"})
    assert said.url == "https://gpus.example.org"
    assert said.sent_at == pytest.approx(world.wall)
    (alert,) = said.alerts
    assert (alert.state, alert.rule, alert.value, alert.ended_at) == ("firing", "hot", 95.0, None)
    world.says(HOT, {series(): 20.0})
    world.round(after=60.0)
    said = world.taken[-1].message
    assert said.resolved and said.title.startswith("[RESOLVED]")
    assert said.alerts[0].ended_at == pytest.approx(world.wall)


def test_a_channel_that_is_down_gets_it_later_under_the_same_key(world: World) -> None:
    world.down["mail"] = NotifyError("https://hooks.example.org answers 503; is it up?", retry=True)
    world.round()
    (waiting,) = world.outbox()
    assert (waiting.state, waiting.attempts) == (DeliveryState.WAITING, 1)
    assert waiting.error == "https://hooks.example.org answers 503; is it up?"
    world.wait(1.0)
    world.send()
    assert world.outbox()[0].attempts == 1
    world.wait(1.0)
    world.send()
    assert world.outbox()[0].attempts == 2
    world.down.clear()
    world.wait(3.9)
    world.send()
    assert world.taken == []
    world.wait(0.1)
    world.send()
    assert [one.key for one in world.taken] == [waiting.key]
    assert (world.outbox()[0].state, world.outbox()[0].error) == (DeliveryState.SENT, "")


def test_a_channel_that_asks_for_time_gets_it(world: World) -> None:
    world.down["mail"] = NotifyError("too many", retry=True, retry_after=300.0)
    world.round()
    world.down.clear()
    world.wait(299.0)
    world.send()
    assert world.taken == []
    world.wait(1.0)
    world.send()
    assert len(world.taken) == 1


def test_what_a_channel_will_never_take_is_given_up_and_that_is_shown(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.down["mail"] = NotifyError("https://hooks.example.org says 404", retry=False)
    world.round()
    (given_up,) = world.outbox()
    assert (given_up.state, given_up.error) == (DeliveryState.GIVEN_UP, "https://hooks.example.org says 404")
    assert given_up.ended_at == pytest.approx(world.wall)
    assert "is given up" in caplog.text
    world.down.clear()
    world.wait(3600.0)
    world.send()
    assert world.taken == []


def test_a_channel_that_is_down_for_a_day_is_given_up(world: World) -> None:
    world.down["mail"] = NotifyError("down", retry=True)
    world.round()
    for _ in range(140):
        world.wait(650.0)
        world.send()
    assert world.outbox()[0].state is DeliveryState.GIVEN_UP
    assert world.outbox()[0].attempts > 100


def test_a_channel_that_was_removed_meanwhile(world: World) -> None:
    world.down["mail"] = NotifyError("down", retry=True)
    world.round()
    world.put("channel", "mail", None)
    world.wait(10.0)
    world.send()
    (given_up,) = world.outbox()
    assert given_up.state is DeliveryState.GIVEN_UP
    assert given_up.error == "there is no channel mail any more"


def test_a_channel_is_opened_once_and_anew_when_it_changes(world: World) -> None:
    world.round()
    world.says(HOT, {series(): 20.0})
    world.round(after=60.0)
    assert len(world.opened) == 1
    world.channel("mail")
    world.says(HOT, {series(): 95.0})
    world.round(after=60.0)
    assert len(world.opened) == 2
    assert len(world.taken) == 3


def test_what_a_library_says_is_told_to_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.down["mail"] = ValueError(f"cannot connect to https://hooks.example.org/{SECRET}")
    world.round()
    assert world.outbox()[0].error == "the channel failed (ValueError)"
    assert world.outbox()[0].state is DeliveryState.WAITING
    assert SECRET not in caplog.text


def test_a_channel_that_cannot_be_opened_is_tried_again(world: World) -> None:
    world.closed_to_all = UsageError("channel mail needs Apprise; pip install 'sentinel[notify]'")
    world.round()
    (waiting,) = world.outbox()
    assert waiting.state is DeliveryState.WAITING
    assert "pip install" in waiting.error


def test_what_was_sent_and_could_not_be_noted_is_not_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "AGAIN", 0.001)
    world.wait(1.0)
    world.rounds.step()
    world.store.failing_writes = 3
    world.send()
    assert world.store.failing_writes == 0
    assert len(world.taken) == 1
    assert world.outbox()[0].state is DeliveryState.SENT


def test_killed_after_a_channel_took_it_tells_it_again_under_the_same_key(world: World) -> None:
    world.round()
    (sent,) = world.outbox()
    world.put(DELIVERY, sent.key, _waiting(world))
    world.start()
    world.send()
    assert [one.key for one in world.taken] == [sent.key, sent.key]
    assert world.taken[0].message == world.taken[1].message


def _waiting(world: World) -> dict[str, Any]:
    return delivery_json(world.outbox()[0]) | {"state": "waiting", "ended_at": None}


def test_what_was_told_is_forgotten_after_a_day(world: World) -> None:
    world.round()
    world.sender.sweep()
    assert len(world.outbox()) == 1
    world.wait(86400.0)
    world.sender.sweep()
    assert world.outbox() == []


def test_what_was_told_is_forgotten_after_a_day_whoever_died_meanwhile(world: World) -> None:
    world.round()
    world.wait(86300.0)
    world.start()
    world.sender.sweep()
    assert len(world.outbox()) == 1
    world.wait(101.0)
    world.sender.sweep()
    assert world.outbox() == []


def test_channels_do_not_wait_for_each_other(world: World) -> None:
    world.channel("slow")
    world.write(Route(name="all", channels=("slow", "mail"), group_by=("rule", "gpu")))
    world.says(HOT, {series(gpu=one): 95.0 for one in range(3)})
    leave = threading.Event()
    told: list[str] = []

    class Slow:
        def __init__(self, name: str) -> None:
            self.name = name

        def send(self, message: Message, key: str) -> None:
            if self.name == "slow":
                leave.wait(20)
            told.append(self.name)

        def close(self) -> None: ...

    sender = Sender(
        world.store, lambda channel: Slow(channel.name), url="", now=time.monotonic, today=lambda: BEGAN
    )
    sender.start()
    assert sender.begun(10)
    world.wait(1.0)
    world.rounds_with(sender).step()
    until(lambda: told == ["mail"] * 3)
    leave.set()
    until(lambda: len(told) == 6)
    until(lambda: sender.waiting() == 0)
    sender.stop()
    assert all(one.state is DeliveryState.SENT for one in world.outbox())


def test_it_begins_when_the_store_answers(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "AGAIN", 0.01)
    world.wait(1.0)
    world.rounds.step()
    world.store.away = True
    sender = Sender(world.store, world.open, url="", now=time.monotonic, today=lambda: BEGAN)
    sender.start()
    assert not sender.begun(0.1)
    assert [one.message for one in caplog.records if one.levelno == logging.WARNING][-1:] == [
        "what is to be told cannot be read: the disk is full; trying again"
    ]
    world.store.away = False
    until(lambda: len(world.taken) == 1)
    sender.stop()


def until(holds: Callable[[], bool], within: float = 20.0) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)
