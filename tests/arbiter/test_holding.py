"""`with sentinel.gpu():` in programs: the lease is the block's, whatever happens in it and around it."""

import json
import os
import re
import signal
import sys

import pytest
from tests.e2e.workstation import GIB, Workstation, always, eventually

HEAD = """
import json, os, sys, time, sentinel
from sentinel.core.errors import ArbiterUnavailable, Refused, UsageError
KEYS = ("SENTINEL_LEASE", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
def env(): return {k: os.environ[k] for k in KEYS if k in os.environ}
def say(*what): print(*map(json.dumps, what), flush=True)
"""
STRICT = ("-X", "dev", "-W", "error")


def program(arbiter: Workstation, body: str, **env: str) -> list[object]:
    """Runs it to its end; what it said. A warning (of a socket left open, say) is an error."""
    done = arbiter.run(sys.executable, *STRICT, "-c", HEAD + body, env=env)
    assert (done.code, done.err) == (0, ""), done
    return [json.loads(line) for line in done.out.splitlines()]


def started(arbiter: Workstation, body: str, **popen: object) -> object:
    """Starts it; returns once it has said its first line."""
    process = arbiter.python(HEAD + body, **popen)
    assert process.stdout.readline(), process.communicate()
    return process


def test_the_block_has_the_gpus_and_the_environment_is_as_before_after_it(arbiter: Workstation) -> None:
    before, held, during, after = program(
        arbiter,
        """
say(env())
with sentinel.gpu(name="thesis") as gpus:
    say([gpus.lease, gpus.indices, gpus.uuids])
    say(env())
say(env())
""",
        CUDA_DEVICE_ORDER="FASTEST_FIRST",
    )
    assert before == after == {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}
    assert held[1] == [0, 1]  # pyright: ignore[reportIndexIssue]
    want = {"SENTINEL_LEASE": held[0], "CUDA_VISIBLE_DEVICES": ",".join(held[2])}  # pyright: ignore
    assert during == {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"} | want
    arbiter.heals()


def test_the_environment_may_be_left_alone(arbiter: Workstation) -> None:
    assert program(arbiter, "with sentinel.gpu(set_environment=False): say(env())") == [{}]


def test_inference_is_away_during_the_block_and_back_though_the_program_goes_on(arbiter: Workstation) -> None:
    process = started(
        arbiter, "with sentinel.gpu(): say(1); sys.stdin.readline()\nsay(2); sys.stdin.readline()", stdin=-1
    )
    assert not arbiter.answers()
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "2\n"
    assert arbiter.status()["leases"] == [], "given back before the block is left"
    eventually(arbiter.answers, "inference is back")
    assert process.poll() is None


def test_an_exception_in_the_block_comes_out_of_it_and_gives_the_gpus_back(arbiter: Workstation) -> None:
    said = program(
        arbiter,
        """
try:
    with sentinel.gpu(): raise KeyError("loss")
except KeyError as error: say(str(error)); say(env())
""",
    )
    assert said == ["'loss'", {}]
    arbiter.heals()


def test_what_is_asked_for(arbiter: Workstation) -> None:
    body = "with sentinel.gpu(count=1, memory='10GiB', name='x'): say(1); time.sleep(60)"
    started(arbiter, body)
    (lease,) = arbiter.status()["leases"]
    assert (lease["sharing"], lease["memory_bytes"], lease["holder"]) == ("exclusive", 10 * GIB, "x")
    assert len(lease["gpus"]) == 1
    other = 1 - lease["gpu_indices"][0]
    body = f"with sentinel.gpu(memory={5 * GIB}) as g: say(g.indices)"
    assert program(arbiter, body) == [[other]]
    assert program(arbiter, f"with sentinel.gpu(gpu_ids=('{other}',)) as g: say(g.indices)") == [[other]]


def test_refusals_and_mistakes_are_exceptions_of_ours(arbiter: Workstation) -> None:
    arbiter.granted("--gpus", "2")
    said = program(
        arbiter,
        """
for wanted, kind in (({"timeout": 0}, Refused), ({"timeout": 0.1}, Refused), ({"count": 9}, Refused),
                     ({"memory": "lots"}, UsageError)):
    try:
        with sentinel.gpu(**wanted): say("never")
    except kind as error: say(str(error))
say(env())
""",
    )
    assert "held by lease" in str(said[0])
    assert re.search("not within 1.. ms", str(said[1]))
    assert "this machine has 2" in str(said[2])
    assert "write it like 20GiB" in str(said[3])
    assert said[4] == {}


def test_without_an_arbiter_it_is_unavailable(workstation: Workstation) -> None:
    said = program(
        workstation,
        """
try:
    with sentinel.gpu(): say("never")
except ArbiterUnavailable as error: say(str(error))
""",
    )
    assert "there is no such socket" in str(said[0])


@pytest.mark.parametrize("wanted", ["", "count=1"])
def test_a_block_within_a_block_is_the_same_lease_and_the_outer_one_ends_it(
    arbiter: Workstation, wanted: str
) -> None:
    body = f"""
with sentinel.gpu(count=2) as outer:
    with sentinel.gpu({wanted}) as inner: say(outer.lease == inner.lease)
    say(env()["SENTINEL_LEASE"] == outer.lease)
    say("inner has ended"); sys.stdin.readline()
"""
    process = started(arbiter, body, stdin=-1)
    assert [process.stdout.readline() for _ in range(2)] == ["true\n", '"inner has ended"\n']
    assert len(arbiter.status()["leases"]) == 1
    process.communicate("\n", timeout=5)
    assert process.returncode == 0
    arbiter.heals()


def test_a_block_inside_of_sentinel_request_is_its_lease(arbiter: Workstation) -> None:
    body = HEAD + "\nwith sentinel.gpu() as g: say(g.lease == os.environ['SENTINEL_LEASE'])\nsay(env() != {})"
    done = arbiter.run("sentinel-request", "--", sys.executable, *STRICT, "-c", body)
    assert (done.out, done.err) == ("true\ntrue\n", "")


def test_one_block_after_the_other(arbiter: Workstation) -> None:
    body = "for _ in range(3):\n with sentinel.gpu() as g: say(g.lease)"
    assert len(set(map(str, program(arbiter, body)))) == 3
    arbiter.heals()


# ------------------------------------------------------------------ faults


def test_a_program_killed_inside_the_block_gives_all_back(arbiter: Workstation) -> None:
    process = started(arbiter, "with sentinel.gpu(): say(1); time.sleep(60)")
    process.kill()
    arbiter.heals()


@pytest.mark.parametrize("kill", [True, False])
def test_the_arbiter_restarts_inside_the_block(arbiter: Workstation, kill: bool) -> None:
    process = started(
        arbiter, "with sentinel.gpu() as g: say(g.lease); sys.stdin.readline()\nsay(2)", stdin=-1
    )
    lease = arbiter.status()["leases"][0]["id"]
    arbiter.kill() if kill else arbiter.stop()
    arbiter.start()
    assert [le["id"] for le in arbiter.status()["leases"]] == [lease]
    always(lambda: not arbiter.answers(), 0.3, "inference stays away")
    out, err = process.communicate("\n", timeout=5)
    assert (process.returncode, out, err) == (0, "2\n", "")
    arbiter.heals()


def test_an_arbiter_that_is_gone_at_the_end_of_the_block_is_no_error(arbiter: Workstation) -> None:
    process = arbiter.popen(
        *(sys.executable, *STRICT, "-c", HEAD + "with sentinel.gpu(): say(1); sys.stdin.readline()"), stdin=-1
    )
    assert process.stdout.readline()
    arbiter.kill()
    assert process.communicate("\n", timeout=5) == ("", "")
    assert process.returncode == 0


def test_a_lease_that_an_admin_ended_is_no_error_at_the_end_of_the_block(arbiter: Workstation) -> None:
    body = HEAD + "with sentinel.gpu() as g: say(g.lease); sys.stdin.readline()"
    process = arbiter.popen(sys.executable, *STRICT, "-c", body, stdin=-1)
    lease = json.loads(process.stdout.readline())
    assert arbiter.admin("evict", lease=lease, keep_running=True)["ok"]
    assert process.communicate("\n", timeout=5) == ("", "")


FORK = """
with sentinel.gpu():
    child = os.fork()
    if child == 0:
        {child}
    {parent}
"""


def test_a_fork_that_leaves_the_block_does_not_end_its_parent_s_lease(arbiter: Workstation) -> None:
    body = FORK.format(
        child="sys.exit(0)", parent="os.waitpid(child, 0); say('child has left'); time.sleep(60)"
    )
    started(arbiter, body)
    always(lambda: len(arbiter.status()["leases"]) == 1 and not arbiter.answers(), 0.4, "the lease stands")


def test_a_fork_that_works_on_when_its_parent_is_killed_keeps_the_lease(arbiter: Workstation) -> None:
    body = FORK.format(child="time.sleep(60)", parent="say(child); os.waitpid(child, 0)")
    process = arbiter.python(HEAD + body)
    child = int(process.stdout.readline())
    process.kill()
    always(lambda: len(arbiter.status()["leases"]) == 1 and not arbiter.answers(), 0.4, "the lease stands")
    os.kill(child, signal.SIGKILL)
    arbiter.heals()


def test_evicting_a_block_ends_its_forks_too(arbiter: Workstation) -> None:
    """They carry no mark in their environment: that is the one their parent was started with."""
    body = FORK.format(
        child="import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
        parent="say(child); os.waitpid(child, 0)",
    )
    process = arbiter.python(HEAD + body)
    assert process.stdout.readline()
    arbiter.admin("evict", lease=arbiter.status()["leases"][0]["id"])
    arbiter.heals()
