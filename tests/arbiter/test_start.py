"""Starting, reloading and stopping the arbiter's process, and what it tells the service manager."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.e2e.workstation import Workstation, alive, always, eventually

# ------------------------------------------------------------------ starting


def start_fails(workstation: Workstation, *arguments: str) -> tuple[int, str]:
    done = workstation.run(sys.executable, *(arguments or workstation.arbiter_command()[1:]))
    assert done.out == ""
    assert "Traceback" not in done.err, done.err
    assert done.err.count("\n") == 1, done.err
    return done.code, done.err


def test_a_bad_config_is_exit_2_and_one_line_with_file_line_and_key(workstation: Workstation) -> None:
    workstation.configure(arbiter='resume_delay = "soon"')
    code, err = start_fails(workstation)
    assert code == 2
    assert re.search(rf"sentinel-arbiter: {workstation.config}:\d+: arbiter\.resume_delay: 'soon' is no", err)


def test_check_reads_the_config_and_ends(workstation: Workstation) -> None:
    check = [*workstation.arbiter_command(), "--check"]
    done = workstation.run(*check)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{workstation.config}: good; 1 services, gpus 'simulated:2'\n"
    assert not workstation.socket.exists()
    workstation.config.write_text("[arbiter]\ngpus = 1\n")
    assert workstation.run(*check).code == 2


@pytest.mark.root
def test_as_root_a_process_without_a_user_is_a_mistake_in_the_config(workstation: Workstation) -> None:
    table = re.sub(r"user = .*\n", "", workstation.service("chat"))
    workstation.configure(table)
    code, err = start_fails(workstation)
    assert code == 2
    assert re.search(r"config\.toml:\d+: service\.user: ", err), err
    assert workstation.run(*workstation.arbiter_command(), "--check").code == 2


def test_a_second_arbiter_on_one_state_file_refuses(arbiter: Workstation) -> None:
    command = arbiter.arbiter_command()[1:]
    command[command.index("--socket") + 1] += "2"
    code, err = start_fails(arbiter, *command)
    assert code == 1
    assert f"another arbiter uses {arbiter.state_file}; stop that one first" in err
    arbiter.heals()


def test_a_second_arbiter_on_one_socket_refuses(arbiter: Workstation) -> None:
    other = arbiter.folder / "other.toml"
    text = arbiter.config.read_text().replace("state.json", "other.json")
    other.write_text(re.sub(r"\[\[service\]\](.|\n)*", "", text))
    command = arbiter.arbiter_command()[1:]
    command[command.index("--config") + 1] = str(other)
    code, err = start_fails(arbiter, *command)
    assert code == 1
    assert f"another arbiter answers on {arbiter.socket}; stop that one first" in err
    assert arbiter.status()["arbiter"]["pid"] == arbiter.arbiter.pid  # pyright: ignore


@pytest.mark.parametrize(
    ("path", "said"),
    [("/proc/nowhere/s.sock", "cannot listen on"), ("/tmp/" + "x" * 120, "longer than 107 bytes")],
)
def test_a_socket_path_that_cannot_be_is_said(workstation: Workstation, path: str, said: str) -> None:
    command = workstation.arbiter_command()[1:]
    command[command.index("--socket") + 1] = path
    code, err = start_fails(workstation, *command)
    assert code == 2
    assert said in err


def test_a_file_that_is_no_socket_is_left_alone(workstation: Workstation) -> None:
    workstation.socket.write_text("precious")
    code, err = start_fails(workstation)
    assert code == 2
    assert "is there already and is no socket" in err
    assert workstation.socket.read_text() == "precious"


def test_a_state_folder_that_cannot_be_made_is_said(workstation: Workstation) -> None:
    (workstation.folder / "file").write_text("")
    workstation.configure(arbiter=f'state_file = "{workstation.folder}/file/s.json"')
    code, err = start_fails(workstation)
    assert code == 2
    assert "cannot keep state in" in err
    assert "set state_file in" in err


def test_what_a_killed_arbiter_left_is_in_nobody_s_way(arbiter: Workstation) -> None:
    arbiter.kill()
    assert arbiter.socket.exists()
    arbiter.start()
    arbiter.heals()
    assert len(arbiter.starts()) == 1, "the service is taken over, not started a second time"


def test_every_user_may_connect_and_nobody_else_reads_the_state(arbiter: Workstation) -> None:
    assert arbiter.socket.stat().st_mode & 0o777 == 0o666
    assert arbiter.state_file.stat().st_mode & 0o077 == 0


def test_a_damaged_state_file_is_said_and_inference_runs(workstation: Workstation) -> None:
    workstation.state_file.write_text('{"version": 1, "leases": [{]}')
    workstation.start()
    workstation.heals()
    assert "is unusable" in workstation.journal()
    assert (workstation.folder / "state.json.bad").exists()


# ------------------------------------------------------------------ reloading


def reload_by(workstation: Workstation, how: str) -> None:
    if how == "admin":
        workstation.admin("reload")
    else:
        before = workstation.journal().count("config ")
        workstation.arbiter.send_signal(signal.SIGHUP)  # pyright: ignore[reportOptionalMemberAccess]
        eventually(lambda: workstation.journal().count("config ") > before, "reloaded")


@pytest.mark.parametrize("how", ["admin", "SIGHUP"])
def test_a_reload_is_taken_over(arbiter: Workstation, how: str) -> None:
    arbiter.configure(arbiter="resume_delay = 60")
    reload_by(arbiter, how)
    client = arbiter.granted()
    client.kill()
    eventually(lambda: arbiter.status()["state"] == "RESUMING")
    assert re.match(r"comes back in (59|60) s|comes back in 1 min", arbiter.service_now()["why"])
    assert len(arbiter.starts()) == 1, "nothing was restarted for it"


@pytest.mark.parametrize("how", ["admin", "SIGHUP"])
def test_a_bad_reload_keeps_the_old_config_and_says_what_is_wrong(arbiter: Workstation, how: str) -> None:
    good = arbiter.config.read_text()
    arbiter.config.write_text("[arbiter]\nresume_dealy = 5\n")
    reload_by(arbiter, how)
    wrong = f"{arbiter.config}:2: arbiter.resume_dealy: unknown key; did you mean 'resume_delay'?"
    assert arbiter.status()["arbiter"]["config_error"] == wrong
    assert f"error: config not taken over: {wrong}" in arbiter.journal()
    assert arbiter.answers()
    arbiter.config.write_text(good)
    reload_by(arbiter, how)
    assert arbiter.status()["arbiter"]["config_error"] is None


def test_the_answer_to_a_bad_reload_names_the_mistake(arbiter: Workstation) -> None:
    arbiter.config.write_text("gpus = ")
    answer = arbiter.admin("reload")
    assert (answer["ok"], answer["code"]) == (False, "failed")
    assert f"the old config stays: {arbiter.config}:1: not TOML" in answer["error"]


def test_what_only_a_start_can_change_is_said(arbiter: Workstation) -> None:
    arbiter.configure(gpus="simulated:4")
    assert arbiter.admin("reload")["ok"]
    assert len(arbiter.status()["gpus"]) == 2
    assert "config taken over; gpus at the next start" in arbiter.journal()


def test_a_service_added_by_a_reload_is_started(arbiter: Workstation) -> None:
    arbiter.configure(arbiter.service("chat"), arbiter.service("embed"))
    arbiter.admin("reload")
    eventually(lambda: arbiter.answers("embed"), "the new one answers")
    assert len(arbiter.starts()) == 1


def test_a_service_removed_by_a_reload_is_ended(arbiter: Workstation) -> None:
    (pid,) = arbiter.starts()
    arbiter.configure(arbiter.service("embed"))
    arbiter.admin("reload")
    eventually(lambda: not alive(pid), "what is in no config any more does not run")
    eventually(lambda: arbiter.answers("embed"))
    assert [s["name"] for s in arbiter.status()["services"]] == ["embed"]
    always(lambda: len(arbiter.starts()) == 1, 0.5, "and is not started again")


def test_a_service_changed_by_a_reload_runs_as_it_is_now(arbiter: Workstation) -> None:
    (pid,) = arbiter.starts()
    arbiter.configure(arbiter.service("chat", "stubborn"))
    arbiter.admin("reload")
    eventually(lambda: not alive(pid), "the old one ends")
    eventually(lambda: len(arbiter.starts()) == 2, "the new one is started")
    arbiter.heals()


def test_a_service_changed_by_a_reload_while_paused_stays_paused(arbiter: Workstation) -> None:
    client = arbiter.granted()
    arbiter.configure(arbiter.service("chat", "stubborn"))
    arbiter.admin("reload")
    always(lambda: not arbiter.answers() and arbiter.is_now("paused"), 0.4, "research has the GPUs")
    client.kill()
    arbiter.heals()
    assert len(arbiter.starts()) == 2


def test_a_reload_that_ends_a_stubborn_service_stalls_nobody(workstation: Workstation) -> None:
    stubborn = re.sub("stop_timeout = .*", "stop_timeout = 2", workstation.service("chat", "stubborn"))
    workstation.configure(stubborn)
    workstation.start()
    workstation.ready()
    workstation.configure(stubborn + 'cwd = "/"\n')
    workstation.arbiter.send_signal(signal.SIGHUP)  # pyright: ignore[reportOptionalMemberAccess]
    slowest = 0.0
    for _ in range(20):
        started = time.monotonic()
        workstation.status()
        slowest = max(slowest, time.monotonic() - started)
        time.sleep(0.02)
    assert slowest < 0.5


# ------------------------------------------------------------------ the service manager


@pytest.fixture
def manager(workstation: Workstation) -> Iterator[socket.socket]:
    """systemd's end of sd_notify."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(workstation.folder / "notify"))
        listening.settimeout(6)
        yield listening


