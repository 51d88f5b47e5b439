"""The whole of it on real parts: systemd, a real inference server, users who are not root, install.sh.

Only the GPUs are simulated: their processes are the real ones, their memory is what the config says.
"""

import signal
from collections.abc import Iterator

import pytest
from tests.components.llm_server import LlmServer
from tests.components.systemd_machine import Machine
from tests.real.workstation import CONFIG, INSTALL, MORE_SERVICES, SERVICES, Workstation, free_port

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.slow]

PROCESS_SERVICE = """
[[service]]
name = "embed"
driver = "process"
command = ["python3", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
user = "nobody"
gpus = [1]
simulated_memory = "2GiB"
"""


@pytest.fixture(scope="module")
def installed() -> Iterator[Workstation]:
    llm = LlmServer.installed(free_port())
    with Machine.boot() as machine:
        workstation = Workstation(machine, llm)
        workstation.prepare()
        machine.run(INSTALL)
        yield workstation
        workstation.end_research()


@pytest.fixture
def station(installed: Workstation) -> Iterator[Workstation]:
    """At the beginning of a day: the arbiter and three inference services run."""
    installed.rest()
    yield installed
    installed.end_research()


def test_research_gets_the_gpu_and_inference_steps_aside_and_comes_back(station: Workstation) -> None:
    assert station.llm.complete("Say hello.")
    research = "id -un; echo $CUDA_VISIBLE_DEVICES; exit 7"
    done = station.run("sentinel-request", "--", "sh", "-c", research, check=False)
    assert done.returncode == 7, done.stderr
    user, gpus = done.stdout.split()
    assert user == "ada"
    assert len(gpus.split(",")) == 2
    assert station.llm.await_answer()

    process = station.research()
    assert station.llm.refuses()
    status = station.status()
    assert status["state"] == "RESEARCH"
    assert [lease["user"] for lease in status["leases"]] == ["ada"]
    chat = station.services()["chat"]
    assert (chat["state"], chat["rung"]) == ("paused", "stop")
    assert "ada" in chat["why"]
    assert not any(gpu["processes"] for gpu in status["gpus"])

    station.run("pkill", "-TERM", "-u", "ada", "sleep")
    process.wait(10)
    assert station.llm.await_answer()
    assert station.await_states(chat="running")


def test_a_unit_that_ignores_sigterm_is_off_the_gpu_in_time(station: Workstation) -> None:
    station.research()
    assert station.services()["stubborn"]["state"] == "paused"
    assert station.machine.show("stubborn.service", "ActiveState") == "inactive"
    station.end_research()
    station.await_states(stubborn="running")
    assert station.machine.show("stubborn.service", "ActiveState") == "active"


def test_a_unit_that_does_not_start_again_is_said_to_fail_and_tried_again(station: Workstation) -> None:
    station.research()
    station.run("rm", "/run/brittle-may-start", user=None)
    station.end_research()
    why = station.await_states(brittle="failed", chat="running")["brittle"]["why"]
    assert "exit-code, exit status 3; see: journalctl -u brittle.service" in why
    assert "brittle" in station.run("sentinel-status").stdout
    assert "service brittle did not come back (try 1)" in station.machine.journal("sentinel")
    station.machine.write("/run/brittle-may-start", "")
    station.await_states(brittle="running")


def test_two_researchers_share_and_inference_waits_for_the_last(station: Workstation) -> None:
    first = station.research(user="ada")
    station.research(user="bob")
    station.run("pkill", "-KILL", "-u", "ada", user=None)
    first.wait(10)
    station.wait(lambda: [lease["user"] for lease in station.status()["leases"]] == ["bob"])
    assert station.llm.refuses()
    station.end_research()
    assert station.llm.await_answer()


def test_a_restart_of_the_arbiter_keeps_leases_and_what_is_paused(station: Workstation) -> None:
    station.research()
    station.machine.run("systemctl", "restart", "sentinel")
    status = station.status()
    assert [lease["user"] for lease in status["leases"]] == ["ada"]
    assert station.await_states(chat="paused", stubborn="paused", brittle="paused")
    assert station.llm.refuses()
    station.end_research()
    assert station.llm.await_answer()


def test_who_asks_while_it_restarts_waits_in_line(station: Workstation) -> None:
    asking = "for i in $(seq 60); do sentinel-status >/dev/null || echo failed; done"
    asker = station.start("sh", "-c", asking)
    for _ in range(3):
        station.machine.run("systemctl", "restart", "sentinel")
    said, complaints = asker.communicate(timeout=60)
    assert (said, complaints) == ("", "")


def test_stopping_it_with_no_lease_brings_inference_back_at_once(station: Workstation) -> None:
    station.write_config(resume_delay="10m")
    station.machine.run("systemctl", "reload", "sentinel")
    station.run("sentinel-request", "--", "true")
    assert station.services()["chat"]["state"] == "paused"
    station.machine.run("systemctl", "stop", "sentinel")
    assert station.llm.await_answer(timeout=5)
    for unit in ("chat", "stubborn", "brittle"):
        assert station.machine.show(f"{unit}.service", "ActiveState") == "active"


