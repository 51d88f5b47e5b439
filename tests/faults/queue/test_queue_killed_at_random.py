"""A stream of short jobs of all kinds on two nodes while processes are killed at any moment. Repeat a run:
SENTINEL_FAULTS_SEED=N."""

import contextlib
import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.faults.queue.books import Watching
from tests.faults.queue.checker import How, check
from tests.faults.queue.world import ENDED, World, eventually, pids_of

from sentinel.core.errors import ApiError

pytestmark = pytest.mark.slow
JOBS = 60
VICTIMS = ["api", "loops", "agent", "supervisor"] * 3
VICTIMS += ["other-agent", "other-supervisor"] * 2 + ["parent", "leader", "child", "cancel"]
KINDS = ["plain"] * 6 + ["gang"] * 3 + ["array", "after", "preemptible", "preemptible", "retried", "urgent"]


class Storm:
    """Kills until it is told to stop, then leaves everything running."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world, self.dice = world, dice
        self.done: list[str] = []
        self.codes: dict[str, list[How]] = {}

    def strike(self) -> None:
        victim = self.dice.choice(VICTIMS)
        self.done.append(victim)
        match victim:
            case "parent":
                self.world.server.stop(signal.SIGKILL, group=True)
                time.sleep(self.dice.uniform(0.0, 0.2))
                self.world.start()
            case "leader" | "child":
                self._a_job(victim)
            case "cancel":
                self._cancel()
            case "other-agent" | "other-supervisor":
                self._on_the_other_node(victim.removeprefix("other-"))
            case _:
                folder = self.world.data if victim in ("api", "loops") else self.world.data / "node"
                for pid in pids_of(victim, folder):  # none, while it is being started
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def _on_the_other_node(self, victim: str) -> None:
        """Its agent is started again as systemd would."""
        node = self.world.nodes["other"]
        for pid in node.pids(victim):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if victim == "agent":
            node.start()

    def _a_job(self, victim: str) -> None:
        running = {m.job for m in self.world.marks() if m.kind == "S"}
        running -= {m.job for m in self.world.marks() if m.kind == "E"}
        if not running:
            return
        id = self.dice.choice(sorted(running))
        pids = self.world.job_pids(id)
        how: How = (None, 9) if victim == "leader" else (137, None)
        if len(pids) > (victim == "child"):
            id = id.partition(".")[0]  # a part's end is its gang's
            self.codes.setdefault(id, [(self.world.submitted[id], None)]).append(how)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pids[victim == "child"], signal.SIGKILL)

    def _cancel(self) -> None:
        id = self.dice.choice(sorted(self.world.submitted))
        self.codes.setdefault(id, [(self.world.submitted[id], None)]).extend([(None, 15), (None, None)])
        with contextlib.suppress(ApiError):  # it has ended, or nobody answers
            self.world.client.cancel(id)


class Stream:
    """Submits the jobs, in a thread of its own."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world, self.dice = world, dice
        self.failed: list[BaseException] = []
        self.thread = threading.Thread(target=self._run)
        self.kinds: list[str] = []

    def _run(self) -> None:
        try:
            for number in range(JOBS):
                self._submit(self.dice.choice(KINDS), number % 7)
                time.sleep(0.05)
        except BaseException as error:
            self.failed.append(error)

    def _submit(self, kind: str, code: int) -> None:
        dice = self.dice
        asks: dict[str, Any] = {"seconds": dice.choice([0, 0.05, 0.2, 0.5, 1.0]), "code": code}
        gpus = dice.choice([1, 1, 2, 3])
        self.kinds.append(kind)
        match kind:
            case "gang":
                self.world.submit(**asks, nodes=2, gpus=gpus, retries=1, preemptible=dice.random() < 0.5)
            case "array":
                self.world.submit_array("0-3%2", **asks)
            case "after":
                self._after(asks)
            case "preemptible":
                self.world.submit(**{**asks, "seconds": 2.0}, gpus=gpus, preemptible=True)
            case "retried":
                self.world.submit(**{**asks, "code": 3}, retries=2, retry_codes=[3])
            case "urgent":
                self.world.submit(**asks, gpus=dice.choice([4, 6]), priority=10)
            case _:
                self.world.submit(**asks, gpus=gpus)

    def _after(self, asks: dict[str, Any]) -> None:
        other = self.dice.choice(sorted(self.world.submitted) or [""])
        kind = self.dice.choice(["ok", "any", "notok"])
        try:
            self.world.submit(**asks, after=[{"job": other, "kind": kind}] if other else None)
        except ApiError as error:
            assert error.status == 409, error  # that one had ended already


def test_killed_at_any_moment(tmp_path: Path) -> None:
    seed = int(os.environ.get("SENTINEL_FAULTS_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"SENTINEL_FAULTS_SEED={seed}")
    with World(tmp_path, gpus=8, patience=60) as world:
        world.node("other", 4)
        storm, stream = Storm(world, random.Random(seed + 1)), Stream(world, random.Random(seed))
        with Watching(world):
            stream.thread.start()
            eventually(lambda: world.submitted)
            until = time.monotonic() + 15
            while time.monotonic() < until and (stream.thread.is_alive() or _open(world)):
                storm.strike()
                time.sleep(storm.dice.uniform(0.02, 0.5))
            stream.thread.join(60)
            assert not stream.failed, stream.failed
            for id in list(world.submitted):
                world.ended(id, 90)
        print(f"{' '.join(stream.kinds)}\n{len(storm.done)} strikes: {' '.join(storm.done)}")
        check(world, codes=storm.codes, unknown=True)
        _seldom_unknown(world)


def _open(world: World) -> bool:
    try:
        return any(job["state"] not in ENDED for job in world.client.jobs(limit=None))
    except ApiError:
        return True


def _seldom_unknown(world: World) -> None:
    """What nobody saw is the exception: else this test would show nothing of exit codes."""
    jobs = [job for job in world.client.jobs(limit=None) if job["state"] != "CANCELED"]
    unknown = [job for job in jobs if (job["exit_code"], job["signal"]) == (None, None)]
    assert len(unknown) < len(jobs) / 2, [job["reason"] for job in unknown]
