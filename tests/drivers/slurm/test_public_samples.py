"""Answers of other people's clusters, of every version there is a sample of, and what they must give."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.slurmrestd import slurmrestd

from sentinel.core.slurm import SlurmNode, SlurmReading
from sentinel.drivers.slurm import json_answer as ja
from sentinel.drivers.slurm import text_answer as ta
from sentinel.drivers.slurm.rest_address import rest_address
from sentinel.drivers.slurm.restd import RestSource

pytestmark = pytest.mark.data

FOLDER = Path(os.environ.get("SENTINEL_REAL_DATA", "/nonexistent")) / "7_slurm"
WEB, TELEGRAF, RIVOS, GCM = (
    FOLDER / name for name in ("slurmweb_slurmrestd", "telegraf_slurmrestd", "rivos_cli", "gcm_cli")
)


def raw(path: Path) -> bytes:
    zipped = path.with_name(f"{path.name}.gz")
    return gzip.decompress(zipped.read_bytes()) if zipped.exists() else path.read_bytes()


def answer(path: Path) -> Any:
    return ja.parsed(raw(path))


def states(nodes: tuple[SlurmNode, ...]) -> dict[str, int]:
    return dict(Counter(node.state for node in nodes))


def gpus(nodes: tuple[SlurmNode, ...]) -> dict[str, tuple[int, int]]:
    """Type → (GPUs, those in use)."""
    found: dict[str, tuple[int, int]] = {}
    for node in nodes:
        assert node.gpus is not None and node.gpus_allocated is not None
        for kind, count in node.gpus.items():
            all_of, used = found.get(kind, (0, 0))
            found[kind] = all_of + count, used + node.gpus_allocated[kind]
    return found


H100_H200 = {"h100": (4, 0), "h200": (8, 0)}
H100 = {"h100": (8, 0)}
BOTH = {"h100": (8, 0), "": (8, 0)}


@pytest.mark.parametrize(
    ("place", "release", "nodes", "cpus", "having", "jobs"),
    [
        (
            "23.02/default",
            "23.02.8",
            {"allocated": 95, "drained": 1, "idle": 3, "down": 1},
            (200, 190),
            {},
            {"completed": 1, "running": 3, "pending": 26},
        ),
        (
            "24.11/0.0.41",
            "24.11.5",
            {"down": 1, "allocated": 1, "mixed": 1, "drained": 1, "idle": 2},
            (320, 84),
            H100_H200,
            {"cancelled": 1, "timeout": 1, "completed": 8, "failed": 1, "running": 3, "pending": 1},
        ),
        (
            "24.11/0.0.42",
            "24.11.5",
            {"idle": 3, "down": 1, "drained": 1, "completing": 1},
            (320, 0),
            H100_H200,
            {"cancelled": 2, "timeout": 1, "completed": 3, "failed": 1, "running": 7, "pending": 2},
        ),
        (
            "25.05/0.0.41",
            "25.05.4",
            {"mixed": 1, "down": 1, "drained": 1, "idle": 3},
            (320, 14),
            H100,
            {"timeout": 1, "completed": 1, "failed": 1, "running": 1, "pending": 10},
        ),
        (
            "25.05/0.0.42",
            "25.05.4",
            {"allocated": 1, "mixed": 1, "down": 1, "drained": 1, "idle": 2},
            (320, 86),
            H100,
            {"cancelled": 3, "completed": 3, "timeout": 1, "failed": 1, "running": 4, "pending": 6},
        ),
        (
            "25.05/0.0.43",
            "25.05.4",
            {"idle": 3, "drained": 1, "down": 1, "completing": 1},
            (320, 0),
            H100,
            {"cancelled": 5, "timeout": 1, "completed": 4, "failed": 1, "running": 6, "pending": 2},
        ),
        (
            "25.11/0.0.41",
            "25.11.0",
            {"completing": 1, "drained": 1, "allocated": 1, "down": 1, "idle": 4},
            (384, 64),
            BOTH,
            {"cancelled": 3, "timeout": 1, "completed": 6, "failed": 1, "running": 5, "pending": 1},
        ),
        (
            "25.11/0.0.43",
            "25.11.0",
            {"down": 1, "idle": 6, "drained": 1},
            (384, 0),
            BOTH,
            {"cancelled": 9, "timeout": 2, "completed": 11, "failed": 2, "running": 2, "pending": 4},
        ),
    ],
)
def test_slurmrestd_of_every_version(
    place: str,
    release: str,
    nodes: dict[str, int],
    cpus: tuple[int, int],
    having: dict[str, tuple[int, int]],
    jobs: dict[str, int],
) -> None:
    version = "v0.0.39" if place.startswith("23") else f"v{place.rpartition('/')[2]}"
    with slurmrestd() as fake:
        folder = WEB / place
        fake.serve(version, nodes=raw(folder / "slurm-nodes.json"), jobs=raw(folder / "slurm-jobs.json"))
        reading = RestSource(rest_address(fake.url)).read()
    assert reading.nodes is not None and reading.jobs is not None and reading.scheduler is None
    assert states(reading.nodes) == nodes
    assert sum(node.cpus or 0 for node in reading.nodes) == cpus[0]
    assert sum(node.cpus_allocated or 0 for node in reading.nodes) == cpus[1]
    assert gpus(reading.nodes) == having
    assert dict(Counter(job.state for job in reading.jobs)) == jobs
    assert all(job.user and job.account and job.partition and job.tasks == 1 for job in reading.jobs)
    assert reading.version == release


@pytest.mark.parametrize(
    ("name", "state", "having"),
    [
        ("slurm-node-with-gpus-model-allocated", "allocated", {"h100": (4, 4)}),
        ("slurm-node-with-gpus-model-mixed", "mixed", {"h100": (4, 1)}),
        ("slurm-node-with-gpus-model-idle", None, {"h100": (4, 0)}),
        ("slurm-node-without-gpu", None, {}),
        ("slurm-node-drain", "drained", {}),
        ("slurm-node-draining", "draining", {}),
        ("slurm-node-down", "down", {}),
    ],
)
def test_single_nodes(name: str, state: str | None, having: dict[str, tuple[int, int]]) -> None:
    (node,) = ja.nodes_from(answer(WEB / f"25.11/0.0.41/{name}.json"))
    assert gpus((node,)) == having
    assert state is None or node.state == state


def test_every_sample_of_nodes_and_jobs_is_read() -> None:
    read = 0
    for path in sorted([*WEB.rglob("slurm-node*.json*"), *WEB.rglob("slurm-job*.json*")]):
        plain = path.with_name(path.name.removesuffix(".gz"))
        if "unfound" in path.name or ("archived" in path.name and b'"error_number"' in raw(plain)):
            with pytest.raises(ValueError, match="it says"):
                answer(plain)
            continue
        given = answer(plain)
        nodes = ja.nodes_from(given) if "nodes" in given else ()
        jobs = ja.jobs_from(given) if "jobs" in given else ()
        assert nodes or jobs, path
        assert all(node.state != "unknown" and node.gpus_allocated is not None for node in nodes), path
        assert all(job.state != "unknown" for job in jobs), path
        read += 1
    assert read > 100


@pytest.mark.parametrize("name", ["slurm-jwt-expired-token", "slurm-jwt-invalid-token"])
@pytest.mark.parametrize("place", ["24.11/0.0.41", "25.05/0.0.43", "25.11/0.0.43"])
def test_a_refused_token_is_no_empty_queue(place: str, name: str) -> None:
    refused(511, raw(WEB / place / f"{name}.json"))


@pytest.mark.parametrize("name", ["slurm-jwt-invalid-headers", "slurm-jwt-missing-headers"])
def test_wrong_headers_are_no_empty_queue(name: str) -> None:
    refused(500, raw(WEB / f"25.11/0.0.43/{name}.txt"))


def refused(status: int, body: bytes) -> None:
    with slurmrestd() as fake:
        for part in ("nodes", "jobs", "diag"):
            fake.answers[f"/slurm/v0.0.43/{part}"] = (status, body)
        reading = RestSource(rest_address(fake.url)).read()
    assert not reading.answered
    assert all(one.error is not None and "scontrol token" in one.error for one in reading.asked)


def test_the_404_of_newer_versions_is_passed_over() -> None:
    with slurmrestd() as fake:
        text = raw(WEB / "25.11/0.0.43/slurm-not-found.txt")
        for number in range(42, 60):
            fake.answers[f"/slurm/v0.0.{number}/nodes"] = (404, text)
        fake.serve("v0.0.41", nodes=raw(WEB / "25.11/0.0.41/slurm-nodes.json"))
        reading = RestSource(rest_address(fake.url)).read()
    assert reading.nodes is not None


def telegraf(name: str) -> SlurmReading:
    with slurmrestd() as fake:
        folder = TELEGRAF / name
        parts = {part: raw(folder / f"{part}.json") for part in ("nodes", "jobs", "diag")}
        fake.serve("v0.0.38", **parts)
        return RestSource(rest_address(fake.url)).read()


def test_slurm_22_05() -> None:
    reading = telegraf("gather")
    assert reading.version == "22.05.9"
    assert reading.nodes is not None and states(reading.nodes) == {"drained": 2, "allocated": 1}
    assert sum(node.cpus or 0 for node in reading.nodes) == 108
    assert sum(node.cpus_allocated or 0 for node in reading.nodes) == 36
    assert reading.jobs is not None
    assert [(job.state, job.user, job.account) for job in reading.jobs].count(
        ("running", "atl001", None)
    ) == 2
    stats = reading.scheduler
    assert stats is not None
    assert (stats.jobs_submitted, stats.jobs_failed, stats.cycles, stats.backfilled_jobs) == (
        287,
        1,
        960,
        1626,
    )
    assert (stats.server_threads, stats.queue_length, stats.since) == (3, 1, 1723075200)
    assert (stats.cycle_max, stats.cycle_mean) == (0.001116, 0.000137)
    assert len(stats.rpcs) == 16 and len(stats.user_rpcs) == 7
    assert (stats.rpcs[0].name, stats.rpcs[0].count) == ("REQUEST_JOB_INFO", 73587)
    assert stats.rpcs[0].seconds == pytest.approx(48.479)


def test_an_empty_site() -> None:
    reading = telegraf("panic")
    assert (reading.nodes, reading.jobs, reading.version) == ((), (), None)
    assert reading.scheduler is not None and reading.scheduler.server_threads is None


def test_sinfo_of_21_08() -> None:
    nodes = ja.nodes_from(answer(RIVOS / "sinfo_out.json"))
    assert states(nodes) == {"mixed": 1, "idle": 1, "allocated": 1, "down": 1}
    assert (sum(node.cpus or 0 for node in nodes), nodes[0].cpus_allocated) == (256, 4)


def test_sinfo_of_23_02() -> None:
    (node,) = ja.nodes_from(answer(RIVOS / "sinfo_dataparser.json"))
    assert (node.name, node.state, node.cpus, node.cpus_allocated, node.gpus) == (
        "localhost",
        "allocated",
        1,
        1,
        {},
    )


def test_sdiag_of_23_02() -> None:
    given = answer(RIVOS / "sdiag.json")
    stats = ja.scheduler_from(given)
    assert ja.version_from(given) == "23.02.4"
    assert (stats.dbd_agent_queue, stats.queue_length, stats.jobs_canceled) == (5, 2647, 41)
    assert (stats.backfill_cycles, stats.backfill_queue_length) == (72, 2689)
    assert stats.backfill_cycle_last == pytest.approx(4.097505)
    assert [one.name for one in stats.user_rpcs] == ["root", "abdh"]


def test_lines_of_squeue() -> None:
    """That site has columns of its own; its ids, states, partitions, users and accounts in our order."""
    rows = [line.split("|#") for line in (GCM / "sample-squeue-output.txt").read_text().splitlines()]
    assert len(rows) == 5
    text = "".join(f"m {row[2]}|{row[9]}|{row[24]}|{row[10]}|{row[25]}\n" for row in rows)
    jobs = ta.jobs_from(text, "m")
    assert [job.state for job in jobs] == ["running"] * 3 + ["pending"] * 2
    assert [job.tasks for job in jobs] == [1, 1, 1, 1, 2]
    assert {(job.user, job.account, job.partition) for job in jobs} == {("test_user", "account", "partition")}


def test_gres_and_states_of_sinfo() -> None:
    """Likewise, its columns GRES, STATE and CPUS(A/I/O/T) as scontrol has them."""
    head, *lines = (GCM / "sample-sinfo-output.txt").read_text().splitlines()
    names = [name.strip() for name in head.split("|")]
    rows = [dict(zip(names, line.split("|"), strict=False)) for line in lines]
    text = "".join(
        f"NodeName={row['NODELIST'].strip()} CPUAlloc={row['CPUS(A/I/O/T)'].split('/')[0]} "
        f"CPUTot={row['CPUS(A/I/O/T)'].strip().split('/')[3]} Gres={row['GRES'].strip()} "
        f"State={row['STATE'].strip()}\n"
        for row in rows
    )
    nodes = ta.nodes_from(text)
    found = [(node.name, node.state, node.usable, node.cpus_allocated, node.gpus) for node in nodes]
    assert found == [
        ("node0201", "drained", False, 0, {"gen": 8}),
        ("node0201", "drained", False, 0, {"gen": 8}),
        ("node1537", "allocated", True, 80, {"gen": 8}),
        ("node4180", "allocated", True, 80, {"gen": 2}),
    ]


def test_text_that_is_no_utf8() -> None:
    """As an account's name, bytes of sacct that are no UTF-8 and its broken lines do no harm."""
    for name in ("sample-sacct-output-invalid-utf8.txt", "sample-sacct-fake-line-break.txt"):
        hostile = (GCM / name).read_bytes().decode("utf-8", "replace")
        text = f"m 1|RUNNING|p|ann|{hostile}\nm 2|PENDING|p|bob|x\n"
        one, two = ta.jobs_from(text, "m")
        assert (one.user, one.account, two.account) == ("ann", hostile.strip(), "x")
        again = ja.jobs_from(ja.parsed(json.dumps({"jobs": [{"account": hostile}]}).encode()))
        assert again[0].account == hostile
