"""`sentinel run`: a command through the queue, as if it ran here. Called by the table in `cli.app`.

Its output comes to stdout, its exit status is this one's, Ctrl-C ends it (a second one leaves it to end by
itself). With --pty it has this terminal: see `cli.jobs.terminal`.
"""

import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType
from typing import Any

import typer

from sentinel.cli.controller import PATIENCE, connected, note, print_json
from sentinel.cli.jobs.logs import copy
from sentinel.cli.jobs.submission import Submission, submitting
from sentinel.cli.jobs.words import ENDED, status_of
from sentinel.client.sync import Client
from sentinel.core.errors import ApiError, ApiUnavailable, SentinelError, UsageError
from sentinel.core.job import JobState

_INTERRUPTED = 130  # as shells count a death by SIGINT
_LOOK, _SELDOM = 1.0, 10.0
_BEFORE_RUNNING = (JobState.QUEUED, JobState.ALLOCATED, JobState.STARTING)

Job = Mapping[str, Any]


def _run(asked: Submission) -> None:
    """Run a command through the queue as if it ran here: its output, its exit status, Ctrl-C ends it.

    While it waits, stderr says why. With --json stdout gets the job at the end instead of its output. Options
    go before the command: sentinel run --gpus 2 -- python train.py --epochs 3
    """
    if asked.array:
        raise UsageError(
            "an array is many jobs, and one alone can run as if it ran here: sentinel job submit"
        )
    if asked.pty:
        from sentinel.cli.jobs.terminal import needs_terminal

        needs_terminal("--pty")
    with connected(None) as client:
        job = client.submit(**asked.fields)
        try:
            status = _on_terminal(client, job["id"]) if asked.pty else _follow(client, job["id"], asked)
        except ApiUnavailable:
            note(f"job {job['id']} goes on without this: sentinel job logs -f {job['id']}")
            raise
    raise typer.Exit(status)


command = submitting(_run)


# ------------------------------------------------------------------ its output


def _follow(client: Client, id: str, asked: Submission) -> int:
    with _cancelling(client, id) as interrupted, _saying_why(client, id):
        if not asked.as_json:
            copy(client.logs(id, follow=True))
            sys.stdout.flush()
        job = client.wait(id)[0]
    if asked.as_json:
        print_json(job)
    return _status(job, interrupted=interrupted.is_set())


def _status(job: Job, *, interrupted: bool) -> int:
    """The exit status, and a line about an end that its number does not tell."""
    state, reason = job["state"], job["reason"]
    if interrupted and state == JobState.CANCELED:
        return _INTERRUPTED
    known = job["exit_code"] is not None
    if state != JobState.SUCCEEDED and not (known and reason == f"exit code {job['exit_code']}"):
        note(f"job {job['id']} {state}{': ' + reason if reason else ''}")
    return status_of(job)


@contextmanager
def _cancelling(client: Client, id: str) -> Generator[Event]:
    """Ctrl-C asks for the job's end and goes on until it has come; a second one leaves."""
    asked = Event()

    def cancel() -> None:
        try:
            client.cancel(id, "Ctrl-C")
        except ApiError as error:
            if error.status != 409:  # it has ended meanwhile
                note(f"job {id} could not be canceled: {error.message}")

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            note(f"job {id} was asked to end; see sentinel job show {id}")
            raise KeyboardInterrupt
        asked.set()
        note(f"ending job {id}; Ctrl-C again leaves it to end by itself")
        Thread(target=cancel, name="cancel", daemon=True).start()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _saying_why(client: Client, id: str) -> Generator[None]:
    """Until it runs, stderr says why it does not, once that takes longer than a person expects."""
    over = Event()
    teller = Thread(target=_tell, args=(client, id, over), name="why", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()


def _tell(client: Client, id: str, over: Event) -> None:
    told = None
    seconds = PATIENCE
    while not over.wait(seconds):
        try:
            job = client.job(id)
        except SentinelError:
            continue  # whoever follows the job says what is wrong
        if job["state"] not in _BEFORE_RUNNING:
            told, seconds = None, _SELDOM  # should it be queued again, it is said again
            continue
        why = job["reason"] or f"it is {job['state']}"
        if why != told and not over.is_set():
            note(f"job {id} waits: {why}")
        told, seconds = why, _LOOK


# ------------------------------------------------------------------ its terminal


def _on_terminal(client: Client, id: str) -> int:
    from sentinel.cli.jobs.terminal import attach

    with _cancelling(client, id) as interrupted, _saying_why(client, id):
        job = _running(client, id)
    if job["state"] in ENDED:
        return _status(job, interrupted=interrupted.is_set())
    return attach(client, id)


def _running(client: Client, id: str) -> Job:
    """The job once it runs, or has ended without that."""
    return client.until(id, lambda job: job["state"] not in _BEFORE_RUNNING)
