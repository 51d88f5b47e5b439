"""The systemd driver against a systemd that runs: what units do there, and how it looks when it is away."""

import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.components.systemd_machine import Machine

from sentinel.core.errors import ServiceError
from sentinel.core.service import Down, Rung, Sight, Unseen, Up
from sentinel.drivers.services.systemd import SystemdService

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.slow]

SLEEPS = "ExecStart=/bin/sleep infinity"
IGNORES_TERM = "ExecStart=/bin/sh -c \"trap '' TERM; while :; do sleep 60 & wait; done\""
Make = Callable[..., SystemdService]


@pytest.fixture(params=["host", "v2"])
def machine(request: pytest.FixtureRequest) -> Machine:
    """Each test runs on the host's cgroup layout (v1, hybrid or v2) and on v2."""
    booted = request.getfixturevalue("machines")
    return booted[request.param]


@pytest.fixture(scope="module")
def machines() -> Iterator[dict[str, Machine]]:
    with Machine.boot("host") as host, Machine.boot("v2") as v2:
        yield {"host": host, "v2": v2}


@pytest.fixture
def make(machine: Machine) -> Iterator[Make]:
    """Installs a unit and drives it; ends it afterwards."""
    units: list[str] = []

    def one(service: str, *, unit: str = "", name: str = "driven", **timeouts: float) -> SystemdService:
        units.append(machine.add_unit(name, service, unit=unit))
        return driver(machine, units[-1], **timeouts)

    yield one
    for unit in units:
        machine.run("systemctl", "kill", "-s", "KILL", unit, check=False)
        machine.run("systemctl", "stop", "--no-block", unit, check=False)
        machine.run("systemctl", "kill", "-s", "KILL", unit, check=False)
        (machine.root / "etc/systemd/system" / unit).unlink(missing_ok=True)
    machine.run("systemctl", "daemon-reload")


def driver(machine: Machine, unit: str, **timeouts: float) -> SystemdService:
    return SystemdService(
        name="chat",
        unit=unit,
        systemctl=str(machine.systemctl),
        cgroup_root=machine.cgroup_root,
        **({"stop_timeout": 1.0} | timeouts),
    )


def await_sight(service: SystemdService, accept: Callable[[Sight], object]) -> Sight:
    deadline = time.monotonic() + 5
    while not accept(sight := service.look()):
        assert time.monotonic() < deadline, sight
        time.sleep(0.02)
    return sight


def test_booting_a_machine_leaves_the_hosts_devices_alone(machine: Machine) -> None:
    assert stat.S_IMODE(Path("/dev/null").stat().st_mode) == 0o666


def test_the_cgroup_layouts_are_what_they_are_taken_for(machines: dict[str, Machine]) -> None:
    assert (machines["v2"].cgroup_root / "cgroup.controllers").exists()
    layout = "v2" if (machines["host"].cgroup_root / "cgroup.controllers").exists() else "v1 or hybrid"
    assert layout == "v2" or (machines["host"].cgroup_root / "systemd/system.slice").is_dir()


def test_a_look_needs_no_systemctl_while_the_unit_runs(machine: Machine, make: Make) -> None:
    service = make(SLEEPS)
    service.restore()
    service.look()
    away = machine.systemctl.rename(machine.systemctl.with_suffix(".away"))
    try:
        began = time.perf_counter()
        for _ in range(100):
            assert isinstance(service.look(), Up)
        assert (time.perf_counter() - began) / 100 < 0.005
    finally:
        away.rename(machine.systemctl)


def test_children_in_cgroups_of_their_own_are_part_of_it(machine: Machine, make: Make) -> None:
    service = make(f"Delegate=yes\n{SLEEPS}")
    service.restore()
    path = machine.show("driven.service", "ControlGroup").lstrip("/")
    v2 = (machine.cgroup_root / "cgroup.controllers").exists()
    tree = "/sys/fs/cgroup" if v2 else "/sys/fs/cgroup/systemd"
    script = f"mkdir {tree}/{path}/worker; echo $$ > {tree}/{path}/worker/cgroup.procs; exec sleep 60"
    worker = machine.start("sh", "-c", script)
    try:
        await_sight(service, lambda sight: isinstance(sight, Up) and len(sight.pids) == 2)
        service.evict(Rung.STOP)
        assert worker.wait(5) != 0
    finally:
        worker.kill()
        worker.communicate()


