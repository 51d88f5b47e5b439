"""install.sh and the unit files in a booted systemd: once, twice, after an accident, and away again."""

from collections.abc import Iterator

import pytest
from tests.components.llm_server import LlmServer
from tests.components.systemd_machine import Machine
from tests.real.workstation import CONFIG, INSTALL, SERVICES, Workstation, free_port

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.slow]

COMMANDS = (
    "sentinel-request",
    "sentinel-status",
    "sentinel-admin",
    "sentinel-arbiter",
    "sentinel-agent",
    "sentinel-server",
    "sentinel",
)
UNITS = (
    "/etc/systemd/system/sentinel.service /etc/systemd/system/sentinel.socket"
    " /etc/systemd/system/sentinel-agent.service /etc/systemd/system/sentinel-scan.service"
    " /etc/systemd/system/sentinel-scan.timer /etc/systemd/system/sentinel-supervisor.service"
    " /etc/systemd/system/sentinel-server.service /etc/systemd/system/sentinel-slurm-exporter.service"
)

QUEUE = ("sentinel-supervisor.service", "sentinel-server.service", "sentinel-slurm-exporter.service")


@pytest.fixture(scope="module")
def bare() -> Iterator[Workstation]:
    """A workstation that Sentinel is not installed on."""
    with Machine.boot() as machine:
        workstation = Workstation(machine, LlmServer.installed(free_port()))
        workstation.prepare()
        yield workstation
        workstation.end_research()


@pytest.fixture
def station(bare: Workstation) -> Iterator[Workstation]:
    bare.machine.run(INSTALL, "--uninstall", "--purge", "--force")
    bare.write_config(services=SERVICES)
    bare.machine.run("systemctl", "start", "chat")
    yield bare
    bare.end_research()


def shell(station: Workstation, script: str, *, check: bool = True) -> str:
    done = station.machine.run("sh", "-c", script, check=check)
    return done.stdout + done.stderr


def traces(station: Workstation) -> str:
    """Everything that an installation leaves."""
    return shell(
        station,
        "find /opt/sentinel /usr/local/bin/sentinel* /etc/sentinel /var/lib/sentinel /var/log/sentinel"
        f" /run/sentinel* {UNITS} /etc/systemd/system/*.wants/sentinel* 2>/dev/null | sort",
        check=False,
    )


def test_a_dry_run_says_what_it_would_do_and_does_nothing(station: Workstation) -> None:
    before = traces(station)
    said = station.machine.run(INSTALL, "--dry-run").stdout
    for part in (*COMMANDS, "sentinel.service", "sentinel.socket", "systemctl restart sentinel.service"):
        assert part in said
    assert traces(station) == before
    station.machine.run(INSTALL)
    before = traces(station)
    assert "disable --now" in station.machine.run(INSTALL, "--uninstall", "--dry-run").stdout
    assert traces(station) == before
    assert station.run("sentinel-status").returncode == 0


def test_it_installs_and_starts_and_a_second_time_changes_nothing(station: Workstation) -> None:
    station.machine.run(INSTALL)
    first = shell(station, "ls /opt/sentinel /usr/local/bin; cat /usr/local/bin/sentinel-request")
    station.await_states(chat="running")
    station.research()
    station.machine.run(INSTALL)
    assert [lease["user"] for lease in station.status()["leases"]] == ["ada"]
    second = shell(station, "ls /opt/sentinel /usr/local/bin; cat /usr/local/bin/sentinel-request")
    assert len(first.splitlines()) == len(second.splitlines())
    assert station.machine.show("sentinel.service", "UnitFileState") == "enabled"
    assert station.machine.show("sentinel.socket", "UnitFileState") == "enabled"
    for unit in ("sentinel-agent.service", "sentinel-scan.timer", *QUEUE):
        assert station.machine.show(unit, "UnitFileState") == "disabled", (
            "that is the administrator's to decide"
        )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_user_can_run_every_command(station: Workstation, command: str) -> None:
    station.machine.run(INSTALL)
    done = station.run(command, "--help", check=False)
    # Typer is not part of a workstation's installation; `sentinel` says so.
    assert done.returncode == 0 or (command == "sentinel" and "sentinel-gpu[cli]" in done.stderr), done


def test_a_half_installation_heals(station: Workstation) -> None:
    shell(
        station,
        "mkdir -p /opt/sentinel/lib-1-1/sentinel /opt/sentinel/lib /etc/sentinel;"
        "ln -s nowhere /opt/sentinel/lib-1-1.link; echo '#!/bin/sh' > /usr/local/bin/sentinel-request.new;"
        "echo '[Unit]' > /etc/systemd/system/sentinel.service; rm -f /etc/sentinel/config.toml",
    )
    station.machine.run(INSTALL)
    left = shell(station, "ls /opt/sentinel /usr/local/bin").split()
    assert not [name for name in left if name.startswith("lib-1-1") or name.endswith(".new")]
    assert station.run("sentinel-status").returncode == 0


def test_an_interrupted_installation_leaves_the_old_one_running(station: Workstation) -> None:
    station.machine.run(INSTALL)
    for moment in ("0.02", "0.1", "0.3", "0.6"):
        shell(station, f"timeout -s KILL {moment} {INSTALL}; true", check=False)
        assert station.run("sentinel-status", check=False).returncode == 0, moment
    station.machine.run(INSTALL)
    assert len([name for name in shell(station, "ls /opt/sentinel").split() if name.startswith("lib-")]) == 1


