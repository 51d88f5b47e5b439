"""Several people on one machine: whole GPUs, shares of one, waiting in line, GPUs taken out of service."""

import getpass
import re
import time
from typing import Any

import pytest
from tests.e2e.terminal import Terminal
from tests.e2e.workstation import GIB, Done, Workstation, always, eventually

ME = getpass.getuser()
DEVICES = ("sh", "-c", 'echo "$CUDA_VISIBLE_DEVICES"; exec sleep 60')


def uuid(workstation: Workstation, index: int) -> str:
    return workstation.status()["gpus"][index]["uuid"]


def devices(client: Any) -> str:
    """What a client that runs DEVICES was given."""
    return client.stdout.readline().strip()


def refused_in_one_line(done: Done) -> str:
    """The line; the exit code is EX_TEMPFAIL and the command did not run."""
    assert (done.code, done.out) == (75, ""), done
    assert re.fullmatch(r"sentinel-request: refused: [^\n]+\n", done.err), done
    return done.err


# ------------------------------------------------------------------ whole GPUs


def test_two_who_want_one_gpu_each_run_side_by_side_and_a_third_waits(arbiter: Workstation) -> None:
    first = arbiter.granted("--gpus", "1", command=DEVICES)
    second = arbiter.granted("--gpus", "1", command=DEVICES)
    given = {devices(first), devices(second)}
    assert given == {uuid(arbiter, 0), uuid(arbiter, 1)}
    third = arbiter.request("--gpus", "1", "--", *DEVICES)
    eventually(lambda: arbiter.status()["queue"], "the third waits")
    always(lambda: third.poll() is None and len(arbiter.status()["leases"]) == 2, 0.3)
    second.kill()
    assert devices(third) in given
    assert len(arbiter.status()["leases"]) == 2


@pytest.mark.parametrize("how", [("--no-wait",), ("--timeout", "0.3"), ("--timeout", "300ms", "--quiet")])
def test_who_does_not_wait_is_told_who_holds_what(arbiter: Workstation, how: tuple[str, ...]) -> None:
    for gpu in ("0", "1"):
        arbiter.granted("--gpu-ids", gpu)
    leases = arbiter.status()["leases"]
    began = time.monotonic()
    line = refused_in_one_line(arbiter.run("sentinel-request", "--gpus", "1", *how, "--", "true"))
    waited = time.monotonic() - began
    what = [
        f"GPU {le['gpu_indices'][0]}, held by lease {le['id']} of {le['user']} (sleep 60)" for le in leases
    ]
    assert any(text in line for text in what), line
    assert waited < 2
    if "--no-wait" not in how:
        assert waited >= 0.3
        assert re.search(r"not within 3\d\d ms: ", line)
    assert arbiter.status()["queue"] == [], "it waits no more"


def test_a_gpu_by_its_number_or_its_name(arbiter: Workstation) -> None:
    one = arbiter.granted("--gpu-ids", "1", command=DEVICES)
    assert devices(one) == uuid(arbiter, 1)
    zero = arbiter.granted("--gpu-ids", uuid(arbiter, 0), "--indices", command=DEVICES)
    assert devices(zero) == "0"
    line = refused_in_one_line(arbiter.run("sentinel-request", "--gpu-ids", "7", "--", "true"))
    assert "no GPU 7" in line


def test_more_gpus_than_there_are_is_said_at_once(arbiter: Workstation) -> None:
    line = refused_in_one_line(arbiter.run("sentinel-request", "--gpus", "3", "--", "true"))
    assert "this machine has 2" in line


# ------------------------------------------------------------------ shares by memory


def test_a_share_that_fits_beside_inference_leaves_it_be_and_a_bigger_one_does_not(
    arbiter: Workstation,
) -> None:
    small = arbiter.granted("--memory", "20GiB", command=DEVICES)
    assert devices(small) in {uuid(arbiter, 0), uuid(arbiter, 1)}
    (lease,) = arbiter.status()["leases"]
    assert (lease["sharing"], lease["memory_bytes"], len(lease["gpus"])) == ("slice", 20 * GIB, 1)
    always(lambda: arbiter.is_now("running") and arbiter.answers(), 0.4, "inference runs on")
    small.kill()
    eventually(lambda: not arbiter.status()["leases"])
    assert len(arbiter.starts()) == 1

    big = arbiter.granted("--memory", "70GiB", command=DEVICES)
    assert devices(big)
    assert arbiter.is_now("paused")
    big.kill()
    arbiter.heals()