def test_a_unit_with_restart_always_stays_stopped_and_comes_back(make: Make) -> None:
    service = make(f"{SLEEPS}\nRestart=always\nRestartSec=20ms")
    service.restore()
    service.evict(Rung.STOP)
    time.sleep(0.3)
    assert service.look() == Down(why="stopped (dead)")
    service.restore()
    assert isinstance(service.look(), Up)


def test_a_unit_that_ignores_sigterm_is_killed_in_time_and_is_no_failure(make: Make) -> None:
    service = make(f"{IGNORES_TERM}\nRestart=always\nTimeoutStopSec=300", stop_timeout=0.5)
    service.restore()
    began = time.monotonic()
    service.evict(Rung.STOP)
    assert 0.5 <= time.monotonic() - began < 5
    assert service.look() == Down(why="stopped (dead)")


def test_a_unit_whose_stop_command_hangs_is_killed_in_time(make: Make) -> None:
    hangs = "ExecStop=/bin/sleep infinity\nExecStopPost=/bin/sleep infinity\nTimeoutStopSec=infinity"
    service = make(f"{SLEEPS}\n{hangs}\nRestart=always", stop_timeout=0.5)
    service.restore()
    service.evict(Rung.STOP)
    assert isinstance(service.look(), Down)


def test_processes_that_systemd_leaves_behind_go_as_well(make: Make) -> None:
    service = make('Type=forking\nKillMode=process\nExecStart=/bin/sh -c "sleep 60 & sleep 60 &"')
    service.restore()
    before = service.look()
    assert isinstance(before, Up)
    assert before.pids
    service.evict(Rung.STOP)
    assert not [pid for pid in before.pids if Path(f"/proc/{pid}").exists()]
    assert isinstance(service.look(), Down)


def test_a_unit_between_two_crashes_is_down_and_a_stop_ends_the_loop(machine: Machine, make: Make) -> None:
    service = make('ExecStart=/bin/sh -c "exit 7"\nRestart=always\nRestartSec=300')
    machine.run("systemctl", "start", "driven.service")
    why = "crashed, systemd will restart it: activating (auto-restart): exit-code, exit status 7"
    assert await_sight(service, lambda sight: isinstance(sight, Down)) == Down(why=why, failed=True)
    service.evict(Rung.STOP)
    assert machine.show("driven.service", "ActiveState") == "inactive"


def test_a_unit_that_crashes_is_down_with_its_status(machine: Machine, make: Make) -> None:
    service = make('ExecStart=/bin/sh -c "sleep 0.2; exit 9"')
    machine.run("systemctl", "start", "driven.service")
    sight = await_sight(service, lambda sight: isinstance(sight, Down))
    assert sight == Down(why="failed (failed): exit-code, exit status 9", failed=True)


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ("ExecStart=/no/such/server", r"exit-code, exit status 203; see: journalctl -u driven\.service"),
        ('ExecStart=/bin/sh -c "exit 5"', r"exit-code, exit status 5; see: journalctl"),
        ('ExecStart=/bin/sh -c "exit 5"\nRestart=always', r"exit-code, exit status 5; see: journalctl"),
        ("Type=notify\nExecStart=/bin/sleep infinity\nTimeoutStartSec=200ms", r"timeout; see: journalctl"),
        ('Type=oneshot\nExecStart=/bin/sh -c "exit 4"', r"exit-code, exit status 4; see: journalctl"),
        ("ExecStart=", r"bad unit file setting|is not loaded properly"),
    ],
)
def test_a_unit_that_does_not_start_says_why(make: Make, service: str, why: str) -> None:
    with pytest.raises(ServiceError, match=why):
        make(service).restore()


def test_a_unit_that_is_not_ready_in_time_says_that_systemd_goes_on(make: Make) -> None:
    service = make("Type=notify\nExecStart=/bin/sleep infinity", start_timeout=0.5)
    with pytest.raises(ServiceError, match="not active after 500 ms; systemd goes on trying"):
        service.restore()


