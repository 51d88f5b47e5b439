"""Limits per user: how many leases, for how long, and what becomes of one that nobody uses."""

import getpass
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.terminal import Terminal
from tests.e2e.workstation import HOLD, Workstation, always, eventually

SOMEBODY = 65534
OTHER = 65533

# Says so when it is told to end, and ends as it likes.
POLITE = ("sh", "-c", "trap 'echo told to end; exit 9' TERM; echo began; while :; do sleep 0.02; done")
STUBBORN = ("sh", "-c", "trap '' TERM; echo began; while :; do sleep 0.02; done")

SOURCE = Path(__file__).parents[2] / "src"
AS_USER = """
import os, shutil, signal, sys  # before the switch: whom we become may not read these files
sys.path.insert(0, sys.argv.pop(1))
import sentinel.arbiter.request, sentinel.core.arbiter_client, sentinel.core.units
os.setgroups([])
os.setresgid(int(sys.argv[1]), int(sys.argv[1]), int(sys.argv[1]))
os.setresuid(int(sys.argv[1]), int(sys.argv[1]), int(sys.argv[1]))
sys.exit(sentinel.arbiter.request.main(sys.argv[2:]))
"""


def limited(workstation: Workstation, limits: str) -> Workstation:
    workstation.configure(rest=f"[limits]\n{limits}\n")
    workstation.start()
    return workstation.ready()


def as_user(uid: int, *args: str) -> tuple[str, ...]:
    """A sentinel-request of that user. Without site-packages, where a coverage tool would want to write
    files that this user may not."""
    return ("-I", "-S", "-c", AS_USER, str(SOURCE), str(uid), *args)


def the_lease(workstation: Workstation) -> dict[str, Any]:
    (lease,) = eventually(lambda: workstation.status()["leases"], "a lease")
    return lease


# ------------------------------------------------------------------ how many


def test_one_lease_more_than_allowed_waits_or_is_refused(workstation: Workstation) -> None:
    limited(workstation, "leases_per_user = 2")
    first = workstation.granted("--gpu-ids", "0")
    workstation.granted("--gpu-ids", "1")
    done = workstation.run("sentinel-request", "--no-wait", "--", "true")
    assert done.code == 75
    assert re.fullmatch(
        rf"sentinel-request: refused: one of {getpass.getuser()}'s 2 leases .*limit is 2.*\n", done.err
    ), done
    waiting = workstation.request("--", "true")
    why = eventually(lambda: workstation.status()["queue"])[0]["why"]
    assert "the limit is 2" in why
    first.kill()
    assert waiting.wait(6) == 0


@pytest.mark.root
def test_who_is_over_the_limit_is_in_nobodys_way(workstation: Workstation) -> None:
    limited(workstation, "leases_per_user = 1")
    workstation.granted()
    workstation.request("--gpus", "2", "--", "true")
    eventually(lambda: workstation.status()["queue"])
    other = workstation.popen(sys.executable, *as_user(SOMEBODY, "--timeout", "3", "--", "id", "-u"))
    assert other.communicate(timeout=6)[0] == f"{SOMEBODY}\n"


def test_a_request_inside_a_lease_is_not_one_more(workstation: Workstation) -> None:
    limited(workstation, "leases_per_user = 1")
    request = f"{sys.executable} -m sentinel.arbiter.request"
    done = workstation.run("sentinel-request", "--", "sh", "-c", f"{request} --no-wait -- echo nested")
    assert (done.code, done.out) == (0, "nested\n"), done


# ------------------------------------------------------------------ how long


def test_at_the_time_limit_the_command_is_told_to_end(workstation: Workstation) -> None:
    limited(workstation, "hold = 0.8")
    client = workstation.request("--", *POLITE)
    assert client.stdout.readline() == "began\n"
    began = time.monotonic()
    assert the_lease(workstation)["expires_at"] is not None
    assert client.wait(4) == 9
    assert 0.6 <= time.monotonic() - began < 2
    assert client.stdout.read() == "told to end\n"
    workstation.heals()


def test_who_does_not_listen_is_killed_after_the_grace(workstation: Workstation) -> None:
    limited(workstation, "hold = 0.4")
    client = workstation.request("--", *STUBBORN)
    assert client.stdout.readline() == "began\n"
    began = time.monotonic()
    assert client.wait(5) == -signal.SIGKILL
    assert time.monotonic() - began >= 0.4 + 0.3 - 0.2
    workstation.heals()


def test_the_owner_is_warned_on_the_terminal_before_time_is_up(workstation: Workstation) -> None:
    limited(workstation, "hold = 1.5")
    with Terminal(workstation, "sentinel-request", "--", *POLITE) as terminal:
        terminal.shows("began")
        lease = the_lease(workstation)["id"]
        terminal.shows(f"sentinel: your GPU lease {lease}: time is up in ")
        assert terminal.process.poll() is None, "a warning, so far"
        shown = terminal.shows("told to end")
        assert shown.index("time is up in") < shown.index("is ended by the time limit")
        assert terminal.process.wait(4) == 9


def test_who_wants_no_messages_gets_none(workstation: Workstation) -> None:
    limited(workstation, "hold = 0.6")
    silent = ("sh", "-c", f"chmod g-w $(tty); {POLITE[2]}")
    with Terminal(workstation, "sentinel-request", "--", *silent) as terminal:
        terminal.shows("told to end")
        assert terminal.process.wait(4) == 9
        assert "your GPU lease" not in terminal.read(0.1)


