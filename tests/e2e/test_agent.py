"""The agent as a process: at once, for ever, and through everything that ends or fails around it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.node import Node
from tests.e2e.workstation import eventually

pytestmark = pytest.mark.cc


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node.standing(tmp_path) as standing:
        yield standing


@pytest.fixture
def agent(node: Node) -> Node:
    node.start()
    return node


def test_a_process_on_the_gpu_is_seen_at_once_and_gone_at_once(agent: Node) -> None:
    pid = agent.run()
    eventually(lambda: agent.workload(pid=pid), "it is in the inventory", 3)
    agent.end(pid)
    eventually(lambda: agent.workload(pid=pid) is None, "it is gone", 3)
    assert len(agent.told("detected")) == len(agent.told("exited")) == 1


def test_a_container_is_seen_by_its_event(agent: Node) -> None:
    eventually(lambda: agent.engine.listeners, "it listens")
    id = agent.engine.add("trainer", State__Pid=os.getpid())
    eventually(lambda: agent.workload(name="trainer"), "it is in the inventory", 3)
    agent.engine.end(id)
    eventually(lambda: agent.told("exited") == [id], "its end is told", 3)
    agent.engine.remove(id)
    eventually(lambda: agent.workload(name="trainer") is None, "it is gone", 3)


def test_an_engine_that_stops_and_comes_back_changes_nothing_else(agent: Node) -> None:
    id = agent.engine.add("trainer", State__Pid=os.getpid())
    eventually(lambda: agent.told("detected") == [id], "it is told of", 3)
    agent.engine.stop()
    eventually(lambda: agent.inventory()["sources"]["docker"] == "unknown", "docker is unknown", 15)
    assert agent.workload(name="trainer"), "it is not gone for that"
    agent.engine.start()
    eventually(lambda: agent.inventory()["sources"]["docker"] == "ok", "docker is back", 15)
    assert agent.told("detected") == [id] and agent.told("exited") == []
    eventually(lambda: "source docker: well again" in agent.journal(), "that is said", 5)


def test_a_driver_that_fails_is_unknown_and_no_process_is_gone(agent: Node) -> None:
    pid = agent.run()
    eventually(lambda: agent.workload(pid=pid), "it is in the inventory", 3)
    agent.nvml.show([agent.card], errors={"nvmlDeviceGetCount_v2": 9})
    eventually(lambda: agent.inventory()["sources"]["gpus"] == "unknown", "the GPUs are unknown", 15)
    eventually(lambda: "gpu_memory_used_bytes" not in agent.get("/metrics"), "nothing old is served", 15)
    assert 'source="gpus"} 0' in agent.get("/metrics")
    agent.nvml.show([agent.card])
    eventually(lambda: agent.inventory()["sources"]["gpus"] == "ok", "they are back")
    assert agent.told("exited") == []


def test_a_card_that_is_lost_takes_no_process_with_it(agent: Node) -> None:
    pid = agent.run()
    eventually(lambda: agent.workload(pid=pid), "it is in the inventory", 3)
    agent.nvml.show([agent.card], errors={"*": 15})
    eventually(
        lambda: "gpu_up{" in agent.get("/metrics") and "} 0" in agent.get("/metrics"), "it is down", 15
    )
    agent.nvml.show([agent.card])
    eventually(lambda: agent.workload(pid=pid), "it is still there")
    assert agent.told("exited") == []


def test_metrics_name_the_owner(agent: Node) -> None:
    pid = agent.run(memory_mib=512)
    eventually(lambda: f'pid="{pid}"' in agent.get("/metrics"), "the process has a series", 5)
    line = next(
        line
        for line in agent.get("/metrics").splitlines()
        if line.startswith("gpu_process_memory_bytes{") and f'pid="{pid}"' in line
    )
    assert 'user="root"' in line and float(line.rsplit(" ", 1)[1]) == 512 * 2**20


def test_one_agent_a_folder_and_a_scan_gives_way(agent: Node) -> None:
    second = agent.scan()
    assert second.returncode == 75
    assert "keeps the inventory" in second.stderr and "Traceback" not in second.stderr


def test_it_ends_when_told_to(agent: Node) -> None:
    started = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - started < 5
    assert "Traceback" not in agent.journal()


def test_ctrl_c_is_clean(agent: Node) -> None:
    assert agent.agent is not None
    agent.agent.send_signal(signal.SIGINT)
    assert agent.agent.wait(10) == 0
    assert "Traceback" not in agent.journal()


def test_killed_at_any_moment_nothing_is_told_twice_or_never(node: Node) -> None:
    dice = random.Random(7)
    pids: list[int] = []
    for _ in range(6):
        node.start()
        pids += [node.run(), node.run()]
        time.sleep(dice.uniform(0, 0.6))
        node.kill()
    node.start()
    eventually(lambda: all(node.workload(pid=pid) for pid in pids), "all are in the inventory", 15)
    here = sorted(one["id"] for one in node.inventory()["workloads"])
    eventually(lambda: sorted(node.told("detected")) == here, "each is told of")
    ids = [one["id"] for one in node.events()]
    assert len(ids) == len(set(ids)), "none is told twice"


# ------------------------------------------------------------------ one look


def test_scan_says_what_is_new_and_is_silent_the_next_time(node: Node) -> None:
    pid = node.run()
    first = node.scan("--json")
    assert first.returncode == 0, first.stderr
    (event,) = json.loads(first.stdout)["events"]
    assert (event["type"], event["specversion"]) == ("sentinel.workload.detected", "1.0")
    assert event["data"]["workload"]["pid"] == pid
    assert json.loads(node.scan("--json").stdout)["events"] == []
    assert "1 workloads, 1 of them on GPUs; 0 changes" in node.scan().stdout


def test_scan_waits_for_no_engine_that_hangs(node: Node) -> None:
    node.config = 'scan_timeout = "1s"\n'
    node.run()
    node.engine.hung.set()
    started = time.monotonic()
    found = node.scan("--json")
    assert found.returncode == 0 and time.monotonic() - started < 8
    result = json.loads(found.stdout)
    assert result["sources"]["docker"] == "unknown" and result["sources"]["gpus"] == "ok"
    assert len(result["events"]) == 1


def test_scan_waits_for_no_driver_that_hangs(node: Node) -> None:
    node.config = 'scan_timeout = "1s"\n'
    node.engine.add("web", State__Pid=os.getpid())
    node.nvml.show([node.card], delay_ms=30_000)
    started = time.monotonic()
    found = node.scan("--json")
    assert found.returncode == 0 and time.monotonic() - started < 8
    result = json.loads(found.stdout)
    assert result["sources"]["gpus"] == "unknown" and result["sources"]["docker"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["run"], 2, "--standalone"),
        (["scan", "--docker-host", "tcp://10.0.0.1:2375"], 2, "through its socket"),
        (["scan", "--config", "/no/such/file"], 2, "cannot read it"),
        (["scan", "--gpus", "amd"], 2, "no source of GPUs"),
        (["scan", "--state-dir", "/proc/nowhere"], 1, "--state-dir"),
        (["run", "--standalone", "--gpus", "simulated:1", "--listen", "0.0.0.0:0"], 2, "listen"),
    ],
)
def test_what_is_asked_wrongly(tmp_path: Path, arguments: list[str], status: int, says: str) -> None:
    state = [] if "--state-dir" in arguments else ["--state-dir", str(tmp_path)]
    command = [sys.executable, "-m", "sentinel.agent", *arguments, *state]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stderr
    assert says in done.stderr