def test_a_stopped_arbiter_stays_stopped_and_clients_say_so(station: Workstation) -> None:
    station.machine.run("systemctl", "stop", "sentinel")
    for command in (["sentinel-status"], ["sentinel-request", "--", "true"]):
        done = station.run(*command, check=False)
        assert done.returncode == 69, done
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
    assert station.machine.show("sentinel.service", "ActiveState") == "inactive"


def test_stopping_it_with_live_leases_leaves_inference_paused_till_the_next(
    station: Workstation,
) -> None:
    station.research()
    station.machine.run("systemctl", "stop", "sentinel")
    assert station.llm.refuses()
    assert "stays paused" in station.machine.journal("sentinel")
    station.machine.run("systemctl", "start", "sentinel")
    assert [lease["user"] for lease in station.status()["leases"]] == ["ada"]
    assert station.llm.refuses()
    station.end_research()
    assert station.llm.await_answer()


def test_research_that_ended_while_the_arbiter_was_away_is_no_lease_at_the_next_start(
    station: Workstation,
) -> None:
    station.research()
    station.machine.run("systemctl", "stop", "sentinel")
    station.end_research()
    assert station.llm.refuses()
    station.machine.run("systemctl", "start", "sentinel")
    assert station.llm.await_answer()
    assert station.status()["leases"] == []


def kill_arbiter(station: Workstation) -> None:
    """kill -9; returns once the next one answers."""
    station.machine.run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", "sentinel")
    station.wait(lambda: station.run("sentinel-status", check=False).returncode == 0, 5)


def test_kill_9_of_the_arbiter_heals(station: Workstation) -> None:
    station.research()
    kill_arbiter(station)
    assert [lease["user"] for lease in station.status()["leases"]] == ["ada"]
    assert station.llm.refuses()
    station.end_research()
    assert station.llm.await_answer()
    assert int(station.machine.show("sentinel.service", "NRestarts")) >= 1


def test_kill_9_while_inference_is_leaving_heals(station: Workstation) -> None:
    process = station.start("sentinel-request", "--", "true")
    station.wait(lambda: station.services()["stubborn"]["state"] == "pausing")  # for a second
    kill_arbiter(station)
    process.communicate(timeout=30)
    station.await_states(chat="running", stubborn="running", brittle="running", seconds=30)
    assert station.llm.await_answer()


def test_a_watchdog_is_kept_and_a_stuck_arbiter_is_replaced(station: Workstation) -> None:
    assert station.machine.show("sentinel.service", "WatchdogUSec") == "30s"
    before = station.machine.show("sentinel.service", "MainPID")
    station.machine.run("systemctl", "kill", f"--signal={signal.SIGABRT.value}", "sentinel")
    station.wait(lambda: station.machine.show("sentinel.service", "MainPID") not in (before, "0"))
    station.await_states(chat="running")


def test_a_bad_config_fails_the_reload_and_changes_nothing(station: Workstation) -> None:
    station.machine.write(CONFIG, '[arbiter]\ngpus = "simulated:2"\nresume_dely = 1\n')
    reload = station.machine.run("systemctl", "reload", "sentinel", check=False)
    assert reload.returncode != 0
    assert f"{CONFIG}:3: arbiter.resume_dely: unknown key" in station.machine.journal("sentinel")
    assert station.services().keys() == {"chat", "stubborn", "brittle"}
    station.write_config(services=SERVICES)
    station.machine.run("systemctl", "reload", "sentinel")
    assert station.services().keys() == {"chat"}


def test_a_config_that_cannot_be_used_at_start_is_not_tried_for_ever(station: Workstation) -> None:
    station.machine.run("systemctl", "stop", "sentinel")
    station.machine.write(CONFIG, "gpus = \n")
    assert station.machine.run("systemctl", "start", "sentinel", check=False).returncode != 0
    assert station.machine.show("sentinel.service", "ActiveState") == "failed"
    assert f"{CONFIG}:1: " in station.machine.journal("sentinel")


def test_a_service_of_the_arbiters_own_runs_as_its_user_and_ends_with_it(station: Workstation) -> None:
    own = PROCESS_SERVICE.format(port=free_port())
    station.write_config(services=SERVICES + MORE_SERVICES + own)
    station.machine.run("systemctl", "reload", "sentinel")
    station.await_states(embed="running")
    assert len(server_pids(station)) == 1
    station.research()
    assert server_pids(station) == []
    station.end_research()
    station.await_states(embed="running")
    before = server_pids(station)
    kill_arbiter(station)
    station.await_states(embed="running")
    assert server_pids(station) == before  # it served all the while
    station.research()
    assert server_pids(station) == []
    station.end_research()
    station.await_states(embed="running")
    station.machine.run("systemctl", "stop", "sentinel")
    assert server_pids(station) == []


def server_pids(station: Workstation) -> list[str]:
    return station.machine.run("pgrep", "-u", "nobody", "-f", "http.server", check=False).stdout.split()


def test_only_root_may_command_the_arbiter(station: Workstation) -> None:
    refused = station.run("sentinel-admin", "pause", check=False)
    assert refused.returncode != 0
    assert "root" in refused.stderr
    station.run("sentinel-admin", "pause", "--reason", "maintenance", user=None)
    station.await_states(chat="paused")
    assert "maintenance" in station.services()["chat"]["why"]
    station.run("sentinel-admin", "resume", user=None)
    assert station.llm.await_answer()
