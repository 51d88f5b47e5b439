"""Clients in containers with the socket mounted: who they are is what the kernel says, or they are refused.

A container is made of its parts here: a pid namespace with a /proc of its own, a user namespace.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.workstation import Client, Workstation, alive, always, eventually

pytestmark = pytest.mark.root

PID_NAMESPACE = ("--pid", "--fork", "--mount-proc", "--kill-child")
REQUEST = f"{sys.executable} -m sentinel.arbiter.request"
SOMEBODY = 65534
NOBODY_HERE = ("setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups")


def own_pids(pid: int) -> list[int]:
    """The pids of a process, the host's first, then by namespace inwards."""
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(n) for n in status.partition("NSpid:")[2].splitlines()[0].split()]


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_lease_from_a_pid_namespace_has_the_hosts_pid(arbiter: Workstation) -> None:
    inside = "echo $$; " + REQUEST + " -- sleep 60 & wait"
    container = arbiter.popen("unshare", *PID_NAMESPACE, "sh", "-c", inside)
    assert container.stdout.readline() == "1\n", "the shell is its namespace's init"
    (lease,) = eventually(lambda: arbiter.status()["leases"], "its lease")
    pids = own_pids(lease["pid"])
    assert len(pids) == 2
    assert (pids[0], pids[1] > 1) == (lease["pid"], True)
    comm = Path(f"/proc/{lease['pid']}/comm")
    eventually(lambda: comm.read_text() == "sleep\n", "it becomes its command")
    always(lambda: arbiter.is_now("paused"), 0.4, "inference stays away")

    init = parent(lease["pid"])
    assert own_pids(init)[1] == 1
    os.kill(init, signal.SIGKILL)
    eventually(lambda: not arbiter.status()["leases"], "the namespace's end is the lease's")
    assert not alive(lease["pid"])
    arbiter.heals()


def test_a_namespaces_init_itself_can_hold_a_lease(arbiter: Workstation) -> None:
    container = arbiter.popen("unshare", *PID_NAMESPACE, "sh", "-c", f"exec {REQUEST} -- sleep 60")
    (lease,) = eventually(lambda: arbiter.status()["leases"], "its lease")
    assert own_pids(lease["pid"]) == [lease["pid"], 1]
    container.kill()  # and, by --kill-child, the namespace
    arbiter.heals()


def test_what_a_container_leaves_running_keeps_its_lease(arbiter: Workstation) -> None:
    inside = f"{REQUEST} -- sh -c 'sleep 61 & exec true'; echo over; sleep 60"
    container = arbiter.popen("unshare", *PID_NAMESPACE, "sh", "-c", inside)
    assert container.stdout.readline() == "over\n"
    (left,) = eventually(lambda: arbiter.status()["leases"][0]["survivors"], "its survivor")
    assert left["name"] in ("sleep", "sh")  # the shell's fork, before or after its exec
    assert own_pids(left["pid"])[0] == left["pid"]
    os.kill(left["pid"], signal.SIGKILL)
    arbiter.heals()


def test_two_containers_with_the_same_inner_pid_are_two_clients(arbiter: Workstation) -> None:
    for gpu in ("0", "1"):
        command = f"exec {REQUEST} --gpu-ids {gpu} -- sleep 60"
        arbiter.popen("unshare", *PID_NAMESPACE, "sh", "-c", command)
    leases = eventually(lambda: len(x := arbiter.status()["leases"]) == 2 and x, "two leases")
    pids = [lease["pid"] for lease in leases]
    assert len(set(pids)) == 2
    assert [own_pids(pid)[1] for pid in pids] == [1, 1]
    os.kill(pids[0], signal.SIGKILL)
    eventually(lambda: [le["pid"] for le in arbiter.status()["leases"]] == pids[1:], "one is left")


@pytest.fixture
def contained(workstation: Workstation, monkeypatch: pytest.MonkeyPatch) -> Workstation:
    """The arbiter is in a pid namespace of its own; the tests and their clients are not."""
    outside = workstation.arbiter_command()
    monkeypatch.setattr(workstation, "arbiter_command", lambda: ["unshare", *PID_NAMESPACE, *outside])
    workstation.start(wait=False)
    eventually(lambda: "listening on" in workstation.journal(), "it listens")
    return workstation


