"""The systemd driver's own judgement, with a stand-in for systemctl and for the cgroup tree.

What systemd really does is in tests/real/test_systemd_driver.py.
"""

import stat
import subprocess
from pathlib import Path

import pytest

from sentinel.core.errors import ServiceError, UsageError
from sentinel.core.service import Down, Rung, Unseen, Up
from sentinel.drivers.services import systemd
from sentinel.drivers.services.systemd import SystemdService

SYSTEMCTL = """#!/bin/sh
echo "$*" >> {folder}/asked
. {folder}/behaviour
"""


class World:
    """A systemctl that answers as told, and a cgroup tree to fill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.systemctl = folder / "systemctl"
        self.systemctl.write_text(SYSTEMCTL.format(folder=folder))
        self.systemctl.chmod(self.systemctl.stat().st_mode | stat.S_IXUSR)
        self.tree = folder / "cgroup" / "systemd"
        self.answers()

    def service(self, unit: str = "chat.service", **changes: float) -> SystemdService:
        root = self.folder / "cgroup"
        return SystemdService(
            name="chat", unit=unit, systemctl=str(self.systemctl), cgroup_root=root, **changes
        )

    def answers(self, **properties: str) -> None:
        """`show` says this; everything else succeeds in silence."""
        unit = {
            "LoadState": "loaded",
            "ActiveState": "inactive",
            "SubState": "dead",
            "Result": "success",
            "ControlGroup": "",
            "ExecMainStatus": "0",
        }
        lines = "\n".join(f"{key}={value}" for key, value in (unit | properties).items())
        self.behaves(f'case "$*" in *" show "*) cat <<EOF\n{lines}\nEOF\n;; esac')

    def behaves(self, shell: str) -> None:
        (self.folder / "behaviour").write_text(shell)

    def runs(self, *pids: int, below: str = "") -> None:
        """The unit's cgroup holds these."""
        folder = self.tree / "system.slice/chat.service" / below
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))

    def asked(self) -> list[str]:
        try:
            return (self.folder / "asked").read_text().splitlines()
        except FileNotFoundError:
            return []


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


ACTIVE = {"ActiveState": "active", "SubState": "running", "ControlGroup": "/system.slice/chat.service"}

# ------------------------------------------------------------------ looking


def test_a_look_at_what_runs_asks_systemd_once_and_then_the_kernel_alone(world: World) -> None:
    world.answers(**ACTIVE)
    world.runs(101, 102)
    world.runs(103, below="worker")
    service = world.service()
    for _ in range(5):
        assert service.look() == Up(pids=frozenset((101, 102, 103)))
    assert len(world.asked()) == 1


def test_a_look_at_what_is_down_repeats_the_answer_until_its_cgroup_is_there(world: World) -> None:
    world.answers(**ACTIVE)
    world.runs(101)
    service = world.service()
    service.look()
    (world.tree / "system.slice/chat.service/cgroup.procs").unlink()
    (world.tree / "system.slice/chat.service").rmdir()
    world.answers()
    for _ in range(5):
        assert service.look() == Down(why="stopped (dead)")
    assert len(world.asked()) == 2
    world.runs(104)
    assert service.look() == Up(pids=frozenset((104,)))


def test_a_move_forgets_why_it_was_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.answers(**ACTIVE)
    service = world.service()
    service.look()
    world.answers(ActiveState="failed", SubState="failed", Result="exit-code", ExecMainStatus="3")
    assert service.look() == Down(why="failed (failed): exit-code, exit status 3", failed=True)
    world.answers()
    service.evict(Rung.STOP)
    assert service.look() == Down(why="stopped (dead)")


def test_cgroup_v2_has_its_tree_at_the_root(world: World) -> None:
    root = world.folder / "cgroup"
    root.mkdir()
    (root / "cgroup.controllers").write_text("memory pids\n")
    world.tree = root
    world.answers(**ACTIVE)
    world.runs(101)
    assert world.service().look() == Up(pids=frozenset((101,)))


def test_processes_of_other_pid_namespaces_are_not_numbers_of_ours(world: World) -> None:
    world.answers(**ACTIVE)
    world.runs(0, 101)
    assert world.service().look() == Up(pids=frozenset((101,)))


@pytest.mark.parametrize(
    ("said", "sight"),
    [
        ({}, Down(why="stopped (dead)")),
        ({"ActiveState": "deactivating", "SubState": "stop-sigterm"}, Down(why="stopped (stop-sigterm)")),
        ({"LoadState": "masked"}, Down(why="masked")),
        ({"LoadState": "bad-setting"}, Down(why="its unit file cannot be used: bad-setting", failed=True)),
        ({"ActiveState": "active", "SubState": "exited"}, Up(pids=frozenset())),
        ({"ActiveState": "reloading"}, Up(pids=frozenset())),
        ({"ActiveState": "activating", "SubState": "start-pre"}, Up(pids=frozenset())),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "Result": "signal"},
            Down(why="crashed, systemd will restart it: activating (auto-restart): signal", failed=True),
        ),
        (
            {"ActiveState": "failed", "SubState": "failed", "Result": "start-limit-hit"},
            Down(why="failed (failed): start-limit-hit", failed=True),
        ),
        ({"ActiveState": "maintenance"}, Unseen(why="systemd calls chat.service 'maintenance' (dead)")),
        ({"ActiveState": ""}, None),
    ],
)
def test_what_systemds_states_mean(world: World, said: dict[str, str], sight: object) -> None:
    world.answers(**said)
    seen = world.service().look()
    assert seen == sight if sight else isinstance(seen, Unseen)


