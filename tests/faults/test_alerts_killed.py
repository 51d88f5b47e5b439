"""kill -9 of the watch, at every write and while a channel takes something: everything is told, and nothing
twice but under the same key.

The store, the history and the receiver are real. What is to be told is read from the events that the same
transactions wrote, and from the jobs that ended here.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.alerting.alerts import series
from tests.drivers.notifiers.receiver import Receiver
from tests.scheduling.cluster import placed
from tests.server.alerting.watched import HOT, rule

from sentinel.alerting.notice_json import DELIVERY
from sentinel.core.alert import Route
from sentinel.core.alert_json import ALERT, ROUTE, route_json
from sentinel.core.clock import wall
from sentinel.core.node import Node, NodeState
from sentinel.core.rule_json import RULE, rule_json
from sentinel.core.sample_batch import Batch, Column
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.notifiers.opening import open_notifier
from sentinel.drivers.stores.opening import open_store, sqlite_url
from sentinel.ports.notifier import Channel, ChannelKind, channel_json
from sentinel.ports.store import Transaction
from sentinel.scheduling.lifecycle import Exited, move
from sentinel.scheduling.writing import write_move
from sentinel.server.alerting.duties import alerting_duties
from sentinel.server.observing import AlertingConfig, Observing

GPUS = 3
WRITES = 24  # of a life, each of which it dies at
RANDOM_DEATHS = 8


class Mortal:
    """A store at whose nth write this process is killed: before it, or after it and before anybody knows."""

    def __init__(self, store: Any, at: int, when: str) -> None:
        self._store, self._at, self._when, self._nth = store, at, when, count(1)

    def write(self, work: Callable[[Transaction], Any]) -> Any:
        last = next(self._nth) == self._at
        if last and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = self._store.write(work)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def watch(folder: str, at: str, when: str) -> None:
    """The process that is killed."""
    store: Any = Mortal(open_store(sqlite_url(f"{folder}/controller.db"), migrate=False), int(at), when)
    duties = alerting_duties(
        Observing(alerting=AlertingConfig(every=0.03)),
        store,
        EmbeddedHistory(f"{folder}/history.db"),
        open_channel=open_notifier,
        open_alertmanager=lambda _: pytest.fail("there is none"),
    )
    for one in duties:
        one.start()
    threading.Event().wait()


class Scene:
    """GPUs that get hot and cool down, jobs that end, and somebody who is told."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.folder, self.receiver = folder, receiver
        self.store = open_store(sqlite_url(f"{folder}/controller.db"))
        self.history = EmbeddedHistory(f"{folder}/history.db")
        self.chance = random.Random(11)
        self.hot = False
        self.ended: list[str] = []
        self.sequence = count()
        self.store.write(self._furnish)

    def _furnish(self, tx: Transaction) -> None:
        hook = Channel(name="hook", kind=ChannelKind.WEBHOOK, url=f"{self.receiver.url}/told")
        route = Route(
            name="all",
            channels=("hook",),
            group_by=("rule", "gpu"),
            group_interval=0.0,
            repeat_interval=None,
        )
        tx.put_document("channel", "hook", channel_json(hook))
        tx.put_document(ROUTE, "all", route_json(route) | {"place": 0})
        for one in (rule("now", hold=0.0), rule("soon", hold=0.15)):
            tx.put_document(RULE, one.name, rule_json(one))
        tx.put_node(Node(id="id-gpu01", name="gpu01", joined_at=wall(), state=NodeState.UP))
        tx.set_meta("notified_to", str(tx.revision()))

    def goes_on(self) -> None:
        """A twentieth of a second."""
        now = wall()
        values = [95.0 if self.hot else 40.0] * GPUS
        columns = tuple(
            Column(metric=HOT, labels=series(gpu=gpu), values=array("f", [value]))
            for gpu, value in enumerate(values)
        )
        batch = Batch(node="gpu01", sequence=next(self.sequence), times=(now,), columns=columns)
        self.history.append([batch])
        if self.chance.random() < 0.2:
            self.hot = not self.hot
        if self.chance.random() < 0.2:
            self.end_a_job()
        time.sleep(0.05)

    def end_a_job(self) -> None:
        id = f"job{len(self.ended)}"
        made = placed(id, "id-gpu01", [f"GPU-{id}"], notify=("hook:end",))

        def work(tx: Transaction) -> None:
            tx.add_job(replace(made, submitted_at=wall(), started_at=wall()), {})
            ended = move(made, Exited(token=f"token-{id}", exit_code=0, signal=None), wall())
            assert ended is not None
            write_move(tx, ended, "/nodes/gpu01", wall())

        self.store.write(work)
        self.ended.append(id)

    @contextmanager
    def watched(self, at: int = 0, when: str = "after") -> Generator[subprocess.Popen[bytes]]:
        code = "import sys; from tests.faults.test_alerts_killed import watch; watch(*sys.argv[1:])"
        process = subprocess.Popen([sys.executable, "-c", code, str(self.folder), str(at), when])
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def lives_until_killed(self, at: int, when: str) -> None:
        end = time.monotonic() + 60
        with self.watched(at, when) as process:
            while process.poll() is None:
                assert time.monotonic() < end, "it does not come to that write"
                self.goes_on()
            assert process.returncode == -signal.SIGKILL

    def comes_to_rest(self) -> None:
        """Nothing is hot any more, and everybody is told."""
        with self.watched():
            end = time.monotonic() + 60
            while not self._rests():
                assert time.monotonic() < end, "it does not come to rest"
                self.hot = False
                self.goes_on()

    def _rests(self) -> bool:
        with self.store.read() as reader:
            alerts = [one.data or {} for one in reader.documents(ALERT)]
            outbox = [one.data or {} for one in reader.documents(DELIVERY)]
        told = {one["notice"]["group"] for one in outbox}
        return (
            all(one["state"] == "resolved" for one in alerts)
            and all(one["state"] == "sent" for one in outbox)
            and all(f"job-{id}" in told for id in self.ended)
        )

    def judge(self) -> None:
        """Holds what was told against what happened."""
        first: dict[str, bytes] = {}
        for one in self.receiver.told:
            key = one.headers["idempotency-key"]
            assert first.setdefault(key, one.body) == one.body, "the same key says the same"
        messages = [json.loads(body) for body in first.values()]
        jobs = [one["group"].removeprefix("job-") for one in messages if one["route"] == "job"]
        assert sorted(jobs) == sorted(self.ended), "each end once"
        told: dict[str, list[str]] = {}
        for one in messages:
            if one["route"] == "all":
                (alert,) = one["alerts"]
                told.setdefault(alert["fingerprint"], []).append(alert["state"])
        happened: dict[str, list[str]] = {}
        with self.store.read() as reader:
            for event in reader.events(0, 100_000):
                if event.type.startswith("sentinel.alert."):
                    happened.setdefault(event.subject, []).append(event.type.rpartition(".")[2])
        assert told == {
            id: ["firing" if one == "fired" else one for one in several] for id, several in happened.items()
        }
        assert all(several[-1] == "resolved" for several in told.values())
        # On a busy machine nothing may be hot for as long as "soon" wants.
        assert len(told) >= GPUS, "there was something to tell"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Receiver.running() as receiver:
        made = Scene(tmp_path, receiver)
        yield made
        made.history.close()
        made.store.close()


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_it_dies_at_every_write(scene: Scene, when: str) -> None:
    for at in range(1, WRITES + 1):
        scene.lives_until_killed(at, when)
    scene.comes_to_rest()
    scene.judge()


@pytest.mark.slow
def test_it_dies_at_any_moment_and_while_somebody_is_told(scene: Scene) -> None:
    receiver = scene.receiver
    for nth in range(RANDOM_DEATHS):
        with scene.watched() as process:
            before, until = len(receiver.told), time.monotonic() + 60
            held = receiver.held = threading.Event() if nth % 2 else None  # nobody answers, and it dies then
            while len(receiver.told) == before:
                assert time.monotonic() < until, "nobody is told"
                scene.goes_on()
            if held is None:
                for _ in range(scene.chance.randrange(20)):
                    scene.goes_on()
            process.kill()
            process.wait()
            receiver.held = None
            if held is not None:
                held.set()
    scene.comes_to_rest()
    scene.judge()
    keys = [one.headers["idempotency-key"] for one in receiver.told]
    assert len(keys) > len(set(keys)), "it did die while somebody was told"
