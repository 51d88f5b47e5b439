"""`sentinel slurm-exporter` on a real Slurm: by its commands, by its slurmrestd, and through Prometheus."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.components.prometheus import Prometheus, check_metrics, scrape
from tests.components.slurm import GPUS, Slurm
from tests.components.slurmrestd import Slurmrestd, SlurmWithTokens
from tests.e2e.workstation import eventually

pytestmark = [pytest.mark.real, pytest.mark.root]

USER = "games"
EVIL = 'ev|il"\nslurm_up 7\\'  # an account's name: without a database of accounts, any will do
PATIENCE = 20.0


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    """Two jobs run, on three GPUs and two CPUs; an array of 29 waits, whose list of tasks is long."""
    with SlurmWithTokens.running() as running:
        first = running.submit("sleep 600", "--gres=gpu:2", user=USER)
        running.await_state(first, "RUNNING", timeout=PATIENCE)
        second = running.submit("sleep 600", "--gres=gpu:1", f"--account={EVIL}")
        running.await_state(second, "RUNNING", timeout=PATIENCE)
        tasks = ",".join(str(number * (number + 1) // 2) for number in range(1, 30))
        running.submit("true", "--hold", f"--array={tasks}", user=USER)
        eventually(lambda: "Total cycles: 0" not in running.run("sdiag").stdout, "both have run", PATIENCE)
        yield running


@pytest.fixture(scope="module")
def restd(slurm: Slurm) -> Iterator[Slurmrestd]:
    with Slurmrestd.running(slurm) as running:
        yield running


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sentinel.cli.main", "slurm-exporter", *arguments]


def once(slurm: Slurm, *arguments: str, status: int = 0) -> tuple[dict[str, Any], str]:
    done = subprocess.run(
        command("--once", "--json", *arguments),
        env={**os.environ, **slurm.env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout), done.stderr


def check_cluster(found: dict[str, Any], slurm: Slurm) -> None:
    """What the jobs of the fixture come to."""
    totals = found["totals"]
    assert totals["nodes"] == {"mixed": 1}
    assert totals["cpus"] == {"allocated": 2, "idle": 14, "other": 0}
    assert totals["gpus"] == [
        {"type": "h100", "state": "allocated", "count": 3},
        {"type": "h100", "state": "idle", "count": GPUS - 3},
        {"type": "h100", "state": "other", "count": 0},
    ]
    assert totals["jobs"] == [
        {"state": "pending", "partition": "test", "count": 29},
        {"state": "running", "partition": "test", "count": 2},
    ]
    counts = {(one["user"], one["account"], one["state"]): one["count"] for one in totals["users"]}
    assert counts == {
        (USER, "", "running"): 1,
        (USER, "", "pending"): 29,
        ("root", EVIL.replace("\n", "?"), "running"): 1,
    }
    assert {job["account"] for job in found["jobs"]} == {None, EVIL}
    assert [node["name"] for node in found["nodes"]] == [slurm.node_name]
    scheduler = found["scheduler"]
    # An array is as many jobs as it has tasks there, and a started job is one.
    assert scheduler["jobs_submitted"] >= 3 and scheduler["jobs_started"] == 2
    assert scheduler["server_threads"] >= 1 and scheduler["cycles"] >= 1
    assert 0 < scheduler["cycle_last"] < 5 and time.time() - scheduler["since"] < 600
    assert any(one["name"] == "REQUEST_SUBMIT_BATCH_JOB" and one["count"] == 3 for one in scheduler["rpcs"])


def test_by_its_commands(slurm: Slurm) -> None:
    found, complaints = once(slurm, "--source", "cli")
    assert complaints == ""
    check_cluster(found, slurm)


def test_by_slurmrestd(slurm: Slurm, restd: Slurmrestd) -> None:
    found, complaints = once(slurm, "--source", "restd", "--restd", restd.url)
    assert complaints == ""
    assert found["version"].startswith("22.05.")
    check_cluster(found, slurm)


def test_an_array_of_which_slurmrestd_cuts_the_list_is_not_counted(slurm: Slurm) -> None:
    with Slurmrestd.running(slurm, whole_lists=False) as restd:
        found, _ = once(slurm, "--source", "restd", "--restd", restd.url)
    assert found["totals"]["jobs"] == [{"state": "running", "partition": "test", "count": 2}]
    assert [job["tasks"] for job in found["jobs"] if job["state"] == "pending"] == [None]


def test_by_slurmrestd_with_a_token(slurm: Slurm, tmp_path: Path) -> None:
    file = tmp_path / "jwt"
    file.touch(0o600)
    with Slurmrestd.running(slurm, tokens=True) as restd:
        ask = ("--source", "restd", "--restd", restd.url, "--token-file", str(file))
        file.write_text(slurm.run("scontrol", "token", f"username={USER}", "lifespan=600").stdout)
        found, complaints = once(slurm, *ask)
        assert complaints == ""
        check_cluster(found, slurm)
        file.write_text("SLURM_JWT=eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.x")
        found, complaints = once(slurm, *ask, status=1)
        assert found["slurm_up"] is False and found["nodes"] is None
        assert "scontrol token" in complaints and "eyJ" not in complaints


def test_without_slurmrestd_the_commands_do(slurm: Slurm, tmp_path: Path) -> None:
    found, complaints = once(slurm, "--restd", f"unix://{tmp_path}/none")
    assert "is slurmrestd running?" in complaints
    assert {one["source"] for one in found["asked"] if one["error"] is None} == {"cli"}
    check_cluster(found, slurm)


def test_a_drained_node_has_no_idle_gpus(slurm: Slurm, restd: Slurmrestd) -> None:
    reason = "Reason=was State=IDLE\nGres=gpu:h100:99"
    slurm.run("scontrol", "update", f"NodeName={slurm.node_name}", "State=DRAIN", reason)
    try:
        for ask in (("--source", "cli"), ("--source", "restd", "--restd", restd.url)):
            totals = once(slurm, *ask)[0]["totals"]
            assert totals["nodes"] == {"draining": 1}
            assert {one["state"]: one["count"] for one in totals["gpus"]} == {
                "allocated": 3,
                "idle": 0,
                "other": GPUS - 3,
            }
    finally:
        slurm.run("scontrol", "update", f"NodeName={slurm.node_name}", "State=RESUME")


def test_prometheus_scrapes_it_and_promtool_has_nothing_to_say(slurm: Slurm, restd: Slurmrestd) -> None:
    arguments = ["--restd", restd.url, "--listen", "127.0.0.1:0", "--interval", "1s"]
    with subprocess.Popen(
        command(*arguments), env={**os.environ, **slurm.env}, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            address = process.stderr.readline().split()[-1]
            body = awaited(f"http://{address}/metrics", "slurm_nodes{")
            assert check_metrics(body) == []
            with Prometheus.running(scrape("slurm", address)) as prometheus:
                prometheus.await_query("slurm_up == 1")
                assert prometheus.value('slurm_gpus{type="h100",state="allocated"}') == 3
                assert prometheus.value("sum(slurm_gpus)") == GPUS
                assert prometheus.value('slurm_jobs{state="pending",partition="test"}') == 29
                assert prometheus.value(f'sum(slurm_jobs_by_user{{user="{USER}"}})') == 30
                (forged,) = prometheus.query('slurm_jobs_by_user{user="root"}')
                assert forged["metric"]["account"] == EVIL.replace("\n", "?")
                known = prometheus.metadata()
                types = {name.removesuffix("_total"): one[0]["type"] for name, one in known.items()}
                assert types["slurm_scheduler_jobs_started"] == "counter"
                assert all(one[0]["help"] for one in known.values())
        finally:
            process.terminate()
            assert process.wait(10) == 0


def awaited(url: str, text: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while True:
        with urllib.request.urlopen(url, timeout=10) as answer:
            body = answer.read().decode()
        if text in body:
            return body
        assert time.monotonic() < deadline, body
        time.sleep(0.1)