def test_a_unit_that_nobody_knows_is_down_with_advice(world: World) -> None:
    world.answers(LoadState="not-found")
    sight = world.service("oolama.service").look()
    assert isinstance(sight, Down)
    assert sight.failed
    assert "systemd knows no unit oolama.service; see: systemctl list-unit-files" in sight.why


# ------------------------------------------------------------------ no answer is no state


def test_a_systemd_that_cannot_be_reached_is_unseen(world: World) -> None:
    world.behaves('echo "Failed to connect to bus: Connection refused" >&2; exit 1')
    assert world.service().look() == Unseen(why="Failed to connect to bus: Connection refused")


def test_a_systemctl_that_hangs_is_unseen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "_ANSWER_TIMEOUT", 0.1)
    world.behaves("exec sleep 60")
    assert world.service().look() == Unseen(why="systemd did not answer in 100 ms")


def test_a_systemctl_that_is_missing_is_unseen(world: World) -> None:
    world.systemctl.unlink()
    sight = world.service().look()
    assert isinstance(sight, Unseen)
    assert "No such file or directory" in sight.why


def test_a_cgroup_that_may_not_be_read_is_unseen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.answers(**ACTIVE)
    world.runs(101)
    service = world.service()
    service.look()

    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert service.look() == Unseen(why="the cgroup of chat.service cannot be read: Permission denied")


# ------------------------------------------------------------------ moving


def test_what_systemctl_is_told_cannot_be_taken_for_options(world: World) -> None:
    world.answers()
    service = world.service("a-b@c.service")
    service.evict(Rung.STOP)
    world.answers(ActiveState="active")
    service.restore()
    assert {line.rpartition(" -- ")[2] for line in world.asked()} == {"a-b@c.service"}


@pytest.mark.parametrize(
    "name", ["-rf", "", "a b", "a/b", "*", "a\nb", "ollama.socket", "x.timer", "ä", "a" * 256]
)
def test_what_is_no_services_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"no unit name|not a service"):
        SystemdService(name="chat", unit=name)


def test_a_refused_stop_of_what_runs_is_an_error(world: World) -> None:
    world.behaves(
        'case "$*" in *" show "*) echo ActiveState=active;; *) echo "Access denied" >&2; exit 4;; esac'
    )
    with pytest.raises(ServiceError, match=r"chat: systemctl stop chat\.service: Access denied"):
        world.service().evict(Rung.STOP)


def test_a_stop_whose_outcome_cannot_be_seen_is_an_error(world: World) -> None:
    world.behaves('case "$*" in *" show "*) exit 1;; esac')
    with pytest.raises(ServiceError, match="could not be stopped"):
        world.service().evict(Rung.STOP)


def test_what_is_left_when_systemd_has_lost_interest_is_killed(world: World) -> None:
    left = subprocess.Popen(["sleep", "60"])
    try:
        world.answers(ControlGroup=ACTIVE["ControlGroup"])
        procs = world.tree / "system.slice/chat.service/cgroup.procs"
        world.runs(left.pid)
        # The kernel's part: what is killed leaves the cgroup.
        world.behaves(
            (world.folder / "behaviour").read_text()
            + f'\ncase "$*" in *" kill "*) kill -0 {left.pid} && : ;; esac'
            + f"\nkill -0 {left.pid} 2>/dev/null && ! grep -q ') Z' /proc/{left.pid}/stat || : > {procs}"
        )
        world.service(stop_timeout=0.1).evict(Rung.STOP)
        assert left.wait(5) == -9
    finally:
        left.kill()
        left.wait()


def test_a_start_that_takes_too_long_says_where_to_look(world: World) -> None:
    world.behaves('case "$*" in *" show "*) echo ActiveState=inactive;; *" start "*) exec sleep 60;; esac')
    with pytest.raises(ServiceError, match=r"not active after 100 ms.*journalctl -u chat\.service"):
        world.service(start_timeout=0.1).restore()


def test_a_start_that_fails_says_with_what_result(world: World) -> None:
    failed = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "ExecMainStatus": "203"}
    lines = "\\n".join(f"{key}={value}" for key, value in failed.items())
    world.behaves(f"case \"$*\" in *' show '*) printf '{lines}\\n';; *' start '*) echo no >&2; exit 1;; esac")
    with pytest.raises(ServiceError, match=r"exit-code, exit status 203; see: journalctl -u chat\.service"):
        world.service().restore()
    assert any("reset-failed" in line for line in world.asked())


def test_restoring_what_is_active_starts_nothing(world: World) -> None:
    world.answers(**ACTIVE)
    world.service().restore()
    assert not any("start" in line for line in world.asked())


def test_close_touches_nothing(world: World) -> None:
    world.service().close()
    assert world.asked() == []
