"""A controller's alerting for tests: a store, a past that says what it is told to, and channels that take
what they get, on one clock that is moved by hand.

world = World(); world.channel("mail"); world.write(rule("hot", hold=20.0)); world.says(HOT, {series(): 95.0})
world.round(); world.round(after=20.0); assert world.told("mail") == [("firing", "hot")]
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.alerting import alerts

from sentinel.alerting.notice_json import DELIVERY, GROUP, delivery_from
from sentinel.alerting.outbox import Delivery
from sentinel.core.alert import Alert, Inhibition, Route, Rule, Silence
from sentinel.core.alert_json import (
    ALERT,
    INHIBITION,
    ROUTE,
    SILENCE,
    alert_from,
    inhibition_json,
    route_json,
    silence_json,
)
from sentinel.core.errors import SentinelError, StoreUnavailable
from sentinel.core.finding import NODE_FINDINGS, Finding, finding_json
from sentinel.core.node import Node, NodeState
from sentinel.core.rule_json import RULE, rule_json
from sentinel.core.sample_batch import Batch
from sentinel.core.series import Aggregate, Labels, Selector, Series
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.history import Appended, HistoryUnavailable
from sentinel.ports.notifier import Channel, ChannelKind, Message, NotifyError, channel_json
from sentinel.ports.store import Reader, Store, StoredEvent, Transaction
from sentinel.server.alerting.alertmanager import Alertmanager
from sentinel.server.alerting.job_ends import JobEnds
from sentinel.server.alerting.rounds import Rounds
from sentinel.server.alerting.sending import Sender

T = TypeVar("T")
BEGAN = 1_800_000_000.0
HOT = "room_temperature_celsius"
"""A metric that no shipped rule watches."""


@dataclass
class Past:
    """A history that has what it was told: by metric and series, when and what."""

    has: dict[str, dict[Labels, tuple[float, float]]] = field(default_factory=dict)
    away: str | None = None
    asked: list[tuple[str, float]] = field(default_factory=list)
    appended: list[Batch] = field(default_factory=list)

    def append(self, batches: Sequence[Batch]) -> Appended:
        self._check()
        self.appended += batches
        return Appended(kept=len(batches))

    def latest(self, selector: Selector, now: float, within: float) -> Sequence[tuple[Labels, float, float]]:
        self.asked.append((selector.metric, within))
        self._check()
        known = self.has.get(selector.metric, {}).items()
        return [(labels, at, value) for labels, (at, value) in known if now - within <= at <= now]

    def query(
        self, selector: Selector, start: float, end: float, step: float, how: Aggregate
    ) -> Sequence[Series]:
        raise NotImplementedError

    def series(self, metric: str | None = None) -> Sequence[tuple[str, Labels]]:
        raise NotImplementedError

    def purge(self, now: float) -> int:
        raise NotImplementedError

    def close(self) -> None: ...

    def _check(self) -> None:
        if self.away is not None:
            raise HistoryUnavailable(self.away)


@dataclass
class FrailStore:
    """A store that may be away, and that may say nothing of a commit that took place."""

    behind: MemoryStore = field(default_factory=MemoryStore)
    away: bool = False
    failing_writes: int = 0
    deaf_commits: int = 0
    writes: int = 0

    @contextmanager
    def read(self) -> Generator[Reader]:
        self._check()
        with self.behind.read() as reader:
            yield reader

    def write(self, work: Callable[[Transaction], T]) -> T:
        self._check()
        if self.failing_writes:
            self.failing_writes -= 1
            raise StoreUnavailable("it is locked")
        self.writes += 1
        done = self.behind.write(work)
        if self.deaf_commits:
            self.deaf_commits -= 1
            raise StoreUnavailable("the connection broke while it committed")
        return done

    def submit(self, work: Callable[[Transaction], T]) -> "Future[T]":
        return self.behind.submit(work)

    def on_commit(self, told: Callable[[], None]) -> None:
        self.behind.on_commit(told)

    def backup(self, path: str) -> None:
        self.behind.backup(path)

    def close(self) -> None:
        self.behind.close()

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailable("the disk is full")


@dataclass
class Taken:
    """What a channel took."""

    channel: str
    key: str
    message: Message


@dataclass
class World:
    store: FrailStore = field(default_factory=FrailStore)
    past: Past = field(default_factory=Past)
    wall: float = BEGAN
    boot: float = 1000.0
    every_metric: float = 0.0
    alertmanager: Alertmanager | None = None
    taken: list[Taken] = field(default_factory=list)
    down: dict[str, NotifyError | Exception] = field(default_factory=dict)
    opened: list[Channel] = field(default_factory=list)
    closed_to_all: SentinelError | None = None
    values: dict[str, dict[Labels, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """The watch, as after a kill."""
        store: Store = self.store
        self.sender = Sender(
            store, self.open, url="https://gpus.example.org", now=self.now, today=self.today, workers=0
        )
        self.sender.read_outbox()
        self.rounds = self.rounds_with(self.sender)
        self.ends = JobEnds(store, self.sender, now=self.now)

    def rounds_with(self, sender: Sender) -> Rounds:
        return Rounds(
            self.store,
            self.past,
            sender,
            every=1.0,
            now=self.now,
            today=self.today,
            alertmanager=self.alertmanager,
            every_metric=self.every_metric,
        )

    def now(self) -> float:
        return self.boot

    def today(self) -> float:
        return self.wall

    # ------------------------------------------------------------------ what others do

    def channel(self, *names: str) -> None:
        for name in names:
            made = Channel(name=name, kind=ChannelKind.WEBHOOK, url=f"https://hooks.example.org/{name}")
            self.put("channel", name, channel_json(made))

    def write(self, *things: Rule | Silence | Inhibition | Route | Node) -> None:
        """As the API does."""
        for place, one in enumerate(things):
            match one:
                case Rule():
                    self.put(RULE, one.name, rule_json(one))
                case Silence():
                    self.put(SILENCE, one.id, silence_json(one))
                case Inhibition():
                    self.put(INHIBITION, one.name, inhibition_json(one))
                case Route():
                    self.put(ROUTE, one.name, route_json(one) | {"place": place})
                case Node():
                    self.store.behind.write(lambda tx, one=one: tx.put_node(one))

    def findings(self, node: str, *found: Finding) -> None:
        self.put(
            NODE_FINDINGS, f"id-{node}", {"node": node, "findings": [finding_json(one) for one in found]}
        )

    def put(self, kind: str, key: str, data: Mapping[str, Any] | None) -> None:
        def work(tx: Transaction) -> None:
            if data is None:
                tx.remove_document(kind, key)
            else:
                tx.put_document(kind, key, data)

        self.store.behind.write(work)

    def says(self, metric: str, values: Mapping[Labels, float]) -> None:
        """Measured with every step of the clock from now on."""
        self.values[metric] = dict(values)

    def open(self, channel: Channel) -> "Hook":
        if self.closed_to_all is not None:
            raise self.closed_to_all
        self.opened.append(channel)
        return Hook(self, channel.name)

    # ------------------------------------------------------------------ what the watch does

    def round(self, after: float = 1.0) -> float:
        """Time passes, then a round, and all that is due is sent. What it says of the next one."""
        self.wait(after)
        pause = self.rounds.step()
        self.send()
        return pause

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.boot += seconds
        for metric, values in self.values.items():
            known = self.past.has.setdefault(metric, {})
            known.update({labels: (self.wall, value) for labels, value in values.items()})

    def send(self) -> None:
        while self.sender.step():
            pass

    # ------------------------------------------------------------------ what came of it

    def alerts(self) -> dict[str, Alert]:
        """In the store, by rule; of a rule that has several, any."""
        with self.store.behind.read() as reader:
            found = [alert_from(one.data or {}) for one in reader.documents(ALERT)]
        return {one.rule: one for one in found}

    def outbox(self) -> list[Delivery]:
        with self.store.behind.read() as reader:
            return [delivery_from(one.data or {}) for one in reader.documents(DELIVERY)]

    def groups(self) -> int:
        with self.store.behind.read() as reader:
            return len(reader.documents(GROUP))

    def events(self, prefix: str = "sentinel.alert.") -> list[StoredEvent]:
        with self.store.behind.read() as reader:
            return [one for one in reader.events(0, 10_000) if one.type.startswith(prefix)]

    def told(self, channel: str = "mail") -> list[tuple[str, str]]:
        """State and rule of each alert in each message, in order."""
        return [
            (alert.state, alert.rule)
            for one in self.taken
            if one.channel == channel
            for alert in one.message.alerts
        ]


@dataclass
class Hook:
    """A channel of World's."""

    world: World
    name: str
    closed: bool = False

    def send(self, message: Message, key: str) -> None:
        assert not self.closed
        trouble = self.world.down.get(self.name)
        if trouble is not None:
            raise trouble
        self.world.taken.append(Taken(self.name, key, message))

    def close(self) -> None:
        self.closed = True


def node(name: str, state: NodeState = NodeState.UP) -> Node:
    return Node(id=f"id-{name}", name=name, joined_at=BEGAN, state=state)


def rule(name: str, **more: Any) -> Rule:
    """Above 88 for two minutes, unless said otherwise."""
    return alerts.rule(name, **({"metric": HOT} | more))