def test_a_config_is_written_once_and_finds_ollama(station: Workstation) -> None:
    shell(station, "rm -rf /etc/sentinel")
    station.machine.add_unit("ollama", "ExecStart=/bin/sleep infinity")
    said = station.machine.run(INSTALL).stdout
    assert "found ollama.service" in said
    assert "sentinel-arbiter" not in shell(station, f"sentinel-arbiter --check --config {CONFIG}")
    assert list(station.services()) == ["ollama"]
    shell(station, f"echo '# mine' >> {CONFIG}; rm /etc/systemd/system/ollama.service")
    station.machine.run(INSTALL)
    assert "# mine" in shell(station, f"cat {CONFIG}")


def test_a_config_that_a_new_version_cannot_use_leaves_the_old_version_running(
    station: Workstation,
) -> None:
    station.machine.run(INSTALL)
    link = shell(station, "readlink /opt/sentinel/lib")
    station.machine.write(CONFIG, "nonsense = 1\n")
    done = station.machine.run(INSTALL, check=False)
    assert done.returncode == 1
    assert "config.toml:1" in done.stderr
    assert shell(station, "readlink /opt/sentinel/lib") == link
    assert station.run("sentinel-status").returncode == 0


def test_uninstalling_brings_inference_back_and_keeps_config_and_state(station: Workstation) -> None:
    station.write_config(resume_delay="10m", services=SERVICES)
    station.machine.run(INSTALL)
    station.await_states(chat="running")
    station.run("sentinel-request", "--", "true")
    assert station.llm.refuses()
    station.machine.run(INSTALL, "--uninstall")
    assert station.llm.await_answer()
    left = traces(station).split()
    assert "/etc/sentinel/config.toml" in left
    assert "/var/lib/sentinel/state.json" in left
    assert not [path for path in left if not path.startswith(("/etc/sentinel", "/var/l"))]
    station.machine.run(INSTALL, "--uninstall", "--purge")
    assert traces(station) == ""
    station.machine.run(INSTALL, "--uninstall")


def test_uninstalling_waits_for_research_unless_forced(station: Workstation) -> None:
    station.machine.run(INSTALL)
    station.await_states(chat="running")
    station.research()
    refused = station.machine.run(INSTALL, "--uninstall", check=False)
    assert refused.returncode == 1
    assert "of ada" in refused.stderr
    assert "--force" in refused.stderr
    assert station.status()["leases"]
    station.machine.run(INSTALL, "--uninstall", "--force")
    assert station.llm.refuses()


def test_uninstalling_what_was_stopped_with_inference_paused_brings_it_back(station: Workstation) -> None:
    station.machine.run(INSTALL)
    station.await_states(chat="running")
    station.research()
    station.machine.run("systemctl", "stop", "sentinel")
    station.end_research()
    assert station.llm.refuses()
    station.machine.run(INSTALL, "--uninstall")
    assert station.llm.await_answer()


@pytest.mark.parametrize(
    ("script", "code", "says"),
    [
        (
            # A copy that they can read, wherever the repository lies.
            f"cp {INSTALL} /var/lib/x.sh;"
            " setpriv --reuid=nobody --regid=nogroup --clear-groups sh /var/lib/x.sh",
            2,
            "this needs root",
        ),
        (f"{INSTALL} --frobnicate", 2, "unknown option --frobnicate"),
        (f"{INSTALL} --purge", 2, "go with --uninstall"),
        (f"{INSTALL} --python", 2, "needs a value"),
        (f"{INSTALL} --python /bin/false", 1, "not a Python 3.11 or newer"),
        (f"unshare -m sh -c 'mount -t tmpfs none /run/systemd; {INSTALL}'", 1, "not run by systemd"),
        (f"cp {INSTALL} /root/x.sh; sh /root/x.sh", 1, "run it from a copy of the repository"),
    ],
)
def test_what_cannot_be_done_says_why(station: Workstation, script: str, code: int, says: str) -> None:
    before = traces(station)
    done = station.machine.run("sh", "-c", script, check=False)
    assert done.returncode == code, done
    assert says in done.stderr
    assert traces(station) == before


def test_the_units_are_sound_and_hardened(station: Workstation) -> None:
    station.machine.run(INSTALL)
    assert shell(station, f"systemd-analyze verify {UNITS}") == ""
    for unit, most in (("sentinel.service", 3.5), ("sentinel-server.service", 1.6)):
        verdict = shell(station, f"systemd-analyze security --no-pager {unit}").splitlines()[-1]
        exposure = float(verdict.partition(f"{unit}: ")[2].split()[0])
        assert exposure <= most, verdict


def test_the_arbiter_holds_no_right_that_it_does_not_need(station: Workstation) -> None:
    station.machine.run(INSTALL)
    status = facts(station, station.machine.show("sentinel.service", "MainPID"))
    kill, setgid, setuid, net_admin, sys_ptrace = 5, 6, 7, 12, 19
    needed = sum(1 << bit for bit in (kill, setgid, setuid, net_admin, sys_ptrace))
    # The container itself has no CAP_NET_ADMIN to give.
    assert int(status["CapEff"], 16) == needed & int(facts(station, "1")["CapBnd"], 16)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def facts(station: Workstation, pid: str) -> dict[str, str]:
    """/proc/PID/status inside."""
    lines = shell(station, f"cat /proc/{pid}/status").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