def told(manager: socket.socket, wanted: bytes) -> list[bytes]:
    """Everything up to the first message that has the wanted line."""
    messages: list[bytes] = []
    while not messages or not any(line.startswith(wanted) for line in messages[-1].split(b"\n")):
        messages.append(manager.recv(4096))
    return messages


def test_the_manager_hears_of_ready_status_watchdog_reload_and_stop(
    workstation: Workstation, manager: socket.socket
) -> None:
    env = {"NOTIFY_SOCKET": str(workstation.folder / "notify"), "WATCHDOG_USEC": "300000"}
    workstation.start(env=env)
    first = told(manager, b"READY=1")[-1]
    assert b"STATUS=" in first
    told(manager, b"STATUS=IDLE: inference has the GPUs")
    beats = []
    for _ in range(4):
        told(manager, b"WATCHDOG=1")
        beats.append(time.monotonic())
    assert max(b - a for a, b in pairwise(beats)) < 0.3, "at least as often as promised"
    client = workstation.granted()
    told(manager, b"STATUS=RESEARCH: lease L1-")
    client.kill()
    workstation.arbiter.send_signal(signal.SIGHUP)  # pyright: ignore[reportOptionalMemberAccess]
    reloading = told(manager, b"RELOADING=1")[-1]
    usec = int(re.findall(rb"MONOTONIC_USEC=(\d+)", reloading)[0])
    assert 0 <= time.monotonic() - usec / 1e6 < 5
    told(manager, b"READY=1")
    assert workstation.stop() == 0
    told(manager, b"STOPPING=1")


