"""The watchdog: who uses a GPU without asking pauses inference, and is never touched."""

import re
import sys

import pytest
from tests.e2e.workstation import GIB, Workstation, always, eventually

HOLD = [sys.executable, "-m", "sentinel.drivers.gpus.simulated", "hold"]

LISTENING = """
import os, signal, sys, time
from pathlib import Path
from sentinel.drivers.gpus.simulated_claims import claim
got = []
for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGALRM}:
    signal.signal(number, lambda n, _: got.append(n))
claim(Path(os.environ["SENTINEL_SIMULATED_DIR"]), [0], 4 * 2**30)
print("holds", flush=True)
end = time.monotonic() + 1.5
while time.monotonic() < end: time.sleep(0.05)
print(got, flush=True)
"""


def test_a_rogue_process_pauses_inference_and_is_named(arbiter: Workstation) -> None:
    rogue = arbiter.hold(memory="5GiB")
    eventually(lambda: arbiter.is_now("paused"), "inference steps aside")
    assert not arbiter.answers()
    status = arbiter.status()
    assert status["state"] == "RESEARCH"
    (foreign,) = status["watchdog"]["foreign"]
    want = {"pid": rogue.pid, "gpu_index": 0, "memory_bytes": 5 * GIB}
    assert want.items() <= foreign.items()
    assert f"(pid {rogue.pid}) uses GPU 0 without a lease" in status["services"][0]["why"]
    assert status["leases"] == []
    assert arbiter.journal().count("uses GPU 0 without a lease") >= 1
    rogue.kill()
    arbiter.heals()


def test_the_rogue_process_gets_no_signal_and_runs_to_its_end(arbiter: Workstation) -> None:
    rogue = arbiter.python(LISTENING)
    assert rogue.stdout.readline()
    eventually(lambda: arbiter.is_now("paused"), "inference steps aside")
    out, err = rogue.communicate(timeout=6)
    assert (rogue.returncode, out, err) == (0, "[]\n", "")
    arbiter.heals()


def test_only_the_service_on_that_gpu_is_paused(workstation: Workstation) -> None:
    workstation.configure(workstation.service("a", gpus="[0]"), workstation.service("b", gpus="[1]"))
    workstation.start()
    workstation.ready()
    workstation.hold(gpu=1)
    eventually(lambda: workstation.is_now("paused", name="b"))
    always(lambda: workstation.answers("a"), 0.4)


@pytest.mark.parametrize("name", ["Xorg", "nvidia-smi", "nvtop", "my-monitor"])
def test_a_process_of_an_ignored_name_pauses_nothing(workstation: Workstation, name: str) -> None:
    workstation.configure(rest='[watchdog]\nignore = ["my-monitor"]')
    workstation.start()
    workstation.ready()
    argv = " ".join([*HOLD, "--gpu", "0", "--memory", "1GiB"])
    process = workstation.popen("bash", "-c", f"exec -a /usr/bin/{name} {argv}")
    assert process.stdout.readline()
    eventually(
        lambda: [
            p for p in workstation.status()["gpus"][0]["processes"] if p["name"] == name and p["ignored"]
        ],
        "it is listed as ignored",
    )
    always(workstation.answers, 0.4)
    assert workstation.status()["watchdog"]["foreign"] == []


def test_one_that_only_draws_pauses_nothing(arbiter: Workstation) -> None:
    arbiter.hold("--graphics")
    always(arbiter.answers, 0.5)


def test_a_monitor_in_a_loop_pauses_nothing(arbiter: Workstation) -> None:
    """Many short-lived processes that look at GPUs and compute nothing."""
    loop = arbiter.popen(
        "sh", "-c", f"while :; do {sys.executable} -m sentinel.arbiter.status --json; done >/dev/null"
    )
    always(arbiter.answers, 0.8)
    loop.kill()


def test_what_runs_inside_a_lease_is_covered_by_gpu_not_by_parentage(arbiter: Workstation) -> None:
    """As with `docker run`: the process on the GPU is a daemon's child, not the command's."""
    client = arbiter.granted("--gpu-ids", "0")
    elsewhere = arbiter.hold(gpu=0)
    always(lambda: arbiter.status()["watchdog"]["foreign"] == [], 0.4)
    client.kill()
    eventually(
        lambda: [p["pid"] for p in arbiter.status()["watchdog"]["foreign"]] == [elsewhere.pid], "now it is"
    )
    assert not arbiter.answers()
    elsewhere.kill()
    arbiter.heals()


def test_the_watchdog_may_be_switched_off(workstation: Workstation) -> None:
    workstation.configure(rest="[watchdog]\nenabled = false")
    workstation.start()
    workstation.ready()
    workstation.hold()
    always(workstation.answers, 0.5)
    assert workstation.status()["watchdog"]["enabled"] is False


def test_it_may_be_given_a_moment_s_grace(workstation: Workstation) -> None:
    workstation.configure(rest="[watchdog]\ngrace = 0.7")
    workstation.start()
    workstation.ready()
    brief = workstation.hold("--seconds", "0.2")
    always(workstation.answers, 0.6)
    brief.wait(5)
    workstation.hold()
    always(workstation.answers, 0.3)
    eventually(lambda: workstation.is_now("paused"), "past the grace")


def test_resume_accepts_a_rogue_process_and_the_next_one_counts_again(arbiter: Workstation) -> None:
    arbiter.hold()
    eventually(lambda: arbiter.is_now("paused"))
    arbiter.admin("resume")
    eventually(arbiter.answers, "inference beside it, as the admin wants")
    arbiter.hold(gpu=1)
    eventually(lambda: arbiter.is_now("paused"), "another one is another matter")


def test_a_rogue_that_is_there_before_the_arbiter_is_seen(workstation: Workstation) -> None:
    rogue = workstation.hold()
    workstation.start()
    eventually(lambda: workstation.status()["watchdog"]["foreign"], "seen")
    always(lambda: not workstation.answers(), 0.4, "inference is not started beside it")
    workstation.check_invariants()
    rogue.kill()
    workstation.heals()


@pytest.mark.parametrize("drawing", [True, False])
def test_a_refusal_names_the_system_s_own_processes_where_they_are_what_holds_the_memory(
    workstation: Workstation, drawing: bool
) -> None:
    workstation.configure(arbiter="grant_timeout = 0.6")
    workstation.start()
    workstation.ready()
    argv = " ".join([*HOLD, "--gpu", "0", "--memory", "20GiB", *(["--graphics"] if drawing else [])])
    desktop = workstation.popen("bash", "-c", f"exec -a {'game' if drawing else 'Xorg'} {argv}")
    assert desktop.stdout.readline()
    done = workstation.run("sentinel-request", "--gpu-ids", "0", "--memory", "70GiB", "--", "echo", "ran")
    assert (done.code, done.out) == (75, "")
    assert re.search(rf"pid {desktop.pid}, 20 GiB", done.err), done.err
    workstation.heals()
