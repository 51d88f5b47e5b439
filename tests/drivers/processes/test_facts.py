"""ProcessFactsReader on a /proc and a /sys/fs/cgroup of the test: what a live machine rarely shows."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.process import ProcessId
from sentinel.core.process_facts import Usage
from sentinel.drivers.processes.facts import CgroupUsage, ProcessFactsReader

TAIL = "S 1 42 42 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 777 1000 25 0"


def write(root: Path, pid: int, **files: str | bytes) -> None:
    folder = root / str(pid)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def reader(tmp_path: Path) -> ProcessFactsReader:
    return ProcessFactsReader(tmp_path / "proc", tmp_path / "cgroup")


def test_a_name_with_brackets_does_not_shift_the_fields(tmp_path: Path, reader: ProcessFactsReader) -> None:
    write(tmp_path / "proc", 42, stat=f"42 (a) S 1 (b)) {TAIL}\n")
    assert reader.identify(42) == ProcessId(42, 777)
    usage = reader.usage(ProcessId(42, 777))
    assert usage is not None and usage.cpu_seconds == 2.0


def test_an_unset_login_uid_is_nobody(tmp_path: Path, reader: ProcessFactsReader) -> None:
    write(tmp_path / "proc", 42, stat=f"42 (x) {TAIL}", loginuid="4294967295", status="Uid:\t7\t8\t9\t9\n")
    found = reader.facts(42)
    assert found is not None and found.login_uid is None and found.uid == 7
    write(tmp_path / "proc", 43, stat=f"43 (x) {TAIL}", loginuid="1001\n")
    found = reader.facts(43)
    assert found is not None and found.login_uid == 1001 and found.uid is None


def test_what_may_not_be_read_is_unknown(tmp_path: Path, reader: ProcessFactsReader) -> None:
    write(tmp_path / "proc", 42, stat=f"42 (x) {TAIL}", comm="x\n")
    found = reader.facts(42)
    assert found is not None
    assert (found.command, found.cgroups, found.uid, found.variables) == (None, None, None, {})
    assert found.name == "x"


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_nothing_that_a_process_writes_breaks_it(
    tmp_path_factory: pytest.TempPathFactory, command: bytes, environment: bytes
) -> None:
    root = tmp_path_factory.mktemp("proc")
    write(root, 42, stat=f"42 (x) {TAIL}", cmdline=command, environ=environment, comm="x")
    found = ProcessFactsReader(root, root).facts(42)
    assert found is not None and found.name.isprintable() and len(found.name) <= 64


def test_usage_on_v2(tmp_path: Path) -> None:
    group = tmp_path / "system.slice/docker-1.scope"
    group.mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    (group / "memory.current").write_text("5000\n")
    (group / "memory.stat").write_text("anon 1000\ninactive_file 1500\n")
    (group / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    usage = CgroupUsage(tmp_path).of(("0::/system.slice/docker-1.scope",))
    assert usage == Usage(cpu_seconds=2.5, memory_bytes=3500)


@pytest.mark.parametrize("controller", ["cpuacct", "cpu,cpuacct"])
def test_usage_on_v1_and_hybrid(tmp_path: Path, controller: str) -> None:
    memory, cpu = tmp_path / "memory/docker/1", tmp_path / controller / "docker/1"
    memory.mkdir(parents=True)
    cpu.mkdir(parents=True)
    (memory / "memory.usage_in_bytes").write_text("5000\n")
    (memory / "memory.stat").write_text("total_inactive_file 1500\n")
    (cpu / "cpuacct.usage").write_text("2500000000\n")
    lines = ("9:memory:/docker/1", "4:cpu,cpuacct:/docker/1", "0::/")
    assert CgroupUsage(tmp_path).of(lines) == Usage(cpu_seconds=2.5, memory_bytes=3500)


def test_the_root_cgroup_is_nobodys_own(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/memory.usage_in_bytes").write_text("5000\n")
    assert CgroupUsage(tmp_path).of(("9:memory:/", "4:cpuacct:/")) is None
