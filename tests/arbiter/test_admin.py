"""What only admins may ask: pause, resume, reload, evict, cordon; and that nobody else may."""

import contextlib
import grp
import io
import json
import os
import pwd
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from tests.e2e.workstation import Workstation, alive, always, eventually

from sentinel.arbiter import admin

ADMIN = [
    {"cmd": "pause"},
    {"cmd": "resume"},
    {"cmd": "reload"},
    {"cmd": "evict", "lease": "L1"},
    {"cmd": "cordon", "gpu": "0", "reason": "x"},
    {"cmd": "uncordon", "gpu": "0"},
]


def fork_as(name: str, what: Callable[[], object], groups: tuple[int, ...] = ()) -> int:
    """The pid of a child of this process that has become that user and does this."""
    child = os.fork()
    if child:
        return child
    try:
        user = pwd.getpwnam(name)
        os.setgroups(groups)
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
        what()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def as_nobody(what: Callable[[], Any], groups: tuple[int, ...] = ()) -> Any:
    """What it answers to nobody."""
    reader, writer = os.pipe()
    child = fork_as("nobody", lambda: os.write(writer, json.dumps(what()).encode()), groups)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        text = answer.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return json.loads(text)


def command(arbiter: Workstation, *arguments: str) -> tuple[int, str, str]:
    done = arbiter.run("sentinel-admin", *arguments)
    return done.code, done.out, done.err


def command_here(arbiter: Workstation, *arguments: str) -> tuple[int, str, str]:
    """The same in this process: another user may not be able to run this Python."""
    out, err = io.StringIO(), io.StringIO()
    os.environ["SENTINEL_SOCKET"] = str(arbiter.socket)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        return admin.main(list(arguments)), out.getvalue(), err.getvalue()


# ------------------------------------------------------------------ who may


@pytest.mark.root
def test_another_user_may_ask_for_gpus_and_status_and_nothing_else(arbiter: Workstation) -> None:
    answers = as_nobody(lambda: [arbiter.admin(**message) for message in ADMIN])
    assert [(a["ok"], a["code"]) for a in answers] == [(False, "forbidden")] * len(ADMIN)
    assert answers[0]["error"] == "pause is for root"
    assert as_nobody(lambda: arbiter.status()["state"]) == "IDLE"

    def acquire() -> Any:
        with arbiter.connect() as client:
            return arbiter.acquire(client), arbiter.status()["leases"]

    answer, (lease,) = as_nobody(acquire)
    assert answer["event"] == "granted"
    assert lease["user"] == "nobody"


@pytest.mark.root
def test_the_command_says_so_with_exit_1(arbiter: Workstation) -> None:
    code, out, err = as_nobody(lambda: command_here(arbiter, "pause", "--reason", "mine"))
    assert (code, out, err) == (1, "", "sentinel-admin: pause is for root\n")
    code, out, err = as_nobody(lambda: command_here(arbiter, "--json", "pause"))
    assert (code, json.loads(out), err) == (1, {"ok": False, "error": "pause is for root"}, "")


@pytest.mark.root
def test_members_of_the_admin_group_may_and_others_hear_of_it(workstation: Workstation) -> None:
    group = next(g for g in grp.getgrall() if g.gr_gid not in (0, pwd.getpwnam("nobody").pw_gid))
    workstation.configure(arbiter=f'admin_group = "{group.gr_name}"')
    workstation.start()
    assert as_nobody(lambda: workstation.admin("pause"), groups=(group.gr_gid,))["ok"] is True
    refused = as_nobody(lambda: workstation.admin("resume"))
    assert refused["error"] == f"resume is for root and members of {group.gr_name}"


@pytest.mark.root
def test_another_user_s_lease_is_not_theirs_to_release(arbiter: Workstation) -> None:
    arbiter.granted("--name", "thesis")
    lease = arbiter.status()["leases"][0]["id"]

    def release() -> Any:
        with arbiter.connect() as client:
            by_id = client.ask({"v": 1, "cmd": "release", "lease": lease})
        with arbiter.connect() as client:
            return by_id, client.ask({"cmd": "release", "holder": "thesis"})

    by_id, plain = as_nobody(release)
    assert by_id["code"] == "not-found"
    assert plain["released"] is False
    assert len(arbiter.status()["leases"]) == 1


@pytest.mark.root
def test_another_user_s_process_cannot_keep_a_lease_alive(arbiter: Workstation) -> None:
    """Anyone can put any lease's name, which status shows, into the environment of a process."""

    def acquire_and_stay() -> None:
        client = arbiter.connect()
        client.send({"v": 1, "cmd": "acquire"})
        client.last_word()
        os.execvp("sleep", ["sleep", "60"])

    client = fork_as("daemon", acquire_and_stay)
    eventually(lambda: arbiter.status()["leases"], "its lease")
    (lease,) = arbiter.status()["leases"]
    assert lease["user"] == "daemon"
    mark = {"SENTINEL_LEASE": lease["id"]}
    parasite = arbiter.popen("sleep", "60", env=mark, user="nobody", group="nogroup", extra_groups=[])
    os.kill(client, signal.SIGKILL)
    os.waitpid(client, 0)
    arbiter.heals()
    assert parasite.poll() is None


# ------------------------------------------------------------------ pause, resume


