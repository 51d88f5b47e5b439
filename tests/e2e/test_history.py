"""The past, from the agents to its commands: samples, usage, files, what is polled, inference servers."""

import csv
import getpass
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.drivers.notifiers.receiver import certificates
from tests.e2e.observed import PATIENCE, Observed, free_port, known, patiently
from tests.e2e.workstation import eventually

from sentinel.core.clock import rfc3339, wall
from sentinel.core.errors import SentinelError
from sentinel.core.sample_batch import decode
from sentinel.core.timestamp import epoch
from sentinel.drivers.services.loopback import Loopback

pytestmark = pytest.mark.slow

EVERY = 10.0
"""Seconds between two rows of an agent."""
HELD = 4 * 2**30
TOKEN = "a-token-of-enough-characters"
TEMPERATURE = "gpu_temperature_celsius"


@dataclass
class Past:
    """On the node of `up`, `job` holds the GPU of `uuid`, and a process of ours computes on the GPU of index
    `busy`. The node n2 goes its own way, and pod-1 is polled."""

    observed: Observed
    up_at: float
    job: dict[str, Any]
    uuid: str
    busy: int


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("past")
    chat, pod = free_port(), free_port()
    config = f"""\
[inference]
every = "1s"
[[inference.server]]
name = "chat"
url = "http://127.0.0.1:{chat}"
[[scrape]]
name = "pod-1"
url = "https://127.0.0.1:{pod}/metrics"
token_file = "{folder}/token"
ca_file = "{folder}/ca.pem"
every = "1s"
"""
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    certificates(folder, "127.0.0.1")
    over = threading.Event()
    with Observed.running(folder, config) as observed:
        up_at, site = wall(), observed.site
        job = str(observed.client.submit(["sleep", "3600"], cwd="/", gpus=1)["id"])
        site.run("tests.fakes.vllm", str(chat), log=folder / "chat.log")
        asking = threading.Thread(target=_ask, args=(chat, over))
        asking.start()
        try:
            _start_pod(observed, folder, pod)
            site.await_state("RUNNING", job, seconds=PATIENCE)
            (uuid,) = observed.client.job(job)["gpus"]
            gpus = observed.client.node(observed.name)["gpus"]
            (busy,) = [gpu["index"] for gpu in gpus if gpu["uuid"] != uuid]
            hold = ("hold", "--gpu", str(busy), "--memory", str(HELD))
            site.run("sentinel.drivers.gpus.simulated", *hold, log=folder / "hold.log")
            site.add_node("n2", gpus=1)
            yield Past(observed, up_at, observed.client.job(job), uuid, busy)
        finally:
            over.set()
            asking.join()


def _ask(port: int, over: threading.Event) -> None:
    """Somebody chats all the time."""
    while not over.wait(0.2):
        with suppress(SentinelError, OSError):
            Loopback(host="127.0.0.1", port=port).ask(
                "POST", "/v1/completions", {"prompt": "a b", "max_tokens": 2}
            )


def _start_pod(observed: Observed, folder: Path, port: int) -> None:
    """An agent that knows no controller, and shows its metrics to whoever has the token."""
    config = folder / "pod.toml"
    config.write_text(
        f"[inventory]\ndocker = false\npodman = false\ncontainerd = false\nkubernetes = false\n"
        f'[telemetry]\nlisten = "127.0.0.1:{port}"\ntoken_file = "{folder}/token"\n'
        f'tls_cert = "{folder}/server.pem"\ntls_key = "{folder}/server.key"\n'
    )
    words = ["run", "--standalone", "--config", str(config), "--state-dir", str(folder / "pod")]
    observed.site.run("sentinel.agent", *words, "--gpus", "simulated:1", log=folder / "pod.log")


def test_metrics_arrive(past: Past) -> None:
    observed = past.observed
    shown = patiently(lambda: observed.series(TEMPERATURE, node=observed.name, step="10s"), "samples")
    assert wall() - past.up_at < 25
    assert {one["labels"]["gpu"] for one in shown} == {"0", "1"}
    assert {one["labels"]["node"] for one in shown} == {observed.name}
    listed = {one["name"] for one in observed.asked("history", "metrics")}
    assert {TEMPERATURE, "gpu_up", "gpu_held", "sentinel_source_up"} <= listed


