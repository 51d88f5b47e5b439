"""What a node says comes twice, late, out of order, at once: a node by hand, a real controller."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.faults.queue.checker import check
from tests.faults.queue.scripted import Given, Report, Scripted, exited, running, says, starting
from tests.faults.queue.world import World, eventually, kill

from sentinel.core.errors import ApiError

pytestmark = pytest.mark.slow
MANY = 8


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("messages"), alone=True) as world:
        yield world


@pytest.fixture(scope="module")
def node(world: World) -> Scripted:
    return Scripted(world, "a", 8)


def told(world: World, id: str) -> list[str]:
    """What happened to the job, as its events have it."""
    return [event["type"].removeprefix("sentinel.job.") for event in world.client.job_events(id)]


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What they return, all called in the same moment."""
    results: list[Any] = [None] * len(calls)
    together = threading.Barrier(len(calls))

    def run(number: int) -> None:
        together.wait(10)
        try:
            results[number] = calls[number]()
        except ApiError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_told_twice(world: World, node: Scripted) -> None:
    id = world.submit(code=3)
    given = node.given(id)
    assert node.report(starting(given), starting(given)) == ["applied", "known"]
    assert node.report(running(given)) == ["applied"]
    assert node.report(starting(given), running(given), running(given)) == ["known"] * 3
    assert node.report(exited(given, 3), exited(given, 3)) == ["applied", "known"]
    assert node.report(exited(given, 3)) == ["known"]
    assert told(world, id) == ["submitted", "allocated", "starting", "running", "failed"]
    check(world, by_hand=True)


def test_told_many_times_at_once(world: World, node: Scripted) -> None:
    id = world.submit(code=4)
    given = node.given(id)
    batch = [starting(given), running(given), exited(given, 4)]
    verdicts = at_once(*[lambda: node.report(*batch)] * MANY)
    assert sorted(map(tuple, verdicts))[0] == ("applied",) * 3
    assert sum(one[-1] == "applied" for one in verdicts) == 1
    assert told(world, id) == ["submitted", "allocated", "starting", "running", "failed"]
    check(world, by_hand=True)


def test_the_end_overtakes_all_else(world: World, node: Scripted) -> None:
    id = world.submit(code=5)
    given = node.given(id)
    assert node.report(exited(given, 5)) == ["applied"]
    assert set(node.report(running(given), starting(given))) <= {"known", "fenced"}
    assert node.report(exited(given, 5)) == ["known"]
    assert told(world, id) == ["submitted", "allocated", "failed"]
    check(world, by_hand=True)


def test_late_words_of_an_earlier_attempt(world: World, node: Scripted) -> None:
    id = world.submit(code=6)
    first = node.given(id)
    assert node.report(running(first), says(first, "gone", why="it is not here")) == ["applied"] * 2
    second = node.given(id, attempt=2)
    late = [starting(first), running(first), exited(first, 0), says(first, "gone", why="still not here")]
    assert node.report(*late) == ["fenced"] * 4
    assert world.job(id)["state"] == "ALLOCATED"
    assert node.report(running(second), exited(first, 0), exited(second, 6)) == [
        "applied",
        "fenced",
        "applied",
    ]
    assert world.job(id)["attempt"] == 2
    check(world, by_hand=True)


def test_a_beat_that_is_overtaken_by_reports(world: World, node: Scripted) -> None:
    seen = node.desired()["revision"]
    id = world.submit(code=7)
    given = node.given(id)
    node.report(running(given))
    for held in ([], None):  # asked of the supervisor before it had the job; or not to be asked
        node.beat(held, seen)
        assert world.job(id)["state"] == "RUNNING"
    assert node.beat([given["token"]], node.desired()["revision"])["unknown"] == []
    node.report(exited(given, 7))
    before = told(world, id)
    eventually(lambda: node.beat([given["token"]], seen)["unknown"] == [given["token"]])
    node.beat([given["token"]], node.desired()["revision"])
    assert told(world, id) == before and world.job(id)["attempt"] == 1
    check(world, by_hand=True)


def test_a_beat_that_outlives_the_api(world: World, node: Scripted) -> None:
    """Revisions that another process told mean nothing; what they say of jobs is not believed."""
    id = world.submit(code=8)
    given = node.given(id)
    node.report(running(given))
    seen = node.desired()["revision"]
    kill(world.pid("api"))
    eventually(world.client.health)
    node.beat([], seen)
    assert world.job(id)["state"] == "RUNNING"
    node.report(exited(given, 8))
    check(world, by_hand=True)


