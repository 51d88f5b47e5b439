"""The Slurm that other tests rely on: jobs of other users run on its GPUs, and nothing of it stays."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.components.slurm import GPUS, Slurm

pytestmark = [pytest.mark.real, pytest.mark.root]

USER = "games"  # an account that every Debian has


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    with Slurm.running() as started:
        yield started


def environment(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}


def mentioning(folder: Path) -> list[int]:
    """Processes that have the folder's name in their command line or environment."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in text and process.name != str(os.getpid()):
            found.append(int(process.name))
    return found


def test_a_job_runs_as_the_user_who_submitted_it(slurm: Slurm) -> None:
    job = slurm.submit("sleep 61", "--gres=gpu:h100:2", user=USER)
    slurm.await_state(job, "RUNNING")
    deadline = time.monotonic() + 5
    while not (
        sleeping := [pid for pid in slurm.pids_of(job) if Path(f"/proc/{pid}/comm").read_text() == "sleep\n"]
    ):
        assert time.monotonic() < deadline, slurm.logs()
        time.sleep(0.05)
    (pid,) = sleeping
    assert Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam(USER).pw_uid
    given = environment(pid)
    assert given["SLURM_JOB_ID"] == job
    assert given["SLURM_JOB_USER"] == USER
    assert len(given["CUDA_VISIBLE_DEVICES"].split(",")) == 2
    assert "slurm" not in Path(f"/proc/{pid}/cgroup").read_text()  # why the environment has to do here
    shown = slurm.run("scontrol", "show", "job", job, "-d").stdout
    assert f"UserId={USER}" in shown
    assert f"NodeList={slurm.node_name}" in shown
    slurm.run("scancel", job, user=USER)
    slurm.await_state(job, "CANCELLED")
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "the job's process outlives the job"
        time.sleep(0.05)


def test_it_has_as_many_gpus_as_it_says_and_no_more(slurm: Slurm) -> None:
    def gpus(count: int) -> list[str]:
        asked = [f"--gres=gpu:{count}", "-I", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES"]
        return slurm.run("srun", *asked, user=USER).stdout.strip().split(",")

    assert gpus(GPUS) == [str(index) for index in range(GPUS)]
    refused = slurm.run("sbatch", f"--gres=gpu:{GPUS + 1}", "--wrap=true", check=False)
    assert refused.returncode != 0
    assert "Requested node configuration is not available" in refused.stderr


def test_it_listens_on_loopback_alone(slurm: Slurm) -> None:
    ports = {
        f"{int(line.partition('=')[2]):04X}"
        for line in slurm.config.read_text().splitlines()
        if "Port=" in line
    }
    assert len(ports) == 2
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1].split(":") for row in rows if row[3] == "0A"]
    assert {port for _, port in listening} >= ports
    assert all(address.endswith("7F") for address, port in listening if port in ports)


def test_nothing_of_it_stays() -> None:
    with Slurm.running() as slurm:
        job = slurm.submit("trap '' TERM HUP; setsid sleep 62 & sleep 62", user=USER)
        slurm.await_state(job, "RUNNING")
        assert len(mentioning(slurm.folder)) >= 3
    assert mentioning(slurm.folder) == []
    assert not slurm.folder.exists()


HOLDER = """
from tests.components.slurm import Slurm
with Slurm.running() as slurm:
    slurm.await_state(slurm.submit("sleep 63", user="games"), "RUNNING")
    print(slurm.folder, flush=True)
    input()
"""


def test_not_even_when_the_tests_are_killed() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        assert folder.is_dir()
        assert mentioning(folder)
        holder.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while mentioning(folder) or folder.exists():
        assert time.monotonic() < deadline, "Slurm outlives the tests"
        time.sleep(0.05)
