"""GPUs that cannot be read: unknown is never idle, never free; everything stays as it is, and says so."""

import re
import statistics
import time
from collections.abc import Iterator

import pytest
from tests.e2e.workstation import Workstation, always, eventually
from tests.fakes.cards import Occupant, cards
from tests.fakes.nvidia_smi import NvidiaSmi


def break_readings(workstation: Workstation, why: str = "driver mismatch") -> None:
    (workstation.claims / "fault").write_text(why + "\n")
    eventually(lambda: workstation.status()["watchdog"]["state"] == "unknown", "unknown")


def mend_readings(workstation: Workstation) -> None:
    (workstation.claims / "fault").unlink()
    eventually(lambda: workstation.status()["watchdog"]["state"] == "ok", "known again")


def test_status_says_that_and_since_when_and_shows_no_old_numbers(arbiter: Workstation) -> None:
    break_readings(arbiter)
    status = arbiter.status()
    since = status["watchdog"]["since"]
    assert status["watchdog"]["why"] == "driver mismatch"
    assert [g["memory_used_bytes"] for g in status["gpus"]] == [None, None]
    assert [g["processes"] for g in status["gpus"]] == [None, None]
    time.sleep(0.3)
    assert arbiter.status()["watchdog"]["since"] == since, "the first failure counts"
    shown = arbiter.run("sentinel-status").out
    assert f"GPU readings are unknown since {since}: driver mismatch" in shown
    assert "everything stays as it is" in arbiter.journal()
    mend_readings(arbiter)
    assert arbiter.status()["watchdog"]["since"] is None


def test_inference_that_runs_runs_on(arbiter: Workstation) -> None:
    break_readings(arbiter)
    always(arbiter.answers, 0.5)
    assert arbiter.status()["state"] == "IDLE"


def test_a_request_is_refused_with_the_reason_and_nothing_is_paused_for_it(arbiter: Workstation) -> None:
    break_readings(arbiter)
    for options in ((), ("--gpus", "1"), ("--memory", "1GiB")):
        done = arbiter.run("sentinel-request", *options, "--", "echo", "ran")
        assert (done.code, done.out) == (75, "")
        assert "refused: the GPUs cannot be read (driver mismatch" in done.err
        assert done.err.count("driver mismatch") == 1, "once is enough"
    assert len(arbiter.starts()) == 1
    mend_readings(arbiter)
    assert arbiter.run("sentinel-request", "--", "true").code == 0


def test_inference_that_is_paused_stays_paused_until_readings_are_back(arbiter: Workstation) -> None:
    client = arbiter.granted()
    break_readings(arbiter)
    client.kill()
    eventually(lambda: not arbiter.status()["leases"], "the lease ends all the same")
    always(lambda: not arbiter.answers(), 0.6, "it is not known whether the GPUs are quiet")
    assert re.search("cannot be read", arbiter.service_now()["why"])
    assert arbiter.status()["state"] == "RESUMING"
    mend_readings(arbiter)
    arbiter.heals()


def test_resume_overrides(arbiter: Workstation) -> None:
    client = arbiter.granted()
    break_readings(arbiter)
    client.kill()
    eventually(lambda: arbiter.status()["state"] == "RESUMING")
    assert arbiter.admin("resume")["ok"]
    eventually(arbiter.answers, "inference is back although nothing can be read")
    assert arbiter.status()["watchdog"]["state"] == "unknown"


def test_readings_that_fail_while_inference_leaves_refuse_in_the_end(workstation: Workstation) -> None:
    """What left cannot be proved to have left; so it comes back."""
    table = re.sub("stop_timeout = .*", "stop_timeout = 0.5", workstation.service("chat", "stubborn"))
    workstation.configure(table, arbiter="grant_timeout = 1")
    workstation.start()
    workstation.ready()
    client = workstation.request("--", "echo", "ran")
    eventually(lambda: workstation.is_now("pausing"))
    break_readings(workstation)
    out, err = client.communicate(timeout=6)
    assert (client.returncode, out) == (75, "")
    assert "the GPUs cannot be read (driver mismatch" in err
    mend_readings(workstation)
    workstation.heals()


def test_a_rogue_process_that_was_seen_still_keeps_inference_away(arbiter: Workstation) -> None:
    rogue = arbiter.hold()
    eventually(lambda: arbiter.is_now("paused"))
    break_readings(arbiter)
    rogue.kill()
    always(lambda: not arbiter.answers(), 0.5)
    mend_readings(arbiter)
    arbiter.heals()


def test_it_may_be_told_to_grant_without_knowing(workstation: Workstation) -> None:
    workstation.configure(arbiter="grant_when_unknown = true")
    workstation.start()
    workstation.ready()
    break_readings(workstation)
    done = workstation.run(
        "sentinel-request",
        "--",
        "sh",
        "-c",
        f"test -S {workstation.folder}/chat.sock && echo $CUDA_VISIBLE_DEVICES",
    )
    assert done.code == 0
    assert len(done.out.split(",")) == 2
    assert len(workstation.starts()) >= 1
    eventually(workstation.answers, "inference is back")
    assert len(workstation.starts()) == 2, "it had been stopped for that"