def test_a_unit_at_its_start_limit_can_be_started_again(machine: Machine, make: Make) -> None:
    command = 'ExecStart=/bin/sh -c "test -e /run/model && exec sleep infinity"'
    service = make(command, unit="StartLimitBurst=1\nStartLimitIntervalSec=1h")
    machine.run("systemctl", "start", "driven.service")
    await_sight(service, lambda sight: isinstance(sight, Down))
    machine.run("systemctl", "start", "driven.service", check=False)
    assert "Start request repeated too quickly" in machine.journal("driven.service")
    machine.write("/run/model", "")
    service.restore()
    assert isinstance(service.look(), Up)
    (machine.root / "run/model").unlink()


def test_work_that_runs_elsewhere_is_up_with_no_processes(make: Make) -> None:
    service = make("Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true")
    service.restore()
    assert service.look() == Up(pids=frozenset())
    service.evict(Rung.STOP)
    assert isinstance(service.look(), Down)


def test_a_unit_that_does_not_exist_is_down_and_says_so(machine: Machine) -> None:
    service = driver(machine, "oolama.service")
    sight = service.look()
    assert isinstance(sight, Down)
    assert "systemd knows no unit oolama.service" in sight.why
    service.evict(Rung.STOP)
    with pytest.raises(ServiceError, match=r"Unit oolama\.service not found"):
        service.restore()


def test_a_masked_unit_is_down_and_cannot_be_started(machine: Machine, make: Make) -> None:
    service = make(SLEEPS)
    (machine.root / "etc/systemd/system/driven.service").unlink()
    machine.run("systemctl", "mask", "driven.service")
    assert service.look() == Down(why="masked")
    with pytest.raises(ServiceError, match="masked"):
        service.restore()


def test_a_unit_that_may_not_be_stopped_by_hand_is_an_error(make: Make) -> None:
    service = make(SLEEPS, unit="RefuseManualStop=yes")
    service.restore()
    with pytest.raises(ServiceError, match="Operation refused"):
        service.evict(Rung.STOP)
    assert isinstance(service.look(), Up)


def test_someone_who_is_not_root_is_told_so(machine: Machine, make: Make, tmp_path: Path) -> None:
    make(SLEEPS).restore()
    as_nobody = tmp_path / "systemctl"
    become = "setpriv --reuid=nobody --regid=nogroup --clear-groups"
    as_nobody.write_text(f'#!/bin/sh\nexec nsenter -t {machine.leader} -a {become} systemctl "$@"\n')
    as_nobody.chmod(0o755)
    service = SystemdService(
        name="chat", unit="driven.service", systemctl=str(as_nobody), cgroup_root=machine.cgroup_root
    )
    assert isinstance(service.look(), Up)
    with pytest.raises(ServiceError, match=r"Access denied|Interactive authentication required"):
        service.evict(Rung.STOP)


def test_a_systemd_whose_sockets_are_gone_is_unseen_and_never_down(
    machine: Machine, make: Make, tmp_path: Path
) -> None:
    make(SLEEPS).restore()
    cut_off = tmp_path / "systemctl"
    hide = "mount -t tmpfs none /run/systemd && mount -t tmpfs none /run/dbus"
    inside = f'nsenter -t {machine.leader} -a unshare -m sh -c \'{hide} && exec systemctl "$@"\' sh "$@"'
    cut_off.write_text(f"#!/bin/sh\nexec {inside}\n")
    cut_off.chmod(0o755)
    service = SystemdService(
        name="chat", unit="driven.service", systemctl=str(cut_off), cgroup_root=machine.cgroup_root
    )
    sight = service.look()
    assert isinstance(sight, Unseen), sight
    for move in (service.restore, lambda: service.evict(Rung.STOP)):
        with pytest.raises(ServiceError, match=r"[Ff]ailed to connect|not been booted|No such file"):
            move()


def test_a_machine_whose_init_is_not_systemd_is_unseen() -> None:
    comm = Path("/proc/1/comm").read_text().strip()
    if comm == "systemd":  # then there is a systemd to be cut off from, which the test above does
        return
    assert subprocess.run(["systemctl", "--version"], capture_output=True).returncode == 0
    assert isinstance(SystemdService(name="chat", unit="ollama.service").look(), Unseen)