def test_a_client_outside_the_arbiters_pid_namespace_is_refused_with_the_reason(
    contained: Workstation,
) -> None:
    for _ in range(5):  # whoever is first, its hanging up or our asking
        done = contained.run("sentinel-request", "--", "true")
        assert (done.code, done.out) == (75, ""), done
        assert done.err.count("\n") == 1, done
        assert "refused" in done.err
        assert "another pid namespace" in done.err
    with Client(contained.socket) as client:
        answer = client.receive()
    assert (answer["ok"], answer["code"]) == (False, "identity")


def test_status_from_outside_says_the_reason_too(contained: Workstation) -> None:
    done = contained.run("sentinel-status")
    assert done.code != 0
    assert done.err.count("\n") == 1, done
    assert "another pid namespace" in done.err


def test_a_client_beside_the_contained_arbiter_is_served(contained: Workstation) -> None:
    assert contained.arbiter
    children = Path(f"/proc/{contained.arbiter.pid}/task/{contained.arbiter.pid}/children").read_text()
    enter = ("--target", children.split()[0], "--pid", "--mount")
    served = contained.run("nsenter", *enter, sys.executable, "-m", "sentinel.arbiter.request", "--", "true")
    assert (served.code, served.err) == (0, "")


# ------------------------------------------------------------------ user namespaces


def test_user_namespaces_are_permitted_here() -> None:
    """What follows means nothing without them."""
    done = subprocess.run(
        [*NOBODY_HERE, "unshare", "--map-root-user", "id", "-u"], capture_output=True, text=True
    )
    hint = "sysctl kernel.unprivileged_userns_clone user.max_user_namespaces"
    assert (done.returncode, done.stdout) == (0, "0\n"), f"{done.stderr.strip()}: see {hint}"


BECOME = """
import ctypes, gettext, locale, os, shutil, signal, sys  # whom we become may not read the files of these
import sentinel.arbiter.admin, sentinel.arbiter.request, sentinel.core.units
outside = int(sys.argv[1])
ours, theirs = os.pipe(), os.pipe()
child = os.fork()
if child:  # the container's runtime: it says who is who
    os.read(ours[0], 1)
    for kind in ("uid", "gid"):
        with open(f"/proc/{child}/{kind}_map", "w") as file:
            file.write(f"0 {outside} 1")
    os.write(theirs[1], b"x")
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
CLONE_NEWUSER = 0x10000000
if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
    sys.exit(os.strerror(ctypes.get_errno()))
os.write(ours[1], b"x")
os.read(theirs[0], 1)
os.setgroups([])
os.setresgid(0, 0, 0)
os.setresuid(0, 0, 0)
main = getattr(sentinel.arbiter, sys.argv[2]).main
sys.exit(main(sys.argv[3:]))
"""
"""Runs one of our commands as root of a user namespace, who is `argv[1]` outside of it."""


@pytest.mark.parametrize("outside", [SOMEBODY, 100000], ids=["unprivileged", "mapped"])
def test_root_in_a_user_namespace_is_who_it_is_outside(arbiter: Workstation, outside: int) -> None:
    become = (sys.executable, "-c", BECOME, str(outside))
    container = ("unshare", *PID_NAMESPACE)
    admin = arbiter.run(*container, *become, "admin", "pause")
    assert (admin.code, admin.out) == (1, ""), admin
    assert "pause is for root" in admin.err
    assert arbiter.status()["hold"] is None

    client = arbiter.popen(*container, *become, "request", "--", "sh", "-c", "id -u; sleep 60")
    assert client.stdout.readline() == "0\n", "it takes itself for root"
    (lease,) = arbiter.status()["leases"]
    assert lease["uid"] == outside
    assert lease["user"] == ("nobody" if outside == SOMEBODY else str(outside))
    assert len(own_pids(lease["pid"])) == 2
    client.kill()
    arbiter.heals()


def test_without_a_map_everyone_is_nobody_to_themselves_not_to_the_arbiter(arbiter: Workstation) -> None:
    done = arbiter.run("unshare", "--user", "sh", "-c", f"id -u; exec {REQUEST} -- id -u")
    assert (done.code, done.out) == (0, "65534\n65534\n"), done
    (granted,) = [line for line in arbiter.journal().splitlines() if "granted" in line]
    assert "nobody" not in granted
