"""The supervisor where systemd is the init: a scope for each job, users switched whole, jobs that stay.

Runs inside a booted systemd; its agent speaks to it from here, through that machine's file system.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator

import pytest
from tests.components.systemd_machine import Machine
from tests.e2e.workstation import eventually
from tests.supervisor.supervised import START, Agent, Supervised

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.slow]

FOLDER = "/srv/sentinel"


@pytest.fixture(params=["host", "v2"])
def machine(request: pytest.FixtureRequest) -> Machine:
    """Each test runs on the host's cgroup layout (v1, hybrid or v2) and on v2."""
    booted = request.getfixturevalue("machines")
    return booted[request.param]


@pytest.fixture(scope="module")
def machines() -> Iterator[dict[str, Machine]]:
    with Machine.boot("host") as host, Machine.boot("v2") as v2:
        for one in (host, v2):
            one.run("groupadd", "-f", "gpuusers")
            one.run("useradd", "-m", "-G", "gpuusers", "alice_unix")
        yield {"host": host, "v2": v2}


class Inside(Supervised):
    """A supervisor that is a unit of the machine."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine
        self.unit = f"supervisor-{os.urandom(3).hex()}"
        self.inside = f"{FOLDER}/{self.unit}"
        self.dir = machine.root / self.inside.lstrip("/") / "node"
        machine.write(f"{self.inside}/users.toml", '[users]\nalice = "alice_unix"\n')
        machine.run("chmod", "755", FOLDER, self.inside)
        words = f"--dir {self.inside}/node --node gpu1 --users {self.inside}/users.toml --foreground"
        machine.write(f"{self.inside}/start.py", START.replace("; ", "\n"))
        exec_start = f"ExecStart={sys.executable} -I -S {self.inside}/start.py {words}"
        machine.add_unit(self.unit, f"{exec_start}\nKillMode=process\nRestart=no")

    def up(self) -> Agent:
        self.machine.run("systemctl", "start", self.unit)
        return self.connect()

    def message(self, *command: str, **fields: object) -> dict[str, object]:
        return super().message(
            *command, **{"cwd": "/tmp", "environment": {"PATH": "/usr/bin:/bin"}, **fields}
        )

    def scope(self, number: int) -> str:
        return f"sentinel-job-job{number}-1.scope"

    def pids(self, number: int) -> set[str]:
        """The processes of that job, by its cgroup."""
        found: set[str] = set()
        with contextlib.suppress(OSError):  # a cgroup that goes while it is looked at
            for path in self.machine.cgroup_root.rglob(f"{self.scope(number)}/cgroup.procs"):
                found.update(path.read_text().split())
        return found

    def close(self) -> None:
        for unit in (self.unit, "sentinel-job-*.scope"):
            self.machine.run("systemctl", "kill", "-s", "KILL", unit, check=False)
        self.machine.run("systemctl", "stop", self.unit, check=False)
        super().close()


@pytest.fixture
def node(machine: Machine) -> Iterator[Inside]:
    inside = Inside(machine)
    yield inside
    inside.close()


def test_a_job_has_a_scope_and_is_its_user_whole(node: Inside) -> None:
    agent = node.up()
    script = "id -un; id -Gn; cat /proc/self/cgroup; exec sleep 60"
    token = node.launch(agent, "sh", "-c", script)
    agent.until(token, "running")
    eventually(lambda: "sentinel-job" in node.log())
    user, groups, *cgroups = node.log().splitlines()
    assert user == "alice_unix"
    assert set(groups.split()) == {"alice_unix", "gpuusers"}
    assert any(line.endswith(f"/system.slice/{node.scope(1)}") for line in cgroups)
    assert node.machine.show(node.scope(1), "ActiveState") == "active"
    assert node.machine.show(node.scope(1), "MemoryAccounting") == "yes"
    agent.say(cmd="stop", token=token, why="canceled", grace=10)
    assert agent.ended(token)["signal"] == 15
    eventually(lambda: node.machine.show(node.scope(1), "LoadState") == "not-found", "the scope is gone")


def test_a_short_job_ends_as_it_does(node: Inside) -> None:
    agent = node.up()
    for code in (0, 3):
        assert agent.ended(node.launch(agent, "sh", "-c", f"exit {code}"))["exit_code"] == code
    event = agent.ended(node.launch(agent, "true", cwd="/no/such"))
    assert (event["final"], event["why"]) == (True, "cwd /no/such does not exist on node gpu1")
    began = time.monotonic()
    for _ in range(10):
        assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0
    assert time.monotonic() - began < 5


def test_nothing_of_a_job_stays_whatever_it_did(node: Inside) -> None:
    agent = node.up()
    hidden = "trap '' TERM; while :; do sleep 0.1; done"
    script = f'env -i setsid sh -c "{hidden}" & env -i setsid setsid sleep 60 & sleep 0.5'
    token = node.launch(agent, "sh", "-c", script)
    agent.until(token, "running")
    eventually(lambda: len(node.pids(1)) >= 3)
    assert agent.ended(token)["exit_code"] == 0
    assert node.pids(1)
    eventually(lambda: not node.pids(1), "all of it is killed")
    armed = f"armed-{token}"  # it takes a moment until a shell ignores anything
    deaf = f"trap '' TERM; >{armed}; while :; do sleep 0.1; done"
    script = f'env -i setsid sh -c "{hidden}" & {deaf}'
    again = node.launch(agent, "sh", "-c", script)
    agent.until(again, "running")
    there = ("test", "-e", f"/tmp/{armed}")
    eventually(lambda: node.machine.run(*there, check=False).returncode == 0 and len(node.pids(2)) >= 2)
    agent.say(cmd="stop", token=again, why="canceled", grace=0.3)
    assert agent.ended(again)["signal"] == 9
    eventually(lambda: not node.pids(2), "all of it is killed")


def test_jobs_stay_when_the_supervisors_unit_is_stopped_or_killed(node: Inside) -> None:
    agent = node.up()
    node.machine.run("mkfifo", "-m", "666", f"{node.inside}/fifo")
    token = node.launch(agent, "sh", "-c", "read line <fifo; exit 7", cwd=node.inside)
    agent.until(token, "running")
    node.machine.run("systemctl", "stop", node.unit)
    assert node.pids(1)
    agent = node.up()
    assert agent.records[token]["phase"] == "running"
    node.machine.run("systemctl", "kill", "-s", "KILL", node.unit)
    assert node.pids(1)
    node.machine.run("systemctl", "reset-failed", node.unit, check=False)
    agent = node.up()
    assert agent.records[token]["phase"] == "running"
    agent.say(cmd="stop", token=token, why="canceled", grace=10)
    assert agent.ended(token)["stopped"]
    eventually(lambda: not node.pids(1))


def test_a_terminal_in_a_scope(node: Inside) -> None:
    agent = node.up()
    token = node.launch(agent, "sh", "-c", "tty; id -un", pty=True)
    assert agent.ended(token)["exit_code"] == 0
    assert node.log().splitlines()[1] == "alice_unix"


def test_where_systemd_gives_no_scope_a_job_runs_without(node: Inside) -> None:
    agent = node.up()
    for _ in range(2):  # the second attempt finds a unit of that name
        node._count = 0
        token = node.launch(agent, "sleep", "60")
        agent.until(token, "running")
    output = node.machine.journal(node.unit)
    assert "sentinel-job-job1-1.scope cannot be made, its job runs without: " in output
    assert len(node.pids(1)) == 1
    with contextlib.suppress(OSError):
        agent.say(cmd="end", jobs=True)
    eventually(lambda: node.machine.show(node.unit, "ActiveState") == "inactive", "it has ended")