# ------------------------------------------------------------------ for longer


def test_a_lease_can_be_extended_by_its_id_and_from_within(workstation: Workstation) -> None:
    limited(workstation, "hold = 1\nextension = 60")
    request = f"{sys.executable} -m sentinel.arbiter.request"
    script = f"echo began; {request} --extend 500ms; echo $?; sleep 60"
    client = workstation.request("--", "sh", "-c", script)
    assert [client.stdout.readline() for _ in range(2)] == ["began\n", "0\n"]
    lease = the_lease(workstation)["id"]
    done = workstation.run("sentinel-request", "--extend", "30s", lease)
    assert done.code == 0, done
    assert "30 s longer" in done.err
    always(lambda: client.poll() is None, 1.8, "it outlives its first limit")
    assert the_lease(workstation)["id"] == lease
    client.kill()


@pytest.mark.root
def test_the_owner_may_extend_only_so_far(workstation: Workstation) -> None:
    limited(workstation, "hold = 60\nextension = 10")
    client = workstation.popen(sys.executable, *as_user(SOMEBODY, "--", "sleep", "60"))
    lease = the_lease(workstation)
    assert lease["uid"] == SOMEBODY

    def extend(uid: int, time_: str) -> Any:
        return workstation.run(sys.executable, *as_user(uid, "--extend", time_, lease["id"]))

    assert extend(SOMEBODY, "6s").code == 0
    over = extend(SOMEBODY, "6s")
    assert over.code != 0, over
    assert re.fullmatch(r"sentinel-request: you may add 4 s more; ask an admin for .*\n", over.err), over
    assert extend(SOMEBODY, "4s").code == 0
    stranger = extend(OTHER, "1s")
    assert stranger.code != 0, stranger
    assert "of yours" in stranger.err
    assert the_lease(workstation)["expires_at"] != lease["expires_at"]
    admin = workstation.run("sentinel-request", "--extend", "1h", lease["id"])
    assert admin.code == 0, admin
    assert client.poll() is None


def test_what_has_no_limit_needs_no_extension(workstation: Workstation) -> None:
    limited(workstation, "leases_per_user = 5")
    workstation.granted()
    done = workstation.run("sentinel-request", "--extend", "1h", the_lease(workstation)["id"])
    assert done.code != 0
    assert "no time limit" in done.err
    lost = workstation.run("sentinel-request", "--extend", "1h", "L9-nothing")
    assert lost.code != 0
    assert lost.err.count("\n") == 1, lost


# ------------------------------------------------------------------ unused


def test_an_idle_lease_is_warned_then_ended(workstation: Workstation) -> None:
    limited(workstation, "idle_after = 0.5\nidle_reclaim = 1.5")
    with Terminal(workstation, "sentinel-request", "--", *POLITE) as terminal:
        terminal.shows("began")
        lease = the_lease(workstation)["id"]
        terminal.shows(f"sentinel: your GPU lease {lease}: its GPUs lie unused for ")
        assert terminal.process.poll() is None
        assert the_lease(workstation)["idle_since"] is not None
        terminal.shows("is ended by the idle rule")
        assert terminal.process.wait(4) == 9
    workstation.heals()


def test_without_a_rule_to_reclaim_it_is_warned_once_and_left_alone(workstation: Workstation) -> None:
    limited(workstation, "idle_after = 0.3")
    with Terminal(workstation, "sentinel-request", "--", *POLITE) as terminal:
        terminal.shows("lie unused for")
        always(lambda: terminal.process.poll() is None, 0.8)
        assert terminal.read().count("lie unused for") == 1
    assert "lie unused" in workstation.journal()


def test_a_lease_in_use_is_neither_warned_nor_ended(workstation: Workstation) -> None:
    limited(workstation, "idle_after = 0.3\nidle_reclaim = 0.8")
    working = (*HOLD, "--gpu", "0", "--memory", "1GiB", "--", "sleep", "60")
    with Terminal(workstation, "sentinel-request", "--", *working) as terminal:
        terminal.shows("holds 1 GiB")
        always(lambda: terminal.process.poll() is None, 1.4, "it is in use")
        assert the_lease(workstation)["idle_since"] is None
        assert "unused" not in terminal.read()
    assert "unused" not in workstation.journal()


def test_a_pause_in_the_work_starts_the_clock_again(workstation: Workstation) -> None:
    limited(workstation, "idle_after = 0.3\nidle_reclaim = 1.2")
    hold = " ".join((*HOLD, "--gpu", "0", "--memory", "1GiB", "--seconds", "0.5"))
    client = workstation.request("--", "sh", "-c", f"sleep 0.6; {hold}; sleep 0.6; {hold}; echo done")
    assert client.communicate(timeout=8)[0].endswith("done\n")
    assert client.returncode == 0
    assert "ended by the idle rule" not in workstation.journal()


def test_another_lease_on_the_same_gpu_does_not_count_as_use(workstation: Workstation) -> None:
    limited(workstation, "idle_after = 0.3\nidle_reclaim = 1")
    working = (*HOLD, "--gpu", "0", "--memory", "1GiB", "--", "sleep", "60")
    idle = workstation.request("--memory", "2GiB", "--", *POLITE)
    assert idle.stdout.readline() == "began\n"
    busy = workstation.granted("--memory", "2GiB", command=working)
    assert idle.wait(4) == 9
    assert busy.poll() is None