def test_by_node_gpu_user_and_job(past: Past) -> None:
    observed, here = past.observed, ("--node", past.observed.name)

    def query(*words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = observed.asked("history", "query", "--since", "5m", *words)
        return found

    def busy() -> list[dict[str, Any]]:
        found = observed.series(TEMPERATURE, node=observed.name, gpu=str(past.busy), since="5m", step="10s")
        return found if 65 in known(found) else []

    patiently(busy, "what computes warms its GPU")
    (one,) = query("-m", TEMPERATURE, *here, "--gpu", str(past.busy), "--step", "10s", "--how", "last")
    assert known([one])[-1] == 65 and one["labels"]["uuid"] != past.uuid
    (one,) = query("-m", TEMPERATURE, *here, "--gpu", past.uuid)
    assert set(known([one])) == {35} and one["labels"]["uuid"] == past.uuid
    # Simulated GPUs of other nodes go by the same UUIDs.
    found = query("-m", "gpu_utilization_percent", "--job", past.job["id"], *here)
    assert [one["labels"]["uuid"] for one in found] == [past.uuid] and set(known(found)) == {0}
    assert observed.series("gpu_user_memory_bytes", user=getpass.getuser())
    (one,) = query("-m", "gpu_held", "--user", "admin", "--match", "origin=queue", "--how", "max")
    assert set(known([one])) == {1} and one["labels"]["uuid"] == past.uuid
    chart = observed.cli("history", "query", "-m", TEMPERATURE, *here, "--since", "5m")
    assert "35" in chart and "65" in chart


def test_what_is_polled_is_a_node_of_its_own(past: Past) -> None:
    observed = past.observed
    (pod,) = patiently(lambda: observed.series(TEMPERATURE, node="pod-1"), "the pod's samples")
    assert pod["labels"]["gpu"] == "0" and known([pod])
    (up,) = observed.series("sentinel_scrape_up", node="pod-1", how="last")
    assert known([up])[-1] == 1
    assert "pod-1" not in {one["name"] for one in observed.client.nodes()}


def test_how_long_an_inference_server_takes(past: Past) -> None:
    observed = past.observed

    def seen() -> list[dict[str, Any]]:
        chosen = {"workload": "chat", "p": "95"}
        found = observed.series("workload_inference_latency_ms", node=observed.name, match=chosen)
        return found if known(found) else []

    (one,) = patiently(seen, "latencies")
    assert one["labels"]["model"] == "stand-in"
    # Each takes a tenth of a second; the smallest bucket goes up to 300 ms.
    assert all(100 <= value <= 500 for value in known([one]))
    (total,) = observed.series("workload_inference_requests_total", node=observed.name, how="last")
    assert known([total])[-1] > 0
    line = next(
        one for one in observed.page().splitlines() if one.startswith("workload_inference_latency_ms{")
    )
    assert 'workload="chat"' in line and 100 <= float(line.split()[-1]) <= 500


def test_files(past: Past, tmp_path: Path) -> None:
    observed = past.observed
    asked = ("-m", TEMPERATURE, "--node", observed.name, "--since", "5m", "--step", "10s")
    made = observed.asked("history", "export", *asked, "-o", str(tmp_path / "t.csv"))
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == made["rows"] > 0 and made["series"] == 2
    assert {(row["metric"], row["node"]) for row in rows} == {(TEMPERATURE, observed.name)}
    assert {float(row["value"]) for row in rows if row["value"]} >= {35.0}
    parquet = str(tmp_path / "t.parquet")
    if find_spec("pyarrow") is None:
        said = observed.cli("history", "export", *asked, "-o", parquet, code=1)
        assert "pip install 'sentinel-gpu[parquet]'" in said and not Path(parquet).exists()
    else:
        made = observed.asked("history", "export", *asked, "-o", parquet)
        assert made["rows"] >= len(rows) and Path(parquet).read_bytes()[:4] == b"PAR1"


def test_usage_is_right_to_within_a_sample(past: Past) -> None:
    observed, id = past.observed, past.job["id"]
    began = epoch(observed.client.job(id)["started_at"]) or 0.0
    eventually(lambda: wall() - began > 2.5 * EVERY, "it holds it for a while", PATIENCE)
    observed.client.cancel(id)
    (job,) = observed.client.wait(id, timeout=PATIENCE)
    ended = epoch(job["ended_at"]) or 0.0

    def sampled() -> bool:
        found = observed.series("gpu_up", node=observed.name, since="2m", step="10s")
        return any(at > ended and value is not None for one in found for at, value in one["points"])

    patiently(sampled, "the next row")
    found = observed.asked("report", "usage", "--by", "user", "--since", "1h")
    (row,) = [one for one in found["rows"] if one["key"] == "admin"]
    assert abs(row["gpu_hours"] * 3600 - (ended - began)) <= EVERY + 1, (row, ended - began)
    assert row["idle_gpu_hours"] == row["gpu_hours"] and row["unknown_gpu_hours"] == 0
    assert row["energy_kwh"] == pytest.approx(row["gpu_hours"] * 0.06, abs=1e-4)  # 60 W
    by_gpu = {one["key"]: one for one in observed.client.usage_report("gpu", since="1h")["rows"]}
    assert by_gpu[past.uuid]["gpu_hours"] >= row["gpu_hours"]
    assert "admin" in observed.cli("report", "usage", "--since", "1h")


def test_what_was_measured_while_the_controller_was_away_is_there_afterwards(past: Past) -> None:
    observed, site = past.observed, past.observed.site
    (node,) = site.nodes
    spool = node.folder / "samples"
    observed.site.stop()
    away, began = wall(), time.monotonic()
    eventually(lambda: time.monotonic() - began > EVERY + 1, "a row", PATIENCE)
    site.send(node.agent)  # it keeps the minute that it is in
    (kept,) = [path for path in spool.iterdir() if path.is_file()]
    times = [at for at in decode(kept.read_bytes()).times if at > away]
    assert times
    node.start()
    observed.start()
    patiently(lambda: not [path for path in spool.iterdir() if path.is_file()], "all is sent")
    (one,) = observed.series("gpu_up", node="n2", since=rfc3339(away - EVERY), step="10s")
    there = {at for at, value in one["points"] if value == 1}
    assert there >= {at // EVERY * EVERY for at in times}
    (one,) = observed.series("gpu_up", node="n2", since=rfc3339(away - EVERY), step="10s", how="count")
    assert max(known([one])) <= 2, "nothing is there twice"
