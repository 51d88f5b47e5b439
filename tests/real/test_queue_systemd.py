"""Controller, agent and supervisor as units of a booted systemd, installed by install.sh with all their
hardening: a job is its user in its own scope, and goes on whatever is restarted. There is an arbiter, too.
"""

import importlib.metadata
import re
import shutil
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from tests.components.systemd_machine import Machine
from tests.e2e.workstation import eventually
from tests.real.workstation import CONFIG, INSTALL, free_port

from sentinel.client import Client
from sentinel.client.env_file import read_env_file
from sentinel.core.errors import SentinelError

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.slow]

SERVER, AGENT, SUPERVISOR = "sentinel-server", "sentinel-agent", "sentinel-supervisor"
DATA = "/var/lib/sentinel-server"
CLAIMS = "/var/lib/gpu-claims"
EXTRA = "/opt/sentinel/extra"
PATIENCE = 45.0
PROJECT = tomllib.loads((Path(INSTALL).parent / "pyproject.toml").read_text())["project"]


def needed(extras: tuple[str, ...]) -> set[str]:
    """Names of the libraries of these extras, and what they need."""
    found: set[str] = set()
    todo = [Requirement(one) for extra in extras for one in PROJECT["optional-dependencies"][extra]]
    while todo:
        one = todo.pop()
        if one.name not in found:
            found.add(one.name)
            for text in importlib.metadata.requires(one.name) or []:
                more = Requirement(text)
                if more.marker is None or any(more.marker.evaluate({"extra": e}) for e in one.extras or {""}):
                    todo.append(more)
    return found


def give_libraries(machine: Machine, *extras: str) -> None:
    """As `pip install --target /opt/sentinel/extra` does it, from what the tests themselves run with."""
    target = machine.root / EXTRA[1:]
    for name in needed(extras):
        for file in importlib.metadata.files(name) or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                place = target / str(file)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), place)
    machine.run("chmod", "-R", "a+rX", EXTRA)


class Lab:
    """A machine that is controller and node, and ada, who has an account on it and one in the queue."""

    def __init__(self, machine: Machine, port: int) -> None:
        self.machine, self.port = machine, port
        self._gates = 0
        self._clients: dict[str | None, Client] = {}

    def prepare(self) -> None:
        machine = self.machine
        machine.run("useradd", "--create-home", "ada")
        machine.run("install", "-d", "-m", "1777", CLAIMS)
        engines = "docker = false\npodman = false\ncontainerd = false\nkubernetes = false\n"
        machine.write(
            CONFIG,
            f'[arbiter]\ngpus = "simulated:2"\n[inventory]\ngpus = "simulated:2"\n{engines}'
            f'[telemetry]\nenabled = false\n[server]\nlisten = "127.0.0.1:{self.port}"\n',
        )
        machine.write("/etc/sentinel/job-users.toml", 'default = "same-name"\n')
        for unit in ("sentinel", AGENT, SUPERVISOR):
            drop_in = f"[Service]\nEnvironment=SENTINEL_SIMULATED_DIR={CLAIMS}\n"
            machine.write(f"/etc/systemd/system/{unit}.service.d/claims.conf", drop_in)
        machine.run(INSTALL)
        give_libraries(machine, "server", "agent")

    def systemctl(self, *words: str) -> None:
        done = self.machine.run("systemctl", *words, check=False)
        assert done.returncode == 0, done.stderr + self.machine.journal()[-3000:]

    def show(self, what: str, unit: str) -> str:
        return self.machine.show(f"{unit}.service", what)

    def join(self) -> None:
        token = self.admin.create_token("node", kind="join")["token"]
        self.machine.run("sentinel-agent", "join", f"https://127.0.0.1:{self.port}", "--token", token)

    @property
    def admin(self) -> Client:
        return self._client(None)

    @property
    def ada(self) -> Client:
        return self._client(self.token)

    def add_ada(self) -> None:
        self.admin.add_user("ada", "member")
        self.token = self.admin.create_token("ada", owner="ada")["token"]

    def _client(self, token: str | None) -> Client:
        if token not in self._clients:
            known = read_env_file(self.machine.root / DATA[1:] / "client.env")
            ca = self.machine.root / known["SENTINEL_CA"][1:]
            secret = token or known["SENTINEL_TOKEN"]
            self._clients[token] = Client(known["SENTINEL_URL"], token=secret, ca=str(ca))
        return self._clients[token]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def wait(self, condition: Any, what: str = "") -> Any:
        def look() -> Any:
            try:
                return condition()
            except (SentinelError, OSError):
                return None

        try:
            return eventually(look, what, PATIENCE)
        except AssertionError:
            print(self.machine.journal()[-6000:])
            raise

    def begin(self, code: int = 7) -> "Job":
        """A job of ada's that runs."""
        self._gates += 1
        job = Job(self, f"/home/ada/gate{self._gates}", code)
        self.wait(lambda: job.now["state"] == "RUNNING", "it runs")
        return job