def test_pause_takes_the_gpus_from_inference_until_resume(arbiter: Workstation) -> None:
    code, out, _ = command(arbiter, "pause", "--reason", "driver upgrade")
    assert (code, out) == (0, "inference is paused until `resume`\n")
    eventually(lambda: arbiter.is_now("paused"), "paused")
    status = arbiter.status()
    assert status["state"] == "RESEARCH"
    assert (status["hold"]["reason"], status["services"][0]["why"]) == (
        "driver upgrade",
        f"paused by {pwd.getpwuid(os.getuid()).pw_name}: driver upgrade",
    )
    always(lambda: not arbiter.answers(), 0.4, "it stays away")
    assert command(arbiter, "--json", "resume")[1] == '{"ok": true, "message": "resumed"}\n'
    arbiter.heals()


def test_a_pause_outlives_the_arbiter(arbiter: Workstation) -> None:
    arbiter.admin("pause", reason="upgrade")
    eventually(lambda: arbiter.is_now("paused"))
    arbiter.kill()
    arbiter.start()
    eventually(lambda: arbiter.is_now("paused"))
    always(lambda: not arbiter.answers(), 0.4, "still paused")
    assert arbiter.status()["hold"]["reason"] == "upgrade"
    arbiter.admin("resume")
    arbiter.heals()


def test_research_gets_the_gpus_during_a_pause_and_resume_does_not_end_it(arbiter: Workstation) -> None:
    arbiter.admin("pause")
    arbiter.granted()
    assert "inference still waits for lease" in arbiter.admin("resume")["message"]
    always(lambda: not arbiter.answers(), 0.4, "research has them")


# ------------------------------------------------------------------ evict


DEAF = "trap '' TERM; echo $$; while :; do sleep 0.1; done"


def test_evict_ends_a_lease_that_listens_with_term(arbiter: Workstation) -> None:
    client = arbiter.granted()
    lease = arbiter.status()["leases"][0]["id"]
    code, out, _ = command(arbiter, "evict", lease)
    assert (code, "is asked to end" in out) == (0, True)
    assert client.wait(5) == -signal.SIGTERM
    arbiter.heals()


def test_evict_kills_the_whole_of_a_tree_that_does_not_listen(arbiter: Workstation) -> None:
    client = arbiter.request("--", "sh", "-c", f'sh -c "$0" & {DEAF}', DEAF)
    pids = [int(client.stdout.readline()) for _ in range(2)]
    lease = arbiter.status()["leases"][0]["id"]
    arbiter.admin("evict", lease=lease)
    assert arbiter.status()["leases"][0]["ending_since"], "TERM first"
    assert client.wait(5) == -signal.SIGKILL
    eventually(lambda: not any(map(alive, pids)), "nobody of it is left")
    arbiter.heals()


def test_evict_and_keep_running_ends_the_lease_alone(arbiter: Workstation) -> None:
    client = arbiter.granted()
    lease = arbiter.status()["leases"][0]["id"]
    code, out, _ = command(arbiter, "evict", lease, "--keep-running")
    assert (code, "its processes go on" in out) == (0, True)
    arbiter.heals()
    assert client.poll() is None
    client.kill()
    client.wait()
    always(lambda: arbiter.status()["state"] == "IDLE", 0.2)


def test_what_is_evicted_and_still_uses_a_gpu_is_the_watchdog_s(arbiter: Workstation) -> None:
    hold = [sys.executable, "-m", "sentinel.drivers.gpus.simulated", "hold", "--gpu", "0", "--memory", "4GiB"]
    client = arbiter.request("--", *hold)
    assert "holds" in client.stdout.readline()
    arbiter.admin("evict", lease=arbiter.status()["leases"][0]["id"], keep_running=True)
    eventually(lambda: [p["pid"] for p in arbiter.status()["watchdog"]["foreign"]] == [client.pid], "seen")
    assert not arbiter.answers()
    client.kill()
    arbiter.heals()


def test_evicting_nothing_is_not_found(arbiter: Workstation) -> None:
    code, out, err = command(arbiter, "evict", "L99-none")
    assert (code, out, err) == (1, "", "sentinel-admin: no lease 'L99-none'; see sentinel-status\n")


# ------------------------------------------------------------------ cordon


def test_a_cordoned_gpu_takes_no_new_lease_until_uncordoned(arbiter: Workstation) -> None:
    assert command(arbiter, "cordon", "1", "--reason", "ECC errors")[0] == 0
    client = arbiter.granted()
    assert arbiter.status()["leases"][0]["gpu_indices"] == [0]
    client.kill()
    done = arbiter.run("sentinel-request", "--gpu-ids", "1", "--no-wait", "--", "true")
    assert done.code == 75
    assert "cordoned by" in done.err
    assert "ECC errors" in done.err
    assert command(arbiter, "uncordon", "1")[0] == 0
    assert arbiter.run("sentinel-request", "--gpu-ids", "1", "--", "true").code == 0


def test_cordoning_what_is_not_there_says_what_is(arbiter: Workstation) -> None:
    answer = arbiter.admin("cordon", gpu="7", reason="x")
    assert (answer["code"], answer["error"]) == ("not-found", "no GPU '7' (there are: 0, 1)")


def test_without_an_arbiter_it_is_69(workstation: Workstation) -> None:
    assert workstation.run("sentinel-admin", "resume").code == 69
    assert workstation.run("sentinel-admin").code == 2
