"""Jobs of a real Slurm in the inventory. Its jobs have no cgroups here, so their environment has to do."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.components.slurm import Slurm
from tests.e2e.node import Node
from tests.e2e.workstation import eventually
from tests.fakes.cards import Occupant

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.cc]

USER = "games"  # an account that every Debian has
OTHER = "news"  # another one
PEOPLE = "people = [1, 60000]\n"  # here, those accounts are people
PATIENCE = 20.0
MIB = 2**20


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    with Slurm.running() as running:
        yield running


@pytest.fixture
def node(tmp_path: Path, slurm: Slurm) -> Iterator[Node]:
    with Node.standing(tmp_path) as standing:
        yield standing
    slurm.run("scancel", "--partition=test", check=False)


def submitted(slurm: Slurm, processes: int = 1, user: str = USER) -> tuple[str, list[int]]:
    """A running job of so many sleeping processes, and those."""
    sleeps = " & ".join(["sleep 600"] * processes)
    job = slurm.submit(f"{sleeps}; wait", "--gres=gpu:1", "--job-name=train", user=user)
    slurm.await_state(job, "RUNNING", timeout=PATIENCE)
    eventually(lambda: len(sleepers(slurm, job)) == processes, "its processes run", PATIENCE)
    return job, sleepers(slurm, job)


def sleepers(slurm: Slurm, job: str) -> list[int]:
    found: list[int] = []
    for pid in slurm.pids_of(job):
        try:
            name = Path(f"/proc/{pid}/comm").read_text()
        except OSError:
            continue
        found += [pid] if name == "sleep\n" else []
    return sorted(found)


def pretending(node: Node, job: str, user: str) -> int:
    """A process outside Slurm that says it were of that job: its pid."""
    account = pwd.getpwnam(user)
    environment = {"SLURM_JOB_ID": job, "SLURM_JOB_USER": USER, "PATH": os.environ["PATH"]}
    process = subprocess.Popen(
        ["sleep", "600"], env=environment, user=account.pw_uid, group=account.pw_gid, cwd="/"
    )
    node.sleepers.append(process)
    return process.pid


def on_the_card(node: Node, *pids: int, memory_mib: int = 512) -> None:
    """These processes, and no others, hold memory on the GPU while they live."""
    listed = tuple(Occupant(pid=pid, memory_mib=memory_mib, while_alive=True) for pid in pids)
    node.card = node.card.having(*listed)
    node.nvml.show([node.card])


def scanned(node: Node) -> list[dict[str, Any]]:
    done = node.scan("--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = node.inventory()["workloads"]
    return found


def test_a_job_is_its_users_although_only_its_environment_tells(node: Node, slurm: Slurm) -> None:
    job, pids = submitted(slurm)
    on_the_card(node, *pids)
    (found,) = scanned(node)
    assert (found["id"], found["origin"], found["slurm_job"]) == (f"slurm:{job}", "slurm", job)
    assert (found["user"], found["category"], found["managed"]) == (USER, "host-process", False)
    assert (found["pids"], found["gpu_memory_bytes"]) == (pids, 512 * MIB)
    (origin,) = [one for one in found["origin_evidence"] if one["value"] == "slurm"]
    assert origin["trust"] == "declared" and "SLURM_JOB_ID" in origin["source"], "as no cgroup told it"
    assert found["user_evidence"][0]["source"] == "env:SLURM_JOB_USER"
    assert found["user_evidence"][0]["trust"] == "declared"
    assert node.told("detected") == [f"slurm:{job}"]


def test_the_uid_that_it_runs_as_stands_before_what_it_says(node: Node, slurm: Slurm) -> None:
    node.config = PEOPLE
    job, pids = submitted(slurm)
    on_the_card(node, *pids)
    (found,) = scanned(node)
    assert (found["id"], found["user"]) == (f"slurm:{job}", USER)
    best = found["user_evidence"][0]
    assert (best["source"], best["trust"]) == ("process-uid", "kernel")


def test_two_processes_of_a_job_are_one_workload_and_two_jobs_are_two(node: Node, slurm: Slurm) -> None:
    first, two = submitted(slurm, processes=2)
    second, one = submitted(slurm)
    on_the_card(node, *two, *one)
    found = {workload["id"]: workload for workload in scanned(node)}
    assert found.keys() == {f"slurm:{first}", f"slurm:{second}"}
    assert found[f"slurm:{first}"]["pids"] == two
    assert found[f"slurm:{first}"]["gpu_memory_bytes"] == 1024 * MIB
    assert found[f"slurm:{second}"]["pids"] == one


def test_a_job_that_ends_has_exited_once(node: Node, slurm: Slurm) -> None:
    job, pids = submitted(slurm, processes=2)
    on_the_card(node, *pids)
    node.start()
    eventually(lambda: node.told("detected") == [f"slurm:{job}"], "it is told of", PATIENCE)
    slurm.run("scancel", job, user=USER)
    slurm.await_state(job, "CANCELLED", timeout=PATIENCE)
    eventually(lambda: node.told("exited"), "its end is told", PATIENCE)
    eventually(lambda: not node.inventory()["workloads"], "it is gone", PATIENCE)
    assert node.told("detected") == node.told("exited") == [f"slurm:{job}"]


def test_a_job_outlives_one_of_its_processes(node: Node, slurm: Slurm) -> None:
    job, (first, second) = submitted(slurm, processes=2)
    on_the_card(node, first, second)
    scanned(node)
    os.kill(first, 9)
    eventually(lambda: not Path(f"/proc/{first}").exists(), "the process is gone", PATIENCE)
    (found,) = scanned(node)
    assert (found["id"], found["pids"]) == (f"slurm:{job}", [second])
    assert node.told("exited") == []


def test_who_merely_says_that_it_is_a_job_is_shown_as_one_that_says_so(node: Node, slurm: Slurm) -> None:
    pid = pretending(node, "4711", USER)
    on_the_card(node, pid)
    (found,) = scanned(node)
    assert (found["id"], found["origin"], found["user"]) == ("slurm:4711", "slurm", USER)
    trusts = {one["trust"] for one in found["origin_evidence"] if one["value"] == "slurm"}
    assert trusts == {"declared"}, "nothing but its own word speaks for it"
    assert not [
        one for one in found["user_evidence"] if one["trust"] == "kernel" and "slurm" in one["source"]
    ]


def test_who_gets_into_another_ones_job_by_saying_so_is_told_of(node: Node, slurm: Slurm) -> None:
    node.config = PEOPLE
    job, pids = submitted(slurm)
    intruder = pretending(node, job, OTHER)
    on_the_card(node, *pids, intruder)
    scanned(node)
    real, forged = node.workload(pid=pids[0]), node.workload(pid=intruder)
    assert real is not None and forged is not None
    assert real["slurm_job"] == job
    said = " ".join(forged["conflicts"])
    assert USER in said and OTHER in said, "the contradiction is shown"
    users = {one["user"] for one in forged["user_evidence"] if one["trust"] == "kernel"}
    assert OTHER in users, "and whose the intruder is, by the kernel's word"


def test_the_command_shows_whose_job_it_is(node: Node, slurm: Slurm) -> None:
    job, pids = submitted(slurm)
    on_the_card(node, *pids)
    scanned(node)
    command = [sys.executable, "-m", "sentinel.cli.main", "workloads", "--state-dir", str(node.state)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert any("slurm" in line and USER in line for line in shown.splitlines()), (job, shown)