def test_blind_from_the_start_it_is_unknown_and_refuses(workstation: Workstation) -> None:
    (workstation.claims / "fault").write_text("no driver\n")
    workstation.start()
    eventually(lambda: workstation.status()["watchdog"]["why"] == "no driver")
    done = workstation.run("sentinel-request", "--", "echo", "ran")
    assert (done.code, done.out) == (75, "")
    assert "no driver" in done.err
    workstation.check_invariants()
    mend_readings(workstation)
    workstation.heals()


def test_a_restart_while_blind_keeps_leases_and_pauses(arbiter: Workstation) -> None:
    client = arbiter.granted()
    break_readings(arbiter)
    arbiter.kill()
    arbiter.start()
    always(lambda: not arbiter.answers() and len(arbiter.status()["leases"]) == 1, 0.5)
    arbiter.check_invariants()
    client.kill()
    always(lambda: not arbiter.answers(), 0.4)
    arbiter.check_invariants()
    mend_readings(arbiter)
    arbiter.heals()


# ------------------------------------------------------------------ nvidia-smi


@pytest.fixture
def smi(workstation: Workstation) -> Iterator[NvidiaSmi]:
    """Two cards by a stand-in nvidia-smi, and an arbiter that asks it."""
    stand_in = NvidiaSmi(workstation.folder)
    stand_in.show(cards(2))
    workstation.env["PATH"] = stand_in.environment["PATH"]
    workstation.configure(gpus="smi", arbiter="read_timeout = 0.3\ngrant_timeout = 1")
    workstation.start()
    workstation.ready()
    yield stand_in


def test_a_driver_that_hangs_is_unknown_and_stalls_nobody(workstation: Workstation, smi: NvidiaSmi) -> None:
    eventually(lambda: workstation.status()["watchdog"]["state"] == "ok")
    smi.show(cards(2), hang=True)
    eventually(lambda: workstation.status()["watchdog"]["state"] == "unknown", "noticed")
    watchdog = workstation.status()["watchdog"]
    assert re.match(r"the GPU driver has not answered for \d+ m?s", watchdog["why"])
    assert watchdog["since"]
    times: list[float] = []
    for _ in range(20):
        started = time.monotonic()
        workstation.status()
        times.append(time.monotonic() - started)
    assert statistics.median(times) < 0.1
    done = workstation.run("sentinel-request", "--", "echo", "ran")
    assert (done.code, done.out) == (75, "")
    assert "has not answered" in done.err
    assert workstation.answers()
    assert workstation.stop() == 0, "nor does it keep the arbiter from stopping"


def test_a_driver_that_fails_says_what_it_said(workstation: Workstation, smi: NvidiaSmi) -> None:
    said = "Failed to initialize NVML: Driver/library version mismatch"
    smi.say(stdout=said + "\n", code=18)
    eventually(lambda: workstation.status()["watchdog"]["state"] == "unknown")
    assert "version mismatch" in workstation.status()["watchdog"]["why"]
    smi.show(cards(2))
    eventually(lambda: workstation.status()["watchdog"]["state"] == "ok")


def test_memory_that_does_not_come_free_is_refused_naming_who_holds_how_much(
    workstation: Workstation, smi: NvidiaSmi
) -> None:
    """The driver lists the service's process although that has ended: it is the service's all the same."""
    (pid,) = workstation.starts()
    first, second = cards(2)
    smi.show([first.having(Occupant(pid=pid, memory_mib=20_480)), second])
    eventually(lambda: workstation.status()["gpus"][0]["processes"])
    assert workstation.status()["gpus"][0]["processes"][0]["service"] == "chat"
    done = workstation.run("sentinel-request", "--quiet", "--", "echo", "ran")
    assert (done.code, done.out) == (75, "")
    assert re.fullmatch(
        rf"sentinel-request: refused: waited 1 s for service chat to leave the GPU; held by"
        rf" GPU 0: service chat \(pid {pid}, 20 GiB\)\n",
        done.err,
    ), done.err
    smi.show(cards(2))
    workstation.heals()


def test_a_card_that_falls_off_the_bus_is_unknown_and_the_other_is_not(
    workstation: Workstation, smi: NvidiaSmi
) -> None:
    smi.show(cards(2), lost=[1])
    eventually(
        lambda: not workstation.status()["gpus"][1]["known"] or workstation.status()["gpus"][1]["error"]
    )
    assert workstation.status()["gpus"][0]["known"]
    workstation.check_invariants()


def test_a_process_listed_without_a_number_is_not_taken_for_gone(
    workstation: Workstation, smi: NvidiaSmi
) -> None:
    """[N/A] is how containers and WSL show memory: unknown, and still a process on the GPU."""
    first, second = cards(2)
    stranger = workstation.popen("sleep", "60")
    smi.show([first.having(Occupant(pid=stranger.pid, memory_mib=None)), second])
    eventually(lambda: workstation.is_now("paused"), "it is a rogue")
    assert workstation.status()["watchdog"]["foreign"][0]["memory_bytes"] is None
    assert stranger.poll() is None
    smi.show(cards(2))
    workstation.heals()
