"""The metrics of a real agent, as a real Prometheus scrapes them and answers about them."""

import os
import pwd
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.components.prometheus import Prometheus, check_metrics, scrape
from tests.e2e.node import Node
from tests.e2e.workstation import eventually
from tests.fakes.cards import SERVER, Occupant, cards

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.cc]

MIB = 2**20
PATIENCE = 45.0
TOKEN = "a-token-that-nobody-guesses-0123456789"
USER = "games"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """One card of a server, with two processes of root on it and one of somebody else."""
    with Node.standing(tmp_path) as standing:
        uid = pwd.getpwnam(USER).pw_uid
        pids = [sleeper(standing, 0), sleeper(standing, 0), sleeper(standing, uid)]
        occupants = [
            Occupant(pid=pid, memory_mib=size, while_alive=True, sm=share, memory_busy=7)
            for pid, size, share in zip(pids, (1024, 512, 2048), (30, 20, 10), strict=True)
        ]
        standing.card = replace(cards(1)[0], sensors=SERVER, utilization=62).having(*occupants)
        standing.nvml.show([standing.card])
        yield standing


def sleeper(node: Node, uid: int) -> int:
    process = subprocess.Popen(["sleep", "600"], user=uid, cwd="/")
    node.sleepers.append(process)
    return process.pid


def start(node: Node) -> None:
    """The agent, with everything about the three processes to be read."""
    node.start()
    eventually(lambda: node.get("/metrics").count("gpu_process_memory_bytes{") == 3, "it has them", PATIENCE)


def scraping(node: Node, token: str | None = None) -> AbstractContextManager[Prometheus]:
    """A Prometheus that scrapes the agent, with that token."""
    target = f"127.0.0.1:{node.port}"
    if token is None:
        return Prometheus.running(scrape("sentinel", target))
    return Prometheus.running(scrape("sentinel", target, authorization={"credentials": token}))


def values(found: list[dict[str, Any]], label: str) -> dict[str, float]:
    return {one["metric"][label]: float(one["value"][1]) for one in found}


def test_promql_answers_rightly(node: Node) -> None:
    start(node)
    card = node.card
    with scraping(node) as prometheus:
        prometheus.await_query('gpu_process_memory_bytes{user="games"}', timeout=PATIENCE)
        (target,) = prometheus.targets()
        assert (target["health"], target["lastError"]) == ("up", "")
        (utilization,) = prometheus.query("gpu_utilization_percent")
        labels = utilization["metric"]
        assert (labels["uuid"], labels["gpu"], labels["sku"]) == (card.uuid, "0", card.name)
        assert labels["node"] == os.uname().nodename
        assert float(utilization["value"][1]) == card.utilization
        assert prometheus.value("gpu_memory_used_bytes") == card.used() * MIB
        by_user = values(prometheus.query("sum by (user) (gpu_process_memory_bytes)"), "user")
        assert by_user == {"root": 1536 * MIB, USER: 2048 * MIB}
        assert values(prometheus.query("gpu_user_memory_bytes"), "user") == by_user
        shares = prometheus.query("sort_desc(gpu_process_utilization_percent)")
        assert [float(one["value"][1]) for one in shares] == [30, 20, 10]
        assert prometheus.value("gpu_processes") == 3
        assert prometheus.value('count(sentinel_source_up{source="gpus"} == 1)') == 1
        # What a dashboard asks: a user's share of the card.
        share = f'sum(gpu_user_memory_bytes{{user="{USER}"}}) / sum(gpu_memory_total_bytes)'
        assert prometheus.value(share) == pytest.approx(2048 / card.total_mib)


def test_what_ends_is_no_series_any_more(node: Node) -> None:
    start(node)
    last = node.sleepers[-1].pid
    query = f'gpu_process_memory_bytes{{pid="{last}"}}'
    with scraping(node) as prometheus:
        prometheus.await_query(query, timeout=PATIENCE)
        node.end(last)
        eventually(lambda: not prometheus.query(query), "its series has ended", PATIENCE)
        assert prometheus.query(f"last_over_time({query}[5m])"), "its past stays"


