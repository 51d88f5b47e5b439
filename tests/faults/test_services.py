"""Inference services that misbehave: each is dealt with, and status says how it stands."""

import contextlib
import os
import re
import signal
import time
from pathlib import Path

import pytest
from tests.e2e.workstation import Workstation, alive, always, eventually


def start_with(workstation: Workstation, *habits: str, **lines: str) -> Workstation:
    table = workstation.service("chat", *habits)
    for key, line in lines.items():
        table = re.sub(rf"^{key} = .*$", line, table, flags=re.MULTILINE)
    workstation.configure(table)
    workstation.start()
    return workstation


def test_one_that_ignores_term_is_killed_after_its_stop_timeout(workstation: Workstation) -> None:
    start_with(workstation, "stubborn", stop_timeout="stop_timeout = 0.6").ready()
    (pid,) = workstation.starts()
    started = time.monotonic()
    assert workstation.run("sentinel-request", "--", "true").code == 0
    took = time.monotonic() - started
    assert 0.6 <= took < 4
    assert not alive(pid)
    workstation.heals()


def test_one_that_dies_at_its_start_is_failed_and_tried_again_later_each_time(
    workstation: Workstation,
) -> None:
    start_with(workstation, "brief")
    eventually(lambda: workstation.is_now("failed"), "failed")
    service = workstation.service_now()
    assert "exit status 3; its last line: no model at /models/llama" in service["why"]
    assert re.search(r"next try in \d", service["why"])
    assert workstation.status()["state"] == "RESUMING"
    eventually(lambda: len(workstation.starts()) == 2, "tried again", 5)
    eventually(lambda: re.search(r"next try in [3-4] s", workstation.service_now()["why"]), "later")
    waits = re.findall(r"next try in (\d+) s", workstation.journal())
    assert waits[:2] == ["2", "4"]
    assert workstation.run("sentinel-request", "--", "true").code == 0, "research does not mind"


def test_one_that_failed_is_tried_at_once_on_resume(workstation: Workstation) -> None:
    start_with(workstation, "brief")
    eventually(lambda: workstation.is_now("failed"))
    before = len(workstation.starts())
    workstation.admin("resume")
    eventually(lambda: len(workstation.starts()) > before, "tried at once", 1)


def test_a_program_that_is_not_there_is_failed_with_the_reason(workstation: Workstation) -> None:
    start_with(workstation, command='command = ["/no/such/server"]')
    eventually(lambda: workstation.is_now("failed"))
    assert "cannot run /no/such/server: No such file or directory" in workstation.service_now()["why"]


def test_a_user_that_is_not_there_is_failed_with_the_reason(workstation: Workstation) -> None:
    start_with(workstation, user='user = "no-such-user"')
    eventually(lambda: workstation.is_now("failed"))
    assert "no-such-user" in workstation.service_now()["why"]


@pytest.mark.root
def test_it_runs_as_the_user_that_the_config_names(workstation: Workstation) -> None:
    (workstation.folder / "writable").mkdir()
    (workstation.folder / "writable").chmod(0o777)
    start_with(
        workstation,
        user='user = "nobody"',
        command='command = ["sleep", "1000"]',
        log=f'log = "{workstation.folder}/writable/chat.log"',
    ).ready()
    (process,) = workstation.status()["gpus"][0]["processes"]
    assert process["user"] == "nobody"
    assert workstation.run("sentinel-request", "--", "true").code == 0
    assert not alive(process["pid"])


def test_one_that_ends_by_itself_is_started_again(workstation: Workstation) -> None:
    start_with(workstation, "crash-on-request").ready()
    assert workstation.answers()
    eventually(lambda: workstation.is_now("failed"), "noticed")
    assert "exit status 4" in workstation.service_now()["why"]
    eventually(lambda: len(workstation.starts()) == 2, "started again", 5)
    assert "ended by itself" in workstation.journal()


@pytest.mark.slow
def test_one_that_somebody_started_by_hand_while_paused_is_stopped_again(arbiter: Workstation) -> None:
    """By its mark it is the service's, whoever started it."""
    (pid,) = arbiter.starts()
    environ = Path(f"/proc/{pid}/environ").read_bytes()
    mark = re.findall(rb"SENTINEL_SERVICE=([^\0]+)", environ)[0].decode()
    arbiter.granted()
    assert not alive(pid)
    intruder = arbiter.popen("sleep", "60", env={"SENTINEL_SERVICE": mark})
    eventually(lambda: intruder.poll() is not None, "stopped again", 15)


def test_its_children_go_with_it(workstation: Workstation) -> None:
    line = "sleep 1000 & setsid sleep 1001 & wait"
    start_with(workstation, command=f'command = ["sh", "-c", "{line}"]').ready()
    eventually(lambda: len(pids_of(workstation)) >= 3, "a family")
    family = pids_of(workstation)
    assert workstation.run("sentinel-request", "--", "true").code == 0
    assert not any(map(alive, family))


def pids_of(workstation: Workstation) -> list[int]:
    """Processes that carry a service's mark and this workstation's."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environ = (entry / "environ").read_bytes()
            if b"SENTINEL_SERVICE=" in environ and str(workstation.folder).encode() in environ:
                found.append(int(entry.name))
    return found


def test_it_does_not_inherit_the_arbiter_s_signals(arbiter: Workstation) -> None:
    (pid,) = arbiter.starts()
    lines = Path(f"/proc/{pid}/status").read_text()
    blocked = re.findall(r"SigBlk:\s+(\w+)", lines)[0]
    assert int(blocked, 16) == 0


def test_an_arbiter_that_is_killed_leaves_inference_running_and_the_next_takes_it_over(
    arbiter: Workstation,
) -> None:
    (pid,) = arbiter.starts()
    arbiter.kill()
    assert arbiter.answers()
    arbiter.start()
    arbiter.ready()
    always(lambda: arbiter.starts() == [pid], 0.5, "no second one")
    assert arbiter.run("sentinel-request", "--", "true").code == 0
    assert not alive(pid), "and it can stop it"


def test_a_stopped_process_that_does_not_die_of_term_is_killed(arbiter: Workstation) -> None:
    (pid,) = arbiter.starts()
    os.kill(pid, signal.SIGSTOP)
    assert arbiter.run("sentinel-request", "--", "true").code == 0
    assert not alive(pid)
    arbiter.heals()
