"""kill -9 of anything in any state: nothing lost, nothing stuck, and status always has the reason."""

import contextlib
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.e2e.workstation import Workstation, alive, always, eventually

State = Callable[[Workstation], Any]


@pytest.fixture
def slow(workstation: Workstation) -> Workstation:
    """A service that takes half a second to leave, so that there is time to do something to it."""
    table = re.sub("stop_timeout = .*", "stop_timeout = 0.5", workstation.service("chat", "stubborn"))
    workstation.configure(table, arbiter="resume_delay = 0.3")
    workstation.start()
    return workstation.ready()


def waiting(ws: Workstation) -> Any:
    """A request that waits for another's lease."""
    ws.granted("--gpus", "2")
    client = ws.request("--", "sleep", "60")
    eventually(lambda: ws.status()["queue"], "it waits")
    return client


def preparing(ws: Workstation) -> Any:
    """A request for which inference is leaving the GPUs."""
    client = ws.request("--", "sleep", "60")
    eventually(lambda: ws.is_now("pausing"), "inference is leaving")
    return client


def granted(ws: Workstation) -> Any:
    """A command that runs."""
    return ws.granted()


def coming_back(ws: Workstation) -> Any:
    """Research has ended, inference is not back yet."""
    client = ws.granted()
    client.kill()
    client.wait()
    eventually(lambda: ws.status()["state"] == "RESUMING", "coming back")
    return client


def starting(ws: Workstation) -> Any:
    """Inference is being started."""
    client = coming_back(ws)
    eventually(lambda: ws.is_now("resuming"), "being started")
    return client


STATES = [waiting, preparing, granted, coming_back, starting]


def end_all_research(ws: Workstation, but: int = 0) -> None:
    for lease in ws.status()["leases"]:
        if lease["pid"] == but:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(lease["pid"], signal.SIGKILL)


def settles(ws: Workstation, *, client: Any = None) -> None:
    """The invariants hold all along; a client that still lives gets its lease; then all is as before."""
    always(lambda: ws.check_invariants() is None, 0.2)
    if client is not None and client.poll() is None:

        def served() -> bool:
            ws.check_invariants()
            leases = ws.status()["leases"]
            if client.pid not in [le["pid"] for le in leases]:
                end_all_research(ws, but=client.pid)  # whoever it waits for
                return False
            return True

        eventually(served, "who still asks is served")
        assert not ws.answers(), "inference beside research"
        client.kill()
        client.wait()
    end_all_research(ws)
    ws.heals()
    assert ws.answers()
    living = [pid for pid in ws.starts() if alive(pid)]
    assert len(living) == 1, "one inference server, not two"


@pytest.mark.parametrize("reach", STATES, ids=lambda s: s.__name__)
def test_the_arbiter_is_killed_and_started_again(slow: Workstation, reach: State) -> None:
    client = reach(slow)
    slow.kill()
    slow.start()
    settles(slow, client=client)


@pytest.mark.parametrize("reach", STATES, ids=lambda s: s.__name__)
def test_the_arbiter_is_killed_twice_in_a_row(slow: Workstation, reach: State) -> None:
    client = reach(slow)
    slow.kill()
    slow.start(wait=False)
    time.sleep(0.12)  # somewhere in its start
    slow.kill()
    slow.start()
    settles(slow, client=client)


@pytest.mark.parametrize("reach", [waiting, preparing, granted], ids=lambda s: s.__name__)
def test_who_asked_is_killed(slow: Workstation, reach: State) -> None:
    client = reach(slow)
    client.kill()
    client.wait()
    settles(slow)


@pytest.mark.parametrize("reach", [waiting, preparing, granted], ids=lambda s: s.__name__)
def test_who_asked_is_killed_while_there_is_no_arbiter(slow: Workstation, reach: State) -> None:
    client = reach(slow)
    slow.kill()
    client.kill()
    client.wait()
    slow.start()
    settles(slow)


@pytest.mark.parametrize("reach", [preparing, starting], ids=lambda s: s.__name__)
def test_the_service_is_killed_on_its_way(slow: Workstation, reach: State) -> None:
    client = reach(slow)
    for pid in slow.starts():
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    settles(slow, client=client)


def test_a_service_that_is_killed_is_started_again(slow: Workstation) -> None:
    os.kill(slow.starts()[0], signal.SIGKILL)
    eventually(lambda: slow.is_now("failed"), "noticed")
    assert "killed by SIGKILL" in slow.service_now()["why"]
    assert slow.status()["state"] == "RESUMING"
    slow.heals()
    assert len(slow.starts()) == 2


