"""The agent and the scan as units of a booted systemd, installed by install.sh, with all their hardening.

The GPUs are simulated: the processes on them are real ones of a user inside. The network is the host's.
"""

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.components.systemd_machine import Machine
from tests.e2e.workstation import eventually
from tests.real.workstation import CONFIG, INSTALL, free_port

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.slow]

AGENT = "sentinel-agent.service"
SCAN = "sentinel-scan.service"
SUPERVISOR = "sentinel-supervisor.service"
STATE = "/var/lib/sentinel"
EXTRA = "/opt/sentinel/extra"
CLAIMS = "/var/lib/gpu-claims"  # neither /tmp nor /run: units have a /tmp of their own
UNITS = [f"/etc/systemd/system/{name}" for name in (AGENT, SCAN, "sentinel-scan.timer")]
ENDED = f"/bin/sh -c 'echo $$EXIT_CODE $$EXIT_STATUS > {STATE}/ended'"
PATIENCE = 45.0


class Site:
    """The machine, and what is asked of it here."""

    def __init__(self, machine: Machine, port: int) -> None:
        self.machine, self.port = machine, port
        self._started: list[subprocess.Popen[str]] = []

    def configure(self, more: str = "") -> None:
        self.machine.write(
            CONFIG,
            '[arbiter]\ngpus = "simulated:2"\n'
            '[inventory]\ngpus = "simulated:2"\ndocker = false\npodman = false\ncontainerd = false\n'
            f'kubernetes = false\n[telemetry]\nlisten = "127.0.0.1:{self.port}"\n{more}',
        )

    def systemctl(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        return self.machine.run("systemctl", *words, check=check)

    def show(self, what: str, unit: str = AGENT) -> str:
        return self.machine.show(unit, what)

    def hold(self, gpu: int = 0, user: str = "ada") -> "subprocess.Popen[str]":
        """A process of that user with 4 GiB on that GPU, by its command "sleep 600"."""
        module = ("env", "PYTHONPATH=/opt/sentinel/lib", "python3", "-m", "sentinel.drivers.gpus.simulated")
        options = ("--gpu", str(gpu), "--memory", "4GiB", "--dir", CLAIMS, "--", "sleep", "600")
        process = self.machine.start(*module, "hold", *options, user=user)
        self._started.append(process)
        return process

    def end_all(self) -> None:
        """What `hold` started ends."""
        self.machine.run("pkill", "-KILL", "-u", "ada", check=False)
        for process in self._started:
            process.communicate(timeout=10)
        self._started.clear()

    def is_kept(self) -> bool:
        return (self.machine.root / STATE[1:] / "inventory.json").exists()

    def inventory(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.machine.root / STATE[1:] / "inventory.json").read_text())
        return found

    def workloads(self) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = self.inventory()["workloads"]
        except FileNotFoundError:
            return []
        return found

    def events(self) -> list[dict[str, Any]]:
        path = self.machine.root / STATE[1:] / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def get(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def wait(self, condition: Callable[[], object], what: str = "") -> None:
        try:
            eventually(condition, what, PATIENCE)
        except AssertionError:
            print(self.machine.journal("sentinel-agent")[-3000:])
            raise


@pytest.fixture(scope="module")
def installed() -> Iterator[Site]:
    with Machine.boot() as machine:
        machine.run("useradd", "--create-home", "ada")
        site = Site(machine, free_port())
        site.configure()
        machine.run(INSTALL)
        for unit in (AGENT, SCAN):
            drop_in = f"[Service]\nEnvironment=SENTINEL_SIMULATED_DIR={CLAIMS}\nExecStopPost={ENDED}\n"
            machine.write(f"/etc/systemd/system/{unit}.d/claims.conf", drop_in)
        site.systemctl("daemon-reload")
        give_prometheus_client(machine)
        yield site
        site.end_all()


def give_prometheus_client(machine: Machine) -> None:
    """As `pip install --target /opt/sentinel/extra` does it, from what the tests themselves run with."""
    spec = find_spec("prometheus_client")
    assert spec is not None and spec.origin is not None
    machine.run("cp", "-R", str(Path(spec.origin).parent), EXTRA)
    machine.run("chmod", "-R", "a+rX", EXTRA)


@pytest.fixture
def site(installed: Site) -> Iterator[Site]:
    """A day's beginning: neither agent nor scan has ever run."""
    installed.end_all()
    installed.systemctl("stop", AGENT, SCAN, "sentinel-scan.timer", check=False)
    installed.systemctl("reset-failed", check=False)
    installed.machine.run("sh", "-c", f"rm -rf {STATE}/inventory* {STATE}/events* {STATE}/scan* {CLAIMS}")
    installed.machine.run("install", "-d", "-m", "1777", CLAIMS)
    installed.configure()
    yield installed
    installed.end_all()
    installed.systemctl("stop", AGENT, check=False)


def test_it_is_installed_and_not_enabled(site: Site) -> None:
    for unit in (AGENT, "sentinel-scan.timer", SUPERVISOR):
        assert site.show("UnitFileState", unit) == "disabled"
        assert site.show("ActiveState", unit) == "inactive"


def test_systemd_has_nothing_to_say_against_the_units(site: Site) -> None:
    done = site.machine.run("systemd-analyze", "verify", *UNITS)
    assert done.stdout + done.stderr == ""
    security = site.machine.run("systemd-analyze", "security", "--no-pager", AGENT).stdout
    exposure = float(security.splitlines()[-1].partition(f"{AGENT}: ")[2].split()[0])
    assert exposure <= 3.5, security


def test_it_starts_keeps_the_inventory_and_serves_metrics(site: Site) -> None:
    site.systemctl("start", AGENT)  # which returns once it has said READY
    assert (site.show("ActiveState"), site.show("Type")) == ("active", "notify")
    assert site.show("ActiveState", SUPERVISOR) == "inactive", "no controller could send any jobs"
    site.wait(site.is_kept)
    mode = (site.machine.root / STATE[1:] / "inventory.json").stat().st_mode & 0o7777
    assert mode == 0o644
    site.wait(lambda: site.get("/readyz").startswith("ok"))
    assert "gpu_memory_total_bytes{" in site.get("/metrics")
    site.wait(lambda: site.inventory()["sources"]["gpus"] == "ok")
    site.wait(lambda: "workloads on 2 GPUs" in site.show("StatusText"))
    shown = site.machine.run("sentinel-agent", "--version", user="ada").stdout
    assert shown.startswith("sentinel ")


def test_its_hardening_does_not_blind_it(site: Site) -> None:
    """Another user's process: whose it is, what it runs, what it uses, and from where it was started."""
    site.systemctl("start", AGENT)
    site.hold(gpu=1)
    site.wait(lambda: any(one["user"] == "ada" for one in site.workloads()))
    (found,) = site.workloads()
    assert (found["name"], found["command"]) == ("sleep", "sleep 600")
    assert (found["gpu_indices"], found["gpu_memory_bytes"]) == ([1], 4 * 2**30)
    assert found["user_evidence"][0]["trust"] == "kernel"
    assert found["memory_bytes"] > 0
    assert found["origin"] != "unknown"
    site.wait(lambda: 'user="ada"' in site.get("/metrics"))
    assert "blind" not in site.machine.journal("sentinel-agent")
    status = (site.machine.root / "proc" / site.show("MainPID") / "status").read_text()
    facts = {line.split(":")[0]: line.partition(":")[2].strip() for line in status.splitlines()}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    assert "Traceback" not in site.machine.journal("sentinel-agent")


def test_it_ends_when_it_is_told_to(site: Site) -> None:
    site.systemctl("start", AGENT)
    site.wait(lambda: site.is_kept() and site.get("/readyz"))
    began = time.monotonic()
    site.systemctl("stop", AGENT)
    assert time.monotonic() - began < 12, "before systemd kills it"
    assert (site.show("ActiveState"), site.show("Result")) == ("inactive", "success")
    ended = (site.machine.root / STATE[1:] / "ended").read_text().split()
    assert ended == ["exited", "0"], "not of the signal"


def test_killed_it_is_back_and_tells_nothing_twice(site: Site) -> None:
    site.systemctl("start", AGENT)
    site.hold()
    site.wait(lambda: len(site.workloads()) == 1)
    for restarts in (1, 2):
        site.systemctl("kill", "--signal=KILL", "--kill-whom=main", AGENT)
        site.wait(lambda restarts=restarts: int(site.show("NRestarts")) >= restarts)
        site.wait(lambda: site.show("ActiveState") == "active")
    site.hold(gpu=1)
    site.wait(lambda: len(site.workloads()) == 2)
    site.wait(lambda: len(site.events()) == 2)
    assert [one["type"] for one in site.events()] == ["sentinel.workload.detected"] * 2


def test_systemd_watches_over_it(site: Site) -> None:
    drop_in = f"/run/systemd/system/{AGENT}.d/impatient.conf"
    site.machine.write(drop_in, "[Service]\nWatchdogSec=3\n")
    site.systemctl("daemon-reload")
    try:
        site.systemctl("start", AGENT)
        before = site.show("MainPID")
        time.sleep(5)
        assert site.show("MainPID") == before, "it keeps the watchdog quiet"
        site.systemctl("kill", "--signal=STOP", "--kill-whom=main", AGENT)
        site.wait(lambda: site.show("MainPID") not in (before, "0"))
        site.wait(lambda: site.show("ActiveState") == "active")
        assert "Watchdog timeout" in site.machine.journal()
    finally:
        site.systemctl("kill", "--signal=CONT", AGENT, check=False)
        site.machine.run("rm", drop_in)
        site.systemctl("daemon-reload")
    site.systemctl("restart", AGENT)
    assert site.show("WatchdogUSec") == "1min"


def test_one_look(site: Site) -> None:
    site.hold()
    site.systemctl("start", SCAN)  # which waits for it
    assert (site.show("Result", SCAN), site.show("ExecMainStatus", SCAN)) == ("success", "0")
    (found,) = site.workloads()
    assert found["user"] == "ada"
    assert "1 workloads, 1 of them on GPUs; 1 changes" in site.machine.journal(SCAN)


def test_a_look_while_the_agent_runs_gives_way_and_has_not_failed(site: Site) -> None:
    site.systemctl("start", AGENT)
    site.wait(site.is_kept)
    done = site.systemctl("start", SCAN, check=False)
    assert done.returncode == 0, done.stderr
    assert (site.show("Result", SCAN), site.show("ExecMainStatus", SCAN)) == ("success", "75")
    assert "keeps the inventory" in site.machine.journal(SCAN)
    assert site.show("ActiveState") == "active"


def test_the_timer_looks_by_itself_and_gives_way_to_the_agent(site: Site) -> None:
    drop_in = "/run/systemd/system/sentinel-scan.timer.d/soon.conf"
    site.machine.write(drop_in, "[Timer]\nOnBootSec=\nOnUnitActiveSec=\nOnActiveSec=1s\nOnUnitActiveSec=1s\n")
    site.systemctl("daemon-reload")
    try:
        site.systemctl("start", "sentinel-scan.timer")
        site.hold()
        site.wait(lambda: len(site.workloads()) == 1)
        site.systemctl("start", AGENT)
        assert site.show("ActiveState", "sentinel-scan.timer") == "inactive", "one of the two"
    finally:
        site.machine.run("rm", drop_in)
        site.systemctl("daemon-reload")


def test_without_the_library_for_metrics_it_says_what_to_install(site: Site) -> None:
    site.machine.run("mv", f"{EXTRA}/prometheus_client", f"{EXTRA}/away")
    try:
        assert site.systemctl("start", AGENT, check=False).returncode != 0
        said = site.machine.journal("sentinel-agent")
        assert "pip install --target /opt/sentinel/extra nvidia-ml-py prometheus-client" in said
        assert "Traceback" not in said
        site.wait(lambda: site.show("ActiveState") == "failed")
        assert site.show("ExecMainStatus") == "2", "which is not tried again and again"
        site.systemctl("start", SCAN)  # it serves nothing, so it needs nothing
        site.configure("enabled = false\n")
        site.systemctl("reset-failed", AGENT)
        site.systemctl("start", AGENT)
        site.hold()
        site.wait(lambda: len(site.workloads()) == 1)
        assert site.get("/metrics") == ""
    finally:
        site.machine.run("mv", f"{EXTRA}/away", f"{EXTRA}/prometheus_client")


def test_a_config_that_cannot_be_used_is_said_and_not_tried_for_ever(site: Site) -> None:
    site.configure("intervall = 1\n")
    assert site.systemctl("start", AGENT, check=False).returncode != 0
    assert site.show("ActiveState") == "failed"
    assert "telemetry.intervall: unknown key" in site.machine.journal("sentinel-agent")


def test_installing_again_leaves_it_running_on_the_new_library(site: Site) -> None:
    site.systemctl("start", AGENT)
    before = site.show("MainPID")
    site.machine.run(INSTALL)
    assert site.show("ActiveState") == "active" and site.show("MainPID") != before
    assert site.show("UnitFileState") == "disabled", "that is the administrator's to decide"
    site.wait(lambda: site.get("/readyz").startswith("ok"))


def test_uninstalling_takes_it_along(site: Site) -> None:
    """The last one, as it leaves the machine bare."""
    site.systemctl("enable", "--now", AGENT)
    pid = site.show("MainPID")
    site.machine.run(INSTALL, "--uninstall")
    assert not (site.machine.root / "proc" / pid).exists()
    left = site.machine.run(
        "sh", "-c", f"ls -d {' '.join(UNITS)} /usr/local/bin/sentinel* /etc/systemd/system/*.wants/sentinel*",
        check=False,
    ).stdout  # fmt: skip
    assert left == ""
    assert site.is_kept(), "without --purge, state stays"
