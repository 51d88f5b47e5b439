"""`sentinel up` and `down` with a real agent, a real supervisor and jobs that sleep."""

import getpass
import os
import pwd
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.controller import Controller, alive, eventually, run

from sentinel.client.env_file import read_env_file
from sentinel.core.errors import UsageError
from sentinel.server import up as up_module
from sentinel.server.up import job_user

ROOT = os.geteuid() == 0
USER = "nobody" if ROOT else getpass.getuser()
UP = ("up", "--gpus", "simulated:2", "--arbiter", "none", "--run-jobs-as", USER)


pytestmark = pytest.mark.slow


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Controller]:
    machine = Controller(tmp_path, *UP)
    try:
        with machine:
            yield machine
    finally:
        run("down", "--data-dir", str(machine.data), home=machine.home)


class Sleeper:
    """A job that can be told from all other processes."""

    def __init__(self, machine: Controller) -> None:
        self.seconds = f"{random.randint(10_000, 99_999)}.{random.randint(10_000, 99_999)}"
        self.id = machine.submit(command=["sleep", self.seconds], cwd="/")

    def pid(self) -> int | None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if path.read_bytes() == f"sleep\0{self.seconds}\0".encode():
                    return int(path.parent.name) if alive(int(path.parent.name)) else None
            except OSError:
                continue
        return None


def runs(machine: Controller, id: str) -> bool:
    return bool(machine.job(id)["state"] == "RUNNING")


def test_a_job_outlives_the_end_of_up_and_not_that_of_down(machine: Controller) -> None:
    eventually(lambda: "first job" in machine.log.read_text())
    said = machine.log.read_text()
    assert machine.url in said and str(machine.data / "client.env") in said
    assert re.search(rf"The dashboard: +(not built; )?{re.escape(machine.url)}/", said)
    assert machine.environment["SENTINEL_TOKEN"] not in said
    assert read_env_file(machine.home / ".config/sentinel/client.env") == machine.environment
    job = Sleeper(machine)
    pid = eventually(job.pid)
    assert Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam(USER).pw_uid
    eventually(lambda: runs(machine, job.id))

    assert machine.stop() < 8
    assert machine.process is not None and machine.process.returncode == 0
    assert alive(pid)

    machine.start()
    eventually(lambda: runs(machine, job.id))
    assert job.pid() == pid and machine.job(job.id)["attempt"] == 1
    short = machine.submit(command=["true"], cwd="/")
    eventually(lambda: machine.job(short)["state"] == "SUCCEEDED")

    done = run("down", "--data-dir", str(machine.data), home=machine.home)
    assert done.returncode == 0 and "all ended" in done.stdout, done
    assert machine.process.wait(5) == 0 and not alive(pid)
    assert not _left(machine)

    machine.start()
    eventually(lambda: machine.job(job.id)["state"] not in ("RUNNING", "LOST"))
    ended = machine.job(job.id)
    assert ended["state"] in ("FAILED", "QUEUED"), ended


def test_a_killed_up_can_be_started_again_at_once(machine: Controller) -> None:
    job = Sleeper(machine)
    pid = eventually(job.pid)
    eventually(lambda: runs(machine, job.id))
    assert machine.process is not None
    machine.process.kill()
    machine.process.wait()
    again = Controller(machine.home, *UP, listen=machine.url.removeprefix("https://"))
    with again:
        eventually(lambda: runs(again, job.id))
        assert job.pid() == pid and again.job(job.id)["attempt"] == 1


def test_down_after_everything_was_killed_but_the_jobs(machine: Controller) -> None:
    job = Sleeper(machine)
    pid = eventually(job.pid)
    eventually(lambda: runs(machine, job.id))
    assert machine.process is not None
    machine.process.kill()
    machine.process.wait()
    for supervisor in _left(machine):
        os.kill(supervisor, 9)
        eventually(lambda supervisor=supervisor: not alive(supervisor))
    assert alive(pid)
    done = run("down", "--data-dir", str(machine.data), home=machine.home)
    assert done.returncode == 0, done.stderr
    assert not alive(pid) and not _left(machine)


def _left(machine: Controller) -> list[int]:
    """Pids of processes that name the machine's folder."""
    found = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    lines = [line.split(None, 1) for line in found.splitlines()]
    mine = [int(pid) for pid, words in lines if str(machine.data) in words]
    return [pid for pid in mine if alive(pid)]


def test_settings_of_another_controller_stay(tmp_path: Path) -> None:
    file = tmp_path / ".config/sentinel/client.env"
    file.parent.mkdir(parents=True)
    theirs = "SENTINEL_URL=https://elsewhere:8443\nSENTINEL_TOKEN=x\nSENTINEL_CA=/elsewhere/ca.pem\n"
    file.write_text(theirs)
    machine = Controller(tmp_path, *UP)
    try:
        with machine:
            eventually(lambda: "is of https://elsewhere:8443" in machine.log.read_text())
    finally:
        run("down", "--data-dir", str(machine.data), home=machine.home)
    assert file.read_text() == theirs


@pytest.mark.root
@pytest.mark.skipif(not ROOT, reason="needs root: only root has to name the user of jobs")
def test_root_has_to_say_who_runs_jobs(tmp_path: Path) -> None:
    done = run("up", "--data-dir", str(tmp_path / "d"), "--listen", "127.0.0.1:0", home=tmp_path)
    assert done.returncode == 2 and not (tmp_path / "d").exists()
    assert done.stderr == "sentinel: as which user shall jobs run? --run-jobs-as USER\n"


@pytest.mark.parametrize(
    ("me", "asked", "answer"),
    [
        (0, None, UsageError),
        (0, "root", "root"),
        (0, "no-such-user-here", UsageError),
        (0, "nobody", "nobody"),
        (65534, None, "nobody"),
        (65534, "nobody", "nobody"),
        (65534, "daemon", UsageError),
        (65534, "root", UsageError),
        (4_000_000_000, None, UsageError),
    ],
)
def test_who_runs_jobs(monkeypatch: pytest.MonkeyPatch, me: int, asked: str | None, answer: object) -> None:
    monkeypatch.setattr(up_module.os, "geteuid", lambda: me)
    if isinstance(answer, str):
        assert job_user(asked) == answer
    else:
        with pytest.raises(UsageError):
            job_user(asked)