@pytest.mark.parametrize("reach", STATES, ids=lambda s: s.__name__)
def test_arbiter_and_service_are_killed_together(slow: Workstation, reach: State) -> None:
    client = reach(slow)
    slow.kill()
    for pid in slow.starts():
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    slow.start()
    settles(slow, client=client)


def test_a_restarted_arbiter_does_not_start_inference_beside_research(workstation: Workstation) -> None:
    """Not even for a moment, and not even when it may grant without knowing."""
    for blind in ("false", "true"):
        workstation.configure(arbiter=f"grant_when_unknown = {blind}")
        workstation.start()
        workstation.ready()
        client = workstation.granted()
        before = workstation.starts()
        for _ in range(3):
            workstation.kill()
            workstation.start()
            always(lambda: not workstation.answers(), 0.3)
        assert workstation.starts() == before, f"grant_when_unknown = {blind}"
        client.kill()
        workstation.heals()
        workstation.stop()


# ------------------------------------------------------------------ trees


DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
print(os.getpid(), flush=True)
os.close(1); os.close(2)
time.sleep(60)
"""


@pytest.mark.parametrize("restart", [False, True])
def test_a_grandchild_that_became_a_daemon_keeps_the_lease_until_it_ends(
    arbiter: Workstation, restart: bool
) -> None:
    client = arbiter.request("--", "sh", "-c", f"python3 -c '{DAEMON}'; exit 3")
    daemon = int(client.stdout.readline())
    assert client.wait(5) == 3
    if restart:
        arbiter.kill()
        arbiter.start()

    def left() -> list[int]:
        return [s["pid"] for lease in arbiter.status()["leases"] for s in lease["survivors"]]

    eventually(lambda: left() == [daemon], "status says who is left")
    always(lambda: not arbiter.answers() and arbiter.status()["leases"], 0.3, "the lease stands")
    os.kill(daemon, signal.SIGKILL)
    arbiter.heals()


def test_many_commands_that_leave_one_behind_in_the_very_last_moment(arbiter: Workstation) -> None:
    """The child is in the middle of its exec when the command ends: it is seen all the same."""
    line = "for i in 1 2 3 4 5; do setsid sleep 1.2 & done"
    clients = [
        arbiter.request("--", "sh", "-c", line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(10)
    ]
    assert [client.wait(8) for client in clients] == [0] * 10
    assert len(arbiter.status()["leases"]) >= 8, "those that ended first may be over by now"
    lost = re.findall("released .*: its processes have ended", arbiter.journal())
    assert lost == []
    arbiter.heals()


def test_the_wrapper_s_process_group_is_part_of_the_lease(arbiter: Workstation) -> None:
    """A job of an interactive shell; its children may have wiped their environment."""
    client = arbiter.request("--", "sh", "-c", "env -i sleep 60 & echo $!; exit 0", process_group=0)
    child = int(client.stdout.readline())
    client.wait(5)
    eventually(lambda: arbiter.status()["leases"][0]["survivors"])
    assert [s["pid"] for s in arbiter.status()["leases"][0]["survivors"]] == [child]
    os.kill(child, signal.SIGKILL)
    arbiter.heals()


# ------------------------------------------------------------------ all at once


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_faults(slow: Workstation, seed: int) -> None:
    """Thirty things in any order; whatever it was, the invariants hold and inference is back in the end."""
    pick = random.Random(seed)
    clients: list[Any] = []

    def ask() -> None:
        options = pick.choice([(), ("--gpus", "1"), ("--gpus", "2"), ("--memory", "10GiB"), ("--no-wait",)])
        clients.append(slow.request("--quiet", *options, "--", "sleep", str(pick.choice([0.1, 1, 60]))))

    def kill_a_client() -> None:
        if clients:
            clients.pop(pick.randrange(len(clients))).kill()

    def kill_the_service() -> None:
        for pid in slow.starts()[-1:]:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)

    def restart() -> None:
        pick.choice([slow.kill, slow.stop])()
        time.sleep(pick.choice([0, 0.1]))
        slow.start()

    def garbage() -> None:
        with slow.connect() as client:
            client.send(pick.randbytes(500))

    things = [ask, ask, ask, kill_a_client, kill_a_client, kill_the_service, restart, garbage]
    for _ in range(30):
        pick.choice(things)()
        time.sleep(pick.choice([0, 0.02, 0.1]))
        slow.check_invariants()
    for client in clients:
        client.kill()
    settles(slow)
