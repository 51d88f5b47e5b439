"""kill -9 of the supervisor and of jobs at every step, full disks, restarts: no job lost, none run twice."""

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.workstation import alive, eventually
from tests.supervisor import supervised
from tests.supervisor.supervised import SOURCE, Agent, Supervised

from sentinel.core.clock import boottime


@pytest.fixture
def node() -> Iterator[Supervised]:
    new = Supervised()
    yield new
    new.close()


@pytest.fixture
def agent(node: Supervised) -> Agent:
    return node.start()


# Kills the supervisor before or after the Nth call of a function.
DIES = """
import os, sys
sys.path.insert(0, {source!r})
import sentinel.supervisor.loop
name, when, left = {name!r}, {when!r}, {count}
real = getattr(os, name)
def dying(*args, **kwargs):
    global left
    left -= 1
    if left == 0 and when == "before":
        os.kill(os.getpid(), 9)
    try:
        return real(*args, **kwargs)
    finally:
        if left == 0 and when == "after":
            os.kill(os.getpid(), 9)
from sentinel.supervisor.__main__ import main
import sentinel.supervisor.__main__ as start
old = start.gc.freeze
start.gc.freeze = lambda: (setattr(os, name, dying), old())
sys.exit(main())
"""
POINTS = [
    *[("write", when, count) for when in ("before", "after") for count in (1, 2, 3)],
    *[("fdatasync", when, count) for when in ("before", "after") for count in (1, 2)],
    *[("posix_spawn", when, 1) for when in ("before", "after")],
    *[("fork", when, 1) for when in ("before", "after")],
    *[("waitpid", when, 1) for when in ("before", "after")],
]


@pytest.mark.parametrize("way", [{}, {"limits": {"core": 0}}], ids=["spawned", "forked"])
def test_killed_at_any_step_nothing_is_lost_and_nothing_runs_twice(
    node: Supervised, way: dict[str, object]
) -> None:
    for name, when, count in POINTS:
        with contextlib.suppress(FileNotFoundError):
            (node.folder / "ran").unlink()
        code = DIES.format(source=str(SOURCE), name=name, when=when, count=count)
        command = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            code,
            *node.command("--foreground")[len(supervised.PYTHON) :],
        ]
        with (node.folder / "out").open("ab") as out:
            node.process = subprocess.Popen(command, stdout=out, stderr=out)
        agent = node.connect()
        message = node.message("sh", "-c", "echo $SENTINEL_JOB >>ran; sleep 0.05; exit 3", **way)
        token = message["token"]
        with contextlib.suppress(AssertionError, OSError):  # it dies, or this point is never reached
            agent.say(**message)
            agent.ended(token, seconds=1.5)
        node.kill()
        again = node.start()
        again.say(**message)
        event = again.ended(token)
        ran = (node.folder / "ran").read_text().split() if (node.folder / "ran").exists() else []
        here = f"killed {when} {name} {count}: {event}, ran {ran}"
        assert event["event"] == "exited", here
        if event["exit_code"] is not None:
            assert event["exit_code"] == 3, here
            assert ran == [token], here
        else:
            assert event["why"], here
            eventually(lambda token=token: not node.processes(token))
            assert len(ran) <= 1, here
        again.say(cmd="end", jobs=True)
        assert node.process
        node.process.wait(10)


def test_killed_again_and_again_in_a_burst(node: Supervised) -> None:
    dice = random.Random(5)
    messages = [node.message("sh", "-c", "echo $SENTINEL_JOB >>ran; exit 3") for _ in range(60)]
    ended: dict[str, dict[str, object]] = {}
    agent = node.start()
    for _ in range(8):
        with contextlib.suppress(OSError):
            for message in messages:
                if message["token"] not in ended:
                    agent.say(**message)
        time.sleep(dice.uniform(0.0, 0.08))
        agent = node.restart()
        ended |= {t: r for t, r in agent.records.items() if r["phase"] == "exited"}
    for message in messages:
        agent.say(**message)
    for message in messages:
        ended[message["token"]] = agent.ended(message["token"])
    ran = (node.folder / "ran").read_text().split()
    assert len(ran) == len(set(ran))
    for token, event in ended.items():
        if event["exit_code"] == 3:
            assert token in ran
        else:
            assert (event["exit_code"], event["signal"]) == (None, None)
            assert event["why"]
    assert not node.processes()


def test_a_burst_over_eight_slots(node: Supervised, agent: Agent) -> None:
    waiting = [node.message("sh", "-c", "echo $SENTINEL_JOB >>ran") for _ in range(500)]
    tokens = [message["token"] for message in waiting]
    running: set[str] = set()
    most = 0
    while waiting or running:
        while waiting and len(running) < 8:
            message = waiting.pop()
            agent.say(**message)
            running.add(message["token"])
        event = agent.receive()
        if event["event"] == "exited":
            assert event["exit_code"] == 0
            running.remove(event["token"])
            agent.say(cmd="forget", tokens=[event["token"]])
        most = max(most, len(running))
    assert most == 8
    assert sorted((node.folder / "ran").read_text().split()) == sorted(tokens)
    assert node.connect().records == {}


