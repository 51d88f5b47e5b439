"""What every ProcessTable owes its port, run against both: the fake, and the kernel's own by /proc."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
from tests.fakes.processes import FakeProcesses

from sentinel.core.process import ProcessId
from sentinel.drivers.processes.procfs import ProcFs
from sentinel.ports.processes import ProcessTable

MARK = "SENTINEL_CONTRACT_TEST"


class World(Protocol):
    """A table, and what makes processes that it should show."""

    table: ProcessTable

    def spawn(self, env: Mapping[str, str] | None = None, group: ProcessId | None = None) -> ProcessId:
        """A process called "sleep"; it leads its group, or joins that of another."""
        ...

    def family(self) -> tuple[ProcessId, ProcessId]:
        """A parent and its child."""
        ...

    def end(self, process: ProcessId) -> None:
        """It is gone."""
        ...

    def end_unwaited(self, process: ProcessId) -> None:
        """It is a zombie."""
        ...


class FakeWorld:
    def __init__(self) -> None:
        self.table = self.fake = FakeProcesses()
        self.fake.spawn("pytest", pid=os.getpid(), uid=os.getuid())

    def spawn(self, env: Mapping[str, str] | None = None, group: ProcessId | None = None) -> ProcessId:
        return self.fake.spawn("sleep", uid=os.getuid(), env=env, group=group)

    def family(self) -> tuple[ProcessId, ProcessId]:
        parent = self.fake.spawn()
        return parent, self.fake.spawn(parent=parent)

    def end(self, process: ProcessId) -> None:
        self.fake.end(process)

    def end_unwaited(self, process: ProcessId) -> None:
        self.fake.end(process, zombie=True)

    def close(self) -> None:
        self.fake.close()


class RealWorld:
    def __init__(self) -> None:
        self.table = ProcFs()
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def spawn(self, env: Mapping[str, str] | None = None, group: ProcessId | None = None) -> ProcessId:
        child = subprocess.Popen(
            ["sleep", "60"], env={**os.environ, **(env or {})}, process_group=group.pid if group else 0
        )
        return self._known(child)

    def family(self) -> tuple[ProcessId, ProcessId]:
        parent = subprocess.Popen(["/bin/sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE)
        assert parent.stdout
        with parent.stdout:
            pid = int(parent.stdout.readline())
        child = self.table.identify(pid)
        assert child
        return self._known(parent), child

    def _known(self, child: subprocess.Popen[bytes]) -> ProcessId:
        self._children[child.pid] = child
        process = self.table.identify(child.pid)
        assert process
        deadline = time.monotonic() + 5
        while not self._became_itself(child.pid) and time.monotonic() < deadline:
            time.sleep(0.005)
        return process

    def _became_itself(self, pid: int) -> bool:
        """Between fork and exec it is still us; in the middle of exec it has no environment at all."""
        return self.table.name(pid) in ("sleep", "sh") and self.table.variable(pid, "PATH") is not None

    def end(self, process: ProcessId) -> None:
        os.kill(process.pid, signal.SIGKILL)
        if child := self._children.get(process.pid):
            child.wait()

    def end_unwaited(self, process: ProcessId) -> None:
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    def close(self) -> None:
        for child in self._children.values():
            child.kill()
            child.wait()


@pytest.fixture(params=[FakeWorld, RealWorld], ids=["fake", "procfs"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    place = request.param()
    yield place
    place.close()


def readable(fd: int, seconds: float = 0.0) -> bool:
    poller = select.poll()  # select() itself knows no descriptor above 1023
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def test_a_process_is_itself_as_long_as_it_lives(world: World) -> None:
    process = world.spawn()
    assert world.table.identify(process.pid) == process
    world.end(process)
    assert world.table.identify(process.pid) is None


def test_a_zombie_is_no_process_any_more(world: World) -> None:
    process = world.spawn(env={MARK: "L1"})
    world.end_unwaited(process)
    assert world.table.identify(process.pid) is None
    assert world.table.watch(process) is None
    assert world.table.survivors({"L1": ProcessId(process.pid + 1, 0)}, MARK) == {"L1": ()}


def test_two_processes_of_one_moment_are_two(world: World) -> None:
    assert world.spawn() != world.spawn()


def test_name_and_user(world: World) -> None:
    process = world.spawn()
    assert world.table.name(process.pid) == "sleep"
    assert world.table.uid(process.pid) == os.getuid()


def test_of_nobody_nothing_is_known(world: World) -> None:
    process = world.spawn()
    world.end(process)
    table, pid = world.table, process.pid
    assert (table.name(pid), table.uid(pid), table.cgroups(pid), table.variable(pid, MARK)) == (
        None,
        None,
        (),
        None,
    )
    assert not table.descends(pid, process)
    assert table.watch(process) is None
    assert table.signal([process], signal.SIGTERM) == 0


def test_cgroups_are_absolute_paths(world: World) -> None:
    found = world.table.cgroups(os.getpid())
    assert found
    assert all(path.startswith("/") for path in found)


@pytest.mark.parametrize(
    ("env", "value"),
    [
        ({MARK: "L1-ab"}, "L1-ab"),
        ({MARK: ""}, ""),
        ({}, None),
        ({f"X{MARK}": "no", f"{MARK}X": "no"}, None),
        ({f"X{MARK}": "no", MARK: "yes"}, "yes"),
        ({"OTHER": f"{MARK}=no"}, None),
    ],
)
def test_a_variable_is_that_variable_and_no_other(
    world: World, env: dict[str, str], value: str | None
) -> None:
    assert world.table.variable(world.spawn(env=env).pid, MARK) == value


def test_survivors_carry_the_mark_or_are_of_the_group_and_none_is_the_root(world: World) -> None:
    root = world.spawn(env={MARK: "L1"})
    marked = world.spawn(env={MARK: "L1"})
    grouped = world.spawn(group=root)
    other = world.spawn(env={MARK: "L2"})
    world.spawn(env={MARK: "L10"})
    world.spawn()
    found = world.table.survivors({"L1": root, "L2": ProcessId(2**22 + 1, 0)}, MARK)
    assert {s.process for s in found["L1"]} == {marked, grouped}
    assert {s.name for s in found["L1"]} == {"sleep"}
    assert [s.process for s in found["L2"]] == [other]


def test_survivors_are_found_after_the_root_has_ended(world: World) -> None:
    root = world.spawn()
    marked = world.spawn(env={MARK: "L1"})
    grouped = world.spawn(group=root)
    world.end(root)
    assert {s.process for s in world.table.survivors({"L1": root}, MARK)["L1"]} == {marked, grouped}


def test_descendants_are_survivors_as_long_as_the_root_lives(world: World) -> None:
    """A fork has no mark of its own; once its parent has ended nothing tells whose it was."""
    parent, child = world.family()
    assert [s.process for s in world.table.survivors({"L1": parent}, MARK)["L1"]] == [child]
    world.end(parent)
    assert world.table.survivors({"L1": parent}, MARK) == {"L1": ()}
    world.end(child)


def test_an_older_process_in_a_group_of_that_number_is_no_survivor(world: World) -> None:
    leader = world.spawn()
    later = ProcessId(leader.pid, leader.started + 10**9)
    world.spawn(group=leader)
    assert world.table.survivors({"L1": later}, MARK) == {"L1": ()}


def test_a_later_process_of_the_root_s_pid_and_its_group_are_no_survivors(world: World) -> None:
    """A number is not used again while a group has it: a new process of that pid means that the old
    group is gone."""
    leader = world.spawn()
    world.spawn(group=leader)
    earlier = ProcessId(leader.pid, leader.started - 1)
    assert world.table.survivors({"L1": earlier}, MARK) == {"L1": ()}


def test_no_roots_no_survivors(world: World) -> None:
    assert world.table.survivors({}, MARK) == {}


def test_a_child_descends_from_its_parent_and_not_the_other_way(world: World) -> None:
    parent, child = world.family()
    table = world.table
    assert table.descends(child.pid, parent)
    assert table.descends(parent.pid, parent)
    assert not table.descends(parent.pid, child)
    assert not table.descends(child.pid, ProcessId(parent.pid, parent.started + 1)), (
        "a later process of that pid"
    )
    world.end(parent)
    assert not table.descends(child.pid, parent), "an orphan is init's"
    world.end(child)


def test_a_watched_process_that_ends_makes_the_descriptor_readable(world: World) -> None:
    process = world.spawn()
    fd = world.table.watch(process)
    assert fd is not None
    try:
        assert not readable(fd)
        assert not os.get_inheritable(fd)
        world.end(process)
        assert readable(fd, 2)
    finally:
        os.close(fd)


def test_a_later_process_of_the_same_pid_is_not_the_one_asked_for(world: World) -> None:
    process = world.spawn()
    before = ProcessId(process.pid, process.started - 1)
    assert world.table.watch(before) is None
    assert world.table.signal([before], signal.SIGKILL) == 0
    assert world.table.identify(process.pid) == process


def test_a_signal_reaches_each_and_is_counted(world: World) -> None:
    first, second = world.spawn(), world.spawn()
    fds = [world.table.watch(p) for p in (first, second)]
    assert world.table.signal([first, second], signal.SIGTERM) == 2
    for fd in fds:
        assert fd is not None
        assert readable(fd, 2)
        os.close(fd)


def test_who_sits_at_no_terminal_is_told_nothing(world: World) -> None:
    process = world.spawn()
    assert not world.table.write_to_terminal(process, os.getuid(), "hello")
    world.end(process)
    assert not world.table.write_to_terminal(process, os.getuid(), "hello")


# ------------------------------------------------------------------ /proc alone


def test_a_line_reaches_the_terminal_of_its_owner_and_nobody_else_s() -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execvp("sleep", ["sleep", "60"])
    table = ProcFs()
    try:
        while table.name(child) != "sleep":
            time.sleep(0.005)
        process = table.identify(child)
        assert process
        path = Path(f"/proc/{child}/fd/0").readlink()
        path.chmod(0o620)
        assert not table.write_to_terminal(process, os.getuid() + 1, "not yours")
        assert not table.write_to_terminal(ProcessId(child, process.started + 1), os.getuid(), "not you")
        assert table.write_to_terminal(process, os.getuid(), "idle \x1b[2J since noon")
        assert os.read(terminal, 200) == b"\r\r\nsentinel: idle ?[2J since noon\r\r\n"
        path.chmod(0o600)
        assert not table.write_to_terminal(process, os.getuid(), "mesg n")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def test_a_name_with_brackets_and_control_characters(tmp_path: Path) -> None:
    """The fields of /proc/PID/stat come after a name that may look like them; and it is shown to people."""
    rename = "import ctypes, time; ctypes.CDLL(None).prctl(15, b'a) Z 1 (\\n\\x1b')"
    code = f"{rename}; print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        process = ProcFs().identify(child.pid)
        child.kill()
    assert process is not None
    assert process.pid == child.pid
    root = tmp_path / "7"
    root.mkdir()
    (root / "cmdline").write_bytes(b"/opt/\x1b[31mred\xff\0--x\0")
    assert ProcFs(tmp_path).name(7) == "?[31mred\ufffd"
    (root / "cmdline").write_bytes(b"")
    (root / "comm").write_bytes(b"kthread\n")
    assert ProcFs(tmp_path).name(7) == "kthread"


@pytest.mark.parametrize("stat", [b"", b"7 (x", b"7 (x) S 1", b"\xff\xfe"])
def test_a_stat_file_that_makes_no_sense_is_no_process(tmp_path: Path, stat: bytes) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_bytes(stat)
    table = ProcFs(tmp_path)
    assert table.identify(7) is None
    assert table.survivors({"L": ProcessId(7, 1)}, MARK) == {"L": ()}
    assert not table.descends(7, ProcessId(7, 1))


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 5, 2**70])
def test_a_pid_that_cannot_be_is_nobody(pid: int) -> None:
    table = ProcFs()
    assert table.identify(pid) is None
    assert table.watch(ProcessId(pid, 1)) is None
    assert table.signal([ProcessId(pid, 1)], 0) == 0