def test_shares_add_up_to_a_card_at_most(workstation: Workstation) -> None:
    workstation.configure(workstation.service("chat", gpus="[0]"), gpus="simulated:1")
    workstation.start()
    workstation.ready()
    for _ in range(2):
        workstation.granted("--memory", "30GiB")
    line = refused_in_one_line(
        workstation.run("sentinel-request", "--memory", "30GiB", "--no-wait", "--", "true")
    )
    assert "GPU 0" in line
    assert "30 GiB" in line or all(le["id"] in line for le in workstation.status()["leases"])
    assert workstation.granted("--memory", "20GiB").poll() is None
    line = refused_in_one_line(workstation.run("sentinel-request", "--memory", "81GiB", "--", "true"))
    assert "80 GiB" in line


# ------------------------------------------------------------------ the queue


def test_a_waiting_exclusive_request_closes_the_gate_for_later_shared_ones(arbiter: Workstation) -> None:
    first = arbiter.granted()
    exclusive = arbiter.request("--gpus", "2", "--", "sleep", "60")
    eventually(lambda: len(arbiter.status()["queue"]) == 1, "the exclusive one waits")
    later = arbiter.request("--", "sleep", "60")
    eventually(lambda: len(arbiter.status()["queue"]) == 2, "so does who comes later")
    always(lambda: len(arbiter.status()["leases"]) == 1, 0.3, "although the GPUs are shared by now")
    assert [q["pid"] for q in arbiter.status()["queue"]] == [exclusive.pid, later.pid]
    line = refused_in_one_line(arbiter.run("sentinel-request", "--no-wait", "--", "true"))
    assert arbiter.status()["leases"][0]["id"] in line

    first.kill()
    eventually(lambda: [le["pid"] for le in arbiter.status()["leases"]] == [exclusive.pid], "its turn")
    assert [q["pid"] for q in arbiter.status()["queue"]] == [later.pid]
    exclusive.kill()
    eventually(lambda: [le["pid"] for le in arbiter.status()["leases"]] == [later.pid], "the gate is open")


def test_who_gives_up_waiting_opens_the_gate(arbiter: Workstation) -> None:
    first = arbiter.granted()
    exclusive = arbiter.request("--gpus", "2", "--", "sleep", "60")
    eventually(lambda: arbiter.status()["queue"])
    later = arbiter.request("--", "sleep", "60")
    eventually(lambda: len(arbiter.status()["queue"]) == 2)
    exclusive.kill()
    pids = {first.pid, later.pid}
    eventually(lambda: {le["pid"] for le in arbiter.status()["leases"]} == pids, "the later one shares")