def test_the_types_and_helps_that_it_declares_arrive(node: Node) -> None:
    start(node)
    with scraping(node) as prometheus:
        prometheus.await_query("gpu_utilization_percent", timeout=PATIENCE)
        known = prometheus.metadata()
    own = {name: one for name, one in known.items() if name.startswith(("gpu_", "sentinel_"))}
    assert len(own) > 20
    assert all(entry[0]["help"] for entry in own.values())
    assert {entry[0]["type"] for entry in own.values()} == {"gauge", "counter"}
    assert own["gpu_utilization_percent"][0]["type"] == "gauge"


def test_promtool_has_nothing_to_say_against_it(node: Node) -> None:
    start(node)
    body = node.get("/metrics")
    assert body.count("\n# HELP ") > 20 and "gpu_process_memory_bytes{" in body
    assert check_metrics(body) == []
    assert check_metrics(body + "\n# TYPE badName counter\nbadName 1\n"), "it would say so"


def test_dashboards_made_for_dcgm_exporter_find_what_they_ask_for(node: Node) -> None:
    node.config = "\n[telemetry]\ndcgm_names = true\n"
    start(node)
    with scraping(node) as prometheus:
        prometheus.await_query("DCGM_FI_DEV_FB_USED", timeout=PATIENCE)
        (used,) = prometheus.query("DCGM_FI_DEV_FB_USED")  # MiB
        assert float(used["value"][1]) == node.card.used()
        assert (used["metric"]["gpu"], used["metric"]["UUID"]) == ("0", node.card.uuid)
        assert used["metric"]["modelName"] == node.card.name
        assert prometheus.value("DCGM_FI_DEV_GPU_UTIL") == node.card.utilization
        percent = "100 * DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)"
        assert 0 < prometheus.value(percent) < 100
        assert prometheus.query("gpu_utilization_percent") == [], "each card once"
        assert prometheus.value('sum(gpu_process_memory_bytes{user="games"})') == 2048 * MIB


def test_with_a_token_only_who_has_it_may_read(node: Node) -> None:
    token = node.folder / "token"
    token.touch(0o600)
    token.write_text(TOKEN + "\n")
    node.config = f'\n[telemetry]\ntoken_file = "{token}"\n'
    node.start()
    with pytest.raises(urllib.error.HTTPError) as refused:
        node.get("/metrics")
    with refused.value as answer:
        assert answer.code == 401 and USER not in answer.read().decode()
    with scraping(node, TOKEN) as prometheus:
        prometheus.await_query("gpu_process_memory_bytes", timeout=PATIENCE)
        (target,) = prometheus.targets()
        assert (target["health"], target["lastError"]) == ("up", "")
    with scraping(node, TOKEN[:-1]) as prometheus:
        eventually(
            lambda: [one["health"] for one in prometheus.targets()] == ["down"], "it is refused", PATIENCE
        )
        assert "401" in prometheus.targets()[0]["lastError"]
        assert prometheus.query("gpu_processes") == []
    assert TOKEN not in node.journal()


def test_off_loopback_it_does_not_start_without_one(node: Node) -> None:
    command = [sys.executable, "-m", "sentinel.agent", "run", "--standalone", *node.options]
    done = subprocess.run(
        [*command, "--listen", f"0.0.0.0:{node.port}"],
        env=node.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2 and "token" in done.stderr and "Traceback" not in done.stderr


def test_while_the_driver_fails_nothing_old_is_shown_as_new(node: Node) -> None:
    start(node)
    with scraping(node) as prometheus:
        prometheus.await_query("gpu_utilization_percent", timeout=PATIENCE)
        node.nvml.show([node.card], errors={"nvmlDeviceGetCount_v2": 9})
        eventually(lambda: not prometheus.query("gpu_utilization_percent"), "no value", PATIENCE)
        assert prometheus.value('sentinel_source_up{source="gpus"}') == 0
        assert prometheus.value("up") == 1, "the agent itself is well"
        node.nvml.show([node.card])
        prometheus.await_query("gpu_utilization_percent", timeout=PATIENCE)
