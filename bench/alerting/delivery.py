"""From the end of a rule's `for` to the webhook that has received it, through everything that is between.

The watch's duties run in a process of their own, on a store and a history on the disk, and look at 250 nodes
of 8 GPUs whose samples come in every ten seconds, with the shipped rules in force. Now and then one more
series gets above a threshold. Measured: from when the history has that sample, plus `for`, to the webhook.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.figure import Figure, percentile, spread
from bench.history.cards import GPUS, METRICS, batch
from bench.workstation.arbiter import BenchmarkError
from sentinel.core.alert import Comparison, Route, Rule
from sentinel.core.alert_json import ROUTE, route_json
from sentinel.core.clock import wall
from sentinel.core.node import Node, NodeState
from sentinel.core.rule_json import RULE, rule_json
from sentinel.core.sample_batch import Batch, Column
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.notifiers.opening import open_notifier
from sentinel.drivers.stores.opening import open_store, sqlite_url
from sentinel.ports.notifier import AlertFeed, Channel, ChannelKind, channel_json
from sentinel.ports.store import Store, Transaction
from sentinel.server.alerting.duties import alerting_duties
from sentinel.server.alerting.rounds import FARES
from sentinel.server.observing import Endpoint, Observing

NODES, EVERY = 250, 10.0
FIRINGS, FIRINGS_QUICK = 120, 15
APART = 0.31  # seconds; no multiple of the rounds'
HOLD, TARGET = 2.0, 2.0
_METRIC = "bench_heat"


def measure(quick: bool) -> list[Figure]:
    firings = FIRINGS_QUICK if quick else FIRINGS
    with tempfile.TemporaryDirectory(prefix="sentinel-alerting-") as folder, _receiver() as receiver:
        store = open_store(sqlite_url(f"{folder}/controller.db"))
        store.write(lambda tx: _furnish(tx, receiver.url))
        history = EmbeddedHistory(f"{folder}/history.db")
        fleet = _Fleet(history)
        fleet.begins()
        with _watch(folder):
            rounds = _warm(store)
            took = _fire(firings, fleet, receiver, store, rounds)
        history.close()
        store.close()
    seconds = [one["seconds"] for one in rounds]
    return [
        Figure(
            name="firing to webhook received, after `for`",
            value=percentile(took, 99),
            unit="s",
            target=TARGET,
            how=f"99th percentile of {len(took)} alerts with `for` {HOLD:g} s, in a fleet of {NODES * GPUS}"
            f" GPUs and {rounds[-1]['series']} series that rules use",
            detail={"seconds": spread(took), "a_round": spread(seconds), "fleet_series": fleet.series},
        )
    ]


def watch(folder: str) -> None:
    """The process that is measured."""
    duties = alerting_duties(
        Observing(),
        open_store(sqlite_url(f"{folder}/controller.db"), migrate=False),
        EmbeddedHistory(f"{folder}/history.db"),
        open_channel=open_notifier,
        open_alertmanager=_none,
    )
    for one in duties:
        one.start()
    threading.Event().wait()


def _none(at: Endpoint) -> AlertFeed:
    raise NotImplementedError(at.url)


class _Fleet:
    """Nodes whose samples come in one after the other."""

    def __init__(self, history: EmbeddedHistory) -> None:
        self._history, self._next, self._due = history, 0, time.monotonic()
        self.series = NODES * GPUS * len(METRICS)

    def begins(self) -> None:
        """All of them."""
        self._history.append([batch(node, wall(), 1) for node in range(NODES)])
        self._due = time.monotonic()

    def goes_on(self, most: int) -> None:
        """As many nodes as are due, `most` at once."""
        while most and time.monotonic() >= self._due:
            self._history.append([batch(self._next, wall(), 1)])
            self._next = (self._next + 1) % NODES
            self._due += EVERY / NODES
            most -= 1

    def heats(self, gpu: int) -> float:
        """When the history has it that this one is too hot."""
        labels = (("gpu", str(gpu)), ("node", "oven"))
        column = Column(metric=_METRIC, labels=labels, values=array("f", [95.0]))
        self._history.append([Batch(node="oven", sequence=gpu, times=(wall(),), columns=(column,))])
        return time.monotonic()


def _fire(
    firings: int, fleet: _Fleet, receiver: "_Receiver", store: Store, rounds: list[dict[str, Any]]
) -> list[float]:
    """Seconds from the end of each one's `for` to its webhook."""
    began: dict[str, float] = {}
    start = time.monotonic()
    end = start + firings * APART + 60
    while len(receiver.received) < firings:
        now = time.monotonic()
        if now > end:
            raise BenchmarkError(f"{firings - len(receiver.received)} of {firings} alerts were never told")
        if len(began) < firings and now >= start + len(began) * APART:
            began[str(len(began))] = fleet.heats(len(began))
        fleet.goes_on(3)
        said = _fares(store)
        if said is not None and said["round_at"] != rounds[-1]["round_at"]:
            rounds.append(said)
        time.sleep(0.02)
    return [receiver.received[gpu] - at - HOLD for gpu, at in began.items()]


def _furnish(tx: Transaction, url: str) -> None:
    rule = Rule(name="bench", metric=_METRIC, op=Comparison.ABOVE, threshold=90.0, hold=HOLD)
    route = Route(name="bench", channels=("hook",), matches={"rule": ("bench",)}, group_by=("gpu",))
    tx.put_document(RULE, rule.name, rule_json(rule))
    tx.put_document(ROUTE, route.name, route_json(route) | {"place": 0})
    hook = Channel(name="hook", kind=ChannelKind.WEBHOOK, url=url)
    tx.put_document("channel", hook.name, channel_json(hook))
    for nth in range(NODES):
        name = f"node-{nth:04d}"
        tx.put_node(Node(id=name, name=name, joined_at=wall(), state=NodeState.UP))


def _warm(store: Store) -> list[dict[str, Any]]:
    """Until it has looked."""
    end = time.monotonic() + 60
    while (said := _fares(store)) is None:
        if time.monotonic() > end:
            raise BenchmarkError("the watch does not look at anything")
        time.sleep(0.05)
    return [said]


def _fares(store: Store) -> dict[str, Any] | None:
    with store.read() as reader:
        return json.loads(reader.meta(FARES) or "null")


@contextmanager
def _watch(folder: str) -> Generator[None]:
    code = "import sys; from bench.alerting.delivery import watch; watch(sys.argv[1])"
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", code, folder], cwd=root)
    try:
        yield
    finally:
        process.kill()
        process.wait()


class _Receiver:
    """When it heard of which GPU first."""

    def __init__(self) -> None:
        self.url = ""
        self.received: dict[str, float] = {}

    def take(self, body: bytes, at: float) -> None:
        for alert in json.loads(body)["alerts"]:
            self.received.setdefault(alert["labels"]["gpu"], at)


@contextmanager
def _receiver() -> Generator[_Receiver]:
    made = _Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.take(body, time.monotonic())
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
