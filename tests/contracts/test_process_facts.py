"""What every ProcessFactsSource promises, by this test's own process and children of it."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.process_facts import FakeProcessFacts

from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts, Usage
from sentinel.drivers.processes.facts import ProcessFactsReader
from sentinel.ports.process_facts import ProcessFactsSource

SLEEP = [sys.executable, "-I", "-S", "-c", "import time; print(flush=True); time.sleep(60)"]


@pytest.fixture
def child() -> Iterator["subprocess.Popen[str]"]:
    env = {**os.environ, "NVIDIA_VISIBLE_DEVICES": "3", "SECRET_TOKEN": "hush"}
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture(params=["proc", "fake"])
def source(request: pytest.FixtureRequest, child: "subprocess.Popen[str]") -> ProcessFactsSource:
    real = ProcessFactsReader()
    if request.param == "proc":
        return real
    facts, usage = real.facts(child.pid), None
    assert facts is not None
    usage = real.usage(facts.process)
    assert usage is not None and facts.cgroups is not None
    return FakeProcessFacts(
        known={child.pid: facts},
        used={child.pid: usage},
        users={os.getuid(): pwd.getpwuid(os.getuid()).pw_name},
        owners={"/": 0},
    )


def test_the_facts_of_a_process(source: ProcessFactsSource, child: "subprocess.Popen[str]") -> None:
    found = source.facts(child.pid)
    assert isinstance(found, ProcessFacts)
    assert found.process == source.identify(child.pid)
    assert found.uid == os.getuid()
    assert found.command is not None and found.command[:3] == (sys.executable, "-I", "-S")
    assert found.name == Path(sys.executable).name
    assert found.cgroups is not None and all(line.count(":") >= 2 for line in found.cgroups)
    assert found.in_host_user_namespace is True


def test_only_the_variables_that_are_asked_for(
    source: ProcessFactsSource, child: "subprocess.Popen[str]"
) -> None:
    found = source.facts(child.pid)
    assert found is not None and found.variables["NVIDIA_VISIBLE_DEVICES"] == "3"
    assert "SECRET_TOKEN" not in found.variables


def test_usage_is_of_that_process_alone(source: ProcessFactsSource, child: "subprocess.Popen[str]") -> None:
    process = source.identify(child.pid)
    assert process is not None
    usage = source.usage(process)
    assert usage is not None and usage.memory_bytes is not None and usage.memory_bytes > 100_000
    assert usage.cpu_seconds is not None and 0 <= usage.cpu_seconds < 60
    assert source.usage(ProcessId(process.pid, process.started + 1)) is None


def test_what_has_ended_is_not_there(source: ProcessFactsSource, child: "subprocess.Popen[str]") -> None:
    if isinstance(source, FakeProcessFacts):
        source.known.clear()
    process = ProcessFactsReader().identify(child.pid)
    child.kill()
    child.wait()
    assert process is not None
    assert source.identify(child.pid) is None
    assert source.facts(child.pid) is None
    assert source.usage(process) is None


def test_a_zombie_has_ended(child: "subprocess.Popen[str]") -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert ProcessFactsReader().facts(child.pid) is None


def test_names_and_owners(source: ProcessFactsSource) -> None:
    assert source.user_name(os.getuid()) == pwd.getpwuid(os.getuid()).pw_name
    assert source.user_name(3_999_999_999) is None
    assert source.owner_of("/") == 0
    assert source.owner_of("/no/such\0place") is None


def test_an_unknown_cgroup_uses_something_unknown(source: ProcessFactsSource) -> None:
    assert source.group_usage(()) is None
    assert source.group_usage(("0::/../outside", "4:memory:/../outside")) is None
    assert source.group_usage(("0::/no/such", "4:memory,cpuacct:/no/such")) is None


def test_usage_is_a_value() -> None:
    assert Usage() == Usage(cpu_seconds=None, memory_bytes=None)