# ------------------------------------------------------------------ taking over


def test_a_successor_has_what_runs_and_sees_it_end(node: Supervised, agent: Agent) -> None:
    os.mkfifo(node.folder / "fifo")
    token = node.launch(agent, "sh", "-c", "read line <fifo; exit 7")
    pid = agent.until(token, "running")["pid"]
    agent = node.restart()
    assert agent.records[token]["phase"] == "running"
    assert agent.records[token]["pid"] == pid
    (node.folder / "fifo").write_text("go\n")
    event = agent.ended(token)
    # New kernels tell how a process ended that is nobody's child; what they do not tell is not made up.
    if event["exit_code"] is None:
        assert event["why"] == "its exit code is not known: the supervisor was restarted while it ran"
    else:
        assert (event["exit_code"], event["why"]) == (7, "")


def test_one_that_ended_while_nobody_looked_has_no_exit_code(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", "sleep 0.3; exit 7")
    agent.until(token, "running")
    node.kill()
    eventually(lambda: not node.processes(token))
    record = node.start().records[token]
    assert (record["phase"], record["exit_code"], record["signal"]) == ("exited", None, None)
    assert record["why"] == "nobody saw it end: the supervisor was restarted meanwhile"
    assert record["stopped"] is False


def test_what_such_a_one_left_behind_is_ended(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", "sleep 60 & (setsid sleep 61 &) ; sleep 0.3")
    agent.until(token, "running")
    node.kill()
    eventually(lambda: len(node.processes(token)) == 2, "the leader has ended")
    assert node.start().records[token]["phase"] == "exited"
    eventually(lambda: not node.processes(token))


def test_one_taken_over_is_stopped_with_all_that_is_its(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", "(setsid sleep 60 &) ; sleep 61 & wait")
    agent.until(token, "running")
    eventually(lambda: len(node.processes(token)) == 3)
    agent = node.restart()
    agent.say(cmd="stop", token=token, why="canceled", grace=5)
    event = agent.ended(token)
    assert (event["stopped"], event["exit_code"]) == (True, None)
    assert event["why"].startswith("canceled")
    eventually(lambda: not node.processes(token))


def test_a_stop_outlives_its_supervisor(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    eventually(lambda: "ready" in node.log())
    agent.say(cmd="stop", token=token, why="canceled", grace=1.5)
    agent.ended(node.launch(agent, "true"))  # so the stop is in the journal
    agent = node.restart()
    event = agent.ended(token)
    assert event["stopped"]
    assert not node.processes(token)


def test_a_time_limit_goes_on_while_no_supervisor_runs(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sleep", "60", time_limit=0.8)
    agent.until(token, "running")
    node.kill()
    time.sleep(1)
    assert node.processes(token)
    agent = node.start()
    eventually(lambda: not node.processes(token))
    agent = node.connect()
    event = agent.records[token] if agent.records[token]["phase"] == "exited" else agent.ended(token)
    assert event["stopped"]
    assert event["why"].startswith("over its time limit of 800 ms")


def test_a_renewed_lease_counts_after_a_restart(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sleep", "60", fence_at=boottime() + 0.5)
    agent.until(token, "running")
    agent.say(cmd="renew", fences={token: boottime() + 60})
    agent.ended(node.launch(agent, "true"))
    agent = node.restart()
    time.sleep(0.6)
    assert node.processes(token)
    assert node.connect().records[token]["phase"] == "running"


def test_another_process_with_the_same_number_is_not_taken_for_the_job(
    node: Supervised, agent: Agent
) -> None:
    token = node.launch(agent, "sleep", "60")
    pid = agent.until(token, "running")["pid"]
    node.kill()
    os.kill(pid, 9)
    eventually(lambda: not alive(pid))
    time.sleep(0.1)  # start times count in hundredths of a second
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        journal = node.dir / "journal"
        journal.write_text(journal.read_text().replace(f'"pid":{pid}', f'"pid":{stranger.pid}'))
        assert node.start().records[token]["phase"] == "exited"
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_after_a_reboot_nothing_runs(node: Supervised, agent: Agent) -> None:
    runs = node.launch(agent, "sleep", "60")
    agent.until(runs, "running")
    done = node.launch(agent, "sh", "-c", "exit 3")
    agent.ended(done)
    node.kill()
    journal = node.dir / "journal"
    journal.write_text(journal.read_text().replace(agent.hello["boot_id"], "another-boot"))
    records = node.start().records
    assert records[runs]["why"] == "the machine was restarted"
    assert (records[runs]["exit_code"], records[runs]["signal"]) == (None, None)
    assert records[runs]["gone"] and not records[done]["gone"]
    assert records[done]["exit_code"] == 3
    assert node.processes(runs)  # of this boot, and so nobody's


def test_a_torn_journal_is_read_up_to_the_tear(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sleep", "60")
    agent.until(token, "running")
    node.kill()
    with (node.dir / "journal").open("ab") as file:
        file.write(b'{"token":"' + token.encode() + b'","phase":"exi')
    assert node.start().records[token]["phase"] == "running"


def test_a_journal_full_of_rubbish_is_no_end(node: Supervised, agent: Agent) -> None:
    node.kill()
    rubbish = b'\0\xff\n{"token":"x","phase":"running"}\n[]\n{"token":5,"phase":[]}\n{"gone":7}\n'
    (node.dir / "journal").write_bytes(rubbish)
    agent = node.start()
    assert agent.records == {}
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0


# ------------------------------------------------------------------ jobs


def test_a_job_that_is_killed_says_so(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sleep", "60")
    os.kill(agent.until(token, "running")["pid"], 9)
    event = agent.ended(token)
    assert (event["signal"], event["stopped"]) == (9, False)


# ------------------------------------------------------------------ disks


@pytest.fixture
def small_disk(node: Supervised) -> Iterator[Path]:
    """The supervisor's folder on a disk of half a megabyte; `ballast` there fills what is left."""
    node.dir.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "sentinel", node.dir], check=True)
    yield node.dir / "ballast"
    node.close()
    subprocess.run(["umount", "-l", node.dir], check=False)


def fill(ballast: Path) -> None:
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)


@pytest.mark.root
def test_on_a_full_disk_nothing_begins_and_what_runs_goes_on(small_disk: Path, node: Supervised) -> None:
    agent = node.start()
    os.mkfifo(node.folder / "fifo")
    runs = node.launch(agent, "sh", "-c", "read line <fifo; exit 5")
    agent.until(runs, "running")
    fill(small_disk)
    refused = 0
    for _ in range(400):  # what fits into the journal's last page begins still
        message = node.message("touch", "begun")
        (node.folder / "begun").unlink(missing_ok=True)
        agent.say(**message)
        try:
            event = agent.ended(message["token"], seconds=0.3)
        except AssertionError:
            continue  # there was room for its begin and none for its end
        if event["event"] == "refused":
            assert not event["final"]
            assert "No space left on device" in event["why"]
            assert not (node.folder / "begun").exists()
            refused += 1
            if refused == 5:
                break
    assert refused == 5
    (node.folder / "fifo").write_text("go\n")
    time.sleep(0.3)
    assert node.connect().records[runs]["phase"] == "running"
    agent = node.agents[-1]
    small_disk.unlink()
    assert agent.ended(runs)["exit_code"] == 5
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0
    assert node.restart().records[runs]["exit_code"] == 5


@pytest.mark.root
def test_a_supervisor_starts_on_a_full_disk(small_disk: Path, node: Supervised) -> None:
    agent = node.start()
    runs = node.launch(agent, "sleep", "60")
    agent.until(runs, "running")
    node.kill()
    fill(small_disk)
    agent = node.start()
    assert agent.records[runs]["phase"] == "running"
    agent.say(cmd="stop", token=runs, why="canceled", grace=5)
    eventually(lambda: not node.processes(runs))
    small_disk.unlink()
    assert agent.ended(runs)["stopped"]


@pytest.mark.root
def test_a_log_that_fills_the_disk_is_the_jobs_own_error(small_disk: Path, node: Supervised) -> None:
    agent = node.start()
    event = agent.ended(node.launch(agent, "sh", "-c", "head -c 4000000 /dev/zero && echo no"))
    assert event["exit_code"] == 1
    (node.dir / "logs/job1.1.log").unlink()
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0


def test_a_log_is_kept_under_its_cap_while_its_job_writes(node: Supervised) -> None:
    node.options = (*node.options, "--log-cap", "256KiB")
    agent = node.start()
    script = "i=0; while [ $i -lt 12 ]; do seq 1 20000; sleep 0.2; i=$((i+1)); done; echo last"
    token = node.launch(agent, "sh", "-c", script)
    log = node.dir / "logs/job1.1.log"
    assert agent.ended(token, seconds=20)["exit_code"] == 0
    assert log.stat().st_size > 1_000_000
    eventually(lambda: log.stat().st_blocks * 512 <= 300 * 1024)
    data = log.read_bytes()
    assert data.startswith(b"1\n2\n3\n")
    assert data.endswith(b"20000\nlast\n")