class Job:
    """It runs until it is told to end, and ends with its code."""

    def __init__(self, lab: Lab, gate: str, code: int) -> None:
        self._lab, self._gate = lab, gate
        script = f"id -un; cat /proc/self/cgroup; while [ ! -e {gate} ]; do sleep 0.1; done; exit {code}"
        self.id = str(lab.ada.submit(["sh", "-c", script], cwd="/home/ada", gpus=1)["id"])

    @property
    def now(self) -> dict[str, Any]:
        return self._lab.ada.job(self.id)

    @property
    def runs(self) -> bool:
        """By its scope."""
        return self._lab.machine.show(f"sentinel-job-{self.id}-1.scope", "ActiveState") == "active"

    def end(self) -> None:
        self._lab.machine.run("touch", self._gate)

    def ended(self) -> dict[str, Any]:
        return self._lab.wait(lambda: (now := self.now)["ended_at"] and now, f"the end of {self.id}")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Machine.boot() as machine:
        lab = Lab(machine, free_port())
        lab.prepare()
        lab.systemctl("start", SERVER)  # which returns once it has said READY
        lab.add_ada()
        lab.join()
        lab.systemctl("start", AGENT)
        lab.wait(lambda: lab.admin.nodes()[0]["state"] == "up", "the node")
        yield lab
        lab.close()


@pytest.fixture(autouse=True)
def job(lab: Lab) -> Iterator[Job]:
    """One that runs through the whole test, its first attempt."""
    job = lab.begin()
    yield job
    job.end()


def test_a_job_is_its_user_in_its_own_scope_with_a_lease_of_the_arbiters(lab: Lab, job: Job) -> None:
    assert job.runs
    said = lab.wait(lambda: b"".join(lab.ada.logs(job.id)).decode(), "what it wrote")
    assert said.startswith("ada\n")
    assert f"/sentinel-job-{job.id}-1.scope" in said
    status = lab.machine.run("sentinel-status", "--json", user="ada").stdout
    assert '"user": "ada"' in status
    job.end()
    assert job.ended()["exit_code"] == 7
    lab.wait(lambda: not job.runs, "its scope is gone")


def test_the_units_that_run_are_the_ones_that_are_meant_to(lab: Lab) -> None:
    for unit in (SERVER, AGENT, SUPERVISOR, "sentinel"):
        assert lab.show("ActiveState", unit) == "active", unit
    assert lab.show("User", SERVER) == "sentinel-server"
    pid = lab.show("MainPID", SERVER)
    status = (lab.machine.root / "proc" / pid / "status").read_text()
    facts = {line.split(":")[0]: line.partition(":")[2].strip() for line in status.splitlines()}
    assert facts["Uid"].split()[0] != "0"
    assert (facts["CapEff"].strip("0"), facts["NoNewPrivs"], facts["Seccomp"]) == ("", "1", "2")
    mode = lab.machine.run("stat", "-c", "%a %U", DATA, f"{DATA}/controller.db", f"{DATA}/pki/ca.key").stdout
    assert mode.splitlines() == ["700 sentinel-server", "600 sentinel-server", "600 sentinel-server"]
    refused = lab.machine.run("ls", DATA, user="ada", check=False)
    assert refused.returncode != 0


@pytest.mark.parametrize("unit", [AGENT, SERVER])
def test_a_restart_in_the_middle_of_a_job_costs_it_nothing(lab: Lab, job: Job, unit: str) -> None:
    before = lab.show("MainPID", unit)
    lab.systemctl("restart", unit)
    assert lab.show("MainPID", unit) != before
    assert job.runs
    job.end()
    assert job.ended()["exit_code"] == 7
    again = lab.begin(code=3)
    again.end()
    assert again.ended()["exit_code"] == 3


@pytest.mark.parametrize("unit", [AGENT, SERVER])
def test_so_does_a_kill(lab: Lab, job: Job, unit: str) -> None:
    restarts = int(lab.show("NRestarts", unit))
    lab.systemctl("kill", "--signal=KILL", "--kill-whom=main", f"{unit}.service")
    job.end()
    assert job.ended()["exit_code"] == 7
    assert int(lab.show("NRestarts", unit)) == restarts + 1


