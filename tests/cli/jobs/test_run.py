import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.running import Cli
from tests.client.fake_controller import FakeController, Reply, Request, a_job, an_event, problem, sse

ID = "abcdefghjk"


def log(data: bytes) -> Reply:
    headers = {"Log-Offset": "0", "Log-Size": str(len(data)), "Log-Complete": "true"}
    return Reply(pieces=[data] if data else [], headers=headers)


def queue(cli: Cli, end: dict[str, Any], output: bytes = b"") -> None:
    cli.answers("POST jobs", a_job(ID))
    cli.answers(f"GET jobs/{ID}", end)
    cli.answers(f"GET jobs/{ID}/logs", log(output))


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        (a_job(ID, "SUCCEEDED", attempt=1, exit_code=0), 0, ""),
        (a_job(ID, "FAILED", attempt=1, exit_code=3, reason="exit code 3"), 3, ""),
        (a_job(ID, "FAILED", attempt=1, signal=9, reason="ended by signal 9"), 137, "ended by signal 9"),
        (a_job(ID, "FAILED", attempt=1, exit_code=0, reason="time limit"), 1, "FAILED: time limit"),
        (a_job(ID, "FAILED", attempt=1, reason="the machine was restarted"), 1, "machine was restarted"),
        (a_job(ID, "CANCELED", reason="canceled by bob"), 1, "CANCELED: canceled by bob"),
    ],
)
def test_output_and_exit_status_are_the_jobs(cli: Cli, end: dict[str, Any], status: int, said: str) -> None:
    queue(cli, end, b"hello\n" if end["attempt"] else b"")
    done = cli("run", "--cwd", "/", "--", "true")
    assert done.status == status
    assert done.out == ("hello\n" if end["attempt"] else "")
    assert said in done.err
    assert bool(said) == bool(done.err)


def test_an_array_does_not_run_as_if_it_ran_here(cli: Cli) -> None:
    done = cli("run", "--array", "0-9", "true")
    assert (done.status, "sentinel job submit" in done.err) == (2, True)
    assert cli.fake.requests == []


def test_json_is_the_job_instead_of_its_output(cli: Cli) -> None:
    queue(cli, a_job(ID, "FAILED", attempt=1, exit_code=3, reason="exit code 3"), b"hello")
    done = cli("run", "--json", "--cwd", "/", "true")
    assert (done.status, json.loads(done.out)["exit_code"]) == (3, 3)


def test_says_why_it_waits(cli: Cli) -> None:
    state = {"job": a_job(ID, reason="4 GPUs are held by bob's job")}
    queue(cli, state["job"], b"done\n")
    cli.answers(f"GET jobs/{ID}", lambda _: state["job"])
    cli.answers(f"GET jobs/{ID}/events", {"items": [an_event(1, ID, "submitted")], "next": None})

    def stream(_: Request) -> Reply:
        def pieces() -> Iterator[bytes]:
            time.sleep(1.3)
            state["job"] = a_job(ID, "SUCCEEDED", attempt=1, exit_code=0)
            yield from sse(an_event(2, ID, "succeeded"))

        return Reply(pieces=pieces())

    cli.answers("GET events/stream", stream)
    done = cli("run", "--cwd", "/", "true")
    assert (done.status, done.out) == (0, "done\n")
    assert done.err == f"sentinel: job {ID} waits: 4 GPUs are held by bob's job\n"


def test_a_no_to_the_submit(cli: Cli) -> None:
    cli.answers("POST jobs", problem(422, "cwd: no folder"))
    done = cli("run", "true")
    assert (done.status, done.err) == (1, "sentinel: cwd: no folder\n")


def test_a_controller_that_goes_away_leaves_the_job(cli: Cli) -> None:
    queue(cli, a_job(ID, "RUNNING", attempt=1))
    cli.answers(f"GET jobs/{ID}", Reply(silent=True))
    from sentinel.client import sync

    assert sync.Client.__init__.__kwdefaults__["patience"] == 60.0
    sync.Client.__init__.__kwdefaults__["patience"] = 0.1
    try:
        done = cli("run", "--cwd", "/", "true")
    finally:
        sync.Client.__init__.__kwdefaults__["patience"] = 60.0
    assert done.status == 69
    assert f"sentinel job logs -f {ID}" in done.err


def test_a_terminal_is_needed_for_pty(cli: Cli) -> None:
    for words in (["run", "--pty", "true"], ["job", "attach", ID]):
        done = cli(*words)
        assert done.status == 2
        assert "needs a terminal" in done.err
    assert cli.fake.requests == []


class Cancelling:
    """A job that runs until it is cancelled; its log stays open as long."""

    def __init__(self, cli: Cli, *, ends: bool) -> None:
        self.job = a_job(ID, "RUNNING", attempt=1)
        self.over, self.ends = False, ends
        cli.answers("POST jobs", a_job(ID))
        cli.answers(f"GET jobs/{ID}", lambda _: self.job)
        cli.answers(f"POST jobs/{ID}/cancel", self.cancel)
        cli.answers(f"GET jobs/{ID}/logs", self.log)

    def cancel(self, _: Request) -> dict[str, Any]:
        if self.ends:
            self.job = a_job(ID, "CANCELED", attempt=1, signal=15, reason="Ctrl-C")
            self.over = True
        return self.job

    def log(self, request: Request) -> Reply:
        def pieces() -> Iterator[bytes]:
            yield b"begin\n"
            end = time.monotonic() + 10
            while not self.over and time.monotonic() < end:
                time.sleep(0.01)
            yield b"end\n"

        if request.query.get("offset"):
            return log(b"")
        return Reply(pieces=pieces(), headers={"Log-Offset": "0", "Log-Complete": "false"})


def started(fake: FakeController, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "sentinel.cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **fake.environment()},
    )


def _read(stream: Any, text: str) -> None:
    line = stream.readline()
    assert text in line, line


def test_ctrl_c_ends_the_job_and_goes_on_to_its_end(cli: Cli) -> None:
    Cancelling(cli, ends=True)
    with started(cli.fake, "run", "--cwd", "/", "true") as process:
        _read(process.stdout, "begin")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
    assert out == "end\n"
    assert process.returncode == 130
    assert f"ending job {ID}; Ctrl-C again leaves it" in err
    assert "Traceback" not in err
    assert len(cli.fake.asked(f"POST jobs/{ID}/cancel")) == 1


def test_a_second_ctrl_c_leaves(cli: Cli) -> None:
    held = Cancelling(cli, ends=False)
    with started(cli.fake, "run", "--cwd", "/", "true") as process:
        _read(process.stdout, "begin")
        process.send_signal(signal.SIGINT)
        _read(process.stderr, "ending job")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)
    held.over = True
    assert process.returncode == 130
    assert f"see sentinel job show {ID}" in err
    assert "Traceback" not in err


def test_ctrl_c_ends_following_a_log_and_nothing_else(cli: Cli) -> None:
    held = Cancelling(cli, ends=False)
    with started(cli.fake, "job", "logs", "-f", ID) as process:
        _read(process.stdout, "begin")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)
    held.over = True
    assert (process.returncode, err) == (130, "")
    assert cli.fake.asked(f"POST jobs/{ID}/cancel") == []
