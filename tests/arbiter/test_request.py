"""sentinel-request as a process: it is the command, as far as anyone can tell."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.e2e.workstation import Workstation, always, eventually

# What a program can tell of how it was started.
INSPECT = """
import json, os, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "blocked": int(status["SigBlk"], 16),
    "env": {k: v for k, v in os.environ.items() if k.startswith(("CUDA", "SENTINEL_LEASE"))},
    "fds": sorted(int(n) for n in os.listdir("/proc/self/fd"))[:-1],
    "argv": sys.argv[1:], "pid": os.getpid(),
}))
"""


def bit(number: int) -> int:
    return 1 << (number - 1)


def test_the_command_is_the_process_and_finds_all_as_its_shell_left_it(arbiter: Workstation) -> None:
    client = arbiter.request("--", sys.executable, "-I", "-S", "-c", INSPECT, "a b", "", "--gpus")
    out, err = client.communicate(timeout=8)
    found = json.loads(out)
    assert found["pid"] == client.pid
    assert found["argv"] == ["a b", "", "--gpus"]
    assert found["fds"] == [0, 1, 2]
    assert found["blocked"] == 0
    assert set(found["env"]) == {"CUDA_VISIBLE_DEVICES", "SENTINEL_LEASE"}
    assert (client.returncode, err) == (0, "")


def test_no_signal_is_ignored_that_was_not(arbiter: Workstation) -> None:
    done = arbiter.run("sentinel-request", "--", "grep", "SigIgn", "/proc/self/status")
    ignored = int(done.out.split()[1], 16)
    assert not ignored & (bit(signal.SIGPIPE) | bit(signal.SIGXFSZ) | bit(signal.SIGINT))


def test_what_nohup_ignores_stays_ignored(arbiter: Workstation) -> None:
    line = f"trap '' HUP; exec {sys.executable} -m sentinel.arbiter.request -- grep SigIgn /proc/self/status"
    done = arbiter.run("sh", "-c", line)
    assert int(done.out.split()[1], 16) & bit(signal.SIGHUP)


def test_a_pipe_that_closes_ends_the_command_quietly(arbiter: Workstation) -> None:
    line = f"{sys.executable} -m sentinel.arbiter.request -- yes | head -1; echo ${{PIPESTATUS:-}}"
    done = arbiter.run("bash", "-c", line)
    assert done.out.split() == ["y", str(128 + signal.SIGPIPE)]
    assert done.err == ""


def test_stdin_is_the_command_s(arbiter: Workstation) -> None:
    client = arbiter.request("--", "cat", stdin=subprocess.PIPE)
    assert client.communicate("through and\nthrough", timeout=8) == ("through and\nthrough", "")


@pytest.mark.parametrize("code", [0, 1, 69, 75, 255])
def test_its_exit_code_is_the_command_s(arbiter: Workstation, code: int) -> None:
    assert arbiter.run("sentinel-request", "--", "sh", "-c", f"exit {code}").code == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_command_and_is_how_it_ends(arbiter: Workstation, number: int) -> None:
    client = arbiter.granted()
    client.send_signal(number)
    assert client.wait(5) == -number
    arbiter.heals()


def test_a_command_may_handle_signals_itself(arbiter: Workstation) -> None:
    client = arbiter.request(
        "--", "sh", "-c", 'trap "echo caught; exit 9" USR1; echo ready; while :; do sleep 0.05; done'
    )
    assert client.stdout.readline() == "ready\n"
    client.send_signal(signal.SIGUSR1)
    out, _ = client.communicate(timeout=5)
    assert (out, client.returncode) == ("caught\n", 9)


def test_its_terminal_is_the_command_s(arbiter: Workstation) -> None:
    ours, theirs = pty.openpty()
    line = "test -t 0 && test -t 1 && echo it is"
    client = arbiter.request("--", "sh", "-c", line, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    assert client.wait(8) == 0
    assert os.read(ours, 100) == b"it is\r\n"
    os.close(ours)


# ------------------------------------------------------------------ exit codes of its own


def test_a_command_that_cannot_be_run_pauses_nothing(arbiter: Workstation, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    for command, code in (
        ("no-such-program", 127),
        (str(tmp_path / "plain"), 126),
        (str(tmp_path / "no"), 127),
    ):
        done = arbiter.run("sentinel-request", "--", command)
        assert done.code == code, done
        assert re.fullmatch(rf"sentinel-request: {re.escape(command)}: [a-z ]+\n", done.err)
        assert done.out == ""
    assert arbiter.status()["leases"] == []
    assert len(arbiter.starts()) == 1


def test_a_program_of_no_known_format_is_126_and_leaves_no_lease(
    arbiter: Workstation, tmp_path: Path
) -> None:
    (tmp_path / "odd").write_bytes(b"\x7fELFnot really")
    (tmp_path / "odd").chmod(0o755)
    done = arbiter.run("sentinel-request", "--", str(tmp_path / "odd"))
    assert done.code == 126
    assert "Exec format error" in done.err
    arbiter.heals()


@pytest.mark.parametrize("arguments", [(), ("--gpus", "x", "true"), ("--nope", "true")])
def test_wrong_usage_is_2_with_one_line(workstation: Workstation, arguments: tuple[str, ...]) -> None:
    done = workstation.run("sentinel-request", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "--help" in done.err


def test_help_and_version_need_no_arbiter(workstation: Workstation) -> None:
    shown = workstation.run("sentinel-request", "--help")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("usage: sentinel-request")
    assert re.fullmatch(r"sentinel \d+\.\d+.*\n", workstation.run("sentinel-request", "--version").out)


def test_without_an_arbiter_it_fails_clearly(workstation: Workstation) -> None:
    done = workstation.run("sentinel-request", "--", "echo", "ran")
    assert (done.code, done.out) == (69, "")
    assert done.err == (
        f"sentinel-request: no arbiter on {workstation.socket}: there is no such socket"
        " (is SENTINEL_SOCKET right?)\n"
    )


def test_a_killed_arbiter_s_socket_says_that_nobody_listens(arbiter: Workstation) -> None:
    arbiter.kill()
    done = arbiter.run("sentinel-request", "--", "echo", "ran")
    assert (done.code, done.out) == (69, "")
    assert "nobody listens there" in done.err


def test_fallback_run_runs_it_and_says_so(workstation: Workstation) -> None:
    done = workstation.run(
        "sentinel-request", "--fallback", "run", "--", "sh", "-c", "echo [$SENTINEL_LEASE]; exit 5"
    )
    assert (done.code, done.out) == (5, "[]\n")
    assert "running without a lease, as --fallback run says" in done.err
    assert workstation.run("sentinel-request", "--fallback=fail", "--", "true").code == 69


def test_fallback_does_not_overrule_a_refusal(arbiter: Workstation) -> None:
    arbiter.granted("--gpus", "2")
    done = arbiter.run("sentinel-request", "--fallback", "run", "--no-wait", "--", "echo", "ran")
    assert (done.code, done.out) == (75, "")


def test_no_wait_says_who_holds_what(arbiter: Workstation) -> None:
    holder = arbiter.granted("--gpus", "2", "--name", "thesis")
    done = arbiter.run("sentinel-request", "--no-wait", "--", "echo", "ran")
    assert (done.code, done.out) == (75, "")
    assert re.fullmatch(r"sentinel-request: refused: .*held by lease L\S+ of \S+ \(sleep 60\)\n", done.err), (
        done
    )
    assert holder.poll() is None


def test_a_timeout_is_75_and_says_how_long_it_waited(arbiter: Workstation) -> None:
    arbiter.granted("--gpus", "2")
    started = time.monotonic()
    done = arbiter.run("sentinel-request", "--timeout", "300ms", "--", "echo", "ran")
    assert 0.3 <= time.monotonic() - started < 3
    assert (done.code, done.out) == (75, "")
    assert "not within 3" in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--gpus", "3"), "this machine has 2"),
        (("--gpu-ids", "7"), "there is no GPU 7 here (there are: 0, 1)"),
        (("--memory", "200GiB"), "the largest GPU here has 80 GiB"),
    ],
)
def test_what_this_machine_can_never_give_is_refused_at_once(
    arbiter: Workstation, options: tuple[str, ...], said: str
) -> None:
    done = arbiter.run("sentinel-request", *options, "--", "echo", "ran")
    assert (done.code, done.out) == (75, "")
    assert said in done.err
    assert arbiter.answers(), "nothing was paused for it"


def test_one_that_waits_says_for_what_and_quiet_does_not(arbiter: Workstation) -> None:
    first = arbiter.granted("--gpus", "2")
    loud, quiet = arbiter.request("--", "true"), arbiter.request("--quiet", "--", "true")
    assert re.match(r"sentinel-request: waiting for GPU 0, 1, held by lease", loud.stderr.readline())
    always(lambda: loud.poll() is None and quiet.poll() is None, 0.2)
    first.kill()
    assert loud.communicate(timeout=8)[1] == "sentinel-request: granted\n"
    assert quiet.communicate(timeout=8) == ("", "")
    assert (loud.returncode, quiet.returncode) == (0, 0)


def test_ctrl_c_while_waiting_ends_it_as_the_signal_and_gives_the_place_up(arbiter: Workstation) -> None:
    arbiter.granted("--gpus", "2")
    client = arbiter.request("--", "echo", "ran")
    eventually(lambda: arbiter.status()["queue"], "it waits")
    client.send_signal(signal.SIGINT)
    out, err = client.communicate(timeout=5)
    assert (client.returncode, out) == (-signal.SIGINT, "")  # which a shell calls 130
    assert "Traceback" not in err
    eventually(lambda: not arbiter.status()["queue"], "its place is given up")


# ------------------------------------------------------------------ inside of a lease


def test_a_request_inside_of_a_lease_inherits_it(arbiter: Workstation) -> None:
    inner = f"{sys.executable} -m sentinel.arbiter.request --gpus 1 -- sh -c 'echo $SENTINEL_LEASE; exit 3'"
    done = arbiter.run("sentinel-request", "--gpus", "2", "--", "sh", "-c", f"echo $SENTINEL_LEASE; {inner}")
    first, second = done.out.split()
    assert first == second
    assert (done.code, done.err) == (3, "")
    assert len(re.findall("granted lease", arbiter.journal())) == 1


def test_more_than_the_lease_has_is_refused_inside_of_it(arbiter: Workstation) -> None:
    inner = f"{sys.executable} -m sentinel.arbiter.request --gpus 2 -- echo ran"
    done = arbiter.run("sentinel-request", "--gpus", "1", "--", "sh", "-c", inner)
    assert (done.code, done.out) == (75, "")
    assert "ask outside of it" in done.err


def test_naming_somebody_else_s_lease_as_the_parent_gives_nothing(arbiter: Workstation) -> None:
    arbiter.granted("--gpus", "2")
    lease = arbiter.status()["leases"][0]["id"]
    with arbiter.connect() as client:
        answer = arbiter.acquire(client, parent=lease, wait_seconds=0)
    assert answer["code"] == "busy"


def test_cuda_visible_devices_by_index_on_request(arbiter: Workstation) -> None:
    line = "echo $CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER"
    done = arbiter.run("sentinel-request", "--indices", "--gpu-ids", "1", "--", "sh", "-c", line)
    assert done.out == "1 PCI_BUS_ID\n"
    done = arbiter.run("sentinel-request", "--", "sh", "-c", line, env={"CUDA_VISIBLE_DEVICES": "0"})
    assert done.out == "0 PCI_BUS_ID\n"