def test_a_restart_of_the_supervisor_costs_the_exit_code_at_most(lab: Lab, job: Job) -> None:
    before = lab.show("MainPID", SUPERVISOR)
    lab.systemctl("restart", SUPERVISOR)
    assert lab.show("MainPID", SUPERVISOR) != before
    assert job.runs
    job.end()
    ended = job.ended()
    assert ended["attempt"] == 1
    if ended["exit_code"] is None:
        assert "the supervisor was restarted" in ended["reason"]
    else:
        assert ended["exit_code"] == 7


def test_all_of_it_may_be_stopped_and_the_job_goes_on(lab: Lab, job: Job) -> None:
    for unit in (AGENT, SERVER, SUPERVISOR):
        lab.systemctl("stop", unit)
    assert job.runs
    time.sleep(1)
    assert job.runs
    for unit in (SERVER, AGENT):
        lab.systemctl("start", unit)
    assert lab.show("ActiveState", SUPERVISOR) == "active", "the agent's unit wants it"
    lab.wait(lambda: job.now["state"] == "RUNNING", "it is found")
    job.end()
    assert job.ended()["attempt"] == 1


def test_a_backup_by_the_controllers_user(lab: Lab, job: Job) -> None:
    made = lab.machine.run(
        "sentinel-server", "backup", "--data-dir", DATA, user="sentinel-server"
    ).stdout.strip()
    assert re.fullmatch(rf"{DATA}/backups/sentinel-\S+\.tar", made)
    lab.systemctl("stop", SERVER)
    lab.machine.run("sentinel-server", "restore", "--data-dir", DATA, made, user="sentinel-server")
    lab.systemctl("start", SERVER)
    assert job.runs
    lab.wait(lambda: lab.admin.nodes()[0]["state"] == "up")
    job.end()
    assert job.ended()["exit_code"] == 7


def test_installing_again_leaves_the_supervisor_alone_while_jobs_run(lab: Lab, job: Job) -> None:
    before = {unit: lab.show("MainPID", unit) for unit in (SERVER, AGENT, SUPERVISOR)}
    said = lab.machine.run(INSTALL).stdout
    assert "systemctl restart sentinel-supervisor" in said
    assert lab.show("MainPID", SUPERVISOR) == before[SUPERVISOR]
    for unit in (SERVER, AGENT):
        assert lab.show("ActiveState", unit) == "active" and lab.show("MainPID", unit) != before[unit]
    job.end()
    assert job.ended()["exit_code"] == 7
    lab.wait(lambda: not job.runs)
    lab.machine.run(INSTALL)
    assert lab.show("MainPID", SUPERVISOR) != before[SUPERVISOR]


def test_systemd_has_nothing_to_say_against_the_units(lab: Lab) -> None:
    files = [f"/etc/systemd/system/{unit}.service" for unit in (SERVER, AGENT, SUPERVISOR)]
    done = lab.machine.run("systemd-analyze", "verify", *files)
    assert done.stdout + done.stderr == ""
    for unit, most in ((SERVER, 1.6), (AGENT, 3.5)):
        said = lab.machine.run("systemd-analyze", "security", "--no-pager", f"{unit}.service").stdout
        exposure = float(said.splitlines()[-1].partition(f"{unit}.service: ")[2].split()[0])
        assert exposure <= most, said


def test_uninstalling_waits_for_jobs_and_keeps_the_data(lab: Lab, job: Job) -> None:
    """The last one, as it leaves the machine bare."""
    refused = lab.machine.run(INSTALL, "--uninstall", check=False)
    assert refused.returncode == 1
    assert f"sentinel-job-{job.id}-1.scope" in refused.stderr and "--force" in refused.stderr
    assert lab.show("ActiveState", SERVER) == "active"
    job.end()
    job.ended()
    lab.wait(lambda: not job.runs)
    lab.machine.run(INSTALL, "--uninstall", "--purge")
    for unit in (SERVER, AGENT, SUPERVISOR):
        assert lab.show("LoadState", unit) != "loaded" or lab.show("FragmentPath", unit) == ""
        assert lab.show("ActiveState", unit) == "inactive"
    left = lab.machine.run(
        "sh",
        "-c",
        "ls -d /usr/local/bin/sentinel* /opt/sentinel /etc/systemd/system/sentinel*.service",
        check=False,
    )
    assert left.stdout == ""
    assert (lab.machine.root / DATA[1:] / "controller.db").exists()
    assert lab.machine.run("id", "-u", "sentinel-server").returncode == 0