def test_status_says_why_each_waits_and_since_when(arbiter: Workstation) -> None:
    holder = arbiter.granted("--gpus", "2")
    lease = arbiter.status()["leases"][0]["id"]
    clients = [arbiter.request("--gpu-ids", gpu, "--", "true") for gpu in ("0", "1")]
    eventually(lambda: len(arbiter.status()["queue"]) == 2)
    time.sleep(1.0)
    for entry in arbiter.status()["queue"]:
        assert lease in entry["why"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", entry["since"])
        assert 1.0 <= entry["waited_seconds"] < 5
    text = arbiter.run("sentinel-status").out
    waiting = text.partition("WAITING\n")[2].splitlines()[:2]
    assert {str(c.pid) for c in clients} == {m[1] for w in waiting if (m := re.search(r"pid (\d+)", w))}
    for line in waiting:
        assert re.search(rf"for \d s: waits for GPU [01], held by .*{lease}", line), line
    holder.kill()
    assert [c.wait(6) for c in clients] == [0, 0]


# ------------------------------------------------------------------ cordons


def test_a_cordoned_gpu_gets_no_new_lease_and_everyone_can_see_why(arbiter: Workstation) -> None:
    holder = arbiter.granted("--gpu-ids", "1")
    done = arbiter.run("sentinel-admin", "cordon", "1", "--reason", "the fan rattles")
    assert (done.code, done.out) == (0, "GPU 1 takes no new lease until `uncordon`\n")
    assert holder.poll() is None, "who has it keeps it"
    holder.kill()
    eventually(lambda: not arbiter.status()["leases"])

    line = refused_in_one_line(arbiter.run("sentinel-request", "--gpu-ids", "1", "--no-wait", "--", "true"))
    assert f"GPU 1 is cordoned by {ME}: the fan rattles" in line
    assert f"cordoned by {ME}: the fan rattles" in arbiter.run("sentinel-status").out
    assert arbiter.status()["gpus"][1]["cordon"]["reason"] == "the fan rattles"
    assert devices(arbiter.granted("--gpus", "1", command=DEVICES)) == uuid(arbiter, 0)


def test_too_few_gpus_for_a_cordon_says_so(arbiter: Workstation) -> None:
    assert arbiter.admin("cordon", gpu="1", reason="the fan rattles")["ok"]
    line = refused_in_one_line(arbiter.run("sentinel-request", "--gpus", "2", "--no-wait", "--", "true"))
    assert "GPU 1" in line
    assert "the fan rattles" in line


def test_with_every_gpu_cordoned_even_shared_ones_wait(arbiter: Workstation) -> None:
    for gpu in ("0", "1"):
        assert arbiter.admin("cordon", gpu=gpu, reason="moving house")["ok"]
    line = refused_in_one_line(arbiter.run("sentinel-request", "--no-wait", "--", "true"))
    assert "moving house" in line
    waiting = arbiter.request("--", "true")
    assert "moving house" in eventually(lambda: arbiter.status()["queue"])[0]["why"]
    always(lambda: arbiter.is_now("running"), 0.3, "nothing is paused for who cannot have it")
    assert arbiter.admin("uncordon", gpu="0")["ok"]
    assert waiting.wait(6) == 0


def test_a_cordon_survives_a_restart_and_ends_when_it_is_lifted(arbiter: Workstation) -> None:
    assert arbiter.run("sentinel-admin", "cordon", "1", "--reason", "the fan rattles").code == 0
    arbiter.kill()
    arbiter.start()
    cordon = eventually(lambda: arbiter.status()["gpus"], "the first reading")[1]["cordon"]
    assert (cordon["by"], cordon["reason"]) == (ME, "the fan rattles")
    waiting = arbiter.request("--gpu-ids", "1", "--", "true")
    eventually(lambda: arbiter.status()["queue"], "it waits")
    assert "the fan rattles" in arbiter.status()["queue"][0]["why"]
    assert arbiter.run("sentinel-admin", "uncordon", "1").out == "GPU 1 takes leases again\n"
    assert waiting.wait(6) == 0
    assert arbiter.status()["gpus"][1]["cordon"] is None


def test_a_cordon_that_was_confirmed_is_not_lost_with_the_arbiter(arbiter: Workstation) -> None:
    """Killed the moment it has answered; whatever was said to be done is on disk by then."""
    for attempt in range(4):
        with arbiter.connect() as client:
            assert client.ask({"v": 1, "cmd": "cordon", "gpu": "1", "reason": f"try {attempt}"})["ok"]
            arbiter.kill()
        arbiter.start()
        cordon = eventually(lambda: arbiter.status()["gpus"], "the first reading")[1]["cordon"]
        assert cordon is not None, f"try {attempt}"
        assert cordon["reason"] == f"try {attempt}"


# ------------------------------------------------------------------ the live view


def test_watching_on_a_terminal_shows_changes_and_ends_with_ctrl_c(arbiter: Workstation) -> None:
    with Terminal(arbiter, "sentinel-status", "--watch") as terminal:
        terminal.shows("IDLE")
        seen = len(terminal.shown)
        client = arbiter.granted("--name", "thesis")
        terminal.shows("RESEARCH", after=seen)
        lease = arbiter.status()["leases"][0]["id"]
        terminal.shows(f"pid {client.pid}", after=seen)
        assert lease in terminal.shown
        assert "\x1b[H\x1b[2J" in terminal.shown, "it paints over itself"
        seen = len(terminal.shown)
        client.kill()
        terminal.shows("IDLE", after=seen)
        terminal.press(b"\x03")
        assert terminal.process.wait(4) == 0
        assert "Traceback" not in terminal.read(0.1)


def test_watching_into_a_pipe_has_no_escapes_and_ends_with_its_reader(arbiter: Workstation) -> None:
    watching = arbiter.popen("sentinel-status", "--watch")
    assert watching.stdout.readline().startswith("IDLE  ")
    arbiter.granted()
    line = eventually(lambda: next((x for x in watching.stdout if x.startswith("RESEARCH")), ""))
    assert "\x1b" not in line
    watching.stdout.close()
    assert watching.wait(4) == 0
    assert watching.stderr.read() == ""
    watching.stdout = None


def test_watching_is_told_when_the_arbiter_goes(arbiter: Workstation) -> None:
    with Terminal(arbiter, "sentinel-status", "--watch") as terminal:
        terminal.shows("IDLE")
        arbiter.kill()
        assert terminal.process.wait(4) == 69
        assert "Traceback" not in terminal.shows("hung up")
