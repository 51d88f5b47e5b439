"""Two nodes whose cables are pulled out and whose agents stand still or are killed, at any moment and for any
time, under a stream of jobs of all kinds, and gangs on both. Repeat a run: SENTINEL_FAULTS_SEED=N."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tests.faults.queue.books import Watching
from tests.faults.queue.checker import check
from tests.faults.queue.networks import Cables
from tests.faults.queue.world import Node, World, eventually, free_port, kill

pytestmark = [pytest.mark.root, pytest.mark.slow]
LEASE = 6.0
STORM = 20.0
JOBS = 30


class Machine:
    """A node, and what is amiss with it until when. Its agent is started again when it was killed: as systemd
    would. Its supervisor is killed only while that agent is there to start another, as fences ask for."""

    def __init__(self, node: Node, cables: Cables, dice: random.Random) -> None:
        self.node, self.cables, self.dice = node, cables, dice
        self.cut_until = self.still_until = 0.0
        self.still: int | None = None

    def strike(self, now: float) -> str:
        what = self.dice.choice(["cut", "cut", "still", "agent", "supervisor"])
        if what == "cut" and not self.cut_until:
            self.cables.pull(self.node.name)
            self.cut_until = now + self.dice.choice([0.5, 3, 11, 11])
        elif what == "still" and self.still is None:
            self.still = self.node.pids("agent")[0]
            os.kill(self.still, signal.SIGSTOP)
            self.still_until = now + self.dice.choice([0.5, 3, 9])
        elif what == "agent" and self.still is None:
            kill(self.node.pids("agent")[0])
            self.node.start()
        elif what == "supervisor" and self.still is None and (old := self.node.pids("supervisor")):
            kill(old[0])
            eventually(lambda: self.node.pids("supervisor"))
        else:
            return ""
        return f"{what}-{self.node.name}"

    def mend(self, now: float) -> None:
        """What is to be over by now."""
        if self.cut_until and now >= self.cut_until:
            self.cut_until = 0.0
            self.cables.mend(self.node.name)
        if self.still is not None and now >= self.still_until:
            os.kill(self.still, signal.SIGCONT)
            self.still = None


def test_cut_off_at_any_moment(tmp_path: Path) -> None:
    seed = int(os.environ.get("SENTINEL_FAULTS_SEED") or random.SystemRandom().randrange(1 << 32))
    dice = random.Random(seed)
    print(f"SENTINEL_FAULTS_SEED={seed}")
    with (
        Cables() as cables,
        World(tmp_path, alone=True, lease=LEASE, listen=f"{cables.address}:{free_port()}") as world,
        Watching(world),
    ):
        machines = [Machine(world.node(n, 6, prefix=cables.plug(n)), cables, dice) for n in ("a", "b")]
        for if_lost in ("fence", "fence", "fence", "requeue", "keep"):  # they run for as long as it storms
            world.submit(gate="calm", code=6, if_lost=if_lost, grace=1)
        for if_lost in ("fence", "requeue"):
            world.submit(gate="calm", code=6, if_lost=if_lost, grace=1, nodes=2)
        began = time.monotonic()
        struck: list[str] = []
        while (now := time.monotonic()) < began + STORM:
            if len(world.submitted) < JOBS and now > began + len(world.submitted) * STORM / JOBS:
                world.submit(**_any_job(dice, len(world.submitted)))
            if dice.random() < 0.15:
                struck.append(dice.choice(machines).strike(now))
            if dice.random() < 0.02:
                struck.append(role := dice.choice(["api", "loops"]))
                kill(world.pid(role))
            for machine in machines:
                machine.mend(now)
            time.sleep(0.1)
        print(" ".join(filter(None, struck)))
        for machine in machines:
            machine.mend(now + 1000)
        world.open_gate("calm")
        for id in world.submitted:
            world.ended(id, 90)
        check(world, unknown=True)
        jobs = world.client.jobs(limit=None)
        print({job["id"]: job["reason"] for job in jobs if job["exit_code"] is None})
        assert sum(job["attempt"] == 1 for job in jobs) > JOBS / 4, "the storm was too strong to show much"


def _any_job(dice: random.Random, number: int) -> dict[str, Any]:
    return {
        "seconds": dice.choice([0.1, 0.5, 1, 2]),
        "code": number % 5,
        "gpus": dice.choice([1, 1, 2]),
        "nodes": dice.choice([1, 1, 1, 2]),
        "if_lost": dice.choice(["requeue", "keep", "fence", "fence"]),
        "grace": 1,
    }