def test_cancel_and_the_end_at_once(world: World, node: Scripted) -> None:
    for _ in range(5):
        id = world.submit(code=0)
        given = node.given(id)
        node.report(running(given))
        canceled, verdict = at_once(
            lambda id=id: world.client.cancel(id), lambda given=given: node.report(exited(given))
        )
        assert verdict == ["applied"]
        assert isinstance(canceled, ApiError) or canceled["cancel"]
        assert world.job(id)["state"] == "SUCCEEDED"
    check(world, by_hand=True)


@pytest.mark.parametrize("role", ["api", "loops", "parent"])
def test_killed_while_a_job_starts(world: World, node: Scripted, role: str) -> None:
    """A moment that is too short to be hit with a real agent, which says so together with the next."""
    id = world.submit(code=9)
    given = node.given(id)
    node.report(starting(given))
    if role == "parent":
        world.server.stop(signal.SIGKILL)
        world.start()
    else:
        kill(world.pid(role))
        eventually(world.client.health)
    assert world.job(id)["state"] == "STARTING"
    assert node.given(id)["state"] == "STARTING"
    assert node.report(starting(given), running(given), exited(given, 9)) == ["known", "applied", "applied"]
    check(world, by_hand=True)


# ------------------------------------------------------------------ honest, and late


@dataclass
class Attempt:
    """What really is with one on this node."""

    given: Given
    step: int = 0  # 1: starting, 2: running, 3: exited
    acknowledged: bool = False


class Late:
    """A node whose words are all true when they are said, and are delivered whenever the dice say, some of
    them twice."""

    def __init__(self, world: World, node: Scripted, dice: random.Random) -> None:
        self.world, self.node, self.dice = world, node, dice
        self.attempts: dict[str, Attempt] = {}
        self.seen = 0
        self.letters: list[tuple[str, Any]] = []

    def turn(self) -> None:
        match self.dice.randrange(5):
            case 0:
                self.ask()
            case 1 | 2:
                self.get_on()
            case 3:
                held = [token for token, one in self.attempts.items() if not one.acknowledged]
                self.letters.append(("beat", (held, self.seen)))
            case _:
                self.deliver()

    def ask(self) -> None:
        found = self.node.desired()
        for one in found["jobs"]:
            if one["state"] == "ALLOCATED":
                self.attempts.setdefault(one["token"], Attempt(one))
        self.seen = found["revision"]

    def get_on(self) -> None:
        live = [one for one in self.attempts.values() if one.step < 3]
        if live:
            one = self.dice.choice(live)
            one.step += 1
            self.letters.append(("report", self._word(one, one.step)))

    def _word(self, one: Attempt, step: int) -> Report:
        code = self.world.submitted[one.given["job"]]
        return (starting(one.given), running(one.given), exited(one.given, code))[step - 1]

    def deliver(self) -> None:
        if not self.letters:
            return
        at = self.dice.randrange(len(self.letters))
        kind, what = self.letters[at] if self.dice.random() < 0.3 else self.letters.pop(at)
        if kind == "beat":
            self.node.beat(*what)
            return
        (verdict,) = self.node.report(what)
        if what["kind"] == "exited":
            assert verdict in ("applied", "known")
            self.attempts[what["token"]].acknowledged = True

    def finish(self) -> None:
        """All that is on its way arrives, and what is left to do is done in order."""
        self.dice.shuffle(self.letters)
        while self.letters:
            self.deliver()
        while any(self.world.job(id)["state"] not in ("SUCCEEDED", "FAILED") for id in self.world.submitted):
            self.ask()
            for one in self.attempts.values():
                if not one.acknowledged:
                    self.node.report(*(self._word(one, step) for step in (1, 2, 3)))
                    one.step, one.acknowledged = 3, True


def test_true_words_in_any_order(tmp_path: Path) -> None:
    """No job is begun again for what a late word says: all of them are with the node all the time."""
    seed = int(os.environ.get("SENTINEL_FAULTS_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"SENTINEL_FAULTS_SEED={seed}")
    dice = random.Random(seed)
    with World(tmp_path, alone=True) as world:
        late = Late(world, Scripted(world, "a", 6), dice)
        for number in range(30):
            world.submit(code=number % 5, gpus=dice.choice([1, 1, 2]))
            for _ in range(dice.randrange(16)):
                late.turn()
        for _ in range(200):
            late.turn()
        late.finish()
        assert {job["attempt"] for job in world.client.jobs(limit=None)} == {1}
        check(world, by_hand=True)