def test_ready_is_told_when_the_socket_answers(workstation: Workstation, manager: socket.socket) -> None:
    workstation.start(wait=False, env={"NOTIFY_SOCKET": str(workstation.folder / "notify")})
    told(manager, b"READY=1")
    assert workstation.status()["state"] in ("IDLE", "RESUMING")


def test_services_know_nothing_of_the_manager(workstation: Workstation, manager: socket.socket) -> None:
    workstation.start(env={"NOTIFY_SOCKET": str(workstation.folder / "notify"), "LISTEN_FDNAMES": "x"})
    workstation.ready()
    environ = Path(f"/proc/{workstation.starts()[0]}/environ").read_text()
    assert "NOTIFY_SOCKET" not in environ
    assert "LISTEN_" not in environ


def test_a_socket_that_systemd_hands_over_is_listened_on(workstation: Workstation) -> None:
    path = workstation.folder / "activated.sock"
    command = " ".join(workstation.arbiter_command())
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        fd, inode = listener.fileno(), os.fstat(listener.fileno()).st_ino
        line = f"exec 3<&{fd}; export LISTEN_PID=$$ LISTEN_FDS=1; exec {command}"
        with workstation.log.open("ab") as log:
            workstation.arbiter = subprocess.Popen(
                ["bash", "-c", line], env=workstation.env, pass_fds=[fd], stderr=log
            )
    workstation.socket, unused = path, workstation.socket
    eventually(lambda: workstation.status()["arbiter"]["socket"] == str(path), "it answers there")
    assert not unused.exists()
    workstation.ready()
    (pid,) = workstation.starts()
    links = [str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()]
    assert f"socket:[{inode}]" not in links, "it is not handed on to services"


# ------------------------------------------------------------------ stopping


def test_one_who_waits_when_it_stops_is_told(arbiter: Workstation) -> None:
    arbiter.granted("--gpus", "2")
    with arbiter.connect() as client:
        assert client.ask({"v": 1, "cmd": "acquire"})["event"] == "waiting"
        arbiter.stop()
        assert client.last_word()["code"] == "stopping"
