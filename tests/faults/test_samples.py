"""Samples on their way from a node to the history: the network is cut, and both ends are killed with kill -9.

The controller is a real one, the node's recorder, spool and sending are the real ones in a process of their
own, with a row every 50 ms, so that a minute is over after 0.3 s.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.controller import Controller, Node, eventually

from sentinel.core.sample_batch import decode
from sentinel.core.series import Aggregate, Selector
from sentinel.drivers.histories.embedded import EmbeddedHistory

pytestmark = pytest.mark.slow

METRIC = "gpu_held"
EVERY = 0.05
SECONDS = 40.0

AGENT = """
import signal, sys, threading
from pathlib import Path
from sentinel.agent.link.backoff import Backoff
from sentinel.agent.link.membership import Membership
from sentinel.agent.record.door import Door
from sentinel.agent.record.recorder import Recorder
from sentinel.agent.record.sending import Sending
from sentinel.agent.record.spool import Spool
from sentinel.core.clock import boottime, wall
from sentinel.core.notify import Journal
from sentinel.core.sample_batch import decode
from sentinel.telemetry.sample import Watch

folder, url, node, name, value, every, taken, acknowledged = sys.argv[1:]
journal, count = Journal(name="agent"), int(value)
taken, acknowledged = open(taken, "a"), open(acknowledged, "a")

def note(file, batch):
    values = next((one.values for one in batch.columns if one.metric == "gpu_held"), ())
    for at, value in zip(batch.times, values):
        print(round(at * 1000), int(value), file=file)
    file.flush()

class Noting(Door):
    def samples(self, batch):
        elsewhere = super().samples(batch)
        note(acknowledged, decode(batch))
        return elsewhere

class Telling(Sending):
    def tell(self, minute, *, over):
        row = minute.rows[-1]
        for (metric, _), value in row.values.items():
            if metric == "gpu_held":
                print(round(row.at * 1000), int(value), file=taken, flush=True)
        super().tell(minute, over=over)

def held():
    global count
    count += 1
    yield "gpu_held", (("gpu", "0"), ("user", "ann")), float(count)

folder = Path(folder)
door = Noting(folder, Membership(url=url, node=node, name=name))
sending = Telling(
    name, door, Spool(folder, journal), journal, now=boottime, wall=wall,
    backoff=Backoff(0.05, 0.3), a_second=20.0,
)
recorder = Recorder(
    name, lambda: Watch(node=name), sending, journal,
    providers=(held,), oldest=3.0, now=boottime, wall=wall, every=float(every),
)
over = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: over.set())
recorder.start()
while not over.wait(1.0):
    pass
recorder.close()
"""


class Site:
    """A controller, and the agent of a node that has joined it."""

    def __init__(self, folder: Path, controller: Controller) -> None:
        self.folder, self.controller = folder, controller
        self.node = Node(controller)
        self.node.context()
        self.home = controller.home / self.node.id
        (self.home / "ca.pem").write_bytes((controller.data / "pki/ca.pem").read_bytes())
        self.taken, self.acknowledged = folder / "taken", folder / "acknowledged"
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start_agent(self) -> None:
        self.starts += 1
        words = [self.home, self.controller.url, self.node.id, self.node.name, self.starts * 100_000, EVERY]
        command = [sys.executable, "-c", AGENT, *map(str, words), str(self.taken), str(self.acknowledged)]
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log)

    def end_agent(self, number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(10)

    def told(self, path: Path) -> dict[int, int]:
        """By epoch milliseconds, the value. A process that was killed may have left half a line."""
        lines = path.read_text().splitlines() if path.exists() else []
        pairs = [line.split() for line in lines]
        return {int(pair[0]): int(pair[1]) for pair in pairs if len(pair) == 2 and len(pair[0]) == 13}

    def spooled(self) -> list[str]:
        folder = self.home / "samples"
        return [one.name for one in folder.iterdir() if one.name.isdecimal()] if folder.exists() else []

    def waiting(self) -> set[tuple[int, int]]:
        """Time and value of what is in the spool."""
        batches = [decode((self.home / "samples" / name).read_bytes()) for name in self.spooled()]
        return {
            (round(at * 1000), int(value))
            for batch in batches
            for one in batch.columns
            if one.metric == METRIC
            for at, value in zip(batch.times, one.values, strict=True)
        }

    def kept(self) -> dict[int, int]:
        """All that the history has, by the millisecond; each counts once."""
        taken = self.told(self.taken)
        start, end = min(taken) / 1000, max(taken) / 1000 + 1
        assert end - start < 50, "or there were more points than a query may have"
        history = EmbeddedHistory(str(self.controller.data / "history.db"))
        try:
            answers = [
                {round(at * 1000): value for at, value in one.points if value is not None}
                for how in (Aggregate.COUNT, Aggregate.SUM)
                for one in history.query(Selector(metric=METRIC), start, end, 0.001, how)
            ]
        finally:
            history.close()
        if not answers:
            return {}
        count, total = answers
        assert set(count.values()) == {1.0}
        return {at: int(value) for at, value in total.items()}

    def is_there(self, wanted: dict[int, int]) -> bool:
        kept = self.kept()
        assert kept.items() >= wanted.items(), f"{len(wanted.keys() - kept.keys())} are missing"
        assert self.told(self.taken).items() >= kept.items(), "nothing is in it that was not measured"
        return True


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Controller(tmp_path) as controller:
        site = Site(tmp_path, controller)
        try:
            yield site
        finally:
            if site.process is not None and site.process.poll() is None:
                site.end_agent(signal.SIGKILL)


def test_a_partition_longer_than_a_minute_loses_nothing(site: Site) -> None:
    site.start_agent()
    eventually(lambda: len(site.told(site.acknowledged)) > 10, SECONDS)
    port = site.controller.url.rpartition(":")[2]
    site.controller.stop()
    eventually(lambda: len(site.spooled()) >= 4, SECONDS)
    # Another agent takes over what the former one had not sent.
    site.end_agent()
    site.start_agent()
    eventually(lambda: len(site.spooled()) >= 8, SECONDS)
    site.controller._listen = f"127.0.0.1:{port}"
    site.controller.start()
    eventually(lambda: not site.spooled(), SECONDS)
    site.end_agent()
    eventually(lambda: site.is_there(site.told(site.acknowledged)), SECONDS)
    missing = site.told(site.taken).items() - site.kept().items()
    assert missing <= site.waiting(), "all but what still waits on the node"
    assert len(site.kept()) > 60
    assert "Traceback" not in (site.folder / "agent.log").read_text()
    assert "Traceback" not in site.controller.log.read_text()


def test_both_ends_are_killed_at_random_moments(site: Site) -> None:
    chance = random.Random(11)
    for _ in range(4):
        site.start_agent()
        before = len(site.told(site.acknowledged))
        eventually(lambda before=before: len(site.told(site.acknowledged)) > before + 5, SECONDS)
        time.sleep(chance.random())
        os.kill(site.controller.child("api_process"), signal.SIGKILL)
        time.sleep(chance.random())
        site.end_agent(signal.SIGKILL)
    site.start_agent()
    eventually(lambda: not site.spooled(), SECONDS)
    site.end_agent()
    acknowledged = site.told(site.acknowledged)
    assert len(acknowledged) > 40
    eventually(lambda: site.is_there(acknowledged), SECONDS)
    assert "Traceback" not in (site.folder / "agent.log").read_text()
