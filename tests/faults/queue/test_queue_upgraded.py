"""Agent, controller and supervisor are ended politely and started again, as an upgrade does it, while a job
writes: it never notices, nor does who reads along."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.queue.checker import check
from tests.faults.queue.world import ADOPTED_CODES, World, alive, eventually, kill

pytestmark = pytest.mark.slow
LINES = 150


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, alone=True) as world:
        yield world


def test_upgraded_while_a_job_writes(world: World) -> None:
    node = world.node("a", 2)
    agent = node.agent
    assert agent is not None
    script = f'i=0; while [ $i -lt {LINES} ]; do echo "line $i"; i=$((i+1)); sleep 0.05; done; exit 7'
    id = str(world.client.submit(["sh", "-c", script], cwd="/")["id"])
    world.submitted[id] = 7
    other = world.submit(gate="x", code=4, slow_end=0.01)
    world.begun(other)
    world.becomes(id, "RUNNING")
    [leader, *_] = world.job_pids(other)
    heard: list[bytes] = []
    reading = threading.Thread(target=lambda: heard.extend(world.client.logs(id, follow=True)))
    reading.start()

    agent.stop()
    assert world.job(id)["state"] == "RUNNING"
    time.sleep(0.5)
    node.start()
    world.server.stop()
    world.start()
    old = node.pids("supervisor")
    kill(old[0], signal.SIGTERM)
    eventually(lambda: (new := node.pids("supervisor")) and new != old)
    agent.stop()
    node.start()

    job = world.ended(id)
    assert (job["state"], job["attempt"]) == ("FAILED", 1)
    assert job["exit_code"] == 7 or not ADOPTED_CODES
    reading.join(10)
    wanted = "".join(f"line {number}\n" for number in range(LINES)).encode()
    assert b"".join(heard) == wanted
    assert b"".join(world.client.logs(id)) == wanted
    assert alive(leader) and world.job(other)["state"] == "RUNNING"
    os.kill(leader, signal.SIGTERM)  # by its own hand, as it were: nobody asked for it
    world.ended(other)
    check(world, codes={other: [(0, None)]}, silent=[id], unknown=not ADOPTED_CODES)
